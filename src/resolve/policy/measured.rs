//! How fast and how healthy servers and addresses have been lately.
//!
//! Smoothed as TCP smooths its round-trip time (RFC 6298 §2: 1/8 of each new sample). What was
//! measured is forgotten after [`FRESH`], so that a line that was left gets another chance, and no
//! more than [`MOST`] lines are remembered.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::resolve::NameServer;

/// How long a measurement counts.
pub const FRESH: Duration = Duration::from_secs(30);
/// How many servers and addresses are remembered.
const MOST: usize = 4_096;

/// What is known of one server or address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Smoothed; `None` while it has only failed.
    pub latency: Option<Duration>,
    /// Failures since the last success.
    pub failures: u32,
    at: Instant,
}

/// What has been measured in this process. Shared by reference; never blocks for long.
#[derive(Debug, Default)]
pub struct Measured {
    lines: Mutex<HashMap<Line, State>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Line {
    Server(NameServer),
    Address(IpAddr),
}

impl Measured {
    /// What is known of a server.
    #[must_use]
    pub fn server(&self, server: &NameServer, now: Instant) -> Option<State> {
        self.get(&Line::Server(server.clone()), now)
    }

    /// What is known of an address of answers.
    #[must_use]
    pub fn address(&self, ip: IpAddr, now: Instant) -> Option<State> {
        self.get(&Line::Address(ip), now)
    }

    /// Takes a measurement of a server: how long a reply took, or that none came.
    pub fn saw_server(&self, server: &NameServer, latency: Option<Duration>, now: Instant) {
        self.saw(Line::Server(server.clone()), latency, now);
    }

    /// Takes a measurement of an address: how long connecting took, or that it failed.
    pub fn saw_address(&self, ip: IpAddr, latency: Option<Duration>, now: Instant) {
        self.saw(Line::Address(ip), latency, now);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lines().len()
    }

    fn get(&self, line: &Line, now: Instant) -> Option<State> {
        let state = self.lines().get(line).copied()?;
        (now.saturating_duration_since(state.at) < FRESH).then_some(state)
    }

    fn saw(&self, line: Line, latency: Option<Duration>, now: Instant) {
        let before = self.get(&line, now);
        let mut lines = self.lines();
        if lines.len() >= MOST && !lines.contains_key(&line) {
            lines.retain(|_, state| now.saturating_duration_since(state.at) < FRESH);
            if lines.len() >= MOST {
                lines.clear();
            }
        }
        lines.insert(line, next(before, latency, now));
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Line, State>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next(before: Option<State>, latency: Option<Duration>, at: Instant) -> State {
    let known = before.and_then(|state| state.latency);
    let Some(sample) = latency else {
        return State {
            latency: known,
            failures: before.map_or(0, |state| state.failures).saturating_add(1),
            at,
        };
    };
    State {
        latency: Some(known.map_or(sample, |known| known * 7 / 8 + sample / 8)),
        failures: 0,
        at,
    }
}
