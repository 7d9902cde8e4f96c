//! What happens to a server.

use std::net::SocketAddr;
use std::time::Duration;

use super::forward::Compared;
use super::report::{EndedBy, Totals};
use crate::failure::Failure;
use crate::net::listen::ListenFacts;
use crate::net::proxy_protocol;
use crate::net::serve::{Closed, Opened};
use crate::net::tls::TlsAccepted;
use crate::policy::admission::Reason;
use crate::policy::fault::Direction;

/// One fact.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A socket listens; before any connection is accepted.
    Listening(ListenFacts),
    /// A connection has come in.
    Opened(Opened),
    /// A connection was not let in.
    Rejected {
        /// The index of its listener.
        listener: usize,
        /// The other end.
        peer: Option<SocketAddr>,
        /// Why.
        reason: Reason,
        /// Whether by a reset.
        reset: bool,
    },
    /// The first bytes of a connection, or of a datagram.
    Data {
        /// The connection's number; `None` for a datagram.
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
    /// A fault was applied, as asked; once for each connection, and each time for datagrams.
    /// `no-accept` is told once, when the first connection waits.
    Fault {
        /// The connection's number; `None` for a datagram, and for those that are not accepted.
        id: Option<u64>,
        /// The index of its listener.
        listener: usize,
        /// The other end.
        peer: Option<SocketAddr>,
        /// The fault's word.
        fault: &'static str,
        /// Towards whom it was applied.
        direction: Direction,
    },
    /// The service that a connection is forwarded to was reached, or not.
    Upstream(Box<Upstream>),
    /// What the PROXY header of a connection says, or why it is none.
    Proxied(Box<Proxied>),
    /// What the TLS handshake of a connection came to.
    Secured(Box<Secured>),
    /// What the shadow of a connection got and said.
    Mirror(Box<MirrorReport>),
    /// A piece has passed; where pieces are recorded.
    Piece(Piece),
    /// Descriptors or memory have run out; said at most once a second.
    Exhausted {
        /// The error number of `accept`.
        errno: i32,
    },
    /// A connection has closed.
    Closed(Closed),
    /// What has been counted so far.
    Stats(Box<Totals>),
    /// The server no longer accepts.
    Draining {
        /// Why.
        by: EndedBy,
        /// Connections that are still open.
        open: u64,
    },
    /// The server has ended.
    Ended,
}

/// What came of connecting to the service that a connection is forwarded to.
#[derive(Clone, Debug, PartialEq)]
pub struct Upstream {
    /// The connection's number.
    pub id: u64,
    /// The index of its listener.
    pub listener: usize,
    /// The client's end.
    pub peer: Option<SocketAddr>,
    /// The service, as it was named.
    pub target: String,
    /// Our end of the connection to it; `None` if there is none.
    pub local: Option<String>,
    /// Its end.
    pub remote: Option<String>,
    /// How long it took, looking the name up included.
    pub took: Duration,
    /// Why it was not reached.
    pub failure: Option<Failure>,
}

/// What the PROXY header of a connection says.
#[derive(Clone, Debug, PartialEq)]
pub struct Proxied {
    /// The connection's number.
    pub id: u64,
    /// The index of its listener.
    pub listener: usize,
    /// The proxy.
    pub peer: Option<SocketAddr>,
    /// The client and what it connected to; `None` if the proxy does not say, or there is no header.
    pub ends: Option<proxy_protocol::Ends>,
    /// Why the connection was not served.
    pub failure: Option<Failure>,
}

/// What the shadow of a connection got and said.
#[derive(Clone, Debug, PartialEq)]
pub struct MirrorReport {
    /// The connection's number.
    pub id: u64,
    /// The index of its listener.
    pub listener: usize,
    /// The client's end.
    pub peer: Option<SocketAddr>,
    /// The shadow, as it was named.
    pub target: String,
    /// Bytes it got.
    pub sent: u64,
    /// Bytes it was too slow to take, or not there to take.
    pub dropped: u64,
    /// Why it was not reached, or no longer.
    pub failure: Option<Failure>,
    /// What came of comparing its replies; `None` if they were not, or not to their end.
    pub compared: Option<Compared>,
}

/// A piece that has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The connection's number.
    pub id: u64,
    /// The index of its listener.
    pub listener: usize,
    /// The client's end.
    pub peer: Option<SocketAddr>,
    /// `Up` is from the client.
    pub direction: Direction,
    /// What it is; empty at the end of its direction.
    pub bytes: Vec<u8>,
}

/// What the TLS handshake of a connection came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Secured {
    /// The connection's number.
    pub id: u64,
    /// The index of its listener.
    pub listener: usize,
    /// The client's end.
    pub peer: Option<SocketAddr>,
    /// What it told of the client; `None` if it failed.
    pub accepted: Option<TlsAccepted>,
    /// Why the connection was not served.
    pub failure: Option<Failure>,
}
