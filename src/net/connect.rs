//! Connecting one address: TCP, UDP or a Unix socket.
//!
//! The raw `connect(2)` comes first and the runtime is asked to wait only when the answer is not
//! there yet, which on loopback it nearly always is. Which address to try, and when, is not
//! decided here.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::classify::{Seen, local_error};
use super::socket::Socket;
use super::sys::{self, RawAddr, Watched};
use super::{Connection, PeerAddr, SocketOptions, TcpInfo};
use super::{errqueue, sockopt};
use crate::addr::UnixPath;
use crate::deadline::{Deadline, Expired};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};

/// A full accept queue of a Unix socket gives no event to wait for; we look again this often.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Connects to one address.
///
/// Errs with a classified [`Failure`]: stage `local` when an option or the source address is
/// refused, stage `connect` when the peer, the network or the deadline says no. A datagram socket
/// sends nothing here. Cancel safe: dropping the future closes the socket.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::{deadline::Deadline, net::{self, PeerAddr, SocketOptions}};
/// use std::time::Duration;
/// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// let addr = PeerAddr::Tcp(listener.local_addr().unwrap());
/// let deadline = Deadline::after(Duration::from_secs(5));
/// let connection = net::connect(&addr, &SocketOptions::default(), &deadline).await.unwrap();
/// assert_eq!(connection.facts().peer, Some(addr.to_string()));
/// # });
/// ```
pub async fn connect(
    addr: &PeerAddr,
    options: &SocketOptions,
    deadline: &Deadline,
) -> Result<Box<dyn Connection>, Failure> {
    sockopt::only_fitting(addr, options)?;
    let io = match addr {
        PeerAddr::Tcp(to) => tcp(addr, canonical(*to), options, deadline).await?,
        PeerAddr::Udp(to) => udp(addr, canonical(*to), options)?,
        PeerAddr::Unix(path) => unix_stream(addr, path, deadline).await?,
        PeerAddr::Unixgram(path) => unix_datagram(addr, path)?,
    };
    Ok(Box::new(Socket::new(io, addr, options)))
}

/// An IPv4 address in IPv6 clothes is dialled as what it is (RFC 4291 §2.5.5.2).
pub(super) fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), addr.port()),
        IpAddr::V6(_) => addr,
    }
}

fn domain(addr: SocketAddr) -> libc::c_int {
    if addr.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    }
}

/// Opens a TCP (or MPTCP) socket and sets what shapes its handshake.
pub(super) fn open_tcp(
    peer: &PeerAddr,
    to: SocketAddr,
    options: &SocketOptions,
) -> Result<OwnedFd, Failure> {
    let protocol = if options.mptcp {
        libc::IPPROTO_MPTCP
    } else {
        libc::IPPROTO_TCP
    };
    let fd = sys::socket(domain(to), libc::SOCK_STREAM, protocol).map_err(|error| {
        let subject = if options.mptcp { "--mptcp" } else { "socket" };
        socket_refused(subject, &error)
    })?;
    sockopt::before_connect(fd.as_fd(), peer, to, options)?;
    errqueue::keep(fd.as_fd(), to.ip(), true);
    Ok(fd)
}

async fn tcp(
    peer: &PeerAddr,
    to: SocketAddr,
    options: &SocketOptions,
    deadline: &Deadline,
) -> Result<Watched, Failure> {
    let fd = open_tcp(peer, to, options)?;
    let io = match connect_at_once(&fd, to, options) {
        Ok(()) => watch(fd)?,
        Err(error) if is_under_way(&error) => {
            let io = watch(fd)?;
            match deadline.bound(handshake(&io)).await {
                Ok(Ok(())) => io,
                Ok(Err(error)) => return Err(explain(io.as_fd(), peer, options, &error)),
                Err(expired) => return Err(expire(io.as_fd(), peer, expired)),
            }
        }
        Err(error) => return Err(explain(fd.as_fd(), peer, options, &error)),
    };
    if !options.fastopen {
        errqueue::keep(io.as_fd(), to.ip(), false);
    }
    sockopt::after_connect(io.as_fd(), options)?;
    Ok(io)
}

/// Connects and takes the answer if it is already there; otherwise the error [`is_under_way`].
///
/// On this machine the peer's answer is dealt with while connect(2) returns "in progress", so asking
/// once more tells it: two calls instead of four, and no wait. Elsewhere it costs one short call.
/// Not with Fast Open, whose connect(2) answers for itself.
pub(super) fn connect_at_once(
    fd: &OwnedFd,
    to: SocketAddr,
    options: &SocketOptions,
) -> io::Result<()> {
    let to = RawAddr::from(to);
    match sys::connect(fd.as_fd(), &to) {
        Err(error) if is_under_way(&error) && !options.fastopen => sys::connect(fd.as_fd(), &to),
        result => result,
    }
}

/// Whether the answer to a connect(2) is still to come.
pub(super) fn is_under_way(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINPROGRESS | libc::EALREADY)
    )
}

/// Waits for the kernel's answer. Cancel safe.
async fn handshake(io: &Watched) -> io::Result<()> {
    loop {
        let mut guard = io.writable().await?;
        let code = sys::get_int(io.as_fd(), (libc::SOL_SOCKET, libc::SO_ERROR))?;
        if code != 0 {
            return Err(io::Error::from_raw_os_error(code));
        }
        match sys::peer_addr(io.as_fd()) {
            Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) => guard.clear_ready(),
            _ => return Ok(()),
        }
    }
}

/// Explains a failed TCP handshake with all that the kernel kept of it.
fn explain(
    fd: BorrowedFd<'_>,
    peer: &PeerAddr,
    options: &SocketOptions,
    error: &io::Error,
) -> Failure {
    let (queue, info) = (errqueue::drain(fd), TcpInfo::read(fd));
    Seen {
        queue: &queue,
        info: info.as_ref(),
        blind: options.mptcp,
        ..Seen::connecting(peer)
    }
    .explain(error)
}

fn expire(fd: BorrowedFd<'_>, peer: &PeerAddr, expired: Expired) -> Failure {
    if expired == Expired::Cancelled {
        return interrupted(peer);
    }
    let (queue, info) = (errqueue::drain(fd), TcpInfo::read(fd));
    Seen {
        queue: &queue,
        info: info.as_ref(),
        ..Seen::connecting(peer)
    }
    .silence()
}

/// The caller's token ended the attempt: no verdict about the peer.
pub(super) fn interrupted(peer: &PeerAddr) -> Failure {
    let message = format!("connecting to {peer} was interrupted");
    Failure::new(Stage::Connect, Kind::Timeout, message).by(Who::Netkit)
}

/// Connects a UDP socket; no packet is sent. `IP_RECVERR` stays on, so that a later error can be
/// traced to whoever sent the ICMP message.
fn udp(peer: &PeerAddr, to: SocketAddr, options: &SocketOptions) -> Result<Watched, Failure> {
    let fd = sys::socket(domain(to), libc::SOCK_DGRAM, 0)
        .map_err(|error| socket_refused("socket", &error))?;
    sockopt::before_connect(fd.as_fd(), peer, to, options)?;
    errqueue::keep(fd.as_fd(), to.ip(), true);
    errqueue::wake_reader(fd.as_fd());
    match sys::connect(fd.as_fd(), &RawAddr::from(to)) {
        Ok(()) => watch(fd),
        Err(error) if would_broadcast(fd.as_fd(), to, &error) => Err(broadcast(peer, &error)),
        Err(error) => Err(Seen::connecting(peer).explain(&error)),
    }
}

/// Whether the refusal is for want of `SO_BROADCAST`: with it the same call succeeds. Nothing is sent.
fn would_broadcast(fd: BorrowedFd<'_>, to: SocketAddr, error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EACCES)
        && sys::set_int(fd, (libc::SOL_SOCKET, libc::SO_BROADCAST), 1).is_ok()
        && sys::connect(fd, &RawAddr::from(to)).is_ok()
}

fn broadcast(peer: &PeerAddr, error: &io::Error) -> Failure {
    let message = format!("{peer} is a broadcast address: nobody in particular could answer");
    Failure::new(Stage::Connect, Kind::LocalPolicy, message)
        .by(Who::OwnKernel)
        .with_errno(error)
        .because(Evidence::Note {
            text: "EACCES without SO_BROADCAST, which netkit does not set".to_owned(),
        })
        .hint("dial the address of one host")
}

async fn unix_stream(
    peer: &PeerAddr,
    path: &UnixPath,
    deadline: &Deadline,
) -> Result<Watched, Failure> {
    let (fd, to) = open_unix(libc::SOCK_STREAM, path)?;
    loop {
        match sys::connect(fd.as_fd(), &to) {
            Ok(()) => return watch(fd),
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
            Err(error) => return Err(Seen::connecting(peer).explain(&error)),
        }
        match deadline.bound(tokio::time::sleep(QUEUE_PAUSE)).await {
            Ok(()) => {}
            Err(Expired::Cancelled) => return Err(interrupted(peer)),
            Err(Expired::TimedOut) => return Err(queue_full(path)),
        }
    }
}

fn queue_full(path: &UnixPath) -> Failure {
    let message = format!("{path} does not accept: its queue stayed full");
    Failure::new(Stage::Connect, Kind::Timeout, message)
        .by(Who::OwnKernel)
        .hint("the service hangs or is overloaded")
}

/// Connects a Unix datagram socket, with a name of its own so that the service can reply.
fn unix_datagram(peer: &PeerAddr, path: &UnixPath) -> Result<Watched, Failure> {
    let (fd, to) = open_unix(libc::SOCK_DGRAM, path)?;
    sys::bind(fd.as_fd(), &RawAddr::unix_autobind())
        .map_err(|error| socket_refused("bind", &error))?;
    sys::connect(fd.as_fd(), &to).map_err(|error| Seen::connecting(peer).explain(&error))?;
    watch(fd)
}

fn open_unix(kind: libc::c_int, path: &UnixPath) -> Result<(OwnedFd, RawAddr), Failure> {
    let to = RawAddr::unix(path).ok_or_else(|| {
        let message = format!("{path}: not a name that a Unix socket can have (at most 107 bytes)");
        Failure::new(Stage::Local, Kind::Invalid, message).by(Who::OwnKernel)
    })?;
    let fd = sys::socket(libc::AF_UNIX, kind, 0);
    let fd = fd.map_err(|error| socket_refused("socket", &error))?;
    Ok((fd, to))
}

pub(super) fn socket_refused(subject: &str, error: &io::Error) -> Failure {
    local_error(
        Stage::Local,
        subject,
        error.raw_os_error().unwrap_or_default(),
    )
    .with_errno(error)
}

/// Hands the socket to the runtime.
fn watch(fd: OwnedFd) -> Result<Watched, Failure> {
    sys::watch(fd).map_err(|error| socket_refused("epoll", &error))
}

/// The source address the kernel would choose towards `destination` (RFC 6724 §5); `None` when
/// there is no route. A UDP socket is connected and asked: no packet is sent.
#[must_use]
pub fn source_for(destination: SocketAddr) -> Option<IpAddr> {
    let fd = sys::socket(domain(destination), libc::SOCK_DGRAM, 0).ok()?;
    sys::connect(fd.as_fd(), &RawAddr::from(destination)).ok()?;
    Some(sys::local_addr(fd.as_fd()).ok()?.inet()?.ip())
}
