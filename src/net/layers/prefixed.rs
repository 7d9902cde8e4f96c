//! Gives back bytes that were read too far.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that reads these bytes first, then its own.
#[derive(Debug)]
pub struct Prefixed<S> {
    inner: S,
    first: Vec<u8>,
    read: usize,
}

impl<S> Prefixed<S> {
    /// Puts `first` before what `inner` will read.
    pub fn new(inner: S, first: Vec<u8>) -> Self {
        Self {
            inner,
            first,
            read: 0,
        }
    }

    /// The stream itself.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let left = &this.first[this.read..];
        if left.is_empty() {
            return Pin::new(&mut this.inner).poll_read(cx, buffer);
        }
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        this.read += count;
        if this.read == this.first.len() {
            this.first = Vec::new();
            this.read = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    pass_on!(write);

    pass_on!(together);

    pass_on!(flush);

    pass_on!(shutdown);
}
