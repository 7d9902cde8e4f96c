//! Whether this machine itself stood still: SIGSTOP, a paused machine, starvation.
//!
//! Somebody looks at the clock at least every [`TICK`]; a longer gap means that nobody could.

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
    total: Duration,
}

impl Watch {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last: now,
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
        let mut watch = Watch::new(start);
        let stalls = [50, 110, 111, 1_200, 1_201].map(|millis| watch.look(at(millis)));
        let stall = Some(Duration::from_millis(1_089));
        assert_eq!(stalls, [None, None, None, stall, None]);
        assert_eq!(Some(watch.total()), stall);
    }
}
