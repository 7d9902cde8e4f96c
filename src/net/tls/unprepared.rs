//! Why handshakes could not be prepared, and which of the things that were named is to blame.
//!
//! Separate from the failure so that whoever knows by which flag a file was named can say so.

use crate::failure::Failure;

/// What a handshake stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The certificates of those who are trusted.
    Authorities,
    /// Our own certificate and those above it.
    Certificate,
    /// Its key.
    Key,
}

/// A part that is missing, unreadable or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprepared {
    /// Which; `None` when it is none of them alone.
    pub part: Option<Part>,
    /// What is wrong with it (stage `local`).
    pub failure: Failure,
}

impl Part {
    #[cfg(feature = "tls")]
    pub(super) fn is_wrong(self, failure: Failure) -> Unprepared {
        let part = Some(self);
        Unprepared { part, failure }
    }
}

impl From<Failure> for Unprepared {
    fn from(failure: Failure) -> Self {
        let part = None;
        Self { part, failure }
    }
}

impl From<Unprepared> for Failure {
    fn from(unprepared: Unprepared) -> Self {
        unprepared.failure
    }
}
