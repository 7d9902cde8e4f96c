//! The circuit breaker: after failures in a row, nothing is tried for a while; then a few trials
//! decide.
//!
//! A pure state machine (Nygard, "Release It!", "Circuit Breaker"): it is told the time and what
//! became of the tries. Times count from any fixed moment. The overload breaker of a server
//! (`policy::admission`) is not this one: it counts what it rejected itself, within a second, and
//! has nothing to try, so no half-open state.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// When it opens, for how long, and how many trials end that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Failures in a row that open it. Default: 5.
    pub failures: u32,
    /// How long it stays open before it lets trials through. Default: 10 s.
    pub open: Duration,
    /// Trials that are let through at once when that is over, all of which must succeed to close
    /// it. Default: 1.
    pub half_open: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            failures: 5,
            open: Duration::from_secs(10),
            half_open: 1,
        }
    }
}

impl Config {
    /// Refuses what could never open, or never close again.
    ///
    /// # Errors
    ///
    /// The setting that makes it so.
    pub fn check(&self) -> Result<(), Useless> {
        if self.failures == 0 {
            Err(Useless::NoFailures)
        } else if self.half_open == 0 {
            Err(Useless::NoTrials)
        } else if self.open.is_zero() {
            Err(Useless::NoPause)
        } else {
            Ok(())
        }
    }
}

/// Why a configuration is refused. Displays the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Useless {
    /// `failures` is 0.
    NoFailures,
    /// `half_open` is 0.
    NoTrials,
    /// `open` is 0.
    NoPause,
}

impl std::fmt::Display for Useless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoFailures => "failures=0 would open it before anything was tried",
            Self::NoTrials => "half-open=0 would let no trial through and so never close it",
            Self::NoPause => "open=0 would refuse nothing",
        })
    }
}

impl std::error::Error for Useless {}

/// What it does with tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Lets all through.
    #[default]
    Closed,
    /// Refuses all.
    Open,
    /// Lets the trials through.
    HalfOpen,
}

impl State {
    /// The word used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Why it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// As many failures in a row as it takes: closed → open.
    Failures,
    /// It was open long enough: open → half-open.
    OpenElapsed,
    /// A trial failed: half-open → open.
    TrialFailed,
    /// All trials succeeded: half-open → closed.
    TrialsSucceeded,
}

impl Reason {
    /// The word used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::OpenElapsed => "open_elapsed",
            Self::TrialFailed => "trial_failed",
            Self::TrialsSucceeded => "trials_succeeded",
        }
    }
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transition {
    /// What it was.
    pub from: State,
    /// What it is now.
    pub to: State,
    /// Why.
    pub reason: Reason,
    /// How long it had been what it was.
    pub lasted_ms: Millis,
}

/// Leave for one try, to be given back through [`Breaker::done`] or [`Breaker::cancel`]: a trial
/// that is not given back blocks its place.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a trial that is not given back blocks its place"]
pub struct Permit {
    /// The state it belongs to: what was let through before the last change tells nothing of now.
    period: u64,
}

/// The answer to one wish to try.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Try.
    Admitted(Permit),
    /// Do not. With the time at which it is worth asking again, unless that hangs on a trial under
    /// way.
    Refused(Option<Duration>),
}

/// A breaker and how it came to its state.
///
/// ```
/// use netkit::policy::breaker::{Answer, Breaker, Config, State};
/// use std::time::Duration;
/// const SECOND: Duration = Duration::from_secs(1);
///
/// let mut breaker = Breaker::new(Config { failures: 1, ..Config::default() }, Duration::ZERO);
/// let (Answer::Admitted(permit), None) = breaker.admit(SECOND) else { panic!("it is closed") };
/// let opened = breaker.done(permit, false, SECOND).expect("one failure is enough here");
/// assert_eq!(opened.to, State::Open);
/// assert_eq!(breaker.admit(10 * SECOND), (Answer::Refused(Some(11 * SECOND)), None));
/// let (answer, change) = breaker.admit(11 * SECOND);
/// assert_eq!(change.map(|change| change.to), Some(State::HalfOpen));
/// assert!(matches!(answer, Answer::Admitted(_)));
/// ```
#[derive(Clone, Debug)]
pub struct Breaker {
    config: Config,
    state: State,
    since: Duration,
    period: u64,
    /// Failures in a row while closed.
    failures: u32,
    /// Trials let through, and those of them that succeeded, while half open.
    trials: u32,
    succeeded: u32,
}

impl Breaker {
    /// Begins closed, at `now`. Zeros in the configuration count as one.
    #[must_use]
    pub fn new(config: Config, now: Duration) -> Self {
        Self {
            config: Config {
                failures: config.failures.max(1),
                half_open: config.half_open.max(1),
                ..config
            },
            state: State::Closed,
            since: now,
            period: 0,
            failures: 0,
            trials: 0,
            succeeded: 0,
        }
    }

    /// Its state, as of the last call.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Until when it refuses everything; `None` unless it is open.
    #[must_use]
    pub fn open_until(&self) -> Option<Duration> {
        (self.state == State::Open).then(|| self.since.saturating_add(self.config.open))
    }

    /// Asks for leave to try. The answer may come with a change: open becomes half-open when
    /// somebody asks, not by itself.
    pub fn admit(&mut self, now: Duration) -> (Answer, Option<Transition>) {
        let mut change = None;
        if self.open_until().is_some_and(|until| now >= until) {
            change = Some(self.turn(State::HalfOpen, Reason::OpenElapsed, now));
        }
        let admitted = match self.state {
            State::Closed => true,
            State::Open => false,
            State::HalfOpen => self.trials < self.config.half_open,
        };
        if !admitted {
            return (Answer::Refused(self.open_until()), change);
        }
        self.trials += u32::from(self.state == State::HalfOpen);
        let period = self.period;
        (Answer::Admitted(Permit { period }), change)
    }

    /// Tells what became of a try. What was let through before the last change is not counted.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is given back once")]
    pub fn done(&mut self, permit: Permit, ok: bool, now: Duration) -> Option<Transition> {
        if permit.period != self.period {
            return None;
        }
        match (self.state, ok) {
            (State::Closed, true) => self.failures = 0,
            (State::Closed, false) => {
                self.failures += 1;
                if self.failures >= self.config.failures {
                    return Some(self.turn(State::Open, Reason::Failures, now));
                }
            }
            (State::HalfOpen, false) => {
                return Some(self.turn(State::Open, Reason::TrialFailed, now));
            }
            (State::HalfOpen, true) => {
                self.succeeded += 1;
                if self.succeeded >= self.config.half_open {
                    return Some(self.turn(State::Closed, Reason::TrialsSucceeded, now));
                }
            }
            (State::Open, _) => {}
        }
        None
    }

    /// Gives back leave that was not used, or whose try tells nothing of the peer.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is given back once")]
    pub fn cancel(&mut self, permit: Permit) {
        if permit.period == self.period && self.state == State::HalfOpen {
            self.trials = self.trials.saturating_sub(1);
        }
    }

    fn turn(&mut self, to: State, reason: Reason, now: Duration) -> Transition {
        let lasted_ms = Millis(now.saturating_sub(self.since));
        let from = std::mem::replace(&mut self.state, to);
        (self.failures, self.trials, self.succeeded) = (0, 0, 0);
        self.since = now.max(self.since);
        self.period += 1;
        Transition {
            from,
            to,
            reason,
            lasted_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn admitted(breaker: &mut Breaker, now: Duration) -> Permit {
        match breaker.admit(now) {
            (Answer::Admitted(permit), _) => permit,
            (refused, _) => panic!("{refused:?}"),
        }
    }

    fn opened(half_open: u32) -> Breaker {
        let config = Config {
            failures: 1,
            half_open,
            ..Config::default()
        };
        let mut breaker = Breaker::new(config, Duration::ZERO);
        let permit = admitted(&mut breaker, SECOND);
        assert!(breaker.done(permit, false, SECOND).is_some());
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let mut breaker = Breaker::new(Config::default(), Duration::ZERO);
        for ok in [false, false, false, false, true, false, false, false, false] {
            let permit = admitted(&mut breaker, SECOND);
            assert_eq!(breaker.done(permit, ok, SECOND), None);
        }
        let permit = admitted(&mut breaker, 2 * SECOND);
        let change = breaker.done(permit, false, 3 * SECOND);
        let expected = Transition {
            from: State::Closed,
            to: State::Open,
            reason: Reason::Failures,
            lasted_ms: Millis(3 * SECOND),
        };
        assert_eq!(change, Some(expected));
    }

    #[test]
    fn it_closes_when_all_trials_succeed() {
        let mut breaker = opened(2);
        let trials = [11, 11].map(|at| admitted(&mut breaker, at * SECOND));
        assert_eq!(breaker.admit(12 * SECOND), (Answer::Refused(None), None));
        let changes = trials.map(|trial| breaker.done(trial, true, 13 * SECOND));
        assert_eq!(changes[0], None);
        let change = changes[1].expect("both have succeeded");
        assert_eq!(
            (change.to, change.reason),
            (State::Closed, Reason::TrialsSucceeded)
        );
        assert_eq!(change.lasted_ms, Millis(2 * SECOND));
    }

    #[test]
    fn a_trial_that_fails_opens_it_again_for_the_whole_time() {
        let mut breaker = opened(1);
        let trial = admitted(&mut breaker, 11 * SECOND);
        let change = breaker.done(trial, false, 14 * SECOND).expect("a trial");
        assert_eq!(
            (change.to, change.reason),
            (State::Open, Reason::TrialFailed)
        );
        assert_eq!(breaker.open_until(), Some(24 * SECOND));
    }

    #[test]
    fn what_was_let_through_before_a_change_tells_nothing() {
        let config = Config {
            failures: 1,
            ..Config::default()
        };
        let mut breaker = Breaker::new(config, Duration::ZERO);
        let old = [(); 4].map(|()| admitted(&mut breaker, Duration::ZERO));
        let [first, second, third, fourth] = old;
        assert!(breaker.done(first, false, SECOND).is_some());
        assert_eq!(breaker.done(second, true, 2 * SECOND), None);
        let trial = admitted(&mut breaker, 11 * SECOND);
        assert_eq!(breaker.done(third, true, 11 * SECOND), None);
        breaker.cancel(fourth);
        assert_eq!(breaker.admit(11 * SECOND), (Answer::Refused(None), None));
        breaker.cancel(trial);
        assert!(matches!(
            breaker.admit(11 * SECOND),
            (Answer::Admitted(_), None)
        ));
    }

    #[test]
    fn what_could_never_work_is_refused() {
        let check = |failures, open, half_open| {
            let config = Config {
                failures,
                open,
                half_open,
            };
            config.check()
        };
        assert_eq!(check(5, SECOND, 1), Ok(()));
        assert_eq!(check(0, SECOND, 1), Err(Useless::NoFailures));
        assert_eq!(check(5, Duration::ZERO, 1), Err(Useless::NoPause));
        assert_eq!(check(5, SECOND, 0), Err(Useless::NoTrials));
    }

    proptest! {
        /// Whatever happens in whatever order: nothing is admitted while it is open, and no more
        /// trials at once than are allowed.
        #[test]
        fn it_never_admits_while_open(
            failures in 1..5_u32, half_open in 1..4_u32, open in 1..2_000_u64,
            steps in prop::collection::vec((0..4_u8, 0..500_u64, any::<prop::sample::Index>()), 1..200),
        ) {
            let config = Config { failures, open: Duration::from_millis(open), half_open };
            let mut breaker = Breaker::new(config, Duration::ZERO);
            let (mut now, mut out) = (Duration::ZERO, Vec::new());
            for (what, passed, which) in steps {
                now += Duration::from_millis(passed);
                if what < 2 || out.is_empty() {
                    let until = breaker.open_until();
                    let (answer, _) = breaker.admit(now);
                    if let Answer::Admitted(permit) = answer {
                        prop_assert!(until.is_none_or(|until| now >= until));
                        prop_assert!(breaker.state() != State::Open);
                        out.push(permit);
                    } else {
                        prop_assert!(breaker.state() != State::Closed);
                    }
                    let current = out.iter().filter(|permit| permit.period == breaker.period);
                    prop_assert!(breaker.state() != State::HalfOpen || current.count() <= half_open as usize);
                    continue;
                }
                let permit = out.swap_remove(which.index(out.len()));
                match what {
                    2 => { breaker.done(permit, passed % 2 == 0, now); }
                    _ => breaker.cancel(permit),
                }
            }
        }
    }
}
