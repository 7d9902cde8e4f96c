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
        Command::Resolve(args) => plan(*args, true),
        other => panic!("{other:?}"),
    }
}

/// Name and number of the type of every question.
fn asked(line: &str) -> Vec<String> {
    let plan = planned(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let questions = plan.groups.iter().flat_map(|group| &group.questions);
    questions
        .map(|question| format!("{} {}", question.text, question.rtype.0))
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
        assert_eq!(asked(line), ["www.example 15"], "{line}");
        let servers = planned(line).unwrap().config.stub.servers;
        assert_eq!(servers[0].to_string(), "192.0.2.1:53", "{line}");
    }
}

#[test]
fn every_name_is_asked_for_every_type() {
    assert_eq!(
        asked("a.example b.example MX AAAA"),
        [
            "a.example 15",
            "a.example 28",
            "b.example 15",
            "b.example 28",
        ]
    );
    assert_eq!(asked("a.example"), ["a.example 1", "a.example 28"]);
    assert_eq!(asked("-4 a.example"), ["a.example 1"]);
    assert_eq!(asked("-6 a.example"), ["a.example 28"]);
}

#[test]
fn a_word_that_is_a_type_is_one_unless_no_name_would_be_left() {
    assert_eq!(asked("mx"), ["mx 1", "mx 28"]);
    assert_eq!(asked("mx a"), ["mx 1"]);
    assert_eq!(asked("mx.example a mx"), ["mx.example 1", "mx.example 15"]);
    assert_eq!(asked("--name mx a mx"), ["mx 1", "mx 15"]);
    assert_eq!(asked("type65280 example"), ["example 65280"]);
    assert_eq!(asked("mx."), ["mx. 1", "mx. 28"]);
}

#[test]
fn addresses_are_looked_up_in_reverse() {
    let name = "1.2.0.192.in-addr.arpa.";
    assert_eq!(asked("192.0.2.1"), [format!("{name} 12")]);
    assert_eq!(asked("-x 192.0.2.1"), [format!("{name} 12")]);
    assert_eq!(asked("192.0.2.1 NS"), [format!("{name} 2")]);
    assert_eq!(
        asked("192.0.2.1 www.example"),
        [
            format!("{name} 12"),
            "www.example 1".to_owned(),
            "www.example 28".to_owned(),
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
        ("x @1.2.3", "\"1.2.3\" is not an IP address"),
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
