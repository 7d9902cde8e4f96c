//! Statistics in fixed memory: a histogram and its summary.
//!
//! Nothing here keeps samples: a run of a week takes no more memory than one of a second. It knows
//! durations, not what they are the durations of.

mod bars;
mod histogram;
mod probes;

use serde::{Deserialize, Serialize};

use crate::time::Millis;

pub use bars::Bar;
pub use histogram::Histogram;
pub use probes::Probes;

/// The summary of a distribution of durations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Latency {
    /// How many values.
    pub count: u64,
    /// Smallest.
    pub min_ms: Millis,
    /// Arithmetic mean.
    pub mean_ms: Millis,
    /// Median.
    pub p50_ms: Millis,
    /// 90th percentile.
    pub p90_ms: Millis,
    /// 99th percentile.
    pub p99_ms: Millis,
    /// Largest.
    pub max_ms: Millis,
    /// Population standard deviation.
    pub stddev_ms: Millis,
}
