//! Whether a target is up, suspect or down: three detectors behind one state machine.
//!
//! Told what was sent, what came back and what failed; says when the state changes, why, and on
//! what evidence. It never says `down` of a target that nothing was sent to, or that answered what
//! was sent. Knows neither sockets nor timers; times count from any fixed moment, so that a
//! recorded run can be replayed through it.

mod check;
mod phi;
#[cfg(test)]
mod tests;
mod window;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Millis;
pub use check::{Timing, Useless};
use phi::Phi;
pub use phi::{MAX_SAMPLES, PhiConfig, detection_time};
use window::Window;
pub use window::{MAX_SIZE, WindowConfig};

/// Suspect after this silence, unless that is as late as `down`.
pub const SUSPECT_AFTER: Duration = Duration::from_secs(3);

/// When the state changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// What makes it down. Default: three failures in a row.
    pub method: Method,
    /// Replies in a row that bring it up again once it is down. Default: 1.
    pub rise: u32,
    /// How long the oldest unanswered beat since the last reply may be out before the target is
    /// suspect; `None` leaves that to early signs. Default: [`SUSPECT_AFTER`];
    /// where that is no sooner than down, [`Config::check`] refuses it, and
    /// [`Method::suspect_after`] has a better one.
    pub suspect_after: Option<Duration>,
}

/// What makes a target down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// As many failures in a row, as `HAProxy` counts them.
    Consecutive {
        /// How many. Default: 3.
        fall: u32,
    },
    /// A share of the last beats, as resilience4j counts them. Slow replies make it suspect.
    Window(WindowConfig),
    /// A silence that is improbable after the replies so far: phi accrual (Hayashibara et al.,
    /// 2004), as Akka computes it.
    Phi(PhiConfig),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            method: Method::Consecutive { fall: 3 },
            rise: 1,
            suspect_after: Some(SUSPECT_AFTER),
        }
    }
}

/// The health of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// There is a sign that it may not.
    Suspect,
    /// It does not.
    Down,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Up, Self::Suspect, Self::Down];

    /// The word used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Down => "down",
        }
    }
}

/// Why a state changed, with the numbers that made it so.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It answered: → up.
    Replies {
        /// How often in a row.
        consecutive: u32,
    },
    /// The oldest unanswered beat has been out for too long: → suspect.
    LateReply {
        /// For how long.
        waiting_ms: Millis,
    },
    /// A failure that says more than silence does (refused, reset, ICMP): → suspect.
    EarlySign,
    /// Too many replies of the window were slow: → suspect.
    SlowRate {
        /// Slow replies in it.
        slow: u32,
        /// Beats in it.
        of: u32,
    },
    /// Failures in a row: → down.
    Failures {
        /// How many.
        consecutive: u32,
    },
    /// Too many beats of the window failed: → down.
    FailureRate {
        /// Failed beats in it.
        failed: u32,
        /// Beats in it.
        of: u32,
    },
    /// Silence that the replies so far make improbable: → down.
    Phi {
        /// −log10 of the probability that a reply still comes.
        phi: f64,
        /// How long it has been silent.
        silent_ms: Millis,
    },
}

impl Reason {
    /// The word used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Replies { .. } => "replies",
            Self::LateReply { .. } => "late_reply",
            Self::EarlySign => "early_sign",
            Self::SlowRate { .. } => "slow_rate",
            Self::Failures { .. } => "failures",
            Self::FailureRate { .. } => "failure_rate",
            Self::Phi { .. } => "phi",
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

/// A detector for one target.
///
/// ```
/// use netkit::policy::detector::{Config, Detector, Reason, State};
/// use std::time::Duration;
/// const SECOND: Duration = Duration::from_secs(1);
///
/// let mut detector = Detector::new(Config::default(), SECOND, Duration::ZERO);
/// detector.sent(Duration::ZERO);
/// let up = detector.answered(SECOND / 10, SECOND / 10).expect("the first reply");
/// assert_eq!((up.from, up.to), (State::Unknown, State::Up));
/// let mut change = None;
/// for beat in 1..=3 {
///     detector.sent(beat * SECOND);
///     change = detector.failed((beat + 1) * SECOND, false);
/// }
/// let down = change.expect("three in a row");
/// assert_eq!((down.to, down.reason), (State::Down, Reason::Failures { consecutive: 3 }));
/// ```
#[derive(Clone, Debug)]
pub struct Detector {
    config: Config,
    judge: Judge,
    state: State,
    since: Duration,
    /// Beats under way.
    outstanding: u32,
    /// Since when there has been an unanswered beat without any reply.
    waiting_since: Option<Duration>,
    /// Replies and failures in a row.
    replies: u32,
    failures: u32,
}

/// What a method remembers.
#[derive(Clone, Debug)]
enum Judge {
    Consecutive { fall: u32 },
    Window(Window),
    Phi(Phi),
}

impl Detector {
    /// Begins unknown, at `now`. The interval is what phi expects before it has learned. What
    /// [`Config::check`] refuses is taken as the least that can fire.
    #[must_use]
    pub fn new(config: Config, interval: Duration, now: Duration) -> Self {
        let judge = match config.method {
            Method::Consecutive { fall } => Judge::Consecutive { fall: fall.max(1) },
            Method::Window(window) => Judge::Window(Window::new(window)),
            Method::Phi(phi) => Judge::Phi(Phi::new(phi, interval)),
        };
        Self {
            config,
            judge,
            state: State::Unknown,
            since: now,
            outstanding: 0,
            waiting_since: None,
            replies: 0,
            failures: 0,
        }
    }

    /// Its state, as of the last call.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Since when.
    #[must_use]
    pub fn since(&self) -> Duration {
        self.since
    }

    /// A beat has gone out.
    pub fn sent(&mut self, now: Duration) {
        self.outstanding = self.outstanding.saturating_add(1);
        self.waiting_since.get_or_insert(now);
    }

    /// A beat was answered in time, after `rtt`.
    pub fn answered(&mut self, now: Duration, rtt: Duration) -> Option<Transition> {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.alive(now);
        self.failures = 0;
        self.replies = self.replies.saturating_add(1);
        if let Judge::Window(window) = &mut self.judge {
            window.answered(rtt);
        }
        self.rise(now)
    }

    /// A reply came to a beat that had already failed by its timeout. It shows that the target
    /// lives, and so ends the silence; the beat stays failed.
    pub fn answered_late(&mut self, now: Duration) {
        self.alive(now);
    }

    /// A beat failed. `sign` tells that it failed by more than silence: refused, reset, ICMP.
    pub fn failed(&mut self, now: Duration, sign: bool) -> Option<Transition> {
        self.outstanding = self.outstanding.saturating_sub(1);
        // Who did not say that the beat was sent has said so now.
        self.waiting_since.get_or_insert(now);
        self.replies = 0;
        self.failures = self.failures.saturating_add(1);
        if let Judge::Window(window) = &mut self.judge {
            window.failed();
        }
        match self.verdict(now).filter(|_| self.state != State::Down) {
            Some(reason) => Some(self.turn(State::Down, reason, now)),
            None if sign => self.sign(now),
            None => self.tick(now),
        }
    }

    /// An early sign of trouble, such as an ICMP error: suspect, not down, because signs can be
    /// forged.
    pub fn sign(&mut self, now: Duration) -> Option<Transition> {
        let healthy = matches!(self.state, State::Unknown | State::Up);
        healthy.then(|| self.turn(State::Suspect, Reason::EarlySign, now))
    }

    /// A beat was given up for a reason that tells nothing of the target.
    pub fn forget(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
        if self.outstanding == 0 && self.failures == 0 {
            self.waiting_since = None;
        }
    }

    /// This machine itself was stopped for so long: that silence blames nobody.
    pub fn stalled(&mut self, stall: Duration) {
        self.waiting_since = self.waiting_since.map(|since| since.saturating_add(stall));
        if let Judge::Phi(phi) = &mut self.judge {
            phi.stalled();
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) -> Option<Transition> {
        if matches!(self.judge, Judge::Phi(_))
            && self.state != State::Down
            && let Some(reason) = self.verdict(now)
        {
            return Some(self.turn(State::Down, reason, now));
        }
        let waiting = now.saturating_sub(self.waiting_since?);
        let late = self
            .config
            .suspect_after
            .is_some_and(|limit| waiting >= limit);
        let healthy = matches!(self.state, State::Unknown | State::Up);
        let waiting_ms = Millis(waiting);
        (late && healthy).then(|| self.turn(State::Suspect, Reason::LateReply { waiting_ms }, now))
    }

    /// When [`Detector::tick`] could next change the state, if nothing happens before.
    #[must_use]
    pub fn next_tick(&self) -> Option<Duration> {
        let since = self.waiting_since?;
        let healthy = matches!(self.state, State::Unknown | State::Up);
        let suspect = self.config.suspect_after.filter(|_| healthy);
        let suspect = suspect.and_then(|limit| since.checked_add(limit));
        let down = match &self.judge {
            Judge::Phi(phi) if self.state != State::Down => phi.fires_at(since),
            _ => None,
        };
        suspect.into_iter().chain(down).min()
    }

    /// How long after the last reply phi would say `down` now, by what it has learned; `None` for
    /// the other methods, whose time [`Config::detection_time`] tells.
    #[must_use]
    pub fn learned_detection_time(&self) -> Option<Duration> {
        match &self.judge {
            Judge::Phi(phi) => Some(phi.detection_time()),
            _ => None,
        }
    }

    /// Ends the silence. What is still under way is waited for from now on.
    fn alive(&mut self, now: Duration) {
        self.waiting_since = (self.outstanding > 0).then_some(now);
        let steady = self.state == State::Up;
        if let Judge::Phi(phi) = &mut self.judge {
            phi.arrived(now, steady);
        }
    }

    /// What a reply changes.
    fn rise(&mut self, now: Duration) -> Option<Transition> {
        let slow = match &self.judge {
            Judge::Window(window) => window.too_slow(),
            _ => None,
        };
        let consecutive = self.replies;
        match (self.state, slow) {
            (State::Down, _) if consecutive < self.config.rise => None,
            (State::Up, Some(reason)) => Some(self.turn(State::Suspect, reason, now)),
            (State::Up, None) | (State::Suspect, Some(_)) => None,
            _ => Some(self.turn(State::Up, Reason::Replies { consecutive }, now)),
        }
    }

    /// Why it is down, if it is.
    fn verdict(&self, now: Duration) -> Option<Reason> {
        match &self.judge {
            Judge::Consecutive { fall } => (self.failures >= *fall).then_some(Reason::Failures {
                consecutive: self.failures,
            }),
            Judge::Window(window) => window.too_many_failed(),
            Judge::Phi(phi) => phi.too_silent(self.waiting_since?, now),
        }
    }

    fn turn(&mut self, to: State, reason: Reason, now: Duration) -> Transition {
        let lasted_ms = Millis(now.saturating_sub(self.since));
        let from = std::mem::replace(&mut self.state, to);
        self.since = now.max(self.since);
        if let (State::Down, Judge::Window(window)) = (from, &mut self.judge) {
            // What failed before it came back must not take it down again.
            window.clear();
        }
        Transition {
            from,
            to,
            reason,
            lasted_ms,
        }
    }
}
