//! Repetition: a line a probe, then the statistics.

use crate::support::{Closed, Server, netkit};

#[test]
fn every_probe_has_a_line_and_the_summary_its_figures() {
    let server = Server::echo();
    let outcome = netkit(&format!("dial {} -c 3 -i 20ms", server.addr))
        .run()
        .status(0);
    let text = outcome.normal();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "#0 ADDR: connected in TIME", "{outcome}");
    assert_eq!(
        lines[3], "ADDR: 3 sent, 3 succeeded, 0.0% lost in TIME",
        "{outcome}"
    );
    let figures = "min TIME, mean TIME, p50 TIME, p90 TIME, p99 TIME, max TIME, stddev TIME";
    assert_eq!(
        lines[4],
        format!("time: {figures}, jitter TIME"),
        "{outcome}"
    );
    assert_eq!(lines[5], format!("lateness: {figures}"), "{outcome}");
    server.was_hit(3);
}

#[test]
fn loss_is_counted_and_decides_the_status() {
    let closed = Closed::new();
    let line = format!("dial {} -c 2 -i 10ms", closed.addr);
    netkit(&line)
        .run()
        .status(1)
        .says("2 sent, 0 succeeded, 100.0% lost, 2 refused");
}

#[test]
fn slow_probes_do_not_hold_up_the_schedule() {
    // Ten probes 100 ms apart to a service that never answers, each given 1.5 s.
    let silent = Server::udp_silent();
    let line = format!("dial udp://{} -c 10 -i 100ms -t 1500ms", silent.addr);
    let outcome = netkit(&line).run().status(124);
    assert!(outcome.took.as_secs() < 8, "the loop is closed{outcome}");
    // A busy machine may miss a slot or two; it must say so and not pretend.
    let sent = outcome.stdout.matches(": no reply after").count();
    let skipped = outcome.stdout.matches(": skipped").count();
    assert!(sent >= 5 && sent + skipped == 10, "{outcome}");
}

#[test]
fn a_probe_that_finds_no_place_is_skipped_and_said_to_be() {
    let silent = Server::udp_silent();
    let line = format!("dial udp://{} -c 4 -i 20ms -t 400ms -P 1", silent.addr);
    netkit(&line)
        .run()
        .status(124)
        .says("skipped, could not be sent when it was due")
        .says("3 skipped");
}

#[test]
fn the_table_has_a_histogram() {
    let server = Server::echo();
    let line = format!("dial {} -c 20 -i 2ms --color=always", server.addr);
    let outcome = netkit(&line).env("COLUMNS", "80").run().status(0);
    outcome.says("p99").says("jitter").says("late ").says("█");
}
