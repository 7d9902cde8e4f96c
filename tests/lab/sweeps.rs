//! Many targets, and many dials of one, against a network that answers in every way at once.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::namespace::Hook;
use crate::bed::net::{FAR_V4, Routed, SERVER_V4, Wire};
use crate::bed::serve::{self, Echo};
use crate::netkit::{Run, dial, start};

/// A block that the far server answers for, every address of it.
const BLOCK: &str = "203.0.113.0/24";

/// A test that has waited this long has failed.
const PATIENCE: Duration = Duration::from_secs(9);

/// The last line, which sums up.
fn summary(run: &Run) -> &Value {
    let last = run.lines.last();
    let last = last.unwrap_or_else(|| panic!("nothing was printed{run}"));
    assert_eq!(last["type"], "summary", "{run}");
    last
}

/// How many result lines have an outcome.
fn ended(run: &Run, outcome: &str) -> usize {
    let lines = run.lines.iter().filter(|line| line["type"] == "dial");
    lines.filter(|line| line["outcome"] == outcome).count()
}

#[test]
fn a_block_is_counted_by_how_each_address_answered() {
    let Some(net) = Routed::lay(&[]) else { return };
    net.router.ip(&format!("route add {BLOCK} via {FAR_V4}"));
    net.server.ip(&format!("route add local {BLOCK} dev lo"));
    let server = serve::listen(&net.server);
    for (part, verdict) in [
        ("203.0.113.128/25", "drop"),
        ("203.0.113.64/26", "reject with tcp reset"),
        ("203.0.113.32/27", "reject with icmp admin-prohibited"),
    ] {
        let rule = format!("ip daddr {part} meta l4proto tcp {verdict}");
        net.server.filter(Hook::Input, &rule);
    }
    let to = format!("{BLOCK}:{} -t 1500ms", serve::port(&server));
    let run = dial(&net.client, &to);
    for (outcome, count) in [
        ("connected", 32),
        ("refused", 64),
        ("rejected", 32),
        ("filtered", 128),
    ] {
        assert_eq!(ended(&run, outcome), count, "{outcome}");
    }
    let many = &summary(&run)["many"];
    let expected = [
        ("open", 32),
        ("refused", 64),
        ("unreachable", 32),
        ("filtered", 128),
    ];
    for (count, expected) in expected {
        assert_eq!(many[count], expected, "{count}: {many}");
    }
    assert_eq!(many["targets"], 256, "{many}");
    run.exits(1).takes(1500, 3500);
}

#[test]
fn the_share_of_lost_dials_is_the_share_that_the_network_loses() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    // Every fourth SYN, so that the count is the same in every run.
    net.server.filter(
        Hook::Input,
        "tcp flags & (syn | ack) == syn numgen inc mod 4 == 0 drop",
    );
    let to = format!("{SERVER_V4}:{} -c 20 -i 20ms -t 500ms", server.port);
    let run = dial(&net.client, &to);
    let probes = &summary(&run)["probes"][0];
    let count = |name: &str| probes[name].as_u64().unwrap_or_default();
    // On a machine that is busy for longer than an interval a probe is skipped, and counted so.
    let sent = count("sent");
    assert_eq!(sent + count("skipped"), 20, "{probes}");
    assert!(sent >= 10, "{probes}");
    let lost = sent.div_ceil(4);
    assert_eq!(count("failed"), lost, "{probes}");
    assert_eq!(count("succeeded"), sent - lost, "{probes}");
    assert_eq!(ended(&run, "filtered") as u64, lost, "{run}");
    // Open loop: a probe that waits for its timeout does not hold the next one back.
    run.takes(500, 1500);
}

#[test]
fn a_random_loss_is_seen_as_loss() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    net.server.filter(
        Hook::Input,
        "tcp flags & (syn | ack) == syn numgen random mod 100 < 30 drop",
    );
    let to = format!("{SERVER_V4}:{} -c 100 -i 5ms -t 500ms", server.port);
    let run = dial(&net.client, &to);
    let loss = summary(&run)["probes"][0]["loss_pct"].as_f64();
    let loss = loss.unwrap_or_else(|| panic!("no loss was counted{run}"));
    // Five standard deviations on either side.
    assert!((7.0..=53.0).contains(&loss), "{loss} %");
}

#[test]
fn waiting_ends_when_the_server_comes_up() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    net.server.filter(
        Hook::Input,
        "meta l4proto tcp counter reject with tcp reset",
    );
    let to = format!("{SERVER_V4}:{} --wait 10s", server.port);
    let (begun, running) = (Instant::now(), start(&net.client, &to));
    while net.server.counted() < 3 {
        assert!(begun.elapsed() < PATIENCE, "netkit does not try again");
    }
    net.server.unfilter();
    let run = running.end();
    run.exits(0);
    let wait = &summary(&run)["wait"];
    assert_eq!(wait["ok"], true, "{run}");
    assert!(wait["targets"][0]["tries"].as_u64() > Some(3), "{run}");
}

#[test]
fn waiting_for_closed_ends_when_the_server_goes_down() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = serve::listen(&net.server);
    let to = format!(
        "{SERVER_V4}:{} --wait 10s --wait-for closed",
        serve::port(&server)
    );
    let running = start(&net.client, &to);
    drop((serve::accept(&server), server));
    let run = running.end();
    run.exits(0);
    assert_eq!(summary(&run)["wait"]["ok"], true, "{run}");
}
