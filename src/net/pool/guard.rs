//! What a pool gives: a place, and the connection in it; both give themselves back when dropped.

use std::fmt;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use tokio::time::Instant;

use super::{Poolable, Shared};

/// The right to one connection. Dropped empty, it makes room for another.
pub(super) struct Place<K: Clone + Eq + Hash, C: Poolable> {
    shared: Arc<Shared<K, C>>,
    key: Option<K>,
}

impl<K: Clone + Eq + Hash, C: Poolable> Place<K, C> {
    /// Of a place that the shelf has counted already.
    pub(super) fn new(shared: &Arc<Shared<K, C>>, key: K) -> Self {
        Self {
            shared: Arc::clone(shared),
            key: Some(key),
        }
    }

    /// A connection that was just made.
    pub(super) fn fill(self, connection: C) -> Pooled<K, C> {
        self.with(connection, false)
    }

    /// A connection from the shelves.
    pub(super) fn refill(self, connection: C) -> Pooled<K, C> {
        self.with(connection, true)
    }

    fn with(self, connection: C, reused: bool) -> Pooled<K, C> {
        Pooled {
            place: self,
            connection: Some(connection),
            reused,
            busy: false,
        }
    }
}

impl<K: Clone + Eq + Hash, C: Poolable> Drop for Place<K, C> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.shared.lock().leave(&key);
            self.shared.change.notify_waiters();
        }
    }
}

/// A connection of a pool, which goes back when this is dropped, unless it is broken or in the middle
/// of something.
pub struct Pooled<K: Clone + Eq + Hash, C: Poolable> {
    place: Place<K, C>,
    connection: Option<C>,
    reused: bool,
    busy: bool,
}

impl<K: Clone + Eq + Hash, C: Poolable> Pooled<K, C> {
    /// Whether it was open already.
    #[must_use]
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// An exchange begins. Dropped before [`Pooled::end`], as when its future is cancelled, the
    /// connection is closed: the rest of an answer must not be taken for the next one's.
    pub fn begin(&mut self) {
        self.busy = true;
    }

    /// The exchange is complete; the connection can be used again.
    pub fn end(&mut self) {
        self.busy = false;
    }

    /// Closes the connection instead of giving it back.
    pub fn discard(mut self) {
        self.busy = true;
    }
}

impl<K: Clone + Eq + Hash, C: Poolable> Deref for Pooled<K, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection
            .as_ref()
            .expect("it is taken out by drop alone")
    }
}

impl<K: Clone + Eq + Hash, C: Poolable> DerefMut for Pooled<K, C> {
    fn deref_mut(&mut self) -> &mut C {
        self.connection
            .as_mut()
            .expect("it is taken out by drop alone")
    }
}

impl<K: Clone + Eq + Hash, C: Poolable> Drop for Pooled<K, C> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let mut shelves = self.place.shared.lock();
        if self.busy {
            shelves.stats.broken += 1;
            drop(shelves);
            // Closed before its place is free again, so that the limit holds at every moment.
            drop(connection);
            return;
        }
        let Some(key) = self.place.key.take() else {
            return;
        };
        let refused = shelves.put(key, connection, Instant::now());
        drop(shelves);
        if let Some((key, connection)) = refused {
            drop(connection);
            self.place.key = Some(key);
            return;
        }
        self.place.shared.change.notify_waiters();
    }
}

impl<K: Clone + Eq + Hash, C: Poolable + fmt::Debug> fmt::Debug for Pooled<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled")
            .field("connection", &self.connection)
            .field("reused", &self.reused)
            .finish_non_exhaustive()
    }
}
