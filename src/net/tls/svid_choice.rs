//! Which of the identities that the Workload API offers is ours.

use std::fmt;
use std::str::FromStr;

use super::SpiffeId;

/// A choice among several X.509-SVIDs. Default: the first, as the SPIFFE Workload API has it (§5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SvidChoice {
    /// The default identity.
    #[default]
    First,
    /// The first with this hint, which is how an operator says what an identity is for.
    Hint(String),
    /// The one with this ID.
    Id(SpiffeId),
}

impl FromStr for SvidChoice {
    type Err = String;

    /// Reads a SPIFFE ID, or else a hint. Errs with what is wrong, in words.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if text.starts_with("spiffe://") {
            return text.parse().map(Self::Id);
        }
        Ok(Self::Hint(text.to_owned()))
    }
}

impl fmt::Display for SvidChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("the first"),
            Self::Hint(hint) => f.write_str(hint),
            Self::Id(id) => id.fmt(f),
        }
    }
}
