//! Dialling many targets at once: a port range, a network block, a list.
//!
//! Separate from a single dial because here the memory must not grow with the number of targets
//! that say no: every report is handed to the observer and only counts and ranges are kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::time::Millis;

/// How a run over many targets goes about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What each dial does.
    pub dial: super::Config,
    /// Dials under way at once; `None` fits the descriptor limit.
    pub parallel: Option<usize>,
    /// Bounds the whole run. Default: none.
    pub limit: Option<Duration>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A target is done.
    Result(Box<Report>),
    /// Nothing more will come.
    Done,
}

/// How many targets ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// All that were dialled to an end.
    pub dialled: u64,
    /// Connected (or replied, on UDP).
    pub open: u64,
    /// Somebody refused: RST or ICMP port unreachable.
    pub refused: u64,
    /// Silence until the timeout.
    pub filtered: u64,
    /// Unreachable or rejected, by a router or our own kernel.
    pub unreachable: u64,
    /// UDP: sent, and nothing came back.
    pub no_reply: u64,
    /// The name did not resolve.
    pub unresolved: u64,
    /// Everything else.
    pub failed: u64,
}

/// The result of a run over many targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// How many were asked for; `null` if more than a u64 holds.
    pub targets: Option<u64>,
    /// How they ended.
    #[serde(flatten)]
    pub counts: Counts,
    /// Dials under way at once, at most.
    pub parallel: usize,
    /// The whole run.
    pub total_ms: Millis,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
}
