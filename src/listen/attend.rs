//! Serving the connections that no worker serves itself: those with a behaviour beyond echo and
//! discard, and those with faults.
//!
//! One task each, all on the thread of the server's owner; layers count what passes and make it go
//! wrong as asked.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::behaviours::{self, Ending, Pool};
use super::config::{Behaviour, Config};
use super::event::Event;
use super::exec::Program;
use crate::net::layers::{End, Faulty, Heard, Meter, Metered};
use crate::net::serve::{Cause, Closed, Count, Counts, Newcomer, QUIET, Watcher};
use crate::net::{Close, Connection, TcpInfo};
use crate::policy::chance::Chance;
use crate::policy::fault::{Fault, faults_of};

/// How long, after everything was said, the peer is still listened to: closing at once would turn
/// what it is still sending into a reset, and take from it what it has not read yet.
const LINGER: Duration = Duration::from_secs(2);

/// How often a connection that is stalled, and so not read, is asked whether its peer is still there.
const LOOK: Duration = Duration::from_millis(250);

/// A connection with its layers.
type Layered = Faulty<Metered<Box<dyn Connection>>>;

/// Where tasks send what happens, and when it did.
pub(super) type Told = mpsc::UnboundedSender<(Instant, Event)>;

/// What all tasks share.
#[derive(Debug)]
pub(super) struct Attendance {
    config: Config,
    pool: Pool,
    counts: RefCell<Counts>,
    /// Those that are attended to, by number.
    present: RefCell<HashMap<u64, Rc<Guest>>>,
    /// Closes those that wait for their peers.
    pub(super) drain: CancellationToken,
    /// Resets everything that is left.
    pub(super) stop: CancellationToken,
    told: Told,
}

/// One that is attended to.
#[derive(Debug)]
struct Guest {
    id: u64,
    listener: usize,
    peer: Option<SocketAddr>,
    begun: Instant,
    meter: Rc<Meter>,
    /// How much of what has passed is in the counts.
    counted: Cell<(u64, u64)>,
    /// It has to go, to make room.
    leave: CancellationToken,
    /// It is without faults.
    behaves: bool,
    /// A fault has it hang.
    stalled: Arc<AtomicBool>,
}

/// How a connection ended.
struct Ended {
    cause: Cause,
    reset: bool,
}

impl From<Cause> for Ended {
    fn from(cause: Cause) -> Self {
        let reset = cause == Cause::Shutdown;
        Self { cause, reset }
    }
}

impl Attendance {
    pub(super) fn new(config: &Config, told: Told) -> Rc<Self> {
        Rc::new(Self {
            config: config.clone(),
            pool: Pool::default(),
            counts: RefCell::default(),
            present: RefCell::default(),
            drain: CancellationToken::new(),
            stop: CancellationToken::new(),
            told,
        })
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

    fn count(&self, guest: &Guest) {
        let now = (guest.meter.received(), guest.meter.sent());
        let before = guest.counted.replace(now);
        let mut counts = self.counts.borrow_mut();
        counts.add(Count::BytesIn, now.0 - before.0);
        counts.add(Count::BytesOut, now.1 - before.1);
    }

    fn tell(&self, event: Event) {
        if self.config.telling.connections {
            // The owner hears until the last task has ended.
            let _ = self.told.send((Instant::now(), event));
        }
    }

    /// Serves one connection to its end; returns its peer, whose place is free again.
    pub(super) async fn attend(self: Rc<Self>, new: Newcomer) -> Option<SocketAddr> {
        let guest = self.seat(&new);
        let (cause, info) = match &self.config.behaviour {
            Behaviour::Exec(command) => self.attend_program(new, &guest, command).await,
            _ => self.attend_stream(new, &guest).await,
        };
        self.count(&guest);
        self.present.borrow_mut().remove(&guest.id);
        self.counts.borrow_mut().closed(cause);
        let (bytes_in, bytes_out) = guest.counted.get();
        self.tell(Event::Closed(Closed {
            id: guest.id,
            listener: guest.listener,
            peer: guest.peer,
            bytes_in,
            bytes_out,
            lasted: guest.begun.elapsed(),
            cause,
            tcp_info: info.filter(|_| self.config.telling.tcp_info).map(Box::new),
        }));
        guest.peer
    }

    fn seat(&self, new: &Newcomer) -> Rc<Guest> {
        let (id, listener, peer) = (new.id, new.listener, new.peer);
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
        let guest = Rc::new(Guest {
            id,
            listener,
            peer,
            begun: Instant::now(),
            meter: Meter::new(self.config.max_bytes, self.config.telling.dump, shown),
            counted: Cell::default(),
            leave: CancellationToken::new(),
            behaves: faults_of(&self.config.faults, self.config.seed, id).is_empty(),
            stalled: Arc::default(),
        });
        self.present.borrow_mut().insert(id, Rc::clone(&guest));
        guest
    }

    async fn attend_stream(&self, new: Newcomer, guest: &Guest) -> (Cause, Option<TcpInfo>) {
        let config = &self.config;
        let faults = faults_of(&config.faults, config.seed, guest.id);
        let stalls = faults
            .iter()
            .any(|fault| matches!(fault, Fault::StallAfter(_)));
        // Without a descriptor for it the peer's leaving is not noticed.
        let watcher = stalls.then(|| new.watcher().ok()).flatten();
        let Ok(connection) = new.into_connection() else {
            return (Cause::Failed, None);
        };
        // Another draw than the one that chose the faults.
        let chance = Chance::of_part(!config.seed, guest.id);
        let metered = Metered::new(connection, Rc::clone(&guest.meter));
        let mut stream = Faulty::new(metered, &faults, chance, self.heard(guest));
        if config.behaviour == Behaviour::Discard {
            stream = stream.counting_received();
        }
        let ended = tokio::select! {
            biased;
            cause = self.ended(guest) => cause.into(),
            cause = left(watcher, &guest.stalled) => cause.into(),
            ended = self.converse(&mut stream, guest) => ended,
        };
        let connection = stream.inner_mut().inner_mut();
        let info = connection.tcp_info();
        if ended.reset {
            connection.set_close(Close::Rst);
        }
        (ended.cause, info)
    }

    /// Tells of the faults of one connection.
    fn heard(&self, guest: &Guest) -> Heard {
        let (id, listener, peer) = (guest.id, guest.listener, guest.peer);
        let (told, stalled) = (self.told.clone(), Arc::clone(&guest.stalled));
        Box::new(move |fault| {
            if fault == "stall-after" {
                stalled.store(true, Ordering::Relaxed);
            }
            let event = Event::Fault {
                id: Some(id),
                listener,
                peer,
                fault,
            };
            let _ = told.send((Instant::now(), event));
        })
    }

    /// The behaviour, and a polite end.
    async fn converse(&self, stream: &mut Layered, guest: &Guest) -> Ended {
        let (behaviour, pool) = (&self.config.behaviour, &self.pool);
        let result = behaviours::run(behaviour, stream, guest.peer, pool).await;
        let result = match result {
            Ok(ending @ Ending::Reset) => Ok(ending),
            Ok(ending) => stream.shutdown().await.map(|()| ending),
            Err(error) => Err(error),
        };
        match result {
            Ok(Ending::Fin) => Cause::Fin.into(),
            Ok(Ending::Reset) => Ended {
                cause: Cause::Finished,
                reset: true,
            },
            Ok(ending) => {
                self.linger(stream).await;
                let expected = ending == Ending::Finished;
                let cause = if expected {
                    Cause::Finished
                } else {
                    Cause::Unexpected
                };
                cause.into()
            }
            Err(error) => self.broken(stream, guest, &error).await,
        }
    }

    /// Why a stream has failed: a fault, a limit, the peer.
    async fn broken(&self, stream: &mut Layered, guest: &Guest, error: &io::Error) -> Ended {
        match stream.end() {
            Some(End::Fin) => {
                // What the fault has let through arrives; then the end.
                let _ = stream.inner_mut().shutdown().await;
                let discard =
                    async { while let Ok(Some(_)) = self.pool.read(stream.inner_mut()).await {} };
                let _ = tokio::time::timeout(LINGER, discard).await;
                Cause::Fault.into()
            }
            Some(_) => Ended {
                cause: Cause::Fault,
                reset: true,
            },
            None if guest.meter.is_over() => {
                let _ = stream.shutdown().await;
                Cause::MaxBytes.into()
            }
            None => Cause::of(error).into(),
        }
    }

    /// Listens to the peer until it closes too, but not for long.
    async fn linger(&self, stream: &mut Layered) {
        let discard = async { while let Ok(Some(_)) = self.pool.read(stream).await {} };
        // Whatever comes is not for us any more.
        let _ = tokio::time::timeout(LINGER, discard).await;
    }

    /// A program has the socket; the kernel counts.
    async fn attend_program(
        &self,
        new: Newcomer,
        guest: &Guest,
        command: &str,
    ) -> (Cause, Option<TcpInfo>) {
        let Ok(mut program) = Program::start(new, command) else {
            return (Cause::Failed, None);
        };
        let cause = tokio::select! {
            biased;
            cause = self.ended(guest) => cause,
            ended = program.wait() => if ended.is_ok() { Cause::Finished } else { Cause::Failed },
        };
        let info = program.end(cause == Cause::Shutdown).await;
        if let Some(info) = &info {
            let received = info.bytes_received.unwrap_or_default();
            guest
                .meter
                .add(received, info.bytes_acked.unwrap_or_default());
        }
        (cause, info)
    }

    /// What ends a connection from our side: limits, the need for room, the shutdown.
    async fn ended(&self, guest: &Guest) -> Cause {
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
        }
    }

    /// Waits until the server no longer accepts and nothing is on its way: only where the peer has
    /// to speak next, or nothing ever will end.
    async fn drained(&self, guest: &Guest) {
        let waits = match self.config.behaviour {
            Behaviour::Echo | Behaviour::Discard | Behaviour::Heartbeat | Behaviour::Http => true,
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
async fn left(watcher: Option<Watcher>, stalled: &AtomicBool) -> Cause {
    let Some(watcher) = watcher else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(LOOK).await;
        if stalled.load(Ordering::Relaxed)
            && let Some(cause) = watcher.left()
        {
            return cause;
        }
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
