//! A histogram in a few rows for a person to look at.
//!
//! Rows have round borders (1, 2, 5 · 10^n) so that two runs can be compared by eye: equal steps
//! when the values lie close together, growing ones when they span orders of magnitude.

use std::time::Duration;

use super::Histogram;

/// When the largest value is more than this many times the smallest, rows grow with their value.
const CLOSE_TOGETHER: u64 = 8;
/// Round steps within a decade.
const ROUND: [u64; 3] = [1, 2, 5];
/// Buckets are at most 1/128 wide; equal steps below this share of the largest value would show
/// where the buckets lie, not the values.
const FINEST_SHARE: u64 = 64;

/// One row: how many values lie in `low .. high`. The borders are exact to half a bucket (0.4 %).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Lower border, within the row.
    pub low: Duration,
    /// Upper border, outside it.
    pub high: Duration,
    /// How many values.
    pub count: u64,
}

impl Histogram {
    /// The distribution in at most `rows` rows (and at least one), neighbours touching, from the row
    /// of the smallest value to that of the largest; empty rows between them are kept, for they are
    /// part of the shape. Empty without values.
    ///
    /// ```
    /// use netkit::stats::Histogram;
    /// use std::time::Duration;
    ///
    /// let mut histogram = Histogram::new();
    /// for micros in [130, 150, 170, 180, 450, 3_000] {
    ///     histogram.record(Duration::from_micros(micros));
    /// }
    /// let rows = histogram.bars(8);
    /// let counts: Vec<_> = rows.iter().map(|row| (row.low.as_micros(), row.count)).collect();
    /// assert_eq!(counts, [(100, 4), (200, 1), (500, 0), (1_000, 0), (2_000, 1)]);
    /// ```
    #[must_use]
    pub fn bars(&self, rows: usize) -> Vec<Bar> {
        let values: Vec<_> = self.middles().collect();
        let (Some((low, _)), Some((high, _))) = (values.first(), values.last()) else {
            return Vec::new();
        };
        let borders = borders(*low, *high, rows.max(1));
        let mut bars: Vec<_> = borders
            .windows(2)
            .map(|pair| Bar::new(pair[0], pair[1]))
            .collect();
        let mut row = 0;
        for (value, count) in values {
            while row + 1 < bars.len() && value >= borders[row + 1] {
                row += 1;
            }
            bars[row].count += count;
        }
        bars
    }
}

impl Bar {
    fn new(low: u64, high: u64) -> Self {
        Self {
            low: Duration::from_nanos(low),
            high: Duration::from_nanos(high),
            count: 0,
        }
    }
}

/// Rising borders, the first at or below `low`, the last above `high` (or the end of the clock), of
/// at most `rows` rows and at least one.
fn borders(low: u64, high: u64, rows: usize) -> Vec<u64> {
    if high / CLOSE_TOGETHER <= low {
        equal_steps(low, high, rows)
    } else {
        growing_steps(low, high, rows)
    }
}

/// The finest round step that needs no more than `rows`.
fn equal_steps(low: u64, high: u64, rows: usize) -> Vec<u64> {
    let fits = |step: &u64| high / step - low / step < rows as u64;
    let finest = (high / FINEST_SHARE).max(1);
    let step = round_numbers()
        .find(|step| *step >= finest && fits(step))
        .unwrap_or(u64::MAX);
    let first = low / step * step;
    let count = high / step - low / step + 1;
    (0..=count)
        .map(|nth| first.saturating_add(step.saturating_mul(nth)))
        .collect()
}

/// Rows 1 2 5 10, or decades, or more decades at once: the finest that needs no more than `rows`.
fn growing_steps(low: u64, high: u64, rows: usize) -> Vec<u64> {
    let steps: Vec<u64> = round_numbers().collect();
    let decades = (1..)
        .map(|n| n * ROUND.len())
        .take_while(|stride| *stride < steps.len());
    let every = |stride: usize| between(low, high, steps.iter().step_by(stride).copied());
    let top = steps.iter().find(|step| **step > high).copied();
    std::iter::once(1)
        .chain(decades)
        .map(every)
        .find(|borders| borders.len() <= rows + 1)
        .unwrap_or_else(|| vec![0, top.unwrap_or(u64::MAX)])
}

/// Of zero and these rising borders, those from the last at or below `low` to the first above
/// `high`.
fn between(low: u64, high: u64, borders: impl Iterator<Item = u64>) -> Vec<u64> {
    let all: Vec<u64> = std::iter::once(0)
        .chain(borders)
        .chain([u64::MAX])
        .collect();
    let from = all
        .partition_point(|border| *border <= low)
        .saturating_sub(1);
    let to = all
        .partition_point(|border| *border <= high)
        .min(all.len() - 1);
    all[from..=to].to_vec()
}

/// 1, 2, 5, 10, 20, … as far as 64 bits go.
fn round_numbers() -> impl Iterator<Item = u64> {
    let decades = std::iter::successors(Some(1_u64), |decade| decade.checked_mul(10));
    decades.flat_map(|decade| {
        ROUND
            .into_iter()
            .filter_map(move |digit| decade.checked_mul(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bars(micros: &[u64], rows: usize) -> Vec<(u64, u64, u64)> {
        let mut histogram = Histogram::new();
        for micros in micros {
            histogram.record(Duration::from_micros(*micros));
        }
        let micros = |border: Duration| u64::try_from(border.as_micros()).unwrap();
        let row = |bar: &Bar| (micros(bar.low), micros(bar.high), bar.count);
        histogram.bars(rows).iter().map(row).collect()
    }

    #[test]
    fn values_close_together_get_equal_steps() {
        let wanted = [
            (30_000, 31_000, 1),
            (31_000, 32_000, 2),
            (32_000, 33_000, 0),
            (33_000, 34_000, 1),
        ];
        assert_eq!(bars(&[30_200, 31_400, 31_500, 33_900], 8), wanted);
    }

    #[test]
    fn values_far_apart_get_steps_that_grow() {
        let wanted = [(10, 20, 1), (20, 50, 0), (50, 100, 0), (100, 200, 2)];
        assert_eq!(bars(&[15, 150, 160], 8), wanted);
    }

    #[test]
    fn values_very_far_apart_get_decades() {
        let rows = bars(&[30, 40, 1_000_500], 8);
        assert_eq!(rows.first(), Some(&(10, 100, 2)));
        assert_eq!(rows.last(), Some(&(1_000_000, 10_000_000, 1)));
        assert_eq!(rows.len(), 6);
    }

    #[test]
    fn equal_values_make_one_row() {
        assert_eq!(
            bars(&[25_000; 7], 8)
                .iter()
                .map(|row| row.2)
                .collect::<Vec<_>>(),
            [7]
        );
        assert_eq!(
            bars(&[0; 7], 8).iter().map(|row| row.2).collect::<Vec<_>>(),
            [7]
        );
    }

    #[test]
    fn no_values_make_no_rows() {
        assert_eq!(Histogram::new().bars(8), []);
    }

    #[test]
    fn the_ends_of_the_clock_have_rows() {
        let mut histogram = Histogram::new();
        histogram.record(Duration::MAX);
        assert_eq!(
            histogram.bars(8).iter().map(|bar| bar.count).sum::<u64>(),
            1
        );
        histogram.record(Duration::ZERO);
        assert_eq!(
            histogram.bars(8).iter().map(|bar| bar.count).sum::<u64>(),
            2
        );
        assert_eq!(
            histogram.bars(1).iter().map(|bar| bar.count).sum::<u64>(),
            2
        );
    }

    proptest! {
        #[test]
        fn rows_touch_and_hold_every_value_once(
            values in prop::collection::vec((0..62_u32, any::<u64>()), 1..50), rows in 1..12_usize,
        ) {
            let mut histogram = Histogram::new();
            let values: Vec<_> = values.iter().map(|(bits, v)| v & ((1 << bits) - 1)).collect();
            for nanos in values {
                histogram.record(Duration::from_nanos(nanos));
            }
            let bars = histogram.bars(rows);
            prop_assert!((1..=rows).contains(&bars.len()), "{} rows", bars.len());
            prop_assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), histogram.count());
            prop_assert!(bars.iter().all(|bar| bar.low < bar.high));
            prop_assert!(bars.windows(2).all(|pair| pair[0].high == pair[1].low));
            prop_assert!(bars[0].count > 0 && bars[bars.len() - 1].count > 0, "{:?}", bars);
        }
    }
}
