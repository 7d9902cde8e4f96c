//! Any number of names, one line of answer each: the bulk resolver.
//!
//! Separate from the stub resolver because here nothing may cost per name what it need not: no
//! task, no timer, no socket of its own. One thread keeps as many questions before each server as
//! that server takes without loss, over connected UDP sockets read and written many datagrams a
//! call, and repeats what is lost; TCP takes what is truncated or stays silent. Names are asked as
//! they are: no search list, no hosts file.
//!
//! | part | files | what it knows |
//! |---|---|---|
//! | decisions | `engine`, `entry`, `answers`, `lane`, `window`, `rtt`, `tries`, `ids`, `wheel`, `rate`, `keeps`, `packet`, `input` | questions, replies and `now`; no sockets, no clock |
//! | the wire | `udp`, `tcp` | sockets |
//! | the loop | `run` | both, and the clock |

mod answers;
mod engine;
#[cfg(test)]
mod engine_tests;
mod entry;
mod ids;
mod input;
mod keeps;
mod lane;
mod packet;
mod rate;
mod report;
mod rtt;
mod run;
mod servers;
mod tcp;
mod tries;
mod udp;
mod wheel;
mod window;

use std::net::SocketAddr;
use std::time::Duration;

pub use input::{InputError, Line, parse_line};
pub use report::{Cached, Ending, Finished, Reply, ServerSummary, Summary};
pub use run::{Sink, Source, run};
pub use servers::servers;

use super::client::ClientConfig;
use super::server::Transports;
use super::wire::{AskOptions, RecordType};

/// Names under way at once, unless said otherwise: with 30 % lost by chance, what a server takes at
/// full speed.
pub const MAX_INFLIGHT: usize = 8_192;
/// Time for one name, unless said otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// Datagrams without an answer after which TCP is tried as well, unless said otherwise.
pub const TRIES: u32 = 5;
/// Answers kept, unless said otherwise: a few megabytes.
pub const CACHE: usize = 8_192;

/// Octets of a reply over UDP at most; what [`AskOptions`] announce must not be more.
pub const MAX_DATAGRAM: usize = crate::net::datagrams::LONGEST;

/// One server to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where.
    pub addr: SocketAddr,
    /// Over what.
    pub transports: Transports,
}

/// How a bulk run goes about it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The servers, asked in turn; a name that one does not answer goes to the next.
    pub servers: Vec<Server>,
    /// The type of names that come without one. A.
    pub qtype: RecordType,
    /// Bounds one name, from its first question. 5 s.
    pub timeout: Duration,
    /// Datagrams without an answer after which TCP is tried beside them. 5.
    pub tries: u32,
    /// Datagrams a second over all servers; `None` is as many as the servers take.
    pub rate: Option<f64>,
    /// Names under way at once. 8,192.
    pub max_inflight: usize,
    /// Source address, interface and mark of the sockets; a source port is not for many of them.
    pub client: ClientConfig,
    /// What is sent besides the question. Random case and padding are not used: the one is for the
    /// rare question that somebody may forge, the other for transports that hide its length.
    pub options: AskOptions,
    /// Answers kept for as long as they hold, so that a name that comes again is not asked again;
    /// 0 keeps none and asks each name by itself. 8,192.
    pub cache: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            qtype: RecordType::A,
            timeout: TIMEOUT,
            tries: TRIES,
            rate: None,
            max_inflight: MAX_INFLIGHT,
            client: ClientConfig::default(),
            options: AskOptions::default(),
            cache: CACHE,
        }
    }
}
