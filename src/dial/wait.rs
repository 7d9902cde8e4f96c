//! Waiting until targets answer, or until they no longer do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::failure::Failure;
use crate::time::Millis;

/// First pause between tries.
pub const BACKOFF_MIN: Duration = Duration::from_millis(100);
/// Longest pause between tries.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// The dial succeeds.
    #[default]
    Open,
    /// The dial fails because the peer or the network says no, or nobody answers.
    Closed,
}

/// How to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Gives up after this long; `None` waits for ever.
    pub limit: Option<Duration>,
    /// What is waited for.
    pub until: Until,
    /// One target is enough. Default: all.
    pub any: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A try is over and was not yet what is waited for.
    Retry {
        /// Index of the target.
        target: usize,
        /// How many tries it has had.
        tries: u64,
        /// The last one.
        report: Box<Report>,
        /// The pause before the next.
        pause: Duration,
    },
    /// A target is as wanted.
    Ready {
        /// Index of the target.
        target: usize,
        /// How many tries it took.
        tries: u64,
        /// The last one.
        report: Box<Report>,
    },
    /// The wait is over.
    Done,
}

/// How the wait ended for one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Waited {
    /// The target, joined.
    pub target: String,
    /// Whether it is as wanted.
    pub ok: bool,
    /// How many tries were made.
    pub tries: u64,
    /// When it became as wanted, since the start; `null` if it did not.
    pub ready_ms: Option<Millis>,
    /// The failure of the last try.
    pub last_failure: Option<Failure>,
}

/// How the wait ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// Whether all (or any, as asked) are as wanted.
    pub ok: bool,
    /// What was waited for.
    pub until: Until,
    /// One entry a target.
    pub targets: Vec<Waited>,
    /// The whole wait.
    pub total_ms: Millis,
}
