//! A peer that vanishes: what keepalive and the user timeout notice, when, and whether that is
//! what was predicted.

use std::net::TcpStream;

use crate::bed::namespace::Hook;
use crate::bed::net::{SERVER_V4, Wire};
use crate::bed::serve;
use crate::netkit::{Run, Running, start};

const KEEPALIVE: &str = "--keepalive 1s --keepalive-interval 1s --keepalive-count 3";

/// Starts a dial and waits until the server has accepted it.
fn connected(net: &Wire, arguments: &str) -> (Running, TcpStream) {
    let server = serve::listen(&net.server);
    let to = format!("{SERVER_V4}:{} {arguments}", serve::port(&server));
    let running = start(&net.client, &to);
    (running, serve::accept(&server))
}

/// Cuts the wire, both ways, without a word.
fn cut(net: &Wire) {
    for hook in [Hook::Input, Hook::Output] {
        net.server.filter(hook, "drop");
    }
}

/// Claims that the connection was found dead, and when: what was predicted, within a tenth.
fn detected(run: &Run, measured: &str, predicted: &str) {
    let (measured, predicted) = (run.number(measured), run.number(predicted));
    let ratio = measured / predicted;
    assert!(
        (0.9..=1.1).contains(&ratio),
        "{measured} ms, not {predicted}{run}"
    );
}

#[test]
fn keepalive_probes_are_counted_and_so_are_their_answers() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (running, _stream) = connected(&net, &format!("{KEEPALIVE} --hold 3500ms"));
    let run = running.end();
    run.succeeds();
    run.between("/hold/probes_sent", 2.0, 4.0);
    assert_eq!(
        run.at("/hold/probes_acked"),
        run.at("/hold/probes_sent"),
        "{run}"
    );
    assert_eq!(run.at("/hold/alive"), true, "{run}");
    for values in ["requested", "accepted"] {
        run.between(&format!("/keepalive/{values}/idle_ms"), 1000.0, 1000.0);
        run.between(&format!("/keepalive/{values}/interval_ms"), 1000.0, 1000.0);
        run.between(&format!("/keepalive/{values}/count"), 3.0, 3.0);
    }
}

#[test]
fn a_peer_that_vanishes_while_idle_is_found_dead_when_predicted() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (running, _stream) = connected(&net, &format!("{KEEPALIVE} --hold 10s"));
    cut(&net);
    let run = running.end();
    run.fails("receive", "half_open").said_by("nobody").exits(1);
    assert_eq!(run.at("/detection/idle_by"), "keepalive", "{run}");
    run.between("/detection/idle_ms", 4000.0, 4000.0);
    detected(&run, "/hold/held_ms", "/detection/idle_ms");
    assert_eq!(run.at("/hold/alive"), false, "{run}");
}

#[test]
fn a_user_timeout_overrides_the_number_of_probes() {
    let Some(net) = Wire::lay(&[]) else { return };
    let flags = format!("{KEEPALIVE} --user-timeout 2s --hold 10s");
    let (running, _stream) = connected(&net, &flags);
    cut(&net);
    let run = running.end();
    run.fails("receive", "half_open").exits(1);
    assert_eq!(run.at("/detection/idle_by"), "user_timeout", "{run}");
    detected(&run, "/hold/held_ms", "/detection/idle_ms");
}

#[test]
fn data_in_flight_to_a_vanished_peer_is_half_open_after_the_user_timeout() {
    let Some(net) = Wire::lay(&[]) else { return };
    // Segments with data are above 100 bytes, the handshake is below.
    net.server.filter(Hook::Input, "meta length > 100 drop");
    let text = "x".repeat(100);
    let flags = format!("--send {text} --expect y --user-timeout 3s -t 10s");
    let (running, _stream) = connected(&net, &flags);
    let run = running.end();
    run.fails("receive", "half_open").said_by("nobody").exits(1);
    let facts = run.evidence("unacknowledged");
    assert!(facts["retransmits"].as_u64() >= Some(2), "{run}");
    run.takes(3000, 3700);
    run.between("/detection/in_flight_ms", 3000.0, 3700.0);
}

#[test]
fn keepalive_alone_is_said_not_to_help_data_in_flight() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (running, _stream) = connected(&net, KEEPALIVE);
    let run = running.end();
    run.succeeds();
    assert_eq!(run.at("/detection/in_flight_by"), "tcp_retries2", "{run}");
    // 924.6 s with the system's default of 15 retries and an RTO of 200 ms.
    run.between("/detection/in_flight_ms", 800_000.0, 1_000_000.0);
    let warnings = run.at("/warnings").as_array().map_or(0, Vec::len);
    assert!(warnings > 0, "{run}");
}
