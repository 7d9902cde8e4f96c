//! How long this machine has been suspended, which the monotonic clock does not count.

use std::time::Duration;

use super::sys;

/// The time that the machine has been suspended since it was started; zero where no clock tells.
///
/// Two clocks are read one after the other, so that it may be too long by the time between, which is
/// microseconds on a machine that is not overloaded.
#[must_use]
pub fn suspended() -> Duration {
    let boot = sys::since_boot();
    boot.map_or(Duration::ZERO, |(all, running)| all.saturating_sub(running))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_runs_is_not_suspended_meanwhile() {
        // Not compared with a moment: only a suspension lets it grow, and nothing lets it shrink by
        // more than what passes between two readings.
        let hour = Duration::from_secs(3_600);
        let (before, after) = (suspended(), suspended());
        assert!(before.abs_diff(after) < hour, "{before:?} {after:?}");
    }
}
