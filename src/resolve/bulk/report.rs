//! What comes out: one [`Finished`] a name, and the [`Summary`] of the run.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::input::InputError;
use crate::resolve::ledger::{Carrier, Trigger};
use crate::resolve::wire::RecordType;
use crate::stats::Latency;
use crate::time::Millis;

/// A name and what became of it.
#[derive(Clone, Debug)]
pub struct Finished<'a> {
    /// Its number in the input, from 0.
    pub seq: u64,
    /// As it came: the name, or the whole line when no name could be read from it.
    pub text: &'a str,
    /// What was asked.
    pub qtype: RecordType,
    /// The question as it was sent, in wire format; empty when nothing could be asked.
    pub query: &'a [u8],
    /// How it ended.
    pub ending: Ending<'a>,
    /// Datagrams that were sent for it.
    pub sent: u32,
    /// Why it was asked over TCP as well; `None` when it was not.
    pub tcp: Option<Trigger>,
    /// The server asked last.
    pub server: Option<SocketAddr>,
    /// From its first question until now.
    pub took: Duration,
    /// What the cache had to do with it.
    pub cache: Cached,
}

/// What the cache had to do with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cached {
    /// There is none.
    Unused,
    /// It knew nothing.
    Miss,
    /// It knew the answer, of this age; or the same question was under way already.
    Hit(Duration),
}

/// How a name ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Ending<'a> {
    /// With a reply, for better or worse.
    Reply(Reply<'a>),
    /// Nothing came in time.
    Silent,
    /// The system says that nobody listens, over any carrier.
    PortClosed,
    /// Something came, and nothing of it can be used.
    Malformed,
    /// It could not be sent: the system's error.
    Unsent(i32),
    /// There was nothing to ask.
    Invalid(&'a InputError),
}

/// A reply that answers the question.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The whole message.
    pub bytes: &'a [u8],
    /// The server that sent it.
    pub server: SocketAddr,
    /// Over what.
    pub carrier: Carrier,
    /// From the question that it answers to its arrival.
    pub rtt: Duration,
}

/// The run in numbers; also while it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// Names that have an outcome.
    pub names: u64,
    /// Those with records of the type.
    pub answered: u64,
    /// Names that do not exist, or have no such record.
    pub negative: u64,
    /// Those that a server answered with an error, or with what cannot be used.
    pub failed: u64,
    /// Those that nobody answered.
    pub unanswered: u64,
    /// Lines with nothing to ask.
    pub invalid: u64,
    /// Of all these, those whose answer was known already.
    pub cached: u64,
    /// Names that were under way when the run was stopped.
    pub unfinished: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Of these, lost or too late.
    pub lost: u64,
    /// Questions over TCP.
    pub tcp: u64,
    /// Time since the start.
    pub elapsed_ms: Millis,
    /// Names a second; `null` before the first.
    pub rate: Option<f64>,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// One entry a server, in the order they were given.
    pub servers: Vec<ServerSummary>,
}

/// One server in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerSummary {
    /// Address and port.
    pub server: String,
    /// Datagrams sent.
    pub sent: u64,
    /// Of these, answered.
    pub answered: u64,
    /// Of these, given up for lost.
    pub lost: u64,
    /// Answers that were errors: SERVFAIL, REFUSED, or that it does not resolve such names.
    pub errors: u64,
    /// Packets that were no reply to anything.
    pub ignored: u64,
    /// Times the system said that nobody listens there.
    pub refused: u64,
    /// Questions over TCP.
    pub tcp: u64,
    /// Of replies over UDP; `null` when none came.
    pub rtt: Option<Latency>,
    /// Questions that may be before it at once, as the run ended.
    pub window: u64,
}
