//! What a server tells of its connections.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::net::TcpInfo;
use crate::net::syn::Syn;
use crate::policy::admission::Reason;

/// Why a connection has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The peer closed, and got everything that was for it.
    Fin,
    /// The peer reset.
    Reset,
    /// The network lost it: keepalive or user timeout.
    Lost,
    /// The behaviour was at its end.
    Finished,
    /// It said nothing for too long.
    IdleTimeout,
    /// It was too old.
    MaxLifetime,
    /// It sent too much.
    MaxBytes,
    /// It was idle longest when room was needed.
    MadeRoom,
    /// A fault that was asked for.
    Fault,
    /// The grace of the shutdown was over.
    Shutdown,
    /// It was idle when the server was told to stop.
    Drained,
    /// The peer did not say what the script expects.
    Unexpected,
    /// The service that it was forwarded to closed first, and the peer got everything.
    UpstreamFin,
    /// The service that it was forwarded to reset, or was lost; the peer was reset too.
    UpstreamReset,
    /// The service that it was to be forwarded to could not be reached.
    UpstreamFailed,
    /// What was before the conversation failed: the PROXY header, or the TLS handshake.
    Handshake,
    /// Any other error.
    Failed,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Fin,
        Self::Reset,
        Self::Lost,
        Self::Finished,
        Self::IdleTimeout,
        Self::MaxLifetime,
        Self::MaxBytes,
        Self::MadeRoom,
        Self::Fault,
        Self::Shutdown,
        Self::Drained,
        Self::Unexpected,
        Self::UpstreamFin,
        Self::UpstreamReset,
        Self::UpstreamFailed,
        Self::Handshake,
        Self::Failed,
    ];

    /// The word used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Reset => "reset",
            Self::Lost => "lost",
            Self::Finished => "finished",
            Self::IdleTimeout => "idle_timeout",
            Self::MaxLifetime => "max_lifetime",
            Self::MaxBytes => "max_bytes",
            Self::MadeRoom => "made_room",
            Self::Fault => "fault",
            Self::Shutdown => "shutdown",
            Self::Drained => "drained",
            Self::Unexpected => "unexpected",
            Self::UpstreamFin => "upstream_fin",
            Self::UpstreamReset => "upstream_reset",
            Self::UpstreamFailed => "upstream_failed",
            Self::Handshake => "handshake",
            Self::Failed => "failed",
        }
    }

    /// The cause that an error of the socket tells.
    #[must_use]
    pub fn of(error: &std::io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ECONNRESET | libc::EPIPE | libc::ECONNABORTED) => Self::Reset,
            Some(libc::ETIMEDOUT | libc::EHOSTUNREACH | libc::ENETUNREACH) => Self::Lost,
            _ if error.kind() == std::io::ErrorKind::BrokenPipe => Self::Reset,
            _ => Self::Failed,
        }
    }
}

/// A connection has come in.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// Its number, from 1.
    pub id: u64,
    /// The index of its listener.
    pub listener: usize,
    /// The other end; `None` for a Unix socket.
    pub peer: Option<SocketAddr>,
    /// Its SYN, where it was asked for and kept.
    pub syn: Option<Box<Syn>>,
}

/// A connection has closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// Its number.
    pub id: u64,
    /// The index of its listener.
    pub listener: usize,
    /// The other end; `None` for a Unix socket.
    pub peer: Option<SocketAddr>,
    /// Bytes received; `None` where nobody counts them: a program has the connection.
    pub bytes_in: Option<u64>,
    /// Bytes sent; `None` as above.
    pub bytes_out: Option<u64>,
    /// From its acceptance to its end.
    pub lasted: Duration,
    /// Why.
    pub cause: Cause,
    /// What went wrong, in the words of whoever met it, where the cause does not say it all.
    pub error: Option<Box<str>>,
    /// What passed to and from the service that it was forwarded to; `None` if it was not.
    pub forwarded: Option<Forwarded>,
    /// The kernel's view at the end, where it was asked for.
    pub tcp_info: Option<Box<TcpInfo>>,
}

/// What passed to and from the service that a connection was forwarded to. With faults, TLS or a
/// PROXY header it is not what passed to and from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Bytes sent to it.
    pub bytes_up: u64,
    /// Bytes received from it.
    pub bytes_down: u64,
}

/// What happened, and when, counted from the start of the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A connection has come in.
    Opened(Duration, Opened),
    /// A connection was not let in.
    Rejected {
        /// When.
        at: Duration,
        /// The index of its listener.
        listener: usize,
        /// The other end.
        peer: Option<SocketAddr>,
        /// Why.
        reason: Reason,
        /// Whether by a reset.
        reset: bool,
    },
    /// The first bytes of a connection.
    Data {
        /// When.
        at: Duration,
        /// Its number; `None` for a datagram.
        id: Option<u64>,
        /// The index of its listener.
        listener: usize,
        /// The other end.
        peer: Option<SocketAddr>,
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether more came than is shown.
        cut: bool,
    },
    /// A fault was applied to a datagram, or to connections as they come.
    Fault {
        /// When.
        at: Duration,
        /// The connection's number; `None` for a datagram, and for those that are not accepted.
        id: Option<u64>,
        /// The index of its listener.
        listener: usize,
        /// The other end.
        peer: Option<SocketAddr>,
        /// The fault's word.
        fault: &'static str,
    },
    /// `accept` failed for want of descriptors or memory; said at most once a second.
    Exhausted {
        /// When.
        at: Duration,
        /// The error number.
        errno: i32,
    },
    /// A connection has closed.
    Closed(Duration, Closed),
}
