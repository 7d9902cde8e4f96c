//! The overall limit and the cancel token together: what Go calls a context.
//!
//! Every wait in the library takes one. The arithmetic ([`share`]) is a pure function of
//! `now`, so it is tested without sleeping.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A share of the remaining time is never cut below this, as in Go's `partialDeadline`.
pub const SANE_MINIMUM: Duration = Duration::from_secs(2);

/// The moment by which the first of `tries` tries must be over, so that each gets a fair part of
/// what is left until `deadline`.
///
/// Follows Go's `net.partialDeadline`: an equal share, but at least [`SANE_MINIMUM`], and never
/// beyond the deadline itself.
#[must_use]
pub fn share(now: Instant, deadline: Instant, tries: usize) -> Instant {
    let remaining = deadline.saturating_duration_since(now);
    let tries = u32::try_from(tries.max(1)).unwrap_or(u32::MAX);
    now + (remaining / tries).max(SANE_MINIMUM).min(remaining)
}

/// Why a bounded wait ended without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// The time ran out.
    TimedOut,
    /// The token was cancelled.
    Cancelled,
}

/// A moment by which something must be over, and a token that ends it earlier.
///
/// ```
/// # tokio_test(async {
/// use netkit::deadline::{Deadline, Expired};
/// use std::time::Duration;
/// let soon = Deadline::after(Duration::from_millis(1));
/// assert_eq!(soon.bound(std::future::pending::<()>()).await, Err(Expired::TimedOut));
/// # });
/// # fn tokio_test(f: impl Future) {
/// #     tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(f);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Deadline {
    at: Option<Instant>,
    cancel: CancellationToken,
}

impl Deadline {
    /// Combines a moment (`None`: never) and a token.
    #[must_use]
    pub fn new(at: Option<Instant>, cancel: CancellationToken) -> Self {
        Self { at, cancel }
    }

    /// A deadline `limit` from now that nobody cancels.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self::new(Instant::now().checked_add(limit), CancellationToken::new())
    }

    /// The moment itself, if there is one.
    #[must_use]
    pub fn at(&self) -> Option<Instant> {
        self.at
    }

    /// The token.
    #[must_use]
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// What is left at `now`; `None` means no limit, zero means over.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(now))
    }

    /// Whether the time is over at `now` or the token was cancelled.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        self.cancel.is_cancelled() || self.at.is_some_and(|at| at <= now)
    }

    /// The earlier of this deadline and `limit` after `now`.
    #[must_use]
    pub fn within(&self, now: Instant, limit: Duration) -> Self {
        self.by(now.checked_add(limit))
    }

    /// The earlier of this deadline and `other`; `None` changes nothing.
    #[must_use]
    pub fn by(&self, other: Option<Instant>) -> Self {
        let at = match (self.at, other) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self::new(at, self.cancel.clone())
    }

    /// Divides what is left at `now` fairly over `tries`, the first of which is about to begin.
    ///
    /// Follows Go's `net.partialDeadline`: an equal share, but at least [`SANE_MINIMUM`], and never
    /// beyond the deadline itself.
    #[must_use]
    pub fn share(&self, now: Instant, tries: usize) -> Self {
        let Some(remaining) = self.remaining(now) else {
            return self.clone();
        };
        let tries = u32::try_from(tries.max(1)).unwrap_or(u32::MAX);
        let share = (remaining / tries).max(SANE_MINIMUM).min(remaining);
        self.within(now, share)
    }

    /// Waits for `future`, the moment or the token, whichever comes first.
    ///
    /// Cancel safety: that of `future`; it is dropped when the wait ends early.
    pub async fn bound<F: Future>(&self, future: F) -> Result<F::Output, Expired> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            expired = self.expired() => Err(expired),
        }
    }

    /// Waits until the deadline is over and says why. Cancel safe.
    pub async fn expired(&self) -> Expired {
        let sleep = async {
            match self.at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Expired::Cancelled,
            () = sleep => Expired::TimedOut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn shares_follow_go_partial_deadline() {
        let now = Instant::now();
        let seconds = Duration::from_secs;
        // limit, tries, share: the rows of Go's TestDialerPartialDeadline.
        let rows = [
            (12, 1, 12),
            (12, 2, 6),
            (12, 3, 4),
            (12, 1000, 2),
            (1, 1000, 1),
            (0, 3, 0),
        ];
        for (limit, tries, share) in rows {
            let deadline = Deadline::new(Some(now + seconds(limit)), CancellationToken::new());
            assert_eq!(
                deadline.share(now, tries).remaining(now),
                Some(seconds(share)),
                "{limit}/{tries}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_token_wins_over_the_moment() {
        let deadline = Deadline::after(Duration::ZERO);
        deadline.cancel().cancel();
        assert_eq!(
            deadline.bound(std::future::pending::<()>()).await,
            Err(Expired::Cancelled)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_ready_value_wins_over_both() {
        let deadline = Deadline::after(Duration::ZERO);
        assert_eq!(deadline.bound(async { 7 }).await, Ok(7));
    }
}
