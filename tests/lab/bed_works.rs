//! The test bed does what the cases rely on. Checked with other people's programs, so that a
//! wrong bed is not mistaken for a wrong netkit.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::bed::link::{Path, Shape};
use crate::bed::namespace::Hook;
use crate::bed::net::{FAR_V4, FAR_V6, Routed, SERVER_V4, SERVER_V6, Wire};
use crate::bed::serve::{self, Echo};
use crate::bed::skip::Need;

const PING: &[Need] = &[Need::Program("ping")];

#[test]
fn a_router_forwards_both_families() {
    let Some(net) = Routed::lay(PING) else { return };
    for address in [FAR_V4, FAR_V6] {
        net.client
            .run("ping", &["-n", "-c", "1", "-W", "2", address]);
    }
}

#[test]
fn a_link_takes_the_time_it_was_told_in_each_direction() {
    let [there, back] = [50, 20].map(|ms| Path {
        delay: Duration::from_millis(ms),
        ..Path::default()
    });
    let Some((net, _link)) = Wire::shaped(Shape { there, back }, PING) else {
        return;
    };
    let heard = net
        .client
        .run("ping", &["-n", "-c", "5", "-i", "0.1", SERVER_V6]);
    let least = ping_minimum(&heard);
    assert!((70.0..75.0).contains(&least), "{least} ms: {heard}");
}

#[test]
fn a_link_loses_the_share_it_was_told() {
    let there = Path {
        loss_pct: 30,
        ..Path::default()
    };
    let back = Path::default();
    let Some((net, _link)) = Wire::shaped(Shape { there, back }, &[]) else {
        return;
    };
    let heard = datagrams(&net, 200).len();
    assert!((120..160).contains(&heard), "{heard} of 200 arrived");
}

#[test]
fn jitter_lets_packets_overtake_each_other_only_when_asked() {
    for reorder in [false, true] {
        let jitter = Duration::from_millis(20);
        let there = Path {
            jitter,
            reorder,
            ..Path::default()
        };
        let back = Path::default();
        let Some((net, _link)) = Wire::shaped(Shape { there, back }, &[]) else {
            return;
        };
        let heard = datagrams(&net, 100);
        assert_eq!(heard.len(), 100);
        assert_eq!(heard.is_sorted(), !reorder, "{heard:?}");
    }
}

#[test]
fn a_firewall_drops_what_it_was_told_and_forgets_it_again() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    let to = format!("{SERVER_V4}:{}", server.port).parse().unwrap();
    let limit = Duration::from_millis(200);
    let connect = || net.client.enter(|| TcpStream::connect_timeout(&to, limit));
    let rule = format!("tcp dport {} drop", server.port);
    net.server.filter(Hook::Input, &rule);
    let error = connect().expect_err("a dropped SYN gets no answer");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    net.server.unfilter();
    let mut stream = connect().expect("the way is free again");
    stream.write_all(b"hello").unwrap();
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"hello");
    drop(stream);
    assert_eq!(server.visit().unwrap(), b"hello");
}

#[test]
fn a_full_accept_queue_answers_no_further_syn() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (listener, _waiting) = serve::listen_with_full_queue(&net.server);
    let to = format!("{SERVER_V4}:{}", serve::port(&listener));
    let to = to.parse().unwrap();
    let limit = Duration::from_millis(300);
    let asked = Instant::now();
    let error = net.client.enter(|| TcpStream::connect_timeout(&to, limit));
    assert!(error.is_err());
    assert!(asked.elapsed() >= limit);
}

#[test]
fn nothing_of_a_machine_is_left_after_it() {
    let Some(Wire { client, server }) = Wire::lay(&[]) else {
        return;
    };
    let echo = Echo::start(&server);
    drop((echo, server));
    // The kernel takes a namespace down some time after the last reference to it is gone, and
    // with it one end of the wire, and with that the other.
    let begun = Instant::now();
    while client.ip("-brief link").contains("wire") {
        assert!(begun.elapsed() < Duration::from_secs(10), "it still lives");
    }
}

/// Sends numbered datagrams from the client to the server and returns the numbers that arrive.
fn datagrams(net: &Wire, count: u32) -> Vec<u32> {
    let (inbox, port) = serve::silent_udp(&net.server);
    let outbox = net.client.enter(|| UdpSocket::bind("0.0.0.0:0"));
    let outbox = outbox.expect("a fresh machine has free ports");
    outbox.connect((SERVER_V4, port)).expect("there is a route");
    for number in 0..count {
        let sent = outbox.send(&number.to_be_bytes());
        sent.expect("the queue has room");
    }
    let patience = Some(Duration::from_millis(200));
    inbox.set_read_timeout(patience).expect("it is above zero");
    let mut number = [0; 4];
    std::iter::from_fn(|| {
        let length = inbox.recv(&mut number).ok()?;
        (length == number.len()).then(|| u32::from_be_bytes(number))
    })
    .collect()
}

/// The first of `min/avg/max/mdev` in ping's last line.
fn ping_minimum(output: &str) -> f64 {
    let line = output.lines().find_map(|line| line.split_once(" = "));
    let numbers = line.map_or("", |(_, numbers)| numbers);
    let least = numbers.split('/').next().unwrap_or_default();
    least
        .parse()
        .unwrap_or_else(|_| panic!("no round-trip times in: {output}"))
}
