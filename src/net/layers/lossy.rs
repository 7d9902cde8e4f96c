//! Datagrams on a bad way: lost, doubled, overtaken, corrupted, late.
//!
//! Pure: it is told the time, takes datagrams and gives them back when they are due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Delay, Heard};
use crate::policy::chance::Chance;
use crate::policy::fault::Fault;

/// Datagrams that may be on their way at once; more are lost, as in any queue.
const ROOM: usize = 4_096;

/// A way for datagrams in one direction.
pub struct Lossy {
    drop: f64,
    duplicate: f64,
    reorder: f64,
    corrupt: f64,
    delay: Delay,
    chance: Chance,
    /// When it is due, in which order, and what.
    held: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    seq: u64,
    /// One that waits for the next to pass it.
    overtaken: Option<Vec<u8>>,
    heard: Heard,
}

impl std::fmt::Debug for Lossy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lossy({} held)", self.held.len())
    }
}

impl Lossy {
    /// A way with those of `faults` that datagrams can have; `heard` is told each time.
    pub fn new(faults: &[Fault], chance: Chance, heard: Heard) -> Self {
        let mut lossy = Self {
            drop: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            corrupt: 0.0,
            delay: Delay::default(),
            chance,
            held: BinaryHeap::new(),
            seq: 0,
            overtaken: None,
            heard,
        };
        lossy.change(faults);
        lossy
    }

    /// Other faults from now on; what is on its way stays so.
    pub fn change(&mut self, faults: &[Fault]) {
        (self.drop, self.duplicate, self.reorder, self.corrupt) = (0.0, 0.0, 0.0, 0.0);
        self.delay = Delay::default();
        for fault in faults {
            match fault {
                Fault::Drop(share) => self.drop = *share,
                Fault::Duplicate(share) => self.duplicate = *share,
                Fault::Reorder(share) => self.reorder = *share,
                Fault::Corrupt(share) => self.corrupt = *share,
                Fault::Delay(time) => self.delay.latency = *time,
                Fault::Jitter(time) => self.delay.jitter = *time,
                Fault::Distribution(shape) => self.delay.distribution = *shape,
                _ => {}
            }
        }
    }

    fn strikes(&mut self, share: f64, word: &'static str) -> bool {
        let strikes = self.chance.happens(share);
        if strikes {
            (self.heard)(word);
        }
        strikes
    }

    /// Takes a datagram.
    pub fn push(&mut self, datagram: &[u8], now: Instant) {
        if self.strikes(self.drop, "drop") {
            return;
        }
        let mut bytes = datagram.to_vec();
        if self.strikes(self.corrupt, "corrupt") {
            self.turn_over(&mut bytes);
        }
        if self.overtaken.is_none() && self.strikes(self.reorder, "reorder") {
            self.overtaken = Some(bytes);
            return;
        }
        if self.strikes(self.duplicate, "duplicate") {
            self.send(bytes.clone(), now);
        }
        self.send(bytes, now);
        if let Some(overtaken) = self.overtaken.take() {
            self.send(overtaken, now);
        }
    }

    fn turn_over(&mut self, bytes: &mut [u8]) {
        let bit = usize::try_from(self.chance.below(bytes.len() as u64 * 8)).unwrap_or(0);
        if let Some(byte) = bytes.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
    }

    fn send(&mut self, bytes: Vec<u8>, now: Instant) {
        if self.held.len() >= ROOM {
            return;
        }
        let delay = self.delay;
        let late = self
            .chance
            .spread(delay.latency, delay.jitter, delay.distribution);
        for (time, word) in [(delay.latency, "delay"), (delay.jitter, "jitter")] {
            if time > Duration::ZERO {
                (self.heard)(word);
            }
        }
        self.seq += 1;
        self.held.push(Reverse((now + late, self.seq, bytes)));
    }

    /// When the next one is due.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.held.peek().map(|Reverse((due, ..))| *due)
    }

    /// The next one that is due.
    pub fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.due().filter(|due| *due <= now)?;
        self.held.pop().map(|Reverse((_, _, bytes))| bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    fn passed(faults: &[Fault], count: u8) -> Vec<u8> {
        let mut lossy = Lossy::new(faults, Chance::new(3), Rc::new(|_| ()));
        let now = Instant::now();
        let mut passed = Vec::new();
        for number in 0..count {
            lossy.push(&[number], now);
            passed.extend(std::iter::from_fn(|| lossy.pop(now)).flatten());
        }
        passed
    }

    #[test]
    fn each_fault_does_what_its_word_says() {
        assert_eq!(passed(&[], 4), [0, 1, 2, 3]);
        assert_eq!(passed(&[Fault::Duplicate(1.0)], 2), [0, 0, 1, 1]);
        assert_eq!(passed(&[Fault::Reorder(1.0)], 4), [1, 0, 3, 2]);
        assert_eq!(passed(&[Fault::Drop(1.0)], 4), [] as [u8; 0]);
        let corrupt = passed(&[Fault::Corrupt(1.0)], 4);
        assert!((0..4).all(|at: u8| (corrupt[usize::from(at)] ^ at).is_power_of_two()));
        let lost = 100 - passed(&[Fault::Drop(0.3)], 100).len();
        assert!((15..45).contains(&lost), "{lost}");
    }

    #[test]
    fn what_is_late_comes_when_it_is_due() {
        let late = Duration::from_millis(10);
        let faults = [Fault::Delay(late)];
        let mut lossy = Lossy::new(&faults, Chance::new(3), Rc::new(|_| ()));
        let now = Instant::now();
        lossy.push(b"x", now);
        assert_eq!((lossy.pop(now), lossy.due()), (None, Some(now + late)));
        assert_eq!(lossy.pop(now + late), Some(b"x".to_vec()));
    }
}
