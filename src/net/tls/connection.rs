//! An encrypted connection, of either side; a [`Connection`] like the one below it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::task::noop_waker_ref;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::TlsFacts;
use super::explain::{cut, established, tls_error};
use super::library::TlsStream;
use super::sniff::Sniffed;
use crate::failure::{Failure, Stage};
use crate::net::layers::Flushed;
use crate::net::{Close, Connection, SocketFacts, TcpInfo};

/// A connection whose handshake is done.
///
/// A client that is dropped says so (`close_notify`, RFC 8446 §6.1) as far as that goes without
/// waiting, unless it is to reset: without it the server cannot tell an end from a cut. A server's
/// conversation shuts down by itself when it is whole, and one that is dropped before is cut.
#[derive(Debug)]
pub struct TlsConnection {
    stream: Flushed<TlsStream<Sniffed>>,
    facts: TlsFacts,
}

impl TlsConnection {
    pub(super) fn new(stream: TlsStream<Sniffed>, facts: TlsFacts) -> Self {
        let stream = Flushed::new(stream);
        Self { stream, facts }
    }

    /// What the handshake came to.
    #[must_use]
    pub fn tls_facts(&self) -> &TlsFacts {
        &self.facts
    }

    fn inner(&self) -> &dyn Connection {
        self.stream.inner().get_ref().0.inner()
    }
}

impl Drop for TlsConnection {
    fn drop(&mut self) {
        let ends =
            matches!(self.stream.inner(), TlsStream::Client(_)) && self.close() == Close::Fin;
        if ends {
            let mut cx = Context::from_waker(noop_waker_ref());
            // Nobody is left to be told of an error.
            let _ = Pin::new(&mut self.stream).poll_shutdown(&mut cx);
        }
    }
}

impl AsyncRead for TlsConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TlsConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connection for TlsConnection {
    fn is_datagram(&self) -> bool {
        false
    }

    fn facts(&self) -> SocketFacts {
        self.inner().facts()
    }

    fn tcp_info(&self) -> Option<TcpInfo> {
        self.inner().tcp_info()
    }

    fn explain(&self, stage: Stage, error: &io::Error) -> Failure {
        match tls_error(error) {
            Some(tls) => established(&self.facts.peer_name, tls),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                cut(&self.facts.peer_name, stage)
            }
            None => self.inner().explain(stage, error),
        }
    }

    fn close(&self) -> Close {
        self.inner().close()
    }

    fn set_close(&mut self, close: Close) {
        match self.stream.inner_mut() {
            TlsStream::Client(stream) => stream.get_mut().0.inner_mut().set_close(close),
            TlsStream::Server(stream) => stream.get_mut().0.inner_mut().set_close(close),
        }
    }
}
