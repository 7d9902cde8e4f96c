//! Phi accrual: how improbable a silence is, after the intervals between the replies so far.
//!
//! Hayashibara et al., "The φ accrual failure detector" (2004), with the normal distribution,
//! logistic approximation, bootstrap and acceptable pause of Akka's `PhiAccrualFailureDetector`.
//! The tail of the normal distribution makes the threshold matter little and the pause much (1 s
//! beats: thresholds 3 and 12 are 1.31 s and 1.63 s): hence [`detection_time`], which says what a
//! setting means.

use std::collections::VecDeque;
use std::time::Duration;

use super::Reason;
use crate::time::Millis;

/// The most intervals remembered: eight bytes each.
pub const MAX_SAMPLES: u32 = 10_000;

/// The settings, with Akka's names and defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhiConfig {
    /// The phi that makes a target down. Default: 8, a reply that comes after all once in 10⁸.
    pub threshold: f64,
    /// The least standard deviation, so that very regular replies do not make it too sensitive.
    /// Default: 100 ms.
    pub min_std_dev: Duration,
    /// The pause that is accepted on top of the usual interval. Default: 3 s.
    pub acceptable_pause: Duration,
    /// Intervals remembered. Default: 1,000; at most [`MAX_SAMPLES`].
    pub samples: u32,
}

impl Default for PhiConfig {
    fn default() -> Self {
        Self {
            threshold: 8.0,
            min_std_dev: Duration::from_millis(100),
            acceptable_pause: Duration::from_secs(3),
            samples: 1_000,
        }
    }
}

/// How long after the last reply phi reaches the threshold, when replies come every `mean` with
/// this standard deviation.
///
/// ```
/// use netkit::policy::detector::{PhiConfig, detection_time};
/// use std::time::Duration;
/// let config = PhiConfig { acceptable_pause: Duration::ZERO, ..PhiConfig::default() };
/// let time = detection_time(&config, Duration::from_secs(1), Duration::ZERO);
/// assert_eq!((time.as_secs_f64() * 100.0).round(), 152.0);
/// ```
#[must_use]
pub fn detection_time(config: &PhiConfig, mean: Duration, std_dev: Duration) -> Duration {
    let mean = mean.saturating_add(config.acceptable_pause);
    let spread = std_dev.max(config.min_std_dev).as_secs_f64();
    let late = deviations(config.threshold) * spread;
    let seconds = (mean.as_secs_f64() + late).max(0.0);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// Phi at so many standard deviations after the mean: −log10(1 − F), where F is the normal
/// distribution in the logistic approximation of Akka (Bowling et al., 2009). Computed in
/// logarithms, so that it stays exact where 1 − F is no longer a number.
fn phi_at(deviations: f64) -> f64 {
    let exponent = deviations * (1.5976 + 0.070_566 * deviations * deviations);
    let softplus = exponent.max(0.0) + (-exponent.abs()).exp().ln_1p();
    softplus / std::f64::consts::LN_10
}

/// The inverse of [`phi_at`], by halving: it grows without a bound and has no simple inverse.
fn deviations(phi: f64) -> f64 {
    let (mut low, mut high) = (-20.0, 20.0);
    while phi_at(high) < phi && high < 1e100 {
        high *= 2.0;
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if phi_at(middle) < phi {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// As many as the bits of an f64's fraction, and some.
const HALVINGS: u32 = 60;

/// Longer intervals are learned as this long (78 hours), so that sums of squares fit 128 bits.
const LONGEST: u64 = 1 << 48;

#[derive(Clone, Debug)]
pub(super) struct Phi {
    config: PhiConfig,
    /// Intervals between replies, in nanoseconds, with their sum and the sum of their squares.
    intervals: VecDeque<u64>,
    sum: u128,
    squares: u128,
    last: Option<Duration>,
}

impl Phi {
    /// Akka's bootstrap: the expected interval, give or take a quarter.
    pub(super) fn new(config: PhiConfig, interval: Duration) -> Self {
        let samples = config.samples.clamp(2, MAX_SAMPLES);
        let mut phi = Self {
            config: PhiConfig { samples, ..config },
            intervals: VecDeque::new(),
            sum: 0,
            squares: 0,
            last: None,
        };
        phi.learn(interval.saturating_sub(interval / 4));
        phi.learn(interval.saturating_add(interval / 4));
        phi
    }

    /// A reply came. Only the interval between two replies of a steady target is learned.
    pub(super) fn arrived(&mut self, now: Duration, steady: bool) {
        let last = self.last.replace(now);
        if let Some(last) = last.filter(|_| steady) {
            self.learn(now.saturating_sub(last));
        }
    }

    /// The interval under way tells nothing.
    pub(super) fn stalled(&mut self) {
        self.last = None;
    }

    pub(super) fn detection_time(&self) -> Duration {
        detection_time(&self.config, self.mean(), self.std_dev())
    }

    /// When the threshold is reached, if nothing comes.
    pub(super) fn fires_at(&self, waiting_since: Duration) -> Option<Duration> {
        let rest = self
            .detection_time()
            .saturating_sub(self.head_start(waiting_since));
        waiting_since.checked_add(rest)
    }

    pub(super) fn too_silent(&self, waiting_since: Duration, now: Duration) -> Option<Reason> {
        if now < self.fires_at(waiting_since)? {
            return None;
        }
        let silent = now.saturating_sub(waiting_since) + self.head_start(waiting_since);
        let spread = self.std_dev().max(self.config.min_std_dev).as_secs_f64();
        let mean = self.mean().saturating_add(self.config.acceptable_pause);
        let deviations = (silent.as_secs_f64() - mean.as_secs_f64()) / spread;
        Some(Reason::Phi {
            phi: phi_at(deviations).min(f64::MAX),
            silent_ms: Millis(silent),
        })
    }

    /// The silence before the first unanswered beat. A pause that nobody was asked in is no
    /// evidence, so it counts for no more than the usual interval.
    fn head_start(&self, waiting_since: Duration) -> Duration {
        let before = self.last.map(|last| waiting_since.saturating_sub(last));
        before.unwrap_or_default().min(self.mean())
    }

    fn learn(&mut self, interval: Duration) {
        let nanos = u64::try_from(interval.as_nanos())
            .unwrap_or(LONGEST)
            .min(LONGEST);
        if self.intervals.len() >= self.config.samples as usize
            && let Some(oldest) = self.intervals.pop_front()
        {
            self.sum -= u128::from(oldest);
            self.squares -= u128::from(oldest).pow(2);
        }
        self.intervals.push_back(nanos);
        self.sum += u128::from(nanos);
        self.squares += u128::from(nanos).pow(2);
    }

    fn mean(&self) -> Duration {
        let mean = self.sum / self.count().max(1);
        Duration::from_nanos(u64::try_from(mean).unwrap_or(LONGEST))
    }

    /// Of the whole population, as Akka computes it.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a deviation needs no more than the 53 bits of an f64, and is not negative"
    )]
    fn std_dev(&self) -> Duration {
        let count = self.count().max(1);
        let scaled = (count * self.squares).saturating_sub(self.sum.pow(2));
        Duration::from_nanos(((scaled as f64).sqrt() / count as f64) as u64)
    }

    fn count(&self) -> u128 {
        self.intervals.len() as u128
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn settings_mean_the_times_that_akka_gives_them() {
        // Computed for beats a second apart from Akka's formula.
        let rows = [
            (8.0, 100, 0, 1.52),
            (8.0, 100, 3_000, 4.52),
            (8.0, 500, 0, 3.61),
            (3.0, 100, 0, 1.31),
            (12.0, 100, 0, 1.63),
        ];
        for (threshold, std_dev, pause, expected) in rows {
            let config = PhiConfig {
                threshold,
                acceptable_pause: Duration::from_millis(pause),
                ..PhiConfig::default()
            };
            let std_dev = Duration::from_millis(std_dev);
            let time = detection_time(&config, Duration::from_secs(1), std_dev).as_secs_f64();
            assert!((time - expected).abs() < 0.005, "{config:?}: {time}");
        }
    }

    #[test]
    fn phi_is_akkas_formula_where_that_is_a_number() {
        let akka = |y: f64| {
            let e = (-y * (1.5976 + 0.070_566 * y * y)).exp();
            let tail = if y > 0.0 {
                e / (1.0 + e)
            } else {
                1.0 - 1.0 / (1.0 + e)
            };
            -tail.log10()
        };
        for y in [-3.0, -0.5, 0.0, 0.1, 1.0, 2.5, 5.0, 8.0] {
            assert!((phi_at(y) - akka(y)).abs() < 1e-9, "{y}");
        }
        assert!(phi_at(1_000.0).is_finite(), "where Akka's is infinite");
    }

    proptest! {
        #[test]
        fn the_detection_time_is_where_phi_reaches_the_threshold(threshold in 0.01..400.0_f64) {
            prop_assert!((phi_at(deviations(threshold)) - threshold).abs() < 1e-6 * threshold.max(1.0));
        }

        /// However long it runs: mean and deviation are those of the last samples.
        #[test]
        fn it_remembers_the_last_samples_alone(
            intervals in prop::collection::vec(0..10_000_u64, 8..200),
        ) {
            let config = PhiConfig { samples: 8, ..PhiConfig::default() };
            let mut phi = Phi::new(config, Duration::from_secs(1));
            for interval in &intervals {
                phi.learn(Duration::from_millis(*interval));
            }
            let last = intervals[intervals.len() - 8..].iter();
            let last: Vec<f64> = last.map(|ms| f64::from(u32::try_from(*ms).unwrap())).collect();
            let mean = last.iter().sum::<f64>() / 8.0;
            let variance = last.iter().map(|ms| (ms - mean).powi(2)).sum::<f64>() / 8.0;
            prop_assert!((phi.mean().as_secs_f64() * 1e3 - mean).abs() < 1e-3);
            prop_assert!((phi.std_dev().as_secs_f64() * 1e3 - variance.sqrt()).abs() < 1e-3);
            prop_assert!(phi.intervals.len() == 8);
        }
    }
}
