//! Applying [`SocketOptions`] to a socket, and reading back what the kernel made of them.
//!
//! One table (`setting`) serves both directions, so that nothing can be asked for and not
//! reported. A refusal names the flag, the option and what it needs.

mod facts;
mod refusal;
mod setting;

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use libc::c_int;

pub(super) use self::facts::{keepalive_facts, option_facts, path_mtu, speaks_mptcp};
use self::refusal::refused;
use self::setting::settings;
use super::classify;
use super::sys::{self, RawAddr};
use super::{Close, Keepalive, LocalAddr, PeerAddr, SocketOptions};
use crate::failure::{Failure, Kind, Stage, Who};

/// Level and name, as `getsockopt(2)` takes them.
type Name = (c_int, c_int);

const REUSE_ADDR: Name = (libc::SOL_SOCKET, libc::SO_REUSEADDR);
const KEEPALIVE: Name = (libc::SOL_SOCKET, libc::SO_KEEPALIVE);
const LINGER: Name = (libc::SOL_SOCKET, libc::SO_LINGER);
const DEVICE: Name = (libc::SOL_SOCKET, libc::SO_BINDTODEVICE);
const MARK: Name = (libc::SOL_SOCKET, libc::SO_MARK);
const NODELAY: Name = (libc::IPPROTO_TCP, libc::TCP_NODELAY);
const KEEPIDLE: Name = (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE);
const KEEPINTVL: Name = (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL);
const KEEPCNT: Name = (libc::IPPROTO_TCP, libc::TCP_KEEPCNT);
const USER_TIMEOUT: Name = (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT);
const NOTSENT_LOWAT: Name = (libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT);
const FASTOPEN_CONNECT: Name = (libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT);
const MAXSEG: Name = (libc::IPPROTO_TCP, libc::TCP_MAXSEG);
const CONGESTION: Name = (libc::IPPROTO_TCP, libc::TCP_CONGESTION);
const BIND_NO_PORT: Name = (libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT);
/// linux/socket.h and linux/mptcp.h.
const MPTCP_INFO: Name = (284, 1);

/// Bytes that may wait in a sender's socket without having been sent (`TCP_NOTSENT_LOWAT`). More is of
/// no use to anybody, and by the time it is sent it has left the processor's caches; the window, and with
/// it the rate over long ways, is not concerned.
const UNSENT: c_int = 64 << 10;

/// Sets everything that shapes the handshake, and the source address.
pub(super) fn before_connect(
    fd: BorrowedFd<'_>,
    peer: &PeerAddr,
    to: SocketAddr,
    asked: &SocketOptions,
) -> Result<(), Failure> {
    for setting in settings(to.ip(), asked) {
        setting.apply(fd)?;
    }
    if let Some(limit) = asked.user_timeout {
        let millis = c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX);
        set(
            fd,
            USER_TIMEOUT,
            millis,
            "TCP_USER_TIMEOUT",
            &format!("--user-timeout {millis}ms"),
        )?;
    }
    if asked.fastopen {
        set(
            fd,
            FASTOPEN_CONNECT,
            1,
            "TCP_FASTOPEN_CONNECT",
            "--fastopen",
        )?;
    }
    match asked.local_addr {
        Some(local) => bind(fd, peer, to, local),
        None => Ok(()),
    }
}

/// Sets what matters only on a connection that stands.
pub(super) fn after_connect(fd: BorrowedFd<'_>, asked: &SocketOptions) -> Result<(), Failure> {
    let nodelay = asked.nodelay.unwrap_or(true);
    set(fd, NODELAY, nodelay.into(), "TCP_NODELAY", "--nodelay")?;
    if asked.keepalive.enabled {
        set_keepalive(fd, &asked.keepalive)?;
    }
    if asked.close == Close::Rst {
        set_close(fd, Close::Rst)
    } else {
        Ok(())
    }
}

/// Sets the same on a connection that is closed at once: only what somebody asked for, so that its
/// acceptance can be reported.
pub(super) fn after_brief_connect(
    fd: BorrowedFd<'_>,
    asked: &SocketOptions,
) -> Result<(), Failure> {
    if let Some(nodelay) = asked.nodelay {
        set(fd, NODELAY, nodelay.into(), "TCP_NODELAY", "--nodelay")?;
    }
    if asked.keepalive.enabled && asks_keepalive(asked) {
        set_keepalive(fd, &asked.keepalive)?;
    }
    if asked.close == Close::Rst {
        set_close(fd, Close::Rst)
    } else {
        Ok(())
    }
}

/// Whether anything about keepalive differs from what every connection gets.
pub(super) fn asks_keepalive(asked: &SocketOptions) -> bool {
    asked.keepalive != Keepalive::default() || asked.user_timeout.is_some()
}

fn set_keepalive(fd: BorrowedFd<'_>, asked: &Keepalive) -> Result<(), Failure> {
    let (idle, interval) = (seconds(asked.idle), seconds(asked.interval));
    let count = c_int::try_from(asked.count).unwrap_or(c_int::MAX);
    set(
        fd,
        KEEPIDLE,
        idle,
        "TCP_KEEPIDLE",
        &format!("--keepalive {idle}s"),
    )?;
    set(
        fd,
        KEEPINTVL,
        interval,
        "TCP_KEEPINTVL",
        &format!("--keepalive-interval {interval}s"),
    )?;
    set(
        fd,
        KEEPCNT,
        count,
        "TCP_KEEPCNT",
        &format!("--keepalive-count {count}"),
    )?;
    set(fd, KEEPALIVE, 1, "SO_KEEPALIVE", "--keepalive")
}

/// Whole seconds, rounded up: the kernel takes no fraction, and zero means an error.
fn seconds(duration: Duration) -> c_int {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    c_int::try_from(whole.max(1)).unwrap_or(c_int::MAX)
}

/// Chooses between FIN and RST for the moment of closing (`struct linger`: on, seconds).
pub(super) fn set_close(fd: BorrowedFd<'_>, close: Close) -> Result<(), Failure> {
    let on = c_int::from(close == Close::Rst);
    let linger = [on.to_ne_bytes(), 0_i32.to_ne_bytes()].concat();
    let result = sys::set_bytes(fd, LINGER, &linger);
    result.map_err(|error| refused(format_args!("--close rst"), "SO_LINGER", &error))
}

fn set(
    fd: BorrowedFd<'_>,
    name: Name,
    value: c_int,
    symbol: &str,
    asked: &str,
) -> Result<(), Failure> {
    sys::set_int(fd, name, value).map_err(|error| refused(format_args!("{asked}"), symbol, &error))
}

fn bind(
    fd: BorrowedFd<'_>,
    peer: &PeerAddr,
    to: SocketAddr,
    local: LocalAddr,
) -> Result<(), Failure> {
    let ip = local.ip.to_canonical();
    if ip.is_ipv4() != to.is_ipv4() {
        return Err(classify::wrong_family(local.ip, peer));
    }
    if local.port == 0 {
        // The port is chosen at connect, when the kernel knows which four-tuples are free.
        let _ = sys::set_int(fd, BIND_NO_PORT, 1);
    } else if matches!(peer, PeerAddr::Tcp(_)) {
        // A connection of the last run in TIME_WAIT must not block its port.
        let _ = sys::set_int(fd, REUSE_ADDR, 1);
    }
    let from = match (ip, to) {
        (IpAddr::V6(ip), SocketAddr::V6(to)) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, local.port, 0, to.scope_id()).into()
        }
        _ => SocketAddr::new(ip, local.port),
    };
    sys::bind(fd, &RawAddr::from(from)).map_err(|error| bind_refused(from, &error))
}

fn bind_refused(from: SocketAddr, error: &io::Error) -> Failure {
    let asked = super::addr::display_socket_addr(from);
    let (kind, text) = match error.raw_os_error() {
        Some(libc::EADDRNOTAVAIL) => (Kind::AddrNotAvailable, "this machine has no such address"),
        Some(libc::EADDRINUSE) => (Kind::AddrInUse, "another socket has that address and port"),
        Some(libc::EACCES) => (
            Kind::Permission,
            "ports below 1024 need CAP_NET_BIND_SERVICE",
        ),
        _ => return refused(format_args!("--local-addr {asked}"), "bind", error),
    };
    Failure::new(Stage::Local, kind, format!("--local-addr {asked}: {text}"))
        .by(Who::OwnKernel)
        .with_errno(error)
}

/// Refuses what this transport does not have, so that no flag is accepted and ignored.
pub(super) fn only_fitting(peer: &PeerAddr, asked: &SocketOptions) -> Result<(), Failure> {
    let inet = peer.socket_addr().is_some();
    let tcp = matches!(peer, PeerAddr::Tcp(_));
    let rows = [
        (tcp, asked.mss.is_some(), "mss"),
        (tcp, asked.congestion.is_some(), "congestion"),
        (tcp, asked.nodelay.is_some(), "nodelay"),
        (tcp, asked.fastopen, "fastopen"),
        (tcp, asked.mptcp, "mptcp"),
        (tcp, asked.user_timeout.is_some(), "user-timeout"),
        (inet, asked.local_addr.is_some(), "local-addr"),
        (inet, asked.interface.is_some(), "interface"),
        (inet, asked.mark.is_some(), "mark"),
        (inet, asked.tos.is_some(), "tos"),
        (inet, asked.ttl.is_some(), "ttl"),
    ];
    match rows.into_iter().find(|(fits, asked, _)| *asked && !fits) {
        Some((_, _, flag)) => {
            let socket = if inet { "UDP" } else { "Unix" };
            let message = format!("--{flag}: a {socket} socket has no such option");
            Err(Failure::new(Stage::Local, Kind::Unsupported, message).by(Who::OwnKernel))
        }
        None => Ok(()),
    }
}

/// Has the kernel take no more than is soon sent, for whoever passes on streams.
pub(super) fn let_little_wait(fd: BorrowedFd<'_>) {
    // Best effort: it spares time, and MPTCP of older kernels does not have it.
    let _ = sys::set_int(fd, NOTSENT_LOWAT, UNSENT);
}

/// Sets on a listening socket what every accepted connection inherits (Linux copies them), so that
/// accepting costs no further call.
pub(super) fn for_accepted(
    fd: BorrowedFd<'_>,
    options: &super::listen::ListenOptions,
) -> Result<(), Failure> {
    set(fd, NODELAY, 1, "TCP_NODELAY", "listen")?;
    let_little_wait(fd);
    if options.keepalive.enabled {
        set_keepalive(fd, &options.keepalive)?;
    }
    if let Some(limit) = options.user_timeout {
        let millis = c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX);
        let asked = format!("--user-timeout {millis}ms");
        set(fd, USER_TIMEOUT, millis, "TCP_USER_TIMEOUT", &asked)?;
    }
    if options.save_syn {
        set(
            fd,
            super::socket_options::SAVE_SYN,
            1,
            "TCP_SAVE_SYN",
            "--syn",
        )?;
    }
    Ok(())
}

/// Says which option of a listening socket was refused and why.
pub(super) fn refused_option(asked: &str, symbol: &str, error: &io::Error) -> Failure {
    refused(format_args!("{asked}"), symbol, error)
}
