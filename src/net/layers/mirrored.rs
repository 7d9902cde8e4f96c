//! Copies what is read, for a shadow that must never be noticed: what it is too slow to take is
//! dropped and counted, and the stream goes on.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// Bytes that are worth a wake-up of whoever takes them.
const PLENTY: usize = 16 << 10;

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
    /// Something came, or nothing more will. Told only then: whoever waits is woken by it, for which
    /// the stream pays.
    came: Notify,
    /// Much waits, or nothing more will come.
    plenty: Notify,
    /// The stream has ended.
    over: Notify,
}

#[derive(Debug)]
struct State {
    /// What waits to be taken.
    waiting: Vec<u8>,
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
                waiting: Vec::new(),
                room,
                dropped: 0,
                broken: false,
                ended: false,
            }),
            came: Notify::new(),
            plenty: Notify::new(),
            over: Notify::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a copy, or drops it and all that follow. Never waits.
    pub fn push(&self, bytes: &[u8]) {
        let mut state = self.state();
        if state.broken || state.waiting.len() + bytes.len() > state.room {
            drop(state);
            return self.miss(bytes.len());
        }
        let before = state.waiting.len();
        state.waiting.extend_from_slice(bytes);
        let is_plenty = before < PLENTY && state.waiting.len() >= PLENTY;
        drop(state);
        self.0.came.notify_waiters();
        if is_plenty {
            self.0.plenty.notify_waiters();
        }
    }

    /// Nothing more will come.
    pub fn end(&self) {
        self.state().ended = true;
        self.no_more();
        self.0.over.notify_waiters();
    }

    fn no_more(&self) {
        self.0.came.notify_waiters();
        self.0.plenty.notify_waiters();
    }

    /// Nobody takes them any more: what waits and what comes is dropped.
    pub fn give_up(&self) {
        let mut state = self.state();
        state.broken = true;
        state.dropped += state.waiting.len() as u64;
        state.waiting = Vec::new();
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
        state.dropped += count as u64;
        if !std::mem::replace(&mut state.broken, true) {
            drop(state);
            self.no_more();
        }
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
            let over = self.0.over.notified();
            if self.state().ended {
                return;
            }
            over.await;
        }
    }

    /// Waits until much waits to be taken, or nothing more will come. Cancel safe.
    pub async fn plenty(&self) {
        loop {
            let plenty = self.0.plenty.notified();
            {
                let state = self.state();
                if state.waiting.len() >= PLENTY || state.ended || state.broken {
                    return;
                }
            }
            plenty.await;
        }
    }

    /// Waits for copies and takes all there are, in place of what `bytes` holds; `false` after the
    /// last before the end or a gap. Cancel safe.
    pub async fn take(&self, bytes: &mut Vec<u8>) -> bool {
        bytes.clear();
        loop {
            let came = self.0.came.notified();
            {
                let mut state = self.state();
                if !state.waiting.is_empty() {
                    std::mem::swap(&mut state.waiting, bytes);
                    return true;
                }
                if state.ended || state.broken {
                    return false;
                }
            }
            came.await;
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_passes_a_shadow_that_takes_nothing_wakes_nobody() {
        let copies = Copies::new(4);
        let wakes = Arc::new(Wakes::default());
        let recorder = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&recorder);
        let mut over = pin!(copies.ended());
        assert!(over.as_mut().poll(&mut cx).is_pending());
        copies.push(b"more than there is room for");
        for _ in 0..100 {
            copies.push(b"x");
            copies.miss(1_000);
        }
        assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
        assert_eq!(copies.dropped(), 27 + 100 * 1_001);
        copies.end();
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert!(over.as_mut().poll(&mut cx).is_ready());
    }

    #[tokio::test]
    async fn whoever_takes_may_wait_for_more_and_is_told_of_the_end() {
        let copies = Copies::new(1 << 20);
        copies.push(b"a little");
        let mut cx = Context::from_waker(Waker::noop());
        let mut plenty = Box::pin(copies.plenty());
        assert!(plenty.as_mut().poll(&mut cx).is_pending());
        copies.push(&[0; PLENTY]);
        assert!(plenty.as_mut().poll(&mut cx).is_ready());
        let mut taken = Vec::new();
        assert!(copies.take(&mut taken).await);
        assert_eq!(taken.len(), PLENTY + 8);
        let mut plenty = Box::pin(copies.plenty());
        assert!(plenty.as_mut().poll(&mut cx).is_pending());
        copies.end();
        assert!(plenty.as_mut().poll(&mut cx).is_ready());
        assert!(!copies.take(&mut taken).await);
    }
}
