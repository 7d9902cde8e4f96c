//! The loop's state and its steps: begin, deal with answers, expire, wait.
//!
//! Every step is short and says how much it did; the order of the steps is the caller's.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::closer::Closer;
use super::pending::{Pending, Place};
use super::{Config, Swept};
use crate::failure::{Failure, Kind};
use crate::net::classify::Seen;
use crate::net::connect::{canonical, connect_at_once, is_under_way, open_tcp};
use crate::net::sys::{self, Epoll, Events, RawAddr};
use crate::net::{Connected, PeerAddr, SocketOptions, TcpInfo};
use crate::net::{errqueue, limits, socket, sockopt};

/// Targets begun before the runtime and the answers already there get their turn: some 0.3 ms, so
/// that no answer waits longer than that for its stamp.
const BEGUN_AT_ONCE: usize = 16;
/// Expired attempts dealt with before the same.
const EXPIRED_AT_ONCE: usize = 256;
/// Refused sockets kept for another try, for each family; in a burst more are closed.
const SPARE_AT_MOST: usize = 64;
/// The first SYN is repeated after this long (RFC 6298 §2.1); before, there is nothing to count.
const FIRST_RETRANSMISSION: Duration = Duration::from_secs(1);

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

/// The state of a sweep.
pub(super) struct Engine<'a, T> {
    config: &'a Config<'a>,
    parallel: usize,
    epoll: Epoll,
    events: Events,
    pending: Pending<Attempt<T>>,
    /// Refused sockets, IPv4 and IPv6.
    spare: [Vec<Spare>; 2],
    closer: Closer,
    /// A target for which there was no descriptor.
    held: Option<(SocketAddr, T)>,
    /// Whether the iterator has come to its end.
    exhausted: bool,
}

impl<'a, T> Engine<'a, T> {
    pub(super) fn new(config: &'a Config<'a>) -> io::Result<Self> {
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
            closer: Closer::new(),
            held: None,
            exhausted: false,
        })
    }

    pub(super) fn is_done(&self) -> bool {
        self.exhausted && self.held.is_none() && self.pending.is_empty()
    }

    /// Begins attempts while there is room; returns how many.
    pub(super) fn begin(
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
        match connect_at_once(&attempt.socket.fd, to, self.config.options) {
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
                self.closer.finish();
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
    pub(super) fn handle_events(&mut self, collect: &mut impl FnMut(Swept<T>)) -> usize {
        if self.events.is_empty() && !self.pending.is_empty() {
            // An error here (EINTR) means that there is nothing to deal with yet.
            let _ = self.epoll.poll(&mut self.events);
        }
        let mut handled = 0;
        while let Some(key) = self.events.next() {
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
            Ok(()) => {
                let connected = connected(&socket.fd, &peer, self.config.options);
                self.closer.close(socket.fd);
                connected
            }
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
    pub(super) fn expire(&mut self, collect: &mut impl FnMut(Swept<T>)) -> usize {
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
    pub(super) async fn wait(&mut self, stop: &CancellationToken) {
        self.closer.flush();
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
