//! What was written goes on its way while the stream is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that flushes when it is read.
///
/// TLS takes bytes that the socket below does not take yet, and sends them when it is next written to or
/// flushed. Who has said everything and waits for an answer would wait for ever. Over this, bytes that
/// were taken arrive as they do over a socket, as long as somebody reads.
#[derive(Debug)]
pub struct Flushed<S> {
    inner: S,
    unflushed: bool,
}

impl<S> Flushed<S> {
    /// Flushes `inner` when it is read.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            unflushed: false,
        }
    }

    /// The stream itself.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The stream itself.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Flushed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unflushed {
            // An error is told by the next write; what the peer has said before is still to be read.
            self.unflushed = Pin::new(&mut self.inner).poll_flush(cx).is_pending();
        }
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Flushed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.unflushed = true;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.unflushed = flushed.is_pending();
        flushed
    }

    pass_on!(shutdown);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};

    use super::*;

    #[tokio::test]
    async fn what_was_written_arrives_while_the_answer_is_waited_for() {
        let (near, mut far) = tokio::io::duplex(64);
        // As TLS does, it takes more than the stream below.
        let mut stream = Flushed::new(BufWriter::with_capacity(1 << 20, near));
        let question = vec![7; 100_000];
        stream.write_all(&question).await.unwrap();
        let peer = async move {
            let mut heard = vec![0; 100_000];
            far.read_exact(&mut heard).await.unwrap();
            far.write_all(b"!").await.unwrap();
            heard
        };
        let (answer, heard) = tokio::join!(stream.read_u8(), peer);
        assert_eq!((answer.unwrap(), heard), (b'!', question));
    }
}
