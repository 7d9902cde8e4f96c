//! The single writer of a dial: stamps are applied to the report and handed to the observer here,
//! in order, and nowhere else.

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::event::Event;
use super::report::{Attempt, AttemptOutcome, Report};
use crate::addr::Target;
use crate::deadline::Deadline;
use crate::event::{Observer, Stamped};
use crate::run::Cx;
use crate::time::Millis;

/// Owns the report while a dial runs.
pub(super) struct Recorder<'a> {
    pub(super) report: Report,
    cx: &'a Cx,
    stop: CancellationToken,
    observer: &'a mut dyn Observer<Event>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(target: &Target, cx: &'a Cx, observer: &'a mut dyn Observer<Event>) -> Self {
        let (report, stop) = (Report::new(target), cx.cancel().child_token());
        Self {
            report,
            cx,
            stop,
            observer,
        }
    }

    /// The deadline of this dial: its limit, the run's token, and the observer's wish to stop.
    pub(super) fn deadline(&self, limit: std::time::Duration) -> Deadline {
        Deadline::new(self.cx.start().checked_add(limit), self.stop.clone())
    }

    /// The attempts that have not ended.
    pub(super) fn pending_attempts(&self) -> impl Iterator<Item = usize> + use<> {
        let pending = |attempt: &Attempt| attempt.outcome == AttemptOutcome::Pending;
        let attempts = self.report.attempts.iter().map(pending).enumerate();
        attempts
            .filter_map(|(index, pending)| pending.then_some(index))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The stamp that `instant` has in this run.
    pub(super) fn since_start(&self, instant: Instant) -> Millis {
        self.cx.at(instant).into()
    }

    /// Records something that happens now.
    pub(super) fn now(&mut self, event: Event) {
        self.at(Instant::now(), event);
    }

    /// Records something that happened at `instant`.
    pub(super) fn at(&mut self, instant: Instant, event: Event) {
        let stamped = Stamped::new(self.cx.at(instant), event);
        self.report.apply(&stamped);
        if self.observer.observe(&stamped).is_break() {
            self.stop.cancel();
        }
    }
}
