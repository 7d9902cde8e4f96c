//! A UDP socket that hears everybody and still knows of ICMP.
//!
//! A connected socket hides who else sends to it; an unconnected one has no address of its own and
//! no errors. This one is bound to the address that packets to the peer leave from, and keeps the
//! error queue, so that its owner can tell a packet from a wrong source and a closed port alike.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use super::connect::{canonical, socket_refused};
use super::sys::{self, RawAddr};
use super::{LocalAddr, PeerAddr, SocketOptions, errqueue, sockopt};
use crate::failure::{Failure, Kind};

/// Opens a socket for datagrams to and from `peer`; nothing is sent.
///
/// Non-blocking. Errs (stage `local`) when an option or the source address is refused, and (stage
/// `connect`) when there is no route.
pub fn open(peer: SocketAddr, options: &SocketOptions) -> Result<UdpSocket, Failure> {
    let to = canonical(peer);
    let peer = PeerAddr::Udp(peer);
    sockopt::only_fitting(&peer, options)?;
    let source = match options.local_addr {
        Some(local) if !local.ip.is_unspecified() => local,
        asked => source(&peer, to, options, asked.map_or(0, |local| local.port))?,
    };
    let fd = socket(to)?;
    let bound = SocketOptions {
        local_addr: Some(source),
        ..options.clone()
    };
    sockopt::before_connect(fd.as_fd(), &peer, to, &bound)?;
    errqueue::keep(fd.as_fd(), to.ip(), true);
    errqueue::wake_reader(fd.as_fd());
    Ok(UdpSocket::from(fd))
}

fn socket(to: SocketAddr) -> Result<OwnedFd, Failure> {
    let domain = if to.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    sys::socket(domain, libc::SOCK_DGRAM, 0).map_err(|error| socket_refused("socket", &error))
}

/// The address that the kernel chooses towards the peer: a socket is connected and asked.
fn source(
    peer: &PeerAddr,
    to: SocketAddr,
    options: &SocketOptions,
    port: u16,
) -> Result<LocalAddr, Failure> {
    let fd = socket(to)?;
    let unbound = SocketOptions {
        local_addr: None,
        ..options.clone()
    };
    sockopt::before_connect(fd.as_fd(), peer, to, &unbound)?;
    let connected = sys::connect(fd.as_fd(), &RawAddr::from(to));
    connected.map_err(|error| super::classify::Seen::connecting(peer).explain(&error))?;
    let addr = sys::local_addr(fd.as_fd()).ok().and_then(|raw| raw.inet());
    let unspecified: IpAddr = match to {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let ip = addr.map_or(unspecified, |addr| addr.ip());
    Ok(LocalAddr { ip, port })
}

/// What the error queue says of a peer that did not answer: the failure that an ICMP message
/// stands for. `None` when nothing came back.
#[must_use]
pub fn icmp(socket: &impl AsFd, peer: SocketAddr) -> Option<Failure> {
    let queue = errqueue::drain(socket.as_fd());
    if queue.is_empty() {
        return None;
    }
    let peer = PeerAddr::Udp(peer);
    let seen = super::classify::Seen {
        queue: &queue,
        ..super::classify::Seen::connecting(&peer)
    };
    let failure = seen.explain(&io::Error::from_raw_os_error(libc::ECONNREFUSED));
    if failure.kind == Kind::Refused {
        return Some(failure);
    }
    // The number that the kernel gives for the other messages that end all hope.
    Some(failure.with_errno(&io::Error::from_raw_os_error(libc::EHOSTUNREACH)))
}
