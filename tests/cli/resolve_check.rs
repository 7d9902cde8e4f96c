//! `netkit resolve --check-server` against servers that fail one test or another.

use serde_json::Value;

use crate::dns::{Behaviour as B, Script};
use crate::support::{netkit, valid};

fn check(udp: B, tcp: B) -> (Value, Option<i32>) {
    let server = Script::new()
        .address("web.example", "192.0.2.1")
        .udp(udp)
        .tcp(tcp)
        .start();
    let line = format!(
        "resolve web.example A @{} --check-server --json --timeout 600ms",
        server.addr()
    );
    let outcome = netkit(&line).run();
    let value = outcome.one();
    valid(&value);
    (value, outcome.code)
}

fn row<'a>(value: &'a Value, test: &str) -> &'a Value {
    let rows = value["rows"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["test"] == test);
    row.unwrap_or_else(|| panic!("{test}: {value:#}"))
}

#[test]
fn what_a_server_does_wrong_is_found_and_ends_with_status_five() {
    let rows = [
        (B::Answer, B::Closed, "tcp", "refused"),
        (B::Closed, B::Answer, "udp", "closed"),
        (
            B::Code(5),
            B::Answer,
            "tc_honesty",
            "REFUSED over UDP, NOERROR over TCP",
        ),
        (
            B::Truncate,
            B::Truncate,
            "tc_honesty",
            "truncated over TCP too",
        ),
        (B::FormerrToEdns, B::Answer, "edns", "FORMERR to any EDNS"),
        (B::BadversToEdns, B::Answer, "edns", "BADVERS to any EDNS"),
        (B::Answer, B::Answer, "edns_version", "NOERROR to version 1"),
        (
            B::Huge,
            B::Answer,
            "payload_1232",
            "more than were announced",
        ),
        (B::Answer, B::Silent, "tcp_pipelining", "no reply"),
        (B::Garbage, B::Answer, "udp", "malformed"),
    ];
    for (udp, tcp, test, words) in rows {
        let case = format!("{udp:?} {tcp:?} {test}");
        let (value, status) = check(udp, tcp);
        let row = row(&value, test);
        assert_eq!(row["grade"], "fail", "{case}: {value:#}");
        let text = row["text"].as_str().expect("words");
        assert!(text.contains(words), "{case}: {text}");
        assert_eq!(
            (&value["grade"], status),
            (&"fail".into(), Some(5)),
            "{case}"
        );
    }
}
