//! How questions are put: servers, transports, limits. Plain values with their defaults.

use std::time::Duration;

use crate::resolve::StubConfig;
use crate::resolve::dnssec::Anchors;
use crate::resolve::exchange::Policy;

/// Bounds one question: all servers, names, tries and handshakes together.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// What is done with several servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerMode {
    /// One after the other, until one knows.
    #[default]
    First,
    /// All at once; the first that knows is taken.
    Race,
    /// All at once, and every one is reported.
    All,
}

/// Everything that decides how a question is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whom to ask, and where the system's files are. Without servers the system's are asked, with
    /// its search list and its hosts file.
    pub stub: StubConfig,
    /// What is done with several servers. One after the other.
    pub mode: ServerMode,
    /// Bounds each question. [`TIMEOUT`].
    pub timeout: Duration,
    /// How often the list of servers is gone through while they stay silent; the timeout is divided
    /// by it. `None`: what resolv.conf says, or twice.
    pub tries: Option<u8>,
    /// Whether names are looked for in the hosts file first. `None`: only without servers.
    pub hosts: Option<bool>,
    /// Whether getaddrinfo is asked too, and compared. Off.
    pub compare_system: bool,
    /// Ends the search list at the first error that may pass (Go's `StrictErrors`). Off.
    pub strict_errors: bool,
    /// How long one server may take before the next is asked as well. `None`: an equal share of the time.
    pub patience: Option<Duration>,
    /// What is sent, and over what where the server does not say.
    pub policy: Policy,
    /// Validates what servers say, down from these keys. `None`: takes their word for it.
    pub dnssec: Option<Anchors>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stub: StubConfig::default(),
            mode: ServerMode::First,
            timeout: TIMEOUT,
            tries: None,
            hosts: None,
            compare_system: false,
            strict_errors: false,
            patience: None,
            policy: Policy::default(),
            dnssec: None,
        }
    }
}

impl Config {
    /// Whether the hosts file is asked.
    #[must_use]
    pub fn uses_hosts(&self) -> bool {
        self.hosts.unwrap_or(self.stub.servers.is_empty())
    }
}
