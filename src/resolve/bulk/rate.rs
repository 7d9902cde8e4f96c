//! A token bucket: so many datagrams a second and no more. Pure.

use std::time::Duration;

/// What may be sent at once after a pause: what is due in this time. Timers wake to the
/// millisecond, so less would lower the rate.
const BURST: Duration = Duration::from_millis(5);

/// Holds a rate over all servers.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Time that one costs.
    cost: Duration,
    /// When all that was taken is paid for.
    paid: Duration,
}

impl Bucket {
    /// A bucket for `rate` a second.
    pub(super) fn new(rate: f64) -> Self {
        let cost = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX);
        let paid = Duration::ZERO;
        Self { cost, paid }
    }

    /// Whether one may be sent.
    pub(super) fn allows(&self, now: Duration) -> bool {
        self.paid <= now
    }

    /// One is sent.
    pub(super) fn take(&mut self, now: Duration) {
        let burst = BURST.max(self.cost);
        let from = self.paid.max((now + self.cost).saturating_sub(burst));
        self.paid = from.saturating_add(self.cost);
    }

    /// When the next may be sent.
    pub(super) fn next(&self) -> Duration {
        self.paid
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_a_burst(
            rate in 1_u32..50_000, steps in prop::collection::vec(0_u64..20_000, 1..200)
        ) {
            let mut bucket = Bucket::new(f64::from(rate));
            let (mut now, mut sent) = (Duration::ZERO, 0_u32);
            for step in steps {
                now += Duration::from_micros(step);
                while bucket.allows(now) {
                    bucket.take(now);
                    sent += 1;
                }
                let most = (now + BURST).as_secs_f64() * f64::from(rate) + 2.0;
                prop_assert!(f64::from(sent) <= most, "{} after {:?}", sent, now);
            }
        }
    }

    #[test]
    fn a_high_rate_is_reached_in_steps_of_a_millisecond() {
        let mut bucket = Bucket::new(20_000.0);
        let mut sent = 0;
        for millis in 0..=1_000 {
            let now = Duration::from_millis(millis);
            while bucket.allows(now) {
                bucket.take(now);
                sent += 1;
            }
        }
        assert!((19_900..=20_200).contains(&sent), "{sent}");
    }

    #[test]
    fn a_slow_rate_is_kept_to_the_millisecond() {
        let mut bucket = Bucket::new(10.0);
        let mut times = Vec::new();
        for millis in 0..1_000 {
            let now = Duration::from_millis(millis);
            while bucket.allows(now) {
                bucket.take(now);
                times.push(millis);
            }
        }
        assert_eq!(times, (0..10).map(|n| n * 100).collect::<Vec<_>>());
    }
}
