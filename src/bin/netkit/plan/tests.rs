//! Hundreds of command lines without a process: what is refused, and what the rest comes to.

use std::time::Duration;

use clap::Parser;
use netkit::addr::Family;
use netkit::dial::{Expect, Strategy, wait};

use super::*;
use crate::args::OnlyArg;

fn parse(line: &str) -> Result<Plan, String> {
    let words = std::iter::once("netkit").chain(line.split_whitespace());
    let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
    plan(cli, &Environment::default()).map_err(|error| error.to_string())
}

fn dial(line: &str) -> DialPlan {
    match parse(&format!("dial {line}"))
        .unwrap_or_else(|error| panic!("{line}: {error}"))
        .action
    {
        Action::Dial(plan) => *plan,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn nothing_asked_is_the_default_of_the_core() {
    let plan = dial("localhost:80");
    assert_eq!(plan.config, netkit::dial::Config::default());
    assert_eq!(plan.mode, Mode::Single);
}

#[test]
fn flags_become_configuration() {
    let ms = Duration::from_millis;
    let plan = dial(
        "x:1 -t 2 --attempt-timeout 500ms --attempt-delay 100ms --strategy go -4 \
         --keepalive 2s --keepalive-interval 3s --keepalive-count 4 --user-timeout 10s --hold 1s \
         --mark 0x10 --dscp ef --ttl 9 --mss 1000 --congestion reno --nodelay=off --mptcp \
         --close rst --interface lo --local-addr 127.0.0.1:5000 --ns 127.0.0.1:5353",
    );
    let (config, socket) = (&plan.config, &plan.config.socket);
    assert_eq!(
        (config.timeout, config.attempt_timeout),
        (ms(2_000), Some(ms(500)))
    );
    assert_eq!(
        (config.attempt_delay, config.strategy),
        (Some(ms(100)), Strategy::Go)
    );
    assert_eq!(
        (config.family, config.race_all),
        (Some(Family::Ipv4), false)
    );
    assert_eq!(
        (config.hold, socket.user_timeout),
        (Some(ms(1_000)), Some(ms(10_000)))
    );
    let keepalive = socket.keepalive;
    assert_eq!(
        (keepalive.idle, keepalive.interval, keepalive.count),
        (ms(2_000), ms(3_000), 4)
    );
    assert_eq!(
        (socket.mark, socket.tos, socket.ttl),
        (Some(16), Some(46 << 2), Some(9))
    );
    assert_eq!(
        (socket.mss, socket.nodelay, socket.mptcp),
        (Some(1_000), Some(false), true)
    );
    assert_eq!(socket.close, netkit::net::Close::Rst);
    assert_eq!(socket.local_addr.map(|local| local.port), Some(5_000));
    assert_eq!(plan.name_servers[0].to_string(), "127.0.0.1:5353");
}

#[test]
fn the_exchange_is_read_from_its_flags() {
    let exchange = dial(r"x:1 --send a\n --expect-regex ^b --read 5 --banner")
        .config
        .exchange;
    assert_eq!(exchange.send.as_deref(), Some(&b"a\n"[..]));
    assert!(matches!(exchange.expect, Some(Expect::Regex(_))));
    assert_eq!((exchange.read, exchange.banner), (Some(5), true));
    assert_eq!(
        dial("x:1 --send-hex 00ff").config.exchange.send.as_deref(),
        Some(&[0, 255][..])
    );
}

#[test]
fn the_number_of_targets_and_the_flags_choose_the_mode() {
    assert_eq!(dial("x 80").mode, Mode::Single);
    assert_eq!(dial("x:1 --stdio").mode, Mode::Stdio);
    assert!(
        matches!(dial("x:1 -c 3 -i 10ms").mode, Mode::Repeat(schedule) if schedule.count == Some(3))
    );
    assert!(matches!(dial("x:1 -c 0").mode, Mode::Repeat(schedule) if schedule.count.is_none()));
    assert!(matches!(
        dial("x:1-3").mode,
        Mode::Many { parallel: None, .. }
    ));
    assert!(matches!(
        dial("x:1 y:2 -P 9").mode,
        Mode::Many {
            parallel: Some(9),
            ..
        }
    ));
    assert!(matches!(dial("-").mode, Mode::Many { .. }));
    assert_eq!(
        dial("--targets list.txt").list,
        Some(ListSource::File("list.txt".into()))
    );
    let only = vec![OnlyArg::Open, OnlyArg::Filtered];
    assert_eq!(
        dial("x:1-3 --only open,filtered").mode,
        Mode::Many {
            parallel: None,
            only
        }
    );
}

#[test]
fn waiting_takes_a_command_with_its_own_flags() {
    let Mode::Wait { wait, command } =
        dial("x:1 y:1 --wait 5 --any --wait-for closed -- ls -l").mode
    else {
        panic!("not a wait");
    };
    assert_eq!((wait.limit, wait.any), (Some(Duration::from_secs(5)), true));
    assert_eq!(wait.until, wait::Until::Closed);
    assert_eq!(command, ["ls", "-l"]);
}

/// A command line, and what its error must name: the flag, and the accepted form.
const REFUSED: &[(&str, &[&str])] = &[
    ("dial", &["no target", "host:port"]),
    ("dial x", &["port", "host:port"]),
    ("dial x:0", &["0"]),
    ("dial x:80 -4 -6", &["-4", "-6"]),
    ("dial x:80 -u --network tcp", &["--udp", "--network"]),
    ("dial [::1]:80 --network tcp6 -4", &["-4", "IPv4"]),
    ("dial unix:/x -4", &["-4", "unix"]),
    ("dial unix:/x --ttl 5", &["--ttl", "unix"]),
    (
        "dial x:80 --send a --send-hex 00",
        &["--send", "--send-hex", "one of the two"],
    ),
    ("dial x:80 --send a --send-file f", &["--send-file"]),
    (
        "dial x:80 --send-hex 00 --send-file f",
        &["--send-hex", "--send-file"],
    ),
    ("dial x:80 --expect a --expect-regex b", &["--expect-regex"]),
    ("dial x:80 --expect a --read 0", &["--expect", "--read 0"]),
    ("dial x:80 --banner --read 0", &["--banner", "--read 0"]),
    (
        "dial x:80 --no-keepalive --keepalive 1",
        &["--no-keepalive", "--keepalive"],
    ),
    (
        "dial x:80 --no-keepalive --keepalive-interval 1",
        &["--keepalive-interval"],
    ),
    (
        "dial x:80 --no-keepalive --keepalive-count 1",
        &["--keepalive-count"],
    ),
    ("dial x:80 --tos 1 --dscp ef", &["--tos", "--dscp"]),
    ("dial x:80 --wait 1 -c 1", &["--wait", "--count"]),
    ("dial x:80 --wait 1 --hold 1", &["--wait", "--hold"]),
    ("dial x:80 --wait 1 --race-all", &["--wait", "--race-all"]),
    ("dial x:80 --wait 1 --pretty", &["--pretty", "--wait"]),
    ("dial x:80 -c 1 --hold 1", &["--count", "--hold"]),
    ("dial x:80 -c 1 --pretty", &["--pretty", "--count"]),
    ("dial x:80 --stdio --send a", &["--stdio", "--send"]),
    ("dial x:80 --stdio --expect a", &["--stdio", "--expect"]),
    ("dial x:80 --stdio --json", &["--stdio", "--json"]),
    ("dial x:80 --stdio -c 1", &["--stdio", "--count"]),
    ("dial x:80 --stdio --hold 1", &["--stdio", "--hold"]),
    ("dial x:80 y:80 --stdio", &["--stdio", "one target"]),
    ("dial - --stdio", &["standard input"]),
    ("dial - --targets f", &["--targets"]),
    ("dial x:80 -i 1", &["--interval", "--count"]),
    ("dial x:80 -P 1", &["--parallel", "--count"]),
    ("dial x:80 --wait-for open", &["--wait-for", "--wait"]),
    ("dial x:80 --any", &["--any", "--wait"]),
    ("dial x:80 --any --wait 1", &["--any", "several targets"]),
    ("dial x:80 -- ls", &["--wait"]),
    ("dial x:80 --fastopen", &["--fastopen", "--send"]),
    (
        "dial x:80 --fastopen --send-hex=",
        &["--fastopen", "--send-hex", "at least one byte"],
    ),
    (
        "dial x:80 --fastopen --send=",
        &["--fastopen", "--send", "at least one byte"],
    ),
    (
        "dial x:80 --fastopen --send a --banner",
        &["--fastopen", "--banner"],
    ),
    ("dial x:80 --fastopen --stdio", &["--fastopen", "--stdio"]),
    (
        "dial x:80 --fastopen --send a --read 0",
        &["--fastopen", "--read 0", "answered"],
    ),
    ("dial x:80 --reuse --send a", &["--reuse", "--count N"]),
    ("dial x:80 --reuse -c 3", &["--reuse", "--send"]),
    (
        "dial x:80 --reuse -c 3 --send a --banner",
        &["--reuse", "--banner", "greets"],
    ),
    (
        "dial x:80 --reuse -c 3 --send a --shutdown-write",
        &["--reuse", "--shutdown-write"],
    ),
    (
        "dial x:80 --reuse -c 3 --send a --read 0",
        &["--reuse", "--read 0", "next request"],
    ),
    (
        "dial x:80 --reuse -c 3 --send a --tls --session-resumption",
        &["--reuse", "--session-resumption"],
    ),
    (
        "dial x:80 --reuse -c 3 --send a --fail-if connect_ms>5",
        &["--fail-if", "--reuse"],
    ),
    ("dial udp://x:80 --reuse -c 3 --send a", &["--reuse", "udp"]),
    (
        "dial x:80 --race-all --send a",
        &["--race-all", "--send", "losers"],
    ),
    (
        "dial x:80 --race-all --send-hex 00",
        &["--race-all", "--send-hex"],
    ),
    (
        "dial x:80 --race-all --send-file f",
        &["--race-all", "--send-file"],
    ),
    (
        "dial x:80 --race-all --expect a",
        &["--race-all", "--expect"],
    ),
    (
        "dial x:80 --race-all --expect-regex a",
        &["--race-all", "--expect-regex"],
    ),
    ("dial x:80 --race-all --read 1", &["--race-all", "--read"]),
    ("dial x:80 --race-all --banner", &["--race-all", "--banner"]),
    (
        "dial x:80 --race-all --shutdown-write",
        &["--race-all", "--shutdown-write"],
    ),
    ("dial x:80 --race-all --hold 1", &["--race-all", "--hold"]),
    ("dial unix:/x --strategy go", &["--strategy", "unix"]),
    (
        "dial unix:/x --attempt-delay 1",
        &["--attempt-delay", "unix"],
    ),
    ("dial unix:/x --race-all", &["--race-all", "unix"]),
    ("dial unix:/x --ns 127.0.0.1", &["--ns", "unix"]),
    ("dial x:80 --only open", &["--only", "several targets"]),
    ("dial x:80 y:80 -c 1 --only open", &["--only"]),
    ("dial x:80 y:80 --pretty", &["--pretty"]),
    ("dial x:80 y:80 --hold 1", &["--hold", "one target"]),
    ("dial x:80 y:80 --wait 1 -P 2", &["--parallel", "--wait"]),
    ("dial -u x:80 --keepalive 1", &["--keepalive", "udp", "tcp"]),
    ("dial -u x:80 --nodelay", &["--nodelay", "udp"]),
    ("dial -u x:80 --user-timeout 1", &["--user-timeout", "udp"]),
    ("dial -u x:80 --mss 1000", &["--mss", "udp"]),
    ("dial -u x:80 --close rst", &["--close", "udp"]),
    ("dial -u x:80 --banner", &["--banner", "udp"]),
    (
        "dial -u x:80 --shutdown-write",
        &["--shutdown-write", "udp"],
    ),
    ("dial -u x:80 --hold 1", &["--hold", "udp"]),
    ("dial x:80 udp://y:53 --mss 1000", &["--mss", "y:53"]),
    (
        "dial x:80 -6 --local-addr 127.0.0.1",
        &["--local-addr", "127.0.0.1", "IPv6"],
    ),
    ("dial x:80 -q --json", &["--quiet", "--json"]),
    ("dial x:80 -q -v", &["--quiet", "--verbose"]),
    (
        "dial x:80 --json --progress always",
        &["--progress", "--json"],
    ),
    // Values: clap's own words here; their dress is tested in tests/cli.
    ("dial x:80 -t 0", &["--timeout", "above zero"]),
    ("dial x:80 -t x", &["--timeout", "500ms"]),
    ("dial x:80 --attempt-timeout -1", &["-1"]),
    (
        "dial x:80 --attempt-delay 9ms",
        &["--attempt-delay", "10ms"],
    ),
    ("dial x:80 --strategy x", &["--strategy", "rfc8305"]),
    ("dial x:80 --network sctp", &["--network", "tcp6"]),
    ("dial x:80 --ns ftp://x", &["--ns", "ftp"]),
    (
        "dial x:80 --keepalive 0.5",
        &["--keepalive", "whole seconds"],
    ),
    (
        "dial x:80 --keepalive-interval 0",
        &["--keepalive-interval", "whole seconds"],
    ),
    (
        "dial x:80 --keepalive-count 128",
        &["--keepalive-count", "127"],
    ),
    ("dial x:80 --user-timeout 0", &["--user-timeout", "1ms"]),
    ("dial x:80 --hold 0", &["--hold"]),
    (
        "dial x:80 --local-addr x",
        &["--local-addr", "192.0.2.1:5000"],
    ),
    ("dial x:80 --mark -1", &["--mark", "4294967295"]),
    ("dial x:80 --hold -1", &["--hold", "a duration"]),
    ("dial x:80 --interface=", &["--interface", "empty"]),
    ("dial x:80 --congestion=", &["--congestion", "empty"]),
    ("dial x:80 --interface a/b", &["--interface", "15 bytes"]),
    ("dial x:80 --expect-regex=", &["--expect-regex", "anything"]),
    (
        "dial x:80 --expect-regex .*",
        &["--expect-regex", "anything"],
    ),
    ("dial x:65536", &["65536", "from 1 to 65535"]),
    ("dial x:80 --tos 256", &["--tos", "255"]),
    ("dial x:80 --dscp 64", &["--dscp", "63"]),
    ("dial x:80 --ttl 0", &["--ttl", "255"]),
    ("dial x:80 --mss 87", &["--mss", "88"]),
    ("dial x:80 --nodelay=maybe", &["--nodelay", "on or off"]),
    ("dial x:80 --close x", &["--close", "rst"]),
    (r"dial x:80 --send \q", &["--send", r"\xHH"]),
    ("dial x:80 --send-hex xyz", &["--send-hex", "hexadecimal"]),
    (
        "dial x:80 --expect-regex (",
        &["--expect-regex", "unclosed"],
    ),
    ("dial x:80 --read 1x", &["--read", "64KiB"]),
    ("dial x:80 -c -1", &["-1"]),
    ("dial x:80 -c 1 -i 999us", &["--interval", "at least 1ms"]),
    ("dial x:80 -c 1 -i 0", &["--interval", "at least 1ms"]),
    ("dial x:80-81 -P 0", &["--parallel", "65535"]),
    ("dial x:80 --wait x", &["--wait", "500ms"]),
    ("dial x:80 --wait 1 --wait-for x", &["--wait-for", "closed"]),
    ("dial x:80-81 --only x", &["--only", "refused"]),
    ("dial x:80 --color x", &["--color", "always"]),
    ("dial x:80 --progress x", &["--progress", "always"]),
    ("dial x:80 --frobnicate", &["--frobnicate"]),
    ("frobnicate", &["frobnicate"]),
];

#[test]
fn what_contradicts_itself_is_refused_by_name() {
    for (line, named) in REFUSED {
        let Err(error) = parse(line) else {
            panic!("accepted: {line}")
        };
        for name in *named {
            assert!(error.contains(name), "{line}: no `{name}` in:\n{error}");
        }
    }
}

#[test]
fn what_does_not_contradict_itself_is_taken() {
    let lines = [
        "x:80 -c 3 -P 4",
        "x:80 y:80 -c 3",
        "x:80 --send a --fastopen",
        "x:80 --race-all",
        "x:80 -c 3 -i 1ms",
        "unix:/run/x.sock --send a --hold 1",
        "udp://x:53 --ttl 5 --send a --expect b",
        "tcp6://x:80 -6",
        "x:80 --pretty",
        "x:80-90 --json --only open",
        "x:80 --local-addr ::1 -6",
        "x:80 --expect a --read 5",
        "x:80 y:80 --wait 1 --any -- true",
        "10.0.0.0/8:80",
    ];
    for line in lines {
        dial(line);
    }
}
