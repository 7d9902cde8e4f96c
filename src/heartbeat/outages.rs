//! The outages of one target, as a fold of its changes of state: exact sums, and the last ones whole.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::{Cause, Change, State};
use super::report::Outage;
use crate::time::Millis;

/// Outages that are kept whole; of older ones only the sums are.
const KEPT: usize = 64;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outages {
    /// When something was first known of the target.
    first: Option<Duration>,
    /// Since when it has been up.
    up_since: Option<Duration>,
    last: VecDeque<Outage>,
    /// The last one lasts.
    open: bool,
    pub(super) total: u64,
    /// Those that ended.
    ended: u32,
    down: Duration,
    longest_down: Duration,
    longest_up: Option<Duration>,
    /// What last ended a session while nothing had come since.
    cause: Option<Cause>,
}

impl Outages {
    pub(super) fn change(&mut self, at: Duration, change: &Change) {
        self.first.get_or_insert(change.began_ms.0);
        match (self.open, change.to.is_down()) {
            (false, true) => self.begin(at, change),
            (true, true) => {
                if let Some(outage) = self.last.back_mut() {
                    outage.state = change.to;
                }
            }
            (true, false) => self.end(change.began_ms.0),
            (false, false) if change.to == State::Up => {
                self.up_since.get_or_insert(change.began_ms.0);
            }
            (false, false) => {}
        }
    }

    /// A session ended: the cause of the outage that lasts or is about to begin.
    pub(super) fn disconnected(&mut self, cause: Cause) {
        let open = self.last.back_mut().filter(|_| self.open);
        match open {
            Some(outage) => outage.cause = outage.cause.or(Some(cause)),
            None => self.cause = Some(cause),
        }
    }

    /// Dialling again told more of what ended the session.
    pub(super) fn turned_out(&mut self, cause: Cause) {
        let open = self.last.back_mut().filter(|_| self.open);
        let known = match open {
            Some(outage) => &mut outage.cause,
            None => &mut self.cause,
        };
        if cause == Cause::Exit && *known == Some(Cause::Fin) {
            *known = Some(cause);
        }
    }

    /// A beat was answered: what ended a session before is over.
    pub(super) fn answered(&mut self) {
        self.cause = None;
    }

    fn begin(&mut self, at: Duration, change: &Change) {
        let start = change.began_ms.0;
        if let Some(since) = self.up_since.take() {
            let up = start.saturating_sub(since);
            self.longest_up = self.longest_up.max(Some(up));
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(Outage {
            start_ms: start.into(),
            noticed_ms: at.into(),
            end_ms: None,
            lasted_ms: Millis::default(),
            state: change.to,
            failure: change
                .failure
                .as_ref()
                .map(|failure| failure.kind.code().to_owned()),
            cause: self.cause.take(),
        });
        self.open = true;
        self.total += 1;
    }

    fn end(&mut self, end: Duration) {
        self.open = false;
        self.up_since = Some(end);
        self.ended += 1;
        if let Some(outage) = self.last.back_mut() {
            let lasted = end.saturating_sub(outage.start_ms.0);
            (outage.end_ms, outage.lasted_ms) = (Some(end.into()), lasted.into());
            self.down += lasted;
            self.longest_down = self.longest_down.max(lasted);
        }
    }

    /// How long the outage that lasts has lasted.
    fn open_for(&self, now: Duration) -> Duration {
        let open = self.last.back().filter(|_| self.open);
        open.map_or(Duration::ZERO, |outage| {
            now.saturating_sub(outage.start_ms.0)
        })
    }

    pub(super) fn list(&self, now: Duration) -> Vec<Outage> {
        let mut list: Vec<_> = self.last.iter().cloned().collect();
        if let Some(outage) = list.last_mut().filter(|_| self.open) {
            outage.lasted_ms = self.open_for(now).into();
        }
        list
    }

    pub(super) fn availability_pct(&self, now: Duration) -> Option<f64> {
        if self.total == 0 {
            // Suspected from the start is neither up nor down.
            self.longest_up(now)?;
        }
        let known = now.checked_sub(self.first?)?.as_secs_f64();
        let down = (self.down + self.open_for(now)).as_secs_f64();
        (known > 0.0).then(|| (1.0 - down / known).clamp(0.0, 1.0) * 100.0)
    }

    pub(super) fn longest_up(&self, now: Duration) -> Option<Duration> {
        let open = self.up_since.map(|since| now.saturating_sub(since));
        self.longest_up.max(open)
    }

    pub(super) fn longest_down(&self, now: Duration) -> Option<Duration> {
        (self.total > 0).then(|| self.longest_down.max(self.open_for(now)))
    }

    /// The time it was up, over the number of outages.
    pub(super) fn mtbf(&self, now: Duration) -> Option<Duration> {
        let known = now.checked_sub(self.first?)?;
        let up = known.saturating_sub(self.down + self.open_for(now));
        self.longest_up(now)?;
        up.checked_div(u32::try_from(self.total).unwrap_or(u32::MAX))
    }

    pub(super) fn mttr(&self) -> Option<Duration> {
        self.down.checked_div(self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn change(to: State, began: u64) -> Change {
        Change {
            from: State::Unknown,
            to,
            reason: "failures".to_owned(),
            evidence: None,
            lasted_ms: Millis::default(),
            began_ms: s(began).into(),
            failure: None,
        }
    }

    /// Applies changes: when, to what, since when.
    fn after(changes: &[(u64, State, u64)]) -> Outages {
        let mut outages = Outages::default();
        for (at, to, began) in changes {
            outages.change(s(*at), &change(*to, *began));
        }
        outages
    }

    #[test]
    fn an_outage_lasts_from_the_first_failed_beat_to_the_reply() {
        use State::{AppHung, Down, Suspect, Up};
        let outages = after(&[
            (0, Up, 0),
            (11, Suspect, 10),
            (13, Down, 10),
            (14, AppHung, 10),
            (20, Up, 20),
            (50, Down, 47),
        ]);
        let list = outages.list(s(60));
        let spans: Vec<_> = list
            .iter()
            .map(|outage| (outage.start_ms.0, outage.end_ms, outage.lasted_ms.0))
            .collect();
        let first = (s(10), Some(Millis(s(20))), s(10));
        assert_eq!(spans, [first, (s(47), None, s(13))]);
        assert_eq!((list[0].noticed_ms.0, list[0].state), (s(13), AppHung));
        assert_eq!(outages.longest_up(s(60)), Some(s(27)));
        assert_eq!(outages.longest_down(s(60)), Some(s(13)));
        assert_eq!(outages.mttr(), Some(s(10)), "of those that ended");
        assert_eq!(outages.mtbf(s(60)), Some(Duration::from_millis(18_500)));
        let availability = outages.availability_pct(s(60)).unwrap();
        assert!(
            (availability - 100.0 * 37.0 / 60.0).abs() < 1e-9,
            "{availability}"
        );
    }

    #[test]
    fn what_was_never_up_has_no_time_between_failures() {
        let outages = after(&[(0, State::Suspect, 0), (2, State::Down, 0)]);
        assert_eq!(outages.mtbf(s(9)), None);
        assert_eq!(outages.longest_up(s(9)), None);
        assert_eq!(outages.availability_pct(s(9)), Some(0.0));
        assert_eq!(Outages::default().availability_pct(s(9)), None);
        let suspected = after(&[(0, State::Suspect, 0)]);
        assert_eq!(suspected.availability_pct(s(9)), None);
    }

    #[test]
    fn old_outages_are_summed_and_forgotten() {
        let mut outages = Outages::default();
        for n in 0..1_000 {
            outages.change(s(n * 10), &change(State::Down, n * 10));
            outages.change(s(n * 10 + 1), &change(State::Up, n * 10 + 1));
        }
        assert_eq!(
            (outages.total, outages.list(s(10_000)).len()),
            (1_000, KEPT)
        );
        assert_eq!(outages.mttr(), Some(s(1)));
    }
}
