//! Which way is faster for streams just now: through the buffer, or through a pipe.
//!
//! Neither always is: a pipe saves the copy, and costs the peer the warm cache if it looks at what
//! comes. So the worker tries the other way for a moment now and then, and keeps what was faster.

use std::time::Duration;

/// How long the way that is not in use is tried …
const TRIAL: Duration = Duration::from_millis(25);
/// … and how long the faster one is kept before the next trial.
const KEEP: Duration = Duration::from_millis(500);
/// The other way has to be so much faster: what differs less is chance.
const CLEARLY: f64 = 1.1;
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
    since: Duration,
    bytes: u64,
}

impl Ways {
    pub(super) fn new() -> Self {
        Self {
            way: Way::Copy,
            kept: None,
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
        self.bytes += bytes;
        let lasted = now.saturating_sub(self.since);
        let window = if self.kept.is_some() { TRIAL } else { KEEP };
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
        self.judge(rate(bytes, lasted));
    }

    /// A window of one way is over.
    fn judge(&mut self, rate: f64) {
        match self.kept.take() {
            None => {
                self.kept = Some(rate);
                self.way = self.way.other();
            }
            Some(kept) if rate > kept * CLEARLY => {}
            Some(_) => self.way = self.way.other(),
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

    /// Streams for a second at the rate that each way has, in bytes a millisecond; counts the
    /// milliseconds of each.
    fn a_second(ways: &mut Ways, from: u64, copy: u64, pipe: u64) -> (u64, u64) {
        let mut spent = (0, 0);
        for at in from..from + 1_000 {
            let (bytes, count) = match ways.way() {
                Way::Copy => (copy, &mut spent.0),
                Way::Pipe => (pipe, &mut spent.1),
            };
            *count += 1;
            ways.went(bytes, Duration::from_millis(at + 1));
        }
        spent
    }

    #[test]
    fn the_faster_way_is_kept_and_the_other_tried_now_and_then() {
        let mut ways = Ways::new();
        a_second(&mut ways, 0, 2 << 20, 1 << 20);
        let (copy, pipe) = a_second(&mut ways, 1_000, 2 << 20, 1 << 20);
        assert!(copy > 900 && pipe > 0, "{copy} {pipe}");
        let (_, pipe) = a_second(&mut ways, 2_000, 1 << 20, 2 << 20);
        assert!(pipe > 400, "{pipe}");
        let (copy, pipe) = a_second(&mut ways, 3_000, 1 << 20, 2 << 20);
        assert!(pipe > 900 && copy > 0, "{copy} {pipe}");
    }

    #[test]
    fn a_difference_by_chance_changes_nothing() {
        let mut ways = Ways::new();
        for second in 0..5 {
            let (copy, _) = a_second(&mut ways, second * 1_000, 1_000_000, 1_050_000);
            assert!(copy > 900, "{copy}");
        }
    }

    #[test]
    fn pauses_are_no_measurement() {
        let mut ways = Ways::new();
        // Trickles, then a long pause within the trial's window.
        for at in (0..100).map(|step| step * 100) {
            ways.went(1_000, Duration::from_millis(at));
            assert_eq!(ways.way(), Way::Copy);
        }
        a_second(&mut ways, 20_000, 2 << 20, 2 << 20);
        ways.went(64 << 20, Duration::from_secs(60));
        ways.went(1, Duration::from_secs(61));
        assert_eq!(ways.way(), Way::Copy);
    }
}
