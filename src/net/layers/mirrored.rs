//! Copies what is read, for a shadow that must never be noticed: what it is too slow to take is
//! dropped and counted, and the stream goes on.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// Copies on their way to a shadow: bounded, and shared between the thread that makes them and the
/// one that takes them.
///
/// After the first drop nothing more is taken: a stream with a gap is another conversation, which
/// the shadow was not asked to have.
#[derive(Debug, Clone)]
pub struct Copies(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Vec<u8>>,
    waiting: usize,
    room: usize,
    dropped: u64,
    broken: bool,
    ended: bool,
}

impl Copies {
    /// Nothing yet, and room for so many bytes.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                waiting: 0,
                room,
                dropped: 0,
                broken: false,
                ended: false,
            }),
            changed: Notify::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a copy, or drops it and all that follow. Never waits.
    pub fn push(&self, bytes: &[u8]) {
        let mut state = self.state();
        if state.broken || state.waiting + bytes.len() > state.room {
            state.broken = true;
            state.dropped += bytes.len() as u64;
        } else {
            state.waiting += bytes.len();
            state.queue.push_back(bytes.to_vec());
        }
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Nothing more will come.
    pub fn end(&self) {
        self.state().ended = true;
        self.0.changed.notify_waiters();
    }

    /// Nobody takes them any more: what waits and what comes is dropped.
    pub fn give_up(&self) {
        let mut state = self.state();
        state.broken = true;
        state.dropped += state.waiting as u64;
        state.waiting = 0;
        state.queue.clear();
    }

    /// Whether there is still somebody to take them: what is not copied then is to be told by
    /// [`Copies::miss`].
    #[must_use]
    pub fn are_wanted(&self) -> bool {
        !self.state().broken
    }

    /// So many bytes have passed that were not copied.
    pub fn miss(&self, count: usize) {
        let mut state = self.state();
        state.broken = true;
        state.dropped += count as u64;
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Bytes that were dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.state().dropped
    }

    /// Waits until nothing more will come. Cancel safe.
    pub async fn ended(&self) {
        loop {
            // Asked for before the look, so that no change in between is missed.
            let changed = self.0.changed.notified();
            if self.state().ended {
                return;
            }
            changed.await;
        }
    }

    /// Waits for the next piece; `None` after the last one before the end or a gap. Cancel safe.
    pub async fn next(&self) -> Option<Vec<u8>> {
        loop {
            let changed = self.0.changed.notified();
            {
                let mut state = self.state();
                if let Some(bytes) = state.queue.pop_front() {
                    state.waiting -= bytes.len();
                    return Some(bytes);
                }
                if state.ended || state.broken {
                    return None;
                }
            }
            changed.await;
        }
    }
}

/// The copies of both ways of a connection, where there are takers; they end with it.
#[derive(Debug, Default)]
pub struct Shadowed {
    /// Of what the client says.
    pub read: Option<Copies>,
    /// Of what it is answered.
    pub written: Option<Copies>,
}

impl Drop for Shadowed {
    fn drop(&mut self) {
        for copies in [&self.read, &self.written].into_iter().flatten() {
            copies.end();
        }
    }
}

/// A stream that is copied: what is read, and where answers are compared what is written.
#[derive(Debug)]
pub struct Mirrored<S> {
    inner: S,
    shadowed: Shadowed,
}

impl<S> Mirrored<S> {
    /// Copies what is read through `inner` and what is written, where there are takers.
    pub fn new(inner: S, shadowed: Shadowed) -> Self {
        Self { inner, shadowed }
    }

    /// The stream itself.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Mirrored<S> {
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
        match &this.shadowed.read {
            Some(copies) if !bytes.is_empty() => copies.push(bytes),
            Some(copies) if asked => copies.end(),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Mirrored<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let count = ready!(Pin::new(&mut this.inner).poll_write(cx, bytes))?;
        if let Some(copies) = &this.shadowed.written
            && count > 0
        {
            copies.push(&bytes[..count]);
        }
        Poll::Ready(Ok(count))
    }

    pass_on!(flush);

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        if let Some(copies) = &this.shadowed.written {
            copies.end();
        }
        Poll::Ready(Ok(()))
    }
}
