//! Which connections a worker closes by itself: the old, the idle, and all at the end.

use std::time::Duration;

use super::connection::wrapping_millis;
use super::event::Cause;
use super::slab::Key;
use super::worker::Worker;

/// How many connections are looked at to find one that has been idle long.
const SAMPLE: usize = 64;

impl Worker {
    /// Closes what has been quiet for a while with nothing on its way; looks again soon, as long as
    /// there are others.
    pub(super) fn close_idle(&mut self) {
        let now = wrapping_millis(self.now);
        for at in 0..self.conns.places() {
            let Some((key, conn)) = self.conns.at(at) else {
                continue;
            };
            let quiet = Duration::from_millis(now.wrapping_sub(conn.last).into());
            if conn.is_at_rest() && quiet >= super::QUIET {
                self.close(key, Cause::Drained);
            }
        }
        self.drain_at = (self.conns.len() > 0).then_some(self.now + super::QUIET / 4);
    }

    pub(super) fn close_all(&mut self) {
        for at in 0..self.conns.places() {
            if let Some((key, _)) = self.conns.at(at) {
                self.close(key, Cause::Shutdown);
            }
        }
    }

    /// Closes what is too old or has been idle too long. One look at each instead of a timer each.
    pub(super) fn sweep(&mut self) {
        let config = &self.shared.config;
        let (idle, lifetime) = (config.idle_timeout, config.max_lifetime);
        let now = wrapping_millis(self.now);
        for at in 0..self.conns.places() {
            let Some((key, conn)) = self.conns.at(at) else {
                continue;
            };
            let quiet = Duration::from_millis(now.wrapping_sub(conn.last).into());
            let age = self.now.saturating_sub(Duration::from_micros(conn.opened));
            if lifetime.is_some_and(|limit| age >= limit) {
                self.close(key, Cause::MaxLifetime);
            } else if idle.is_some_and(|limit| quiet >= limit) {
                self.close(key, Cause::IdleTimeout);
            }
        }
    }

    /// Closes the connection that has been idle longest; of many, the longest of a sample.
    pub(super) fn evict(&mut self) -> bool {
        let now = wrapping_millis(self.now);
        let places = self.conns.places();
        let mut oldest: Option<(u32, Key)> = None;
        let mut seen = 0;
        for step in 0..places {
            let at = (self.cursor + step) % places;
            let Some((key, conn)) = self.conns.at(at) else {
                continue;
            };
            let quiet = now.wrapping_sub(conn.last);
            if conn.is_at_rest() && oldest.is_none_or(|(most, _)| quiet > most) {
                oldest = Some((quiet, key));
            }
            seen += 1;
            if seen == SAMPLE {
                self.cursor = at + 1;
                break;
            }
        }
        let Some((_, key)) = oldest else {
            return false;
        };
        self.close(key, Cause::MadeRoom);
        true
    }
}

/// Fine enough for the limit, and no finer than is worth a look at each connection.
pub(super) fn sweep_interval(limit: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_millis(500);
    (limit / 16).clamp(SHORTEST, LONGEST)
}
