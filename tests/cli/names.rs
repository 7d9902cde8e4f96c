//! Dials by name: what the name server did is part of the report.

use crate::dns::{Behaviour, DnsServer, Script};
use crate::support::{Server, netkit, valid};

/// A name server that knows `web.example` as this machine.
fn zone() -> Script {
    Script::new().address("web.example", "127.0.0.1")
}

fn dial(names: &DnsServer, port: u16, more: &str) -> String {
    format!("dial web.example:{port} --ns {} {more}", names.addr())
}

#[test]
fn a_name_is_dialled_by_the_server_that_was_named() {
    let (server, names) = (Server::echo(), zone().start());
    let outcome = netkit(&dial(&names, server.port(), "")).run().status(0);
    outcome.says(&format!("A 1 from {}", names.addr()));
    server.was_hit(1);
    assert_eq!(names.seen().len(), 2, "AAAA and A, once each");
}

#[test]
fn a_way_around_a_silent_udp_port_is_told_with_its_reason() {
    let (server, names) = (Server::echo(), zone().udp(Behaviour::Silent).start());
    let line = dial(&names, server.port(), "-4");
    let detour = format!("1 address over TCP (UDP silent) from {}", names.addr());
    let outcome = netkit(&line).run().status(0);
    outcome.says(&format!("dns: {detour}\n"));

    let value = netkit(&format!("{line} --json")).run().status(0).one();
    valid(&value);
    let resolve = &value["resolve"];
    assert_eq!(resolve["transport"], "tcp");
    let evidence = &resolve["questions"][0]["evidence"][0];
    assert_eq!(evidence["outcome"], "1 address over TCP (UDP silent)");
}

#[test]
fn a_name_that_does_not_exist_ends_with_three_and_says_who_said_so() {
    let names = zone().start();
    let addr = names.addr();
    let line = format!("dial nosuch.example:80 --ns {addr}");
    let outcome = netkit(&line).run().status(3);
    let outcome = outcome.says(&format!(
        "nosuch.example does not exist (NXDOMAIN from {addr})"
    ));
    outcome.says(&format!("the name server said so: {addr}"));
    let value = netkit(&format!("{line} --json")).run().status(3).one();
    valid(&value);
    assert_eq!(value["failure"]["kind"], "nxdomain");
    assert_eq!(value["failure"]["stage"], "resolve");
}

#[test]
fn a_silent_server_costs_no_more_than_the_timeout_and_is_named() {
    let names = zone().both(Behaviour::Silent).start();
    let line = dial(&names, 80, "-t 600ms --json");
    let outcome = netkit(&line).run();
    let value = outcome.one();
    valid(&value);
    let total = value["total_ms"].as_f64().expect("a number");
    assert!((595.0..650.0).contains(&total), "{outcome}");
    assert_eq!(value["failure"]["stage"], "resolve", "{outcome}");
}

#[test]
fn a_dead_first_server_does_not_keep_the_second_from_answering() {
    let (server, names) = (Server::echo(), zone().start());
    let dead = zone().both(Behaviour::Silent).start();
    let port = server.port();
    let line = format!(
        "dial web.example:{port} -4 -t 2 --ns {} --ns {}",
        dead.addr(),
        names.addr()
    );
    let outcome = netkit(&line).run().status(0);
    outcome.says(&format!(
        "no reply yet over UDP (2 sent) and TCP from {}",
        dead.addr()
    ));
}

#[test]
fn many_ports_of_a_name_are_one_lookup() {
    let (server, names) = (Server::echo(), zone().start());
    let port = server.port();
    let ports = format!("{}-{}", port.saturating_sub(30), port);
    let line = format!("dial web.example:{ports} --ns {}", names.addr());
    let outcome = netkit(&line).run();
    assert!([Some(0), Some(1)].contains(&outcome.code), "{outcome}");
    assert_eq!(names.seen().len(), 2, "{outcome}");
}

#[test]
fn every_probe_of_a_repetition_asks_anew() {
    let (server, names) = (Server::echo(), zone().start());
    let line = dial(&names, server.port(), "-4 -c 3 -i 200ms");
    netkit(&line).run().status(0);
    assert_eq!(names.seen().len(), 3);
}

#[test]
fn the_carrier_can_be_named() {
    let (server, names) = (Server::echo(), zone().start());
    let line = format!(
        "dial web.example:{} --ns tcp://{}",
        server.port(),
        names.addr()
    );
    netkit(&line).run().status(0);
    assert!(
        names.seen().iter().all(|seen| seen.tcp),
        "{:?}",
        names.seen()
    );
}

#[test]
fn a_server_that_cannot_be_used_is_a_usage_error_that_points_at_it() {
    for (server, says) in [
        (
            "ftp://192.0.2.53",
            "unknown scheme \"ftp\" of a name server",
        ),
        (
            "dns@192.0.2.53",
            "a name can be verified over TLS and QUIC only",
        ),
        ("192.0.2.53:99999", "port 99999 is out of range"),
    ] {
        let outcome = netkit(&format!("dial web.example:80 --ns {server}")).run();
        outcome.status(2).complains(says).complains("--ns");
    }
}
