//! A zone as its parent delegates it: name servers, and where their addresses come from.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::resolve::DomainName;

/// A zone and whom to ask about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    pub(super) name: DomainName,
    pub(super) servers: Vec<NameServerEntry>,
}

/// One name server of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NameServerEntry {
    /// `None` for a root that was given by address.
    pub(super) name: Option<DomainName>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) source: Source,
    pub(super) problem: Option<Problem>,
}

/// Where the addresses of a name server come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The built-in list of root servers, or `--roots`.
    Hint,
    /// The referral brought them.
    Glue,
    /// They were looked up from the root.
    LookedUp,
    /// There are none; it was not asked.
    None,
}

/// Why a name server has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Its name lies in the zone that it serves, so only glue could lead there.
    MissingGlue,
    /// Its name has no address.
    Unresolved,
    /// Its address would have to be asked of itself.
    GlueLoop,
    /// Others had addresses, so it was not looked up.
    NotLookedUp,
}

impl Problem {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::MissingGlue => "glue is missing",
            Self::Unresolved => "its name has no address",
            Self::GlueLoop => "its address leads back to itself",
            Self::NotLookedUp => "no glue, not looked up",
        }
    }
}
