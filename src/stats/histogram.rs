//! A distribution of durations in buckets that grow with their value, as in HDR histograms.
//!
//! Below 256 ns a bucket is a nanosecond; above, each power of two is divided into 128, so a
//! percentile is off by at most 0.4 %. Only buckets in use take memory, and there are fewer than
//! 7,500 of them from a nanosecond to 580 years.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Latency;

/// Buckets per power of two: 2^7.
const PRECISION_BITS: u32 = 7;
const PER_OCTAVE: u64 = 1 << PRECISION_BITS;

/// A distribution of durations. Count, smallest, largest, mean, deviation and jitter are exact (to
/// the nanosecond, or the precision of an `f64`); percentiles are within 0.4 %.
///
/// ```
/// use netkit::stats::Histogram;
/// use std::time::Duration;
///
/// let mut histogram = Histogram::new();
/// for millis in 1..=100 {
///     histogram.record(Duration::from_millis(millis));
/// }
/// let latency = histogram.summary().expect("100 values");
/// assert_eq!((latency.count, latency.max_ms.as_f64()), (100, 100.0));
/// assert!((latency.p90_ms.as_f64() - 90.0).abs() < 0.004 * 90.0);
/// assert_eq!(histogram.jitter(), Some(Duration::from_millis(1)));
/// assert_eq!(Histogram::new().summary(), None, "no values, no statistics");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Count of each bucket in use.
    buckets: BTreeMap<u16, u64>,
    count: u64,
    min: u64,
    max: u64,
    sum: u128,
    spread: Spread,
    steps: Steps,
}

/// The sum of squared distances from the mean, kept as Welford does, in nanoseconds: summing
/// squares would lose every digit of a small deviation of large values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Spread {
    mean: f64,
    squares: f64,
}

/// The distances between consecutive values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Steps {
    last: Option<u64>,
    count: u64,
    sum: u128,
}

impl Histogram {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value. Durations of more than 580 years count as 580 years.
    pub fn record(&mut self, value: Duration) {
        let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        *self.buckets.entry(bucket_of(nanos)).or_default() += 1;
        self.min = if self.count == 0 {
            nanos
        } else {
            self.min.min(nanos)
        };
        self.max = self.max.max(nanos);
        self.count += 1;
        self.sum += u128::from(nanos);
        self.spread.add(nanos, self.count);
        self.steps.add(nanos);
    }

    /// Adds all values of another. Its first value is not a neighbour of our last one: the jitter is
    /// that of the pairs inside each.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
        self.spread.merge(self.count, &other.spread, other.count);
        self.min = if self.count == 0 {
            other.min
        } else {
            self.min.min(other.min)
        };
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.sum += other.sum;
        self.steps.merge(&other.steps);
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The smallest value.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        self.when_any(self.min)
    }

    /// The largest value.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        self.when_any(self.max)
    }

    /// All values together, in seconds.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum that nobody reads to 16 digits"
    )]
    pub fn sum_seconds(&self) -> f64 {
        self.sum as f64 / 1e9
    }

    /// How many values are at most `limit`; those within 0.4 % of it may be counted on either side.
    #[must_use]
    pub fn count_up_to(&self, limit: Duration) -> u64 {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let within = self.buckets.range(..=bucket_of(nanos));
        within.map(|(_, count)| count).sum()
    }

    /// The arithmetic mean, rounded down to the nanosecond.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        mean(self.sum, self.count)
    }

    /// The population standard deviation (what ping calls mdev).
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a count below 2^52, or a rounding of 10^-16"
    )]
    pub fn stddev(&self) -> Option<Duration> {
        let nanos = (self.spread.squares / self.count as f64).max(0.0).sqrt();
        (!self.is_empty()).then(|| Duration::from_nanos(whole(nanos)))
    }

    /// The mean absolute difference of consecutive values; `None` below two values.
    #[must_use]
    pub fn jitter(&self) -> Option<Duration> {
        mean(self.steps.sum, self.steps.count)
    }

    /// The smallest value that at least `percent` of all values do not exceed (nearest rank), within
    /// 0.4 %. 0 is the smallest of all and 100 the largest, both exactly.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        let rank = self.rank(percent)?;
        if rank == 1 {
            return self.min();
        }
        if rank == self.count {
            return self.max();
        }
        let mut below = 0;
        let (bucket, _) = self.buckets.iter().find(|(_, count)| {
            below += **count;
            below >= rank
        })?;
        Some(Duration::from_nanos(self.middle(*bucket)))
    }

    /// Everything worth telling; `None` without values.
    #[must_use]
    pub fn summary(&self) -> Option<Latency> {
        Some(Latency {
            count: self.count,
            min_ms: self.min()?.into(),
            mean_ms: self.mean()?.into(),
            p50_ms: self.percentile(50.0)?.into(),
            p90_ms: self.percentile(90.0)?.into(),
            p99_ms: self.percentile(99.0)?.into(),
            max_ms: self.max()?.into(),
            stddev_ms: self.stddev()?.into(),
        })
    }

    /// The middle and the count of each bucket in use, rising; nanoseconds.
    pub(super) fn middles(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> {
        self.buckets
            .iter()
            .map(|(bucket, count)| (self.middle(*bucket), *count))
    }

    /// The middle of a bucket, but never beyond what was recorded.
    fn middle(&self, bucket: u16) -> u64 {
        let (low, width) = bounds_of(bucket);
        (low + (width - 1) / 2).clamp(self.min, self.max)
    }

    /// The rank of a percentile, from 1; `None` without values or when `percent` is not a number.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1 ..= count; a rank beyond 2^53 may be off by one"
    )]
    fn rank(&self, percent: f64) -> Option<u64> {
        let rank = (percent / 100.0 * self.count as f64).ceil();
        (!self.is_empty() && !rank.is_nan()).then(|| (rank as u64).clamp(1, self.count))
    }

    fn when_any(&self, nanos: u64) -> Option<Duration> {
        (!self.is_empty()).then(|| Duration::from_nanos(nanos))
    }
}

impl Spread {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the deviation is an f64 by nature"
    )]
    fn add(&mut self, value: u64, count: u64) {
        let before = value as f64 - self.mean;
        self.mean += before / count as f64;
        self.squares += before * (value as f64 - self.mean);
    }

    /// Chan et al., "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances".
    #[expect(
        clippy::cast_precision_loss,
        reason = "the deviation is an f64 by nature"
    )]
    fn merge(&mut self, own: u64, other: &Self, others: u64) {
        let (a, b) = (own as f64, others as f64);
        let distance = other.mean - self.mean;
        self.mean += distance * b / (a + b);
        self.squares += other.squares + distance * distance * a * b / (a + b);
    }
}

impl Steps {
    fn add(&mut self, value: u64) {
        if let Some(last) = self.last.replace(value) {
            self.count += 1;
            self.sum += u128::from(last.abs_diff(value));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.last = other.last.or(self.last);
    }
}

fn mean(sum: u128, count: u64) -> Option<Duration> {
    let nanos = sum.checked_div(u128::from(count))?;
    Some(Duration::from_nanos(
        u64::try_from(nanos).unwrap_or(u64::MAX),
    ))
}

/// The nearest whole number; too large or not a number saturates.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and a deviation is never negative"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// The bucket of a value: itself below 256; above, the octave and its leading 8 bits.
fn bucket_of(nanos: u64) -> u16 {
    let octave = nanos
        .checked_ilog2()
        .unwrap_or(0)
        .saturating_sub(PRECISION_BITS);
    let bucket = u64::from(octave) * PER_OCTAVE + (nanos >> octave);
    u16::try_from(bucket).expect("at most 56 · 128 + 255")
}

/// The lowest value of a bucket and how many values it holds.
pub(super) fn bounds_of(bucket: u16) -> (u64, u64) {
    let bucket = u64::from(bucket);
    let octave = (bucket / PER_OCTAVE).saturating_sub(1);
    ((bucket - octave * PER_OCTAVE) << octave, 1 << octave)
}

#[cfg(test)]
mod tests;
