//! The plan of `netkit dial`: flags become the library's configurations.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use netkit::addr::{Network, TargetSpec};
use netkit::dial::{self, Exchange, Expect, Strategy, repeat, wait};
use netkit::net::{Close, Keepalive, SocketOptions};
use netkit::resolve::NameServer;

use super::needs::NetworkNeeds;
use super::recorded;
use super::rules;
use super::{Environment, PolicyPlan, RecordPlan, TlsPlan};
use crate::args::{
    CloseArg, DialArgs, ExchangeArgs, KeepaliveArgs, OnlyArg, SocketArgs, StrategyArg, TargetArgs,
    UntilArg,
};
use crate::usage::UsageError;

/// Everything that a dial needs.
#[derive(Debug)]
pub(crate) struct DialPlan {
    /// What was named on the command line.
    pub(crate) specs: Vec<TargetSpec>,
    /// A list that names more.
    pub(crate) list: Option<ListSource>,
    /// The network of targets in the list that name none.
    pub(crate) network: Network,
    /// What the flags ask of every target's network.
    pub(crate) needs: NetworkNeeds,
    pub(crate) config: dial::Config,
    /// A file whose content becomes the payload.
    pub(crate) payload: Option<PathBuf>,
    /// A recorded connection that is played.
    pub(crate) replay: Option<RecordPlan>,
    pub(crate) name_servers: Vec<NameServer>,
    /// Rules for names.
    pub(crate) policy: Option<PolicyPlan>,
    /// How connections are encrypted.
    pub(crate) tls: Option<TlsPlan>,
    /// Dials at once, as asked for.
    pub(crate) parallel: Option<usize>,
    pub(crate) mode: Mode,
}

/// Where a list of targets comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListSource {
    Stdin,
    File(PathBuf),
}

/// What is made of the targets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mode {
    /// One target, one dial, one report.
    Single,
    /// One target, connected to standard input and output.
    Stdio,
    /// The targets again and again.
    Repeat(repeat::Schedule),
    /// Every target once.
    Many {
        /// Dials at once.
        parallel: Option<usize>,
        /// Outcomes to show; empty means all.
        only: Vec<OnlyArg>,
    },
    /// Until they answer, or no longer do.
    Wait {
        wait: wait::Config,
        /// What netkit becomes then.
        command: Vec<OsString>,
    },
}

/// The most targets that are watched at once (`--count`, `--wait`): each has its own state.
pub(crate) const MOST_WATCHED: u128 = 1_024;

/// Checks the flags against each other and translates them.
pub(super) fn plan(args: DialArgs, environment: &Environment) -> Result<DialPlan, UsageError> {
    rules::check(&args)?;
    let network = network(&args.target);
    let (texts, list) = sources(&args.target)?;
    let specs = read_specs(&texts, network)?;
    if specs.is_empty() && list.is_none() {
        return Err(UsageError::new(
            "no target was given",
            "a target: `netkit dial host:port`",
        ));
    }
    if list == Some(ListSource::Stdin) && args.exchange.stdio {
        let message = "standard input cannot be both the list of targets and the connection";
        return Err(UsageError::new(message, "one of `-` and --stdio"));
    }
    let many = list.is_some() || total(&specs) > 1;
    rules::number_of_targets(&args, many)?;
    recorded::replay_has_one_target(&args, many)?;
    let needs = NetworkNeeds::new(&args);
    specs
        .iter()
        .try_for_each(|spec| check_network(spec, &needs))?;
    // A list may name targets with TLS: that is known when it is read.
    let possible = list.is_some() || specs.iter().any(TargetSpec::is_tls);
    let tls = TlsPlan::new(&args.tls, possible, environment)?;
    rules::certificates_to_judge(&args, tls.is_some())?;
    rules::chain_to_show(&args, many)?;
    let config = config(&args);
    Ok(DialPlan {
        specs,
        list,
        network,
        needs,
        config,
        payload: args.exchange.send_file.clone(),
        replay: RecordPlan::new(&args.exchange),
        name_servers: args.target.ns.clone(),
        policy: PolicyPlan::new(&args.policy),
        tls,
        parallel: args.repeat.parallel,
        mode: mode(args, many),
    })
}

/// Checks what the flags ask of the network of a target.
pub(crate) fn check_network(spec: &TargetSpec, needs: &NetworkNeeds) -> Result<(), UsageError> {
    let first = spec.targets().next().map(|target| target.to_string());
    needs.check(&first.unwrap_or_default(), spec.network())
}

/// How many targets the specs name.
pub(crate) fn total(specs: &[TargetSpec]) -> u128 {
    specs
        .iter()
        .fold(0, |sum, spec| sum.saturating_add(spec.len()))
}

pub(super) fn network(args: &TargetArgs) -> Network {
    match args.network {
        Some(network) => network,
        None if args.udp => Network::Udp,
        None => Network::Tcp,
    }
}

/// The targets of the command line, and the list.
pub(super) fn sources(args: &TargetArgs) -> Result<(Vec<String>, Option<ListSource>), UsageError> {
    let dash = args.targets.iter().any(|text| text == "-");
    let texts = args
        .targets
        .iter()
        .filter(|text| *text != "-")
        .cloned()
        .collect();
    let list = match &args.list {
        Some(_) if dash => {
            return Err(UsageError::new(
                "`-` and --targets both name a list",
                "one of the two",
            ));
        }
        Some(path) if path.as_os_str() == "-" => Some(ListSource::Stdin),
        Some(path) => Some(ListSource::File(path.clone())),
        None => dash.then_some(ListSource::Stdin),
    };
    Ok((texts, list))
}

pub(super) fn read_specs(
    texts: &[String],
    network: Network,
) -> Result<Vec<TargetSpec>, UsageError> {
    let specs = netkit::addr::list::parse_arguments(texts, network)?;
    specs.iter().try_for_each(TargetSpec::check_dialable)?;
    Ok(specs)
}

fn mode(args: DialArgs, many: bool) -> Mode {
    if args.exchange.stdio {
        return Mode::Stdio;
    }
    if let Some(limit) = args.wait.wait {
        return Mode::Wait {
            wait: wait_config(&args, limit),
            command: args.command,
        };
    }
    if let Some(count) = args.repeat.count {
        return Mode::Repeat(schedule(&args, count));
    }
    if many {
        return Mode::Many {
            parallel: args.repeat.parallel,
            only: args.only,
        };
    }
    Mode::Single
}

fn wait_config(args: &DialArgs, limit: Duration) -> wait::Config {
    let until = match args.wait.wait_for {
        Some(UntilArg::Closed) => wait::Until::Closed,
        Some(UntilArg::Open) | None => wait::Until::Open,
    };
    wait::Config {
        limit: Some(limit),
        until,
        any: args.wait.any,
    }
}

fn schedule(args: &DialArgs, count: u64) -> repeat::Schedule {
    let default = repeat::Schedule::default();
    repeat::Schedule {
        count: (count > 0).then_some(count),
        interval: args.repeat.interval.unwrap_or(default.interval),
        parallel: args.repeat.parallel.unwrap_or(default.parallel),
        reuse: args.repeat.reuse,
    }
}

fn config(args: &DialArgs) -> dial::Config {
    let default = dial::Config::default();
    dial::Config {
        timeout: args.race.timeout.unwrap_or(default.timeout),
        attempt_timeout: args.race.attempt_timeout,
        strategy: args.race.strategy.map_or(default.strategy, strategy),
        family: rules::family(&args.target),
        attempt_delay: args.race.attempt_delay,
        race_all: args.race.race_all,
        socket: socket(&args.socket, &args.keepalive),
        exchange: exchange(&args.exchange),
        fail_if: args.fail_if.clone(),
        hold: args.hold,
        ..default
    }
}

fn strategy(arg: StrategyArg) -> Strategy {
    match arg {
        StrategyArg::Rfc8305 => Strategy::Rfc8305,
        StrategyArg::Go => Strategy::Go,
        StrategyArg::Curl => Strategy::Curl,
        StrategyArg::Serial => Strategy::Serial,
    }
}

pub(super) fn socket(args: &SocketArgs, keepalive: &KeepaliveArgs) -> SocketOptions {
    SocketOptions {
        local_addr: args.local_addr,
        interface: args.interface.clone(),
        mark: args.mark,
        // The DSCP is the upper six bits of the byte (RFC 2474 section 3).
        tos: args.tos.or_else(|| args.dscp.map(|dscp| dscp << 2)),
        ttl: args.ttl,
        mss: args.mss,
        congestion: args.congestion.clone(),
        nodelay: args.nodelay,
        fastopen: args.fastopen,
        mptcp: args.mptcp,
        keepalive: keepalive_values(keepalive),
        user_timeout: keepalive.user_timeout,
        close: match args.close {
            Some(CloseArg::Rst) => Close::Rst,
            Some(CloseArg::Fin) | None => Close::Fin,
        },
    }
}

pub(super) fn keepalive_values(args: &KeepaliveArgs) -> Keepalive {
    let default = Keepalive::default();
    Keepalive {
        enabled: !args.no_keepalive,
        idle: args.keepalive.unwrap_or(default.idle),
        interval: args.keepalive_interval.unwrap_or(default.interval),
        count: args.keepalive_count.unwrap_or(default.count),
    }
}

fn exchange(args: &ExchangeArgs) -> Exchange {
    let text = args.expect.clone().map(Expect::Bytes);
    Exchange {
        send: args.send.clone().or_else(|| args.send_hex.clone()),
        expect: text.or_else(|| args.expect_regex.clone().map(Expect::Regex)),
        read: args.read,
        banner: args.banner,
        shutdown_write: args.shutdown_write,
    }
}
