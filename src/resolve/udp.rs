//! One question over UDP: sent, sent again, and waited for.
//!
//! Separate because it touches the wire. The socket hears everybody, so that a reply from elsewhere
//! is seen and told; the kernel's error queue is on, so that a closed port is seen as well.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;

use crate::net::datagram;

use super::client::{Client, not_connected};
use super::link::Broken;

/// The largest datagram; a reply beyond what was announced is still read whole.
const MAX_DATAGRAM: usize = 65_535;
/// The pause between two sends doubles up to this.
const MAX_PAUSE: Duration = Duration::from_millis(3_200);

/// A question on its way, with the timer of its next sending.
#[derive(Debug)]
pub(super) struct UdpAsk {
    socket: UdpSocket,
    server: SocketAddr,
    buffer: Vec<u8>,
    next_send: Instant,
    pause: Duration,
    /// How often the question was sent.
    pub(super) sent: u32,
}

/// What happened next.
#[derive(Debug)]
pub(super) enum Heard {
    /// A datagram, of that many bytes in the buffer.
    Datagram { length: usize, from: SocketAddr },
    /// The question was sent again.
    SentAgain,
    /// The system says that the server is not to be reached.
    Failed(io::Error),
}

impl UdpAsk {
    /// Opens a socket, from a random port unless one is asked for, and sends the question once.
    pub(super) async fn send(
        client: &Client,
        server: SocketAddr,
        question: &[u8],
        pause: Duration,
    ) -> Result<Self, Broken> {
        let options = client.socket_options(server);
        let socket = datagram::open(server, &options).map_err(not_connected)?;
        let failed = |error: io::Error| Broken::from(&error);
        let socket = UdpSocket::from_std(socket).map_err(failed)?;
        // An IPv4 address in IPv6 clothes is dialled as what it is (RFC 4291 §2.5.5.2).
        let server = match server.ip().to_canonical() {
            ip @ std::net::IpAddr::V4(_) => SocketAddr::new(ip, server.port()),
            std::net::IpAddr::V6(_) => server,
        };
        socket.send_to(question, server).await.map_err(failed)?;
        Ok(Self {
            socket,
            server,
            buffer: vec![0; MAX_DATAGRAM],
            next_send: Instant::now() + pause,
            pause,
            sent: 1,
        })
    }

    /// Our address.
    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// The datagram that was heard last.
    pub(super) fn datagram(&self, length: usize) -> &[u8] {
        &self.buffer[..length]
    }

    /// Waits for a datagram, an error, or the time to send again. Cancel safe.
    pub(super) async fn next(&mut self, question: &[u8]) -> Heard {
        tokio::select! {
            biased;
            received = self.socket.recv_from(&mut self.buffer) => match received {
                Ok((length, from)) => Heard::Datagram { length, from },
                Err(error) => Heard::Failed(error),
            },
            () = tokio::time::sleep_until(self.next_send) => self.send_again(question).await,
        }
    }

    /// Waits for one more datagram and sends nothing. Cancel safe.
    pub(super) async fn listen(&mut self) -> io::Result<(usize, SocketAddr)> {
        self.socket.recv_from(&mut self.buffer).await
    }

    async fn send_again(&mut self, question: &[u8]) -> Heard {
        // The timer moves first: a dropped future must not send twice.
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        self.next_send = Instant::now() + self.pause;
        self.sent += 1;
        match self.socket.send_to(question, self.server).await {
            Ok(_) => Heard::SentAgain,
            Err(error) => Heard::Failed(error),
        }
    }
}
