//! Connections that targets at one address share: a beat takes one, has it for itself, and gives it
//! back.
//!
//! What is decided about a target (state, pauses, account) stays with its driver; here are only the
//! two steps of a beat, as futures: to get a connection, and to be answered on it.

mod checkout;
mod exchange;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::config::Config;
use super::event::Certificate;
use super::link::Boxed;
use super::session::Session;
use super::waiting::Pending;
use crate::failure::{Failure, Stage};
use crate::net::PeerAddr;
use crate::net::pool::{self, Pool, Poolable, Pooled};
use crate::net::stream::Rest;

pub(super) use checkout::Way;
pub(super) use exchange::{Exchange, Exchanged, Said};

/// Idle connections outlive so many intervals: a slow schedule must not connect for every beat.
const IDLE_INTERVALS: u32 = 3;

/// What happened at an address is of use to those who meet it soon; a name may move through very many.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// The connections of a run.
pub(super) struct Shared {
    pool: Pool<Key, Kept>,
    /// What the last look at idle connections found to have ended.
    ended: Arc<Mutex<Option<Ended>>>,
    /// The last end that anybody has met at each address: what happened to those who find none left.
    ends: Mutex<HashMap<Key, (Instant, Ended)>>,
    /// When each address last answered anybody.
    heard: Mutex<HashMap<Key, Instant>>,
}

/// Who may use a connection: those who mean the same address and, over TLS, the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    addr: PeerAddr,
    name: Option<String>,
}

/// A session between two beats.
pub(super) struct Kept {
    session: Session,
    key: Key,
    certificate: Option<Box<Certificate>>,
    ended: Arc<Mutex<Option<Ended>>>,
}

/// A connection that a beat has for itself.
pub(super) type Taken = Pooled<Key, Kept>;

/// A session that ended, and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) failure: Failure,
    /// The last sign of life.
    pub(super) heard: Instant,
    pub(super) peer: Option<String>,
    /// Whether it ever answered.
    pub(super) worked: bool,
}

/// One step of a beat is over.
pub(super) enum Step<'a> {
    /// It has a connection, or will not get one.
    Checked(Box<Checked<'a>>),
    /// It was answered, or not.
    Exchanged(Box<Exchanged>),
    /// A connection that a beat did not wait for any longer was made, or was not.
    Opened {
        began: Instant,
        /// The peer, if one was made.
        result: Result<Option<String>, Box<Failure>>,
    },
}

/// How a beat fared that wanted a connection.
pub(super) struct Checked<'a> {
    pub(super) beat: Pending,
    pub(super) began: Instant,
    /// All stalls of this machine when it began.
    pub(super) stalled: Duration,
    /// A session that had ended while it was idle, and because of which another had to be made.
    pub(super) ended: Option<Ended>,
    pub(super) result: Result<Taken, Denied<'a>>,
}

/// Why a beat got no connection.
pub(super) enum Denied<'a> {
    /// None could be made.
    Failed(Box<Failure>),
    /// One is still being made.
    Slow(Boxed<'a, Step<'a>>),
    /// All were in use until the time was over, and answered others.
    Busy,
    /// All were in use until the time was over, and nobody was answered.
    Unanswered(PeerAddr),
}

impl Shared {
    /// At most `most` connections an address, and never more in all than if nobody shared.
    pub(super) fn new(most: usize, targets: usize, config: &Config) -> Self {
        let default = pool::Config::default();
        let intervals = [config.interval_suspect, config.interval_down];
        let slowest = intervals.into_iter().flatten().max();
        let slowest = slowest.unwrap_or_default().max(config.interval);
        let idle = slowest.saturating_mul(IDLE_INTERVALS);
        Self {
            pool: Pool::new(pool::Config {
                max_connections: targets.max(most),
                max_per_key: most,
                idle_timeout: default.idle_timeout.map(|limit| limit.max(idle)),
                ..default
            }),
            ended: Arc::default(),
            ends: Mutex::default(),
            heard: Mutex::default(),
        }
    }

    fn keep(&self, session: Session, key: Key, certificate: Option<Box<Certificate>>) -> Kept {
        let ended = Arc::clone(&self.ended);
        Kept {
            session,
            key,
            certificate,
            ended,
        }
    }

    /// What the look at the pool that was just made has found.
    fn found_ended(&self, key: &Key) -> Option<Ended> {
        let ended = lock(&self.ended).take();
        if let Some(ended) = &ended {
            self.met_end(key, ended);
        }
        ended
    }

    /// A connection to that address has ended.
    fn met_end(&self, key: &Key, ended: &Ended) {
        let now = Instant::now();
        let mut all = lock(&self.ends);
        // Looked through when it would grow, and not at every end.
        if all.len() == all.capacity() {
            all.retain(|_, (at, _)| is_recent(*at, now));
        }
        all.insert(key.clone(), (now, ended.clone()));
    }

    /// How a connection to that address ended since then.
    fn ended_since(&self, key: &Key, begin: Instant) -> Option<Ended> {
        let ends = lock(&self.ends);
        let (_, ended) = ends.get(key).filter(|(at, _)| *at >= begin)?;
        Some(ended.clone())
    }

    /// Somebody was answered there.
    fn heard(&self, key: &Key, now: Instant) {
        let mut all = lock(&self.heard);
        if let Some(heard) = all.get_mut(key) {
            *heard = now;
            return;
        }
        if all.len() == all.capacity() {
            all.retain(|_, at| is_recent(*at, now));
        }
        all.insert(key.clone(), now);
    }

    /// Nobody is there any more.
    fn unheard(&self, key: &Key) {
        lock(&self.heard).remove(key);
    }

    fn has_heard_since(&self, key: &Key, begin: Instant) -> bool {
        lock(&self.heard).get(key).is_some_and(|at| *at >= begin)
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < REMEMBERED
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ended {
    fn of(session: &Session, failure: Failure) -> Self {
        Self {
            failure,
            heard: session.heard,
            peer: session.peer.clone(),
            worked: session.worked,
        }
    }
}

impl Kept {
    /// Who it is with.
    pub(super) fn peer(&self) -> String {
        let peer = self.session.peer.clone();
        peer.unwrap_or_else(|| self.key.addr.to_string())
    }

    /// What the peer showed when it was made.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_deref()
    }

    /// Where it leads.
    pub(super) fn addr(&self) -> &PeerAddr {
        &self.key.addr
    }
}

impl Poolable for Kept {
    fn is_fit(&mut self) -> bool {
        let session = &mut self.session;
        let rest = if session.input.is_empty() {
            session.connection.rest()
        } else {
            Rest::Unread
        };
        let failure = match rest {
            Rest::Quiet => return true,
            // Words that nobody asked for; the next answer would be taken for another's.
            Rest::Unread => return false,
            Rest::Closed => session.fin(),
            Rest::Broken => {
                let error = std::io::ErrorKind::ConnectionReset.into();
                session.connection.explain(Stage::Receive, &error)
            }
        };
        *lock(&self.ended) = Some(Ended::of(session, failure));
        false
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.pool.fmt(f)
    }
}
