//! Connecting very many TCP addresses, as fast as a bare epoll loop.
//!
//! Separate from `connect` because here nothing may cost per target what it need not: no task, no
//! timer, no registration with the runtime; one epoll instance of its own, one queue of deadlines
//! (all attempts have the same time), and a socket that was refused is used again (Linux allows
//! another `connect(2)` after a failed one). Failures are classified by the same code as a single
//! connect. What the targets are, and what becomes of the results, is the caller's.

mod pending;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::pending::{Pending, Place};
use super::classify::Seen;
use super::connect::{canonical, open_tcp, socket_refused};
use super::sys::{self, Epoll, Events, RawAddr};
use super::{Connected, PeerAddr, SocketOptions, TcpInfo};
use super::{errqueue, limits, socket, sockopt};
use crate::failure::{Failure, Kind};

/// Targets begun before the runtime and the results already there get their turn.
const BEGUN_AT_ONCE: usize = 64;
/// Expired attempts dealt with before the same.
const EXPIRED_AT_ONCE: usize = 256;
/// Refused sockets kept for another try, for each family; in a burst more are closed.
const SPARE_AT_MOST: usize = 64;
/// The first SYN is repeated after this long (RFC 6298 §2.1); before, there is nothing to count.
const FIRST_RETRANSMISSION: Duration = Duration::from_secs(1);

/// How a sweep goes about it.
#[derive(Debug)]
pub struct Config<'a> {
    /// Bounds one address.
    pub timeout: Duration,
    /// Attempts under way at once; `None` fits the descriptor limit
    /// ([`limits::parallel_sockets`]).
    pub parallel: Option<usize>,
    /// What the sockets are asked to be.
    pub options: &'a SocketOptions,
}

/// One address and what became of it.
#[derive(Debug)]
pub struct Swept<T> {
    /// What the caller gave with the address.
    pub token: T,
    /// The address.
    pub addr: SocketAddr,
    /// When its attempt began.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// The connection, which is closed again by now, or why there was none.
    pub result: Result<Connected, Failure>,
}

/// Connects every address once and hands over each result as it comes, in no particular order.
///
/// Connections that stand are read (ends, options, `TCP_INFO`) and closed as the options say;
/// keepalive that nobody asked for is neither set nor read, as nothing lives long enough. Takes
/// the next target only when there is room for it, so an endless iterator is fine. When
/// descriptors run out it waits for attempts to end. Returns when all are done, or at once when
/// `stop` is cancelled: attempts under way are then closed and not reported.
///
/// Cancel safety: dropping the future closes all sockets.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::net::{SocketOptions, sweep};
/// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// let targets = [(listener.local_addr().unwrap(), "mine")];
/// let options = SocketOptions::default();
/// let config = sweep::Config {
///     timeout: std::time::Duration::from_secs(1),
///     parallel: None,
///     options: &options,
/// };
/// let mut open = Vec::new();
/// let collect = |swept: sweep::Swept<_>| {
///     if swept.result.is_ok() {
///         open.push(swept.token);
///     }
/// };
/// sweep::sweep(targets.into_iter(), &config, &Default::default(), collect).await;
/// assert_eq!(open, ["mine"]);
/// # });
/// ```
pub async fn sweep<T>(
    mut targets: impl Iterator<Item = (SocketAddr, T)>,
    config: &Config<'_>,
    stop: &CancellationToken,
    mut collect: impl FnMut(Swept<T>),
) {
    let mut engine = match Engine::new(config) {
        Ok(engine) => engine,
        Err(error) => return fail_all(targets, &error, stop, collect),
    };
    while !stop.is_cancelled() {
        let handled = engine.handle_events(&mut collect);
        let expired = engine.expire(&mut collect);
        let begun = engine.begin(&mut targets, &mut collect);
        if engine.is_done() {
            return;
        }
        if handled + expired + begun == 0 {
            engine.wait(stop).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}

/// Without an epoll instance no target can be tried, and each is told so.
fn fail_all<T>(
    targets: impl Iterator<Item = (SocketAddr, T)>,
    error: &io::Error,
    stop: &CancellationToken,
    mut collect: impl FnMut(Swept<T>),
) {
    for (addr, token) in targets.take_while(|_| !stop.is_cancelled()) {
        let (now, result) = (Instant::now(), Err(socket_refused("epoll", error)));
        collect(Swept {
            token,
            addr,
            started: now,
            ended: now,
            result,
        });
    }
}

/// A socket, and whether epoll knows it already.
#[derive(Debug)]
struct Spare {
    fd: OwnedFd,
    watched: bool,
}

/// An attempt that waits for its answer.
#[derive(Debug)]
struct Attempt<T> {
    socket: Spare,
    addr: SocketAddr,
    token: T,
    started: Instant,
}

struct Engine<'a, T> {
    config: &'a Config<'a>,
    parallel: usize,
    epoll: Epoll,
    events: Events,
    pending: Pending<Attempt<T>>,
    /// Refused sockets, IPv4 and IPv6.
    spare: [Vec<Spare>; 2],
    /// A target for which there was no descriptor.
    held: Option<(SocketAddr, T)>,
    /// Whether the iterator has come to its end.
    exhausted: bool,
}

impl<'a, T> Engine<'a, T> {
    fn new(config: &'a Config<'a>) -> io::Result<Self> {
        Ok(Self {
            config,
            parallel: config
                .parallel
                .unwrap_or_else(limits::parallel_sockets)
                .max(1),
            epoll: Epoll::new()?,
            events: Events::new(),
            pending: Pending::new(),
            spare: [Vec::new(), Vec::new()],
            held: None,
            exhausted: false,
        })
    }

    fn is_done(&self) -> bool {
        self.exhausted && self.held.is_none() && self.pending.is_empty()
    }

    /// Begins attempts while there is room; returns how many.
    fn begin(
        &mut self,
        targets: &mut impl Iterator<Item = (SocketAddr, T)>,
        collect: &mut impl FnMut(Swept<T>),
    ) -> usize {
        let mut begun = 0;
        while begun < BEGUN_AT_ONCE && self.pending.len() < self.parallel {
            let Some(target) = self.held.take().or_else(|| self.next(targets)) else {
                break;
            };
            match self.begin_one(target, collect) {
                Ok(()) => begun += 1,
                Err(target) => {
                    self.held = Some(target);
                    break;
                }
            }
        }
        begun
    }

    fn next(
        &mut self,
        targets: &mut impl Iterator<Item = (SocketAddr, T)>,
    ) -> Option<(SocketAddr, T)> {
        if self.exhausted {
            return None;
        }
        let target = targets.next();
        self.exhausted = target.is_none();
        target
    }

    /// Begins one attempt; gives the target back when it has to wait for a descriptor.
    fn begin_one(
        &mut self,
        (addr, token): (SocketAddr, T),
        collect: &mut impl FnMut(Swept<T>),
    ) -> Result<(), (SocketAddr, T)> {
        let started = Instant::now();
        let to = canonical(addr);
        let socket = match self.socket(addr, to) {
            Ok(socket) => socket,
            Err(failure) if failure.kind == Kind::TooManyFiles && !self.pending.is_empty() => {
                return Err((addr, token));
            }
            Err(failure) => {
                let result = Err(failure);
                collect(Swept {
                    token,
                    addr,
                    started,
                    ended: Instant::now(),
                    result,
                });
                return Ok(());
            }
        };
        let attempt = Attempt {
            socket,
            addr,
            token,
            started,
        };
        match sys::connect(attempt.socket.fd.as_fd(), &RawAddr::from(to)) {
            Err(error) if is_under_way(&error) => self.watch(attempt, collect),
            result => self.finish(attempt, result, collect),
        }
        Ok(())
    }

    /// A spare socket of the right family, or a new one.
    fn socket(&mut self, addr: SocketAddr, to: SocketAddr) -> Result<Spare, Failure> {
        if let Some(spare) = self.spare[usize::from(to.is_ipv6())].pop() {
            return Ok(spare);
        }
        let open = || open_tcp(&PeerAddr::Tcp(addr), to, self.config.options);
        let fd = match open() {
            Err(failure) if failure.kind == Kind::TooManyFiles => {
                self.spare = [Vec::new(), Vec::new()];
                open()?
            }
            result => result?,
        };
        Ok(Spare { fd, watched: false })
    }

    fn watch(&mut self, mut attempt: Attempt<T>, collect: &mut impl FnMut(Swept<T>)) {
        let known = std::mem::replace(&mut attempt.socket.watched, true);
        let place = match self.pending.push(attempt) {
            Ok(place) => place,
            Err(attempt) => {
                let full = io::Error::from_raw_os_error(libc::ENFILE);
                return self.finish(attempt, Err(full), collect);
            }
        };
        if let Err(error) = self.arm(place, known)
            && let Some(attempt) = self.pending.remove(place)
        {
            self.finish(attempt, Err(error), collect);
        }
    }

    fn arm(&self, place: Place, known: bool) -> io::Result<()> {
        let key = u64::from(place);
        let Some((_, attempt)) = self.pending.get(key) else {
            return Ok(());
        };
        let fd = attempt.socket.fd.as_fd();
        if known {
            self.epoll.rearm(fd, key)
        } else {
            self.epoll.add(fd, key)
        }
    }

    /// Deals with the sockets that have their answer; returns how many.
    fn handle_events(&mut self, collect: &mut impl FnMut(Swept<T>)) -> usize {
        if self.events.is_empty() && !self.pending.is_empty() {
            // An error here (EINTR) means that there is nothing to deal with yet.
            let _ = self.epoll.poll(&mut self.events);
        }
        let mut handled = 0;
        while let Some(key) = self.events.pop() {
            handled += 1;
            if let Some((place, attempt)) = self.pending.get(key) {
                // Asked a second time, connect(2) tells the outcome and leaves the socket usable.
                let to = RawAddr::from(canonical(attempt.addr));
                let info = retransmissions(attempt);
                match sys::connect(attempt.socket.fd.as_fd(), &to) {
                    Err(error) if is_under_way(&error) => drop(self.arm(place, true)),
                    result => self.finish_at(place, result, info.as_ref(), collect),
                }
            }
        }
        handled
    }

    fn finish_at(
        &mut self,
        place: Place,
        result: io::Result<()>,
        info: Option<&TcpInfo>,
        collect: &mut impl FnMut(Swept<T>),
    ) {
        if let Some(attempt) = self.pending.remove(place) {
            self.finish_with(attempt, result, info, collect);
        }
    }

    fn finish(
        &mut self,
        attempt: Attempt<T>,
        result: io::Result<()>,
        collect: &mut impl FnMut(Swept<T>),
    ) {
        self.finish_with(attempt, result, None, collect);
    }

    /// Reports an attempt and keeps or closes its socket.
    fn finish_with(
        &mut self,
        attempt: Attempt<T>,
        result: io::Result<()>,
        info: Option<&TcpInfo>,
        collect: &mut impl FnMut(Swept<T>),
    ) {
        let ended = Instant::now();
        let Attempt {
            socket,
            addr,
            token,
            started,
        } = attempt;
        let peer = PeerAddr::Tcp(addr);
        let result = match result {
            Ok(()) => connected(&socket.fd, &peer, self.config.options),
            Err(error) => {
                let queue = errqueue::drain(socket.fd.as_fd());
                let seen = Seen {
                    queue: &queue,
                    info,
                    blind: self.config.options.mptcp,
                    ..Seen::connecting(&peer)
                };
                let failure = seen.explain(&error);
                self.keep(socket, addr, &error);
                Err(failure)
            }
        };
        collect(Swept {
            token,
            addr,
            started,
            ended,
            result,
        });
    }

    /// Keeps a socket for another try if the kernel has reset it completely.
    fn keep(&mut self, socket: Spare, addr: SocketAddr, error: &io::Error) {
        let options = self.config.options;
        let plain = !options.mptcp && !options.fastopen;
        let any_port = options.local_addr.is_none_or(|local| local.port == 0);
        let refused = error.raw_os_error() == Some(libc::ECONNREFUSED);
        let spare = &mut self.spare[usize::from(canonical(addr).is_ipv6())];
        if refused && plain && any_port && spare.len() < SPARE_AT_MOST {
            spare.push(socket);
        }
    }

    /// Gives up the attempts whose time is over; returns how many.
    fn expire(&mut self, collect: &mut impl FnMut(Swept<T>)) -> usize {
        let now = Instant::now();
        for expired in 0..EXPIRED_AT_ONCE {
            let place = match self.pending.oldest() {
                Some((place, attempt)) if self.ends(attempt).is_some_and(|at| at <= now) => place,
                _ => return expired,
            };
            if let Some(attempt) = self.pending.remove(place) {
                collect(silent(attempt));
            }
        }
        EXPIRED_AT_ONCE
    }

    fn ends(&self, attempt: &Attempt<T>) -> Option<Instant> {
        attempt.started.checked_add(self.config.timeout)
    }

    /// Waits for an answer, the oldest attempt's end, or the token.
    async fn wait(&mut self, stop: &CancellationToken) {
        let end = self
            .pending
            .oldest()
            .and_then(|(_, attempt)| self.ends(attempt));
        let over = async {
            match end {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            Ok(ready) = self.epoll.ready() => match self.epoll.poll(&mut self.events) {
                Ok(count) if count > 0 => {}
                _ => ready.drained(),
            },
            () = over => {}
        }
    }
}

/// Whether the answer is still to come.
fn is_under_way(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINPROGRESS | libc::EALREADY)
    )
}

/// `TCP_INFO` of an attempt that is old enough to have repeated its SYN; a failed connect clears it.
fn retransmissions<T>(attempt: &Attempt<T>) -> Option<TcpInfo> {
    let old = attempt.started.elapsed() >= FIRST_RETRANSMISSION;
    old.then(|| TcpInfo::read(attempt.socket.fd.as_fd()))
        .flatten()
}

/// Reads what is known of a connection that stands.
fn connected(fd: &OwnedFd, peer: &PeerAddr, options: &SocketOptions) -> Result<Connected, Failure> {
    let fd = fd.as_fd();
    sockopt::after_brief_connect(fd, options)?;
    let info = TcpInfo::read(fd).map(|info| TcpInfo {
        syn_retransmits: Some(info.total_retransmits),
        ..info
    });
    Ok(Connected {
        facts: socket::facts(fd, peer, options, sockopt::asks_keepalive(options)),
        tcp_info: info,
    })
}

fn silent<T>(attempt: Attempt<T>) -> Swept<T> {
    let Attempt {
        socket,
        addr,
        token,
        started,
    } = attempt;
    let peer = PeerAddr::Tcp(addr);
    let (queue, info) = (
        errqueue::drain(socket.fd.as_fd()),
        TcpInfo::read(socket.fd.as_fd()),
    );
    let seen = Seen {
        queue: &queue,
        info: info.as_ref(),
        ..Seen::connecting(&peer)
    };
    let result = Err(seen.silence());
    Swept {
        token,
        addr,
        started,
        ended: Instant::now(),
        result,
    }
}
