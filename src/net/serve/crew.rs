//! How many workers are at work: as many as other programs leave processors for, and no more than have
//! something to do.
//!
//! A worker too many costs more than it brings: on a machine whose clients need the other processors
//! it takes turns with them, and every hand-over is a wake-up. One too few leaves a processor idle. Both
//! are seen in what the processors do, which is all that is decided on here.

/// A worker is at its limit when it works so much of the time …
const AT_ITS_LIMIT: f64 = 0.8;
/// … and another joins when so much of a processor is idle.
const WORTH_A_WORKER: f64 = 0.7;
/// A worker may look for messages when so much of a processor would do nothing else.
const QUIET: f64 = 0.2;
/// One leaves when others need more than this of the processors that ours would have.
const NEEDED: f64 = 0.5;

/// What the processors and this program did in some time, in processors: 1.5 is one and a half.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Use {
    /// Did nothing.
    pub(super) idle: f64,
    /// Did nothing, or what gives way to this program.
    pub(super) free: f64,
    /// Worked for this program in any way.
    pub(super) own: f64,
    /// Looked for messages, which is part of that.
    pub(super) looked: f64,
}

impl Use {
    /// Whether a worker may look for messages instead of sleeping: nobody else needs the processor.
    pub(super) fn is_quiet(self) -> bool {
        self.idle + self.looked >= QUIET
    }
}

/// How many workers there are, and how many of them work.
#[derive(Debug)]
pub(super) struct Crew {
    workers: usize,
    processors: f64,
    active: usize,
}

impl Crew {
    /// One works at first, of as many as there are processors.
    pub(super) fn new(workers: usize) -> Self {
        let processors = u32::try_from(workers).map_or(1.0, f64::from);
        Self {
            workers,
            processors,
            active: 1.min(workers),
        }
    }

    /// How many work from now on, after some time in which the processors did this.
    pub(super) fn judge(&mut self, used: Use) -> usize {
        let active = u32::try_from(self.active).map_or(1.0, f64::from);
        let others = (self.processors - used.free - used.own).max(0.0);
        let left = self.processors - others;
        if self.active > 1 && left < active - NEEDED {
            self.active -= 1;
        } else if self.active < self.workers
            && used.own - used.looked >= active * AT_ITS_LIMIT
            && used.free >= WORTH_A_WORKER
        {
            let joining = whole(used.free + 1.0 - WORTH_A_WORKER).min(self.active);
            self.active = (self.active + joining.max(1)).min(self.workers);
        }
        self.active
    }
}

/// The whole part of a small number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn whole(number: f64) -> usize {
    number.clamp(0.0, 1e6) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(idle: f64, own: f64) -> Use {
        Use {
            idle,
            free: idle,
            own,
            looked: 0.0,
        }
    }

    #[test]
    fn one_works_while_its_clients_need_the_other_processor() {
        let mut crew = Crew::new(2);
        for (idle, own) in [(1.9, 0.1), (0.5, 1.0), (0.0, 1.0), (0.0, 0.7)] {
            assert_eq!(crew.judge(used(idle, own)), 1, "{idle} {own}");
        }
    }

    #[test]
    fn all_work_when_the_clients_are_elsewhere_and_as_many_as_are_needed() {
        let mut crew = Crew::new(8);
        let joined: Vec<_> = [1.0, 2.0, 4.0, 8.0]
            .map(|own| crew.judge(used(8.0 - own, own)))
            .into();
        assert_eq!(joined, [2, 4, 8, 8]);
        // Three clients come to this machine; five processors are left.
        let left: Vec<_> = (0..4).map(|_| crew.judge(used(0.0, 5.0))).collect();
        assert_eq!(left, [7, 6, 5, 5]);
    }

    #[test]
    fn looking_for_messages_is_no_work_and_takes_no_processor_from_anybody() {
        let mut crew = Crew::new(2);
        let looking = Use {
            looked: 0.7,
            ..used(0.8, 1.0)
        };
        assert_eq!(crew.judge(looking), 1);
        assert!(looking.is_quiet() && !used(0.0, 1.0).is_quiet());
    }

    #[test]
    fn what_was_found_out_does_not_change_by_itself() {
        let mut crew = Crew::new(2);
        assert_eq!(crew.judge(used(1.0, 1.0)), 2);
        for _ in 0..100 {
            assert_eq!(crew.judge(used(0.1, 1.9)), 2);
        }
    }
}
