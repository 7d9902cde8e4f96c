//! What happens to a server.

use std::net::SocketAddr;

use super::report::{EndedBy, Totals};
use crate::net::listen::ListenFacts;
use crate::net::serve::{Closed, Opened};
use crate::policy::admission::Reason;

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
    },
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
