//! When the beats of one target are due: a grid that starts anew when the interval changes.

use std::time::Duration;

use tokio::time::Instant;

use crate::policy::pace::{Pace, Slot};

/// The schedule of one target.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    interval: Duration,
    /// Slots taken from the grids before this one.
    before: u64,
    /// Slots taken in all.
    taken: u64,
    count: Option<u64>,
    /// No slot is due from here on.
    end: Option<Instant>,
    last_due: Instant,
}

impl Schedule {
    pub(super) fn new(
        t0: Instant,
        interval: Duration,
        count: Option<u64>,
        end: Option<Instant>,
    ) -> Self {
        Self {
            pace: Pace::new(t0, interval, count),
            interval,
            before: 0,
            taken: 0,
            count,
            end,
            last_due: t0,
        }
    }

    /// When the next beat is due; `None` after the last one.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = self.pace.next_due()?;
        self.end.is_none_or(|end| due < end).then_some(due)
    }

    /// Takes the next slot if it is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Slot> {
        self.next_due()?;
        let slot = self.pace.take_due(now).next()?;
        self.taken += 1;
        self.last_due = slot.due;
        let seq = self.before + slot.seq;
        Some(Slot { seq, ..slot })
    }

    /// From now on beats are due that far apart; the first of them that long after the last one, or
    /// at once if that is over.
    pub(super) fn change(&mut self, interval: Duration, now: Instant) {
        if interval == self.interval {
            return;
        }
        let t0 = (self.last_due + interval).max(now);
        let left = self.count.map(|count| count - self.taken);
        self.pace = Pace::new(t0, interval, left);
        (self.before, self.interval) = (self.taken, interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_new_interval_goes_on_counting_from_the_last_beat() {
        let t0 = Instant::now();
        let mut schedule = Schedule::new(t0, ms(1_000), Some(4), None);
        assert_eq!(schedule.take(t0).map(|slot| slot.seq), Some(0));
        schedule.change(ms(200), t0 + ms(50));
        assert_eq!(schedule.next_due(), Some(t0 + ms(200)));
        assert_eq!(schedule.take(t0 + ms(200)).map(|slot| slot.seq), Some(1));
        schedule.change(ms(100), t0 + ms(900));
        assert_eq!(
            schedule.next_due(),
            Some(t0 + ms(900)),
            "what is over is due now"
        );
        assert_eq!(schedule.take(t0 + ms(900)).map(|slot| slot.seq), Some(2));
        assert_eq!(schedule.take(t0 + ms(1_000)).map(|slot| slot.seq), Some(3));
        assert_eq!(schedule.next_due(), None, "four beats were asked for");
    }

    #[test]
    fn nothing_is_due_at_the_end() {
        let t0 = Instant::now();
        let mut schedule = Schedule::new(t0, ms(100), None, Some(t0 + ms(200)));
        assert!(schedule.take(t0 + ms(100)).is_some() && schedule.take(t0 + ms(100)).is_some());
        assert_eq!(
            (schedule.next_due(), schedule.take(t0 + ms(300))),
            (None, None)
        );
    }
}
