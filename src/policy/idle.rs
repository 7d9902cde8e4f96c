//! When something has been silent for too long: an idle limit that `touch` pushes back.
//!
//! Separate because everybody who keeps connections needs it and the off-by-one is easily got
//! wrong: at the limit it is over, a moment before it is not. Times count from any fixed moment.

use std::time::Duration;

/// The idle limit of one thing, and when it was last used.
///
/// ```
/// use netkit::policy::idle::Idle;
/// use std::time::Duration;
/// const SECOND: Duration = Duration::from_secs(1);
///
/// let mut idle = Idle::new(Some(30 * SECOND), SECOND);
/// assert_eq!(idle.expires_at(), Some(31 * SECOND));
/// idle.touch(21 * SECOND);
/// assert!(!idle.is_expired(31 * SECOND));
/// assert_eq!(idle.silent(31 * SECOND), 10 * SECOND);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    limit: Option<Duration>,
    last: Duration,
}

impl Idle {
    /// Begins at `now`. A limit of `None` never expires; a limit of zero has expired at once.
    #[must_use]
    pub fn new(limit: Option<Duration>, now: Duration) -> Self {
        Self { limit, last: now }
    }

    /// It was used. A moment that is already past changes nothing.
    pub fn touch(&mut self, now: Duration) {
        self.last = self.last.max(now);
    }

    /// For how long it has not been used.
    #[must_use]
    pub fn silent(&self, now: Duration) -> Duration {
        now.saturating_sub(self.last)
    }

    /// When it expires if nothing happens; `None` is never.
    #[must_use]
    pub fn expires_at(&self) -> Option<Duration> {
        self.last.checked_add(self.limit?)
    }

    /// Whether it has expired.
    #[must_use]
    pub fn is_expired(&self, now: Duration) -> bool {
        self.expires_at().is_some_and(|at| now >= at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_limit_itself_is_over_and_no_limit_never_is() {
        let second = Duration::from_secs(1);
        let idle = Idle::new(Some(second), second);
        assert!(!idle.is_expired(Duration::from_nanos(1_999_999_999)));
        assert!(idle.is_expired(2 * second));
        assert!(Idle::new(Some(Duration::ZERO), second).is_expired(second));
        assert!(!Idle::new(None, second).is_expired(Duration::MAX));
        assert!(!Idle::new(Some(Duration::MAX), second).is_expired(Duration::MAX));
    }

    proptest! {
        /// Touched at any moments in any order: it expires the limit after the latest, never sooner.
        #[test]
        fn it_expires_the_limit_after_the_last_use(
            limit in 0..1_000_u64, uses in prop::collection::vec(0..10_000_u64, 1..20), asked: u32,
        ) {
            let mut idle = Idle::new(Some(Duration::from_millis(limit)), Duration::ZERO);
            for at in &uses {
                idle.touch(Duration::from_millis(*at));
            }
            let last = uses.iter().max().copied().unwrap_or(0);
            let expired = idle.is_expired(Duration::from_millis(asked.into()));
            prop_assert_eq!(expired, u64::from(asked) >= last + limit);
        }
    }
}
