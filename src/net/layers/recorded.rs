//! Shows every piece that passes to whoever keeps it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Which way a piece went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It was read.
    In,
    /// It was written.
    Out,
}

/// Takes pieces as they pass; an empty one is the end of its way.
pub type Tape = Box<dyn FnMut(Way, &[u8])>;

/// A stream whose bytes are shown to a [`Tape`].
pub struct Recorded<S> {
    inner: S,
    tape: Option<Tape>,
    /// Whether the end of what is read, and of what is written, was shown.
    ended: (bool, bool),
}

impl<S: std::fmt::Debug> std::fmt::Debug for Recorded<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let on = self.tape.is_some();
        f.debug_tuple("Recorded")
            .field(&on)
            .field(&self.inner)
            .finish()
    }
}

impl<S> Recorded<S> {
    /// Shows what passes through `inner` to `tape`, if there is one.
    pub fn new(inner: S, tape: Option<Tape>) -> Self {
        Self {
            inner,
            tape,
            ended: (false, false),
        }
    }

    /// The stream itself.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let asked = buffer.remaining() > 0;
        ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        let bytes = &buffer.filled()[before..];
        if let Some(tape) = &mut this.tape
            && asked
            && !this.ended.0
        {
            this.ended.0 = bytes.is_empty();
            tape(Way::In, bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let count = ready!(Pin::new(&mut this.inner).poll_write(cx, bytes))?;
        if let Some(tape) = &mut this.tape
            && count > 0
        {
            tape(Way::Out, &bytes[..count]);
        }
        Poll::Ready(Ok(count))
    }

    pass_on!(flush);

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        if let Some(tape) = &mut this.tape
            && !this.ended.1
        {
            this.ended.1 = true;
            tape(Way::Out, &[]);
        }
        Poll::Ready(Ok(()))
    }
}
