//! What a server is asked to do.

use std::time::Duration;

use super::behaviours::Step;
use super::forward::Forward;
use crate::net::serve::Telling;
use crate::policy::admission::Limits;
use crate::policy::fault::Rule;

/// How long connections have to end after the server was told to stop.
pub const GRACE: Duration = Duration::from_secs(5);

/// What a server does with a connection.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Behaviour {
    /// Sends back what comes (RFC 862). The default.
    #[default]
    Echo,
    /// Throws away what comes (RFC 863).
    Discard,
    /// Sends characters without end (RFC 864).
    Chargen,
    /// Sends the time of day and closes (RFC 867).
    Daytime,
    /// Speaks first.
    Greet {
        /// What it says.
        text: Vec<u8>,
        /// Whether it goes on as an echo; else it closes.
        then_echo: bool,
    },
    /// Answers `ACK\n` to each line.
    Heartbeat,
    /// Answers HTTP requests with 200 and what was asked.
    Http,
    /// Says this once the peer has said something, and closes.
    Respond(Vec<u8>),
    /// Gives the connection to a program, run by `sh -c`, as its standard input and output.
    Exec(String),
    /// Follows a script.
    Script(Vec<Step>),
    /// Passes the connection on to a service.
    Forward(Box<Forward>),
}

impl Behaviour {
    /// Its flag without dashes, as in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Discard => "discard",
            Self::Chargen => "chargen",
            Self::Daytime => "daytime",
            Self::Greet { .. } => "greet",
            Self::Heartbeat => "heartbeat",
            Self::Http => "http",
            Self::Respond(_) => "respond",
            Self::Exec(_) => "exec",
            Self::Script(_) => "script",
            Self::Forward(_) => "forward",
        }
    }

    /// Whether it has an answer to a datagram (no answer is one, for `discard`).
    #[must_use]
    pub fn fits_datagrams(&self) -> bool {
        !matches!(self, Self::Http | Self::Exec(_) | Self::Script(_))
    }
}

/// Everything about a server but its sockets.
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings that do not depend on each other"
)]
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What it does.
    pub behaviour: Behaviour,
    /// How it misbehaves, and towards which share of the connections.
    pub faults: Vec<Rule>,
    /// Where chance starts from: the same seed gives the same faults to the same connections.
    pub seed: u64,
    /// Who may come in, and what happens to who may not.
    pub limits: Limits,
    /// A connection that says nothing for so long is closed. Default: never.
    pub idle_timeout: Option<Duration>,
    /// A connection as old as this is closed. Default: never.
    pub max_lifetime: Option<Duration>,
    /// A connection that has sent so many bytes is closed once they are answered. Default: never.
    pub max_bytes: Option<u64>,
    /// How long connections have to end after the server was told to stop; those that are idle (half
    /// a second without a byte and nothing on its way) are closed at once, what is left is reset.
    pub grace: Duration,
    /// How long it serves. Default: until it is stopped.
    pub duration: Option<Duration>,
    /// Threads. Default: one for each processor this process may use.
    pub workers: Option<usize>,
    /// Answers datagrams of peers elsewhere without limit.
    pub allow_amplification: bool,
    /// What is told of each connection.
    pub telling: Telling,
    /// Every connection begins with a PROXY header, of either version, that says who the client is.
    pub accept_proxy: bool,
    /// Whether every piece that passes is told.
    pub record: bool,
    /// Whether orders may come that change faults: every connection then has its layers.
    pub controlled: bool,
    /// How often statistics are told. Default: only at the end.
    pub stats_interval: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            behaviour: Behaviour::default(),
            faults: Vec::new(),
            seed: 0,
            limits: Limits::default(),
            idle_timeout: None,
            max_lifetime: None,
            max_bytes: None,
            grace: GRACE,
            duration: None,
            workers: None,
            allow_amplification: false,
            telling: Telling::default(),
            accept_proxy: false,
            record: false,
            controlled: false,
            stats_interval: None,
        }
    }
}
