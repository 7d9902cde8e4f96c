//! The single writer of a run: facts go to the fold and to the observer here, in their order.
//!
//! Drivers share it; all of them run on one task, so nobody ever waits for the lock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::event::{Event, Fact, Stall, StallKind};
use super::watch::{TICK, Watch};
use crate::event::{Observer, Stamped};
use crate::net::suspend;
use crate::run::Cx;

/// Where drivers put what happens.
pub(super) struct Log<'a> {
    inner: Mutex<Inner<'a>>,
    cx: &'a Cx,
    stop: CancellationToken,
}

struct Inner<'a> {
    watch: Watch,
    fold: super::Fold,
    observer: &'a mut dyn Observer<Event>,
}

impl<'a> Log<'a> {
    pub(super) fn new(
        fold: super::Fold,
        cx: &'a Cx,
        observer: &'a mut dyn Observer<Event>,
    ) -> Self {
        let inner = Inner {
            watch: Watch::new(Instant::now(), suspend::suspended()),
            fold,
            observer,
        };
        Self {
            inner: Mutex::new(inner),
            cx,
            stop: cx.cancel().child_token(),
        }
    }

    /// Cancelled when the run or its observer wants to end.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The time since the start at `instant`.
    pub(super) fn at(&self, instant: Instant) -> Duration {
        self.cx.at(instant)
    }

    /// The moment that lies `at` after the start.
    pub(super) fn instant(&self, at: Duration) -> Instant {
        self.cx.start() + at
    }

    /// Records what happened to a target at `instant`.
    pub(super) fn put(&self, target: Option<usize>, instant: Instant, fact: Fact) {
        let event = Stamped::new(self.at(instant), Event { target, fact });
        if self.lock().put(&event).is_break() {
            self.stop.cancel();
        }
    }

    /// Looks at the clock; all the time that this machine stood still so far.
    pub(super) fn stalled(&self, now: Instant) -> Duration {
        self.note(now, |watch| watch.look(now))
    }

    fn note(&self, now: Instant, look: impl Fn(&mut Watch) -> Option<Duration>) -> Duration {
        let mut inner = self.lock();
        let stall = look(&mut inner.watch);
        let total = inner.watch.total();
        drop(inner);
        if let Some(stall) = stall {
            let (kind, ms) = (StallKind::LocalStall, stall.into());
            self.put(None, now, Fact::Stall(Stall { kind, ms }));
        }
        total
    }

    /// Looks whether this machine has been suspended; when the last time was over.
    pub(super) fn suspended(&self, now: Instant) -> Option<Instant> {
        self.note(now, |watch| watch.suspended(suspend::suspended(), now));
        self.lock().watch.resumed()
    }

    /// Looks at the clock for ever.
    pub(super) async fn tick(&self) {
        loop {
            tokio::time::sleep(TICK).await;
            let now = Instant::now();
            self.stalled(now);
            self.suspended(now);
        }
    }

    /// The report, `now` after the start.
    pub(super) fn report(&self, now: Duration) -> super::Report {
        self.lock().fold.report(now)
    }

    fn lock(&self) -> MutexGuard<'_, Inner<'a>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner<'_> {
    fn put(&mut self, event: &Stamped<Event>) -> std::ops::ControlFlow<()> {
        self.fold.apply(event);
        self.observer.observe(event)
    }
}

impl std::fmt::Debug for Log<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}
