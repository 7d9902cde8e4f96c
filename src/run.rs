//! What every run of an operation is given: a clock that starts with it, and a way to be stopped.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::deadline::Deadline;

/// The context of one run: when it began, and the token that ends it early.
///
/// Cheap to clone; all clones share the token and the start.
#[derive(Clone, Debug)]
pub struct Cx {
    start: Instant,
    wall: SystemTime,
    cancel: CancellationToken,
}

impl Cx {
    /// Starts the clock now; cancelling `cancel` ends the run with a partial report.
    #[must_use]
    pub fn new(cancel: CancellationToken) -> Self {
        Self {
            start: Instant::now(),
            wall: SystemTime::now(),
            cancel,
        }
    }

    /// Starts the clock anew (a later probe of the same run), with the same token.
    #[must_use]
    pub fn restarted(&self) -> Self {
        Self::new(self.cancel.clone())
    }

    /// When the run began, on the monotonic clock.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.start
    }

    /// When the run began, on the wall clock: for display only.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        self.wall
    }

    /// Monotonic time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The time since the start at `instant`, zero if it lies before.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.start)
    }

    /// The token that ends the run.
    #[must_use]
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// A deadline `limit` after the start; `None` waits for ever (or for the token).
    #[must_use]
    pub fn deadline(&self, limit: Option<Duration>) -> Deadline {
        let at = limit.and_then(|limit| self.start.checked_add(limit));
        Deadline::new(at, self.cancel.clone())
    }
}

impl Default for Cx {
    fn default() -> Self {
        Self::new(CancellationToken::new())
    }
}
