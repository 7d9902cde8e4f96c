//! The plan of `netkit heartbeat`: flags become the library's configuration.

mod thresholds;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use netkit::addr::{Network, TargetSpec, Transport};
use netkit::dial;
use netkit::heartbeat::gate::Gate;
use netkit::heartbeat::{Config, Probe, Reconnect, config};
use netkit::policy::detector::{self, Method, PhiConfig, WindowConfig};
use netkit::resolve::query::Query;
use netkit::resolve::wire::{Ask, AskOptions, RecordType};
use netkit::resolve::{DomainName, NameServer};

use super::needs::NetworkNeeds;
use super::rules::{self, Checked, Pair, exclusive};
use super::{Environment, ListSource, PolicyPlan, TlsPlan, check_network, dial as dials};
use crate::args::values::GiveUp;
use crate::args::{
    DetectorArg, GateArgs, HealthArgs, HeartbeatArgs, ProbeArg, ProbeArgs, ReconnectArgs,
    TargetArgs,
};
use crate::usage::UsageError;

/// Everything that a heartbeat needs.
#[derive(Debug)]
pub(crate) struct HeartbeatPlan {
    /// What was named on the command line.
    pub(crate) specs: Vec<TargetSpec>,
    /// A list that names more.
    pub(crate) list: Option<ListSource>,
    /// The network of targets in the list that name none.
    pub(crate) network: Network,
    /// What the flags ask of every target's network.
    pub(crate) needs: NetworkNeeds,
    pub(crate) config: Config,
    /// What a name server is asked for, as it was typed.
    pub(crate) query: Option<String>,
    /// How connections are encrypted.
    pub(crate) tls: Option<TlsPlan>,
    pub(crate) name_servers: Vec<NameServer>,
    pub(crate) policy: Option<PolicyPlan>,
    pub(crate) fail_if: Option<Gate>,
    pub(crate) until: Option<Gate>,
    pub(crate) hooks: Hooks,
    /// Where scrapes are answered.
    pub(crate) metrics: Option<SocketAddr>,
    /// With `--live`: lines of the terminal.
    pub(crate) live: Option<usize>,
}

/// A recorded run that detectors are scored by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplayPlan {
    pub(crate) file: PathBuf,
    /// A silence of at least that was an outage; `None`: five intervals.
    pub(crate) outage_min: Option<Duration>,
}

/// Commands to run when a state changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hooks {
    pub(crate) down: Option<String>,
    pub(crate) up: Option<String>,
    pub(crate) change: Option<String>,
}

/// The most targets that are watched at once: each has a socket and some state of its own.
pub(crate) const MOST: u128 = 16_384;

/// The height of a terminal that does not tell.
const DEFAULT_HEIGHT: usize = 24;

/// The plan of `--replay`; clap has refused it beside what sends beats.
pub(super) fn replay(args: &HeartbeatArgs) -> Result<Option<ReplayPlan>, UsageError> {
    let outage_min = args.outage_min;
    let file = args.replay.clone();
    need(
        "--replay",
        file.is_some(),
        &[("--outage-min", outage_min.is_some())],
    )?;
    Ok(file.map(|file| ReplayPlan { file, outage_min }))
}

/// Checks the flags against each other and translates them.
pub(super) fn plan(
    args: HeartbeatArgs,
    environment: &Environment,
) -> Result<HeartbeatPlan, UsageError> {
    check(&args, environment)?;
    let (network, query) = (network(&args), args.probe.query.clone());
    let (texts, list) = dials::sources(&args.target)?;
    let specs = dials::read_specs(&texts, network)?;
    if specs.is_empty() && list.is_none() {
        let expected = "a target: `netkit heartbeat host:port`";
        return Err(UsageError::new("no target was given", expected));
    }
    let mut needs = NetworkNeeds::shared(&args.target, &args.socket, &args.keepalive);
    needs.tls(&args.tls);
    let possible = list.is_some() || specs.iter().any(TargetSpec::is_tls);
    let tls = TlsPlan::new(&args.tls, possible, environment)?;
    let config = config(&args)?;
    for spec in &specs {
        check_network(spec, &needs)?;
        check_probe(spec, &config)?;
    }
    thresholds::check(&args, &config, tls.is_some())?;
    let GateArgs {
        fail_if,
        until,
        on_down: down,
        on_up: up,
        on_change: change,
    } = args.gates;
    Ok(HeartbeatPlan {
        specs,
        list,
        network,
        needs,
        config,
        query,
        tls,
        name_servers: args.target.ns.clone(),
        policy: PolicyPlan::new(&args.policy),
        fail_if,
        until,
        hooks: Hooks { down, up, change },
        metrics: args.metrics,
        live: args
            .live
            .then(|| environment.height.unwrap_or(DEFAULT_HEIGHT)),
    })
}

/// Name servers are asked over UDP unless the target says otherwise.
fn network(args: &HeartbeatArgs) -> Network {
    let TargetArgs { network, udp, .. } = args.target;
    let dns = args.probe.probe == Some(ProbeArg::Dns);
    if dns && network.is_none() && !udp {
        Network::Udp
    } else {
        dials::network(&args.target)
    }
}

/// A connection is no beat where nothing is connected, and nothing to share.
pub(crate) fn check_probe(spec: &TargetSpec, config: &Config) -> Checked {
    let network = spec.network();
    let transport = network.transport();
    let unix = matches!(transport, Transport::Unix | Transport::Unixgram);
    let name = || {
        let target = spec.targets().next().map(|target| target.to_string());
        target.unwrap_or_default()
    };
    if let Some(most) = config.pool.filter(|_| transport.is_datagram()) {
        let message = format!(
            "--pool {most} has no effect on {}: over {network} there is no connection to share",
            name()
        );
        return Err(UsageError::new(message, "no --pool there"));
    }
    let probe = &config.probe;
    let refusal = match probe {
        Probe::Connect if transport.is_datagram() => "nothing is connected",
        Probe::Dns(_) if unix => "no name server is asked",
        _ => return Ok(()),
    };
    let message = format!(
        "--probe {} tells nothing of {}: over {network} {refusal}",
        probe.name(),
        name(),
    );
    Err(UsageError::new(message, "--probe echo or line there"))
}

fn check(args: &HeartbeatArgs, environment: &Environment) -> Checked {
    rules::one_family(&args.target)?;
    rules::one_code_point(&args.socket)?;
    rules::one_keepalive(&args.keepalive)?;
    rules::local_addr_has_the_family(&args.target, &args.socket)?;
    output(args, environment)?;
    companions(args)?;
    let what = "netkit dial";
    let resumption = ("--session-resumption", args.tls.session_resumption);
    need(
        what,
        false,
        &[resumption, ("--show-chain", args.tls.show_chain)],
    )?;
    if args.socket.fastopen {
        let message =
            "--fastopen has no effect on a heartbeat: a connection is one before data flows";
        return Err(UsageError::new(message, "no --fastopen"));
    }
    match &args.probe.expect {
        Some(text) if text.is_empty() => {
            let message = "--expect '' is met by anything";
            Err(UsageError::new(message, "the text that must come back"))
        }
        _ => Ok(()),
    }
}

fn output(args: &HeartbeatArgs, environment: &Environment) -> Checked {
    let stream = "a stream is one line an object (--json)";
    let table = "a table that is redrawn is for people";
    exclusive(&[
        Pair(args.output.pretty, "--pretty", true, "heartbeat", stream),
        Pair(args.live, "--live", args.output.json, "--json", table),
        Pair(args.live, "--live", args.output.quiet, "--quiet", table),
    ])?;
    if args.live && !environment.stdout_tty {
        let message = "--live redraws a table in place, and standard output is no terminal";
        return Err(UsageError::new(message, "a terminal, or no --live"));
    }
    Ok(())
}

/// Flags that mean nothing without another.
fn companions(args: &HeartbeatArgs) -> Checked {
    probe_companions(&args.probe)?;
    detector_companions(&args.health)?;
    let probe = args.probe.probe.unwrap_or(ProbeArg::Connect);
    session_companions(&args.reconnect, probe != ProbeArg::Connect)?;
    args.reconnect.pool.map_or(Ok(()), |most| pool(most, probe))
}

/// Refuses a pool where no connection could be shared.
fn pool(most: u32, probe: ProbeArg) -> Checked {
    let why = match probe {
        ProbeArg::Echo | ProbeArg::Line => return Ok(()),
        ProbeArg::Connect => "--probe connect: each beat is a connection of its own",
        ProbeArg::Dns => {
            "--probe dns: an answer says whose it is, so that one session takes all the questions of a \
             target"
        }
    };
    let message = format!("--pool {most} has no effect with {why}");
    let expected = "--probe echo or line, or no --pool";
    Err(UsageError::new(message, expected))
}

/// Refuses the first flag that was given and has nothing to act on.
fn need(what: &str, has: bool, flags: &[(&str, bool)]) -> Checked {
    match flags.iter().find(|(_, given)| *given && !has) {
        Some((flag, _)) => {
            let message = format!("{flag} has no effect here");
            Err(UsageError::new(message, what))
        }
        None => Ok(()),
    }
}

fn probe_companions(args: &ProbeArgs) -> Checked {
    let is = |wanted| args.probe == Some(wanted);
    let (send, expect) = (args.send.is_some(), args.expect.is_some());
    let flags = [("--send", send), ("--expect", expect)];
    need("--probe line", is(ProbeArg::Line), &flags)?;
    let flags = [("--query", args.query.is_some())];
    need("--probe dns", is(ProbeArg::Dns), &flags)
}

fn detector_companions(args: &HealthArgs) -> Checked {
    let detector = args.detector.unwrap_or(DetectorArg::Consecutive);
    let consecutive = detector == DetectorArg::Consecutive;
    let flags = [("--fall", args.fall.is_some())];
    need("--detector consecutive", consecutive, &flags)?;
    let flags = [
        ("--window", args.window.is_some()),
        ("--window-min", args.window_min.is_some()),
        ("--failure-rate", args.failure_rate.is_some()),
        ("--slow-after", args.slow_after.is_some()),
    ];
    need("--detector window", detector == DetectorArg::Window, &flags)?;
    let (phi, pause) = (args.phi.is_some(), args.phi_pause.is_some());
    let flags = [("--phi", phi), ("--phi-pause", pause)];
    need("--detector phi", detector == DetectorArg::Phi, &flags)
}

fn session_companions(args: &ReconnectArgs, persistent: bool) -> Checked {
    let flags = [
        ("--backoff-min", args.backoff_min.is_some()),
        ("--backoff-max", args.backoff_max.is_some()),
        ("--give-up-after", args.give_up_after.is_some()),
        ("--connect-timeout", args.connect_timeout.is_some()),
    ];
    need("a session (--probe echo, line or dns)", persistent, &flags)
}

fn config(args: &HeartbeatArgs) -> Result<Config, UsageError> {
    let default = Config::default();
    let schedule = &args.schedule;
    let mut config = Config {
        probe: probe(&args.probe)?,
        interval: schedule.interval.unwrap_or(default.interval),
        interval_suspect: schedule.interval_suspect,
        interval_down: schedule.interval_down,
        timeout: schedule.timeout,
        count: schedule.count.filter(|count| *count > 0),
        duration: schedule.duration,
        reconnect: reconnect(&args.reconnect, is_one_shot(args))?,
        breaker: args.reconnect.breaker,
        pool: args.reconnect.pool.map(|most| most as usize),
        dial: dial::Config {
            family: rules::family(&args.target),
            socket: dials::socket(&args.socket, &args.keepalive),
            ..default.dial
        },
        ..default
    };
    let method = method(&args.health);
    let timing = config.timing();
    config.detector = detector::Config {
        method,
        rise: args.health.rise.unwrap_or(default.detector.rise),
        suspect_after: args
            .health
            .suspect_after
            .or_else(|| method.suspect_after(timing)),
    };
    Ok(config)
}

fn probe(args: &ProbeArgs) -> Result<Probe, UsageError> {
    Ok(match args.probe {
        None | Some(ProbeArg::Connect) => Probe::Connect,
        Some(ProbeArg::Echo) => Probe::Echo,
        Some(ProbeArg::Line) => Probe::Line {
            send: args.send.clone().unwrap_or_else(|| config::LINE.to_vec()),
            expect: args.expect.clone(),
        },
        Some(ProbeArg::Dns) => Probe::Dns(Box::new(query(args.query.as_deref())?)),
    })
}

fn query(text: Option<&str>) -> Result<Query, UsageError> {
    let text = text.unwrap_or("./NS");
    let (name, rtype) = text.rsplit_once('/').unwrap_or((text, "A"));
    let wrong = |what: String| {
        let expected = "a name, and after a slash its type: `example.com/MX`";
        UsageError::value("--query", text, &what, expected)
    };
    let name = DomainName::parse(name).map_err(|error| wrong(error.to_string()))?;
    let rtype: RecordType = rtype
        .parse()
        .map_err(|_| wrong(format!("`{rtype}` is no type of record")))?;
    Ok(Query::new(&Ask::new(name, rtype), &AskOptions::default()))
}

/// Whether the run ends by itself: a script waits for it, and not for ever.
fn is_one_shot(args: &HeartbeatArgs) -> bool {
    let schedule = &args.schedule;
    let count = schedule.count.is_some_and(|count| count > 0);
    count || schedule.duration.is_some() || args.gates.until.is_some()
}

fn reconnect(args: &ReconnectArgs, one_shot: bool) -> Result<Reconnect, UsageError> {
    let default = Reconnect::default();
    let (min, max) = (
        args.backoff_min.unwrap_or(default.min),
        args.backoff_max.unwrap_or(default.max),
    );
    if min > max {
        let message = format!("--backoff-min {min:?} is longer than --backoff-max {max:?}");
        return Err(UsageError::new(
            message,
            "a shortest pause up to the longest",
        ));
    }
    Ok(Reconnect {
        min,
        max,
        give_up_after: match args.give_up_after {
            Some(GiveUp::After(limit)) => Some(limit),
            Some(GiveUp::Never) => None,
            None if one_shot => Some(config::GIVE_UP_AFTER),
            None => default.give_up_after,
        },
        timeout: args.connect_timeout.unwrap_or(default.timeout),
    })
}

fn method(args: &HealthArgs) -> Method {
    let (window, phi) = (WindowConfig::default(), PhiConfig::default());
    match args.detector {
        None | Some(DetectorArg::Consecutive) => match args.fall {
            Some(fall) => Method::Consecutive { fall },
            None => detector::Config::default().method,
        },
        Some(DetectorArg::Window) => {
            let size = args.window.unwrap_or(window.size);
            Method::Window(WindowConfig {
                size,
                min_beats: args
                    .window_min
                    .unwrap_or_else(|| window.min_beats.min(size)),
                failure_pct: args.failure_rate.unwrap_or(window.failure_pct),
                slow: args.slow_after,
                slow_pct: args.slow_rate.unwrap_or(window.slow_pct),
            })
        }
        Some(DetectorArg::Phi) => Method::Phi(PhiConfig {
            threshold: args.phi.unwrap_or(phi.threshold),
            acceptable_pause: args.phi_pause.unwrap_or(phi.acceptable_pause),
            ..phi
        }),
    }
}

#[cfg(test)]
mod tests;
