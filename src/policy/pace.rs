//! Open-loop pacing: slot n is due at t0 + n · interval, whatever became of the slots before.
//!
//! Separate because the rule is easy to break in a loop with a timer: a loop that waits for the last
//! probe, or that drops ticks it slept through, hides the outages it was to measure (coordinated
//! omission). Knows neither probes nor timers; the caller passes `now`.

use std::time::Duration;

use tokio::time::Instant;

/// How late a slot may still be used. A slot is used up to one interval late; when the interval is
/// shorter than this, up to this late, since timers tick once a millisecond and a busy machine may
/// hold a process back for some of them. What comes later than that was not sent when it was due.
pub const MAX_LATENESS: Duration = Duration::from_millis(20);

/// One place on the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its number, from 0.
    pub seq: u64,
    /// When it was due: t0 + seq · interval, exactly.
    pub due: Instant,
    /// How long after that it was taken.
    pub lateness: Duration,
    /// Whether that is too late to use it: this machine was stopped or too busy. To be counted as
    /// skipped.
    pub missed: bool,
}

/// A schedule and how far it has come.
///
/// ```
/// use netkit::policy::pace::Pace;
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// let (t0, interval) = (Instant::now(), Duration::from_secs(1));
/// let mut pace = Pace::new(t0, interval, Some(4));
/// // Woken 2.1 s after the start: three slots are due, and the first two are too late to use.
/// let slots: Vec<_> = pace.take_due(t0 + Duration::from_millis(2_100)).collect();
/// assert_eq!(slots.iter().map(|slot| slot.missed).collect::<Vec<_>>(), [true, true, false]);
/// assert_eq!(slots[2].lateness, Duration::from_millis(100));
/// assert_eq!(pace.next_due(), Some(t0 + 3 * interval), "the grid has not moved");
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    t0: Instant,
    interval: Duration,
    count: Option<u64>,
    next: u64,
}

impl Pace {
    /// A schedule of `count` slots (`None`: without end), the first of which is due at `t0`. With an
    /// interval of zero, slots are due every nanosecond.
    #[must_use]
    pub fn new(t0: Instant, interval: Duration, count: Option<u64>) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        Self {
            t0,
            interval,
            count,
            next: 0,
        }
    }

    /// When the next slot is due; `None` after the last one, or beyond the end of the clock.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        if self.count.is_some_and(|count| self.next >= count) {
            return None;
        }
        // Multiplied, not added up: n roundings would drift.
        let nanos = self
            .interval
            .as_nanos()
            .checked_mul(u128::from(self.next))?;
        let seconds = u64::try_from(nanos / NANOS_PER_SEC).ok()?;
        let rest = u32::try_from(nanos % NANOS_PER_SEC).ok()?;
        self.t0.checked_add(Duration::new(seconds, rest))
    }

    /// Takes the slots that are due at `now`, in their order, one by one: what is not taken from the
    /// iterator is still due.
    pub fn take_due(&mut self, now: Instant) -> impl Iterator<Item = Slot> {
        std::iter::from_fn(move || self.take_one(now))
    }

    fn take_one(&mut self, now: Instant) -> Option<Slot> {
        let due = self.next_due().filter(|due| *due <= now)?;
        let (seq, lateness) = (self.next, now - due);
        self.next += 1;
        let missed = lateness >= self.interval.max(MAX_LATENESS);
        Some(Slot {
            seq,
            due,
            lateness,
            missed,
        })
    }
}

const NANOS_PER_SEC: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn nothing_is_due_before_its_time_and_each_slot_comes_once() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0, ms(100), None);
        let mut taken = |at| -> Vec<_> { pace.take_due(t0 + at).map(|slot| slot.seq).collect() };
        assert_eq!(taken(ms(0)), [0]);
        assert_eq!(taken(ms(99)), [] as [u64; 0]);
        assert_eq!(taken(ms(100)), [1]);
        assert_eq!(taken(ms(100)), [] as [u64; 0]);
    }

    #[test]
    fn a_pause_of_the_machine_is_counted_slot_by_slot() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0, ms(100), None);
        let slots: Vec<_> = pace.take_due(t0 + ms(1_050)).collect();
        assert_eq!(slots.len(), 11);
        assert_eq!(slots.iter().filter(|slot| slot.missed).count(), 10);
        assert_eq!(slots[10].lateness, ms(50));
    }

    #[test]
    fn a_grid_finer_than_the_timer_is_caught_up_in_bursts() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0, Duration::from_micros(100), None);
        let slots: Vec<_> = pace.take_due(t0 + ms(2)).collect();
        assert_eq!(slots.len(), 21);
        assert!(slots.iter().all(|slot| !slot.missed));
    }

    #[test]
    fn what_is_not_taken_is_still_due() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0, ms(1), Some(3));
        assert_eq!(
            pace.take_due(t0 + ms(9)).next().map(|slot| slot.seq),
            Some(0)
        );
        assert_eq!(pace.take_due(t0 + ms(9)).count(), 2);
        assert_eq!(pace.next_due(), None);
    }

    #[test]
    fn an_interval_beyond_the_clock_has_one_slot() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0, Duration::MAX, None);
        assert_eq!(pace.take_due(t0 + ms(9)).count(), 1);
        assert_eq!(pace.next_due(), None);
    }

    proptest! {
        /// Whenever it is asked: every slot up to then came exactly once, in order, on the grid.
        #[test]
        fn the_grid_never_drifts(
            interval in 1..5_000_000_u64,
            count in prop::option::of(0..50_u64),
            mut asked in prop::collection::vec(0..100_000_000_u64, 1..40),
        ) {
            asked.sort_unstable();
            let (t0, interval) = (Instant::now(), Duration::from_micros(interval));
            let mut pace = Pace::new(t0, interval, count);
            let mut seq = 0;
            for at in asked.into_iter().map(|at| t0 + Duration::from_micros(at)) {
                for slot in pace.take_due(at).take(2_000) {
                    let on_grid = t0 + interval * u32::try_from(seq).unwrap();
                    prop_assert_eq!((slot.seq, slot.due), (seq, on_grid));
                    prop_assert_eq!(slot.lateness, at - on_grid);
                    prop_assert_eq!(slot.missed, at - on_grid >= interval.max(MAX_LATENESS));
                    seq += 1;
                }
                prop_assert!(count.is_none_or(|count| seq <= count));
            }
        }

        /// A caller that always sleeps until the next slot misses none and is never late.
        #[test]
        fn a_punctual_caller_gets_every_slot_on_time(interval in 1..u64::MAX / 1_000_000) {
            let t0 = Instant::now();
            let mut pace = Pace::new(t0, Duration::from_nanos(interval), Some(200));
            let mut seen = 0;
            while let Some(due) = pace.next_due() {
                for slot in pace.take_due(due) {
                    prop_assert_eq!((slot.seq, slot.lateness, slot.missed), (seen, Duration::ZERO, false));
                    seen += 1;
                }
            }
            prop_assert_eq!(seen, 200);
        }
    }
}
