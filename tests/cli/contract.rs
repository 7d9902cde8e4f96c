//! `--json`: every line validated against the schema, and dials against the second reader.

#![expect(clippy::float_cmp, reason = "whole milliseconds are exact")]

use crate::support::{Closed, DialLine, Server, netkit, schema_takes, valid};

fn dial_line(line: &str) -> DialLine {
    let value = netkit(line).run().one();
    valid(&value);
    serde_json::from_value(value).expect("it was valid")
}

#[test]
fn a_success_carries_every_fact() {
    let server = Server::echo();
    let line = dial_line(&format!(
        "dial {} --json --send hello --expect hello",
        server.addr
    ));
    assert_eq!(
        (line.schema.as_str(), line.r#type.as_str()),
        ("netkit/1", "dial")
    );
    assert!(line.ok && line.failure.is_none() && line.outcome == "connected");
    assert_eq!(line.peer, Some(server.addr.to_string()));
    assert_eq!(line.port, Some(server.port()));
    assert_eq!(line.attempts.len(), 1);
    assert_eq!(line.attempts[0].outcome, "won");
    assert!(line.connect_ms.unwrap() > 0.0 && line.total_ms >= line.connect_ms);
    let exchange = line.exchange.unwrap();
    assert_eq!((exchange.sent_bytes, exchange.matched), (5, Some(true)));
    let keepalive = line.keepalive.unwrap();
    assert!(keepalive.requested.enabled && keepalive.accepted.unwrap().count == 9);
    assert_eq!(line.config.unwrap().timeout_ms, 5_000.0);
    assert!(line.tcp_info.unwrap().state == "established");
    assert!(line.ts.ends_with('Z') && line.ts.contains('T'));
}

#[test]
fn a_refusal_carries_the_verdict() {
    let closed = Closed::new();
    let line = dial_line(&format!("dial {} --json", closed.addr));
    let failure = line.failure.unwrap();
    assert_eq!(
        (failure.stage.as_str(), failure.kind.as_str()),
        ("connect", "refused")
    );
    assert_eq!(failure.who.party, "peer");
    assert_eq!(failure.errno.unwrap().name, "ECONNREFUSED");
    assert!(failure.hint.is_some() && line.connect_ms.is_none() && line.tcp_info.is_none());
}

#[test]
fn every_flag_in_force_is_echoed() {
    let server = Server::echo();
    let line = dial_line(&format!(
        "dial {} --json -t 2500ms --attempt-timeout 1 --strategy curl -4 --ttl 9 --user-timeout 3 \
         --keepalive 4 --keepalive-interval 5 --keepalive-count 6 --close rst --ns 127.0.0.1:5353",
        server.addr
    ));
    let config = line.config.unwrap();
    assert_eq!(config.timeout_ms, 2_500.0);
    assert_eq!(
        (config.attempt_timeout_ms, config.strategy.as_str()),
        (Some(1_000.0), "curl")
    );
    assert_eq!(config.family.as_deref(), Some("ipv4"));
    assert_eq!(config.socket.ttl, Some(9));
    assert_eq!(config.socket.user_timeout_ms, Some(3_000.0));
    assert_eq!(config.socket.keepalive.idle_ms, 4_000.0);
    assert_eq!(config.socket.close, "rst");
    assert_eq!(config.name_servers, ["127.0.0.1:5353"]);
}

#[test]
fn bytes_that_are_not_text_are_base64() {
    let server = Server::greeting(b"\xff\x00");
    let line = dial_line(&format!("dial {} --json --banner", server.addr));
    let received = line.exchange.unwrap().received;
    assert_eq!(
        serde_json::to_value(format!("{received:?}")).unwrap(),
        r#"Some(Base64("/wA="))"#
    );
}

#[test]
fn pretty_is_the_same_over_several_lines() {
    let server = Server::echo();
    let outcome = netkit(&format!("dial {} --pretty", server.addr))
        .run()
        .status(0);
    assert!(outcome.stdout.lines().count() > 20, "{outcome}");
    valid(&serde_json::from_str(&outcome.stdout).unwrap());
}

#[test]
fn a_stream_has_a_line_a_probe_and_ends_with_the_summary() {
    let server = Server::echo();
    let lines = netkit(&format!("dial {} --json -c 3 -i 200ms", server.addr))
        .run()
        .status(0)
        .json();
    lines.iter().for_each(valid);
    let kinds: Vec<_> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["dial", "dial", "dial", "summary"]);
    assert_eq!((&lines[0]["seq"], &lines[2]["seq"]), (&0.into(), &2.into()));
    assert_eq!(lines[1]["due_ms"], 200.0);
    let summary = &lines[3];
    assert_eq!(
        (&summary["mode"], &summary["exit_code"]),
        (&"repeat".into(), &0.into())
    );
    assert_eq!(summary["probes"][0]["succeeded"], 3);
    assert_eq!(summary["config"]["schedule"]["interval_ms"], 200.0);
}

#[test]
fn many_targets_stream_and_are_counted() {
    let (server, closed) = (Server::echo(), Closed::new());
    let lines = netkit(&format!("dial {} {} --json", server.addr, closed.addr))
        .run()
        .json();
    lines.iter().for_each(valid);
    assert_eq!(lines.len(), 3);
    let many = &lines[2]["many"];
    assert_eq!(
        (&many["open"], &many["refused"], &many["targets"]),
        (&1.into(), &1.into(), &2.into())
    );
    assert_eq!(lines[2]["exit_code"], 1);
}

#[test]
fn waiting_streams_its_tries() {
    let closed = Closed::new();
    let outcome = netkit(&format!("dial {} --json --wait 300ms", closed.addr))
        .run()
        .status(124);
    let lines = outcome.json();
    lines.iter().for_each(valid);
    assert_eq!(lines[0]["type"], "retry", "{outcome}");
    assert_eq!(lines[0]["failure"]["kind"], "refused");
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["mode"], &summary["wait"]["ok"]),
        (&"wait".into(), &false.into())
    );
}

#[test]
fn the_exit_code_of_the_summary_is_the_exit_code() {
    let closed = Closed::new();
    let outcome = netkit(&format!("dial {} --json -c 2 -i 200ms", closed.addr)).run();
    let lines = outcome.json();
    assert_eq!(
        lines[2]["exit_code"].as_i64(),
        outcome.code.map(i64::from),
        "{outcome}"
    );
}

#[test]
fn the_schema_refuses_what_is_not_the_contract() {
    let server = Server::echo();
    let line = netkit(&format!("dial {} --json", server.addr)).run().one();
    assert!(schema_takes(&line));
    let keys: Vec<_> = line.as_object().unwrap().keys().cloned().collect();
    for key in keys {
        let mut without = line.clone();
        without.as_object_mut().unwrap().remove(&key);
        assert!(!schema_takes(&without), "{key} may be missing");
        let mut wrong = line.clone();
        wrong[&key] = serde_json::json!([["wrong"]]);
        assert!(!schema_takes(&wrong), "{key} may be anything");
    }
}

#[test]
fn the_values_of_options_have_their_types() {
    let server = Server::echo();
    let flags = "--ttl 9 --nodelay=off --congestion reno --json";
    let line = netkit(&format!("dial {} {flags}", server.addr))
        .run()
        .status(0)
        .one();
    let options: Vec<_> = line["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| (&option["name"], &option["requested"], &option["accepted"]))
        .map(|(name, requested, accepted)| format!("{name} {requested} {accepted}"))
        .collect();
    assert_eq!(
        options,
        [
            "\"ttl\" 9 9",
            "\"congestion\" \"reno\" \"reno\"",
            "\"nodelay\" false false"
        ]
    );
}
