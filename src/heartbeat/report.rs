//! What a heartbeat found: one summary a target. The only input of the tables, the gates and the
//! exit code; its serde form is the `summary` line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{Cause, State};
use crate::policy::breaker;
use crate::stats::Latency;
use crate::time::Millis;

/// The whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// One entry a target.
    pub targets: Vec<Summary>,
    /// How late beats were sent, over all targets: it is this machine's, not theirs.
    pub lateness: Option<Latency>,
    /// How often this machine itself was stopped.
    pub stalls: u64,
    /// For how long, in all.
    pub stalled_ms: Millis,
    /// How often connections were used again, over all targets; `null` where none are shared.
    pub pool: Option<Pool>,
    /// The whole run.
    pub total_ms: Millis,
}

/// The statistics of one target over all its beats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// The target, joined.
    pub target: String,
    /// Its state at the end.
    pub state: State,
    /// How long it has been in it.
    pub state_ms: Millis,
    /// Beats that were due and are decided.
    pub scheduled: u64,
    /// Beats that were sent.
    pub sent: u64,
    /// Beats that were answered in time.
    pub received: u64,
    /// Beats that failed: no reply in time, an error, or no session to send them on.
    pub lost: u64,
    /// Of those lost: replies that came after the timeout, if it was among the last 128 to be over.
    pub late: u64,
    /// Beats that this machine did not send, or cannot judge. Not lost.
    pub skipped: u64,
    /// Beats that the circuit breaker refused. Not lost.
    pub refused: u64,
    /// Beats lost as a share of those received and lost, in percent; `null` without any.
    pub loss_pct: Option<f64>,
    /// The same over the last minute.
    pub loss_1m_pct: Option<f64>,
    /// And over the last five.
    pub loss_5m_pct: Option<f64>,
    /// Beats answered in a row at the end, or failed, as a negative number.
    pub streak: i64,
    /// Round trips of the beats answered in time.
    pub rtt_ms: Option<Spread>,
    /// Mean absolute difference of consecutive round trips.
    pub jitter_ms: Option<Millis>,
    /// How often each failure kind came.
    pub failures: BTreeMap<String, u64>,
    /// Share of the time since the first verdict that it was not down, in percent. `None` while it was
    /// neither up nor down.
    pub availability_pct: Option<f64>,
    /// The longest time between outages.
    pub longest_up_ms: Option<Millis>,
    /// The longest outage.
    pub longest_down_ms: Option<Millis>,
    /// Mean time between failures: the time it was up, over the number of outages.
    pub mtbf_ms: Option<Millis>,
    /// Mean time to repair: over the outages that ended.
    pub mttr_ms: Option<Millis>,
    /// How many outages there were.
    pub outages_total: u64,
    /// The last of them, at most 64.
    pub outages: Vec<Outage>,
    /// Sessions that ended.
    pub disconnects: u64,
    /// Sessions that came back.
    pub reconnects: u64,
    /// The state of the circuit breaker; `null` without one.
    pub breaker: Option<breaker::State>,
    /// How often its beats used a connection again; `null` where none are shared.
    pub pool: Option<Pool>,
    /// Whole days until the first certificate of the chain that was seen last runs out; `null` without
    /// TLS.
    pub cert_days: Option<i64>,
}

/// How often shared connections were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pool {
    /// Beats that had a connection that was open already.
    pub hits: u64,
    /// Beats that had to make one, whether or not they could.
    pub misses: u64,
    /// Connections that were made.
    pub connections: u64,
}

impl Pool {
    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
            connections: self.connections + other.connections,
        }
    }
}

/// A distribution; every value in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Spread {
    /// Smallest.
    pub min: Millis,
    /// Arithmetic mean.
    pub mean: Millis,
    /// Median.
    pub p50: Millis,
    /// 90th percentile.
    pub p90: Millis,
    /// 99th percentile.
    pub p99: Millis,
    /// Largest.
    pub max: Millis,
    /// Population standard deviation.
    pub stddev: Millis,
}

impl From<Latency> for Spread {
    fn from(latency: Latency) -> Self {
        Self {
            min: latency.min_ms,
            mean: latency.mean_ms,
            p50: latency.p50_ms,
            p90: latency.p90_ms,
            p99: latency.p99_ms,
            max: latency.max_ms,
            stddev: latency.stddev_ms,
        }
    }
}

/// A time in which the target did not serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outage {
    /// When the first beat that failed was due.
    pub start_ms: Millis,
    /// When it was called down.
    pub noticed_ms: Millis,
    /// When the reply came that brought it up again; `null` while it lasts.
    pub end_ms: Option<Millis>,
    /// From start to end, or until now.
    pub lasted_ms: Millis,
    /// `down` or `app_hung`, as at its end.
    pub state: State,
    /// The failure kind when it was called down.
    pub failure: Option<String>,
    /// What ended the session meanwhile, if there was one.
    pub cause: Option<Cause>,
}
