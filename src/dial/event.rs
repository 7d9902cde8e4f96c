//! The facts of a dial, in the order in which they happen.

use std::net::IpAddr;

use super::report::{Detection, Exchange, Hold, Replay};
use crate::addr::Family;
use crate::failure::Failure;
use crate::net::tls::Handshake;
use crate::net::tls::handshake::Resumption;
use crate::net::{Connected, PeerAddr};
use crate::resolve::Answer;
use crate::time::Millis;

/// What happened. The report is the fold of these; see [`super::Report::apply`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A question went to the resolver.
    ResolveStart {
        /// A or AAAA.
        family: Family,
    },
    /// It was answered.
    ResolveDone {
        /// A or AAAA.
        family: Family,
        /// The addresses, or why there are none.
        result: Result<Answer, Failure>,
    },
    /// The addresses, sorted and interleaved, as they will be tried from now on.
    Ordered {
        /// All that are known so far.
        addresses: Vec<IpAddr>,
    },
    /// An attempt began.
    ConnectStart {
        /// Its index in the report.
        attempt: usize,
        /// Where it goes.
        addr: PeerAddr,
    },
    /// The transport of an attempt stands, and TLS begins on it.
    TlsStart {
        /// Its index in the report.
        attempt: usize,
        /// The socket.
        connected: Connected,
    },
    /// An attempt ended: with TLS, after the handshake.
    ConnectDone {
        /// Its index in the report.
        attempt: usize,
        /// The socket, or why there is none.
        result: Result<Connected, Failure>,
        /// What was learned of the handshake, if it came to that.
        tls: Option<Box<Handshake>>,
    },
    /// A second handshake showed whether the session can be resumed.
    Resumed(Resumption),
    /// With reuse: a connection that was open already, seen anew; or `None`, and one must be made.
    Taken {
        /// The socket.
        reused: Option<Connected>,
    },
    /// An attempt was given up because another had won, or the run was stopped.
    ConnectCancelled {
        /// Its index in the report.
        attempt: usize,
    },
    /// The handshake that fast open had put off ended with the exchange; the socket seen anew.
    HandshakeDone(Connected),
    /// When a dead peer would be noticed.
    Detection(Detection),
    /// The exchange began.
    ExchangeStart,
    /// The first bytes went out.
    Sent {
        /// How many so far.
        bytes: u64,
    },
    /// The first bytes came in.
    FirstByte {
        /// Since the first byte was sent, or since the connection stood.
        after: Millis,
    },
    /// The exchange ended, well or not.
    ExchangeDone {
        /// What was said.
        exchange: Exchange,
        /// Why it did not end well.
        failure: Option<Failure>,
    },
    /// The replay of a recording ended, well or not.
    ReplayDone {
        /// What was said, beside what was recorded.
        replay: Replay,
        /// Why it did not end well.
        failure: Option<Failure>,
    },
    /// Connected, and everything was said: what follows is holding and closing.
    Dialled,
    /// The time of holding is over, or the connection is.
    HoldDone(Hold),
    /// Something worth knowing.
    Warning(String),
    /// The dial is over.
    Done {
        /// Why it did not succeed; `None` when it did.
        failure: Option<Failure>,
    },
}
