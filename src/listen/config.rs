//! What a server is asked to do.

use std::time::Duration;

use crate::net::serve::Telling;
use crate::policy::admission::Limits;

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
}

/// Everything about a server but its sockets.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What it does.
    pub behaviour: Behaviour,
    /// Who may come in, and what happens to who may not.
    pub limits: Limits,
    /// A connection that says nothing for so long is closed. Default: never.
    pub idle_timeout: Option<Duration>,
    /// A connection as old as this is closed. Default: never.
    pub max_lifetime: Option<Duration>,
    /// A connection that has sent so many bytes is closed once they are answered. Default: never.
    pub max_bytes: Option<u64>,
    /// How long connections have to end after the server was told to stop; what is left is reset.
    pub grace: Duration,
    /// How long it serves. Default: until it is stopped.
    pub duration: Option<Duration>,
    /// Threads. Default: one for each processor this process may use.
    pub workers: Option<usize>,
    /// Answers datagrams of peers elsewhere without limit.
    pub allow_amplification: bool,
    /// What is told of each connection.
    pub telling: Telling,
    /// How often statistics are told. Default: only at the end.
    pub stats_interval: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            behaviour: Behaviour::default(),
            limits: Limits::default(),
            idle_timeout: None,
            max_lifetime: None,
            max_bytes: None,
            grace: GRACE,
            duration: None,
            workers: None,
            allow_amplification: false,
            telling: Telling::default(),
            stats_interval: None,
        }
    }
}
