//! What a heartbeat does. Defaults live here; the command line reads the same constants.

use std::time::Duration;

use crate::dial;
use crate::policy::detector::{self, Timing};
use crate::policy::{breaker, detector::Useless};
use crate::resolve::query::Query;
use crate::resolve::wire::Rcode;

/// Time between beats when nothing else is said.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// The longest default of the time that a reply may take.
pub const TIMEOUT: Duration = Duration::from_secs(2);
/// Bounds one attempt to connect a session: long enough for one SYN that is sent again after 1 s.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The shortest pause between attempts to connect again.
pub const BACKOFF_MIN: Duration = Duration::from_millis(100);
/// The longest.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// After which a [`super::ReliableClient`], and a `netkit heartbeat` that ends by itself, give a lost
/// target up.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(30);
/// What a `line` beat says.
pub const LINE: &[u8] = b"HEARTBEAT\n";
/// Connect probes of one target under way at once; more are skipped.
pub const MOST_CONNECTS: usize = 256;
/// Beats of one target without a verdict at once; more are skipped.
pub const MOST_WAITING: usize = 4_096;

/// What a beat is.
#[derive(Clone, Debug)]
pub enum Probe {
    /// A connection of its own: the handshake is the reply, and with TLS that of TLS. Of several addresses
    /// the time is that of the one that won.
    Connect,
    /// A nonce on a persistent session, which must come back unchanged.
    Echo,
    /// A line (or datagram) on a persistent session, which a line must follow.
    Line {
        /// What is sent; it should end in a line feed where the server reads lines.
        send: Vec<u8>,
        /// What the line that comes back must contain; `None` takes any.
        expect: Option<Vec<u8>>,
    },
    /// A question to a name server, over UDP or TCP as the target says. Any answer but SERVFAIL and
    /// REFUSED is a sign of life.
    Dns(Box<Query>),
}

impl Probe {
    /// The default line probe.
    #[must_use]
    pub fn line() -> Self {
        Self::Line {
            send: LINE.to_vec(),
            expect: None,
        }
    }

    /// Whether a beat needs a session that stands already.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        !matches!(self, Self::Connect)
    }

    /// The name on the command line and in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Echo => "echo",
            Self::Line { .. } => "line",
            Self::Dns(_) => "dns",
        }
    }
}

/// Response codes of a name server that answers and does not serve.
pub(super) fn does_not_serve(rcode: Rcode) -> bool {
    [Rcode::SERVFAIL, Rcode::REFUSED].contains(&rcode)
}

/// How a lost session is connected again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// The shortest pause. Default [`BACKOFF_MIN`].
    pub min: Duration,
    /// The longest pause. Default [`BACKOFF_MAX`].
    pub max: Duration,
    /// Gives the target up that long after its session was lost. Default: never.
    pub give_up_after: Option<Duration>,
    /// Bounds one attempt. Default [`CONNECT_TIMEOUT`].
    pub timeout: Duration,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            min: BACKOFF_MIN,
            max: BACKOFF_MAX,
            give_up_after: None,
            timeout: CONNECT_TIMEOUT,
        }
    }
}

/// What a heartbeat does.
#[derive(Clone, Debug)]
pub struct Config {
    /// What a beat is. Default: a connection of its own.
    pub probe: Probe,
    /// Beat n is due at t0 + n · interval. Default 1 s, at least 1 ms.
    pub interval: Duration,
    /// While the target is suspect. Default: the interval.
    pub interval_suspect: Option<Duration>,
    /// While it is down or its application hangs. Default: the interval.
    pub interval_down: Option<Duration>,
    /// How long the reply to a beat may take. Default: the interval, at most 2 s.
    pub timeout: Option<Duration>,
    /// Beats per target; `None` goes on.
    pub count: Option<u64>,
    /// No beat is due later than that after the start; `None` goes on.
    pub duration: Option<Duration>,
    /// When the state changes.
    pub detector: detector::Config,
    /// How a lost session comes back.
    pub reconnect: Reconnect,
    /// The circuit breaker; `None` has none.
    pub breaker: Option<breaker::Config>,
    /// Lets targets at one address share so many connections at most, instead of keeping one each: a
    /// beat waits for one until its timeout, has it for itself for as long again, and closes one that
    /// did not answer. Default: none are shared. Echo and line probes over streams alone do;
    /// others, and a [`super::ReliableClient`], have no use for it.
    pub pool: Option<usize>,
    /// How connections are made; its timeout, exchange and hold are not used.
    pub dial: dial::Config,
}

impl Default for Config {
    fn default() -> Self {
        let timing = Timing {
            interval: INTERVAL,
            timeout: INTERVAL,
        };
        let detector = detector::Config::default();
        Self {
            probe: Probe::Connect,
            interval: INTERVAL,
            interval_suspect: None,
            interval_down: None,
            timeout: None,
            count: None,
            duration: None,
            detector: detector::Config {
                suspect_after: detector.method.suspect_after(timing),
                ..detector
            },
            reconnect: Reconnect::default(),
            breaker: None,
            pool: None,
            dial: dial::Config::default(),
        }
    }
}

impl Config {
    /// How long the reply to a beat may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or_else(|| self.interval.min(TIMEOUT))
    }

    /// The schedule that the detector judges by.
    #[must_use]
    pub fn timing(&self) -> Timing {
        Timing {
            interval: self.interval,
            timeout: self.timeout(),
        }
    }

    /// Refuses thresholds that could never fire.
    ///
    /// # Errors
    ///
    /// The first such setting.
    pub fn check(&self) -> Result<(), Useless> {
        self.detector.check(self.timing())
    }
}
