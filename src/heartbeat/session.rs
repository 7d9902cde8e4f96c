//! A persistent session: a connection, what has not gone out yet and what is not a whole reply yet.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::task::noop_waker_ref;
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::codec::MOST_OF_A_REPLY;
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::net::Connection;

/// Read at once; a reply is a line or a packet.
const CHUNK: usize = 4 * 1024;

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Box<dyn Connection>,
    /// Counted from 0.
    pub(super) number: u64,
    pub(super) peer: Option<String>,
    /// The last sign of life: it stood, or a reply came.
    pub(super) heard: Instant,
    /// Whether it ever answered.
    pub(super) worked: bool,
    /// Beats that failed on it since then.
    pub(super) failures: u32,
    /// What came and is not a whole reply yet.
    pub(super) input: Vec<u8>,
    output: Vec<u8>,
    /// A layer (TLS) may hold back what it has taken.
    unflushed: bool,
    received: u64,
    datagram: bool,
}

/// What came.
#[derive(Debug)]
pub(super) enum Heard {
    /// More of the stream, in `input`.
    Bytes,
    /// A datagram.
    Datagram(Vec<u8>),
    /// A datagram was turned down; the socket lives on.
    Refused(Failure),
    /// The session is over.
    Ended(Failure),
}

impl Session {
    pub(super) fn new(connection: Box<dyn Connection>, number: u64, now: Instant) -> Self {
        Self {
            number,
            peer: connection.facts().peer,
            heard: now,
            worked: false,
            failures: 0,
            input: Vec::new(),
            output: Vec::new(),
            unflushed: false,
            received: 0,
            datagram: connection.is_datagram(),
            connection,
        }
    }

    pub(super) fn is_datagram(&self) -> bool {
        self.datagram
    }

    /// Sends a message, at once if the socket takes it. What it does not take goes out later.
    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.output.extend_from_slice(message);
        self.unflushed = true;
        // The driver polls before it waits again, and then leaves a waker that works.
        match self.poll_flush(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Ready(Err(error)) if self.datagram => {
                // The error is that of an earlier datagram; this one has not been tried.
                let failure = self.connection.explain(Stage::Send, &error);
                let again = self.poll_flush(&mut Context::from_waker(noop_waker_ref()));
                self.output.clear();
                match again {
                    Poll::Ready(Err(_)) => Err(failure),
                    _ => Ok(()),
                }
            }
            Poll::Ready(Err(error)) => Err(self.connection.explain(Stage::Send, &error)),
            _ => Ok(()),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while !self.output.is_empty() {
            let poll = Pin::new(&mut *self.connection).poll_write(cx, &self.output);
            match std::task::ready!(poll)? {
                0 => return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into())),
                count => drop(self.output.drain(..count)),
            }
        }
        if self.unflushed {
            std::task::ready!(Pin::new(&mut *self.connection).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for input. Cancel safe.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
            self.output.clear();
            let failure = self.connection.explain(Stage::Send, &error);
            return Poll::Ready(self.broken(failure));
        }
        let mut chunk = [MaybeUninit::uninit(); CHUNK];
        let mut buffer = ReadBuf::uninit(&mut chunk);
        let poll = Pin::new(&mut *self.connection).poll_read(cx, &mut buffer);
        match std::task::ready!(poll) {
            Ok(()) => Poll::Ready(self.took(buffer.filled())),
            Err(error) => {
                let failure = self.connection.explain(Stage::Receive, &error);
                Poll::Ready(self.broken(failure))
            }
        }
    }

    fn broken(&self, failure: Failure) -> Heard {
        if self.datagram {
            Heard::Refused(failure)
        } else {
            Heard::Ended(failure)
        }
    }

    fn took(&mut self, bytes: &[u8]) -> Heard {
        self.received += bytes.len() as u64;
        if self.datagram {
            return Heard::Datagram(bytes.to_vec());
        }
        if bytes.is_empty() {
            return Heard::Ended(self.fin());
        }
        if self.input.len() + bytes.len() > MOST_OF_A_REPLY {
            return Heard::Ended(self.endless());
        }
        self.input.extend_from_slice(bytes);
        Heard::Bytes
    }

    /// What its end is that the peer announced.
    pub(super) fn fin(&self) -> Failure {
        let message = format!("{} closed the connection", self.name());
        Failure::new(Stage::Receive, Kind::ClosedEarly, message)
            .by(Who::Peer)
            .because(Evidence::Fin {
                after_bytes: self.received,
            })
    }

    fn endless(&self) -> Failure {
        let message = format!("{} sends without an end of its reply", self.name());
        Failure::new(Stage::Receive, Kind::UnexpectedReply, message).by(Who::Netkit)
    }

    fn name(&self) -> &str {
        self.peer.as_deref().unwrap_or("the peer")
    }
}
