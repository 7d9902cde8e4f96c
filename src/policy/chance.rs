//! Chance that can be repeated: everything random about faults comes from one seed.
//!
//! `SplitMix64` (Steele, Lea, Flood 2014): small, fast, and any seed is a good one. Not for secrets.

use std::time::Duration;

/// How times are spread around their middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distribution {
    /// Anywhere within the spread, all equally likely. The default.
    #[default]
    Uniform,
    /// A bell whose standard deviation is the spread; never below zero.
    Normal,
    /// Never sooner than the middle, half the spread later on average, and with a long tail: one in a
    /// hundred is 3.6 spreads late (Pareto, shape 3).
    Pareto,
}

impl Distribution {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Uniform, Self::Normal, Self::Pareto];

    /// Its word on the command line and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Normal => "normal",
            Self::Pareto => "pareto",
        }
    }
}

/// A source of chance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chance(u64);

impl Chance {
    /// Starts from a seed; the same seed gives the same run.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A source of its own for the part with this number, whatever the others draw.
    #[must_use]
    pub fn of_part(seed: u64, part: u64) -> Self {
        let mut whole = Self(seed ^ part.wrapping_mul(GAMMA));
        Self(whole.next())
    }

    /// The next 64 bits.
    #[expect(
        clippy::should_implement_trait,
        reason = "it never ends, so it is no iterator"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, not including, `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// A number from 0 up to, not including, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens. Draws nothing when that is certain.
    pub fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && (probability >= 1.0 || self.unit() < probability)
    }

    /// A time around `middle`, by at most `spread` more or less, never below zero.
    pub fn around(&mut self, middle: Duration, spread: Duration) -> Duration {
        if spread.is_zero() {
            return middle;
        }
        let part = spread.mul_f64(2.0 * self.unit());
        (middle + part).saturating_sub(spread)
    }

    /// A time around `middle`, spread by `spread` as the distribution says, never below zero.
    pub fn spread(&mut self, middle: Duration, spread: Duration, shape: Distribution) -> Duration {
        if spread.is_zero() {
            return middle;
        }
        match shape {
            Distribution::Uniform => self.around(middle, spread),
            Distribution::Normal => {
                let later = self.normal() * spread.as_secs_f64();
                Duration::try_from_secs_f64(middle.as_secs_f64() + later).unwrap_or_default()
            }
            Distribution::Pareto => {
                let excess = (1.0 - self.unit()).powf(-1.0 / 3.0) - 1.0;
                middle.saturating_add(spread.mul_f64(excess))
            }
        }
    }

    /// A number of the standard normal distribution (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// The golden ratio, as in the paper.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_sequence() {
        let mut chance = Chance::new(1_234_567);
        let drawn = [chance.next(), chance.next(), chance.next()];
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(drawn, published);
    }

    #[test]
    fn probabilities_are_kept() {
        let mut chance = Chance::new(7);
        let hits = (0..100_000).filter(|_| chance.happens(0.3)).count();
        assert!((29_000..31_000).contains(&hits), "{hits}");
        assert!(!chance.happens(0.0) && chance.happens(1.0));
    }

    #[test]
    fn times_stay_within_their_spread() {
        let mut chance = Chance::new(7);
        let (middle, spread) = (Duration::from_millis(30), Duration::from_millis(50));
        for _ in 0..1_000 {
            assert!(chance.around(middle, spread) <= middle + spread);
            assert!(chance.below(10) < 10);
        }
        assert_eq!(chance.around(middle, Duration::ZERO), middle);
    }

    #[test]
    fn distributions_have_their_mean_and_their_tail() {
        let (middle, spread) = (Duration::from_millis(100), Duration::from_millis(10));
        for (shape, mean, beyond) in [
            (Distribution::Uniform, 100.0, 0.0),
            (Distribution::Normal, 100.0, 0.023),
            (Distribution::Pareto, 105.0, 0.037),
        ] {
            let mut chance = Chance::new(11);
            let draws = (0..100_000).map(|_| chance.spread(middle, spread, shape).as_secs_f64());
            let times: Vec<f64> = draws.map(|seconds| seconds * 1e3).collect();
            let found = times.iter().sum::<f64>() / 1e5;
            assert!((found - mean).abs() < 0.3, "{shape:?}: {found}");
            #[expect(clippy::cast_precision_loss, reason = "a hundred thousand at most")]
            let late = times.iter().filter(|time| **time > 120.0).count() as f64 / 1e5;
            assert!((late - beyond).abs() < 0.005, "{shape:?}: {late}");
        }
    }
}
