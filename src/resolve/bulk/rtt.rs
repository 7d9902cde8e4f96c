//! How long a server takes, and how long to wait for it (RFC 6298).
//!
//! Every try has its own id, so a reply always tells which try it answers and every reply is a
//! sample; Karn's rule is not needed. Pure.

use std::time::Duration;

/// The wait before anything is known of a server.
const UNKNOWN: Duration = Duration::from_millis(400);
/// The shortest wait before a question is sent again: a server that pauses for less loses nothing.
const SHORTEST: Duration = Duration::from_millis(25);
/// The longest.
const LONGEST: Duration = Duration::from_secs(2);
/// A reply that takes no longer than this is never taken for lost: that is the noise of a
/// scheduler.
const NOISE: Duration = Duration::from_millis(3);
/// Tries that follow each other at the plain interval; then it doubles. Loss by chance is cured by
/// asking again soon, and a server in trouble by asking less.
const PLAIN_TRIES: u32 = 3;

/// What is known of a server's times.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rtt {
    /// Smoothed time and its smoothed deviation; `None` before the first reply.
    smoothed: Option<(Duration, Duration)>,
}

impl Rtt {
    /// Takes one more sample (RFC 6298 §2.3).
    pub(super) fn sample(&mut self, rtt: Duration) {
        self.smoothed = Some(match self.smoothed {
            None => (rtt, rtt / 2),
            Some((mean, deviation)) => (
                mean.saturating_sub(mean / 8) + rtt / 8,
                deviation.saturating_sub(deviation / 4) + mean.abs_diff(rtt) / 4,
            ),
        });
    }

    /// After this long a reply is hardly on its way any more: the question no longer counts as one
    /// that the server has before it.
    pub(super) fn patience(&self) -> Duration {
        self.smoothed.map_or(UNKNOWN, |(mean, deviation)| {
            (mean + deviation * 4).max(NOISE)
        })
    }

    /// How long to wait for the answer to the n-th try, counted from 1, before the next.
    pub(super) fn wait(&self, tries: u32) -> Duration {
        let plain = match self.smoothed {
            Some(_) => self.patience().max(SHORTEST),
            None => UNKNOWN,
        };
        let doublings = tries.saturating_sub(PLAIN_TRIES).min(8);
        (plain * (1 << doublings)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn waits_as_long_as_the_server_usually_takes_and_a_margin() {
        let mut rtt = Rtt::default();
        assert_eq!((rtt.wait(1), rtt.patience()), (UNKNOWN, UNKNOWN));
        for _ in 0..100 {
            rtt.sample(100 * MS);
        }
        assert!((99 * MS..=101 * MS).contains(&rtt.patience()));
        assert_eq!(rtt.wait(1), rtt.wait(3));
        assert_eq!(rtt.wait(5), 4 * rtt.wait(1));
        assert_eq!(rtt.wait(50), LONGEST);
    }

    #[test]
    fn a_fast_server_is_not_asked_again_at_once() {
        let mut rtt = Rtt::default();
        for _ in 0..100 {
            rtt.sample(Duration::from_micros(80));
        }
        assert_eq!((rtt.patience(), rtt.wait(1)), (NOISE, SHORTEST));
    }

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(
            samples in prop::collection::vec(0_u64..10_000_000, 0..50), tries in 0_u32..100
        ) {
            let mut rtt = Rtt::default();
            for micros in samples {
                rtt.sample(Duration::from_micros(micros));
            }
            prop_assert!((SHORTEST..=LONGEST).contains(&rtt.wait(tries)));
            prop_assert!(rtt.patience() >= NOISE);
        }
    }
}
