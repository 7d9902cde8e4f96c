//! Whether this machine itself stood still: SIGSTOP, a paused machine, starvation, suspension.
//!
//! Somebody looks at the clock at least every [`TICK`]; a longer gap means that nobody could. While
//! the machine is suspended the monotonic clock stands still with it, so that there is no gap; the
//! time that the machine has been suspended tells then. The wall clock is never asked: setting it
//! changes nothing.

use std::time::Duration;

use tokio::time::Instant;

/// How often somebody looks at the clock.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// A gap longer than a tick by this much is a stall: timers are late by a few milliseconds on a
/// healthy machine, and by tens on a busy one.
const TOLERANCE: Duration = Duration::from_millis(100);

/// The last look at the clock.
#[derive(Debug)]
pub(super) struct Watch {
    last: Instant,
    suspended: Duration,
    /// When the last suspension was noticed.
    resumed: Option<Instant>,
    total: Duration,
}

impl Watch {
    /// `suspended`: how long this machine has been suspended so far.
    pub(super) fn new(now: Instant, suspended: Duration) -> Self {
        Self {
            last: now,
            suspended,
            resumed: None,
            total: Duration::ZERO,
        }
    }

    /// Looks at the clock; a stall that has just ended is returned, once.
    pub(super) fn look(&mut self, now: Instant) -> Option<Duration> {
        let gap = now.saturating_duration_since(self.last);
        self.last = self.last.max(now);
        let stall = (gap > TICK + TOLERANCE).then_some(gap)?;
        self.total += stall;
        Some(stall)
    }

    /// Looks at how long this machine has been suspended; a suspension that has just ended is
    /// returned, once.
    pub(super) fn suspended(&mut self, suspended: Duration, now: Instant) -> Option<Duration> {
        let more = suspended.saturating_sub(self.suspended);
        let stall = (more > TOLERANCE).then_some(more)?;
        (self.suspended, self.resumed) = (suspended, Some(now));
        self.total += stall;
        Some(stall)
    }

    /// When the last suspension was noticed.
    pub(super) fn resumed(&self) -> Option<Instant> {
        self.resumed
    }

    /// All stalls so far.
    pub(super) fn total(&self) -> Duration {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gap_that_no_tick_filled_is_a_stall() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut watch = Watch::new(start, Duration::ZERO);
        let stalls = [50, 110, 111, 1_200, 1_201].map(|millis| watch.look(at(millis)));
        let stall = Some(Duration::from_millis(1_089));
        assert_eq!(stalls, [None, None, None, stall, None]);
        assert_eq!(Some(watch.total()), stall);
    }

    #[test]
    fn a_suspension_is_a_stall_though_the_monotonic_clock_shows_none() {
        let ms = Duration::from_millis;
        let start = Instant::now();
        // Suspended before this began, which is not its business.
        let mut watch = Watch::new(start, ms(7_000));
        let stalls = [7_000, 7_001, 67_001, 67_002, 67_000].map(|millis| {
            assert_eq!(watch.look(start + ms(20)), None);
            watch.suspended(ms(millis), start)
        });
        assert_eq!(stalls, [None, None, Some(ms(60_001)), None, None]);
        assert_eq!((watch.total(), watch.resumed()), (ms(60_001), Some(start)));
    }
}
