//! One server as the engine sees it: what it has before it, how fast it is, which ids are in use.
//!
//! Pure. A *port* stands for a socket: the caller opens one when the first question for it comes
//! and closes it when it is retired. A new port every so many questions makes the pair of port and
//! id hard to guess (RFC 5452 §4.5), and no id is ever used twice on one.

use std::collections::VecDeque;
use std::time::Duration;

use super::ids::Ids;
use super::rtt::Rtt;
use super::tries::{Key, Tries, Try};
use super::window::Window;
use crate::stats::Histogram;

/// Questions from one port.
const QUESTIONS: u16 = 10_000;
/// How long a port is used.
const AGE: Duration = Duration::from_secs(60);
/// Ports that wait for late replies at most.
const PORTS: usize = 16;
/// Questions after a loss that are sent one by one.
const SINGLY: u64 = 1_000;
/// Questions that may be unanswered for each in the window: with 30 % lost by chance and a
/// repetition after 25 ms as many wait for theirs.
const UNANSWERED: usize = 16;

/// What a server was asked and what came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Datagrams.
    pub(super) sent: u64,
    /// Those answered in time.
    pub(super) answered: u64,
    /// Those given up for lost.
    pub(super) lost: u64,
    /// Answers that were errors: SERVFAIL, REFUSED, no resolver for the name.
    pub(super) errors: u64,
    /// Packets that were no reply to anything.
    pub(super) ignored: u64,
    /// Times the system said that nobody listens.
    pub(super) refused: u64,
    /// Questions over TCP.
    pub(super) tcp: u64,
    pub(super) rtt: Histogram,
}

/// A datagram that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) serial: u64,
    pub(super) port: u32,
    pub(super) id: u16,
}

#[derive(Debug)]
struct Port {
    number: u32,
    ids: Ids,
    /// The serial number of its first question.
    first: u64,
    used: u16,
    since: Duration,
}

/// One server.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) tally: Tally,
    pub(super) window: Window,
    pub(super) rtt: Rtt,
    tries: Tries,
    ports: VecDeque<Port>,
    next_port: u32,
    /// Up to which serial number datagrams go out one by one.
    singly: u64,
}

impl Lane {
    pub(super) fn new(most: usize) -> Self {
        Self {
            tally: Tally::default(),
            window: Window::new(most),
            rtt: Rtt::default(),
            tries: Tries::default(),
            ports: VecDeque::new(),
            next_port: 0,
            singly: 0,
        }
    }

    /// Whether one more question may be sent; `least` is a window that is always allowed.
    pub(super) fn has_room(&self, least: usize) -> bool {
        self.tries.fresh() < self.window.size().max(least)
    }

    /// The same for a question that was not sent before: not many more may wait than are answered,
    /// but those that wait must not keep themselves from being sent again.
    pub(super) fn has_room_for_more(&self, least: usize) -> bool {
        let size = self.window.size().max(least);
        self.has_room(least) && self.tries.waiting() < size * UNANSWERED
    }

    /// Takes a question: gives it a port, an id and a number.
    pub(super) fn send(&mut self, key: Key, now: Duration) -> Sent {
        let full = |port: &Port| port.used >= QUESTIONS || port.since + AGE <= now;
        if self.ports.back().is_none_or(full) {
            self.open(now);
        }
        let serial = self.tries.push(key, now);
        self.window.sent(serial);
        self.tally.sent += 1;
        // `open` has seen to it that there is one.
        let port = self.ports.back_mut().expect("a port was opened");
        let id = port.ids.id(port.used);
        port.used += 1;
        let port = port.number;
        Sent { serial, port, id }
    }

    fn open(&mut self, now: Duration) {
        if self.ports.len() >= PORTS {
            let first = self.ports.get(1).map_or(0, |second| second.first);
            for serial in self.tries.oldest()..first {
                self.tries.settle(serial);
            }
        }
        self.ports.push_back(Port {
            number: self.next_port,
            ids: Ids::random(),
            first: self.tries.next(),
            used: 0,
            since: now,
        });
        self.next_port += 1;
    }

    /// The waiting question that a reply with this id on this port belongs to.
    pub(super) fn find(&self, port: u32, id: u16) -> Option<(u64, Try)> {
        let port = self.ports.iter().rev().find(|known| known.number == port)?;
        let place = port.ids.place(id);
        let serial = port.first + u64::from(place);
        let found = self.tries.peek(serial)?;
        (place < port.used).then_some((serial, found))
    }

    /// It was answered; says how long that took.
    pub(super) fn answered(&mut self, serial: u64, now: Duration, well: bool) -> Duration {
        let Some(answered) = self.tries.settle(serial) else {
            return Duration::ZERO;
        };
        let rtt = now.saturating_sub(answered.at);
        self.rtt.sample(rtt);
        self.tally.rtt.record(rtt);
        self.tally.answered += 1;
        if well {
            self.window.answered(serial, rtt);
        } else {
            self.tally.errors += 1;
            self.window.lost(serial);
        }
        rtt
    }

    /// Nobody waits for its answer any more.
    pub(super) fn forget(&mut self, serial: u64) {
        self.tries.settle(serial);
    }

    /// Gives up for fresh what has been on the way too long.
    pub(super) fn age(&mut self, now: Duration) {
        let patience = self.rtt.patience();
        let (window, singly) = (&mut self.window, &mut self.singly);
        let until = self.tries.next() + SINGLY;
        self.tries.age(now, patience, |serial| {
            window.lost(serial);
            *singly = until;
        });
    }

    /// Whether datagrams may go out as one for a part of the way. Not where some are lost: they
    /// would be lost together, which looks like a server that has too much to do.
    pub(super) fn may_run_together(&self) -> bool {
        self.tries.next() >= self.singly
    }

    /// When [`Lane::age`] will next find something.
    pub(super) fn next_overdue(&self) -> Option<Duration> {
        self.tries.next_overdue(self.rtt.patience())
    }

    /// The system says that nobody listens: all questions that are before the server are lost.
    pub(super) fn refused(&mut self) -> Vec<Key> {
        self.tally.refused += 1;
        self.window.close();
        let waiting = self.tries.all_waiting();
        for (serial, _) in &waiting {
            self.tries.settle(*serial);
        }
        waiting.into_iter().map(|(_, key)| key).collect()
    }

    /// The next port that is used up and owed nothing.
    pub(super) fn retire(&mut self) -> Option<u32> {
        let second = self.ports.get(1)?;
        if second.first > self.tries.oldest() && self.ports.len() <= PORTS {
            return None;
        }
        self.ports.pop_front().map(|port| port.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key {
        place: 7,
        generation: 3,
    };
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_reply_leads_back_to_its_question_once() {
        let mut lane = Lane::new(100);
        let sent: Vec<_> = (0..20).map(|n| lane.send(KEY, n * MS)).collect();
        for one in &sent {
            let (serial, found) = lane.find(one.port, one.id).unwrap();
            assert_eq!((serial, found.key), (one.serial, KEY));
        }
        assert_eq!(lane.answered(sent[5].serial, 9 * MS, true), 4 * MS);
        assert_eq!(lane.find(sent[5].port, sent[5].id), None);
        assert_eq!(lane.find(sent[6].port + 1, sent[6].id), None);
        let unused = (0..=u16::MAX).filter(|id| sent.iter().all(|one| one.id != *id));
        assert!(unused.take(1_000).all(|id| lane.find(0, id).is_none()));
    }

    #[test]
    fn ports_change_and_are_retired_when_all_is_answered() {
        let mut lane = Lane::new(100);
        let first = lane.send(KEY, Duration::ZERO);
        for _ in 1..QUESTIONS {
            let sent = lane.send(KEY, Duration::ZERO);
            lane.answered(sent.serial, MS, true);
        }
        let later = lane.send(KEY, Duration::ZERO);
        assert_ne!(first.port, later.port);
        assert_eq!(lane.retire(), None, "one is owed a reply");
        assert!(lane.find(first.port, first.id).is_some());
        lane.forget(first.serial);
        assert_eq!((lane.retire(), lane.retire()), (Some(first.port), None));
        assert_ne!(lane.send(KEY, AGE).port, later.port, "old by time");
    }

    #[test]
    fn ports_that_wait_in_vain_are_bounded() {
        let mut lane = Lane::new(100);
        let mut retired = 0;
        for turn in 0..100 {
            lane.send(KEY, AGE * turn);
            retired += u32::from(lane.retire().is_some());
            assert!(lane.ports.len() <= PORTS + 1);
        }
        assert!(retired >= 80);
    }

    #[test]
    fn a_refusal_loses_all_that_waits_and_leaves_room_for_one() {
        let mut lane = Lane::new(100);
        while lane.has_room(1) {
            lane.send(KEY, Duration::ZERO);
        }
        assert_eq!(lane.refused().len(), 32);
        assert!(lane.has_room_for_more(1));
        lane.send(KEY, Duration::ZERO);
        assert!(!lane.has_room(1) && lane.has_room(2));
    }
}
