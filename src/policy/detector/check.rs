//! Settings that could never fire, and how long those take that can.
//!
//! Separate because it is about a configuration and a schedule before anything runs: the command
//! refuses with these words, and prints these times.

use std::fmt;
use std::time::Duration;

use super::phi;
use super::{Config, MAX_SAMPLES, MAX_SIZE, Method, PhiConfig, SUSPECT_AFTER, WindowConfig};

/// The schedule that a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two beats.
    pub interval: Duration,
    /// How long the reply to one may take.
    pub timeout: Duration,
}

/// Why a configuration is refused: the setting could never fire. Displays the reason.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Useless {
    /// `fall` is 0.
    Fall,
    /// `rise` is 0.
    Rise,
    /// `suspect_after` is 0.
    SuspectAtOnce,
    /// The target is down before the silence is that long.
    SuspectTooLate {
        /// What was asked for.
        suspect_after: Duration,
        /// When it is down.
        down_after: Duration,
    },
    /// The window is empty or too long.
    WindowSize,
    /// More beats are needed than the window holds, or none.
    WindowMinimum,
    /// A share that is not above 0 and at most 100 %.
    WindowPercent,
    /// A reply as slow as that has failed by its timeout.
    SlowTooLate {
        /// What was asked for.
        slow: Duration,
        /// When a beat fails.
        timeout: Duration,
    },
    /// The threshold is not a number above 0.
    PhiThreshold,
    /// Without a deviation any reply that is late by nothing is infinitely improbable.
    PhiDeviation,
    /// Too few or too many intervals.
    PhiSamples,
}

impl fmt::Display for Useless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fall => write!(
                f,
                "fall 0 would make it down before anything failed; at least 1"
            ),
            Self::Rise => write!(f, "rise 0 would bring it up without a reply; at least 1"),
            Self::SuspectAtOnce => write!(f, "0 would suspect every beat when it is sent"),
            Self::SuspectTooLate {
                suspect_after,
                down_after,
            } => write!(
                f,
                "it can never be suspect after {suspect_after:?} of silence, because it is down \
                 after {down_after:?}"
            ),
            Self::WindowSize => write!(f, "the window takes 1 to {MAX_SIZE} beats"),
            Self::WindowMinimum => {
                write!(
                    f,
                    "the least number of beats is from 1 to the size of the window"
                )
            }
            Self::WindowPercent => write!(f, "a share is above 0 % and at most 100 %"),
            Self::SlowTooLate { slow, timeout } => write!(
                f,
                "a reply can never be slower than {slow:?}, because it fails after {timeout:?}"
            ),
            Self::PhiThreshold => write!(f, "the threshold of phi is a number above 0"),
            Self::PhiDeviation => write!(f, "the least standard deviation of phi is above 0"),
            Self::PhiSamples => write!(f, "phi learns from 2 to {MAX_SAMPLES} intervals"),
        }
    }
}

impl std::error::Error for Useless {}

impl Config {
    /// Refuses settings that could never fire on this schedule.
    ///
    /// # Errors
    ///
    /// The first such setting.
    pub fn check(&self, timing: Timing) -> Result<(), Useless> {
        match self.method {
            Method::Consecutive { fall } => refuse(fall == 0, Useless::Fall)?,
            Method::Window(window) => window.check(timing)?,
            Method::Phi(phi) => phi.check()?,
        }
        refuse(self.rise == 0, Useless::Rise)?;
        let Some(suspect_after) = self.suspect_after else {
            return Ok(());
        };
        refuse(suspect_after.is_zero(), Useless::SuspectAtOnce)?;
        let down_after = self.method.silence_until_down(timing);
        let too_late = Useless::SuspectTooLate {
            suspect_after,
            down_after,
        };
        // At the same moment the failure is counted first, and it is down.
        refuse(suspect_after >= down_after, too_late)
    }

    /// How long after its death a target is down at the latest: it died when it had just replied
    /// to a beat, answers nothing, and all before was answered on time.
    #[must_use]
    pub fn detection_time(&self, timing: Timing) -> Duration {
        match self.method {
            Method::Phi(phi) => phi::detection_time(&phi, timing.interval, timing.interval / 4),
            method => {
                let silence = method.silence_until_down(timing);
                silence.saturating_add(timing.interval)
            }
        }
    }
}

impl Method {
    /// The default of [`Config::suspect_after`] on a schedule: [`SUSPECT_AFTER`], or an interval
    /// before it is down, whichever is sooner; `None` when it is down with the first failure.
    #[must_use]
    pub fn suspect_after(self, timing: Timing) -> Option<Duration> {
        let down = self.silence_until_down(timing);
        let before = down.checked_sub(timing.interval)?;
        let first = timing.timeout.min(timing.interval);
        (before >= first && !before.is_zero()).then(|| before.min(SUSPECT_AFTER))
    }

    /// How long after the first unanswered beat was sent the target is down.
    fn silence_until_down(self, timing: Timing) -> Duration {
        let failures = match self {
            Self::Consecutive { fall } => fall,
            Self::Window(window) => window.failures_to_fire(),
            Self::Phi(phi) => {
                let time = phi::detection_time(&phi, timing.interval, timing.interval / 4);
                return time.saturating_sub(timing.interval);
            }
        };
        let before = timing.interval.saturating_mul(failures.saturating_sub(1));
        before.saturating_add(timing.timeout)
    }
}

impl WindowConfig {
    fn check(&self, timing: Timing) -> Result<(), Useless> {
        refuse(!(1..=MAX_SIZE).contains(&self.size), Useless::WindowSize)?;
        refuse(
            !(1..=self.size).contains(&self.min_beats),
            Useless::WindowMinimum,
        )?;
        for percent in [self.failure_pct, self.slow_pct] {
            let sound = percent > 0.0 && percent <= 100.0;
            refuse(!sound, Useless::WindowPercent)?;
        }
        let Some(slow) = self.slow else {
            return Ok(());
        };
        let timeout = timing.timeout;
        refuse(slow >= timeout, Useless::SlowTooLate { slow, timeout })
    }
}

impl PhiConfig {
    fn check(&self) -> Result<(), Useless> {
        let sound = self.threshold.is_finite() && self.threshold > 0.0;
        refuse(!sound, Useless::PhiThreshold)?;
        refuse(self.min_std_dev.is_zero(), Useless::PhiDeviation)?;
        refuse(
            !(2..=MAX_SAMPLES).contains(&self.samples),
            Useless::PhiSamples,
        )
    }
}

fn refuse(condition: bool, useless: Useless) -> Result<(), Useless> {
    if condition { Err(useless) } else { Ok(()) }
}
