//! The questions one server has before it: every datagram sent, by serial number.
//!
//! A try is *waiting* until it is answered or given up, and *fresh* while its reply may still be on
//! the way; only fresh ones fill the server's window. So chance loss, which is known only after the
//! long wait before a repetition, does not slow the rest down. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// A question in the slab: its place and which of the questions that lived there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) place: u32,
    pub(super) generation: u32,
}

/// One datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) key: Key,
    /// When it was sent.
    pub(super) at: Duration,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    Overdue,
    Settled,
}

/// The tries of one server; the serial numbers begin with 0.
#[derive(Debug, Default)]
pub(super) struct Tries {
    list: VecDeque<Try>,
    /// The serial number of the first in the list.
    first: u64,
    /// The first that may still be fresh.
    cursor: u64,
    fresh: usize,
    waiting: usize,
}

impl Tries {
    /// Notes a datagram and returns its serial number.
    pub(super) fn push(&mut self, key: Key, at: Duration) -> u64 {
        let state = State::Fresh;
        self.list.push_back(Try { key, at, state });
        self.fresh += 1;
        self.waiting += 1;
        self.first + self.list.len() as u64 - 1
    }

    /// The serial number of the next.
    pub(super) fn next(&self) -> u64 {
        self.first + self.list.len() as u64
    }

    /// The oldest that is not settled, or the next when all are.
    pub(super) fn oldest(&self) -> u64 {
        self.first
    }

    /// Tries whose reply may be on the way.
    pub(super) fn fresh(&self) -> usize {
        self.fresh
    }

    /// Tries that are neither answered nor given up.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    fn get_mut(&mut self, serial: u64) -> Option<&mut Try> {
        let index = usize::try_from(serial.checked_sub(self.first)?).ok()?;
        self.list.get_mut(index)
    }

    /// The waiting try of that number.
    pub(super) fn peek(&self, serial: u64) -> Option<Try> {
        let index = usize::try_from(serial.checked_sub(self.first)?).ok()?;
        let found = self.list.get(index)?;
        (found.state != State::Settled).then_some(*found)
    }

    /// Takes a try off the list: answered, or of no interest any more. `None` if it was before.
    pub(super) fn settle(&mut self, serial: u64) -> Option<Try> {
        let found = self.get_mut(serial)?;
        let before = std::mem::replace(&mut found.state, State::Settled);
        let settled = *found;
        match before {
            State::Settled => return None,
            State::Fresh => self.fresh -= 1,
            State::Overdue => {}
        }
        self.waiting -= 1;
        while self.list.front().is_some_and(Try::is_settled) {
            self.list.pop_front();
            self.first += 1;
        }
        Some(settled)
    }

    /// Tells `overdue` of every try that has waited longer than `patience` and is from now on no
    /// longer fresh.
    pub(super) fn age(&mut self, now: Duration, patience: Duration, mut overdue: impl FnMut(u64)) {
        self.cursor = self.cursor.max(self.first);
        while let Some(next) = self.get_mut(self.cursor) {
            if next.at + patience > now {
                break;
            }
            if next.state == State::Fresh {
                next.state = State::Overdue;
                self.fresh -= 1;
                overdue(self.cursor);
            }
            self.cursor += 1;
        }
    }

    /// When the oldest fresh one will be overdue.
    pub(super) fn next_overdue(&self, patience: Duration) -> Option<Duration> {
        let from = self.cursor.max(self.first) - self.first;
        let mut rest = self.list.iter().skip(usize::try_from(from).ok()?);
        let fresh = rest.find(|next| next.state == State::Fresh)?;
        Some(fresh.at + patience)
    }

    /// The numbers and questions of all that wait.
    pub(super) fn all_waiting(&self) -> Vec<(u64, Key)> {
        let numbered = (self.first..).zip(&self.list);
        let waiting = numbered.filter(|(_, one)| !one.is_settled());
        waiting.map(|(serial, one)| (serial, one.key)).collect()
    }
}

impl Try {
    fn is_settled(&self) -> bool {
        self.state == State::Settled
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(place: u32) -> Key {
        Key {
            place,
            generation: 0,
        }
    }

    proptest! {
        /// The counts are those of a plain list, whatever the order of events.
        #[test]
        fn counts_what_a_plain_list_counts(steps in prop::collection::vec(0_u64..12, 0..300)) {
            let mut tries = Tries::default();
            let mut model: Vec<(u64, Duration, State)> = Vec::new();
            let patience = Duration::from_millis(20);
            let mut now = Duration::ZERO;
            for step in steps {
                now += Duration::from_millis(step);
                match step {
                    0..6 => {
                        let serial = tries.push(key(0), now);
                        prop_assert_eq!(serial, model.len() as u64);
                        model.push((serial, now, State::Fresh));
                    }
                    6..10 => {
                        let place = usize::try_from(now.as_millis()).unwrap() % (model.len() + 1);
                        let serial = place as u64;
                        let waits = model.get_mut(place).filter(|m| m.2 != State::Settled);
                        prop_assert_eq!(tries.settle(serial).is_some(), waits.is_some());
                        if let Some(waits) = waits {
                            waits.2 = State::Settled;
                        }
                    }
                    _ => {
                        let mut told = Vec::new();
                        tries.age(now, patience, |serial| told.push(serial));
                        let mut expected = Vec::new();
                        for one in &mut model {
                            if one.2 == State::Fresh && one.1 + patience <= now {
                                one.2 = State::Overdue;
                                expected.push(one.0);
                            }
                        }
                        prop_assert_eq!(told, expected);
                    }
                }
                let fresh = model.iter().filter(|one| one.2 == State::Fresh).count();
                let waiting = model.iter().filter(|one| one.2 != State::Settled).count();
                prop_assert_eq!((tries.fresh(), tries.waiting()), (fresh, waiting));
                prop_assert_eq!(tries.all_waiting().len(), waiting);
                let settled = model.iter().take_while(|one| one.2 == State::Settled).count();
                prop_assert_eq!(tries.oldest(), settled as u64);
            }
        }
    }
}
