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
