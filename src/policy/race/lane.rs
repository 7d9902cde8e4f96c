//! A queue of addresses and the rule by which the next one starts.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// When the next address of a lane starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// A delay after the last start, or at once when an attempt has failed since.
    Staggered,
    /// When the one before has ended.
    Serial,
}

/// Addresses that are tried by one rule.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pace: Pace,
    waiting: VecDeque<IpAddr>,
    running: usize,
    first_start: Option<Instant>,
    /// When the next may start; `None` means at once.
    next_start: Option<Instant>,
}

impl Lane {
    pub(super) fn new(pace: Pace) -> Self {
        let waiting = VecDeque::new();
        Self {
            pace,
            waiting,
            running: 0,
            first_start: None,
            next_start: None,
        }
    }

    pub(super) fn fill(&mut self, addresses: Vec<IpAddr>) {
        self.waiting = addresses.into();
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.waiting.iter().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_running(&self) -> bool {
        self.running > 0
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.waiting.is_empty() && self.running == 0
    }

    pub(super) fn first_start(&self) -> Option<Instant> {
        self.first_start
    }

    /// When the next address may start, in a lane that opens at `opens`; `None` while it waits for
    /// an attempt to end, or for an address.
    pub(super) fn due(&self, opens: Instant) -> Option<Instant> {
        if self.waiting.is_empty() || (self.pace == Pace::Serial && self.running > 0) {
            return None;
        }
        let own = self.next_start.filter(|_| self.running > 0);
        Some(own.map_or(opens, |own| own.max(opens)))
    }

    pub(super) fn start(&mut self, now: Instant, delay: Duration) -> IpAddr {
        self.first_start.get_or_insert(now);
        self.next_start = Some(super::later(now, delay));
        self.running += 1;
        self.waiting
            .pop_front()
            .expect("due() said that one is waiting")
    }

    /// An attempt ended; a failure lets the next start at once.
    pub(super) fn ended(&mut self, failed: bool) {
        self.running = self.running.saturating_sub(1);
        if failed {
            self.next_start = None;
        }
    }
}
