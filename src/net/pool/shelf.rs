//! The state behind a pool's lock: who is open, who is idle, what has been counted.
//!
//! Connections that are to be closed are handed out, because closing may take its time and the lock
//! must not.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use super::{Config, Poolable, Stats};

/// An idle connection.
struct Idle<K, C> {
    key: K,
    connection: C,
    since: Instant,
}

pub(super) struct Shelf<K, C> {
    /// Idle ones, the longest idle first.
    idle: VecDeque<Idle<K, C>>,
    /// Open ones of each key, idle ones included, and of all.
    by_key: HashMap<K, usize>,
    open: usize,
    closed: bool,
    pub(super) stats: Stats,
}

impl<K, C> Default for Shelf<K, C> {
    fn default() -> Self {
        Self {
            idle: VecDeque::new(),
            by_key: HashMap::new(),
            open: 0,
            closed: false,
            stats: Stats::default(),
        }
    }
}

/// What a look at the shelf gives.
pub(super) enum Found<C> {
    /// One that is fit; its place stays counted.
    Connection(C),
    /// Room for a new one, which is counted now.
    Room,
    /// Neither.
    Full,
    /// The pool was shut down.
    Shutdown,
}

impl<K, C> Shelf<K, C> {
    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.len()
    }
}

impl<K: Clone + Eq + Hash, C: Poolable> Shelf<K, C> {
    /// Takes the connection of the key that was used last, or room for one.
    pub(super) fn take(&mut self, key: &K, config: &Config, gone: &mut Vec<C>) -> Found<C> {
        if self.closed {
            return Found::Shutdown;
        }
        while let Some(at) = self.idle.iter().rposition(|idle| idle.key == *key) {
            let Some(mut idle) = self.idle.remove(at) else {
                break;
            };
            if idle.connection.is_fit() {
                self.stats.hits += 1;
                return Found::Connection(idle.connection);
            }
            self.stats.unfit += 1;
            self.leave(&idle.key);
            gone.push(idle.connection);
        }
        if self.by_key.get(key).copied().unwrap_or(0) >= config.max_per_key {
            return Found::Full;
        }
        if self.open >= config.max_connections && !self.evict(gone) {
            return Found::Full;
        }
        *self.by_key.entry(key.clone()).or_default() += 1;
        self.open += 1;
        self.stats.misses += 1;
        Found::Room
    }

    /// Makes room by closing the one that has been idle longest.
    fn evict(&mut self, gone: &mut Vec<C>) -> bool {
        let Some(idle) = self.idle.pop_front() else {
            return false;
        };
        self.stats.evicted += 1;
        self.leave(&idle.key);
        gone.push(idle.connection);
        true
    }

    /// Puts a connection back, unless the pool was shut down meanwhile.
    pub(super) fn put(&mut self, key: K, connection: C, now: Instant) -> Option<(K, C)> {
        if self.closed {
            return Some((key, connection));
        }
        self.idle.push_back(Idle {
            key,
            connection,
            since: now,
        });
        None
    }

    /// A connection of that key has been closed, or was not made.
    pub(super) fn leave(&mut self, key: &K) {
        self.open = self.open.saturating_sub(1);
        if let Some(count) = self.by_key.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.by_key.remove(key);
            }
        }
    }

    /// Takes out what has been idle for too long.
    pub(super) fn expire(&mut self, limit: Option<Duration>, now: Instant, gone: &mut Vec<C>) {
        let Some(limit) = limit else { return };
        while self
            .idle
            .front()
            .is_some_and(|idle| now.saturating_duration_since(idle.since) >= limit)
        {
            if let Some(idle) = self.idle.pop_front() {
                self.stats.expired += 1;
                self.leave(&idle.key);
                gone.push(idle.connection);
            }
        }
    }

    /// Takes out everything and lets nobody in any more.
    pub(super) fn close(&mut self) -> Vec<C> {
        self.closed = true;
        let idle = std::mem::take(&mut self.idle);
        let mut gone = Vec::with_capacity(idle.len());
        for Idle {
            key, connection, ..
        } in idle
        {
            self.leave(&key);
            gone.push(connection);
        }
        gone
    }
}
