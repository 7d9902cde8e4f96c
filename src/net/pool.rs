//! A pool of connections: kept while idle, looked at before they are used again, never more than a
//! limit by peer and in all.
//!
//! Knows neither how a connection is made nor what is said on it: the caller hands in how to
//! connect, and what it gets gives the connection back when dropped. No task of its own: whoever
//! takes from the pool closes what has been idle for too long.

mod guard;
mod shelf;

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Connection;
use super::stream::Rest;
use crate::deadline::{Deadline, Expired};
use guard::Place;
pub use guard::Pooled;
use shelf::{Found, Shelf};

/// The limits of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Connections open at once, idle ones included. Default: 64; 0 counts as 1.
    pub max_connections: usize,
    /// Of those, to one key. Default: 8; 0 counts as 1.
    pub max_per_key: usize,
    /// Closes what has been idle for so long; `None` keeps it. Default: 30 s, below the idle limits
    /// that servers usually have, so that a request seldom meets a FIN.
    pub idle_timeout: Option<Duration>,
    /// What happens at a limit. Default: wait.
    pub at_limit: AtLimit,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_connections: 64,
            max_per_key: 8,
            idle_timeout: Some(Duration::from_secs(30)),
            at_limit: AtLimit::Wait,
        }
    }
}

/// What happens when no more connections may be opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtLimit {
    /// Waits for one until the deadline.
    #[default]
    Wait,
    /// Refuses at once.
    Refuse,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused<E> {
    /// As many are open as may be, and waiting was not wanted.
    Limit,
    /// None came free in time, or it was not connected in time.
    Expired(Expired),
    /// The pool was shut down.
    Shutdown,
    /// Connecting failed.
    Connect(E),
}

impl<E: fmt::Display> fmt::Display for Refused<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit => f.write_str("as many connections are open as may be"),
            Self::Expired(Expired::TimedOut) => f.write_str("no connection came free in time"),
            Self::Expired(Expired::Cancelled) => f.write_str("cancelled"),
            Self::Shutdown => f.write_str("the pool was shut down"),
            Self::Connect(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for Refused<E> {}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests that got a connection that was open already.
    pub hits: u64,
    /// Requests that had to connect.
    pub misses: u64,
    /// Requests that waited for a place.
    pub waits: u64,
    /// Closed because it was idle for too long.
    pub expired: u64,
    /// Found closed, reset or with bytes that nobody asked for when it was to be used again.
    pub unfit: u64,
    /// Given back broken, or in the middle of something.
    pub broken: u64,
    /// Closed to make room for another key.
    pub evicted: u64,
}

/// What a pool keeps.
pub trait Poolable: Send {
    /// Whether it can be used again: open, and nothing to be read. May read, if it cannot.
    fn is_fit(&mut self) -> bool;
}

impl Poolable for Box<dyn Connection> {
    fn is_fit(&mut self) -> bool {
        self.rest() == Rest::Quiet
    }
}

/// A pool. Cheap to clone; all clones share the connections.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::deadline::Deadline;
/// use netkit::net::pool::{Config, Pool, Poolable};
/// use std::{convert::Infallible, time::Duration};
/// struct Line(u32);
/// impl Poolable for Line {
///     fn is_fit(&mut self) -> bool { true }
/// }
///
/// let (pool, deadline) = (Pool::new(Config::default()), Deadline::after(Duration::from_secs(1)));
/// let connect = || async { Ok::<_, Infallible>(Line(7)) };
/// let first = pool.get("a", &deadline, connect).await.unwrap();
/// assert_eq!((first.0, first.is_reused()), (7, false));
/// drop(first);
/// let again = pool.get("a", &deadline, connect).await.unwrap();
/// assert!(again.is_reused());
/// assert_eq!((pool.stats().hits, pool.stats().misses), (1, 1));
/// # });
/// ```
pub struct Pool<K, C> {
    shared: Arc<Shared<K, C>>,
}

impl<K, C> Clone for Pool<K, C> {
    fn clone(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        Self { shared }
    }
}

impl<K, C> fmt::Debug for Pool<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shelves = self.shared.lock();
        f.debug_struct("Pool")
            .field("open", &shelves.open())
            .field("idle", &shelves.idle())
            .finish_non_exhaustive()
    }
}

struct Shared<K, C> {
    shelves: Mutex<Shelf<K, C>>,
    config: Config,
    /// Told whenever a connection came back or a place became free.
    change: Notify,
}

impl<K, C> Shared<K, C> {
    fn lock(&self) -> MutexGuard<'_, Shelf<K, C>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, C: Poolable> Pool<K, C> {
    /// An empty pool.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let config = Config {
            max_connections: config.max_connections.max(1),
            max_per_key: config.max_per_key.max(1),
            ..config
        };
        let shared = Shared {
            shelves: Mutex::new(Shelf::default()),
            config,
            change: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Takes a connection: the one used last, if there is one that is fit, else a new one.
    ///
    /// Cancel safe: a place that was taken is given back, and a connection under way is closed.
    ///
    /// # Errors
    ///
    /// See [`Refused`]. At the limit it waits or refuses as configured.
    pub async fn get<F, E>(
        &self,
        key: K,
        deadline: &Deadline,
        connect: impl FnOnce() -> F,
    ) -> Result<Pooled<K, C>, Refused<E>>
    where
        F: Future<Output = Result<C, E>>,
    {
        let place = match self.place(&key, deadline).await? {
            Taken::Connection(pooled) => return Ok(pooled),
            Taken::Place(place) => place,
        };
        match deadline.bound(connect()).await {
            Ok(Ok(connection)) => Ok(place.fill(connection)),
            Ok(Err(error)) => Err(Refused::Connect(error)),
            Err(expired) => Err(Refused::Expired(expired)),
        }
    }

    /// Waits for a connection or for a place to make one.
    async fn place<E>(&self, key: &K, deadline: &Deadline) -> Result<Taken<K, C>, Refused<E>> {
        let mut waited = false;
        loop {
            // Listens before it looks, so that nothing is missed between.
            let change = self.shared.change.notified();
            tokio::pin!(change);
            change.as_mut().enable();
            match self.look(key) {
                Found::Shutdown => return Err(Refused::Shutdown),
                Found::Connection(connection) => {
                    let place = Place::new(&self.shared, key.clone());
                    return Ok(Taken::Connection(place.refill(connection)));
                }
                Found::Room => return Ok(Taken::Place(Place::new(&self.shared, key.clone()))),
                Found::Full if self.shared.config.at_limit == AtLimit::Refuse => {
                    return Err(Refused::Limit);
                }
                Found::Full => {}
            }
            if !std::mem::replace(&mut waited, true) {
                self.shared.lock().stats.waits += 1;
            }
            deadline.bound(change).await.map_err(Refused::Expired)?;
        }
    }

    /// One look at the shelves. Connections that are thrown away are closed after the lock is free.
    fn look(&self, key: &K) -> Found<C> {
        let mut gone = Vec::new();
        let found = {
            let mut shelves = self.shared.lock();
            shelves.expire(self.shared.config.idle_timeout, Instant::now(), &mut gone);
            shelves.take(key, &self.shared.config, &mut gone)
        };
        let freed = !gone.is_empty();
        drop(gone);
        if freed {
            self.shared.change.notify_waiters();
        }
        found
    }

    /// Closes what has been idle for too long. Taking a connection does so too.
    pub fn sweep(&self) {
        let mut gone = Vec::new();
        let idle_timeout = self.shared.config.idle_timeout;
        self.shared
            .lock()
            .expire(idle_timeout, Instant::now(), &mut gone);
        drop(gone);
        self.shared.change.notify_waiters();
    }

    /// Closes what is idle, lets nobody take any more, and waits until what is in use has come back,
    /// which is then closed. Can be called again after a deadline that was too short.
    ///
    /// # Errors
    ///
    /// When the deadline is over first; those in use are closed when they come back.
    pub async fn shutdown(&self, deadline: &Deadline) -> Result<(), Expired> {
        let gone = self.shared.lock().close();
        drop(gone);
        self.shared.change.notify_waiters();
        loop {
            let change = self.shared.change.notified();
            tokio::pin!(change);
            change.as_mut().enable();
            if self.shared.lock().open() == 0 {
                return Ok(());
            }
            deadline.bound(change).await?;
        }
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.lock().stats
    }

    /// Connections that are open or being made, idle ones included.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.lock().open()
    }

    /// Connections that wait to be used again.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.shared.lock().idle()
    }
}

/// What a look gave.
enum Taken<K: Clone + Eq + Hash, C: Poolable> {
    Connection(Pooled<K, C>),
    Place(Place<K, C>),
}
