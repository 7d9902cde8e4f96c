//! `heartbeat`: lines, contract, gates, hooks, signals.

mod pool;
mod tls;

use serde_json::Value;

use crate::support::{Closed, Outcome, Server, netkit, read_heartbeat, valid};

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

/// Every line is valid against the schema and the second reader.
fn lines(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.json();
    for line in &lines {
        valid(line);
        read_heartbeat(line);
    }
    lines
}

#[test]
fn every_beat_has_a_line_and_the_summary_its_figures() {
    let server = Server::echo();
    let outcome = netkit(&format!("heartbeat {} -c 3 -i 200ms -t 5s", server.addr))
        .run()
        .status(0);
    let text = outcome.normal();
    assert!(text.contains("#0 ADDR: TIME\n"), "{outcome}");
    assert!(
        text.contains("ADDR: up (unknown for TIME): replies\n"),
        "{outcome}"
    );
    assert!(
        text.contains("ADDR: up, 3 sent, 3 received, 0.0% lost\n"),
        "{outcome}"
    );
    outcome
        .says("available 100.000%")
        .says("jitter")
        .says("lateness: min");
    server.was_hit(3);
}

#[test]
fn a_session_is_one_connection_and_its_lines_keep_the_contract() {
    let server = Server::echo();
    for probe in ["echo", "line"] {
        let line = format!(
            "heartbeat {} -c 4 -i 200ms -t 5s --json --probe {probe}",
            server.addr
        );
        let outcome = netkit(&line).run().status(0);
        let lines = lines(&outcome);
        let beats = of_type(&lines, "beat");
        assert_eq!(beats.len(), 4, "{outcome}");
        assert!(beats.iter().all(|beat| beat["ok"] == true), "{outcome}");
        let summary = lines.last().expect("a summary");
        assert_eq!(summary["type"], "summary");
        assert_eq!(summary["exit_code"], 0);
        assert_eq!(summary["targets"][0]["received"], 4);
        assert_eq!(summary["config"]["probe"], probe);
        assert_eq!(of_type(&lines, "reconnect").len(), 1, "{outcome}");
    }
    server.was_hit(2);
}

#[test]
fn datagrams_and_name_servers_are_probed_too() {
    let echo = Server::udp_echo();
    let line = format!(
        "heartbeat udp://{} -c 3 -i 200ms -t 5s --json --probe echo",
        echo.addr
    );
    let all = lines(&netkit(&line).run().status(0));
    assert_eq!(all.last().expect("a summary")["targets"][0]["lost"], 0);
    // REFUSED without a question: what an empty name server says.
    let refuses = Server::udp(|query| {
        let mut reply = query[..12].to_vec();
        (reply[2], reply[3]) = (0x80, 5);
        reply[4..12].fill(0);
        Some(reply)
    });
    let line = format!(
        "heartbeat {} -c 3 -i 200ms -t 5s --json --probe dns",
        refuses.addr
    );
    let all = lines(&netkit(&line).run().status(1));
    let summary = &all.last().expect("a summary")["targets"][0];
    assert_eq!(summary["failures"]["dns_refused"], 3, "{summary:#}");
}

#[test]
fn an_outage_is_told_with_its_cause() {
    let closed = Closed::new();
    let line = format!("heartbeat {} -c 4 -i 200ms --json", closed.addr);
    let outcome = netkit(&line).run().status(1);
    let lines = lines(&outcome);
    let states: Vec<_> = of_type(&lines, "state")
        .iter()
        .map(|line| line["to"].clone())
        .collect();
    assert_eq!(states, ["suspect", "down"], "{outcome}");
    let summary = &lines.last().expect("a summary")["targets"][0];
    assert_eq!(summary["loss_pct"], 100.0);
    assert_eq!(summary["outages"][0]["failure"], "refused");
    assert_eq!(summary["outages"][0]["end_ms"], Value::Null);
}

#[test]
fn a_server_that_hangs_up_is_dialled_again() {
    let server = Server::closing();
    let line = format!(
        "heartbeat {} -c 3 -i 150ms --json --probe echo",
        server.addr
    );
    let outcome = netkit(&line).run();
    let lines = lines(&outcome);
    let ends = of_type(&lines, "disconnect");
    assert!(!ends.is_empty(), "{outcome}");
    let causes = ["fin", "rst"];
    assert!(
        ends.iter()
            .all(|end| causes.contains(&end["cause"].as_str().unwrap_or_default()))
    );
}

#[test]
fn an_application_that_answers_wrongly_is_down_and_not_hung() {
    let server = Server::echo();
    let line = format!(
        "heartbeat {} -c 3 -i 200ms -t 5s --json --probe line --expect ACK",
        server.addr
    );
    let outcome = netkit(&line).run().status(1);
    let lines = lines(&outcome);
    let target = &lines.last().expect("a summary")["targets"][0];
    assert_eq!(target["state"], "down", "{outcome}");
    assert_eq!(target["failures"]["unexpected_reply"], 3, "{outcome}");
}

#[test]
fn gates_decide_about_the_status() {
    let (server, closed) = (Server::echo(), Closed::new());
    let rows = [
        (server.addr, "--fail-if loss>1%", 0),
        (server.addr, "--fail-if p99>1us", 5),
        (closed.addr, "--fail-if loss>=100%", 5),
        (server.addr, "--until up>=2", 0),
        (server.addr, "--until lost>=1", 5),
        (closed.addr, "--until up>=1", 5),
        (closed.addr, "--until down>=2", 0),
    ];
    for (addr, gate, status) in rows {
        let (flag, condition) = gate.split_once(' ').expect("a flag and its value");
        netkit(&format!("heartbeat {addr} -c 4 -i 200ms -t 5s"))
            .arg(flag)
            .arg(condition)
            .run()
            .status(status);
    }
}

#[test]
fn until_ends_the_run_as_soon_as_it_holds() {
    let server = Server::echo();
    let line = format!(
        "heartbeat {} -i 10ms -t 5s --json --until up>=3",
        server.addr
    );
    let outcome = netkit(&line).run().status(0);
    let lines = lines(&outcome);
    assert_eq!(of_type(&lines, "beat").len(), 3, "{outcome}");
}

#[test]
fn hooks_are_told_what_happened() {
    let closed = Closed::new();
    let file = std::env::temp_dir().join(format!("netkit-hooks-{}", std::process::id()));
    let hook = |name: &str| {
        format!(
            "echo {name} $NETKIT_TARGET $NETKIT_PREVIOUS $NETKIT_STATE $NETKIT_REASON >> {}",
            file.display()
        )
    };
    netkit(&format!("heartbeat {} -c 4 -i 200ms -q", closed.addr))
        .arg("--on-down")
        .arg(hook("down"))
        .arg("--on-up")
        .arg(hook("up"))
        .run()
        .status(1)
        .says_nothing();
    let told = std::fs::read_to_string(&file).expect("the hook wrote it");
    std::fs::remove_file(&file).expect("it exists");
    assert_eq!(told, format!("down {} suspect down refused\n", closed.addr));
}

#[test]
fn lists_name_targets_and_each_has_its_own_state() {
    let (server, closed) = (Server::echo(), Closed::new());
    let list = format!("# two\n{}\n{}\n", server.addr, closed.addr);
    let outcome = netkit("heartbeat --targets - -c 3 -i 200ms -t 5s --json")
        .stdin(list)
        .run()
        .status(1);
    let lines = lines(&outcome);
    let summary = &lines.last().expect("a summary")["targets"];
    assert_eq!(
        (&summary[0]["state"], &summary[1]["state"]),
        (&"up".into(), &"down".into())
    );
}

#[test]
fn interrupted_it_reports_and_ends_by_health() {
    let server = Server::echo();
    let line = format!("heartbeat {} -i 10ms -t 5s --json", server.addr);
    let running = netkit(&line).start();
    while server.hits() < 3 {
        std::thread::yield_now();
    }
    running.signal("INT");
    let outcome = running.wait().status(0);
    let lines = lines(&outcome);
    assert_eq!(lines.last().expect("a summary")["interrupted"], true);
}

/// A command line, and what is said of it.
const REFUSED: &[(&str, &str)] = &[
    ("heartbeat", "no target was given"),
    ("heartbeat 127.0.0.1:9 --fall 0", "--fall"),
    ("heartbeat 127.0.0.1:9 -i 0", "--interval"),
    (
        "heartbeat 127.0.0.1:9 --suspect-after 10s",
        "--suspect-after 10s can never fire",
    ),
    (
        "heartbeat 127.0.0.1:9 --detector window --slow-after 2s",
        "--slow-after 2s can never fire",
    ),
    (
        "heartbeat 127.0.0.1:9 --detector window --fall 2",
        "--fall has no effect here",
    ),
    (
        "heartbeat 127.0.0.1:9 --send x",
        "--send has no effect here",
    ),
    (
        "heartbeat 127.0.0.1:9 --backoff-min 1s",
        "a session (--probe echo, line or dns)",
    ),
    (
        "heartbeat 127.0.0.1:9 --probe echo --backoff-min 9s",
        "is longer than --backoff-max",
    ),
    ("heartbeat udp://127.0.0.1:9", "nothing is connected"),
    ("heartbeat unix:/x --probe dns", "no name server is asked"),
    ("heartbeat 127.0.0.1:9 --breaker failures=0", "failures=0"),
    (
        "heartbeat 127.0.0.1:9 --breaker often=3",
        "`often` is not a setting",
    ),
    (
        "heartbeat 127.0.0.1:9 --fail-if loss>",
        "the condition ends too soon",
    ),
    (
        "heartbeat 127.0.0.1:9 --until p99>20",
        "a time such as `20ms`",
    ),
    (
        "heartbeat 127.0.0.1:9 --live",
        "standard output is no terminal",
    ),
    (
        "heartbeat 127.0.0.1:9 --pretty",
        "a stream is one line an object",
    ),
    (
        "heartbeat 127.0.0.1:9 --probe dns --query a/NOPE",
        "no type of record",
    ),
    ("heartbeat 127.0.0.1:9 --probe echo --pool 0", "from 1 to"),
    (
        "heartbeat 127.0.0.1:9 --pool 2",
        "each beat is a connection of its own",
    ),
    (
        "heartbeat 127.0.0.1:9 --probe dns --query a --pool 2",
        "one session takes all the questions",
    ),
    (
        "heartbeat 127.0.0.1:9 --probe echo --pool 2 --fail-if late>0",
        "ends with the beat that it did not answer in time",
    ),
    (
        "heartbeat 127.0.0.1:9 --fail-if cert_days<14",
        "no target is connected with TLS",
    ),
    (
        "heartbeat 127.0.0.1:9 --suspect-after 3s",
        "--suspect-after below 3s",
    ),
    (
        "heartbeat 127.0.0.1:9 --give-up-after soon --probe echo",
        "or `never`",
    ),
];

#[test]
fn what_cannot_work_is_refused_with_what_would() {
    for (line, complaint) in REFUSED {
        netkit(line).run().status(2).complains(complaint);
    }
}

/// A record of 30 beats a second apart, of which those that are `x` were not answered.
fn record(name: &str, beats: &str) -> std::path::PathBuf {
    let mut text = String::new();
    for (seq, beat) in beats.chars().enumerate() {
        let (due, ok) = (seq * 1_000, beat == '.');
        let (at, rtt) = if ok {
            (due + 10, "10")
        } else {
            (due + 1_000, "null")
        };
        let line = format!(
            r#"{{"type":"beat","at_ms":{at},"target":"192.0.2.1:80","seq":{seq},"ok":{ok},"due_ms":{due},"sent_ms":{due},"lateness_ms":0,"rtt_ms":{rtt},"kernel_ack_ms":null,"failure":null}}"#
        );
        text.push_str(&line);
        text.push('\n');
    }
    let path = std::env::temp_dir().join(format!("netkit-replay-{name}-{}", std::process::id()));
    std::fs::write(&path, text).expect("the temporary folder can be written");
    path
}

#[test]
fn a_recorded_run_scores_detectors() {
    let path = record("scored", "....xx....xxxxxxxx....xxx.....");
    let outcome = netkit(&format!("heartbeat --replay {} --json", path.display()))
        .run()
        .status(0);
    let lines = lines(&outcome);
    let replay = lines.first().expect("one line");
    assert_eq!(
        (&replay["beats"], &replay["outages"]),
        (&30.into(), &1.into()),
        "{outcome}"
    );
    assert_eq!(replay["best"], "--fall 5", "{outcome}");
    let touchy = &replay["detectors"][1];
    assert_eq!(
        (&touchy["flags"], &touchy["false_alarms"]),
        (&"--fall 2".into(), &2.into())
    );
    netkit(&format!("heartbeat --replay {}", path.display()))
        .run()
        .status(0)
        .says("30 beats of 1 target; 1 outage, silences of 5.00 s and more")
        .says("the fastest that was always right: --fall 5");
    let flags = format!(
        "heartbeat --replay {} --outage-min 20s --json",
        path.display()
    );
    let none = netkit(&flags).run().status(0).json();
    assert_eq!(none[0]["outages"], 0);
    std::fs::remove_file(path).expect("it is ours");
}

#[test]
fn what_is_no_record_is_refused() {
    netkit("heartbeat --replay /nonexistent/record")
        .run()
        .status(6);
    let path = record("wrong", ".");
    netkit(&format!("heartbeat --replay {}", path.display()))
        .run()
        .status(2)
        .complains("fewer than two beats");
    std::fs::write(&path, "no JSON\n").expect("it is ours");
    netkit(&format!("heartbeat --replay {}", path.display()))
        .run()
        .status(2)
        .complains("line 1");
    netkit(&format!(
        "heartbeat 192.0.2.1:80 --replay {}",
        path.display()
    ))
    .run()
    .status(2);
    netkit("heartbeat 192.0.2.1:80 --outage-min 5s")
        .run()
        .status(2)
        .complains("--replay");
    std::fs::remove_file(path).expect("it is ours");
}
