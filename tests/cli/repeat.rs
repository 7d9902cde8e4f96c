//! Repetition: a line a probe, then the statistics.

use std::io::{Read as _, Write as _};

use crate::support::{Closed, Server, netkit};

#[test]
fn every_probe_has_a_line_and_the_summary_its_figures() {
    let server = Server::echo();
    let outcome = netkit(&format!("dial {} -c 3 -i 200ms", server.addr))
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
    let line = format!("dial {} -c 2 -i 200ms", closed.addr);
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
    let line = format!("dial {} -c 20 -i 20ms --color=always", server.addr);
    let outcome = netkit(&line).env("COLUMNS", "80").run().status(0);
    outcome.says("p99").says("jitter").says("late ").says("█");
}

#[test]
fn requests_go_over_connections_that_earlier_ones_left() {
    let server = Server::echo();
    let line = format!(
        "dial {} -c 3 -i 200ms -t 5s --reuse --send ping --expect ping",
        server.addr
    );
    let outcome = netkit(&line).run().status(0);
    let text = outcome.normal();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0], "#0 ADDR: answered in TIME, connected in TIME",
        "{outcome}"
    );
    assert_eq!(
        lines[2], "#2 ADDR: answered in TIME, connection reused",
        "{outcome}"
    );
    assert_eq!(
        lines[3], "ADDR: 3 sent, 3 succeeded, 0.0% lost, 2 hits, 1 miss in TIME",
        "{outcome}"
    );
    server.was_hit(1);
    let lines = netkit(&format!("{line} --json")).run().status(0).json();
    lines.iter().for_each(crate::support::valid);
    let reused: Vec<_> = lines[..3].iter().map(|line| &line["reused"]).collect();
    assert_eq!(reused, [false, true, true]);
    assert_eq!(lines[1]["connect_ms"], serde_json::Value::Null);
    assert_eq!(
        lines[3]["probes"][0]["reuse"],
        serde_json::json!({"hits": 2, "misses": 1})
    );
    assert_eq!(lines[3]["config"]["schedule"]["reuse"], true);
}

#[test]
fn a_server_that_closes_after_each_answer_leaves_nothing_to_use_again() {
    let server = Server::tcp(|mut stream| {
        let mut chunk = [0; 4];
        let _ = stream.read_exact(&mut chunk);
        let _ = stream.write_all(&chunk);
    });
    let line = format!(
        "dial {} -c 3 -i 200ms -t 5s --reuse --send ping --expect ping",
        server.addr
    );
    netkit(&line).run().status(0).says("0 hits, 3 misses");
    server.was_hit(3);
}
