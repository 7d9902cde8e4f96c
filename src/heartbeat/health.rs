//! The state of one target: the detector's, told apart by what the peer's kernel says, and the
//! breaker beside it. Turns what became of a beat into facts.

use std::time::Duration;

use super::config::Config;
use super::event::{Change, State};
use super::liveness::Kernel;
use crate::failure::{Class, Failure};
use crate::policy::detector::{Detector, Transition};
use crate::time::Millis;

/// The health of one target.
#[derive(Debug)]
pub(super) struct Health {
    detector: Detector,
    state: State,
    since: Duration,
    /// When the first beat that failed since the last reply was due.
    failing_since: Option<Duration>,
    /// The newest beat that was answered: a failure of an older one is old news.
    last_ok: Option<u64>,
}

/// A verdict about a beat.
#[derive(Debug)]
pub(super) struct Failed<'a> {
    pub(super) seq: u64,
    pub(super) due: Duration,
    pub(super) failure: &'a Failure,
    pub(super) kernel: Kernel,
}

impl Health {
    pub(super) fn new(config: &Config, now: Duration) -> Self {
        Self {
            detector: Detector::new(config.detector, config.interval, now),
            state: State::Unknown,
            since: now,
            failing_since: None,
            last_ok: None,
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn sent(&mut self, now: Duration) {
        self.detector.sent(now);
    }

    pub(super) fn forget(&mut self) {
        self.detector.forget();
    }

    pub(super) fn stalled(&mut self, stall: Duration) {
        self.detector.stalled(stall);
    }

    pub(super) fn answered_late(&mut self, now: Duration) {
        self.detector.answered_late(now);
    }

    pub(super) fn answered(&mut self, now: Duration, seq: u64, rtt: Duration) -> Option<Change> {
        self.last_ok = self.last_ok.max(Some(seq));
        self.failing_since = None;
        let turned = self.detector.answered(now, rtt)?;
        Some(self.turn(now, turned, now, None))
    }

    /// Whether a beat of that number can still tell something.
    pub(super) fn is_old_news(&self, seq: u64) -> bool {
        self.last_ok.is_some_and(|last| seq < last)
    }

    pub(super) fn failed(&mut self, now: Duration, failed: &Failed<'_>) -> Option<Change> {
        if self.is_old_news(failed.seq) {
            self.detector.forget();
            return None;
        }
        let began = *self.failing_since.get_or_insert(failed.due);
        let sign = failed.failure.kind.class() != Class::Silence;
        let turned = self.detector.failed(now, sign);
        match turned {
            Some(turned) => {
                let mut change = self.turn(now, turned, began, Some(failed.failure));
                if change.to == State::Down && failed.kernel == Kernel::Acknowledges {
                    change.to = State::AppHung;
                    self.state = State::AppHung;
                }
                Some(change)
            }
            None => self.kernel(now, began, failed),
        }
    }

    /// An early sign: a session that ended.
    pub(super) fn sign(&mut self, now: Duration, failure: &Failure) -> Option<Change> {
        let turned = self.detector.sign(now)?;
        Some(self.turn(now, turned, now, Some(failure)))
    }

    pub(super) fn tick(&mut self, now: Duration) -> Option<Change> {
        let turned = self.detector.tick(now)?;
        let began = self.failing_since.unwrap_or(now);
        Some(self.turn(now, turned, began, None))
    }

    pub(super) fn next_tick(&self) -> Option<Duration> {
        self.detector.next_tick()
    }

    /// While it is down, what the kernel says may still change which kind of down it is.
    fn kernel(&mut self, now: Duration, began: Duration, failed: &Failed<'_>) -> Option<Change> {
        let (to, reason) = match (self.state, failed.kernel) {
            (State::AppHung, Kernel::Silent) => (State::Down, "kernel_silent"),
            (State::Down, Kernel::Acknowledges) => (State::AppHung, "kernel_acknowledges"),
            _ => return None,
        };
        Some(self.change(now, to, reason, began, Some(failed.failure)))
    }

    fn turn(
        &mut self,
        now: Duration,
        turned: Transition,
        began: Duration,
        failure: Option<&Failure>,
    ) -> Change {
        let change = self.change(now, turned.to.into(), turned.reason.code(), began, failure);
        Change {
            evidence: Some(turned.reason),
            ..change
        }
    }

    fn change(
        &mut self,
        now: Duration,
        to: State,
        reason: &str,
        began: Duration,
        failure: Option<&Failure>,
    ) -> Change {
        let from = std::mem::replace(&mut self.state, to);
        let lasted_ms = Millis(now.saturating_sub(self.since));
        self.since = now;
        Change {
            from,
            to,
            reason: reason.to_owned(),
            evidence: None,
            lasted_ms,
            began_ms: began.into(),
            failure: failure.map(|failure| Box::new(failure.clone())),
        }
    }
}
