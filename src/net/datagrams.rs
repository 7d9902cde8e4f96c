//! Connected UDP sockets for very many datagrams: many a call, one epoll instance for all.
//!
//! Separate from `connect` for the same reason as the sweep: nothing here may cost per datagram
//! what it need not. Connected, so that the kernel drops what comes from elsewhere and tells when
//! nobody listens. What the datagrams say is the caller's.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, ready};

use super::sys::{self, DATAGRAMS_AT_ONCE, Epoll, Events, RawAddr, Run};
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
        // Linux 4.18 and later; earlier ones would send what belongs apart as one.
        let cuts = sys::get_int(fd.as_fd(), (libc::SOL_UDP, libc::UDP_SEGMENT)).is_ok();
        Ok(Port { fd, cuts })
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
pub(crate) struct Port {
    fd: OwnedFd,
    /// Whether the kernel cuts up what is sent together.
    cuts: bool,
}

impl Port {
    /// Sends datagrams from `from` on; returns how many were taken. `WouldBlock` when there is no
    /// room, `ConnectionRefused` when an earlier one found nobody listening.
    ///
    /// `together`: neighbours of one length pass through the kernel as one and are cut apart at its
    /// end, which halves what they cost; what then loses one there loses all.
    pub(crate) fn send(
        &mut self,
        outbox: &Outbox,
        from: usize,
        together: bool,
    ) -> io::Result<usize> {
        let most = if together && self.cuts {
            DATAGRAMS_AT_ONCE
        } else {
            1
        };
        match self.send_runs(outbox, from, most) {
            // IPsec, a route with a small MTU, and whatever else cannot be cut.
            Err(error) if most > 1 && cannot_cut(&error) => {
                self.cuts = false;
                self.send_runs(outbox, from, 1)
            }
            result => result,
        }
    }

    fn send_runs(&self, outbox: &Outbox, from: usize, most: usize) -> io::Result<usize> {
        let runs = || outbox.runs(from, most);
        let taken = sys::send_runs(self.fd.as_fd(), runs())?;
        Ok(runs().take(taken).map(|run| run.count).sum())
    }

    /// Takes what has come; returns how many datagrams, none when there are none.
    pub(crate) fn receive(&self, inbox: &mut Inbox) -> io::Result<usize> {
        let (buffer, lengths) = (&mut inbox.buffer, &mut inbox.lengths);
        match sys::receive_many(self.fd.as_fd(), buffer, LONGEST, lengths) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            result => result,
        }
    }
}

/// Whether datagrams cannot be sent together, by what the system says.
fn cannot_cut(error: &io::Error) -> bool {
    let errno = error.raw_os_error().unwrap_or_default();
    [libc::EINVAL, libc::EIO, libc::EMSGSIZE, libc::EOPNOTSUPP].contains(&errno)
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

    /// The datagrams from `first` on as runs of at most `most`.
    fn runs(&self, mut first: usize, most: usize) -> impl Iterator<Item = Run<'_>> {
        std::iter::from_fn(move || {
            let start = first.checked_sub(1).map_or(0, |last| self.ends[last]);
            let length = self.ends.get(first)? - start;
            let mut count = 1;
            while count < most
                && self.ends.get(first + count) == Some(&(start + (count + 1) * length))
            {
                count += 1;
            }
            first += count;
            let bytes = &self.bytes[start..start + count * length];
            Some(Run {
                bytes,
                count,
                length,
            })
        })
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

    /// A socket, and one that is connected to it.
    fn connected() -> (UdpSocket, Watch, Port) {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let watch = Watch::new().unwrap();
        let options = SocketOptions::default();
        let port = watch.open(peer.local_addr().unwrap(), 7, &options).unwrap();
        (peer, watch, port)
    }

    #[tokio::test]
    async fn what_is_sent_together_comes_apart() {
        let (peer, _watch, mut port) = connected();
        let lengths: Vec<usize> = [3; 40]
            .into_iter()
            .chain([5, 5, 2, 9, 9, 9, 1, 3])
            .collect();
        let mut outbox = Outbox::default();
        for (place, length) in lengths.iter().enumerate() {
            outbox.push(&vec![7; *length], [1, u8::try_from(place).unwrap()]);
        }
        assert_eq!(
            outbox.runs(1, 64).map(|run| run.count).collect::<Vec<_>>(),
            [39, 2, 1, 3, 1, 1]
        );
        for together in [true, false] {
            assert_eq!(port.send(&outbox, 1, together).unwrap(), 47);
            let mut buffer = [0; 16];
            for (place, length) in lengths.iter().enumerate().skip(1) {
                assert_eq!(peer.recv(&mut buffer).unwrap(), *length);
                assert!(*length < 2 || buffer[1] == u8::try_from(place).unwrap());
            }
        }
    }

    #[tokio::test]
    async fn what_cannot_be_cut_is_sent_one_by_one() {
        let (_peer, _watch, mut port) = connected();
        let mut outbox = Outbox::default();
        // Two of them are more than one datagram can be.
        (0..2).for_each(|_| outbox.push(&vec![7; 40_000], [0, 0]));
        assert_eq!(port.send(&outbox, 0, true).unwrap(), 2);
        assert!(!port.cuts);
    }

    #[tokio::test]
    async fn many_go_and_come_in_a_call_each_and_a_closed_port_is_told() {
        let (peer, mut watch, mut port) = connected();
        let mut outbox = Outbox::default();
        for number in 0..10_u8 {
            outbox.push(&[0, 0, number], [1, number]);
        }
        assert_eq!(port.send(&outbox, 4, true).unwrap(), 6);
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
        port.send(&outbox, 9, false).unwrap();
        std::future::poll_fn(|cx| watch.poll_ready(cx)).await;
        let refused = port.receive(&mut inbox).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
}
