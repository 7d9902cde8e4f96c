//! What a server tells while it runs: the SYN, statistics, metrics, and what signals ask for.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::Served;

fn exchange(served: &Served) -> TcpStream {
    let mut client = served.connect();
    let mut back = [0];
    let exchange = client
        .write_all(b"x")
        .and_then(|()| client.read_exact(&mut back));
    exchange.expect("the server echoes");
    client
}

#[test]
fn the_syn_of_a_connection_is_read() {
    let mut served = Served::start("127.0.0.1:0 --syn", 1);
    drop(exchange(&served));
    let syn = &served.next_of("accept")["syn"];
    // What every Linux sends over loopback, whose MTU is 65,536.
    assert_eq!((&syn["mss"], &syn["sack"]), (&65_495.into(), &true.into()));
    assert!(
        syn["ttl"].as_u64().is_some_and(|ttl| ttl > 0),
        "{syn:#} has a TTL"
    );
}

#[test]
fn tcp_info_comes_at_the_close_when_asked() {
    let mut served = Served::start("127.0.0.1:0 -v", 1);
    drop(exchange(&served));
    let close = served.next_of("close");
    assert!(close["tcp_info"].is_object(), "{close:#}");
}

#[test]
fn statistics_come_again_and_again_and_add_up() {
    let mut served = Served::start("127.0.0.1:0 --summary --stats-interval 50ms", 1);
    let client = exchange(&served);
    loop {
        let stats = served.next_of("stats");
        assert!(stats["accepts_per_second"].is_number(), "{stats:#}");
        if stats["bytes_out"] == 1 {
            assert_eq!((&stats["accepted"], &stats["open"]), (&1.into(), &1.into()));
            break;
        }
    }
    drop(client);
    while served.next_of("stats")["closed"]["fin"] != 1 {}
}

/// What is said to a request of the metrics by that method.
fn scrape(method: &str, port: u16) -> String {
    let mut client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let mut text = String::new();
    let question = format!("{method} /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let exchange = client
        .write_all(question.as_bytes())
        .and_then(|()| client.read_to_string(&mut text));
    exchange.expect("it answers");
    text
}

#[test]
fn metrics_are_scraped_in_the_form_of_openmetrics() {
    let mut served = Served::start("127.0.0.1:0 --metrics :0", 1);
    let port = served.next_of("metrics")["port"].as_u64();
    let port = port.and_then(|port| port.try_into().ok()).expect("a port");
    for _ in 0..4 {
        drop(exchange(&served));
        served.next_of("close");
    }
    let text = scrape("GET", port);
    // What has been told has been counted.
    assert!(text.contains("netkit_listen_accepted_total 4\n"), "{text}");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("application/openmetrics-text"), "{text}");
    let head = scrape("HEAD", port);
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert!(
        text.contains("netkit_listen_closed_total{cause=\"fin\"} 4\n"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
    let refused = scrape("POST", port);
    assert!(
        refused.starts_with("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET, HEAD\r\n"),
        "{refused}"
    );
}

#[test]
fn sigquit_says_what_is_known_by_now_and_it_goes_on() {
    let mut served = Served::start("127.0.0.1:0", 1);
    drop(exchange(&served));
    served.next_of("close");
    served.signal("QUIT");
    // A stream ends with its summary: what is known by now is a line of statistics.
    let interim = served.next_of("stats");
    assert_eq!(interim["accepted"], 1, "{interim:#}");
    assert_eq!(interim["closed"]["fin"], 1, "{interim:#}");
    drop(exchange(&served));
    served.next_of("close");
    served.signal("TERM");
    assert_eq!(served.next_of("summary")["totals"]["accepted"], 2);
}
