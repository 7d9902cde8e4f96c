//! Every behaviour and fault of `netkit listen`, met by `netkit dial` and by bare sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use super::Served;
use crate::support::netkit;

/// What a client hears that says `said`, closes its side, and reads to the end.
fn hear(served: &Served, said: &[u8]) -> Vec<u8> {
    let mut client = served.connect();
    let limit = Some(Duration::from_secs(10));
    client.set_read_timeout(limit).expect("it is open");
    client.write_all(said).expect("it reads");
    client.shutdown(Shutdown::Write).expect("it is open");
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).expect("it answers and ends");
    heard
}

fn dial(served: &Served, line: &str) -> serde_json::Value {
    let addr = format!("127.0.0.1:{}", served.ports[0]);
    netkit(&format!("dial {addr} {line} --json")).run().one()
}

#[test]
fn behaviours_say_what_they_are_for() {
    let rows: [(&[&str], &[u8], &[u8]); 6] = [
        (&["--discard"], b"x", b""),
        (&["--greet", r"220 hi\r\n"], b"", b"220 hi\r\n"),
        (&["--greet", "hi ", "--then", "echo"], b"you", b"hi you"),
        (&["--heartbeat"], b"1\n2\n", b"ACK\nACK\n"),
        (&["--respond", "done"], b"?", b"done"),
        (&["--exec", "tr a-z A-Z"], b"shout", b"SHOUT"),
    ];
    for (words, said, expected) in rows {
        let served = Served::start_words("127.0.0.1:0", words, 1);
        assert_eq!(hear(&served, said), expected, "{words:?}");
    }
    let mut served = Served::start_words("127.0.0.1:0", &["--exec", "exit 3"], 1);
    assert_eq!(hear(&served, b""), b"");
    let close = served.next_of("close");
    assert_eq!(
        (&close["cause"], &close["error"]),
        (&"failed".into(), &"exit status: 3".into())
    );
    let served = Served::start("127.0.0.1:0 --daytime", 1);
    assert!(hear(&served, b"").ends_with(b"-UTC\r\n"));
    let served = Served::start("127.0.0.1:0 --http", 1);
    let text = hear(&served, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(text.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(
        String::from_utf8(text)
            .unwrap()
            .contains("GET /x HTTP/1.1\npeer: 127.0.0.1:")
    );
}

#[test]
fn a_script_and_a_file_are_read_from_where_they_are() {
    let dir = std::env::temp_dir().join(format!("netkit-script-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (script, file) = (dir.join("script"), dir.join("file"));
    std::fs::write(&script, "send hello\\n\nexpect bye\nsend see you\\n\n").unwrap();
    std::fs::write(&file, b"\x00\xff content").unwrap();
    let words = ["--script", script.to_str().unwrap(), "--once"];
    let mut served = Served::start_words("127.0.0.1:0", &words, 1);
    assert_eq!(hear(&served, b"good bye"), b"hello\nsee you\n");
    assert_eq!(served.code(), Some(0));
    let mut served = Served::start_words("127.0.0.1:0", &words, 1);
    assert_eq!(hear(&served, b"what?"), b"hello\n");
    assert_eq!(served.next_of("close")["cause"], "unexpected");
    assert_eq!(served.code(), Some(5));
    let respond = format!("@{}", file.display());
    let served = Served::start_words("127.0.0.1:0", &["--respond", &respond], 1);
    assert_eq!(hear(&served, b"?"), b"\x00\xff content");
    std::fs::write(&script, "send hello\nsing\n").unwrap();
    netkit("listen 127.0.0.1:0")
        .arg("--script")
        .arg(&script)
        .run()
        .status(2)
        .complains("line 2");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn each_fault_is_what_dial_says_it_is_and_an_event() {
    let rows = [
        (
            "rst-after=10",
            "--send 0123456789abcdef --expect abcdef",
            "reset",
        ),
        ("rst-after=50ms", "--banner", "reset"),
        (
            "fin-after=10",
            "--send 0123456789abcdef --expect abcdef",
            "unexpected_reply",
        ),
        (
            "stall-after=0",
            "--send x --expect x --timeout 300ms",
            "timeout",
        ),
        ("half-close", "--send x --expect x", "closed_early"),
        ("close-on-accept", "--banner", "closed_early"),
        (
            "hang-up-on=QUIT",
            "--send QUIT --expect more",
            "closed_early",
        ),
        (
            "corrupt=100%",
            "--send xxxx --expect xxxx --timeout 300ms",
            "unexpected_reply",
        ),
    ];
    for (fault, line, kind) in rows {
        let mut served = Served::start(&format!("127.0.0.1:0 --fault {fault}"), 1);
        let report = dial(&served, line);
        let found = report["failure"]["kind"].as_str().unwrap_or("none");
        assert_eq!(found, kind, "{fault}: {report:#}");
        let event = served.next_of("fault");
        let word = fault.split('=').next().unwrap();
        assert_eq!((&event["fault"], &event["id"]), (&word.into(), &1.into()));
        // One that is stalled hears of the peer's leaving too.
        let close = served.next_of("close");
        let ended = ["fault", "fin", "reset"].map(serde_json::Value::from);
        assert!(ended.contains(&close["cause"]), "{fault}: {close:#}");
    }
}

#[test]
fn slow_faults_take_their_time_and_lose_nothing() {
    let rows = [
        ("delay=200ms", 200, 1_500),
        ("throttle=1KiB/s", 400, 4_000),
        ("slow-close=300ms", 300, 1_500),
        ("accept-delay=200ms", 200, 1_500),
    ];
    let said: Vec<u8> = (0..512)
        .map(|at| u8::try_from(at % 251).expect("small"))
        .collect();
    for (fault, least, most) in rows {
        let mut served = Served::start(&format!("127.0.0.1:0 --fault {fault}"), 1);
        let begun = Instant::now();
        assert_eq!(hear(&served, &said), said, "{fault}");
        let took = begun.elapsed().as_millis();
        assert!((least..most).contains(&took), "{fault}: {took} ms");
        let event = served.next_of("fault");
        let word = fault.split('=').next().unwrap();
        assert_eq!((&event["fault"], &event["id"]), (&word.into(), &1.into()));
    }
    let served = Served::start("127.0.0.1:0 --fault slice=1 --fault jitter=5ms", 1);
    assert_eq!(hear(&served, &said), said);
}

#[test]
fn a_server_that_accepts_nothing_looks_hung_not_closed() {
    let mut served = Served::start("127.0.0.1:0 --fault no-accept --backlog 1", 1);
    // The kernel completes handshakes until the queue is full: one more than asked.
    let _first: Vec<TcpStream> = (0..2).map(|_| served.connect()).collect();
    let report = dial(&served, "--timeout 300ms");
    assert_eq!(report["failure"]["kind"], "filtered", "{report:#}");
    let event = served.next_of("fault");
    assert_eq!(
        (&event["fault"], &event["id"]),
        (&"no-accept".into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_share_of_connections_is_struck_and_a_seed_repeats_it() {
    let outcomes = |seed: u32| -> Vec<bool> {
        let line = format!("127.0.0.1:0 --fault 50%:close-on-accept --seed {seed} --workers 1");
        let served = Served::start(&line, 1);
        (0..24).map(|_| hear_or_not(&served)).collect()
    };
    let first = outcomes(7);
    assert!(first.contains(&true) && first.contains(&false), "{first:?}");
    assert_eq!(first, outcomes(7));
    assert_ne!(first, outcomes(8));
}

/// Whether a connection is echoed.
fn hear_or_not(served: &Served) -> bool {
    let mut client = served.connect();
    // Who is closed on may notice while it still sends.
    let _ = client.write_all(b"x");
    matches!(client.read(&mut [0]), Ok(1))
}

#[test]
fn faults_of_datagrams_are_events_by_their_own_words() {
    for (fault, word) in [
        ("drop=100%", "drop"),
        ("duplicate", "duplicate"),
        ("reorder", "reorder"),
        ("corrupt=100%", "corrupt"),
        ("delay=1ms", "delay"),
        ("jitter=1ms", "jitter"),
    ] {
        let mut served = Served::start(&format!("udp://127.0.0.1:0 --fault {fault}"), 1);
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client
            .send_to(b"x", ("127.0.0.1", served.ports[0]))
            .unwrap();
        let event = served.next_of("fault");
        let peer = client.local_addr().unwrap().to_string();
        assert_eq!(
            (&event["fault"], &event["peer"]),
            (&word.into(), &peer.into())
        );
        served.signal("TERM");
        assert_eq!(served.next_of("summary")["totals"]["faults"], 1, "{fault}");
    }
}

#[test]
fn datagrams_are_lost_doubled_and_overtaken() {
    let ask = |line: &str, count: u8| -> Vec<u8> {
        let served = Served::start(&format!("udp://127.0.0.1:0 {line}"), 1);
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(("127.0.0.1", served.ports[0])).unwrap();
        client
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        for number in 0..count {
            client.send(&[number]).unwrap();
        }
        let mut heard = Vec::new();
        let mut one = [0; 4];
        while let Ok(1) = client.recv(&mut one) {
            heard.push(one[0]);
        }
        heard
    };
    let lost = ask("--fault drop=50% --seed 3", 100).len();
    assert!((25..75).contains(&lost), "{lost}");
    assert_eq!(ask("--fault duplicate", 3), [0, 0, 1, 1, 2, 2]);
    assert_eq!(ask("--fault reorder", 4), [1, 0, 3, 2]);
    assert_eq!(ask("--fault delay=50ms", 3), [0, 1, 2]);
    // A share of the delay is not that of the jitter beside it.
    let both = "--fault delay=1h --fault 1%:jitter=1ms --seed 1";
    assert_eq!(ask(both, 3), [] as [u8; 0]);
    assert_eq!(ask("--discard", 3), [] as [u8; 0]);
    netkit("listen udp://127.0.0.1:0 --fault rst-after=1")
        .run()
        .status(2)
        .complains("rst-after");
    netkit("listen 127.0.0.1:0 --fault drop=30%")
        .run()
        .status(2)
        .complains("datagrams");
}
