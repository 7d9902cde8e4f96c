//! Sets of numbers kept as ranges: what lets a million refused ports be remembered as one line.

/// A set that keeps neighbours together.
///
/// A sorted list and no tree: most sets here are one range, and there may be one for every port.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RangeSet {
    /// First and last, both in the set; neither overlapping nor touching, in order.
    ranges: Vec<(u128, u128)>,
}

impl RangeSet {
    /// Adds a number, joining the ranges it touches.
    pub(crate) fn insert(&mut self, value: u128) {
        let ranges = &mut self.ranges;
        let above = ranges.partition_point(|(first, _)| *first <= value);
        let below = above.checked_sub(1);
        if below.is_some_and(|below| ranges[below].1 >= value) {
            return;
        }
        let below = below.filter(|below| ranges[*below].1.checked_add(1) == Some(value));
        let next = value.checked_add(1);
        let joins_above = ranges
            .get(above)
            .is_some_and(|(first, _)| Some(*first) == next);
        match below {
            Some(below) if joins_above => ranges[below].1 = ranges.remove(above).1,
            Some(below) => ranges[below].1 = value,
            None if joins_above => ranges[above].0 = value,
            None => ranges.insert(above, (value, value)),
        }
    }

    /// The ranges, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u128, u128)> + '_ {
        self.ranges.iter().copied()
    }

    /// How many numbers it holds.
    pub(crate) fn len(&self) -> u128 {
        self.iter().fold(0, |sum, (first, last)| {
            sum.saturating_add(last - first).saturating_add(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_become_one_range() {
        let mut set = RangeSet::default();
        for value in [5, 1, 3, 2, 9, 4, 5, u128::MAX] {
            set.insert(value);
        }
        let ranges: Vec<_> = set.iter().collect();
        assert_eq!(ranges, [(1, 5), (9, 9), (u128::MAX, u128::MAX)]);
        assert_eq!(set.len(), 7);
    }

    proptest! {
        #[test]
        fn it_holds_what_a_plain_set_holds(values in proptest::collection::vec(0_u128..60, 0..80)) {
            let mut set = RangeSet::default();
            for value in &values {
                set.insert(*value);
            }
            let held: Vec<_> = set.iter().flat_map(|(first, last)| first..=last).collect();
            let plain: Vec<_> = values.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            prop_assert_eq!(held, plain);
            let gaps = set.iter().zip(set.iter().skip(1)).all(|((_, last), (first, _))| last + 1 < first);
            prop_assert!(gaps);
        }
    }
}
