//! Names from a list: a line each, whatever the servers and the reader do.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Server, netkit, valid};

/// Answers A with 192.0.2.1 and everything else with NXDOMAIN, but nothing about names with
/// `silent` in them.
fn server() -> Server {
    Server::udp(|question| {
        let silent = question.windows(6).any(|six| six == b"silent");
        (!silent).then(|| reply(question))
    })
}

fn reply(question: &[u8]) -> Vec<u8> {
    let end = question[12..].iter().position(|byte| *byte == 0);
    let name = 12 + end.expect("a name ends") + 1;
    let mut reply = question[..name + 4].to_vec();
    reply[2..4].copy_from_slice(&[0x85, 0x80]);
    reply[6..12].fill(0);
    if reply[name..name + 2] == [0, 1] {
        reply[7] = 1;
        reply.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\xc0\0\x02\x01");
    } else {
        reply[3] |= 3;
    }
    reply
}

fn names(count: usize) -> String {
    (0..count).fold(String::new(), |list, number| {
        format!("{list}n{number}.example\n")
    })
}

#[test]
fn every_line_has_its_line() {
    let server = server();
    let list = "a.example\n# a comment\n\nb.example MX\r\n..\nc.example nonsense\nd e f\n192.0.2.1\n  g.example";
    let outcome = netkit(&format!("resolve --ns {} --ordered", server.addr))
        .stdin(list)
        .run();
    let lines: Vec<_> = outcome.stdout.lines().collect();
    let expected = [
        ("a.example", "answer"),
        ("b.example", "nxdomain"),
        ("..", "invalid"),
        ("c.example nonsense", "invalid"),
        ("d e f", "invalid"),
        ("192.0.2.1                        PTR   nxdomain", ""),
        ("g.example", "answer"),
    ];
    assert_eq!(lines.len(), expected.len(), "{outcome}");
    for (line, (name, word)) in lines.iter().zip(expected) {
        assert!(line.starts_with(name) && line.contains(word), "{outcome}");
    }
    outcome
        .status(1)
        .complains("7 names in")
        .complains("3 invalid");
}

#[test]
fn json_has_the_keys_of_a_single_question_and_ends_with_a_summary() {
    let server = server();
    let list = names(300) + "x.example MX\n..\n";
    let outcome = netkit(&format!("resolve --json --ns {}", server.addr))
        .stdin(list)
        .run();
    let mut lines = outcome.json();
    let summary = lines.pop().unwrap();
    assert_eq!(lines.len(), 302);
    let single = netkit(&format!("resolve n1.example A --json --ns {}", server.addr))
        .run()
        .one();
    let keys = |line: &serde_json::Value| {
        let keys = line.as_object().unwrap().keys();
        keys.cloned().collect::<Vec<_>>()
    };
    for line in &lines {
        valid(line);
        assert_eq!(keys(line), keys(&single));
        assert_eq!(line["config"], serde_json::Value::Null);
    }
    valid(&summary);
    assert_eq!(summary["resolve"]["names"], 302);
    assert_eq!(summary["resolve"]["answered"], 300);
    assert_eq!(
        summary["resolve"]["servers"][0]["server"],
        server.addr.to_string()
    );
    assert_eq!(summary["config"]["default_type"], "A");
    let line = lines
        .iter()
        .find(|line| line["name"] == "n1.example")
        .unwrap();
    for key in [
        "asked",
        "qtype",
        "verdict",
        "rcode",
        "flags",
        "answers",
        "server",
        "transport",
    ] {
        assert_eq!(line[key], single[key], "{key}");
    }
}

#[test]
fn a_question_that_comes_again_is_answered_from_the_cache() {
    let server = server();
    let list = "a.example\n".repeat(50);
    let line = format!("resolve --json --ns {}", server.addr);
    let lines = netkit(&line).stdin(list.clone()).run().status(0).json();
    let hits = lines.iter().filter(|line| line["cache"]["hit"] == true);
    assert_eq!((hits.count(), server.hits()), (49, 1));
    let lines = netkit(&format!("{line} --no-cache"))
        .stdin(list)
        .run()
        .status(0)
        .json();
    assert!(lines[..50].iter().all(|line| line["cache"].is_null()));
    assert_eq!(server.hits(), 51);
}

#[test]
fn silence_is_a_line_too_and_the_status_says_what_all_failures_share() {
    let server = server();
    let line = format!(
        "resolve --short --ordered --udp-only -t 300ms --ns {}",
        server.addr
    );
    let outcome = netkit(&line).stdin("silent.example\na.example\n").run();
    assert_eq!(outcome.stdout, "; silent\n192.0.2.1\n", "{outcome}");
    outcome.status(3);
}

#[test]
fn a_type_on_the_command_line_is_that_of_bare_names() {
    let server = server();
    let line = format!(
        "resolve --input - TXT --short --ordered --ns {}",
        server.addr
    );
    let outcome = netkit(&line).stdin("a.example\na.example A\n").run();
    assert_eq!(outcome.stdout, "; nxdomain\n192.0.2.1\n", "{outcome}");
}

#[test]
fn a_slow_reader_loses_nothing() {
    let server = server();
    let mut child = Command::new(env!("CARGO_BIN_EXE_netkit"))
        .args([
            "resolve",
            "--json",
            "--no-cache",
            "--ns",
            &server.addr.to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    std::thread::spawn(move || input.write_all(names(6_000).as_bytes()));
    let mut output = BufReader::with_capacity(512, child.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    // More than pipe and queue hold is still to come.
    std::thread::sleep(Duration::from_millis(300));
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.lines().count(), 6_000);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let server = server();
    let mut child = Command::new(env!("CARGO_BIN_EXE_netkit"))
        .args(["resolve", "--no-cache", "--ns", &server.addr.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    std::thread::spawn(move || while input.write_all(b"a.example\nb.example\n").is_ok() {});
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    drop(output);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_interrupt_prints_what_there_is_and_the_totals() {
    let server = server();
    let line = format!("resolve --json --udp-only --ns {}", server.addr);
    let running = netkit(&line).stdin(names(3) + "silent.example\n").start();
    let begun = std::time::Instant::now();
    while server.hits() < 4 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not ask");
        std::thread::sleep(Duration::from_millis(10));
    }
    // The replies are on their way.
    std::thread::sleep(Duration::from_millis(300));
    running.signal("QUIT");
    std::thread::sleep(Duration::from_millis(400));
    running.signal("INT");
    let outcome = running.wait();
    let lines = outcome.json();
    let (interim, last) = (&lines[lines.len() - 2], &lines[lines.len() - 1]);
    assert_eq!(interim["type"], "summary", "{outcome}");
    assert_eq!(interim["exit_code"], serde_json::Value::Null);
    assert_eq!(
        (&last["resolve"]["names"], &last["resolve"]["unfinished"]),
        (&3.into(), &1.into())
    );
    assert_eq!(last["resolve"]["interrupted"], true);
    outcome.status(0);
}

#[test]
fn a_list_that_cannot_be_read_is_a_local_failure() {
    netkit("resolve --ns 127.0.0.1 --input /nonexistent/list")
        .run()
        .status(6)
        .complains("/nonexistent/list");
    netkit("resolve --ns 127.0.0.1 --input /")
        .run()
        .status(6)
        .complains("directory");
}

#[test]
fn what_a_list_cannot_do_is_refused() {
    for (flags, why) in [
        ("a.example --input list", "together"),
        ("a.example --rate 5", "--rate is about many names"),
        ("a.example --ordered", "--ordered is about many names"),
        ("--input list --pretty", "--pretty does not apply"),
        ("--input list A AAAA", "several types"),
        ("--input list --rate 0", "--rate"),
        ("--input list --max-inflight 0", "--max-inflight"),
        (
            "--input list --ns tls://127.0.0.1",
            "--ns tls://127.0.0.1:853",
        ),
        (
            "--input list @https://127.0.0.1",
            "--ns https://127.0.0.1:443",
        ),
        (
            "--input list --local-addr 127.0.0.1:5",
            "--local-addr with a port does not",
        ),
        ("--input list --source-port 5", "--source-port does not"),
        ("--input list --anti-spoof", "--anti-spoof does not"),
        ("--input list --dnssec", "--dnssec does not"),
        ("--input list --check-server", "--check-server does not"),
        ("--input list --compare", "--compare does not"),
        ("--input list --watch", "--watch does not"),
        ("--input list -c 3", "--count does not"),
        ("--input list --policy p.yaml", "--policy does not"),
        ("--input list --class CH", "--class does not"),
        ("--input list --cookie", "--cookie does not"),
        ("--input list --bufsize 65000", "--bufsize 65000"),
        ("--input list AXFR", "transfer"),
    ] {
        netkit(&format!("resolve --ns 127.0.0.1 {flags}"))
            .run()
            .status(2)
            .complains(why);
    }
    // A trace has no name server.
    netkit("resolve --input list --trace")
        .run()
        .status(2)
        .complains("--trace does not");
}

#[test]
fn a_name_given_twice_is_asked_once_and_the_second_says_so() {
    let server = server();
    let line = format!("resolve a.example A.EXAMPLE A --json --ns {}", server.addr);
    let lines = netkit(&line).run().status(0).json();
    server.was_hit(1);
    let hits: Vec<_> = lines
        .iter()
        .map(|line| line["cache"]["hit"].clone())
        .collect();
    assert_eq!(hits, [false, true]);
    assert!(lines[1]["cache"]["age_s"].is_number());
    assert_eq!(lines[1]["name"], "A.EXAMPLE");
    assert!(lines[1]["remarks"].to_string().contains("known already"));
    netkit(&format!(
        "resolve a.example a.example A --ns {}",
        server.addr
    ))
    .run()
    .status(0);
    server.was_hit(2);
    let lines = netkit(&format!("{line} --no-cache")).run().status(0).json();
    assert!(lines.iter().all(|line| line["cache"].is_null()));
    assert_eq!(server.hits(), 4);
}
