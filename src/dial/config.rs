//! What a dial does. Defaults live here; the command line reads the same constants.

use std::time::Duration;

use regex::bytes::Regex;
use serde::{Deserialize, Serialize};

use crate::addr::Family;
use crate::net::SocketOptions;

/// Bounds the whole dial: resolve, connect, exchange.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// Connection Attempt Delay (RFC 8305 §5 recommends 250 ms).
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// The least Connection Attempt Delay (RFC 8305 §5: MUST NOT be below 10 ms).
pub const MIN_ATTEMPT_DELAY: Duration = Duration::from_millis(10);
/// Resolution Delay: how long an A answer waits for AAAA (RFC 8305 §3).
pub const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// Whose algorithm orders and races the addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// Happy Eyeballs v2, RFC 8305.
    #[default]
    Rfc8305,
    /// Go's `net.Dialer`: two families 300 ms apart, serial inside each, `partialDeadline`.
    Go,
    /// curl: two families 200 ms apart, serial inside each.
    Curl,
    /// One address after the other in the order of the answer, as `nc`.
    Serial,
}

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
    /// What must come back, within the first [`Exchange::CAPTURE`] bytes.
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
    /// How much of what comes back is kept for the report and for `expect`.
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
    /// Keeps the connection open this long after the dial and watches the keepalive probes.
    pub hold: Option<Duration>,
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
            hold: None,
        }
    }
}
