//! Several addresses: which is tried when, which wins, and what becomes of the others.

use std::process::Command;
use std::time::Duration;

use hickory_resolver::proto::rr::RecordType;
use serde_json::Value;

use crate::bed::link::{Path, Shape};
use crate::bed::namespace::Hook;
use crate::bed::net::{SERVER_V4, SERVER_V6, Wire};
use crate::bed::serve::{self, Echo};
use crate::bed::skip::Need;
use crate::dns::{DnsServer, Script};
use crate::netkit::{Run, dial, start};

/// A second address of the server.
const OTHER_V4: &str = "192.0.2.3";
/// How late a timer may fire on a busy machine, milliseconds.
const LATE: f64 = 30.0;

/// A name server on the client's loopback that knows the server by both addresses.
fn dual_stack(net: &Wire) -> DnsServer {
    let zone = Script::new()
        .address("dual.example", SERVER_V6)
        .address("dual.example", SERVER_V4);
    net.client.enter(|| zone.start())
}

/// Dials a name of that server.
fn dial_name(net: &Wire, dns: &DnsServer, arguments: &str) -> Run {
    dial(&net.client, &format!("{arguments} --ns {}", dns.addr()))
}

/// Swallows all IPv6 TCP on its way into the server and counts the SYNs.
fn blackhole_v6(net: &Wire) {
    net.server.filter(
        Hook::Input,
        "meta nfproto ipv6 meta l4proto tcp counter drop",
    );
}

/// The attempt at an address.
fn attempt<'a>(run: &'a Run, address: &str) -> &'a Value {
    let attempts = run.at("/attempts").as_array();
    let to = |attempt: &&Value| {
        let addr = attempt["addr"].as_str().unwrap_or_default();
        addr.contains(address)
    };
    let found = attempts.and_then(|attempts| attempts.iter().find(to));
    found.unwrap_or_else(|| panic!("{address} was not tried{run}"))
}

fn started(run: &Run, address: &str) -> f64 {
    attempt(run, address)["started_ms"]
        .as_f64()
        .unwrap_or_else(|| panic!("the attempt at {address} has no start{run}"))
}

/// Claims how long after the one attempt the other began, in milliseconds.
fn starts_after(run: &Run, first: &str, second: &str, expected: f64) {
    let gap = started(run, second) - started(run, first);
    let holds = (expected..expected + LATE).contains(&gap);
    assert!(
        holds,
        "{second} began {gap} ms after {first}, not {expected}{run}"
    );
}

#[test]
fn a_blackholed_ipv6_costs_one_attempt_delay_and_is_given_up() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (dns, server) = (dual_stack(&net), Echo::start(&net.server));
    blackhole_v6(&net);
    // The hold outlasts the first retransmission of a SYN, so a loser still open would show.
    let hold = format!("dual.example:{} --hold 1200ms", server.port);
    let run = dial_name(&net, &dns, &hold);
    run.succeeds();
    starts_after(&run, SERVER_V6, SERVER_V4, 250.0);
    assert_eq!(attempt(&run, SERVER_V4)["outcome"], "won", "{run}");
    assert_eq!(attempt(&run, SERVER_V6)["outcome"], "cancelled", "{run}");
    run.between("/total_ms", 250.0, 330.0);
    assert_eq!(net.server.counted(), 1, "the loser was not closed{run}");
    assert_eq!(server.visit().unwrap(), b"");
}

#[test]
fn each_strategy_keeps_its_clients_timeline() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (dns, server) = (dual_stack(&net), Echo::start(&net.server));
    blackhole_v6(&net);
    for (flags, gap) in [
        ("--strategy go", 300.0),
        ("--strategy curl", 200.0),
        ("--strategy serial --attempt-timeout 400ms", 400.0),
        ("--attempt-delay 100ms", 100.0),
    ] {
        let run = dial_name(&net, &dns, &format!("dual.example:{} {flags}", server.port));
        run.succeeds();
        starts_after(&run, SERVER_V6, SERVER_V4, gap);
        assert_eq!(attempt(&run, SERVER_V4)["outcome"], "won", "{run}");
    }
}

#[test]
fn the_strategy_named_curl_is_as_fast_as_curl() {
    let Some(net) = Wire::lay(&[Need::Program("curl")]) else {
        return;
    };
    let (dns, server) = (dual_stack(&net), Echo::start(&net.server));
    blackhole_v6(&net);
    let port = server.port;
    let flags = format!("dual.example:{port} --strategy curl");
    let run = dial_name(&net, &dns, &flags);
    let resolve = format!("dual.example:{port}:[{SERVER_V6}],{SERVER_V4}");
    let url = format!("http://dual.example:{port}/");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "3", "--http0.9", "--noproxy", "*"])
        .args(["--output", "/dev/null", "--write-out", "%{time_connect}"])
        .args(["--resolve", &resolve, &url]);
    // It waits for the end of a reply that does not end; only the time to connect matters.
    let output = net.client.output(&mut curl);
    let seconds: f64 = String::from_utf8_lossy(&output.stdout)
        .parse()
        .unwrap_or_else(|_| panic!("no time in {output:?}"));
    let own = run.number("/total_ms");
    assert!(
        (own - seconds * 1000.0).abs() < LATE,
        "curl took {seconds} s{run}"
    );
}

#[test]
fn all_attempts_can_be_let_finish() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (dns, server) = (dual_stack(&net), Echo::start(&net.server));
    net.server.nft(
        "table inet lab {
            set seen { type inet_service; flags dynamic; timeout 10s; }
            chain input {
                type filter hook input priority 0
                meta nfproto ipv6 tcp flags & (syn | ack) == syn tcp sport != @seen \
                    add @seen { tcp sport } drop
            }
        }",
    );
    let run = dial_name(
        &net,
        &dns,
        &format!("dual.example:{} --race-all", server.port),
    );
    run.succeeds();
    assert_eq!(attempt(&run, SERVER_V4)["outcome"], "won", "{run}");
    let loser = attempt(&run, SERVER_V6);
    assert_eq!(loser["outcome"], "lost", "{run}");
    let ended = loser["ended_ms"].as_f64().unwrap_or_default();
    assert!((1000.0..1200.0).contains(&ended), "{run}");
    for _ in 0..2 {
        assert_eq!(server.visit().unwrap(), b"");
    }
}

#[test]
fn a_dead_first_address_of_the_only_family_costs_one_attempt_delay() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.server.ip(&format!("addr add {OTHER_V4}/24 dev wire"));
    net.server.filter(
        Hook::Input,
        &format!("ip daddr {SERVER_V4} tcp dport != 53 drop"),
    );
    let server = Echo::start(&net.server);
    // The dead address shares the longer prefix with the client's own, so it is tried first.
    let zone = Script::new()
        .address("two.example", SERVER_V4)
        .address("two.example", OTHER_V4);
    let dns = net.client.enter(|| zone.start());
    let run = dial_name(&net, &dns, &format!("two.example:{}", server.port));
    run.succeeds();
    starts_after(&run, SERVER_V4, OTHER_V4, 250.0);
    assert_eq!(attempt(&run, OTHER_V4)["outcome"], "won", "{run}");
}

#[test]
fn a_refusal_starts_the_next_address_at_once() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (dns, server) = (dual_stack(&net), Echo::start(&net.server));
    net.server.filter(
        Hook::Input,
        "meta nfproto ipv6 meta l4proto tcp reject with tcp reset",
    );
    let run = dial_name(&net, &dns, &format!("dual.example:{}", server.port));
    run.succeeds();
    let refused = attempt(&run, SERVER_V6);
    assert_eq!(refused["failure"]["kind"], "refused", "{run}");
    starts_after(&run, SERVER_V6, SERVER_V4, 0.0);
}

#[test]
fn when_all_addresses_fail_the_verdict_is_one_and_all_are_shown() {
    let Some(net) = Wire::lay(&[]) else { return };
    let dns = dual_stack(&net);
    let run = dial_name(&net, &dns, "dual.example:81");
    run.fails("connect", "refused").said_by("peer").exits(1);
    for address in [SERVER_V6, SERVER_V4] {
        assert_eq!(
            attempt(&run, address)["failure"]["kind"],
            "refused",
            "{run}"
        );
    }
}

#[test]
fn a_late_aaaa_answer_is_waited_for_only_for_the_resolution_delay() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    for (late, winner) in [(25, SERVER_V6), (400, SERVER_V4)] {
        let zone = Script::new()
            .address("dual.example", SERVER_V6)
            .address("dual.example", SERVER_V4)
            .delay(RecordType::AAAA, Duration::from_millis(late));
        let dns = net.client.enter(|| zone.start());
        let run = dial_name(&net, &dns, &format!("dual.example:{}", server.port));
        run.succeeds();
        assert_eq!(attempt(&run, winner)["outcome"], "won", "{run}");
        let waited = if late < 50 { late } else { 50 };
        #[expect(clippy::cast_precision_loss, reason = "tens of milliseconds")]
        let waited = waited as f64;
        run.between("/attempts/0/started_ms", waited, waited + LATE);
    }
}

#[test]
fn a_late_aaaa_answer_still_joins_a_race_that_is_on() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    net.server
        .filter(Hook::Input, "meta nfproto ipv4 meta l4proto tcp drop");
    let zone = Script::new()
        .address("dual.example", SERVER_V6)
        .address("dual.example", SERVER_V4)
        .delay(RecordType::AAAA, Duration::from_millis(150));
    let dns = net.client.enter(|| zone.start());
    let run = dial_name(&net, &dns, &format!("dual.example:{}", server.port));
    run.succeeds();
    assert_eq!(attempt(&run, SERVER_V4)["outcome"], "cancelled", "{run}");
    assert_eq!(attempt(&run, SERVER_V6)["outcome"], "won", "{run}");
    starts_after(&run, SERVER_V4, SERVER_V6, 250.0);
}

#[test]
fn a_name_that_does_not_exist_is_unresolved() {
    let Some(net) = Wire::lay(&[]) else { return };
    let dns = dual_stack(&net);
    let run = dial_name(&net, &dns, "nosuch.example:80");
    run.fails("resolve", "nxdomain")
        .said_by("name_server")
        .exits(3);
    assert_eq!(run.at("/attempts"), &serde_json::json!([]), "{run}");
}

#[test]
fn only_the_family_asked_for_is_asked_and_dialled() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (dns, server) = (dual_stack(&net), Echo::start(&net.server));
    let run = dial_name(&net, &dns, &format!("dual.example:{} -4", server.port));
    run.succeeds();
    assert_eq!(attempt(&run, SERVER_V4)["outcome"], "won", "{run}");
    assert!(dns.seen().iter().all(|seen| seen.rtype == RecordType::A));
}

#[test]
fn the_handshake_time_is_the_round_trip_of_the_link() {
    let [there, back] = [50, 20].map(|ms| Path {
        delay: Duration::from_millis(ms),
        ..Path::default()
    });
    let Some((net, _link)) = Wire::shaped(Shape { there, back }, &[]) else {
        return;
    };
    let server = serve::listen(&net.server);
    let running = start(
        &net.client,
        &format!("{SERVER_V4}:{}", serve::port(&server)),
    );
    let run = running.end();
    run.succeeds();
    run.between("/connect_ms", 70.0, 80.0);
    run.between("/tcp_info/rtt_ms", 70.0, 80.0);
    run.between("/attempts/0/handshake_rtt_ms", 70.0, 80.0);
}

#[test]
fn a_slower_ipv6_that_answers_within_the_attempt_delay_wins() {
    let there = Path {
        delay: Duration::from_millis(100),
        jitter: Duration::from_millis(20),
        ..Path::default()
    };
    let Some((net, _link)) = Wire::shaped(
        Shape {
            there,
            back: Path::default(),
        },
        &[],
    ) else {
        return;
    };
    let (dns, server) = (dual_stack(&net), Echo::start(&net.server));
    let run = dial_name(&net, &dns, &format!("dual.example:{}", server.port));
    run.succeeds();
    assert_eq!(attempt(&run, SERVER_V6)["outcome"], "won", "{run}");
    assert_eq!(
        run.at("/attempts").as_array().map(Vec::len),
        Some(1),
        "{run}"
    );
}
