//! The faults a server or a forwarder can be asked for, and which of them a connection gets.
//!
//! The words are those of toxiproxy's toxics where one exists. Pure values: `net::layers` applies
//! them to streams.

use std::fmt;
use std::time::Duration;

use super::chance::{Chance, Distribution};

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// After so many bytes have been sent to the peer.
    Bytes(u64),
    /// So long after the connection stood.
    Time(Duration),
}

/// One way to behave badly.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// What is sent arrives so much later (toxiproxy: latency).
    Delay(Duration),
    /// By so much more or less.
    Jitter(Duration),
    /// How the jitter is spread; uniformly if this is not given.
    Distribution(Distribution),
    /// A connection waits so long in the backlog.
    AcceptDelay(Duration),
    /// No connection is ever accepted: the backlog fills.
    NoAccept,
    /// Neither reads nor sends any more, and stays open until the peer closes (toxiproxy: timeout).
    StallAfter(After),
    /// Resets (toxiproxy: `reset_peer`).
    RstAfter(After),
    /// Closes (toxiproxy: `limit_data`).
    FinAfter(After),
    /// Ends its sending side at once and goes on reading.
    HalfClose,
    /// Sends so many bytes a second (toxiproxy: bandwidth).
    Throttle(u64),
    /// Lets so many bytes go at once in spite of the throttle, after a pause and at the start.
    Burst(u64),
    /// Sends in pieces of so many bytes (toxiproxy: slicer).
    Slice(usize),
    /// Turns a bit over in this share of the bytes of a stream, or of the datagrams.
    Corrupt(f64),
    /// Loses this share of the datagrams.
    Drop(f64),
    /// Sends this share of the datagrams twice.
    Duplicate(f64),
    /// Lets the next overtake this share of the datagrams.
    Reorder(f64),
    /// Closes at once.
    CloseOnAccept,
    /// Closes when this comes.
    HangUpOn(Vec<u8>),
    /// Closes so much later than it would (toxiproxy: `slow_close`).
    SlowClose(Duration),
}

impl Fault {
    /// Its word on the command line and in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Delay(_) => "delay",
            Self::Jitter(_) => "jitter",
            Self::Distribution(_) => "distribution",
            Self::AcceptDelay(_) => "accept-delay",
            Self::NoAccept => "no-accept",
            Self::StallAfter(_) => "stall-after",
            Self::RstAfter(_) => "rst-after",
            Self::FinAfter(_) => "fin-after",
            Self::HalfClose => "half-close",
            Self::Throttle(_) => "throttle",
            Self::Burst(_) => "burst",
            Self::Slice(_) => "slice",
            Self::Corrupt(_) => "corrupt",
            Self::Drop(_) => "drop",
            Self::Duplicate(_) => "duplicate",
            Self::Reorder(_) => "reorder",
            Self::CloseOnAccept => "close-on-accept",
            Self::HangUpOn(_) => "hang-up-on",
            Self::SlowClose(_) => "slow-close",
        }
    }

    /// Whether streams can have it.
    #[must_use]
    pub fn fits_streams(&self) -> bool {
        !matches!(self, Self::Drop(_) | Self::Duplicate(_) | Self::Reorder(_))
    }

    /// Whether datagrams can have it.
    #[must_use]
    pub fn fits_datagrams(&self) -> bool {
        matches!(
            self,
            Self::Delay(_)
                | Self::Jitter(_)
                | Self::Distribution(_)
                | Self::Corrupt(_)
                | Self::Drop(_)
                | Self::Duplicate(_)
                | Self::Reorder(_)
        )
    }

    /// Whether it strikes before there is a connection, and so cannot be for some of them.
    #[must_use]
    pub fn is_for_all(&self) -> bool {
        matches!(self, Self::AcceptDelay(_) | Self::NoAccept)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Towards whom a fault is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Towards the client: what it is sent. The default, and all there is unless connections are
    /// forwarded.
    #[default]
    Down,
    /// Towards the service that connections are forwarded to.
    Up,
}

impl Direction {
    /// Its word on the command line and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
        }
    }
}

/// A fault and the share of connections that get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Towards whom.
    pub direction: Direction,
    /// From 0 to 1.
    pub share: f64,
    /// What they get.
    pub fault: Fault,
}

impl Rule {
    /// A fault that all get.
    #[must_use]
    pub fn for_all(fault: Fault) -> Self {
        Self {
            direction: Direction::Down,
            share: 1.0,
            fault,
        }
    }
}

/// The faults that the connection of this number gets in one direction: the same for the same seed.
#[must_use]
pub fn faults_of(rules: &[Rule], direction: Direction, seed: u64, id: u64) -> Vec<Fault> {
    let mut chance = Chance::of_part(seed, id);
    // Drawn for all of them, so that a rule strikes the same connections whatever the others are.
    let drawn = rules.iter().filter(|rule| chance.happens(rule.share));
    let ours = drawn.filter(|rule| rule.direction == direction);
    ours.map(|rule| rule.fault.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_connections_gets_a_fault_and_a_seed_repeats_it() {
        let rules = [
            Rule {
                direction: Direction::Down,
                share: 0.3,
                fault: Fault::HalfClose,
            },
            Rule::for_all(Fault::CloseOnAccept),
        ];
        let hit = |id: &u64| faults_of(&rules, Direction::Down, 7, *id).contains(&Fault::HalfClose);
        let hits = (0..10_000).filter(hit).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        for id in 0..100 {
            let faults = faults_of(&rules, Direction::Down, 7, id);
            assert!(faults.contains(&Fault::CloseOnAccept));
            assert_eq!(faults, faults_of(&rules, Direction::Down, 7, id));
        }
    }
}
