//! Connected UDP sockets for very many datagrams: many a call, one epoll instance for all.
//!
//! Separate from `connect` for the same reason as the sweep: nothing here may cost per datagram
//! what it need not. Connected, so that the kernel drops what comes from elsewhere and tells when
//! nobody listens. What the datagrams say is the caller's.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, ready};

use super::sys::{self, DATAGRAMS_AT_ONCE, Epoll, Events, RawAddr};
use super::{PeerAddr, SocketOptions, sockopt};
use crate::failure::Failure;

/// Octets of the longest datagram that is received whole.
pub(crate) const LONGEST: usize = 4_096;
/// What is asked of the kernel for what waits to be read: the replies to a full window, and more
/// while the process does not run.
const RECEIVE_BUFFER: i32 = 4 << 20;

/// The sockets that are watched together.
#[derive(Debug)]
pub(crate) struct Watch {
    epoll: Epoll,
    events: Events,
}

impl Watch {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: Epoll::new()?,
            events: Events::new(),
        })
    }

    /// Opens a socket that is connected to `peer` and watched under `key` until it is dropped.
    pub(crate) fn open(
        &self,
        peer: SocketAddr,
        key: u64,
        options: &SocketOptions,
    ) -> io::Result<Port> {
        let domain = match peer {
            SocketAddr::V4(_) => libc::AF_INET,
            SocketAddr::V6(_) => libc::AF_INET6,
        };
        let fd = sys::socket(domain, libc::SOCK_DGRAM, 0)?;
        // Beyond the system's limit only with CAP_NET_ADMIN; what is granted has to do.
        let forced = (libc::SOL_SOCKET, libc::SO_RCVBUFFORCE);
        if sys::set_int(fd.as_fd(), forced, RECEIVE_BUFFER).is_err() {
            let plain = (libc::SOL_SOCKET, libc::SO_RCVBUF);
            let _ = sys::set_int(fd.as_fd(), plain, RECEIVE_BUFFER);
        }
        sockopt::before_connect(fd.as_fd(), &PeerAddr::Udp(peer), peer, options)
            .map_err(|failure| plain(&failure))?;
        sys::connect(fd.as_fd(), &RawAddr::from(peer))?;
        self.epoll.add_readable(fd.as_fd(), key)?;
        Ok(Port(fd))
    }

    /// The keys of sockets that have something to read now.
    pub(crate) fn readable(&mut self) -> impl Iterator<Item = u64> {
        // An error here (EINTR) means that there is nothing to deal with yet.
        let _ = self.epoll.poll(&mut self.events);
        std::iter::from_fn(|| self.events.next())
    }

    /// Waits until [`Watch::readable`] may find something. Cancel safe.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Ok(mut guard) = ready!(self.epoll.poll_ready(cx)) else {
                return Poll::Ready(());
            };
            if self.epoll.has_events() {
                return Poll::Ready(());
            }
            guard.clear_ready();
        }
    }
}

/// The system's error behind a failure.
fn plain(failure: &Failure) -> io::Error {
    match &failure.errno {
        Some(errno) => io::Error::from_raw_os_error(errno.code),
        None => io::Error::other(failure.message.clone()),
    }
}

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Port(OwnedFd);

impl Port {
    /// Sends datagrams from `from` on; returns how many were taken. `WouldBlock` when there is no
    /// room, `ConnectionRefused` when an earlier one found nobody listening.
    pub(crate) fn send(&self, outbox: &Outbox, from: usize) -> io::Result<usize> {
        sys::send_many(self.0.as_fd(), outbox.from(from))
    }

    /// Takes what has come; returns how many datagrams, none when there are none.
    pub(crate) fn receive(&self, inbox: &mut Inbox) -> io::Result<usize> {
        let (buffer, lengths) = (&mut inbox.buffer, &mut inbox.lengths);
        match sys::receive_many(self.0.as_fd(), buffer, LONGEST, lengths) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            result => result,
        }
    }
}

/// Datagrams to send, one after the other in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Outbox {
    /// Datagrams in it.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds one, with its first two octets replaced.
    pub(crate) fn push(&mut self, datagram: &[u8], first: [u8; 2]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(datagram);
        if let Some(id) = self.bytes.get_mut(start..start + 2) {
            id.copy_from_slice(&first);
        }
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn from(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let spans = starts.zip(self.ends.iter().copied()).skip(first);
        spans.map(|(start, end)| &self.bytes[start..end])
    }
}

/// Room for what is received.
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    lengths: [usize; DATAGRAMS_AT_ONCE],
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inbox")
    }
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; LONGEST * DATAGRAMS_AT_ONCE],
            lengths: [0; DATAGRAMS_AT_ONCE],
        }
    }

    /// The datagram at a place; one that was too long is cut off.
    pub(crate) fn get(&self, place: usize) -> &[u8] {
        let start = place * LONGEST;
        let length = self.lengths[place].min(LONGEST);
        &self.buffer[start..start + length]
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[tokio::test]
    async fn many_go_and_come_in_a_call_each_and_a_closed_port_is_told() {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut watch = Watch::new().unwrap();
        let port = watch
            .open(peer.local_addr().unwrap(), 7, &SocketOptions::default())
            .unwrap();
        let mut outbox = Outbox::default();
        for number in 0..10_u8 {
            outbox.push(&[0, 0, number], [1, number]);
        }
        assert_eq!(port.send(&outbox, 4).unwrap(), 6);
        let mut buffer = [0; 8];
        for number in 4..10 {
            let (length, from) = peer.recv_from(&mut buffer).unwrap();
            assert_eq!(buffer[..length], [1, number, number]);
            peer.send_to(&buffer[..length], from).unwrap();
        }
        std::future::poll_fn(|cx| watch.poll_ready(cx)).await;
        assert_eq!(watch.readable().collect::<Vec<_>>(), [7]);
        let mut inbox = Inbox::new();
        assert_eq!(port.receive(&mut inbox).unwrap(), 6);
        assert_eq!(inbox.get(5), [1, 9, 9]);
        assert_eq!(port.receive(&mut inbox).unwrap(), 0);
        drop(peer);
        port.send(&outbox, 9).unwrap();
        std::future::poll_fn(|cx| watch.poll_ready(cx)).await;
        let refused = port.receive(&mut inbox).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
}
