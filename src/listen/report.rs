//! What a server has done. Its serde form is the JSON contract of `stats` and `summary`.

use serde::{Deserialize, Serialize};

use crate::net::listen::ListenFacts;
use crate::net::serve::{Cause, Count, Counts};
use crate::policy::admission::Reason;
use crate::time::Millis;

/// What made a server stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// It was cancelled: a signal.
    Signal,
    /// All connections that were to be served have come and gone.
    Count,
    /// Its time was over.
    Duration,
    /// Nobody listens to what it tells any more.
    Observer,
}

/// Connections that were not let in, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rejected {
    /// Too many connections.
    pub max_connections: u64,
    /// Too many from one address.
    pub max_per_ip: u64,
    /// Too many a second.
    pub accept_rate: u64,
    /// Shed by the open breaker.
    pub breaker: u64,
    /// No descriptor was left.
    pub descriptors: u64,
}

impl Rejected {
    /// All of them.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.max_connections + self.max_per_ip + self.accept_rate + self.breaker + self.descriptors
    }
}

/// Connections that have closed, by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClosedBy {
    /// The peer closed, and got everything that was for it.
    pub fin: u64,
    /// The peer reset.
    pub reset: u64,
    /// The network lost it: keepalive or user timeout.
    pub lost: u64,
    /// The behaviour was at its end.
    pub finished: u64,
    /// It said nothing for too long.
    pub idle_timeout: u64,
    /// It was too old.
    pub max_lifetime: u64,
    /// It sent too much.
    pub max_bytes: u64,
    /// It was idle longest when room was needed.
    pub made_room: u64,
    /// A fault that was asked for.
    pub fault: u64,
    /// Reset when the grace of the shutdown was over.
    pub shutdown: u64,
    /// Idle when the server was told to stop.
    pub drained: u64,
    /// The peer did not say what the script expects.
    pub unexpected: u64,
    /// The service that it was forwarded to closed first.
    pub upstream_fin: u64,
    /// The service that it was forwarded to reset, or was lost.
    pub upstream_reset: u64,
    /// The service that it was to be forwarded to could not be reached.
    pub upstream_failed: u64,
    /// The PROXY header or the TLS handshake failed.
    pub handshake: u64,
    /// Any other error.
    pub failed: u64,
}

impl ClosedBy {
    /// Those with a cause, in the order of the documentation.
    #[must_use]
    pub fn rows(&self) -> Vec<(Cause, u64)> {
        let counts = [
            self.fin,
            self.reset,
            self.lost,
            self.finished,
            self.idle_timeout,
            self.max_lifetime,
            self.max_bytes,
            self.made_room,
            self.fault,
            self.shutdown,
            self.drained,
            self.unexpected,
            self.upstream_fin,
            self.upstream_reset,
            self.upstream_failed,
            self.handshake,
            self.failed,
        ];
        Cause::ALL.into_iter().zip(counts).collect()
    }
}

/// What has been counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Totals {
    /// Since the start of the server.
    pub lasted_ms: Millis,
    /// Connections that were let in.
    pub accepted: u64,
    /// Connections that are open.
    pub open: u64,
    /// The most that were open at once.
    pub most_open_seen: u64,
    /// Bytes received, streams and datagrams; of the programs of `--exec` what the kernel counts, which on
    /// Unix sockets is nothing.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Datagrams left unanswered, or answered shorter, lest this server be a reflector.
    pub datagrams_held_back: u64,
    /// Answers that the kernel did not take.
    pub datagrams_unsent: u64,
    /// Connections that were not let in.
    pub rejected: Rejected,
    /// Connections that have closed.
    pub closed: ClosedBy,
    /// Faults that were applied.
    pub faults: u64,
    /// Connections to the service that is forwarded to.
    pub upstreams_connected: u64,
    /// Those that could not be made.
    pub upstreams_failed: u64,
    /// Bytes sent to it.
    pub bytes_up: u64,
    /// Bytes received from it.
    pub bytes_down: u64,
    /// Bytes that a mirror was too slow to take, or no longer there to take.
    pub mirror_bytes_dropped: u64,
    /// Connections whose mirror answered differently.
    pub mirror_differed: u64,
    /// Times that accepting paused: at a limit, or for want of descriptors.
    pub pauses: u64,
    /// Times that `accept` failed for want of descriptors or memory.
    pub accept_errors: u64,
    /// Times that the overload breaker opened.
    pub breaker_opened: u64,
    /// Events that were not told because they came too fast.
    pub events_lost: u64,
}

impl Totals {
    /// Reads what the workers have counted.
    #[must_use]
    pub fn new(counts: &Counts) -> Self {
        Self {
            accepted: counts.get(Count::Accepted),
            bytes_in: counts.get(Count::BytesIn),
            bytes_out: counts.get(Count::BytesOut),
            datagrams_in: counts.get(Count::DatagramsIn),
            datagrams_out: counts.get(Count::DatagramsOut),
            datagrams_held_back: counts.get(Count::DatagramsHeldBack),
            datagrams_unsent: counts.get(Count::DatagramsUnsent),
            rejected: Rejected {
                max_connections: counts.rejects(Reason::MaxConnections),
                max_per_ip: counts.rejects(Reason::MaxPerIp),
                accept_rate: counts.rejects(Reason::AcceptRate),
                breaker: counts.rejects(Reason::Breaker),
                descriptors: counts.rejects(Reason::Descriptors),
            },
            closed: ClosedBy {
                fin: counts.closes(Cause::Fin),
                reset: counts.closes(Cause::Reset),
                lost: counts.closes(Cause::Lost),
                finished: counts.closes(Cause::Finished),
                idle_timeout: counts.closes(Cause::IdleTimeout),
                max_lifetime: counts.closes(Cause::MaxLifetime),
                max_bytes: counts.closes(Cause::MaxBytes),
                made_room: counts.closes(Cause::MadeRoom),
                fault: counts.closes(Cause::Fault),
                shutdown: counts.closes(Cause::Shutdown),
                drained: counts.closes(Cause::Drained),
                unexpected: counts.closes(Cause::Unexpected),
                upstream_fin: counts.closes(Cause::UpstreamFin),
                upstream_reset: counts.closes(Cause::UpstreamReset),
                upstream_failed: counts.closes(Cause::UpstreamFailed),
                handshake: counts.closes(Cause::Handshake),
                failed: counts.closes(Cause::Failed),
            },
            faults: counts.get(Count::Faults),
            upstreams_connected: counts.get(Count::UpstreamsConnected),
            upstreams_failed: counts.get(Count::UpstreamsFailed),
            bytes_up: counts.get(Count::BytesUp),
            bytes_down: counts.get(Count::BytesDown),
            mirror_bytes_dropped: counts.get(Count::MirrorDropped),
            mirror_differed: counts.get(Count::MirrorDiffered),
            pauses: counts.get(Count::Pauses),
            accept_errors: counts.get(Count::AcceptErrors),
            events_lost: counts.get(Count::EventsLost),
            ..Self::default()
        }
    }
}

/// The result of a server's life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// Its sockets.
    pub listeners: Vec<ListenFacts>,
    /// What has been counted.
    pub totals: Totals,
    /// What made it stop; `null` while it serves.
    pub ended_by: Option<EndedBy>,
    /// Connections that were open when it was told to stop; `null` while it serves.
    pub open_at_stop: Option<u64>,
}
