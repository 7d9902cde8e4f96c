//! What is on its way out through a faulty stream: held back, slowed, cut, corrupted.
//!
//! Pure: it is told the time and says which bytes may go now, or when the next may.

use std::collections::VecDeque;
use std::time::Duration;

use crate::policy::chance::Chance;

/// Bytes that may wait; a writer that is faster waits itself.
const ROOM: usize = 256 << 10;

/// How bytes are treated.
#[derive(Clone, Debug, Default)]
pub(super) struct Treatment {
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    /// Bytes a second.
    pub(super) rate: Option<u64>,
    /// Bytes in one piece.
    pub(super) slice: Option<usize>,
    /// Share of bytes in which a bit is turned over.
    pub(super) corrupt: f64,
}

impl Treatment {
    pub(super) fn is_plain(&self) -> bool {
        self.delay.is_zero()
            && self.jitter.is_zero()
            && self.rate.is_none()
            && self.slice.is_none()
            && self.corrupt <= 0.0
    }
}

/// The queue.
#[derive(Debug)]
pub(super) struct Outgoing {
    treatment: Treatment,
    chance: Chance,
    queue: VecDeque<(Duration, Vec<u8>)>,
    /// How much of the first has gone.
    gone: usize,
    waiting: usize,
    /// Nothing is due before what was written before it.
    last_due: Duration,
    /// Bytes that the rate allows, and when that was counted.
    budget: (f64, Duration),
}

/// What the queue has now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// These may go.
    Bytes(&'a [u8]),
    /// Something may go then.
    At(Duration),
    /// Nothing waits.
    Nothing,
}

impl Outgoing {
    pub(super) fn new(treatment: Treatment, chance: Chance) -> Self {
        Self {
            treatment,
            chance,
            queue: VecDeque::new(),
            gone: 0,
            waiting: 0,
            last_due: Duration::ZERO,
            budget: (0.0, Duration::ZERO),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting >= ROOM
    }

    /// Takes bytes; returns how many.
    pub(super) fn push(&mut self, bytes: &[u8], now: Duration) -> usize {
        let count = bytes.len().min(ROOM - self.waiting.min(ROOM));
        let mut bytes = bytes[..count].to_vec();
        if self.treatment.corrupt > 0.0 {
            self.corrupt(&mut bytes);
        }
        let held = self
            .chance
            .around(self.treatment.delay, self.treatment.jitter);
        self.last_due = self.last_due.max(now + held);
        self.waiting += count;
        self.queue.push_back((self.last_due, bytes));
        count
    }

    fn corrupt(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.chance.happens(self.treatment.corrupt) {
                *byte ^= 1 << self.chance.below(8);
            }
        }
    }

    /// What may go now, at most `most` bytes.
    pub(super) fn next(&mut self, now: Duration, most: usize) -> Next<'_> {
        let Some((due, bytes)) = self.queue.front() else {
            return Next::Nothing;
        };
        if *due > now {
            return Next::At(*due);
        }
        let mut count = (bytes.len() - self.gone).min(most);
        count = count.min(self.treatment.slice.unwrap_or(usize::MAX).max(1));
        if let Some(rate) = self.treatment.rate {
            match allowed(&mut self.budget, rate, now) {
                Ok(allowed) => count = count.min(allowed),
                Err(at) => return Next::At(at),
            }
        }
        Next::Bytes(&bytes[self.gone..self.gone + count])
    }

    /// So many of them have gone.
    pub(super) fn went(&mut self, count: usize) {
        self.gone += count;
        self.waiting -= count;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred thousand at most")]
        if self.treatment.rate.is_some() {
            self.budget.0 -= count as f64;
        }
        if self
            .queue
            .front()
            .is_some_and(|(_, bytes)| bytes.len() == self.gone)
        {
            self.queue.pop_front();
            self.gone = 0;
        }
    }
}

/// How many bytes a rate allows now, or when it will allow some. A tick's worth goes at once, so
/// that a rate is smooth and a fast one is not a thousand wake-ups.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes of a fraction of a second, never negative"
)]
fn allowed(
    (budget, since): &mut (f64, Duration),
    rate: u64,
    now: Duration,
) -> Result<usize, Duration> {
    const TICK: f64 = 0.01;
    let rate = rate.max(1) as f64;
    let piece = (rate * TICK).max(1.0);
    *budget = (*budget + now.saturating_sub(*since).as_secs_f64() * rate).min(piece * 2.0);
    *since = now;
    // What is missing by a rounding error is there.
    if *budget >= 1.0 - 1e-6 {
        return Ok((*budget + 1e-6) as usize);
    }
    let wait = Duration::from_secs_f64((piece - *budget).max(1.0) / rate);
    Err(now + wait.max(Duration::from_micros(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outgoing(treatment: Treatment) -> Outgoing {
        Outgoing::new(treatment, Chance::new(1))
    }

    #[test]
    fn a_delay_holds_back_and_keeps_the_order() {
        let delay = Duration::from_millis(200);
        let mut queue = outgoing(Treatment {
            delay,
            jitter: Duration::from_millis(100),
            ..Treatment::default()
        });
        queue.push(b"one", Duration::ZERO);
        queue.push(b"two", Duration::ZERO);
        assert!(matches!(queue.next(Duration::ZERO, 99), Next::At(at) if at >= delay / 2));
        assert_eq!(queue.next(delay * 2, 99), Next::Bytes(b"one"));
        queue.went(3);
        assert_eq!(queue.next(delay * 2, 99), Next::Bytes(b"two"));
    }

    #[test]
    fn a_rate_is_kept() {
        let mut queue = outgoing(Treatment {
            rate: Some(10_000),
            ..Treatment::default()
        });
        let (mut now, mut gone) = (Duration::ZERO, 0);
        while now < Duration::from_secs(2) {
            queue.push(&[0; 4_096], now);
            match queue.next(now, usize::MAX) {
                Next::Bytes(bytes) => {
                    let count = bytes.len();
                    gone += count;
                    queue.went(count);
                }
                Next::At(at) => now = at,
                Next::Nothing => unreachable!("something was pushed"),
            }
        }
        assert!((19_000..=20_300).contains(&gone), "{gone}");
    }

    proptest! {
        /// Whatever the pieces, what goes in comes out.
        #[test]
        fn nothing_is_lost(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 1..20),
            slice in proptest::option::of(1_usize..50), rate in proptest::option::of(1_u64..100_000),
            taken in 1_usize..100,
        ) {
            let mut queue = outgoing(Treatment {
                delay: Duration::from_millis(3),
                jitter: Duration::from_millis(2),
                rate, slice,
                corrupt: 0.0,
            });
            let (mut now, mut out) = (Duration::ZERO, Vec::new());
            for piece in &pieces {
                prop_assert_eq!(queue.push(piece, now), piece.len());
            }
            loop {
                match queue.next(now, taken) {
                    Next::Bytes(bytes) => {
                        prop_assert!(!bytes.is_empty() && bytes.len() <= taken);
                        prop_assert!(slice.is_none_or(|slice| bytes.len() <= slice));
                        out.extend_from_slice(bytes);
                        let count = bytes.len();
                        queue.went(count);
                    }
                    Next::At(at) => { prop_assert!(at > now); now = at; }
                    Next::Nothing => break,
                }
            }
            prop_assert_eq!(out, pieces.concat());
        }
    }
}
