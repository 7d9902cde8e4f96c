//! `netkit resolve` against other people's name servers.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::bed::name_servers::{Brand, NameServer, RECORDS, ZONE};
use crate::bed::skip::{Need, ready};
use crate::netkit::NETKIT;

fn run(arguments: &str) -> Output {
    let mut command = Command::new(NETKIT);
    command.arg("resolve").args(arguments.split_whitespace());
    command
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

/// The JSON lines and the status.
fn json(arguments: &str) -> (Vec<Value>, Option<i32>) {
    let output = run(&format!("{arguments} --json"));
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"));
    (lines.collect(), output.status.code())
}

fn one(arguments: &str) -> (Value, Option<i32>) {
    let (mut lines, code) = json(arguments);
    assert_eq!(lines.len(), 1, "{arguments}: {lines:#?}");
    (lines.remove(0), code)
}

const NEEDS: [Need; 4] = [
    Need::Program("knotd"),
    Need::Program("nsd"),
    Need::Program("unbound"),
    Need::Program("named"),
];

#[test]
fn every_real_server_is_understood() {
    if !ready(&NEEDS) {
        return;
    }
    for brand in Brand::ALL {
        let server = NameServer::start(brand);
        let at = server.addr();
        let rows = [
            ("www A", "answer", 0),
            ("www AAAA", "answer", 0),
            ("mail A --tcp", "answer", 0),
            ("gone A", "nxdomain", 3),
            ("mail AAAA", "no_data", 3),
            ("www TXT", "no_data", 3),
        ];
        for (question, verdict, status) in rows {
            let (name, rest) = question.split_once(' ').expect("name and type");
            let (value, code) = one(&format!("{name}.{ZONE} {rest} @{at}"));
            assert_eq!(value["verdict"], verdict, "{brand:?} {question}: {value:#}");
            assert_eq!(code, Some(status), "{brand:?} {question}");
            assert_eq!(value["server"], at.to_string());
            assert!(
                value["rtt_ms"].as_f64().is_some_and(|rtt| rtt > 0.0),
                "{value:#}"
            );
        }
        let (value, code) = one(&format!("www.other.example A @{at}"));
        assert_eq!(
            (&value["verdict"], code),
            (&"refused".into(), Some(3)),
            "{brand:?}: {value:#}"
        );
    }
}

#[test]
fn servers_whose_zones_differ_are_told_apart() {
    if !ready(&NEEDS) {
        return;
    }
    let newer = RECORDS
        .replace(" 7 3600", " 9 3600")
        .replace("192.0.2.1\n", "192.0.2.7\n");
    let (old, also_old) = (
        NameServer::start(Brand::Knot),
        NameServer::start(Brand::Nsd),
    );
    let new = NameServer::with(Brand::Bind, &newer);
    let at = format!("@{} @{} @{}", new.addr(), old.addr(), also_old.addr());
    let (lines, code) = json(&format!("www.{ZONE} A {at} --compare"));
    assert_eq!(code, Some(5));
    let comparison = lines.last().expect("four lines");
    assert_eq!(comparison["type"], "resolve_compare");
    assert_eq!(comparison["agree"], false);
    let servers = comparison["groups"][0]["servers"]
        .as_array()
        .expect("a list");
    assert_eq!(
        servers.len(),
        2,
        "the majority stands first: {comparison:#}"
    );
    let other = &comparison["groups"][1];
    assert_eq!(other["servers"][0], new.addr().to_string());
    assert_eq!(
        other["added"],
        serde_json::json!([format!("www.{ZONE} IN A 192.0.2.7")])
    );
    assert_eq!(
        other["missing"],
        serde_json::json!([format!("www.{ZONE} IN A 192.0.2.1")])
    );
    let (lines, code) = json(&format!("{ZONE} SOA {at} --compare"));
    assert_eq!(
        (code, &lines[3]["serial_skew"]),
        (Some(5), &2.into()),
        "{:#}",
        lines[3]
    );
    let (lines, code) = json(&format!("www.{ZONE} AAAA {at} --compare"));
    assert_eq!(
        (code, &lines[3]["agree"]),
        (Some(0), &true.into()),
        "{:#}",
        lines[3]
    );
}

#[test]
fn a_zone_is_transferred_from_every_server_as_dig_has_it() {
    let dig = [Need::Program("dig")];
    if !ready(&[&NEEDS[..], &dig].concat()) {
        return;
    }
    for brand in [Brand::Knot, Brand::Nsd, Brand::Bind] {
        let server = NameServer::start(brand);
        let at = server.addr();
        let output = run(&format!(
            "{ZONE} AXFR @{at} --zone-format --local-addr 127.0.0.9"
        ));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{brand:?}: {said}");
        let dig = Command::new("dig")
            .args([&format!("@{}", at.ip()), "-p", &at.port().to_string()])
            .args(["-b", "127.0.0.9", "+noall", "+answer", ZONE, "AXFR"])
            .output()
            .expect("dig starts");
        let lines = |output: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(output);
            let lines = text.lines().filter(|line| !line.starts_with(';'));
            lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(lines(&output.stdout), lines(&dig.stdout), "{brand:?}");
        let (lines, code) = json(&format!("{ZONE} AXFR @{at}"));
        let last = lines.last().expect("an end");
        assert_eq!(
            (code, &last["ok"], &last["serial"]),
            (Some(0), &true.into(), &7.into()),
            "{brand:?}: {last:#}"
        );
        assert_eq!(last["records"], lines.len() as u64 - 1);
    }
}
