//! How a trace is made. Plain values with their defaults.

use std::net::SocketAddr;
use std::time::Duration;

use crate::addr::Family;

/// Bounds one trace.
pub const TIMEOUT: Duration = Duration::from_secs(20);
/// Bounds the wait for one server.
pub const SERVER_TIMEOUT: Duration = Duration::from_secs(2);
/// The port of name servers found on the way.
pub const PORT: u16 = 53;

/// How a trace is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to begin; empty for the built-in root servers. The port of the first is that of every
    /// server found on the way.
    pub roots: Vec<SocketAddr>,
    /// Bounds the whole trace. [`TIMEOUT`].
    pub timeout: Duration,
    /// Bounds the wait for one server. [`SERVER_TIMEOUT`].
    pub server_timeout: Duration,
    /// Asks servers over this family only. `None`: IPv4 where a server has it, else IPv6.
    pub family: Option<Family>,
    /// Over TCP from the start.
    pub tcp: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            timeout: TIMEOUT,
            server_timeout: SERVER_TIMEOUT,
            family: None,
            tcp: false,
        }
    }
}

impl Config {
    /// The port that servers are asked at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.roots.first().map_or(PORT, SocketAddr::port)
    }
}
