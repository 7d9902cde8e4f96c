//! `netkit resolve` asking several servers, again and again, or for a whole zone.

use crate::dns::{Behaviour, DnsServer, Script};
use crate::support::{netkit, valid};

fn zone(ip: &str) -> Script {
    Script::new().address("web.example", ip)
}

fn valid_all(lines: &[serde_json::Value]) {
    lines.iter().for_each(valid);
}

fn at(servers: &[&DnsServer]) -> String {
    let words: Vec<_> = servers
        .iter()
        .map(|server| format!("@{}", server.addr()))
        .collect();
    words.join(" ")
}

#[test]
fn servers_that_agree_are_success_and_those_that_do_not_are_named() {
    let (one, two, other) = (
        zone("192.0.2.1").start(),
        zone("192.0.2.1").start(),
        zone("192.0.2.9").start(),
    );
    let line = format!("resolve web.example A --compare {}", at(&[&one, &two]));
    netkit(&line).run().status(0).says("2 servers agree");

    let line = format!(
        "resolve web.example A --compare {}",
        at(&[&other, &one, &two])
    );
    let outcome = netkit(&line).run().status(5);
    let outcome = outcome.says("3 servers, 2 different answers");
    let outcome = outcome.says("+ web.example IN A 192.0.2.9");
    outcome.says("- web.example IN A 192.0.2.1");

    let outcome = netkit(&format!("{line} --json")).run().status(5);
    let lines = outcome.json();
    valid_all(&lines);
    assert_eq!(lines.len(), 4, "a line a server, and the comparison");
    let comparison = &lines[3];
    assert_eq!(
        comparison["groups"][0]["servers"].as_array().unwrap().len(),
        2
    );
    assert_eq!(
        comparison["groups"][1]["servers"][0],
        other.addr().to_string()
    );
}

#[test]
fn a_server_that_fails_disagrees_with_one_that_answers() {
    let good = zone("192.0.2.1").start();
    let bad = zone("192.0.2.1").both(Behaviour::Code(2)).start();
    let line = format!("resolve web.example A --compare {}", at(&[&good, &bad]));
    netkit(&line).run().status(5).says("servfail");
}

#[test]
fn a_count_gives_a_line_each_and_the_statistics() {
    let server = zone("192.0.2.1").start();
    let line = format!("resolve web.example A -c 5 -i 200ms {}", at(&[&server]));
    let outcome = netkit(&line).run().status(0);
    outcome.says("5 sent, 5 answered, 0.0% lost");
    assert_eq!(server.seen().len(), 5);
    let outcome = netkit(&format!("{line} --json")).run().status(0);
    let lines = outcome.json();
    valid_all(&lines);
    assert_eq!(lines.len(), 6);
    let summary = &lines[5];
    assert_eq!(summary["type"], "resolve_summary");
    assert_eq!(summary["exit_code"], 0);
    let question = &summary["questions"][0];
    assert_eq!(
        (&question["sent"], &question["answered"]),
        (&5.into(), &5.into())
    );
    assert_eq!(
        (&question["ttl"]["min"], &question["ttl"]["max"]),
        (&300.into(), &300.into())
    );
    assert!(question["rtt"]["p99_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn lost_questions_are_counted_open_loop() {
    let server = zone("192.0.2.1").both(Behaviour::Silent).start();
    let line = format!(
        "resolve web.example A -c 4 -i 50ms -t 200ms --json {}",
        at(&[&server])
    );
    let outcome = netkit(&line).run().status(3);
    let lines = outcome.json();
    valid_all(&lines);
    let question = &lines[4]["questions"][0];
    assert_eq!(
        (&question["sent"], &question["lost"]),
        (&4.into(), &4.into())
    );
    let total = question["total_ms"].as_f64().unwrap();
    assert!(
        (340.0..500.0).contains(&total),
        "one does not wait for the other: {total}"
    );
}

#[test]
fn a_watch_ends_when_the_record_is_there() {
    let server = zone("192.0.2.1").start();
    let line = format!(
        "resolve web.example --watch --until A=192.0.2.1 {}",
        at(&[&server])
    );
    netkit(&line).run().status(0).says("as waited for");
    let outcome = netkit(&format!("{line} --json")).run().status(0);
    let change = outcome.one();
    valid(&change);
    assert_eq!(
        (&change["type"], &change["met"]),
        (&"resolve_change".into(), &true.into())
    );
    assert_eq!(change["added"][0], "web.example IN A 192.0.2.1");
}

#[test]
fn a_watch_that_is_stopped_before_has_failed_its_expectation() {
    let server = zone("192.0.2.1").start();
    let line = format!(
        "resolve web.example A --watch --until A=192.0.2.7 -i 20ms {}",
        at(&[&server])
    );
    let running = netkit(&line).start();
    // The third question shows that it goes on, and that no change is no line.
    while server.seen().len() < 3 {
        std::thread::yield_now();
    }
    running.signal("INT");
    let outcome = running.wait().status(5);
    assert_eq!(
        outcome.stdout.matches("web.example A").count(),
        1,
        "{outcome}"
    );
}

#[test]
fn a_zone_that_is_not_given_is_told() {
    let server = zone("192.0.2.1").both(Behaviour::Code(5)).start();
    let line = format!("resolve example AXFR {}", at(&[&server]));
    netkit(&line)
        .run()
        .status(3)
        .complains("does not transfer example (REFUSED)");
    let outcome = netkit(&format!("{line} --json")).run().status(3);
    let transfer = outcome.one();
    valid(&transfer);
    assert_eq!(transfer["type"], "resolve_transfer");
    assert_eq!(transfer["verdict"], "refused");
    let closed = zone("192.0.2.1").both(Behaviour::Closed).start();
    let line = format!("resolve example AXFR {} --json", at(&[&closed]));
    let transfer = netkit(&line).run().status(3).one();
    assert_eq!(transfer["verdict"], "port_closed");
}
