//! What became of probes that are sent on a schedule: exact counts, fixed memory.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Histogram;

/// Counts and distributions of the probes of one target. Its size does not depend on their number.
#[derive(Clone, Debug, Default)]
pub struct Probes {
    /// Those that were sent.
    pub sent: u64,
    /// Those that ended well.
    pub good: u64,
    /// Those that ended otherwise.
    pub bad: u64,
    /// Those that could not be sent when due.
    pub skipped: u64,
    /// Those cut short by the end of the run.
    pub interrupted: u64,
    /// How often each outcome came.
    pub outcomes: BTreeMap<String, u64>,
    /// How long they took.
    pub rtt: Histogram,
    /// How late they were sent.
    pub lateness: Histogram,
}

impl Probes {
    /// One was due and sent; both since the same moment.
    pub fn sent(&mut self, due: Duration, started: Duration) {
        self.sent += 1;
        self.lateness.record(started.saturating_sub(due));
    }

    /// One ended.
    pub fn ended(&mut self, outcome: &str, good: bool) {
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
        if good {
            self.good += 1;
        } else {
            self.bad += 1;
        }
    }

    /// The bad ones as a share of those that ended, in percent; `None` when none ended.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of counts far below 2^52"
    )]
    pub fn loss_pct(&self) -> Option<f64> {
        let ended = self.good + self.bad;
        (ended > 0).then(|| self.bad as f64 * 100.0 / ended as f64)
    }
}
