//! Attending to the connections that no worker serves itself: those with a behaviour beyond echo and
//! discard, those with faults, those that are forwarded.
//!
//! One task each, all on the thread of the server's owner; layers count what passes and make it go
//! wrong as asked. What is said on a connection is in `converse`; here it is seated, watched and
//! accounted for.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::behaviours::Pool;
use super::config::{Behaviour, Config};
use super::control::{Present, State};
use super::event::Event;
use super::exec::Program;
use super::forward::{Dialler, Mirrors};
use crate::net::layers::{Heard, Meter, Toxics};
use crate::net::programs::Programs;
use crate::net::relay::{Relay, Side};
use crate::net::serve::{Cause, Closed, Count, Counts, Forwarded, Newcomer, QUIET, Watcher};
use crate::net::tls::UNANNOUNCED;
use crate::net::{Passed, TcpInfo};
use crate::policy::fault::{Direction, Rule, faults_of};

/// How often a connection that is stalled, and so not read, is asked whether its peer is still there.
const LOOK: Duration = Duration::from_millis(250);

/// Where tasks send what happens, and when it did.
pub(super) type Told = mpsc::UnboundedSender<(Instant, Event)>;

/// What tasks work with.
pub(super) struct Means {
    pub(super) dialler: Dialler,
    pub(super) programs: Programs,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<crate::net::tls::TlsServer>,
}

/// What all tasks share.
pub(super) struct Attendance {
    pub(super) config: Config,
    /// The faults in force: those of the configuration, until they are changed.
    pub(super) rules: RefCell<Vec<Rule>>,
    pub(super) pool: Pool,
    pub(super) relay: Relay,
    pub(super) means: Means,
    pub(super) counts: Rc<RefCell<Counts>>,
    /// Those that are attended to, by number.
    pub(super) present: RefCell<HashMap<u64, Rc<Guest>>>,
    /// Resets everything that is left.
    pub(super) stop: CancellationToken,
    /// Nothing new is served any more.
    pub(super) drain: CancellationToken,
    pub(super) told: Told,
    /// The thread of the shadow, where there is one.
    pub(super) mirrors: RefCell<Option<Mirrors>>,
}

/// One that is attended to.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) id: u64,
    pub(super) listener: usize,
    pub(super) peer: Option<SocketAddr>,
    pub(super) begun: Instant,
    /// The client that its PROXY header names.
    pub(super) client: Cell<Option<SocketAddr>>,
    /// The end of the service, where somebody may ask for it.
    pub(super) upstream: RefCell<Option<String>>,
    pub(super) meter: Rc<Meter>,
    pub(super) upstream_meter: Rc<Meter>,
    /// Its faults towards the client.
    pub(super) down: Toxics,
    /// Its faults towards the service it is forwarded to.
    pub(super) up: Toxics,
    /// Its faults have changed.
    pub(super) changed: Notify,
    /// How much of what has passed is in the counts.
    counted: Cell<[u64; 4]>,
    /// What the kernel says has passed, where it does not pass through us.
    passed: Cell<Option<Passed>>,
    /// It has to go, to make room.
    leave: CancellationToken,
    /// It is without faults.
    behaves: bool,
    /// A fault has it hang.
    stalled: Rc<Cell<bool>>,
}

impl Guest {
    fn as_present(&self) -> Present {
        Present {
            id: self.id,
            listener: self.listener,
            peer: self.peer,
            client: self.client.get(),
            upstream: self.upstream.borrow().clone(),
            age: self.begun.elapsed(),
            idle: self.meter.last().elapsed(),
            bytes_in: self.meter.received(),
            bytes_out: self.meter.sent(),
            bytes_up: self.upstream_meter.sent(),
            bytes_down: self.upstream_meter.received(),
        }
    }
}

/// How a connection ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) cause: Cause,
    pub(super) reset: bool,
    /// What the cause does not tell.
    error: Option<Box<str>>,
}

impl Ended {
    /// With a reset.
    pub(super) fn by_reset(cause: Cause) -> Self {
        Self {
            reset: true,
            ..cause.into()
        }
    }

    /// Because of this, whose cause it is.
    pub(super) fn of(error: &io::Error) -> Self {
        let cause = match error.kind() {
            // TLS that was not ended: the connection was.
            io::ErrorKind::UnexpectedEof => Cause::Fin,
            _ => Cause::of(error),
        };
        Self::from(cause).told(error)
    }

    /// Keeps who has closed the connection and not TLS, if one has.
    pub(super) fn cut_by(self, side: Option<Side>) -> Self {
        let who = side.map(|side| match side {
            Side::Client => "the client",
            Side::Upstream => "the service",
        });
        Self {
            error: who.map(|who| format!("{who} closed {UNANNOUNCED}").into()),
            ..self
        }
    }

    /// Keeps what went wrong, unless it was no more than what every reset tells.
    pub(super) fn told(self, error: &io::Error) -> Self {
        let words = match error.kind() {
            io::ErrorKind::UnexpectedEof => Some(format!("closed {UNANNOUNCED}").into()),
            _ if Cause::of(error) == Cause::Failed => Some(error.to_string().into()),
            _ => None,
        };
        Self {
            error: words,
            ..self
        }
    }
}

impl From<Cause> for Ended {
    fn from(cause: Cause) -> Self {
        Self {
            cause,
            reset: cause == Cause::Shutdown,
            error: None,
        }
    }
}

impl Attendance {
    pub(super) fn new(config: &Config, means: Means, told: Told) -> Rc<Self> {
        Rc::new(Self {
            config: config.clone(),
            rules: RefCell::new(config.faults.clone()),
            pool: Pool::default(),
            relay: Relay::default(),
            means,
            counts: Rc::default(),
            present: RefCell::default(),
            stop: CancellationToken::new(),
            drain: CancellationToken::new(),
            told,
            mirrors: RefCell::new(None),
        })
    }

    /// Whether nothing is shadowed any more; nothing will be from now on.
    pub(super) fn mirrors_have_ended(&self) -> bool {
        let mut mirrors = self.mirrors.borrow_mut();
        mirrors.as_mut().is_none_or(Mirrors::have_ended)
    }

    /// Changes the faults of those that are there and of those that come.
    pub(super) fn retox(&self, rules: Vec<Rule>) {
        *self.rules.borrow_mut() = rules;
        for guest in self.present.borrow().values() {
            for (toxics, direction) in [(&guest.down, Direction::Down), (&guest.up, Direction::Up)]
            {
                let rules = self.rules.borrow();
                toxics.set(&faults_of(&rules, direction, self.config.seed, guest.id));
            }
            guest.changed.notify_one();
        }
    }

    /// Says what is.
    pub(super) fn state(&self) -> State {
        let present = self.present.borrow();
        let mut connections: Vec<_> = present.values().map(|guest| guest.as_present()).collect();
        connections.sort_by_key(|present| present.id);
        let faults = self.rules.borrow().clone();
        State {
            faults,
            connections,
        }
    }

    /// Has the one leave that has been idle longest.
    pub(super) fn evict(&self) {
        let present = self.present.borrow();
        if let Some(idlest) = present.values().min_by_key(|guest| guest.meter.last()) {
            idlest.leave.cancel();
        }
    }

    /// What has been counted, with what has passed by now.
    pub(super) fn counts(&self) -> Counts {
        let present = self.present.borrow();
        present.values().for_each(|guest| self.count(guest));
        self.counts.borrow().clone()
    }

    pub(super) fn count(&self, guest: &Guest) {
        let (client, upstream) = (&guest.meter, &guest.upstream_meter);
        let now = [
            client.received(),
            client.sent(),
            upstream.sent(),
            upstream.received(),
        ];
        let before = guest.counted.replace(now);
        let what = [
            Count::BytesIn,
            Count::BytesOut,
            Count::BytesUp,
            Count::BytesDown,
        ];
        let mut counts = self.counts.borrow_mut();
        for (at, what) in what.into_iter().enumerate() {
            counts.add(what, now[at] - before[at]);
        }
    }

    /// Tells what happens to a connection, if anybody wants to know.
    pub(super) fn tell(&self, event: Event) {
        if self.config.telling.connections {
            // The owner hears until the last task has ended.
            let _ = self.told.send((Instant::now(), event));
        }
    }

    /// Serves one connection to its end; returns its peer, whose place is free again.
    pub(super) async fn attend(self: Rc<Self>, new: Newcomer) -> Option<SocketAddr> {
        let guest = self.seat(new.id, new.listener, new.peer);
        let (ended, info) = match &self.config.behaviour {
            Behaviour::Exec(command) => self.attend_program(new, &guest, command).await,
            _ => self.attend_stream(new, &guest).await,
        };
        self.leave(&guest, ended, info);
        guest.peer
    }

    /// Counts and tells the end of a connection.
    pub(super) fn leave(&self, guest: &Guest, ended: Ended, info: Option<TcpInfo>) {
        self.count(guest);
        self.present.borrow_mut().remove(&guest.id);
        self.counts.borrow_mut().closed(ended.cause);
        let [bytes_in, bytes_out, bytes_up, bytes_down] = guest.counted.get();
        let forwards = matches!(self.config.behaviour, Behaviour::Forward(_));
        let through_us = Passed {
            received: Some(bytes_in),
            sent: Some(bytes_out),
        };
        let passed = guest.passed.get().unwrap_or(through_us);
        self.tell(Event::Closed(Closed {
            id: guest.id,
            listener: guest.listener,
            peer: guest.peer,
            bytes_in: passed.received,
            bytes_out: passed.sent,
            lasted: guest.begun.elapsed(),
            cause: ended.cause,
            error: ended.error,
            forwarded: forwards.then_some(Forwarded {
                bytes_up,
                bytes_down,
            }),
            tcp_info: info.filter(|_| self.config.telling.tcp_info).map(Box::new),
        }));
    }

    /// The faults of the connection of this number, by now.
    pub(super) fn toxics(&self, direction: Direction, id: u64) -> Toxics {
        let faults = faults_of(&self.rules.borrow(), direction, self.config.seed, id);
        Toxics::new(&faults)
    }

    pub(super) fn seat(&self, id: u64, listener: usize, peer: Option<SocketAddr>) -> Rc<Guest> {
        let told = self.told.clone();
        let shown: Box<dyn Fn(Vec<u8>, bool)> = Box::new(move |bytes, cut| {
            let event = Event::Data {
                id: Some(id),
                listener,
                peer,
                bytes,
                cut,
            };
            let _ = told.send((Instant::now(), event));
        });
        let rules = self.rules.borrow();
        let clean = |direction| faults_of(&rules, direction, self.config.seed, id).is_empty();
        let behaves = clean(Direction::Down) && clean(Direction::Up);
        let guest = Rc::new(Guest {
            id,
            listener,
            peer,
            begun: Instant::now(),
            client: Cell::default(),
            upstream: RefCell::default(),
            meter: Meter::new(self.config.max_bytes, self.config.telling.dump, shown),
            upstream_meter: Meter::plain(),
            down: self.toxics(Direction::Down, id),
            up: self.toxics(Direction::Up, id),
            changed: Notify::new(),
            counted: Cell::default(),
            passed: Cell::default(),
            leave: CancellationToken::new(),
            behaves,
            stalled: Rc::default(),
        });
        self.present.borrow_mut().insert(id, Rc::clone(&guest));
        guest
    }

    /// Counts and tells the faults of one connection, towards one side.
    pub(super) fn heard(&self, guest: &Guest, direction: Direction) -> Heard {
        let (id, listener, peer) = (guest.id, guest.listener, guest.peer);
        let (told, stalled) = (self.told.clone(), Rc::clone(&guest.stalled));
        let counts = Rc::clone(&self.counts);
        Rc::new(move |fault| {
            counts.borrow_mut().add(Count::Faults, 1);
            if fault == "stall-after" {
                stalled.set(true);
            }
            let event = Event::Fault {
                id: Some(id),
                listener,
                peer,
                fault,
                direction,
            };
            let _ = told.send((Instant::now(), event));
        })
    }

    /// A program has the socket; the kernel counts.
    async fn attend_program(
        &self,
        new: Newcomer,
        guest: &Guest,
        command: &str,
    ) -> (Ended, Option<TcpInfo>) {
        let mut program = match Program::start(new, command, &self.means.programs) {
            Ok(program) => program,
            Err(error) => return (Ended::of(&error), None),
        };
        let ended = tokio::select! {
            biased;
            cause = self.ended(guest) => cause.into(),
            waited = program.wait() => match waited {
                Ok(()) => Cause::Finished.into(),
                Err(error) => Ended::of(&error),
            },
        };
        let (info, passed) = program.end(ended.reset).await;
        let (received, sent) = (passed.received, passed.sent);
        (guest.meter).pass(received.unwrap_or_default(), sent.unwrap_or_default());
        guest.passed.set(Some(passed));
        (ended, info)
    }

    /// What ends a connection from our side: limits, the need for room, the shutdown.
    pub(super) async fn ended(&self, guest: &Guest) -> Cause {
        let config = &self.config;
        let old = config.max_lifetime.map(|limit| guest.begun + limit);
        // A program's bytes do not pass through here: it is never known to be idle.
        let is_program = matches!(config.behaviour, Behaviour::Exec(_));
        let idle_timeout = config.idle_timeout.filter(|_| !is_program);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Cause::Shutdown,
            () = guest.leave.cancelled() => Cause::MadeRoom,
            () = super::run::at(old) => Cause::MaxLifetime,
            () = idle(&guest.meter, idle_timeout) => Cause::IdleTimeout,
            () = self.drained(guest) => Cause::Drained,
            // Whoever waits for this is polled again, and takes note of the new faults.
            () = each(&guest.changed) => Cause::Failed,
        }
    }

    /// Waits until the server no longer accepts and nothing is on its way: only where the peer has
    /// to speak next, or nothing ever will end.
    async fn drained(&self, guest: &Guest) {
        let waits = match self.config.behaviour {
            Behaviour::Echo
            | Behaviour::Discard
            | Behaviour::Heartbeat
            | Behaviour::Http
            | Behaviour::Forward(_) => true,
            Behaviour::Greet { then_echo, .. } => then_echo,
            _ => false,
        };
        if !waits || !guest.behaves {
            return std::future::pending().await;
        }
        self.drain.cancelled().await;
        idle(&guest.meter, Some(QUIET)).await;
    }
}

/// Waits until a stalled connection's peer has left, and says how.
pub(super) async fn left(watcher: Option<Watcher>, guest: &Guest) -> Cause {
    let Some(watcher) = watcher else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(LOOK).await;
        if guest.stalled.get()
            && let Some(cause) = watcher.left()
        {
            return cause;
        }
    }
}

/// Waits for every notice, for ever.
async fn each(notices: &Notify) {
    loop {
        notices.notified().await;
    }
}

/// Waits until nothing has passed for `limit`.
async fn idle(meter: &Meter, limit: Option<Duration>) {
    let Some(limit) = limit else {
        return std::future::pending().await;
    };
    loop {
        let due = meter.last() + limit;
        if due <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(due).await;
    }
}
