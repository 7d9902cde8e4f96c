//! What a socket turned out to be: the answer to [`super::SocketOptions`], read back from the kernel.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::TcpInfo;
use crate::time::Millis;

/// One option: what was asked and what the kernel accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OptionFact {
    /// The flag's name without dashes: `ttl`, `mss`, `congestion`, …
    pub name: String,
    /// What was asked, as on the command line.
    pub requested: OptionValue,
    /// What `getsockopt` gave after connecting; `null` if it cannot be read.
    pub accepted: Option<OptionValue>,
}

/// The value of an option, of the JSON type that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum OptionValue {
    /// A switch: `nodelay`.
    Switch(bool),
    /// A number: `mark`, `tos`, `ttl`, `mss`.
    Number(i64),
    /// A name or an address: `interface`, `congestion`, `local-addr`, `close`.
    Text(String),
}

impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(on) => on.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// Keepalive values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeepaliveValues {
    /// Whether probes are sent.
    pub enabled: bool,
    /// Idle time before the first probe.
    pub idle_ms: Millis,
    /// Time between probes.
    pub interval_ms: Millis,
    /// Unanswered probes until the connection is given up.
    pub count: u32,
}

impl From<super::Keepalive> for KeepaliveValues {
    fn from(asked: super::Keepalive) -> Self {
        Self {
            enabled: asked.enabled,
            idle_ms: asked.idle.into(),
            interval_ms: asked.interval.into(),
            count: asked.count,
        }
    }
}

/// Keepalive as asked for and as accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeepaliveFacts {
    /// What was asked.
    pub requested: KeepaliveValues,
    /// What the kernel has in force.
    pub accepted: Option<KeepaliveValues>,
    /// `TCP_USER_TIMEOUT` in force; `null` when unset.
    pub user_timeout_ms: Option<Millis>,
}

/// What the kernel says of a connected socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketFacts {
    /// Our end, in joined form.
    pub local: Option<String>,
    /// The other end, in joined form.
    pub peer: Option<String>,
    /// Keepalive; only TCP has it.
    pub keepalive: Option<KeepaliveFacts>,
    /// Every other option that was asked for.
    pub options: Vec<OptionFact>,
    /// With `mptcp`: whether the peer speaks it.
    pub mptcp: Option<bool>,
    /// With `fastopen`: whether the SYN's data was accepted.
    pub fastopen: Option<bool>,
}

/// What is known of a connection at the moment it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Connected {
    /// Ends and options.
    pub facts: SocketFacts,
    /// The kernel's view; only TCP has one.
    pub tcp_info: Option<TcpInfo>,
}
