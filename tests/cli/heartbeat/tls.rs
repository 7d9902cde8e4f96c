//! `heartbeat` over TLS: which certificate the peer shows, and that it is another one.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::date_time_ymd;
use tokio_rustls::rustls::{ServerConnection, Stream};

use super::{lines, of_type};
use crate::support::{Server, netkit};
use crate::tls::{World, serve};
use crate::tls_server::{BOTH, Leaf, config};

/// Answers once a connection: the first with one certificate, all others with the second.
fn turns(first: &Leaf, then: &Leaf) -> Server {
    let configs = [first, then].map(|leaf| Arc::new(config(leaf, None, BOTH)));
    let visits = AtomicUsize::new(0);
    Server::tcp(move |mut stream| {
        let turn = visits.fetch_add(1, Ordering::SeqCst).min(1);
        let mut session = ServerConnection::new(configs[turn].clone()).expect("a session");
        let mut stream = Stream::new(&mut session, &mut stream);
        let mut said = [0; 64];
        if let Ok(count @ 1..) = stream.read(&mut said) {
            let _ = stream.write_all(&said[..count]);
        }
    })
}

/// One that runs out in five days and a half.
fn old(world: &World) -> Leaf {
    world.authority.leaf(&["127.0.0.1"], |params| {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("it is later");
        let left = Duration::from_secs(5 * 86_400 + 43_200);
        params.not_after = date_time_ymd(1970, 1, 1) + now + left;
    })
}

#[test]
fn another_certificate_than_before_is_told_and_its_days_can_fail_the_run() {
    let world = World::new("renewed");
    for probe in ["connect", "line", "line --pool 1"] {
        let server = turns(&world.authority.good(), &old(&world));
        let words = format!(
            "heartbeat tls://{} --ca {} -c 3 -i 300ms -t 20s --probe {probe} --fail-if cert_days<14",
            server.addr, world.ca
        );
        let outcome = netkit(&format!("{words} --json")).run().status(5);
        let lines = lines(&outcome);
        let told = of_type(&lines, "certificate");
        assert_eq!(told.len(), 2, "{outcome}");
        assert_eq!(told[0]["version"], "1.3");
        assert!(told[0]["previous_sha256"].is_null(), "{outcome}");
        assert!(told[0]["cert_days"].as_i64() > Some(20_000), "{outcome}");
        assert_eq!(told[1]["previous_sha256"], told[0]["sha256"], "{outcome}");
        assert_eq!(told[1]["cert_days"], 5, "{outcome}");
        let summary = lines.last().expect("a summary");
        assert_eq!(summary["targets"][0]["cert_days"], 5, "{outcome}");
        let failed = summary["failed"].as_str().unwrap_or_default();
        assert!(failed.ends_with(": cert_days<14"), "{outcome}");
    }
}

#[test]
fn people_are_told_of_the_certificate_in_one_line() {
    let world = World::new("renewed-text");
    let server = turns(&world.authority.good(), &old(&world));
    let words = format!(
        "heartbeat tls://{} --ca {} -c 3 -i 300ms -t 20s",
        server.addr, world.ca
    );
    let outcome = netkit(&words).run().status(0);
    let count = |words| outcome.stdout.matches(words).count();
    assert_eq!(count(": certificate SHA-256 "), 1, "{outcome}");
    assert_eq!(count(": another certificate: SHA-256 "), 1, "{outcome}");
    outcome
        .says(", 5 days left (TLS 1.3)")
        .says(", certificate 5 days left");
}

#[test]
fn a_certificate_that_will_not_do_is_told_all_the_same() {
    let world = World::new("expired-beats");
    let leaf = world.authority.leaf(&["127.0.0.1"], |params| {
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let server = serve(&leaf);
    for probe in ["connect", "echo"] {
        let words = format!(
            "heartbeat {} --ca {} -c 2 -i 300ms -t 20s --probe {probe} --json --fail-if cert_days<0",
            server.target(),
            world.ca
        );
        let outcome = netkit(&words).run().status(5);
        let lines = lines(&outcome);
        let told = of_type(&lines, "certificate");
        assert_eq!(told.len(), 1, "{outcome}");
        assert!(told[0]["cert_days"].as_i64() < Some(0), "{outcome}");
    }
    // Without TLS there is none.
    let plain = Server::echo();
    let words = format!("heartbeat {} -c 1 --json", plain.addr);
    let outcome = netkit(&words).run().status(0);
    let lines = lines(&outcome);
    assert!(of_type(&lines, "certificate").is_empty(), "{outcome}");
    let summary = lines.last().expect("a summary");
    assert!(summary["targets"][0]["cert_days"].is_null(), "{outcome}");
}
