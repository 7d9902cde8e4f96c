//! Targets as typed: one text may mean many (port lists, ranges, CIDR blocks).
//!
//! A spec is parsed once and expanded lazily, so that a /8 costs nothing until it is dialled.

use std::str::FromStr;

use super::{Network, ParseError, Target};

/// What one argument means: a network, hosts (a name, a literal or a block) and ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSpec {
    // filled by the parser
}

impl TargetSpec {
    /// Parses a text; `default` is the network when the text names none.
    pub fn parse(text: &str, default: Network) -> Result<Self, ParseError> {
        let _ = default;
        Err(ParseError::new(text, 0..text.len(), "unread", "a target"))
    }

    /// How many targets it expands to.
    #[must_use]
    pub fn len(&self) -> u128 {
        0
    }

    /// Whether it expands to nothing. Never true for a parsed spec.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The targets, address by address, and within an address port by port.
    pub fn targets(&self) -> impl Iterator<Item = Target> + Send + use<> {
        std::iter::empty()
    }
}

impl FromStr for TargetSpec {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, Network::Tcp)
    }
}
