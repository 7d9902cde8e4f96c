//! The plan of `netkit listen`: flags become the library's configuration.

mod rules;

use netkit::addr::Network;
use netkit::addr::listen::ListenAddr;
use netkit::listen::{self, Behaviour};
use netkit::net::listen::ListenOptions;
use netkit::net::serve::Telling;
use netkit::policy::admission::{Breaker, Limits, Overload};

use super::Environment;
use super::dial::keepalive_values;
use crate::args::{BehaviourArgs, DumpArg, ListenArgs, OverloadArg};
use crate::usage::UsageError;

/// Everything that a server needs.
#[derive(Debug)]
pub(crate) struct ListenPlan {
    /// Where; empty means the passed sockets.
    pub(crate) addrs: Vec<ListenAddr>,
    /// How many sockets the service manager has passed.
    pub(crate) passed: usize,
    pub(crate) options: ListenOptions,
    pub(crate) config: listen::Config,
    /// Whether a line is shown for each connection.
    pub(crate) lines: bool,
    /// Whether bytes are shown in hexadecimal.
    pub(crate) hex: bool,
    /// Whether the outcome of the connections is that of netkit.
    pub(crate) counted: bool,
}

/// The most addresses of one process.
const MOST_ADDRS: usize = 1_024;
/// How many bytes of each connection are shown.
const DUMPED: usize = 256;

/// Checks the flags against each other and translates them.
pub(super) fn plan(args: &ListenArgs, environment: &Environment) -> Result<ListenPlan, UsageError> {
    rules::check(args)?;
    let addrs = addrs(args)?;
    let passed = environment.passed_sockets;
    if addrs.is_empty() && passed == 0 {
        return Err(UsageError::new(
            "no address was given",
            "an address to listen at: `netkit listen :8080`",
        ));
    }
    rules::fits_the_addresses(args, &addrs)?;
    let lines = !args.telling.summary && !args.output.quiet;
    Ok(ListenPlan {
        passed: if addrs.is_empty() { passed } else { 0 },
        options: options(args),
        config: config(args, lines),
        lines,
        hex: args.telling.dump == Some(DumpArg::Hex),
        counted: args.life.once || args.life.count.is_some_and(|count| count > 0),
        addrs,
    })
}

/// The behaviours that were asked for, by their flags.
fn behaviours(args: &BehaviourArgs) -> Vec<&'static str> {
    let rows = [(args.echo, "--echo"), (args.discard, "--discard")];
    let given = rows.into_iter().filter(|(given, _)| *given);
    given.map(|(_, flag)| flag).collect()
}

fn addrs(args: &ListenArgs) -> Result<Vec<ListenAddr>, UsageError> {
    let network = match args.network {
        Some(network) => network,
        None if args.udp => Network::Udp,
        None => Network::Tcp,
    };
    let mut addrs = Vec::new();
    for text in &args.addrs {
        addrs.extend(netkit::addr::listen::parse(text, network)?);
        if addrs.len() > MOST_ADDRS {
            let message = format!("{} addresses are too many for one process", addrs.len());
            return Err(UsageError::new(message, format!("at most {MOST_ADDRS}")));
        }
    }
    Ok(addrs)
}

fn options(args: &ListenArgs) -> ListenOptions {
    ListenOptions {
        interface: args.socket.interface.clone(),
        reuse_port: args.socket.reuse_port,
        backlog: args.socket.backlog,
        keepalive: keepalive_values(&args.keepalive),
        user_timeout: args.keepalive.user_timeout,
        fastopen: args.socket.fastopen,
        mptcp: args.socket.mptcp,
        save_syn: args.telling.syn,
    }
}

fn config(args: &ListenArgs, lines: bool) -> listen::Config {
    let default = listen::Config::default();
    let count = args.life.count.filter(|&count| count > 0);
    listen::Config {
        behaviour: if args.behaviour.discard {
            Behaviour::Discard
        } else {
            Behaviour::Echo
        },
        limits: Limits {
            max_connections: args.limits.max_connections,
            max_per_ip: args.limits.max_per_ip,
            accept_rate: args.limits.accept_rate,
            count: if args.life.once { Some(1) } else { count },
            overload: args.limits.overload.map_or(Overload::Wait, overload),
            breaker: Breaker {
                rejects: args
                    .limits
                    .shed_above
                    .or_else(|| Breaker::default().rejects),
                ..Breaker::default()
            },
        },
        idle_timeout: args.limits.idle_timeout,
        max_lifetime: args.limits.max_lifetime,
        max_bytes: args.limits.max_bytes,
        grace: args.life.grace.unwrap_or(default.grace),
        duration: args.life.duration,
        workers: args.life.workers,
        allow_amplification: args.socket.allow_amplification,
        telling: Telling {
            connections: lines || args.life.once || count.is_some(),
            dump: args.telling.dump.map_or(0, |_| DUMPED),
            tcp_info: args.output.verbose && lines,
            syn: args.telling.syn,
        },
        stats_interval: args.telling.stats_interval,
    }
}

fn overload(arg: OverloadArg) -> Overload {
    match arg {
        OverloadArg::Wait => Overload::Wait,
        OverloadArg::Reject => Overload::Reject,
        OverloadArg::Reset => Overload::Reset,
        OverloadArg::CloseIdle => Overload::CloseIdle,
    }
}
