//! The last beats, and which share of them failed or was slow.
//!
//! After resilience4j's count-based window: nothing is said before `min_beats`, and what is slow is
//! counted beside what failed.

use std::collections::VecDeque;
use std::time::Duration;

use super::Reason;

/// The longest window: 10,000 beats, a byte each.
pub const MAX_SIZE: u32 = 10_000;

/// What share of the last beats makes a target down or suspect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowConfig {
    /// Beats looked back at. Default: 10; at most [`MAX_SIZE`].
    pub size: u32,
    /// Beats before anything is said. Default: 5.
    pub min_beats: u32,
    /// Failed beats of a hundred that make it down. Default: 50.
    pub failure_pct: f64,
    /// A reply that took longer than this is slow; `None` knows no slow replies, which is the
    /// default.
    pub slow: Option<Duration>,
    /// Slow replies of a hundred beats that make it suspect. Default: 50.
    pub slow_pct: f64,
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self {
            size: 10,
            min_beats: 5,
            failure_pct: 50.0,
            slow: None,
            slow_pct: 50.0,
        }
    }
}

impl WindowConfig {
    /// Failures in a row that it takes when every beat of a full window was answered.
    pub(super) fn failures_to_fire(&self) -> u32 {
        let size = self.size.clamp(1, MAX_SIZE);
        (1..=size)
            .find(|failed| reaches(*failed, size, self.failure_pct))
            .unwrap_or(size)
    }
}

/// What became of a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Quick,
    Slow,
    Failed,
}

#[derive(Clone, Debug)]
pub(super) struct Window {
    config: WindowConfig,
    last: VecDeque<Outcome>,
    slow: u32,
    failed: u32,
}

impl Window {
    pub(super) fn new(config: WindowConfig) -> Self {
        let size = config.size.clamp(1, MAX_SIZE);
        let min_beats = config.min_beats.clamp(1, size);
        Self {
            config: WindowConfig {
                size,
                min_beats,
                ..config
            },
            last: VecDeque::new(),
            slow: 0,
            failed: 0,
        }
    }

    pub(super) fn answered(&mut self, rtt: Duration) {
        let slow = self.config.slow.is_some_and(|limit| rtt > limit);
        self.push(if slow { Outcome::Slow } else { Outcome::Quick });
    }

    pub(super) fn failed(&mut self) {
        self.push(Outcome::Failed);
    }

    pub(super) fn clear(&mut self) {
        self.last.clear();
        (self.slow, self.failed) = (0, 0);
    }

    pub(super) fn too_many_failed(&self) -> Option<Reason> {
        let (failed, of) = (self.failed, self.filled()?);
        reaches(failed, of, self.config.failure_pct).then_some(Reason::FailureRate { failed, of })
    }

    pub(super) fn too_slow(&self) -> Option<Reason> {
        let (slow, of) = (self.slow, self.filled()?);
        reaches(slow, of, self.config.slow_pct).then_some(Reason::SlowRate { slow, of })
    }

    /// How many beats are in it, once they are enough.
    fn filled(&self) -> Option<u32> {
        let beats = u32::try_from(self.last.len()).unwrap_or(MAX_SIZE);
        (beats >= self.config.min_beats).then_some(beats)
    }

    fn push(&mut self, outcome: Outcome) {
        if self.last.len() >= self.config.size as usize {
            let oldest = self.last.pop_front();
            self.slow -= u32::from(oldest == Some(Outcome::Slow));
            self.failed -= u32::from(oldest == Some(Outcome::Failed));
        }
        self.slow += u32::from(outcome == Outcome::Slow);
        self.failed += u32::from(outcome == Outcome::Failed);
        self.last.push_back(outcome);
    }
}

/// Whether `part` of `of` is at least so many percent; none at all never is.
fn reaches(part: u32, of: u32, percent: f64) -> bool {
    part > 0 && f64::from(part) * 100.0 >= percent * f64::from(of)
}
