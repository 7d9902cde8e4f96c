//! The report as a fold of the events: exact counts, fixed memory.

use std::collections::BTreeMap;
use std::time::Duration;

use super::event::{Beat, Event, Fact, SkipReason, State};
use super::outages::Outages;
use super::report::{Pool, Report, Summary};
use super::window::Window;
use crate::event::Stamped;
use crate::policy::breaker;
use crate::stats::Histogram;
use crate::time::Millis;

/// Latencies in a row that are kept for a sparkline.
pub const RECENT: usize = 32;

/// Everything that is known of a run; its size does not depend on the number of beats.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    targets: Vec<Tally>,
    lateness: Histogram,
    stalls: u64,
    stalled: Duration,
}

impl Fold {
    /// An empty one, of targets named as in the report.
    pub fn new(targets: impl IntoIterator<Item = String>) -> Self {
        Self {
            targets: targets.into_iter().map(Tally::new).collect(),
            lateness: Histogram::new(),
            stalls: 0,
            stalled: Duration::ZERO,
        }
    }

    /// Applies an event.
    pub fn apply(&mut self, event: &Stamped<Event>) {
        match &event.event.fact {
            Fact::Beat(Beat {
                lateness_ms: Some(lateness),
                ..
            }) => self.lateness.record(lateness.0),
            Fact::Stall(stall) => {
                self.stalls += 1;
                self.stalled += stall.ms.0;
            }
            _ => {}
        }
        let tally = event.event.target.and_then(|at| self.targets.get_mut(at));
        if let Some(tally) = tally {
            tally.apply(event.at, &event.event.fact);
        }
    }

    /// The targets, in their order.
    #[must_use]
    pub fn targets(&self) -> &[Tally] {
        &self.targets
    }

    /// What is known `now` after the start.
    #[must_use]
    pub fn report(&self, now: Duration) -> Report {
        Report {
            targets: self
                .targets
                .iter()
                .map(|tally| tally.summary(now))
                .collect(),
            lateness: self.lateness.summary(),
            stalls: self.stalls,
            stalled_ms: self.stalled.into(),
            pool: self
                .targets
                .iter()
                .filter_map(|tally| tally.pool)
                .reduce(Pool::plus),
            total_ms: now.into(),
        }
    }
}

/// Counts and distributions of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    target: String,
    state: State,
    since: Duration,
    sent: u64,
    received: u64,
    lost: u64,
    late: u64,
    skipped: u64,
    refused: u64,
    streak: i64,
    rtt: Histogram,
    recent: [Option<Duration>; RECENT],
    beats: usize,
    window: Window,
    failures: BTreeMap<&'static str, u64>,
    outages: Outages,
    disconnects: u64,
    reconnects: u64,
    breaker: Option<breaker::State>,
    pool: Option<Pool>,
    cert_days: Option<i64>,
}

impl Tally {
    /// An empty tally of a target, named as in the report.
    #[must_use]
    pub fn new(target: String) -> Self {
        Self {
            target,
            state: State::Unknown,
            since: Duration::ZERO,
            sent: 0,
            received: 0,
            lost: 0,
            late: 0,
            skipped: 0,
            refused: 0,
            streak: 0,
            rtt: Histogram::new(),
            recent: [None; RECENT],
            beats: 0,
            window: Window::new(),
            failures: BTreeMap::new(),
            outages: Outages::default(),
            disconnects: 0,
            reconnects: 0,
            breaker: None,
            pool: None,
            cert_days: None,
        }
    }

    /// Applies a fact of this target.
    pub fn apply(&mut self, at: Duration, fact: &Fact) {
        match fact {
            Fact::Beat(beat) => self.beat(at, beat),
            Fact::Late(_) => self.late += 1,
            Fact::Skipped(skipped) => match skipped.reason {
                SkipReason::BreakerOpen => self.refused += 1,
                _ => self.skipped += 1,
            },
            Fact::State(change) => {
                (self.state, self.since) = (change.to, at);
                self.outages.change(at, change);
            }
            Fact::Breaker(change) => self.breaker = Some(change.to),
            Fact::Opened(_) => self.pool.get_or_insert_default().connections += 1,
            Fact::Certificate(shown) => self.cert_days = shown.cert_days,
            Fact::Disconnect(end) => {
                self.disconnects += 1;
                self.outages.disconnected(end.cause);
            }
            Fact::Reconnect(back) => {
                if let Some(cause) = back.cause {
                    self.outages.turned_out(cause);
                }
                let again = back.cause.is_some() && back.recovered_ms.is_some();
                self.reconnects += u64::from(again);
            }
            Fact::Stall(_) | Fact::Done => {}
        }
    }

    fn beat(&mut self, at: Duration, beat: &Beat) {
        self.sent += u64::from(beat.sent_ms.is_some());
        self.window.record(at, !beat.ok);
        let rtt = beat.rtt_ms.map(|Millis(rtt)| rtt);
        self.recent[self.beats % RECENT] = rtt.filter(|_| beat.ok);
        self.beats += 1;
        if let Some(reused) = beat.reused {
            let pool = self.pool.get_or_insert_default();
            pool.hits += u64::from(reused);
            pool.misses += u64::from(!reused);
        }
        if beat.ok {
            self.received += 1;
            self.streak = self.streak.max(0) + 1;
            self.outages.answered();
            if let Some(rtt) = rtt {
                self.rtt.record(rtt);
            }
        } else {
            self.lost += 1;
            self.streak = self.streak.min(0) - 1;
            let kind = beat.failure.as_ref().map(|failure| failure.kind.code());
            *self.failures.entry(kind.unwrap_or("unknown")).or_default() += 1;
        }
    }

    /// The round trips of the beats answered in time.
    #[must_use]
    pub fn latencies(&self) -> &Histogram {
        &self.rtt
    }

    /// The state as of the last fact.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The last [`RECENT`] beats, oldest first: the round trip, or `None` where there is none.
    pub fn recent(&self) -> impl Iterator<Item = Option<Duration>> + '_ {
        let (begin, known) = (self.beats % RECENT, self.beats.min(RECENT));
        let ring = self.recent.iter().cycle().skip(begin + RECENT - known);
        ring.take(known).copied()
    }

    /// The statistics so far, `now` after the start of the run.
    #[must_use]
    pub fn summary(&self, now: Duration) -> Summary {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Summary {
            target: self.target.clone(),
            state: self.state,
            state_ms: now.saturating_sub(self.since).into(),
            scheduled: self.received + self.lost + self.skipped + self.refused,
            sent: self.sent,
            received: self.received,
            lost: self.lost,
            late: self.late,
            skipped: self.skipped,
            refused: self.refused,
            loss_pct: percent(self.lost, self.received + self.lost),
            loss_1m_pct: self.window.loss_pct(now, minutes(1)),
            loss_5m_pct: self.window.loss_pct(now, minutes(5)),
            streak: self.streak,
            rtt_ms: self.rtt.summary().map(Into::into),
            jitter_ms: self.rtt.jitter().map(Millis),
            failures: self
                .failures
                .iter()
                .map(|(kind, count)| ((*kind).to_owned(), *count))
                .collect(),
            availability_pct: self.outages.availability_pct(now),
            longest_up_ms: self.outages.longest_up(now).map(Millis),
            longest_down_ms: self.outages.longest_down(now).map(Millis),
            mtbf_ms: self.outages.mtbf(now).map(Millis),
            mttr_ms: self.outages.mttr().map(Millis),
            outages_total: self.outages.total,
            outages: self.outages.list(now),
            disconnects: self.disconnects,
            reconnects: self.reconnects,
            breaker: self.breaker,
            pool: self.pool,
            cert_days: self.cert_days,
        }
    }
}

/// A share in percent; `None` of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share of counts far below 2^52"
)]
pub(super) fn percent(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 * 100.0 / of as f64)
}
