//! A dial never outlives its timeout by more than 50 ms, whatever hangs, and says at which stage.

use std::time::Instant;

use crate::bed::namespace::Hook;
use crate::bed::net::{SERVER_V4, Wire};
use crate::bed::serve;
use crate::netkit::{Run, dial};

/// The promise: how much longer than its timeout a dial may take, milliseconds.
const GRACE: u64 = 50;

/// Dials with a timeout and claims that it was kept.
fn within(net: &Wire, millis: u64, arguments: &str) -> Run {
    // What starting and ending the processes costs here and now is no part of the promise.
    let begun = Instant::now();
    net.client.run("timeout", &["1", "true"]);
    let spawn = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let run = dial(&net.client, &format!("{arguments} -t {millis}ms"));
    run.takes(millis, millis + GRACE + spawn);
    #[expect(clippy::cast_precision_loss, reason = "a second or so in milliseconds")]
    let (least, most) = (millis as f64, (millis + GRACE) as f64);
    run.between("/total_ms", least - 1.0, most);
    run
}

#[test]
fn a_silent_name_server_does_not_hold_it_up() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (_inbox, port) = serve::silent_udp(&net.server);
    let to = format!("name.example:80 --ns {SERVER_V4}:{port}");
    let run = within(&net, 700, &to);
    assert_eq!(run.at("/failure/stage"), "resolve", "{run}");
    let kind = run.at("/failure/kind");
    assert!(kind == "timeout" || kind == "dns_timeout", "{run}");
}

#[test]
fn a_dropped_syn_does_not_hold_it_up() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.server.filter(Hook::Input, "meta l4proto tcp drop");
    let run = within(&net, 700, &format!("{SERVER_V4}:81"));
    assert_eq!(run.at("/failure/stage"), "connect", "{run}");
    run.exits(124);
}

#[test]
fn a_peer_that_never_speaks_does_not_hold_it_up() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = serve::listen(&net.server);
    let to = format!("{SERVER_V4}:{}", serve::port(&server));
    for flags in ["--expect hello", "--banner", "--read 5", "--shutdown-write"] {
        let run = within(&net, 400, &format!("{to} {flags}"));
        run.fails("receive", "timeout").exits(124);
    }
}

#[test]
fn a_peer_that_never_reads_does_not_hold_it_up() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = serve::listen(&net.server);
    let file = std::env::temp_dir().join(format!("netkit-lab-{}-much", std::process::id()));
    // More than both sockets buffer.
    std::fs::write(&file, vec![0; 4 << 20]).expect("the temporary folder can be written");
    let to = format!("{SERVER_V4}:{}", serve::port(&server));
    let run = within(&net, 700, &format!("{to} --send-file {}", file.display()));
    std::fs::remove_file(&file).expect("it was just made");
    run.fails("send", "timeout").exits(124);
}

#[test]
fn one_address_can_be_bounded_by_itself() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.server.filter(Hook::Input, "meta l4proto tcp drop");
    let run = dial(
        &net.client,
        &format!("{SERVER_V4}:81 --attempt-timeout 300ms"),
    );
    assert_eq!(run.at("/failure/stage"), "connect", "{run}");
    run.exits(124).takes(300, 400);
}
