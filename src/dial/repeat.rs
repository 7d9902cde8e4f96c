//! Dialling the same targets again and again, on an open-loop schedule (DESIGN §6).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::stats::Latency;
use crate::time::Millis;

/// Time between probes when nothing else is said.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// When probes are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Probes per target; `None` goes on until cancelled.
    pub count: Option<u64>,
    /// Probe n is due at t0 + n · interval. Default 1 s.
    pub interval: Duration,
    /// Probes under way at once, per target; a probe that finds no place is skipped. Default 64.
    pub parallel: usize,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            count: None,
            interval: INTERVAL,
            parallel: 64,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A probe is over.
    Probe(Box<Probe>),
    /// A probe could not be sent when it was due.
    Skipped {
        /// Index of the target.
        target: usize,
        /// Its number, from 0.
        seq: u64,
    },
    /// Nothing more will come.
    Done,
}

/// One probe.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Index of the target.
    pub target: usize,
    /// Its number, from 0.
    pub seq: u64,
    /// When it was due, since the start of the run.
    pub due: Duration,
    /// When it began.
    pub started: Duration,
    /// What it found.
    pub report: Report,
}

/// The statistics of one target over all its probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// The target, joined.
    pub target: String,
    /// Probes that were due.
    pub scheduled: u64,
    /// Probes that were sent.
    pub sent: u64,
    /// Probes that succeeded.
    pub succeeded: u64,
    /// Probes that did not.
    pub failed: u64,
    /// Probes that could not be sent when due.
    pub skipped: u64,
    /// Probes cut short by the end of the run; neither succeeded nor failed.
    pub interrupted: u64,
    /// Failures as a share of those sent and ended, in percent; `null` when none ended.
    pub loss_pct: Option<f64>,
    /// How often each failure kind (or other outcome) came.
    pub outcomes: std::collections::BTreeMap<String, u64>,
    /// Connect times of the probes that succeeded (round trips, on UDP).
    pub rtt: Option<Latency>,
    /// Mean absolute difference of consecutive connect times (RFC 3550 style, without smoothing).
    pub jitter_ms: Option<Millis>,
    /// How late probes were sent.
    pub lateness: Option<Latency>,
    /// The whole run.
    pub total_ms: Millis,
}
