//! The first step of a beat: an idle connection to where the target is, or a new one, or a place in
//! the queue for either.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Checked, Denied, Ended, Kept, Key, Shared, Step, Taken, lock};
use crate::addr::Target;
use crate::deadline::Deadline;
use crate::dial::place;
use crate::failure::Failure;
use crate::heartbeat::config::Config;
use crate::heartbeat::event::Certificate;
use crate::heartbeat::link::Boxed;
use crate::heartbeat::session::Session;
use crate::heartbeat::waiting::Pending;
use crate::io::Io;
use crate::net::PeerAddr;
use crate::net::pool::Refused;

/// The way of one beat to a connection.
pub(in crate::heartbeat) struct Way<'a, I> {
    pub(in crate::heartbeat) shared: &'a Shared,
    pub(in crate::heartbeat) target: &'a Target,
    pub(in crate::heartbeat) config: &'a Config,
    pub(in crate::heartbeat) io: &'a I,
    /// Where the target was found last.
    pub(in crate::heartbeat) known: Option<PeerAddr>,
    /// Its last sign of life.
    pub(in crate::heartbeat) heard: Instant,
}

/// Where the way has led.
type Led = (Option<Ended>, Result<Taken, Box<Failure>>);

/// How far somebody has come, for who waits for them.
#[derive(Debug, Default)]
struct Progress {
    /// A connection is being made, which is of use even to those who come later.
    opening: AtomicBool,
    /// Where a connection is wanted.
    key: Mutex<Option<Key>>,
}

impl<'a, I: Io> Way<'a, I> {
    /// Gets a connection until `deadline`. A place is waited for until then; a connection that is being
    /// made by then is finished, for whoever comes next.
    ///
    /// Cancel safety: dropping the future closes what was being made, and gives its place to others.
    pub(in crate::heartbeat) fn go(
        self,
        beat: Pending,
        stalled: Duration,
        deadline: Instant,
    ) -> Boxed<'a, Step<'a>> {
        let began = Instant::now();
        let (shared, limit) = (self.shared, self.config.reconnect.timeout);
        let progress = Arc::new(Progress::default());
        let mut walk = Box::pin(Walk::new(self, Arc::clone(&progress)).finish());
        Box::pin(async move {
            let led = tokio::select! {
                biased;
                led = &mut walk => Some(led),
                () = tokio::time::sleep_until(deadline) => None,
            };
            let (ended, result) = match led {
                Some((ended, result)) => (ended, result.map_err(Denied::Failed)),
                None if progress.opening.load(Ordering::Relaxed) => {
                    (None, Err(Denied::Slow(rest(walk, began, limit))))
                }
                None => (None, Err(shared.denied(&progress, began))),
            };
            Step::Checked(Box::new(Checked {
                beat,
                began,
                stalled,
                ended,
                result,
            }))
        })
    }
}

/// Finishes a connection that its beat does not wait for any longer: idle it serves the next.
fn rest<'a>(
    walk: Pin<Box<impl Future<Output = Led> + Send + 'a>>,
    began: Instant,
    limit: Duration,
) -> Boxed<'a, Step<'a>> {
    Box::pin(async move {
        let result = match tokio::time::timeout(limit, walk).await {
            Ok((_, Ok(taken))) => Ok((!taken.is_reused()).then(|| taken.peer())),
            Ok((_, Err(failure))) => Err(failure),
            // It would have had to wait for a place after all.
            Err(_) => Ok(None),
        };
        Step::Opened { began, result }
    })
}

impl Shared {
    /// What it means that no place has come free since then.
    fn denied<'a>(&self, progress: &Progress, began: Instant) -> Denied<'a> {
        match lock(&progress.key).take() {
            Some(key) if !self.has_heard_since(&key, began) => Denied::Unanswered(key.addr),
            _ => Denied::Busy,
        }
    }
}

/// From address to address, until one gives a connection.
struct Walk<'a, I> {
    way: Way<'a, I>,
    progress: Arc<Progress>,
    todo: VecDeque<PeerAddr>,
    /// Whether those are what the target's name means now.
    fresh: bool,
    /// The failure of the address that was wanted most.
    first: Option<Box<Failure>>,
    ended: Option<Ended>,
}

impl<'a, I: Io> Walk<'a, I> {
    fn new(way: Way<'a, I>, progress: Arc<Progress>) -> Self {
        Self {
            todo: way.known.iter().cloned().collect(),
            way,
            progress,
            fresh: false,
            first: None,
            ended: None,
        }
    }

    async fn finish(mut self) -> Led {
        let result = self.walk().await;
        (self.ended, result)
    }

    async fn walk(&mut self) -> Result<Taken, Box<Failure>> {
        let name = place::proved_name(self.way.target, &self.way.config.dial)?;
        loop {
            let Some(addr) = self.todo.pop_front() else {
                if let Some(failure) = self.first.take() {
                    return Err(failure);
                }
                (self.todo, self.fresh) = (self.look_up().await?, true);
                continue;
            };
            let name = name.clone();
            let key = Key { addr, name };
            match self.take(&key).await {
                Ok(taken) => return Ok(taken),
                Err(failure) => self.first = self.first.take().or(failure),
            }
        }
    }

    /// A connection of that key; without a failure when the target is not there any more.
    async fn take(&mut self, key: &Key) -> Result<Taken, Option<Box<Failure>>> {
        *lock(&self.progress.key) = Some(key.clone());
        let shared = self.way.shared;
        // Whoever waits drops this; what is being made has limits of its own.
        let deadline = Deadline::new(None, CancellationToken::new());
        let got = shared.pool.get(key.clone(), &deadline, || self.open(key));
        let got = got.await;
        self.opens(false);
        match got {
            Ok(taken) => {
                if taken.is_reused() {
                    // What else was found at that look is no concern of this beat.
                    drop(shared.found_ended(key));
                }
                Ok(taken)
            }
            Err(Refused::Connect(failure)) => {
                shared.unheard(key);
                let ended = || shared.ended_since(key, self.way.heard);
                self.ended = self.ended.take().or_else(ended);
                Err(failure)
            }
            // Neither a limit of time nor a shutdown is asked for.
            Err(Refused::Limit | Refused::Expired(_) | Refused::Shutdown) => Err(None),
        }
    }

    /// Makes a connection. Where the address was only remembered, the name is looked up again first.
    async fn open(&mut self, key: &Key) -> Result<Kept, Option<Box<Failure>>> {
        self.opens(true);
        self.ended = self
            .way
            .shared
            .found_ended(key)
            .or_else(|| self.ended.take());
        if !self.fresh {
            let mut addresses = self.look_up().await.map_err(Some)?;
            let there = addresses.contains(&key.addr);
            addresses.retain(|other| *other != key.addr);
            (self.todo, self.fresh) = (addresses, true);
            if !there {
                return Err(None);
            }
        }
        let tries = u32::try_from(self.todo.len() + 1).unwrap_or(u32::MAX);
        let deadline = Deadline::after(self.way.config.reconnect.timeout / tries);
        let (target, dial) = (self.way.target, &self.way.config.dial);
        let connection = place::connect(target, &key.addr, dial, self.way.io, &deadline).await;
        let (connection, handshake) = connection.map_err(|failure| Some(Box::new(failure)))?;
        let certificate = handshake.as_ref().and_then(Certificate::of);
        let session = Session::new(connection, 0, Instant::now());
        Ok(self.way.shared.keep(session, key.clone(), certificate))
    }

    async fn look_up(&self) -> Result<VecDeque<PeerAddr>, Box<Failure>> {
        self.opens(true);
        let deadline = Deadline::after(self.way.config.reconnect.timeout);
        let (target, dial) = (self.way.target, &self.way.config.dial);
        let addresses = place::addresses(target, dial, self.way.io, &deadline).await;
        addresses.map(Into::into).map_err(Box::new)
    }

    fn opens(&self, yes: bool) {
        self.progress.opening.store(yes, Ordering::Relaxed);
    }
}
