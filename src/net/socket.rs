//! The one [`Connection`] of this module: a connected socket, whatever carries it.
//!
//! TCP, UDP and Unix sockets differ in how they are made (`connect`), not in how bytes are moved,
//! so one type serves all of them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::addr::display_socket_addr;
use super::classify::Seen;
use super::relay::Bare;
use super::stream::Rest;
use super::sys::{self, RawAddr, Watched};
use super::{Close, Connection, PeerAddr, SocketFacts, SocketOptions, TcpInfo};
use super::{errqueue, sockopt};
use crate::failure::{Failure, Stage};

/// A connected socket.
#[derive(Debug)]
pub(super) struct Socket {
    io: Watched,
    peer: PeerAddr,
    asked: SocketOptions,
    /// Counted when the connection stood: later retransmissions are of data.
    syn_retransmits: Option<u32>,
}

impl Socket {
    pub(super) fn new(io: Watched, peer: &PeerAddr, asked: &SocketOptions) -> Self {
        let info = match peer {
            PeerAddr::Tcp(_) => TcpInfo::read(io.as_fd()),
            _ => None,
        };
        // With TCP_FASTOPEN_CONNECT the handshake may still be to come.
        let stands = info.filter(|info| !info.is_syn_sent());
        let syn_retransmits = stands.map(|info| info.total_retransmits);
        Self {
            io,
            peer: peer.clone(),
            asked: asked.clone(),
            syn_retransmits,
        }
    }

    /// A connection that was accepted: nothing was asked of it, and its handshake is the peer's.
    pub(super) fn accepted(io: Watched, peer: &PeerAddr) -> Self {
        Self {
            io,
            peer: peer.clone(),
            asked: SocketOptions::default(),
            syn_retransmits: None,
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl Connection for Socket {
    fn is_datagram(&self) -> bool {
        self.peer.transport().is_datagram()
    }

    fn facts(&self) -> SocketFacts {
        let tcp = matches!(self.peer, PeerAddr::Tcp(_));
        facts(self.fd(), &self.peer, &self.asked, tcp)
    }

    fn tcp_info(&self) -> Option<TcpInfo> {
        if !matches!(self.peer, PeerAddr::Tcp(_)) {
            return None;
        }
        let info = TcpInfo::read(self.fd())?;
        let syn_retransmits = self.syn_retransmits.or(info.syn_retransmits);
        Some(TcpInfo {
            syn_retransmits,
            ..info
        })
    }

    fn explain(&self, stage: Stage, error: &io::Error) -> Failure {
        let info = self.tcp_info();
        let queue = errqueue::drain(self.fd());
        let ip = self.peer.socket_addr().map(|addr| addr.ip().to_canonical());
        Seen {
            peer: &self.peer,
            stage,
            queue: &queue,
            info: info.as_ref(),
            blind: self.asked.mptcp,
            path_mtu: ip.and_then(|ip| sockopt::path_mtu(self.fd(), ip)),
        }
        .explain(error)
    }

    fn bare(&self) -> Option<Bare<'_>> {
        (!self.is_datagram()).then(|| Bare::new(&self.io))
    }

    fn close(&self) -> Close {
        self.asked.close
    }

    fn set_close(&mut self, close: Close) {
        if matches!(self.peer, PeerAddr::Tcp(_)) && sockopt::set_close(self.fd(), close).is_ok() {
            self.asked.close = close;
        }
    }

    /// Asks the kernel, which knows of a FIN before the runtime has been told.
    fn rest(&mut self) -> Rest {
        match sys::receive(self.fd(), &mut [0]) {
            Ok(count) => Rest::of(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Rest::Quiet,
            Err(_) => Rest::Broken,
        }
    }
}

/// Both ends and the options in force; keepalive only where it is wanted.
pub(super) fn facts(
    fd: BorrowedFd<'_>,
    peer: &PeerAddr,
    asked: &SocketOptions,
    keepalive: bool,
) -> SocketFacts {
    let local = sys::local_addr(fd).ok();
    let ip = peer.socket_addr().map(|addr| addr.ip().to_canonical());
    SocketFacts {
        local: local.as_ref().and_then(joined),
        peer: Some(peer.to_string()),
        keepalive: keepalive.then(|| sockopt::keepalive_facts(fd, asked)),
        options: ip
            .map(|ip| sockopt::option_facts(fd, ip, asked))
            .unwrap_or_default(),
        mptcp: asked.mptcp.then(|| sockopt::speaks_mptcp(fd)),
        fastopen: asked
            .fastopen
            .then(|| TcpInfo::read(fd))
            .flatten()
            .and_then(|info| (!info.is_syn_sent()).then(|| info.took_syn_data())),
    }
}

fn joined(raw: &RawAddr) -> Option<String> {
    let inet = raw.inet().map(display_socket_addr);
    inet.or_else(|| raw.unix_name().map(|path| path.to_string()))
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(())); // an empty read would swallow a datagram
        }
        loop {
            let mut guard = ready!(self.io.poll_read_ready(cx))?;
            let room = buffer.initialize_unfilled();
            match guard.try_io(|io| sys::receive(io.as_fd(), room)) {
                Ok(Ok(count)) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.io.poll_write_ready(cx))?;
            match guard.try_io(|io| sys::send(io.as_fd(), bytes).map_err(not_yet)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_datagram() {
            return Poll::Ready(Ok(())); // nobody would hear of it
        }
        Poll::Ready(match sys::shutdown_write(self.fd()) {
            Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) => Ok(()),
            result => result,
        })
    }
}

/// With fast open the first write starts the handshake, and may have to wait for it.
fn not_yet(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EINPROGRESS | libc::EALREADY) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    }
}
