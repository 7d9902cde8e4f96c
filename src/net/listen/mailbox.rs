//! A bound socket for datagrams, as the runtime waits on it: who sent one is an address, a name, or
//! nobody that an answer could go to.

use std::io;
use std::net::SocketAddr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram as Socket};

use tokio::io::Interest;
use tokio::net::{UdpSocket, UnixDatagram};

use super::unix::Removal;
use crate::addr::UnixPath;

/// Who has sent a datagram.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// An address of the Internet.
    Inet(SocketAddr),
    /// The name of a Unix socket.
    Unix(UnixPath),
    /// A Unix socket without a name, which no answer reaches; all such are one.
    Nobody,
}

impl Sender {
    /// Its address, if it has one of the Internet.
    #[must_use]
    pub fn inet(&self) -> Option<SocketAddr> {
        match self {
            Self::Inet(addr) => Some(*addr),
            Self::Unix(_) | Self::Nobody => None,
        }
    }
}

/// The socket. Dropping it closes it and removes its file.
#[derive(Debug)]
pub struct Mailbox {
    kind: Kind,
    _removal: Option<Removal>,
}

#[derive(Debug)]
enum Kind {
    Udp(UdpSocket),
    /// One socket twice: the runtime's own type cannot name those of the abstract namespace.
    Unix(UnixDatagram, Socket),
}

impl Mailbox {
    pub(super) fn udp(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            kind: Kind::Udp(UdpSocket::from_std(socket)?),
            _removal: None,
        })
    }

    pub(super) fn unix(socket: Socket, removal: Option<Removal>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let watched = UnixDatagram::from_std(socket.try_clone()?)?;
        Ok(Self {
            kind: Kind::Unix(watched, socket),
            _removal: removal,
        })
    }

    /// Waits for the next datagram; returns its length and who sent it. Cancel safe.
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Sender)> {
        match &self.kind {
            Kind::Udp(socket) => {
                let (count, from) = socket.recv_from(buffer).await?;
                Ok((count, Sender::Inet(from)))
            }
            Kind::Unix(watched, socket) => {
                let receive = || socket.recv_from(buffer);
                let (count, from) = watched.async_io(Interest::READABLE, receive).await?;
                Ok((count, named(&from)))
            }
        }
    }

    /// Sends a datagram. Errs when the kernel does not take it: a Unix socket that is full is not
    /// waited for, and [`Sender::Nobody`] has no address. Cancel safe.
    pub async fn send(&self, bytes: &[u8], to: &Sender) -> io::Result<usize> {
        match (&self.kind, to) {
            (Kind::Udp(socket), Sender::Inet(addr)) => socket.send_to(bytes, *addr).await,
            (Kind::Unix(_, socket), Sender::Unix(UnixPath::File(path))) => {
                socket.send_to(bytes, path)
            }
            (Kind::Unix(_, socket), Sender::Unix(UnixPath::Abstract(name))) => {
                socket.send_to_addr(bytes, &UnixAddr::from_abstract_name(name)?)
            }
            _ => Err(io::ErrorKind::AddrNotAvailable.into()),
        }
    }
}

fn named(addr: &UnixAddr) -> Sender {
    let file = addr.as_pathname().map(|path| UnixPath::File(path.into()));
    let name = || Some(UnixPath::Abstract(addr.as_abstract_name()?.to_vec()));
    file.or_else(name).map_or(Sender::Nobody, Sender::Unix)
}
