//! One question over UDP: sent, sent again, and waited for.
//!
//! Separate because it touches the wire. The socket is connected, so that the kernel drops packets
//! from elsewhere and reports ICMP errors; it is read with `recv`, which such errors wake.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;

/// The largest datagram; a reply beyond what was announced is still read whole.
const MAX_DATAGRAM: usize = 65_535;
/// The pause between two sends doubles up to this.
const MAX_PAUSE: Duration = Duration::from_millis(3_200);

/// A question on its way, with the timer of its next sending.
#[derive(Debug)]
pub(super) struct UdpAsk {
    socket: UdpSocket,
    buffer: Vec<u8>,
    next_send: Instant,
    pause: Duration,
    /// How often the question was sent.
    pub(super) sent: u32,
}

/// What happened next.
#[derive(Debug)]
pub(super) enum Heard {
    /// A datagram from the server, of that many bytes in the buffer.
    Datagram(usize),
    /// The question was sent again.
    SentAgain,
    /// The system says that the server is not to be reached.
    Failed(io::Error),
}

impl UdpAsk {
    /// Opens a socket from a random port and sends the question once.
    pub(super) async fn send(
        server: SocketAddr,
        question: &[u8],
        pause: Duration,
    ) -> io::Result<Self> {
        let any = match server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(server).await?;
        socket.send(question).await?;
        Ok(Self {
            socket,
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
            received = self.socket.recv(&mut self.buffer) => match received {
                Ok(length) => Heard::Datagram(length),
                Err(error) => Heard::Failed(error),
            },
            () = tokio::time::sleep_until(self.next_send) => self.send_again(question).await,
        }
    }

    async fn send_again(&mut self, question: &[u8]) -> Heard {
        // The timer moves first: a dropped future must not send twice.
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        self.next_send = Instant::now() + self.pause;
        self.sent += 1;
        match self.socket.send(question).await {
            Ok(_) => Heard::SentAgain,
            Err(error) => Heard::Failed(error),
        }
    }
}
