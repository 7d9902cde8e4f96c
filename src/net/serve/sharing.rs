//! How the workers share the connections: how many of them work, and who serves what.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::connection::Conn;
use super::crew::Crew;
use super::inbox::Message;
use super::processors::Processors;
use super::slab::Key;
use super::worker::Worker;

/// How often it is looked whether there are too many or too few: long enough for ticks to tell.
const LOOK: Duration = Duration::from_millis(200);
/// How soon a connection that could not be handed over is tried again.
const SOON: Duration = Duration::from_millis(10);

/// What the workers look at now and then, whoever comes first.
#[derive(Debug)]
pub(super) struct Overseer {
    /// `None` where all work.
    crew: Option<Crew>,
    processors: Processors,
    look_at: Duration,
}

impl Overseer {
    /// `workers` are those of which as many work as are needed; `None` where the system does not say what
    /// its processors do.
    pub(super) fn new(workers: Option<usize>) -> Option<Self> {
        Some(Self {
            crew: workers.map(Crew::new),
            processors: Processors::open()?,
            look_at: Duration::ZERO,
        })
    }

    fn look(&mut self, now: Duration, looked: Duration) -> Option<(bool, Option<usize>)> {
        if now < self.look_at {
            return None;
        }
        self.look_at = now + LOOK;
        let used = self.processors.used(now, 2 * LOOK, looked)?;
        let active = self.crew.as_mut().map(|crew| crew.judge(used));
        Some((used.is_quiet(), active))
    }
}

impl Shared {
    /// How many of the workers work; the others have nothing.
    pub(super) fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// Has as many work as are needed.
    pub(super) fn oversee(&self, now: Duration) {
        let Some(overseer) = &self.overseer else {
            return;
        };
        let looked = Duration::from_nanos(self.looked.load(Ordering::Relaxed));
        // Whoever comes meanwhile has nothing to look for.
        let Ok(mut overseer) = overseer.try_lock() else {
            return;
        };
        let seen = overseer.look(now, looked);
        drop(overseer);
        let Some((quiet, active)) = seen else {
            return;
        };
        self.quiet.store(quiet, Ordering::Relaxed);
        if let Some(active) = active
            && self.active.swap(active, Ordering::Relaxed) != active
        {
            self.wake_all();
        }
    }
}

impl Worker {
    pub(super) fn is_active(&self) -> bool {
        self.index < self.shared.active()
    }

    /// Hands on what is more than its share, once the share has changed.
    pub(super) fn follow(&mut self) {
        let active = self.shared.active();
        if std::mem::replace(&mut self.followed, active) != active {
            self.hand_on();
        }
    }

    /// Hands on what is more than its share; what has bytes on the way a little later.
    pub(super) fn hand_on(&mut self) {
        self.hand_on_at = None;
        let active = self.shared.active();
        let loads = &self.shared.loads[..self.shared.inboxes.len()];
        let all: usize = loads.iter().map(|load| load.load(Ordering::Relaxed)).sum();
        let share = if self.is_active() {
            all.div_ceil(active)
        } else {
            0
        };
        for at in 0..self.conns.places() {
            if self.conns.len() <= share {
                return;
            }
            let Some((key, conn)) = self.conns.at(at) else {
                continue;
            };
            if conn.is_at_rest() {
                self.give(key);
            }
        }
        if self.conns.len() > share && !self.is_active() {
            self.hand_on_at = Some(self.now + SOON);
        }
    }

    /// Hands a connection to the worker that has the fewest.
    fn give(&mut self, key: Key) {
        let other = self.emptiest();
        if other == self.index {
            return;
        }
        let Some(conn) = self.conns.remove(key) else {
            return;
        };
        if self.poller.remove(conn.fd.as_fd()).is_err() {
            // It would be told of to both; so it stays.
            return self.keep(conn);
        }
        self.shared.loads[self.index].fetch_sub(1, Ordering::Relaxed);
        if let Some(conn) = self.send_to(other, conn) {
            self.keep(conn);
        }
    }

    /// Gives a connection to another worker; back, if that has ended.
    pub(super) fn send_to(&mut self, other: usize, conn: Conn) -> Option<Conn> {
        let load = &self.shared.loads[other];
        load.fetch_add(1, Ordering::Relaxed);
        match self.shared.inboxes[other].send(Message::Serve(Box::new(conn))) {
            Err(Message::Serve(conn)) => {
                load.fetch_sub(1, Ordering::Relaxed);
                Some(*conn)
            }
            Ok(()) | Err(Message::Evict) => None,
        }
    }

    /// Of those that work.
    pub(super) fn emptiest(&self) -> usize {
        let loads = &self.shared.loads[..self.shared.active()];
        let emptiest = loads
            .iter()
            .enumerate()
            .min_by_key(|(_, load)| load.load(Ordering::Relaxed));
        emptiest.map_or(self.index, |(at, _)| at)
    }
}
