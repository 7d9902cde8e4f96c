//! What a dial does. Defaults live here; the command line reads the same constants.

use std::sync::Arc;
use std::time::Duration;

use regex::bytes::Regex;

use super::gate::Gate;
use super::replay::Replay;
use super::tls::Tls;
use crate::addr::Family;
use crate::net::SocketOptions;
pub use crate::policy::race::{ATTEMPT_DELAY, MIN_ATTEMPT_DELAY, RESOLUTION_DELAY, Strategy};

/// Bounds the whole dial: resolve, connect, exchange.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// What the peer must say.
#[derive(Clone, Debug)]
pub enum Expect {
    /// These bytes, anywhere in what comes.
    Bytes(Vec<u8>),
    /// A match of this expression, anywhere in what comes.
    Regex(Regex),
}

impl PartialEq for Expect {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            _ => false,
        }
    }
}

/// What is said after connecting. The default says nothing and waits for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// Bytes to send; on a datagram transport, one datagram. `None` sends nothing on a stream, and
    /// one empty datagram on a datagram transport, where nothing could be learned otherwise.
    pub send: Option<Vec<u8>>,
    /// What must come back. A match of a regex is found if it has at most [`Exchange::CAPTURE`] bytes,
    /// wherever it is.
    pub expect: Option<Expect>,
    /// Reads until this many bytes have come. `None` waits for the first bytes when something is
    /// sent, 0 for nothing at all.
    pub read: Option<u64>,
    /// Waits for the server to speak first, before sending anything.
    pub banner: bool,
    /// Closes our sending side after sending, and reads to the end.
    pub shutdown_write: bool,
}

impl Exchange {
    /// How much of what comes back is kept for the report.
    pub const CAPTURE: usize = 64 * 1024;

    /// Whether there is anything to do after connecting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether anything is read at all.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.waits_for_any() || self.expect.is_some() || self.read.is_some_and(|bytes| bytes > 0)
    }

    /// Whether the first bytes that come are waited for: after sending, unless `read` is 0.
    #[must_use]
    pub fn waits_for_any(&self) -> bool {
        self.read != Some(0) && (self.send.is_some() || self.banner || self.shutdown_write)
    }
}

/// What a dial does.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Bounds the whole dial. Default 5 s.
    pub timeout: Duration,
    /// Bounds one address. Default: none but the whole.
    pub attempt_timeout: Option<Duration>,
    /// Whose algorithm. Default RFC 8305.
    pub strategy: Strategy,
    /// Only this family.
    pub family: Option<Family>,
    /// Connection Attempt Delay; `None` means the strategy's own (250 ms, Go 300 ms, curl 200 ms).
    pub attempt_delay: Option<Duration>,
    /// Resolution Delay. Default 50 ms.
    pub resolution_delay: Duration,
    /// Lets the losers finish and reports them.
    pub race_all: bool,
    /// What the sockets are asked to be.
    pub socket: SocketOptions,
    /// What is said after connecting.
    pub exchange: Exchange,
    /// Plays a recorded connection instead of the exchange, on a stream. The limit is then
    /// `timeout`, and as long as the recording beside it. Default: none.
    pub replay: Option<Arc<Replay>>,
    /// How connections are encrypted; `None`: not at all.
    pub tls: Option<Tls>,
    /// Conditions under which a dial that went well counts as failed.
    pub fail_if: Vec<Gate>,
    /// Keeps the connection open this long after the dial and watches the keepalive probes.
    pub hold: Option<Duration>,
}

impl Config {
    /// Whether a dial does nothing but connect, so that many may share one loop.
    #[must_use]
    pub fn only_connects(&self) -> bool {
        // With Fast Open a connect sends nothing by itself: the first write does.
        let quick = self.hold.is_none()
            && self.fail_if.is_empty()
            && self.tls.is_none()
            && !self.socket.fastopen;
        quick && self.exchange.is_empty() && self.replay.is_none()
    }

    /// The limit of a dial that has one address.
    #[must_use]
    pub fn limit_of_one(&self) -> Duration {
        self.attempt_timeout
            .map_or(self.timeout, |limit| limit.min(self.timeout))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: TIMEOUT,
            attempt_timeout: None,
            strategy: Strategy::default(),
            family: None,
            attempt_delay: None,
            resolution_delay: RESOLUTION_DELAY,
            race_all: false,
            socket: SocketOptions::default(),
            exchange: Exchange::default(),
            replay: None,
            tls: None,
            fail_if: Vec::new(),
            hold: None,
        }
    }
}
