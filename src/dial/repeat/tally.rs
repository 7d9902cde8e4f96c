//! The statistics of one target as a fold of its events: exact counts, fixed memory.

use std::time::Duration;

use super::{Event, Probe, Reuse, Summary};
use crate::dial::Report;
use crate::stats::{Histogram, Probes};
use crate::time::Millis;

/// What became of the probes of one target. Its size does not depend on their number.
#[derive(Clone, Debug)]
pub struct Tally {
    target: String,
    probes: Probes,
    reuse: Option<Reuse>,
}

impl Tally {
    /// An empty tally of a target, named as in the report.
    #[must_use]
    pub fn new(target: String) -> Self {
        Self {
            target,
            probes: Probes::default(),
            reuse: None,
        }
    }

    /// Applies an event of this target.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Probe(probe) => self.probe(probe),
            Event::Skipped { .. } => self.probes.skipped += 1,
            Event::Done => {}
        }
    }

    fn probe(&mut self, probe: &Probe) {
        let (probes, report) = (&mut self.probes, &probe.report);
        probes.sent(probe.due, probe.started);
        if report.is_interrupted() {
            probes.interrupted += 1;
            return;
        }
        if let Some(reused) = report.reused {
            let reuse = self.reuse.get_or_insert_default();
            reuse.hits += u64::from(reused);
            reuse.misses += u64::from(!reused);
        }
        probes.ended(&report.outcome, report.ok);
        if let Some(rtt) = round_trip(report).filter(|_| report.ok) {
            probes.rtt.record(rtt);
        }
    }

    /// The latencies of the probes that succeeded.
    #[must_use]
    pub fn latencies(&self) -> &Histogram {
        &self.probes.rtt
    }

    /// The statistics so far, `total` after the start of the run.
    #[must_use]
    pub fn summary(&self, total: Duration) -> Summary {
        let probes = &self.probes;
        Summary {
            target: self.target.clone(),
            scheduled: probes.sent + probes.skipped,
            sent: probes.sent,
            succeeded: probes.good,
            failed: probes.bad,
            skipped: probes.skipped,
            interrupted: probes.interrupted,
            loss_pct: probes.loss_pct(),
            outcomes: probes.outcomes.clone(),
            rtt: probes.rtt.summary(),
            jitter_ms: probes.rtt.jitter().map(Millis),
            lateness: probes.lateness.summary(),
            reuse: self.reuse,
            total_ms: total.into(),
        }
    }
}

/// The latency of a probe: the connect time (with TLS, to the end of the handshake), or on a datagram
/// transport the time to the reply, or with reuse that from the request to the end of its answer.
#[must_use]
pub fn round_trip(report: &Report) -> Option<Duration> {
    if report.reused.is_some() {
        let exchange = report.exchange.as_ref()?;
        let (Millis(started), Millis(ended)) = (exchange.started_ms?, exchange.ended_ms?);
        return ended.checked_sub(started);
    }
    if report.network.transport().is_datagram() {
        return report.first_byte_ms.map(|Millis(duration)| duration);
    }
    report.connected_after()
}
