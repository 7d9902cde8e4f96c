//! How long to pause between tries: exponential backoff with full jitter.
//!
//! Full jitter (a uniform draw between the least pause and the exponential ceiling) spreads callers
//! that failed together better than a jitter of some percent around the ceiling; see "Exponential
//! Backoff and Jitter" in the AWS Architecture Blog. Knows nothing of what is tried.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// By how much the ceiling grows with each pause.
const FACTOR: u32 = 2;

/// The pauses between tries, each drawn from `min ..= ceiling`, where the ceiling begins at `2 min`
/// and doubles up to `max`.
///
/// ```
/// use netkit::policy::backoff::Backoff;
/// use std::time::Duration;
///
/// let (min, max) = (Duration::from_millis(100), Duration::from_secs(5));
/// let mut backoff = Backoff::new(min, max).limit(Duration::from_secs(60));
/// let first = backoff.pause().expect("the limit is far");
/// assert!((min..=2 * min).contains(&first));
/// let total: Duration = first + std::iter::from_fn(|| backoff.pause()).sum::<Duration>();
/// assert_eq!(total, Duration::from_secs(60), "the last pause is cut to what is left");
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    ceiling: Duration,
    /// What all pauses together may still take.
    left: Option<Duration>,
    random: SplitMix64,
}

impl Backoff {
    /// Begins at `min` and never pauses longer than `max` (or than `min`, if that is more). The
    /// seed differs in every process and every call.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Self {
        // Each RandomState hashes with other keys, which the operating system seeded.
        Self::seeded(min, max, RandomState::new().hash_one(0))
    }

    /// As [`Backoff::new`], with pauses that the seed decides.
    #[must_use]
    pub fn seeded(min: Duration, max: Duration, seed: u64) -> Self {
        let max = max.max(min);
        Self {
            min,
            max,
            ceiling: min.saturating_mul(FACTOR).min(max),
            left: None,
            random: SplitMix64(seed),
        }
    }

    /// Lets all pauses together take no longer than `total`. Default: no limit.
    #[must_use]
    pub fn limit(mut self, total: Duration) -> Self {
        self.left = Some(total);
        self
    }

    /// The next pause, or `None` when the limit is used up. The pause that would cross the limit is
    /// cut to what is left. The time of the tries themselves is the caller's to bound.
    pub fn pause(&mut self) -> Option<Duration> {
        match self.left {
            None => Some(self.next_pause()),
            Some(Duration::ZERO) => None,
            Some(left) => {
                let pause = self.next_pause().min(left);
                self.left = Some(left.saturating_sub(pause));
                Some(pause)
            }
        }
    }

    /// The next pause, whatever the limit.
    pub fn next_pause(&mut self) -> Duration {
        let spread = self.ceiling.saturating_sub(self.min);
        self.ceiling = self.ceiling.saturating_mul(FACTOR).min(self.max);
        self.min + self.random.up_to(spread)
    }

    /// Begins again at `min`, after a success. The limit is not given back.
    pub fn reset(&mut self) {
        self.ceiling = self.min.saturating_mul(FACTOR).min(self.max);
    }
}

/// Sebastiano Vigna's splitmix64: eight bytes of state and good enough to spread pauses.
///
/// Our own because jitter needs neither secrecy nor a crate, and because its sequence for a seed
/// must never change under a test.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A duration in `0 ..= limit`, by the high half of a product: biased by less than 2^-64 · limit
    /// in nanoseconds, which no pause can show.
    fn up_to(&mut self, limit: Duration) -> Duration {
        let range = limit.as_nanos().saturating_add(1).min(u128::from(u64::MAX));
        let nanos = (u128::from(self.next()) * range) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn splitmix64_gives_the_published_sequence() {
        let mut random = SplitMix64(1_234_567);
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!([random.next(), random.next(), random.next()], published);
    }

    #[test]
    fn the_same_seed_gives_the_same_pauses_and_another_seed_others() {
        let pauses = |seed| {
            let mut backoff = Backoff::seeded(ms(100), ms(5_000), seed);
            [(); 8].map(|()| backoff.next_pause())
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_maximum_and_a_reset_begins_again() {
        let longest = |nth: usize| {
            let pauses = (0..500).map(|seed| {
                let mut backoff = Backoff::seeded(ms(100), ms(5_000), seed);
                (0..=nth).map(|_| backoff.next_pause()).last().unwrap()
            });
            pauses.max().unwrap()
        };
        // Of 500 uniform draws the longest is within 5 % of the ceiling (but for 1 in 10^11).
        for (nth, ceiling) in [(0, 200), (1, 400), (4, 3_200), (5, 5_000), (20, 5_000)] {
            let longest = longest(nth);
            assert!(
                (ms(ceiling) * 95 / 100..=ms(ceiling)).contains(&longest),
                "{nth}: {longest:?}"
            );
        }
        let mut backoff = Backoff::seeded(ms(100), ms(5_000), 7);
        for _ in 0..9 {
            let _ = backoff.next_pause();
        }
        backoff.reset();
        assert!(backoff.next_pause() <= ms(200));
    }

    #[test]
    fn two_unseeded_ones_differ() {
        let pauses = || {
            let mut backoff = Backoff::new(ms(100), ms(5_000));
            [(); 4].map(|()| backoff.next_pause())
        };
        assert_ne!(pauses(), pauses());
    }

    fn any_duration() -> impl Strategy<Value = Duration> {
        prop_oneof![
            Just(Duration::ZERO),
            Just(Duration::MAX),
            (0..1_u64 << 50).prop_map(Duration::from_nanos),
        ]
    }

    proptest! {
        #[test]
        fn every_pause_is_between_min_and_max(
            min in any_duration(), max in any_duration(), seed: u64,
        ) {
            let mut backoff = Backoff::seeded(min, max, seed);
            for _ in 0..80 {
                let pause = backoff.next_pause();
                prop_assert!(min <= pause && pause <= max.max(min), "{:?}", pause);
            }
        }

        #[test]
        fn all_pauses_together_take_the_limit_and_no_more(
            min in 1..100_u64, max in 1..10_000_u64, limit in 0..60_000_u64, seed: u64,
        ) {
            let mut backoff = Backoff::seeded(ms(min), ms(max), seed).limit(ms(limit));
            let total: Duration = std::iter::from_fn(|| backoff.pause()).sum();
            prop_assert_eq!(total, ms(limit));
            prop_assert_eq!(backoff.pause(), None);
        }
    }
}
