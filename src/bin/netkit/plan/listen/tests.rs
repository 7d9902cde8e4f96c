//! Command lines of `netkit listen`, and what becomes of them.

use std::ffi::OsString;
use std::time::Duration;

use netkit::listen::Behaviour;
use netkit::policy::admission::Overload;

use super::super::{Action, Environment, ListenPlan};
use crate::usage::UsageError;

fn planned(line: &str, environment: &Environment) -> Result<ListenPlan, UsageError> {
    let words = ["netkit", "listen"].into_iter().chain(line.split(' '));
    let argv: Vec<OsString> = words
        .filter(|word| !word.is_empty())
        .map(Into::into)
        .collect();
    let cli = crate::args::parse(&argv).map_err(|error| UsageError::new(error.to_string(), ""))?;
    match super::super::plan(cli, environment)?.action {
        Action::Listen(plan) => Ok(*plan),
        action => panic!("{line}: {action:?}"),
    }
}

fn plan(line: &str) -> ListenPlan {
    let planned = planned(line, &Environment::default());
    planned.unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn flags_become_the_configuration() {
    let plan = plan(
        ":0 --max-connections 7 --max-per-ip 2 --accept-rate 5 --overload close-idle \
         --idle-timeout 30s --max-lifetime 1h --max-bytes 1MiB --grace 0 --for 10m -c 3 \
         --backlog 5 --keepalive 20s --fault 30%:rst-after=1KiB --seed 9",
    );
    let limits = &plan.config.limits;
    assert_eq!(
        (limits.max_connections, limits.max_per_ip),
        (Some(7), Some(2))
    );
    assert_eq!(
        (limits.count, limits.overload),
        (Some(3), Overload::CloseIdle)
    );
    assert_eq!(plan.config.idle_timeout, Some(Duration::from_secs(30)));
    assert_eq!(plan.config.max_bytes, Some(1 << 20));
    assert_eq!((plan.config.grace, plan.config.seed), (Duration::ZERO, 9));
    assert_eq!(
        (plan.options.backlog, plan.config.faults.len()),
        (Some(5), 1)
    );
    assert_eq!(plan.options.keepalive.idle, Duration::from_secs(20));
    assert!(plan.counted && plan.lines);
}

#[test]
fn what_nobody_asks_for_is_not_told() {
    let telling = |line| plan(line).config.telling;
    assert!(telling(":0").connections && !telling(":0").tcp_info);
    assert!(!telling(":0 --quiet").connections);
    assert!(!telling(":0 --summary").connections);
    assert!(telling(":0 -v").tcp_info);
    // A counted run ends by the outcome of its connections, shown or not.
    assert!(telling(":0 --quiet --once").connections);
    assert_eq!(telling(":0").dump, 0);
    assert!(telling(":0 --dump=hex").dump > 0 && plan(":0 --dump=hex").hex);
}

#[test]
fn each_behaviour_has_its_flag() {
    let rows = [
        ("", Behaviour::Echo),
        ("--echo", Behaviour::Echo),
        ("--discard", Behaviour::Discard),
        ("--chargen", Behaviour::Chargen),
        ("--daytime", Behaviour::Daytime),
        ("--heartbeat", Behaviour::Heartbeat),
        ("--http", Behaviour::Http),
        ("--exec cat", Behaviour::Exec("cat".to_owned())),
    ];
    for (flags, expected) in rows {
        assert_eq!(
            plan(&format!(":0 {flags}")).config.behaviour,
            expected,
            "{flags}"
        );
    }
    let greeting = plan(r":0 --greet hi\n --then echo").config.behaviour;
    let text = b"hi\n".to_vec();
    let then_echo = true;
    assert_eq!(greeting, Behaviour::Greet { text, then_echo });
}

#[test]
fn passed_sockets_stand_in_for_addresses() {
    let passed = Environment {
        passed_sockets: 2,
        ..Environment::default()
    };
    assert_eq!(planned("", &passed).unwrap().passed, 2);
    assert_eq!(planned(":0", &passed).unwrap().passed, 0);
    assert!(planned("", &Environment::default()).is_err());
}

#[test]
fn what_cannot_be_honoured_is_refused_by_its_flag() {
    let rows = [
        (":0 --echo --discard", "--discard"),
        (":0 --http --exec cat", "--exec"),
        (":0 --http --tls-self-signed --alpn h2", "--alpn"),
        (":0 --http --tls-self-signed --alpn acme", "--http"),
        (":0 --then echo", "--then"),
        (":0 --once -c 3", "--once"),
        (":0 --seed 3", "--seed"),
        (":0 --pretty", "--pretty"),
        (":0 --quiet --dump", "--dump"),
        (":0 --summary --syn", "--syn"),
        (":0 --quiet --stats-interval 1s", "--stats-interval"),
        (":0 --no-keepalive --keepalive 5s", "--keepalive"),
        (":0 --shed-above 5", "--shed-above"),
        (":0 --exec cat --fault delay=1s", "--fault"),
        (":0 --exec cat --idle-timeout 1s", "--idle-timeout"),
        (":0 --stdio --json", "--json"),
        (":0 --stdio --max-bytes 5", "--max-bytes"),
        (":0 --fault drop=5%", "drop"),
        (":0 --fault 30%:no-accept", "no-accept"),
        (":0 --allow-amplification", "--allow-amplification"),
        ("udp://:0 --max-connections 5", "--max-connections"),
        ("udp://:0 --fault rst-after=1", "rst-after"),
        ("udp://:0 --http", "--http"),
        ("udp://:0 --fastopen", "--fastopen"),
        ("udp://:0 --backlog 5", "--backlog"),
        ("unix:/x --reuse-port", "--reuse-port"),
        ("unix:/x --syn", "--syn"),
        (":0 --fault burst=1KiB", "throttle"),
        (":0 --fault distribution=normal", "jitter"),
        (":0 --fault no-accept --fault close-on-accept", "no-accept"),
        (":0 --fault delay=1s --fault delay=2s", "twice"),
        ("unix:/x --max-per-ip 2", "--max-per-ip"),
        (":80 :80", ":80 is given twice"),
        (":0 --fault delay=1s --seed x", "whole number"),
        (":0 --metrics x", ":9100"),
        (":0 -u --network tcp", "--network"),
        (":0 --max-connections 0", "--max-connections"),
        (":0 --accept-rate -1", "--accept-rate"),
        (":0 --dump=binary", "--dump"),
        ("192.0.2.0/24:80", "block"),
        (":1-2000", "too many"),
    ];
    for (line, named) in rows {
        let error = planned(line, &Environment::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{line}: {error}");
    }
    // What differs in whom it strikes, or how, goes together.
    plan(":0 --fault 30%:delay=1s --fault delay=2s --fault jitter=1s --fault distribution=normal");
    plan(":0 --fault rst-after=1KiB --fault rst-after=5s --metrics :9100");
    plan(":80 :80 --reuse-port");
    // One address that has it is enough.
    plan(":0 udp://:0 --fault drop=5% --http --syn");
}
