//! The statistics of one target as a fold of its events: exact counts, fixed memory.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Event, Probe, Reuse, Summary};
use crate::dial::Report;
use crate::stats::Histogram;
use crate::time::Millis;

/// Counts and distributions of the probes of one target. Its size does not depend on their number.
#[derive(Clone, Debug)]
pub struct Tally {
    target: String,
    sent: u64,
    succeeded: u64,
    failed: u64,
    skipped: u64,
    interrupted: u64,
    outcomes: BTreeMap<String, u64>,
    rtt: Histogram,
    lateness: Histogram,
    reuse: Option<Reuse>,
}

impl Tally {
    /// An empty tally of a target, named as in the report.
    #[must_use]
    pub fn new(target: String) -> Self {
        Self {
            target,
            sent: 0,
            succeeded: 0,
            failed: 0,
            skipped: 0,
            interrupted: 0,
            outcomes: BTreeMap::new(),
            rtt: Histogram::new(),
            lateness: Histogram::new(),
            reuse: None,
        }
    }

    /// Applies an event of this target.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Probe(probe) => self.probe(probe),
            Event::Skipped { .. } => self.skipped += 1,
            Event::Done => {}
        }
    }

    fn probe(&mut self, probe: &Probe) {
        self.sent += 1;
        self.lateness
            .record(probe.started.saturating_sub(probe.due));
        let report = &probe.report;
        if report.is_interrupted() {
            self.interrupted += 1;
            return;
        }
        if let Some(reused) = report.reused {
            let reuse = self.reuse.get_or_insert_default();
            reuse.hits += u64::from(reused);
            reuse.misses += u64::from(!reused);
        }
        *self.outcomes.entry(report.outcome.clone()).or_default() += 1;
        if report.ok {
            self.succeeded += 1;
            if let Some(rtt) = round_trip(report) {
                self.rtt.record(rtt);
            }
        } else {
            self.failed += 1;
        }
    }

    /// The latencies of the probes that succeeded.
    #[must_use]
    pub fn latencies(&self) -> &Histogram {
        &self.rtt
    }

    /// The statistics so far, `total` after the start of the run.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of counts far below 2^52"
    )]
    pub fn summary(&self, total: Duration) -> Summary {
        let ended = self.succeeded + self.failed;
        Summary {
            target: self.target.clone(),
            scheduled: self.sent + self.skipped,
            sent: self.sent,
            succeeded: self.succeeded,
            failed: self.failed,
            skipped: self.skipped,
            interrupted: self.interrupted,
            loss_pct: (ended > 0).then(|| self.failed as f64 * 100.0 / ended as f64),
            outcomes: self.outcomes.clone(),
            rtt: self.rtt.summary(),
            jitter_ms: self.rtt.jitter().map(Millis),
            lateness: self.lateness.summary(),
            reuse: self.reuse,
            total_ms: total.into(),
        }
    }
}

/// The latency of a probe: the connect time, or on a datagram transport the time to the reply, or with
/// reuse that from the request to the end of its answer.
#[must_use]
pub fn round_trip(report: &Report) -> Option<Duration> {
    if report.reused.is_some() {
        let exchange = report.exchange.as_ref()?;
        let (Millis(started), Millis(ended)) = (exchange.started_ms?, exchange.ended_ms?);
        return ended.checked_sub(started);
    }
    let time = if report.network.transport().is_datagram() {
        report.first_byte_ms
    } else {
        report.connect_ms
    };
    time.map(|Millis(duration)| duration)
}
