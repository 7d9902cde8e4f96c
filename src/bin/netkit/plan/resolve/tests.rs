//! Command lines of `netkit resolve`, and what they mean.

use std::ffi::OsString;

use super::*;
use crate::args;
use crate::args::Command;

fn planned(line: &str) -> Result<QueryPlan, UsageError> {
    let typed: Vec<OsString> = format!("netkit resolve {line}")
        .split(' ')
        .map(Into::into)
        .collect();
    let cli = args::parse(&typed).unwrap_or_else(|error| panic!("{line}: {error}"));
    match cli.command {
        Command::Resolve(args) => plan(*args),
        other => panic!("{other:?}"),
    }
}

/// `name TYPE` of every question.
fn asked(line: &str) -> Vec<String> {
    let plan = planned(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let questions = plan.groups.iter().flat_map(|group| &group.questions);
    questions
        .map(|question| format!("{} {}", question.text, question.rtype))
        .collect()
}

#[test]
fn words_may_stand_in_any_order() {
    for line in [
        "www.example MX @192.0.2.1",
        "MX @192.0.2.1 www.example",
        "@192.0.2.1 mx www.example",
        "www.example --type mx --ns 192.0.2.1",
    ] {
        assert_eq!(asked(line), ["www.example MX"], "{line}");
        let servers = planned(line).unwrap().config.stub.servers;
        assert_eq!(servers[0].to_string(), "192.0.2.1:53", "{line}");
    }
}

#[test]
fn every_name_is_asked_for_every_type() {
    assert_eq!(
        asked("a.example b.example MX AAAA"),
        [
            "a.example MX",
            "a.example AAAA",
            "b.example MX",
            "b.example AAAA",
        ]
    );
    assert_eq!(asked("a.example"), ["a.example A", "a.example AAAA"]);
    assert_eq!(asked("-4 a.example"), ["a.example A"]);
    assert_eq!(asked("-6 a.example"), ["a.example AAAA"]);
}

#[test]
fn a_word_that_is_a_type_is_one_unless_no_name_would_be_left() {
    assert_eq!(asked("mx"), ["mx A", "mx AAAA"]);
    assert_eq!(asked("mx a"), ["mx A"]);
    assert_eq!(asked("mx.example a mx"), ["mx.example A", "mx.example MX"]);
    assert_eq!(asked("--name mx a mx"), ["mx A", "mx MX"]);
    assert_eq!(asked("type65280 example"), ["example TYPE65280"]);
    assert_eq!(asked("mx."), ["mx. A", "mx. AAAA"]);
}

#[test]
fn addresses_are_looked_up_in_reverse() {
    let name = "1.2.0.192.in-addr.arpa.";
    assert_eq!(asked("192.0.2.1"), [format!("{name} PTR")]);
    assert_eq!(asked("-x 192.0.2.1"), [format!("{name} PTR")]);
    assert_eq!(asked("192.0.2.1 NS"), [format!("{name} NS")]);
    assert_eq!(
        asked("192.0.2.1 www.example"),
        [
            format!("{name} PTR"),
            "www.example A".to_owned(),
            "www.example AAAA".to_owned(),
        ]
    );
}

#[test]
fn what_cannot_be_honoured_is_refused() {
    let rows = [
        ("@192.0.2.1", "nothing was asked"),
        ("a..b", "\"a..b\" is not a domain name"),
        ("x +trace", "+trace is an option of dig"),
        ("x --type frob", "--type"),
        ("x @frob..", "not an IP address"),
        (
            "x @udp://192.0.2.1 --tcp",
            "--tcp contradicts the server udp://192.0.2.1:53",
        ),
        (
            "x @tcp://192.0.2.1 --udp-only",
            "--udp-only contradicts the server",
        ),
        (
            "x @192.0.2.1 --ns-mode all",
            "--ns-mode is about several servers",
        ),
        ("x --short --json", "several forms of output"),
    ];
    for (line, says) in rows {
        let error = planned(line).expect_err(line);
        assert!(error.message.contains(says), "{line}: {error}");
    }
}
