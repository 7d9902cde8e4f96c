//! A connection that remembers the first bytes that came: what a peer says that does not speak TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::Connection;

/// As much as the evidence of a failure shows.
const KEPT: usize = 64;

/// The connection below TLS.
#[derive(Debug)]
pub(super) struct Sniffed {
    inner: Box<dyn Connection>,
    first: Vec<u8>,
    count: u64,
}

impl Sniffed {
    pub(super) fn new(inner: Box<dyn Connection>) -> Self {
        Self {
            inner,
            first: Vec::new(),
            count: 0,
        }
    }

    /// The first bytes that came.
    pub(super) fn first(&self) -> &[u8] {
        &self.first
    }

    /// How many bytes came in all.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn inner(&self) -> &dyn Connection {
        &*self.inner
    }

    pub(super) fn inner_mut(&mut self) -> &mut dyn Connection {
        &mut *self.inner
    }
}

impl AsyncRead for Sniffed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        let came = &buffer.filled()[before..];
        let room = KEPT.saturating_sub(self.first.len()).min(came.len());
        self.first.extend_from_slice(&came[..room]);
        self.count += came.len() as u64;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sniffed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
