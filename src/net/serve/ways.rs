//! Which of two ways of doing the same is faster just now, found out by trying.
//!
//! Neither always is. A pipe saves the copy of a stream, and costs the peer the warm cache if it looks at
//! what comes. A worker that looks again and again, instead of being woken, saves a wake-up, and holds up
//! the peer that needs this processor. So the way that is not in use is tried for a moment now and then,
//! and what was faster is kept; the more often the other has lost, the more rarely it is tried.

use std::time::Duration;

/// How two ways are compared.
#[derive(Debug)]
pub(super) struct Rules {
    /// After a change it takes so long before a rate is that of the new way.
    settles: Duration,
    /// How long the way that is not in use is then measured …
    trial: Duration,
    /// … and how long the faster one is kept before the next trial: at first, and at most.
    keep: (Duration, Duration),
    /// The other way has to be so much faster than the usual one: what differs less is chance.
    clearly: f64,
    /// A window with less says nothing: the peers had nothing to send.
    telling: u64,
    /// So long without anything is a pause of the peers, which counts for no way.
    pause: Duration,
}

/// Streams, in bytes: through the buffer, or through a pipe (`splice`). The sockets' buffers have to fill
/// or drain after a change.
pub(super) const STREAMS: Rules = Rules {
    settles: Duration::from_millis(50),
    trial: Duration::from_millis(100),
    keep: (Duration::from_secs(1), Duration::from_secs(32)),
    clearly: 1.3,
    telling: 4 << 20,
    pause: Duration::from_millis(50),
};

/// Messages: the kernel wakes the worker, or it looks for them. Scheduling follows within a few of them.
pub(super) const MESSAGES: Rules = Rules {
    settles: Duration::from_millis(1),
    trial: Duration::from_millis(4),
    keep: (Duration::from_millis(100), Duration::from_secs(4)),
    clearly: 1.15,
    telling: 20,
    pause: Duration::from_millis(2),
};

/// Which way things go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As it is done where nothing else is known: copied; woken.
    Usual,
    /// By a pipe; by looking.
    Other,
}

impl Way {
    fn other(self) -> Self {
        match self {
            Self::Usual => Self::Other,
            Self::Other => Self::Usual,
        }
    }
}

/// The way that is in use, and what is known of the other.
#[derive(Debug)]
pub(super) struct Ways {
    rules: &'static Rules,
    way: Way,
    /// The rate of the kept way, while the other is tried.
    kept: Option<f64>,
    keep: Duration,
    since: Duration,
    last: Duration,
    done: u64,
}

impl Ways {
    pub(super) fn new(rules: &'static Rules) -> Self {
        Self {
            rules,
            way: Way::Usual,
            kept: None,
            keep: rules.keep.0,
            since: Duration::ZERO,
            last: Duration::ZERO,
            done: 0,
        }
    }

    /// The way that things go.
    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// So much has gone it, by `now`.
    pub(super) fn went(&mut self, count: u64, now: Duration) {
        let passed = now.saturating_sub(std::mem::replace(&mut self.last, now));
        if passed > self.rules.pause {
            self.since += passed;
            return;
        }
        let lasted = now.saturating_sub(self.since);
        if lasted < self.rules.settles {
            return;
        }
        self.done += count;
        let tries = self.kept.is_some();
        let window = self.rules.settles + if tries { self.rules.trial } else { self.keep };
        if lasted < window {
            return;
        }
        let done = std::mem::take(&mut self.done);
        self.since = now;
        if done < self.rules.telling {
            // The way that was kept goes on, and is measured anew.
            if self.kept.take().is_some() {
                self.way = self.way.other();
            }
            return;
        }
        self.judge(rate(done, lasted.saturating_sub(self.rules.settles)));
    }

    /// A window of one way is over.
    fn judge(&mut self, rate: f64) {
        let Some(kept) = self.kept.take() else {
            self.kept = Some(rate);
            self.way = self.way.other();
            return;
        };
        let won = match self.way {
            Way::Other => rate > kept * self.rules.clearly,
            Way::Usual => rate * self.rules.clearly > kept,
        };
        if won {
            self.keep = self.rules.keep.0;
        } else {
            self.way = self.way.other();
            self.keep = (self.keep * 2).min(self.rules.keep.1);
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no 53 bits of precision"
)]
fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
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
                Way::Usual => (rates.0, &mut spent.0),
                Way::Other => (rates.1, &mut spent.1),
            };
            *count += 1;
            ways.went(bytes, Duration::from_millis(at + 1));
        }
        spent
    }

    #[test]
    fn the_faster_way_is_kept_and_the_other_tried_more_and_more_rarely() {
        let mut ways = Ways::new(&STREAMS);
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
        let mut ways = Ways::new(&STREAMS);
        let (_, pipe) = stream(&mut ways, 0..60, (1_000_000, 1_200_000));
        assert!(pipe < 1_000, "{pipe}");
    }

    #[test]
    fn trickles_are_no_measurement() {
        let mut ways = Ways::new(&STREAMS);
        for at in 0..10_000 {
            ways.went(10, Duration::from_millis(at));
            assert_eq!(ways.way(), Way::Usual);
        }
    }

    #[test]
    fn pauses_count_for_no_way() {
        let mut ways = Ways::new(&STREAMS);
        let (mut now, mut tried) = (Duration::ZERO, 0);
        // A third of the time both ways go at the same rate; else nothing goes.
        for _ in 0..300 {
            now += Duration::from_millis(200);
            for _ in 0..100 {
                now += Duration::from_millis(1);
                ways.went(1 << 20, now);
                tried += u32::from(ways.way() == Way::Other);
            }
        }
        // Of 30 seconds, four or five trials.
        assert!((500..1_500).contains(&tried), "{tried}");
        assert_eq!(ways.way(), Way::Usual);
    }
}
