//! Timers by the hundred thousand: a wheel of milliseconds.
//!
//! Adding one and taking one due are O(1), and nothing is ever cancelled: whoever is woken looks
//! whether it still matters. Pure; a time is what has passed since the start of the run.

use std::time::Duration;

/// Milliseconds that one turn covers; what is due later goes round more than once.
const SLOTS: usize = 4_096;
/// Ends a list.
const NONE: u32 = u32::MAX;

/// Timers, each with an item.
#[derive(Debug)]
pub(super) struct Wheel<T> {
    /// The first node of each millisecond.
    slots: Vec<u32>,
    /// A bit for each slot that is not empty.
    occupied: [u64; SLOTS / 64],
    nodes: Vec<Node<T>>,
    free: u32,
    /// The last millisecond that was dealt with.
    now: u64,
}

#[derive(Debug)]
struct Node<T> {
    due: u64,
    next: u32,
    item: T,
}

impl<T: Copy> Wheel<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![NONE; SLOTS],
            occupied: [0; SLOTS / 64],
            nodes: Vec::new(),
            free: NONE,
            now: 0,
        }
    }

    /// Wakes `item` at `at`, up to a millisecond later; never in the call that added it.
    pub(super) fn add(&mut self, at: Duration, item: T) {
        let due = (millis(at) + 1).max(self.now + 1);
        let node = Node {
            due,
            next: NONE,
            item,
        };
        let place = if let Some(unused) = self.nodes.get_mut(self.free as usize) {
            let place = std::mem::replace(&mut self.free, unused.next);
            *unused = node;
            place
        } else {
            self.nodes.push(node);
            u32::try_from(self.nodes.len() - 1).unwrap_or(NONE)
        };
        self.link(place, due);
    }

    fn link(&mut self, place: u32, due: u64) {
        let slot = slot_of(due);
        let first = std::mem::replace(&mut self.slots[slot], place);
        self.nodes[place as usize].next = first;
        self.occupied[slot / 64] |= 1 << (slot % 64);
    }

    /// Hands out everything that is due at `now`.
    pub(super) fn advance(&mut self, now: Duration, mut wake: impl FnMut(T)) {
        let now = millis(now);
        if now <= self.now {
            return;
        }
        // More than a turn late, one turn sees every slot.
        let first = (self.now + 1).max(now.saturating_sub(SLOTS as u64 - 1));
        self.now = now;
        for slot in (first..=now).map(slot_of) {
            if self.occupied[slot / 64] & 1 << (slot % 64) != 0 {
                self.empty(slot, now, &mut wake);
            }
        }
    }

    fn empty(&mut self, slot: usize, now: u64, wake: &mut impl FnMut(T)) {
        self.occupied[slot / 64] &= !(1 << (slot % 64));
        let mut place = std::mem::replace(&mut self.slots[slot], NONE);
        while let Some(node) = self.nodes.get_mut(place as usize) {
            let (next, due) = (node.next, node.due);
            if due <= now {
                wake(node.item);
                node.next = self.free;
                self.free = place;
            } else {
                self.link(place, due);
            }
            place = next;
        }
    }

    /// When to look again: nothing is due before. `None` when nothing waits.
    pub(super) fn next(&self) -> Option<Duration> {
        let start = slot_of(self.now + 1);
        let words = self.occupied.len();
        // The first word is looked at twice: from the start, and at the end up to it.
        let found = (0..=words).find_map(|step| {
            let index = (start / 64 + step) % words;
            let mask = match step {
                0 => u64::MAX << (start % 64),
                _ => u64::MAX,
            };
            let word = self.occupied[index] & mask;
            (word != 0).then(|| index * 64 + word.trailing_zeros() as usize)
        })?;
        let ahead = (found + SLOTS - start) % SLOTS;
        Some(Duration::from_millis(self.now + 1 + ahead as u64))
    }
}

fn slot_of(tick: u64) -> usize {
    usize::try_from(tick % SLOTS as u64).unwrap_or_default()
}

fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Checked against a list: nothing early, nothing later than a millisecond, nothing lost.
        #[test]
        fn wakes_everything_in_time(
            steps in prop::collection::vec((0_u64..9_000, 0_u64..3_000, 1_usize..4), 1..60)
        ) {
            let (mut wheel, mut waiting, mut now) = (Wheel::new(), Vec::new(), 0);
            let mut serial = 0_u32;
            for (ahead, step, count) in steps {
                for _ in 0..count {
                    wheel.add(Duration::from_millis(now + ahead), serial);
                    waiting.push((now + ahead, serial));
                    serial += 1;
                }
                let next = wheel.next().unwrap();
                let first = waiting.iter().map(|(at, _)| at + 1).min().unwrap();
                prop_assert!(next <= Duration::from_millis(first.max(now + 1)));
                now += step;
                let mut woken = Vec::new();
                wheel.advance(Duration::from_millis(now), |item| woken.push(item));
                waiting.retain(|(at, item)| {
                    let is_woken = woken.contains(item);
                    assert!(!is_woken || *at <= now, "early");
                    assert!(is_woken || *at + 1 > now, "late");
                    !is_woken
                });
            }
            let mut rest = 0;
            while let Some(next) = wheel.next() {
                wheel.advance(next, |_| rest += 1);
            }
            prop_assert_eq!(rest, waiting.len());
        }
    }

    #[test]
    fn places_are_used_again() {
        let mut wheel = Wheel::new();
        for now in 0..10_000 {
            wheel.add(Duration::from_millis(now + 5), ());
            wheel.advance(Duration::from_millis(now), |()| {});
        }
        assert!(wheel.nodes.len() < 10);
        assert_eq!(Wheel::<()>::new().next(), None);
    }
}
