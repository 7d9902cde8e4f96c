//! The statistics against the same computed from a sorted list.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the reference computes in f64 what the histogram does not"
)]

use proptest::prelude::*;

use super::*;

/// Half a bucket: the width is at most 1/128 of the value.
const TOLERANCE: f64 = 1.0 / 256.0;

fn histogram(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    for nanos in values {
        histogram.record(Duration::from_nanos(*nanos));
    }
    histogram
}

/// Nearest rank, the definition itself.
fn percentile_of_sorted(sorted: &[u64], percent: f64) -> u64 {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[test]
fn buckets_follow_each_other_without_gap_or_overlap() {
    let last = bucket_of(u64::MAX);
    for bucket in 0..last {
        let (low, width) = bounds_of(bucket);
        assert_eq!(bucket_of(low), bucket);
        assert_eq!(bucket_of(low + width - 1), bucket);
        assert_eq!(bounds_of(bucket + 1).0, low + width);
    }
    let (low, width) = bounds_of(last);
    assert_eq!(low + (width - 1), u64::MAX);
    assert!(last < 7_500);
}

#[test]
fn nothing_recorded_has_no_statistics() {
    let empty = Histogram::new();
    assert!(empty.is_empty());
    assert_eq!(empty.min(), None);
    assert_eq!(empty.max(), None);
    assert_eq!(empty.mean(), None);
    assert_eq!(empty.stddev(), None);
    assert_eq!(empty.jitter(), None);
    assert_eq!(empty.percentile(50.0), None);
    assert_eq!(empty.summary(), None);
}

#[test]
fn a_single_value_is_every_statistic_exactly() {
    let value = Duration::from_nanos(1_234_567);
    let one = histogram(&[1_234_567]);
    for percent in [0.0, 50.0, 99.0, 100.0] {
        assert_eq!(one.percentile(percent), Some(value));
    }
    assert_eq!(one.mean(), Some(value));
    assert_eq!(one.stddev(), Some(Duration::ZERO));
    assert_eq!(one.jitter(), None, "one value has no neighbour");
}

#[test]
fn the_deviation_of_ping_s_own_example_is_right() {
    // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, population deviation 2, steps 2 0 0 1 0 2 2.
    let values = histogram(&[2, 4, 4, 4, 5, 5, 7, 9]);
    assert_eq!(values.mean(), Some(Duration::from_nanos(5)));
    assert_eq!(values.stddev(), Some(Duration::from_nanos(2)));
    assert_eq!(values.jitter(), Some(Duration::from_nanos(1)));
}

#[test]
fn a_small_deviation_of_large_values_is_not_lost() {
    // An hour, give or take 100 ns.
    let hour = 3_600_000_000_000;
    let values = histogram(&[hour - 100, hour + 100, hour - 100, hour + 100]);
    assert_eq!(values.stddev(), Some(Duration::from_nanos(100)));
}

#[test]
fn a_percentile_that_is_no_number_is_none() {
    assert_eq!(histogram(&[1, 2]).percentile(f64::NAN), None);
    assert_eq!(
        histogram(&[1, 2]).percentile(-5.0),
        Some(Duration::from_nanos(1))
    );
    assert_eq!(
        histogram(&[1, 2]).percentile(200.0),
        Some(Duration::from_nanos(2))
    );
}

#[test]
fn what_no_duration_of_ours_reaches_is_counted_as_the_largest() {
    let mut histogram = Histogram::new();
    histogram.record(Duration::MAX);
    histogram.record(Duration::ZERO);
    assert_eq!(histogram.max(), Some(Duration::from_nanos(u64::MAX)));
    assert_eq!(histogram.percentile(50.0), Some(Duration::ZERO));
}

#[test]
fn memory_does_not_grow_with_the_number_of_values() {
    let mut histogram = Histogram::new();
    for nth in 0..200_000_u64 {
        histogram.record(Duration::from_nanos(1_000_000 + nth % 1_000_000));
    }
    assert!(
        histogram.buckets.len() <= 130,
        "one octave: {}",
        histogram.buckets.len()
    );
}

/// From a nanosecond to some hours, small values as likely as large ones.
fn values() -> impl Strategy<Value = Vec<u64>> {
    let value = (0..44_u32, any::<u64>()).prop_map(|(bits, value)| value & ((1 << bits) - 1));
    prop::collection::vec(value, 1..200)
}

proptest! {
    #[test]
    fn percentiles_agree_with_a_sorted_list(values in values(), percent in 0.0..=100.0) {
        let histogram = histogram(&values);
        let mut sorted = values;
        sorted.sort_unstable();
        for percent in [percent, 0.0, 50.0, 90.0, 99.0, 100.0] {
            let exact = percentile_of_sorted(&sorted, percent);
            let told = histogram.percentile(percent).unwrap().as_nanos() as f64;
            let off = (told - exact as f64).abs();
            prop_assert!(off <= exact as f64 * TOLERANCE, "p{} {} for {}", percent, told, exact);
        }
    }

    #[test]
    fn percentiles_rise(values in values(), a in 0.0..=100.0, b in 0.0..=100.0) {
        let histogram = histogram(&values);
        let (low, high) = (f64::min(a, b), f64::max(a, b));
        prop_assert!(histogram.percentile(low) <= histogram.percentile(high));
    }

    #[test]
    fn count_extremes_mean_deviation_and_jitter_are_exact(values in values()) {
        let histogram = histogram(&values);
        let (count, sum) = (values.len() as u128, values.iter().map(|v| u128::from(*v)).sum::<u128>());
        prop_assert_eq!(u128::from(histogram.count()), count);
        prop_assert_eq!(histogram.min(), values.iter().min().map(|v| Duration::from_nanos(*v)));
        prop_assert_eq!(histogram.max(), values.iter().max().map(|v| Duration::from_nanos(*v)));
        prop_assert_eq!(histogram.mean().unwrap().as_nanos(), sum / count);
        let mean = sum as f64 / count as f64;
        let squares: f64 = values.iter().map(|v| (*v as f64 - mean).powi(2)).sum();
        let deviation = (squares / count as f64).sqrt();
        let told = histogram.stddev().unwrap().as_nanos() as f64;
        prop_assert!((told - deviation).abs() <= 1.0 + deviation * 1e-9, "{} {}", told, deviation);
        let steps: u128 = values.windows(2).map(|two| u128::from(two[0].abs_diff(two[1]))).sum();
        let jitter = steps.checked_div(count - 1);
        prop_assert_eq!(histogram.jitter().map(|jitter| jitter.as_nanos()), jitter);
    }

    #[test]
    fn merging_is_recording_everything_in_one(a in values(), b in values()) {
        let mut merged = histogram(&a);
        merged.merge(&histogram(&b));
        let whole = histogram(&[a, b].concat());
        prop_assert_eq!(&merged.buckets, &whole.buckets);
        prop_assert_eq!((merged.min, merged.max, merged.sum), (whole.min, whole.max, whole.sum));
        prop_assert_eq!(merged.count, whole.count);
        prop_assert_eq!(merged.steps.count + 1, whole.steps.count, "all pairs but the border");
        let (told, wanted) = (merged.stddev().unwrap(), whole.stddev().unwrap());
        prop_assert!(told.abs_diff(wanted) <= Duration::from_nanos(1) + wanted / 1_000_000_000);
    }

    #[test]
    fn merging_with_nothing_changes_nothing(values in values()) {
        let (mut left, mut right) = (histogram(&values), Histogram::new());
        left.merge(&Histogram::new());
        right.merge(&histogram(&values));
        prop_assert_eq!(&left, &histogram(&values));
        prop_assert_eq!(left.buckets, right.buckets);
        prop_assert_eq!((left.min, left.max, left.count), (right.min, right.max, right.count));
    }
}
