//! One question again and again, on an open-loop schedule (DESIGN §6): latency, loss, and what a
//! cache on the way does to the TTL.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use tokio::time::Instant;

use super::question::Question;
use super::report::Report;
use super::session::Session;
use super::verdict::Verdict;
use crate::event::{Observer, Stamped};
use crate::policy::pace::{Pace, Slot};
use crate::run::Cx;
use crate::stats::{Histogram, Latency, Probes};
use crate::time::Millis;

/// Time between questions when nothing else is said.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// Questions under way at once; one that finds no place is skipped.
pub const PARALLEL: usize = 64;
/// Slots taken before the questions under way and the output get their turn.
const SLOTS_AT_ONCE: usize = 64;

/// When questions are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How many; `None` goes on until cancelled.
    pub count: Option<u64>,
    /// Question n is due at t0 + n · interval. 1 s.
    pub interval: Duration,
    /// Questions under way at once. 64.
    pub parallel: usize,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A question is answered, or not.
    Probe(Box<Probe>),
    /// A question could not be put when it was due.
    Skipped {
        /// Its number, from 0.
        seq: u64,
    },
}

/// One question of the schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Its number, from 0.
    pub seq: u64,
    /// When it was due, since the start of the run.
    pub due: Duration,
    /// When it was put.
    pub started: Duration,
    /// What became of it.
    pub report: Report,
}

/// The statistics of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// The name as typed.
    pub name: String,
    /// The type.
    pub qtype: String,
    /// Questions put.
    pub sent: u64,
    /// Questions that were answered.
    pub answered: u64,
    /// Questions to which nobody said anything of use.
    pub lost: u64,
    /// Questions that could not be put when due.
    pub skipped: u64,
    /// Questions cut short by the end of the run.
    pub interrupted: u64,
    /// The lost as a share of those put and ended, in percent; `null` when none ended.
    pub loss_pct: Option<f64>,
    /// How often each verdict came.
    pub verdicts: BTreeMap<String, u64>,
    /// Round trips of the replies, whatever they said.
    pub rtt: Option<Latency>,
    /// Mean absolute difference of consecutive round trips.
    pub jitter_ms: Option<Millis>,
    /// How late questions were put.
    pub lateness: Option<Latency>,
    /// What the TTL did.
    pub ttl: TtlView,
    /// The whole run.
    pub total_ms: Millis,
}

/// What the TTL of the answer did from reply to reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TtlView {
    /// Where the answers come from, as far as their TTL tells.
    pub behaviour: TtlBehaviour,
    /// The smallest; `null` without an answer.
    pub min: Option<u32>,
    /// The largest.
    pub max: Option<u32>,
}

/// What falling or constant TTLs tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TtlBehaviour {
    /// Too few answers, or too soon after one another.
    #[default]
    Unknown,
    /// Always the same over more than a second: an authoritative server, or a cache that rewrites.
    Constant,
    /// It counts down: answers come from a cache.
    CountsDown,
    /// It jumps: several caches behind one address, or a cache that was filled again.
    Jumps,
}

/// Folds the events of a run: exact counts, fixed memory.
#[derive(Clone, Debug)]
pub struct Tally {
    name: String,
    qtype: String,
    probes: Probes,
    ttl: TtlFold,
}

impl Tally {
    /// An empty tally of a question.
    #[must_use]
    pub fn new(question: &Question) -> Self {
        Self {
            name: question.typed.clone(),
            qtype: question.rtype.to_string(),
            probes: Probes::default(),
            ttl: TtlFold::default(),
        }
    }

    /// Applies an event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Probe(probe) => self.probe(probe),
            Event::Skipped { .. } => self.probes.skipped += 1,
        }
    }

    fn probe(&mut self, probe: &Probe) {
        let (probes, report) = (&mut self.probes, &probe.report);
        probes.sent(probe.due, probe.started);
        if report.verdict == Verdict::Interrupted {
            probes.interrupted += 1;
            return;
        }
        let answered = report.rcode.is_some() || report.ok;
        probes.ended(report.verdict.code(), answered);
        if let Some(rtt) = report.rtt_ms {
            probes.rtt.record(rtt.0);
        }
        if let Some(ttl) = least_ttl(report) {
            self.ttl.add(probe.started, ttl);
        }
    }

    /// The round trips.
    #[must_use]
    pub fn latencies(&self) -> &Histogram {
        &self.probes.rtt
    }

    /// The statistics so far, `total` after the start of the run.
    #[must_use]
    pub fn summary(&self, total: Duration) -> Summary {
        let probes = &self.probes;
        Summary {
            name: self.name.clone(),
            qtype: self.qtype.clone(),
            sent: probes.sent,
            answered: probes.good,
            lost: probes.bad,
            skipped: probes.skipped,
            interrupted: probes.interrupted,
            loss_pct: probes.loss_pct(),
            verdicts: probes.outcomes.clone(),
            rtt: probes.rtt.summary(),
            jitter_ms: probes.rtt.jitter().map(Millis),
            lateness: probes.lateness.summary(),
            ttl: self.ttl.view(),
            total_ms: total.into(),
        }
    }
}

/// What the TTLs did so far.
#[derive(Clone, Copy, Debug, Default)]
struct TtlFold {
    last: Option<(Duration, u32)>,
    /// The first moment at which the TTL had its present value.
    since: Duration,
    behaviour: TtlBehaviour,
    range: Option<(u32, u32)>,
}

impl TtlFold {
    fn add(&mut self, at: Duration, ttl: u32) {
        let (min, max) = self.range.unwrap_or((ttl, ttl));
        self.range = Some((min.min(ttl), max.max(ttl)));
        if let Some((then, before)) = self.last {
            let passed = at.saturating_sub(then);
            self.step(at, passed, before, ttl);
        } else {
            self.since = at;
        }
        self.last = Some((at, ttl));
    }

    fn step(&mut self, at: Duration, passed: Duration, before: u32, ttl: u32) {
        // A whole second, and one for the rounding on either side.
        let room = u32::try_from(passed.as_secs())
            .unwrap_or(u32::MAX)
            .saturating_add(2);
        self.behaviour = match self.behaviour {
            TtlBehaviour::Jumps => TtlBehaviour::Jumps,
            _ if ttl > before || before - ttl > room => TtlBehaviour::Jumps,
            _ if ttl < before => TtlBehaviour::CountsDown,
            TtlBehaviour::CountsDown => TtlBehaviour::CountsDown,
            _ if at.saturating_sub(self.since) > Duration::from_secs(1) => TtlBehaviour::Constant,
            other => other,
        };
        if ttl != before {
            self.since = at;
        }
    }

    fn view(&self) -> TtlView {
        TtlView {
            behaviour: self.behaviour,
            min: self.range.map(|(min, _)| min),
            max: self.range.map(|(_, max)| max),
        }
    }
}

/// The smallest TTL of an answer.
pub(super) fn least_ttl(report: &Report) -> Option<u32> {
    let ttls = report.answers.iter().filter_map(|record| record.ttl);
    ttls.min().filter(|_| report.ok)
}

/// Asks on the schedule until the count is reached or the token of `cx` is cancelled.
///
/// Open loop: question n is due at t0 + n · interval whether or not the last one was answered.
/// Cancel safe: dropping the future closes its sockets.
pub async fn run(
    session: &Session,
    question: &Question,
    schedule: &Schedule,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Summary {
    let stop = cx.cancel().child_token();
    let mut tally = Tally::new(question);
    let mut pace = Pace::new(cx.start(), schedule.interval, schedule.count);
    let mut pending = FuturesUnordered::new();
    loop {
        let due = pace.next_due().filter(|_| !stop.is_cancelled());
        let mut events = Vec::new();
        tokio::select! {
            biased;
            Some(probe) = pending.next() => events.push(Event::Probe(Box::new(probe))),
            () = stop.cancelled(), if due.is_some() => {}
            () = sleep_until(due), if due.is_some() => {
                for slot in pace.take_due(Instant::now()).take(SLOTS_AT_ONCE) {
                    if slot.missed || pending.len() >= schedule.parallel {
                        events.push(Event::Skipped { seq: slot.seq });
                    } else {
                        pending.push(probe(session, question, slot, cx));
                    }
                }
            }
            else => break,
        }
        for event in events {
            tally.apply(&event);
            if observer
                .observe(&Stamped::new(cx.elapsed(), event))
                .is_break()
            {
                stop.cancel();
            }
        }
        // After a stop of this machine many slots are due at once: others must get their turn.
        tokio::task::yield_now().await;
    }
    tally.summary(cx.elapsed())
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// One question, with a clock of its own.
async fn probe(session: &Session, question: &Question, slot: Slot, run: &Cx) -> Probe {
    let started = run.elapsed();
    let mut reports = session.ask(question, &run.restarted()).await;
    Probe {
        seq: slot.seq,
        due: run.at(slot.due),
        started,
        report: reports.swap_remove(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TTLs seen at these moments, in milliseconds.
    fn behaviour(seen: &[(u64, u32)]) -> TtlBehaviour {
        let mut fold = TtlFold::default();
        for (at, ttl) in seen {
            fold.add(Duration::from_millis(*at), *ttl);
        }
        fold.view().behaviour
    }

    #[test]
    fn falling_and_constant_ttls_tell_caches_and_authorities_apart() {
        let rows: [(&[(u64, u32)], TtlBehaviour); 7] = [
            (&[], TtlBehaviour::Unknown),
            (&[(0, 300), (100, 300)], TtlBehaviour::Unknown),
            (&[(0, 300), (1_100, 300)], TtlBehaviour::Constant),
            (
                &[(0, 300), (1_000, 299), (2_000, 298)],
                TtlBehaviour::CountsDown,
            ),
            (
                &[(0, 300), (1_000, 299), (1_100, 299), (1_200, 299)],
                TtlBehaviour::CountsDown,
            ),
            (&[(0, 299), (100, 120), (200, 299)], TtlBehaviour::Jumps),
            (&[(0, 2), (1_000, 1), (2_000, 300)], TtlBehaviour::Jumps),
        ];
        for (seen, expected) in rows {
            assert_eq!(behaviour(seen), expected, "{seen:?}");
        }
    }
}
