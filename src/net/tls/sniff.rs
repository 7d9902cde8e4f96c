//! A connection that remembers the first bytes that came: what a peer says that does not speak TLS.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::Connection;

/// As much as the evidence of a failure shows.
const KEPT: usize = 64;

/// What came first; it outlives the connection, so that one given up can still be explained.
#[derive(Clone, Debug, Default)]
pub(super) struct First {
    shared: Arc<Mutex<Came>>,
}

/// What came so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Came {
    /// The first bytes.
    pub(super) bytes: Vec<u8>,
    /// How many came in all.
    pub(super) count: u64,
    /// When the first came.
    pub(super) at: Option<Instant>,
}

impl First {
    /// What came until now.
    pub(super) fn came(&self) -> Came {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Came> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_in(&self, bytes: &[u8]) {
        let mut came = self.lock();
        let room = KEPT.saturating_sub(came.bytes.len()).min(bytes.len());
        came.bytes.extend_from_slice(&bytes[..room]);
        came.count += bytes.len() as u64;
        if !bytes.is_empty() {
            came.at.get_or_insert_with(Instant::now);
        }
    }
}

/// The connection below TLS.
#[derive(Debug)]
pub(super) struct Sniffed {
    inner: Box<dyn Connection>,
    first: First,
    /// While hands are shaken: a write that the peer no longer takes is no error yet, because what
    /// it said before it left tells more.
    forgiving: bool,
    broken: Option<io::Error>,
}

impl Sniffed {
    pub(super) fn new(inner: Box<dyn Connection>, first: First) -> Self {
        Self {
            inner,
            first,
            forgiving: true,
            broken: None,
        }
    }

    /// The handshake is over: gives the error of a write during it, and lets later ones through.
    pub(super) fn end_handshake(&mut self) -> Option<io::Error> {
        self.forgiving = false;
        self.broken.take()
    }

    /// Keeps an error that the peer's last words may explain.
    fn forgive(&mut self, error: io::Error, length: usize) -> io::Result<usize> {
        let left = matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        );
        if !self.forgiving || !left {
            return Err(error);
        }
        self.broken.get_or_insert(error);
        Ok(length)
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
        self.first.take_in(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sniffed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.inner).poll_write(cx, bytes)) {
            Ok(count) => Poll::Ready(Ok(count)),
            Err(error) => Poll::Ready(self.forgive(error, bytes.len())),
        }
    }

    pass_on!(together);

    pass_on!(flush);

    pass_on!(shutdown);
}
