//! Lines in the order of their numbers.

use std::collections::VecDeque;

/// Holds lines back until all before them are there.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The number of the first that is missing.
    next: u64,
    /// That one and those after it; the first is always missing.
    lines: VecDeque<Option<Box<[u8]>>>,
    held: usize,
}

impl Order {
    /// Takes a line, and appends all whose turn has come to `ready`.
    pub(super) fn add(&mut self, number: u64, line: &[u8], ready: &mut Vec<u8>) {
        if number == self.next {
            ready.extend_from_slice(line);
            self.next += 1;
            self.lines.pop_front();
            while let Some(Some(_)) = self.lines.front() {
                ready.extend(self.lines.pop_front().flatten().into_iter().flatten());
                self.next += 1;
                self.held -= 1;
            }
            return;
        }
        let Ok(place) = usize::try_from(number.saturating_sub(self.next)) else {
            return;
        };
        if self.lines.len() <= place {
            self.lines.resize(place + 1, None);
        }
        self.lines[place] = Some(line.into());
        self.held += 1;
    }

    /// Lines that wait.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Gives up on those that are missing.
    pub(super) fn release(&mut self, ready: &mut Vec<u8>) {
        let rest = std::mem::take(&mut self.lines);
        ready.extend(rest.into_iter().flatten().flatten());
        self.held = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_order_in_gives_the_right_order_out(
            numbers in Just((0_u8..100).collect::<Vec<_>>()).prop_shuffle(), kept in 0_usize..=100
        ) {
            let (mut order, mut ready) = (Order::default(), Vec::new());
            for number in &numbers[..kept] {
                order.add(u64::from(*number), &[*number], &mut ready);
                prop_assert!(ready.iter().map(|byte| usize::from(*byte)).eq(0..ready.len()));
            }
            prop_assert_eq!(ready.len() + order.held(), kept);
            order.release(&mut ready);
            prop_assert!(ready.len() == kept && ready.is_sorted());
        }
    }
}
