//! Workers that accept and serve: one thread and one epoll loop each.
//!
//! Separate from `listen`, which decides what a server does: here it is only done, fast. What is
//! plain (echo, discard) a worker serves itself, without a task, a timer or a buffer per
//! connection; what is not it hands to whoever owns the [`Server`] as a [`Newcomer`]. One listening
//! socket serves all workers (`EPOLLEXCLUSIVE`), and a worker that has taken more than its share
//! hands connections on, so that few connections spread evenly too.

mod accept;
mod connection;
mod counts;
mod crew;
mod datagrams;
mod ending;
mod event;
mod inbox;
pub(super) mod pipes;
mod processors;
mod sharing;
mod slab;
mod watching;
mod ways;
mod worker;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};

use self::counts::Published;
pub use self::counts::{Count, Counts};
pub use self::datagrams::{Datagrams, Reply};
pub use self::event::{Cause, Closed, Event, Forwarded, Opened};
use self::inbox::Inbox;
use self::sharing::Overseer;
use self::ways::{Way, Ways};
use self::worker::Worker;
use super::limits;
use super::listen::Listener;
use super::socket::Socket;
use super::{Connection, Passed, PeerAddr, TcpInfo, sys};
use crate::addr::{Transport, UnixPath};
use crate::policy::admission::{Admission, Gate, Limits, Verdict};

/// What a worker does with the bytes of a connection that it serves itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Work {
    /// Sends them back.
    #[default]
    Echo,
    /// Throws them away.
    Discard,
}

/// Decides, by a connection's number, whether a worker serves it itself.
pub type Plain = Arc<dyn Fn(u64) -> bool + Send + Sync>;

/// How a server serves.
#[derive(Clone)]
pub struct Config {
    /// Threads, all of which work; at least one. `None` is one a processor, of which as many work as are
    /// needed and as others leave processors for.
    pub workers: Option<usize>,
    /// What the workers do themselves.
    pub work: Work,
    /// Which connections they do it for.
    pub plain: Plain,
    /// What is answered to datagrams.
    pub datagrams: Datagrams,
    /// Who may come in.
    pub limits: Limits,
    /// A connection that says nothing for so long is closed.
    pub idle_timeout: Option<Duration>,
    /// A connection as old as this is closed.
    pub max_lifetime: Option<Duration>,
    /// A connection that has sent so many bytes is closed once they are answered.
    pub max_bytes: Option<u64>,
    /// Pause between a connection's coming and its being accepted.
    pub accept_delay: Duration,
    /// Accepts nothing: the kernel's backlog fills.
    pub no_accept: bool,
    /// What is told of connections.
    pub telling: Telling,
}

/// What is told of each connection; what nobody asks for costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// Opened, rejected, closed.
    pub connections: bool,
    /// The first so many bytes that each receives; 0 is none.
    pub dump: usize,
    /// `TCP_INFO` at close.
    pub tcp_info: bool,
    /// The SYN.
    pub syn: bool,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("workers", &self.workers)
            .field("work", &self.work)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A connection that no worker serves.
#[derive(Debug)]
pub struct Newcomer {
    /// Its number, from 1.
    pub id: u64,
    /// The index of its listener.
    pub listener: usize,
    /// The other end; `None` for a Unix socket.
    pub peer: Option<SocketAddr>,
    /// When it was accepted, since the start.
    pub at: Duration,
    transport: Transport,
    fd: OwnedFd,
}

impl Newcomer {
    /// The connection, for the runtime to wait on. Errs when the runtime cannot watch it.
    pub fn into_connection(self) -> io::Result<Box<dyn Connection>> {
        let peer = match (self.peer, self.transport) {
            (Some(addr), _) => PeerAddr::Tcp(addr),
            (None, _) => PeerAddr::Unix(UnixPath::Abstract(Vec::new())),
        };
        Ok(Box::new(Socket::accepted(sys::watch(self.fd)?, &peer)))
    }

    /// A hold on it, at the cost of a descriptor. Errs when there is none.
    pub fn watcher(&self) -> io::Result<Watcher> {
        Ok(Watcher {
            fd: self.fd.try_clone()?,
            tcp: self.peer.is_some(),
        })
    }

    /// The bare descriptor, made blocking, for a program that knows nothing of us; and a hold on it.
    pub fn into_blocking(self) -> io::Result<(OwnedFd, Watcher)> {
        let tcp = self.peer.is_some();
        // Any socket will do: the call sets the flag of the descriptor and asks nothing else.
        let stream = std::os::unix::net::UnixStream::from(self.fd);
        stream.set_nonblocking(false)?;
        let fd: OwnedFd = stream.into();
        let watcher = Watcher {
            fd: fd.try_clone()?,
            tcp,
        };
        Ok((fd, watcher))
    }
}

/// A hold on a connection that somebody else has: a program, or a task that does not read.
#[derive(Debug)]
pub struct Watcher {
    fd: OwnedFd,
    tcp: bool,
}

impl Watcher {
    /// What the kernel knows of it; `None` on anything but TCP.
    #[must_use]
    pub fn tcp_info(&self) -> Option<TcpInfo> {
        self.tcp.then(|| TcpInfo::read(self.fd.as_fd())).flatten()
    }

    /// What has passed on it.
    #[must_use]
    pub fn passed(&self) -> Passed {
        if self.tcp {
            Passed::read(self.fd.as_fd())
        } else {
            Passed::default()
        }
    }

    /// How the peer has left, if it has, whether or not anybody reads.
    #[must_use]
    pub fn left(&self) -> Option<Cause> {
        let reset = sys::hung_up(self.fd.as_fd())?;
        Some(if reset { Cause::Reset } else { Cause::Fin })
    }

    /// Lets it end by a reset.
    pub fn set_reset(&self) {
        reset(&self.fd);
    }
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Stage {
    Serving,
    /// No longer accepts; serves what it has.
    Draining,
    /// Resets what it has.
    Stopped,
}

/// What all workers share. Touched when connections come and go, never per message.
pub(super) struct Shared {
    start: Instant,
    config: Config,
    door: Mutex<Entrance>,
    stage: AtomicU8,
    inboxes: Vec<Inbox>,
    /// Open connections of each worker, and last those served elsewhere.
    loads: Vec<AtomicUsize>,
    published: Vec<Published>,
    evictions: Notify,
    finished: Notify,
    /// That nothing is accepted has been told.
    refusing: AtomicBool,
    /// How streams go: one answer for all, because a worker that uses a pipe takes its peers' time from
    /// another that does not, and would think itself faster. Asked a hundred times a second.
    ways: Mutex<Ways>,
    /// How many of the workers work.
    active: AtomicUsize,
    /// Nobody else needs the processor of a worker that looks for messages instead of sleeping.
    quiet: AtomicBool,
    /// Who decides both; `None` where nothing is known of the processors.
    overseer: Option<Mutex<Overseer>>,
    /// How long workers have looked instead of sleeping, nanoseconds.
    looked: AtomicU64,
}

/// Admission, and whether a worker waits for room.
#[derive(Debug)]
struct Entrance {
    admission: Admission,
    waiting: bool,
}

impl Shared {
    fn entrance(&self) -> MutexGuard<'_, Entrance> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Serving,
            1 => Stage::Draining,
            _ => Stage::Stopped,
        }
    }

    fn advance(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
        self.wake_all();
    }

    /// A worker has sent so many bytes since it last said so; how streams go now.
    fn sent(&self, bytes: u64, now: Duration) -> Way {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        ways.went(bytes, now);
        ways.way()
    }

    fn wake_all(&self) {
        self.inboxes.iter().for_each(Inbox::wake);
    }

    fn admit(&self, ip: Option<IpAddr>) -> Verdict {
        let now = self.now();
        self.entrance().admission.admit(ip, now)
    }

    /// A connection has closed; whoever waits for room hears of it.
    fn release(&self, ip: Option<IpAddr>) {
        let mut door = self.entrance();
        door.admission.release(ip);
        let waiting = std::mem::take(&mut door.waiting);
        let finished = door.admission.is_finished();
        drop(door);
        if waiting {
            self.wake_all();
        }
        if finished {
            self.finished.notify_one();
        }
    }
}

/// At shutdown a connection that has been quiet for so long, with nothing on its way through us, is
/// closed at once: it may never end by itself. Longer than a lost packet takes to be sent again.
pub(crate) const QUIET: Duration = Duration::from_millis(500);

/// The door of a server, for peers that come to its owner by another way: the same limits hold.
#[derive(Clone)]
pub struct Door(Arc<Shared>);

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

impl Door {
    /// Lets a peer in and gives it a number; `None` at a limit. [`Door::release`] frees its place.
    #[must_use]
    pub fn admit(&self, peer: Option<SocketAddr>) -> Option<u64> {
        let now = self.0.now();
        let mut entrance = self.0.entrance();
        if entrance.admission.gate(now) != Gate::Open {
            return None;
        }
        match entrance.admission.admit(peer.map(|peer| peer.ip()), now) {
            Verdict::Admit(id) | Verdict::Replace(id) => Some(id),
            Verdict::Reject(_) | Verdict::Reset(_) => None,
        }
    }

    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.0.entrance().admission.open()
    }

    /// It has gone.
    pub fn release(&self, peer: Option<SocketAddr>) {
        self.0.release(peer.map(|peer| peer.ip()));
    }
}

/// Where a worker sends; when all have ended, the owner's [`Outlet`] ends too.
#[derive(Clone, Debug)]
struct Inlet {
    events: mpsc::Sender<Event>,
    newcomers: mpsc::UnboundedSender<Newcomer>,
}

impl Inlet {
    /// Tells what happened; false if nobody could take it in time.
    fn tell(&self, event: Event) -> bool {
        self.events.try_send(event).is_ok()
    }
}

/// Events that wait for whoever takes them, at most.
const EVENTS: usize = 65_536;

/// A server at work.
///
/// Dropping it stops the workers and resets their connections.
pub struct Server {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({} workers)", self.threads.len())
    }
}

/// What a server sends to its owner.
#[derive(Debug)]
pub struct Outlet {
    /// What happened, in order within each connection. Ends when all workers have ended.
    pub events: mpsc::Receiver<Event>,
    /// Connections that the owner has to serve.
    pub newcomers: mpsc::UnboundedReceiver<Newcomer>,
}

impl Server {
    /// Starts the workers. Errs when the system has no thread or descriptor for them.
    pub fn start(listeners: Vec<Listener>, config: Config) -> io::Result<(Self, Outlet)> {
        Self::start_after(listeners, config, || ())
    }

    /// The same; `ready` is called when nothing is missing any more and nothing is accepted yet.
    pub fn start_after(
        listeners: Vec<Listener>,
        config: Config,
        ready: impl FnOnce(),
    ) -> io::Result<(Self, Outlet)> {
        let workers = config.workers.unwrap_or_else(limits::processors).max(1);
        let varies = config.workers.is_none() && workers > 1;
        let overseer = Overseer::new(varies.then_some(workers));
        let active = if varies && overseer.is_some() {
            1
        } else {
            workers
        };
        let (events, heard) = mpsc::channel(EVENTS);
        let (newcomers, arrived) = mpsc::unbounded_channel();
        let inlet = Inlet { events, newcomers };
        let inboxes = (0..workers).map(|_| Inbox::new());
        let admission = Admission::new(config.limits.clone());
        let shared = Arc::new(Shared {
            start: Instant::now(),
            door: Mutex::new(Entrance {
                admission,
                waiting: false,
            }),
            stage: AtomicU8::new(Stage::Serving as u8),
            inboxes: inboxes.collect::<io::Result<_>>()?,
            loads: (0..=workers).map(|_| AtomicUsize::new(0)).collect(),
            published: (0..=workers).map(|_| Published::new()).collect(),
            evictions: Notify::new(),
            finished: Notify::new(),
            refusing: AtomicBool::new(false),
            ways: Mutex::new(Ways::new(&ways::STREAMS)),
            active: AtomicUsize::new(active),
            quiet: AtomicBool::new(false),
            overseer: overseer.map(Mutex::new),
            looked: AtomicU64::new(0),
            config,
        });
        let listeners: Arc<[Listener]> = listeners.into();
        let mut server = Self {
            shared,
            threads: Vec::new(),
        };
        let new = |index| Worker::new(index, &server.shared, &listeners, inlet.clone());
        let team: Vec<_> = (0..workers).map(new).collect::<io::Result<_>>()?;
        drop((listeners, inlet));
        ready();
        for worker in team {
            let thread = std::thread::Builder::new().name(format!("worker {}", worker.index));
            server.threads.push(thread.spawn(move || worker.run())?);
        }
        let (events, newcomers) = (heard, arrived);
        Ok((server, Outlet { events, newcomers }))
    }

    /// When it started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.shared.start
    }

    /// What has been counted so far, by all workers and by [`Server::publish`].
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for published in &self.shared.published {
            sum.merge(&published.load());
        }
        sum
    }

    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.shared.entrance().admission.open()
    }

    /// The most that were open at once.
    #[must_use]
    pub fn most_open(&self) -> u64 {
        self.shared.entrance().admission.most_open()
    }

    /// How often the overload breaker has opened.
    #[must_use]
    pub fn breaker_opened(&self) -> u64 {
        self.shared.entrance().admission.breaker_opened()
    }

    /// Adds the numbers of the owner, who serves newcomers.
    pub fn publish(&self, counts: &Counts) {
        if let Some(last) = self.shared.published.last() {
            last.store(counts);
        }
    }

    /// A newcomer's connection has closed.
    pub fn release(&self, peer: Option<SocketAddr>) {
        if let Some(load) = self.shared.loads.last() {
            load.fetch_sub(1, Ordering::Relaxed);
        }
        self.shared.release(peer.map(|peer| peer.ip()));
    }

    /// Its door.
    #[must_use]
    pub fn door(&self) -> Door {
        Door(Arc::clone(&self.shared))
    }

    /// Waits until all connections that were to be served ([`Limits::count`]) have come and gone.
    pub async fn finished(&self) {
        self.shared.finished.notified().await;
    }

    /// Waits until a newcomer's connection has to be closed to make room.
    pub async fn eviction(&self) {
        self.shared.evictions.notified().await;
    }

    /// Stops accepting; the workers end when their connections have.
    pub fn drain(&self) {
        self.shared.advance(Stage::Draining);
    }

    /// Resets what the workers have and ends them.
    pub fn stop(&self) {
        self.shared.advance(Stage::Stopped);
    }

    /// Waits for the workers to end, which [`Server::stop`] makes them do at once.
    pub fn join(&mut self) {
        for thread in self.threads.drain(..) {
            // A worker that has panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        self.join();
    }
}

/// The address of the other end, as it was written by `accept`.
fn peer_of(raw: &sys::RawAddr) -> Option<SocketAddr> {
    raw.inet().map(super::connect::canonical)
}

/// Makes the end of a connection, which follows, a reset.
fn reset(fd: &OwnedFd) {
    // A socket without the option (Unix) is closed in its own way.
    let _ = sys::linger_zero(fd.as_fd());
}

/// Ends a connection by a FIN, although the peer may have spoken: bytes that nobody has read would make
/// it a reset. Says whether it could: what comes faster than it is read goes unread.
fn finish(fd: &OwnedFd, buffer: &mut [u8]) -> bool {
    // One that has failed meanwhile needs no end.
    let _ = sys::shutdown_write(fd.as_fd());
    for _ in 0..READS_AT_THE_END {
        match sys::receive(fd.as_fd(), buffer) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return true,
        }
    }
    false
}

/// How often it is read from a connection that is ended without having been served to its end.
const READS_AT_THE_END: usize = 64;

#[cfg(test)]
mod tests;
