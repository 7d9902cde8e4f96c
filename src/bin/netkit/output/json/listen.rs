//! The lines of `netkit listen --json`.

pub(crate) mod config;

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use netkit::dial::report::Bytes;
use netkit::event::Stamped;
use netkit::failure::Failure;
use netkit::listen::report::{ClosedBy, Rejected};
use netkit::listen::{EndedBy, Event, Report, Totals};
use netkit::net::TcpInfo;
use netkit::net::listen::ListenFacts;
use netkit::net::serve::{Cause, Closed, Opened};
use netkit::net::syn::Syn;
use netkit::policy::admission::Reason;
use netkit::time::Millis;
use serde::Serialize;

use self::config::ListenConfig;
use super::{Line, forward};
use crate::plan::ListenPlan;

/// `"type":"listening"`: a socket listens, before any connection is accepted.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Listening<'a> {
    #[serde(flatten)]
    pub(crate) facts: &'a ListenFacts,
}

/// The other end, joined and in parts; all `null` for a Unix socket.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_field_names, reason = "keys of the contract")]
pub(crate) struct Peer {
    pub(crate) peer: Option<String>,
    pub(crate) peer_ip: Option<std::net::IpAddr>,
    pub(crate) peer_port: Option<u16>,
}

impl From<Option<SocketAddr>> for Peer {
    fn from(peer: Option<SocketAddr>) -> Self {
        Self {
            peer: peer.map(|peer| peer.to_string()),
            peer_ip: peer.map(|peer| peer.ip()),
            peer_port: peer.map(|peer| peer.port()),
        }
    }
}

/// `"type":"accept"`: a connection has come in.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Accept {
    /// Its number, from 1.
    pub(crate) id: u64,
    /// The index of its listener, in the order of the `listening` lines.
    pub(crate) listener: usize,
    #[serde(flatten)]
    pub(crate) peer: Peer,
    /// With `--syn`: its SYN; `null` otherwise, or if the kernel kept none.
    pub(crate) syn: Option<Syn>,
}

/// `"type":"data"`: the first bytes of a connection, or of a datagram.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_field_names, reason = "keys of the contract")]
pub(crate) struct Data {
    /// The connection's number; `null` for a datagram.
    pub(crate) id: Option<u64>,
    /// The index of its listener.
    pub(crate) listener: usize,
    #[serde(flatten)]
    pub(crate) peer: Peer,
    /// What came.
    pub(crate) data: Bytes,
    /// Whether more came than is shown.
    pub(crate) truncated: bool,
}

/// `"type":"fault"`: a fault was applied, as asked; once for each connection, and each time for
/// datagrams.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_field_names, reason = "keys of the contract")]
pub(crate) struct Fault {
    /// The connection's number; `null` for a datagram.
    pub(crate) id: Option<u64>,
    /// The index of its listener.
    pub(crate) listener: usize,
    #[serde(flatten)]
    pub(crate) peer: Peer,
    /// Its word.
    pub(crate) fault: &'static str,
    /// `down`, towards the client, or `up`, towards the service that is forwarded to.
    pub(crate) direction: &'static str,
}

/// `"type":"reject"`: a connection was not let in.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Reject {
    /// The index of its listener.
    pub(crate) listener: usize,
    #[serde(flatten)]
    pub(crate) peer: Peer,
    /// Why.
    pub(crate) reason: Reason,
    /// `rst` or `fin`.
    pub(crate) how: &'static str,
}

/// `"type":"close"`: a connection has closed.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Close {
    /// Its number.
    pub(crate) id: u64,
    /// The index of its listener.
    pub(crate) listener: usize,
    #[serde(flatten)]
    pub(crate) peer: Peer,
    /// Bytes received; `null` if unknown: with `--exec`, where the kernel does not count them.
    pub(crate) bytes_in: Option<u64>,
    /// Bytes sent; `null` if unknown, as above.
    pub(crate) bytes_out: Option<u64>,
    /// From its acceptance to its end.
    pub(crate) duration_ms: Millis,
    /// Why.
    pub(crate) cause: Cause,
    /// What went wrong, where the cause does not say it all: `failed`, `upstream_reset`, a `fin`
    /// without the end of TLS; `null` otherwise.
    pub(crate) error: Option<String>,
    /// Who ended it: `peer`, `netkit`, `network` or `upstream`, the service it was forwarded to.
    pub(crate) by: &'static str,
    /// Bytes sent to the service it was forwarded to; `null` if it was not.
    pub(crate) bytes_up: Option<u64>,
    /// Bytes received from that service.
    pub(crate) bytes_down: Option<u64>,
    /// With `-v`: the kernel's view at the end; `null` otherwise.
    pub(crate) tcp_info: Option<TcpInfo>,
}

/// `"type":"upstream"`: the service that a connection is forwarded to was reached, or not.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Upstream<'a> {
    /// The connection's number.
    pub(crate) id: u64,
    /// The index of its listener.
    pub(crate) listener: usize,
    #[serde(flatten)]
    pub(crate) peer: Peer,
    /// The service, as it was named.
    pub(crate) target: &'a str,
    /// Our end of the connection to it; `null` if there is none.
    pub(crate) local: Option<&'a str>,
    /// Its end; `null` if there is none.
    pub(crate) remote: Option<&'a str>,
    /// How long it took, looking the name up included.
    pub(crate) connect_ms: Millis,
    /// Why it was not reached; `null` if it was.
    pub(crate) failure: Option<&'a Failure>,
}

/// `"type":"stats"`: what has been counted, with `--stats-interval`, and when SIGQUIT asks.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Stats<'a> {
    #[serde(flatten)]
    pub(crate) totals: &'a Totals,
    /// Since the line before.
    pub(crate) accepts_per_second: f64,
    /// Since the line before.
    pub(crate) bytes_in_per_second: f64,
    /// Since the line before.
    pub(crate) bytes_out_per_second: f64,
}

impl<'a> Stats<'a> {
    pub(crate) fn new(before: &Totals, totals: &'a Totals) -> Self {
        let rates = Rates::between(before, totals);
        Self {
            totals,
            accepts_per_second: rates.accepts,
            bytes_in_per_second: rates.bytes_in,
            bytes_out_per_second: rates.bytes_out,
        }
    }
}

/// `"type":"metrics"`: where scrapers ask, with `--metrics`; after the `listening` lines.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Metrics {
    /// The address, joined.
    pub(crate) local: String,
    /// The address without the port.
    pub(crate) ip: std::net::IpAddr,
    /// The port, chosen by the kernel where 0 was asked.
    pub(crate) port: u16,
}

impl Metrics {
    pub(crate) fn new(local: SocketAddr) -> Self {
        Self {
            local: local.to_string(),
            ip: local.ip(),
            port: local.port(),
        }
    }
}

/// `"type":"draining"`: the server no longer accepts.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Draining {
    /// Why.
    pub(crate) ended_by: EndedBy,
    /// Connections that are still open.
    pub(crate) open: u64,
}

/// `"type":"warning"`: something that a person should know.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Warning<'a> {
    pub(crate) message: &'a str,
}

/// Which summary this is.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Listen,
}

/// `"type":"summary"` of a server: the last line.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Summary<'a> {
    mode: Mode,
    #[serde(flatten)]
    report: &'a Report,
    /// The status netkit ends with.
    exit_code: u8,
    /// What was asked.
    config: &'a ListenConfig,
}

impl<'a> Summary<'a> {
    pub(crate) fn new(report: &'a Report, exit_code: u8, config: &'a ListenConfig) -> Self {
        Self {
            mode: Mode::Listen,
            report,
            exit_code,
            config,
        }
    }
}

/// Who ended a connection.
pub(crate) fn by(cause: Cause) -> &'static str {
    match cause {
        Cause::Fin | Cause::Reset => "peer",
        Cause::Lost => "network",
        Cause::UpstreamFin | Cause::UpstreamReset | Cause::UpstreamFailed => "upstream",
        _ => "netkit",
    }
}

/// The line of an event; empty if it has none.
pub(crate) fn event(
    event: &Stamped<Event>,
    plan: &ListenPlan,
    before: &Totals,
    start: SystemTime,
    terminal: bool,
) -> String {
    let at = event.at;
    let writer = Writer {
        start,
        at,
        terminal,
    };
    match &event.event {
        Event::Listening(facts) => {
            let warnings = facts
                .warnings
                .iter()
                .map(|message| writer.line("warning", Warning { message }));
            let warnings: String = warnings.collect();
            writer.line("listening", Listening { facts }) + &warnings
        }
        Event::Exhausted { errno } => {
            let message = super::super::listen::exhausted(*errno, plan.config.limits.overload);
            writer.line("warning", Warning { message: &message })
        }
        Event::Stats(totals) if plan.stats_lines => {
            writer.line("stats", Stats::new(before, totals))
        }
        Event::Draining { by, open } => {
            let (ended_by, open) = (*by, *open);
            writer.line("draining", Draining { ended_by, open })
        }
        event if plan.lines => connection(event, &writer),
        _ => String::new(),
    }
}

fn connection(event: &Event, writer: &Writer) -> String {
    match event {
        Event::Opened(opened) => writer.line("accept", accept(opened)),
        Event::Closed(closed) => writer.line("close", close(closed)),
        Event::Upstream(upstream) => writer.line("upstream", reached(upstream)),
        Event::Proxied(proxied) => writer.line("proxy", forward::Proxy::from(&**proxied)),
        Event::Secured(secured) => writer.line("tls", forward::Tls::from(&**secured)),
        Event::Mirror(report) => writer.line("mirror", forward::Mirror::from(&**report)),
        Event::Rejected {
            listener,
            peer,
            reason,
            reset,
        } => {
            let body = Reject {
                listener: *listener,
                peer: (*peer).into(),
                reason: *reason,
                how: if *reset { "rst" } else { "fin" },
            };
            writer.line("reject", body)
        }
        Event::Fault {
            id,
            listener,
            peer,
            fault,
            direction,
        } => {
            let body = Fault {
                id: *id,
                listener: *listener,
                peer: (*peer).into(),
                fault,
                direction: direction.word(),
            };
            writer.line("fault", body)
        }
        Event::Data {
            id,
            listener,
            peer,
            bytes,
            cut,
        } => {
            let body = Data {
                id: *id,
                listener: *listener,
                peer: (*peer).into(),
                data: bytes.clone().into(),
                truncated: *cut,
            };
            writer.line("data", body)
        }
        _ => String::new(),
    }
}

fn accept(opened: &Opened) -> Accept {
    Accept {
        id: opened.id,
        listener: opened.listener,
        peer: opened.peer.into(),
        syn: opened.syn.as_deref().cloned(),
    }
}

fn reached(upstream: &netkit::listen::event::Upstream) -> Upstream<'_> {
    Upstream {
        id: upstream.id,
        listener: upstream.listener,
        peer: upstream.peer.into(),
        target: &upstream.target,
        local: upstream.local.as_deref(),
        remote: upstream.remote.as_deref(),
        connect_ms: upstream.took.into(),
        failure: upstream.failure.as_ref(),
    }
}

fn close(closed: &Closed) -> Close {
    Close {
        id: closed.id,
        listener: closed.listener,
        peer: closed.peer.into(),
        bytes_in: closed.bytes_in,
        bytes_out: closed.bytes_out,
        duration_ms: closed.lasted.into(),
        cause: closed.cause,
        error: closed.error.as_deref().map(str::to_owned),
        by: by(closed.cause),
        bytes_up: closed.forwarded.map(|bytes| bytes.bytes_up),
        bytes_down: closed.forwarded.map(|bytes| bytes.bytes_down),
        tcp_info: closed.tcp_info.as_deref().cloned(),
    }
}

struct Writer {
    start: SystemTime,
    at: Duration,
    terminal: bool,
}

impl Writer {
    fn line<T: Serialize>(&self, kind: &'static str, body: T) -> String {
        Line::new(kind, self.start, self.at, body).compact(self.terminal)
    }
}

/// What has been counted in each second since the statistics before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    pub(crate) accepts: f64,
    pub(crate) bytes_in: f64,
    pub(crate) bytes_out: f64,
}

impl Rates {
    pub(crate) fn between(before: &Totals, now: &Totals) -> Self {
        let time = now.lasted_ms.0.saturating_sub(before.lasted_ms.0);
        #[expect(clippy::cast_precision_loss, reason = "for people and graphs")]
        let rate = |before: u64, now: u64| {
            let seconds = time.as_secs_f64();
            if seconds > 0.0 {
                now.saturating_sub(before) as f64 / seconds
            } else {
                0.0
            }
        };
        Self {
            accepts: rate(before.accepted, now.accepted),
            bytes_in: rate(before.bytes_in, now.bytes_in),
            bytes_out: rate(before.bytes_out, now.bytes_out),
        }
    }
}

/// Every cause that has been counted, with its number.
pub(crate) fn causes(closed: &ClosedBy) -> Vec<(Cause, u64)> {
    let mut rows = closed.rows();
    rows.retain(|(_, count)| *count > 0);
    rows
}

/// Every reason that has been counted, with its number.
pub(crate) fn reasons(rejected: &Rejected) -> Vec<(Reason, u64)> {
    let mut rows = rows_of_reasons(rejected);
    rows.retain(|(_, count)| *count > 0);
    rows
}

/// Every reason with its number.
pub(crate) fn rows_of_reasons(rejected: &Rejected) -> Vec<(Reason, u64)> {
    let counts = [
        rejected.max_connections,
        rejected.max_per_ip,
        rejected.accept_rate,
        rejected.breaker,
        rejected.descriptors,
    ];
    Reason::ALL.into_iter().zip(counts).collect()
}
