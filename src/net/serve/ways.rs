//! Which way is faster for streams just now: through the buffer, or through a pipe.
//!
//! Neither always is: a pipe saves the copy, and costs the peer the warm cache if it looks at what
//! comes. So the workers try the other way for a moment now and then, and keep what was faster; the
//! more often the other way has lost, the more rarely.

use std::time::Duration;

/// After a change of ways the sockets' buffers have to fill or drain before a rate is the peers'.
const SETTLES: Duration = Duration::from_millis(50);
/// How long the way that is not in use is then measured …
const TRIAL: Duration = Duration::from_millis(100);
/// … and how long the faster one is kept before the next trial: at first, and at most.
const KEEP: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(32));
/// A pipe has to be so much faster than the buffer: what differs less is chance.
const CLEARLY: f64 = 1.3;
/// A window with fewer bytes says nothing: the peers had nothing to send.
const TELLING: u64 = 4 << 20;

/// How bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Into the worker's buffer and out of it.
    Copy,
    /// Through a pipe (`splice`).
    Pipe,
}

impl Way {
    fn other(self) -> Self {
        match self {
            Self::Copy => Self::Pipe,
            Self::Pipe => Self::Copy,
        }
    }
}

/// The way that is in use, and what is known of the other.
#[derive(Debug)]
pub(super) struct Ways {
    way: Way,
    /// The rate of the kept way, while the other is tried.
    kept: Option<f64>,
    keep: Duration,
    since: Duration,
    bytes: u64,
}

impl Ways {
    pub(super) fn new() -> Self {
        Self {
            way: Way::Copy,
            kept: None,
            keep: KEEP.0,
            since: Duration::ZERO,
            bytes: 0,
        }
    }

    /// The way that streams go.
    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// So many bytes of streams have gone it, by `now`.
    pub(super) fn went(&mut self, bytes: u64, now: Duration) {
        let lasted = now.saturating_sub(self.since);
        if lasted < SETTLES {
            return;
        }
        self.bytes += bytes;
        let window = SETTLES
            + if self.kept.is_some() {
                TRIAL
            } else {
                self.keep
            };
        if lasted < window {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.since = now;
        if bytes < TELLING || lasted > 2 * window {
            // Pauses are in it: the way that was kept goes on, and is measured anew.
            if self.kept.take().is_some() {
                self.way = self.way.other();
            }
            return;
        }
        self.judge(rate(bytes, lasted.saturating_sub(SETTLES)));
    }

    /// A window of one way is over.
    fn judge(&mut self, rate: f64) {
        let Some(kept) = self.kept.take() else {
            self.kept = Some(rate);
            self.way = self.way.other();
            return;
        };
        let won = match self.way {
            Way::Pipe => rate > kept * CLEARLY,
            Way::Copy => rate * CLEARLY > kept,
        };
        if won {
            self.keep = KEEP.0;
        } else {
            self.way = self.way.other();
            self.keep = (self.keep * 2).min(KEEP.1);
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no 53 bits of precision"
)]
fn rate(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Streams for so many seconds at the rate that each way has, in bytes a millisecond; counts the
    /// milliseconds of each.
    fn stream(ways: &mut Ways, seconds: std::ops::Range<u64>, rates: (u64, u64)) -> (u64, u64) {
        let mut spent = (0, 0);
        for at in seconds.start * 1_000..seconds.end * 1_000 {
            let (bytes, count) = match ways.way() {
                Way::Copy => (rates.0, &mut spent.0),
                Way::Pipe => (rates.1, &mut spent.1),
            };
            *count += 1;
            ways.went(bytes, Duration::from_millis(at + 1));
        }
        spent
    }

    #[test]
    fn the_faster_way_is_kept_and_the_other_tried_more_and_more_rarely() {
        let mut ways = Ways::new();
        let (_, pipe) = stream(&mut ways, 0..4, (2 << 20, 1 << 20));
        assert!((100..=400).contains(&pipe), "{pipe}");
        let (_, pipe) = stream(&mut ways, 4..64, (2 << 20, 1 << 20));
        assert!((100..=800).contains(&pipe), "{pipe}");
        // When it has become the faster one, that is found out in time.
        stream(&mut ways, 64..128, (1 << 20, 2 << 20));
        let (copy, _) = stream(&mut ways, 128..192, (1 << 20, 2 << 20));
        assert!((100..=1_200).contains(&copy), "{copy}");
    }

    #[test]
    fn a_difference_by_chance_changes_nothing() {
        let mut ways = Ways::new();
        let (_, pipe) = stream(&mut ways, 0..60, (1_000_000, 1_200_000));
        assert!(pipe < 1_000, "{pipe}");
    }

    #[test]
    fn pauses_are_no_measurement() {
        let mut ways = Ways::new();
        // Trickles, then a long pause within the trial's window.
        for at in (0..100).map(|step| step * 100) {
            ways.went(1_000, Duration::from_millis(at));
            assert_eq!(ways.way(), Way::Copy);
        }
        while ways.way() == Way::Copy {
            let since = ways.since;
            ways.went(64 << 20, since + SETTLES + ways.keep);
        }
        ways.went(64 << 20, Duration::from_secs(600));
        assert_eq!(ways.way(), Way::Copy);
    }
}
