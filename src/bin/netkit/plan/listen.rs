//! The plan of `netkit listen`: flags become the library's configuration.

mod forward;
mod rules;
#[cfg(test)]
mod tests;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use netkit::addr::Network;
use netkit::addr::listen::ListenAddr;
use netkit::listen::{self, Behaviour, Forward};
use netkit::net::listen::ListenOptions;
use netkit::net::serve::Telling;
use netkit::net::tls::Roots;
use netkit::policy::admission::{Breaker, Limits, Overload};
use netkit::resolve::NameServer;

pub(crate) use self::tls::ServeTls;
use super::Environment;
use super::dial::keepalive_values;
use crate::args::{BehaviourArgs, DumpArg, ListenArgs, OverloadArg, ProgressArg, ThenArg};
use crate::usage::UsageError;

/// Everything that a server needs.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes")]
pub(crate) struct ListenPlan {
    /// Where; empty means the passed sockets.
    pub(crate) addrs: Vec<ListenAddr>,
    /// How many sockets the service manager has passed.
    pub(crate) passed: usize,
    pub(crate) options: ListenOptions,
    pub(crate) config: listen::Config,
    /// Whether a line is shown for each connection.
    pub(crate) lines: bool,
    /// Whether statistics are printed as they come.
    pub(crate) stats_lines: bool,
    /// Whether a live line of statistics is shown on standard error.
    pub(crate) status: bool,
    /// Whether bytes are shown in hexadecimal.
    pub(crate) hex: bool,
    /// Whether the outcome of the connections is that of netkit.
    pub(crate) counted: bool,
    /// What the behaviour says, if that is not in the configuration yet.
    pub(crate) content: Option<Content>,
    /// Whether the connection is for standard input and output.
    pub(crate) stdio: bool,
    /// Where scrapes are answered.
    pub(crate) metrics: Option<SocketAddr>,
    /// Who is asked for the address of the service that is forwarded to; empty is the system's.
    pub(crate) name_servers: Vec<NameServer>,
    /// Whom to trust about a service that speaks TLS.
    pub(crate) forward_roots: Roots,
    /// Where pieces are written to.
    pub(crate) record: Option<PathBuf>,
    /// Where orders are taken.
    pub(crate) control: Option<PathBuf>,
    /// TLS towards clients.
    pub(crate) tls: Option<ServeTls>,
}

/// Where what a behaviour says comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// From the command line.
    Bytes(Vec<u8>),
    /// A file, as it is.
    File(PathBuf),
    /// A script.
    Script(PathBuf),
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
    let forward = forward::forward(&args.forward, &addrs)?;
    let lines = !args.telling.summary && !args.output.quiet;
    let status = status_line(args, environment);
    Ok(ListenPlan {
        passed: if addrs.is_empty() { passed } else { 0 },
        options: options(args),
        config: config(args, forward, lines, status),
        name_servers: args.forward.ns.clone(),
        record: args.forward.record.clone(),
        forward_roots: args
            .forward
            .forward_ca
            .clone()
            .map_or(Roots::Platform, Roots::Path),
        control: forward::control(&args.forward)?,
        tls: tls::options(args, &addrs, environment)?,
        lines,
        hex: args.telling.dump == Some(DumpArg::Hex),
        content: content(&args.behaviour)?,
        stdio: args.behaviour.stdio,
        metrics: args.telling.metrics,
        stats_lines: args.telling.stats_interval.is_some(),
        status,
        counted: args.life.once || args.life.count.is_some_and(|count| count > 0),
        addrs,
    })
}

/// The behaviours that were asked for, by their flags.
fn behaviours(args: &ListenArgs) -> Vec<&'static str> {
    let forwards = args.forward.forward.is_some();
    let args = &args.behaviour;
    let rows = [
        (forwards, "--forward"),
        (args.echo, "--echo"),
        (args.discard, "--discard"),
        (args.chargen, "--chargen"),
        (args.daytime, "--daytime"),
        (args.greet.is_some(), "--greet"),
        (args.heartbeat, "--heartbeat"),
        (args.http, "--http"),
        (args.respond.is_some(), "--respond"),
        (args.exec.is_some(), "--exec"),
        (args.script.is_some(), "--script"),
        (args.stdio, "--stdio"),
    ];
    let given = rows.into_iter().filter(|(given, _)| *given);
    given.map(|(_, flag)| flag).collect()
}

/// How often a look is taken at the numbers for those who do not ask for lines of them.
const LOOK: Duration = Duration::from_millis(500);

/// A live line is for a person at a terminal who gets no other.
fn status_line(args: &ListenArgs, environment: &Environment) -> bool {
    let auto = environment.stderr_tty && !environment.term_dumb;
    let wanted = match args.output.progress {
        ProgressArg::Auto => auto,
        ProgressArg::Always => true,
        ProgressArg::Never => false,
    };
    let plain = !args.output.json && !args.output.pretty && !args.output.quiet;
    wanted && plain && args.telling.stats_interval.is_none() && !args.behaviour.stdio
}

fn addrs(args: &ListenArgs) -> Result<Vec<ListenAddr>, UsageError> {
    let network = match args.network {
        Some(network) => network,
        None if args.udp => Network::Udp,
        None => Network::Tcp,
    };
    let mut addrs = Vec::new();
    for text in &args.addrs {
        for addr in netkit::addr::listen::parse(text, network)? {
            rules::each_once(text, &addr, &addrs, args.socket.reuse_port)?;
            addrs.push(addr);
        }
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

fn config(
    args: &ListenArgs,
    forward: Option<Forward>,
    lines: bool,
    status: bool,
) -> listen::Config {
    let default = listen::Config::default();
    let count = args.life.count.filter(|&count| count > 0);
    listen::Config {
        behaviour: match forward {
            Some(forward) => Behaviour::Forward(Box::new(forward)),
            None => behaviour(&args.behaviour),
        },
        faults: args.faults.fault.clone(),
        seed: args.faults.seed.unwrap_or(default.seed),
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
        accept_proxy: args.forward.accept_proxy_protocol,
        record: args.forward.record.is_some(),
        controlled: args.forward.control.is_some(),
        allow_amplification: args.socket.allow_amplification,
        telling: Telling {
            connections: lines || args.life.once || count.is_some(),
            dump: args.telling.dump.map_or(0, |_| DUMPED),
            tcp_info: args.output.verbose && lines,
            syn: args.telling.syn,
        },
        // A status line needs a look now and then, even if no line is printed for it.
        stats_interval: args
            .telling
            .stats_interval
            .or_else(|| status.then_some(LOOK)),
    }
}

/// The behaviour; the content of files is filled in later.
fn behaviour(args: &BehaviourArgs) -> Behaviour {
    if let Some(text) = &args.greet {
        return Behaviour::Greet {
            text: text.clone(),
            then_echo: args.then == Some(ThenArg::Echo),
        };
    }
    if let Some(command) = &args.exec {
        return Behaviour::Exec(command.clone());
    }
    let rows = [
        (args.discard, Behaviour::Discard),
        (args.chargen, Behaviour::Chargen),
        (args.daytime, Behaviour::Daytime),
        (args.heartbeat, Behaviour::Heartbeat),
        (args.http, Behaviour::Http),
        (args.respond.is_some(), Behaviour::Respond(Vec::new())),
        (args.script.is_some(), Behaviour::Script(Vec::new())),
    ];
    let given = rows.into_iter().find(|(given, _)| *given);
    given.map_or(Behaviour::Echo, |(_, behaviour)| behaviour)
}

/// Where the content of a behaviour comes from, if not from the command line itself.
fn content(args: &BehaviourArgs) -> Result<Option<Content>, UsageError> {
    if let Some(path) = &args.script {
        return Ok(Some(Content::Script(path.clone())));
    }
    let Some(text) = &args.respond else {
        return Ok(None);
    };
    if let Some(path) = text.strip_prefix('@') {
        return Ok(Some(Content::File(path.into())));
    }
    let bytes = crate::args::values::c_text(text)
        .map_err(|error| UsageError::value("--respond", text, &error.message, &error.expected))?;
    Ok(Some(Content::Bytes(bytes)))
}

fn overload(arg: OverloadArg) -> Overload {
    match arg {
        OverloadArg::Wait => Overload::Wait,
        OverloadArg::Reject => Overload::Reject,
        OverloadArg::Reset => Overload::Reset,
        OverloadArg::CloseIdle => Overload::CloseIdle,
    }
}
