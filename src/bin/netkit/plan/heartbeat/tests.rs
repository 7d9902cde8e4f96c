//! Command lines of `netkit heartbeat`, and what becomes of them.

use std::ffi::OsString;
use std::time::Duration;

use netkit::addr::Network;
use netkit::heartbeat::Probe;
use netkit::policy::detector::{Method, WindowConfig};

use super::super::{Action, Environment, HeartbeatPlan};
use crate::usage::UsageError;

fn planned(line: &str, environment: &Environment) -> Result<HeartbeatPlan, UsageError> {
    let words = ["netkit", "heartbeat"].into_iter().chain(line.split(' '));
    let argv: Vec<OsString> = words.map(Into::into).collect();
    let cli = crate::args::parse(&argv).map_err(|error| UsageError::new(error.to_string(), ""))?;
    match super::super::plan(cli, environment)?.action {
        Action::Heartbeat(plan) => Ok(*plan),
        action => panic!("{line}: {action:?}"),
    }
}

fn plan(line: &str) -> HeartbeatPlan {
    let planned = planned(line, &Environment::default());
    planned.unwrap_or_else(|error| panic!("{line}: {error}"))
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_timeout_follows_the_interval_up_to_two_seconds() {
    let rows = [
        ("host:1", SECOND),
        ("host:1 -i 100ms", SECOND / 10),
        ("host:1 -i 10", 2 * SECOND),
        ("host:1 -i 100ms -t 5", 5 * SECOND),
    ];
    for (line, timeout) in rows {
        assert_eq!(plan(line).config.timeout(), timeout, "{line}");
    }
}

#[test]
fn the_suspicion_comes_before_the_fall() {
    let rows = [
        ("host:1", Some(2 * SECOND)),
        ("host:1 -i 10", Some(3 * SECOND)),
        ("host:1 --fall 1", None),
        ("host:1 --suspect-after 1500ms", Some(SECOND * 3 / 2)),
    ];
    for (line, suspect_after) in rows {
        let detector = plan(line).config.detector;
        assert_eq!(detector.suspect_after, suspect_after, "{line}");
    }
}

#[test]
fn detectors_take_their_settings() {
    let window = plan("host:1 --detector window --window 20 --failure-rate 30% --slow-after 500ms");
    let expected = WindowConfig {
        size: 20,
        failure_pct: 30.0,
        slow: Some(SECOND / 2),
        ..WindowConfig::default()
    };
    assert_eq!(window.config.detector.method, Method::Window(expected));
    let small = plan("host:1 --detector window --window 3");
    let Method::Window(small) = small.config.detector.method else {
        panic!("a window");
    };
    assert_eq!((small.size, small.min_beats), (3, 3));
    let phi = plan("host:1 --detector phi --phi 5 --phi-pause 0");
    let Method::Phi(phi) = phi.config.detector.method else {
        panic!("phi");
    };
    assert!((phi.threshold - 5.0).abs() < 1e-9 && phi.acceptable_pause.is_zero());
}

#[test]
fn name_servers_are_asked_over_udp_unless_told_otherwise() {
    let networks = |line| {
        let plan = plan(line);
        assert!(matches!(plan.config.probe, Probe::Dns(_)));
        plan.specs[0].network()
    };
    assert_eq!(networks("192.0.2.53:53 --probe dns"), Network::Udp);
    assert_eq!(networks("tcp://192.0.2.53:53 --probe dns"), Network::Tcp);
    let line = "192.0.2.53:53 --probe dns --network tcp --query example.com/MX";
    assert_eq!(networks(line), Network::Tcp);
}

#[test]
fn a_breaker_fills_in_what_is_left_out() {
    let breaker = plan("host:1 --breaker open=3s").config.breaker.unwrap();
    let figures = (breaker.failures, breaker.open, breaker.half_open);
    assert_eq!(figures, (5, 3 * SECOND, 1));
    assert_eq!(plan("host:1").config.breaker, None);
}

#[test]
fn a_run_that_ends_by_itself_gives_up_after_half_a_minute() {
    let rows = [
        ("", None),
        (" -c 0", None),
        (" -c 5", Some(30 * SECOND)),
        (" --for 10m", Some(30 * SECOND)),
        (" --until up>=3", Some(30 * SECOND)),
        (" -c 5 --give-up-after never", None),
        (" --give-up-after 5s", Some(5 * SECOND)),
    ];
    for (flags, limit) in rows {
        let plan = plan(&format!("host:1 --probe echo{flags}"));
        assert_eq!(plan.config.reconnect.give_up_after, limit, "{flags}");
    }
}

#[test]
fn a_live_table_needs_a_terminal() {
    let terminal = Environment {
        stdout_tty: true,
        height: Some(50),
        ..Environment::default()
    };
    assert_eq!(planned("host:1 --live", &terminal).unwrap().live, Some(50));
    assert!(planned("host:1 --live", &Environment::default()).is_err());
    assert!(planned("host:1 --live --json", &terminal).is_err());
}

/// Flags that contradict each other, and what the refusal must name.
const NEVER: &[(&str, &[&str])] = &[
    (
        "--suspect-after 3s",
        &["--suspect-after 3s", "--fall 3", "--timeout 1s", "below 3s"],
    ),
    (
        "--suspect-after 1s --fall 1",
        &["--suspect-after 1s", "--fall 1", "--timeout 1s"],
    ),
    (
        "--suspect-after 2s -i 100ms -t 2s --fall 1",
        &["--suspect-after 2s", "--timeout 2s"],
    ),
    (
        "--detector window --slow-after 1s",
        &["--slow-after 1s", "--timeout 1s"],
    ),
    (
        "--detector window --window 3 --window-min 4",
        &["--window-min 4", "--window 3"],
    ),
    (
        "--detector window --window-min 8 -c 7",
        &["--window-min 8", "-c 7", "at least 8"],
    ),
    ("--fall 5 -c 4", &["--fall 5", "-c 4", "at least 5"]),
    ("--fall 5 --for 4s", &["--fall 5", "--for 4s", "4 beats"]),
    ("--rise 2 -c 4", &["--rise 2", "-c 4", "at least 5"]),
    ("--breaker failures=6 -c 5", &["failures=6", "-c 5"]),
    ("--breaker open=1s -c 4", &["failures=5", "-c 4"]),
    (
        "--interval-suspect 1s --fall 1",
        &["--interval-suspect 1s", "--fall 1"],
    ),
    (
        "--suspect-after 2s --for 100ms",
        &["--suspect-after 2s", "--for 100ms", "1s 100ms"],
    ),
    (
        "--probe echo --give-up-after 12s --for 10s",
        &["--give-up-after 12s", "--for 10s"],
    ),
    (
        "--detector phi --phi 12 --for 2s",
        &["--phi 12", "of silence", "--for 2s"],
    ),
    (
        "--detector phi --phi-pause 9s -c 5",
        &["--phi-pause 9s", "-c 5", "5s"],
    ),
    ("--until up>=3 -c 2", &["--until", "up>=3", "-c 2"]),
    (
        "--until up>=3 --for 2s",
        &["--until", "--for 2s sends 2 beats"],
    ),
    (
        "--fail-if p99>1s",
        &["--fail-if", "the timeout of 1s", "a longer --timeout"],
    ),
    (
        "--fail-if p99>20ms -t 20ms",
        &["--fail-if", "--timeout 20ms"],
    ),
    (
        "--fail-if longest_down>12s --for 10s",
        &["--fail-if", "--for 10s", "11s"],
    ),
    (
        "--fail-if late>0",
        &["--fail-if", "--probe connect", "--probe echo"],
    ),
    (
        "--fail-if state==app_hung",
        &["--fail-if", "--probe connect"],
    ),
    ("--fail-if refused>0", &["--fail-if", "--breaker"]),
    ("--fail-if loss>100%", &["--fail-if", "100%"]),
    (
        "--probe echo --backoff-min 2s --backoff-max 1s",
        &["--backoff-min 2s", "--backoff-max 1s"],
    ),
];

#[test]
fn what_can_never_fire_is_refused_with_both_flags() {
    for (flags, parts) in NEVER {
        let line = format!("host:1 {flags}");
        let error = planned(&line, &Environment::default()).expect_err(&line);
        let text = error.to_string();
        for part in *parts {
            assert!(text.contains(part), "{flags}: no {part:?} in {text}");
        }
    }
}

#[test]
fn what_can_fire_is_let_through() {
    let rows = [
        // The silence goes on after the timeout.
        "--suspect-after 2500ms",
        "--suspect-after 500ms --timeout 900ms --fall 1",
        "--suspect-after 15s -i 10s",
        // Defaults are no thresholds of the user's.
        "-c 1",
        "--for 10ms",
        "-c 2 --detector window",
        "-c 1 --detector phi",
        "--probe echo --for 1s",
        "--detector window --window 3",
        "--fall 3 -c 3",
        "--fall 10 --for 1s --interval-suspect 100ms",
        "--rise 2 -c 5",
        "--breaker failures=5 -c 5",
        "--interval-suspect 100ms --fall 1 --suspect-after 500ms",
        "--interval-suspect 100ms --fall 1 --probe echo",
        "--until up>=3 -c 3",
        "--until up>=3",
        "--fail-if p99>999ms",
        "--fail-if p99>20ms -i 10ms -t 1s",
        "--fail-if late>0 --probe echo",
        "--fail-if refused>0 --breaker open=1s",
        "--probe echo --give-up-after 10s --for 10s",
    ];
    for flags in rows {
        plan(&format!("host:1 {flags}"));
    }
}

#[test]
fn connections_are_shared_where_there_are_any_to_share() {
    assert_eq!(plan("host:1 --probe echo --pool 3").config.pool, Some(3));
    assert_eq!(plan("unix:/x --probe line --pool 1").config.pool, Some(1));
    assert_eq!(plan("host:1 --probe echo").config.pool, None);
    let rows: &[(&str, &[&str])] = &[
        ("host:1 --pool 2", &["--pool", "--probe echo"]),
        ("host:53 --probe dns --pool 2", &["--pool 2", "--probe dns"]),
        (
            "udp://host:1 --probe echo --pool 2",
            &["--pool 2", "host:1", "udp"],
        ),
        ("host:1 --udp --probe line --pool 2", &["--pool 2", "udp"]),
        (
            "unixgram:/x --probe echo --pool 2",
            &["--pool 2", "unixgram"],
        ),
    ];
    for (line, parts) in rows {
        let text = planned(line, &Environment::default())
            .expect_err(line)
            .to_string();
        for part in *parts {
            assert!(text.contains(part), "{line}: no {part:?} in {text}");
        }
    }
}
