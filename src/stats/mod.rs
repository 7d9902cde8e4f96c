//! Statistics in fixed memory: a histogram and its summary.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

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
