//! Counts what passes, and remembers when.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Shows the first bytes that are received, and says whether more came with them.
pub type Shown = Box<dyn Fn(Vec<u8>, bool)>;

/// What is known of a stream that passes through [`Metered`]; shared with whoever watches it.
pub struct Meter {
    received: Cell<u64>,
    sent: Cell<u64>,
    last: Cell<Instant>,
    /// Bytes that may be received; then the stream is at its limit.
    most: Option<u64>,
    over: Cell<bool>,
    /// How many of the first bytes are still to be shown.
    show: Cell<usize>,
    shown: Shown,
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Meter({} in, {} out)",
            self.received.get(),
            self.sent.get()
        )
    }
}

impl Meter {
    /// Counts from zero; allows `most` bytes to be received, and shows the first `show`.
    #[must_use]
    pub fn new(most: Option<u64>, show: usize, shown: Shown) -> Rc<Self> {
        Rc::new(Self {
            received: Cell::new(0),
            sent: Cell::new(0),
            last: Cell::new(Instant::now()),
            most,
            over: Cell::new(false),
            show: Cell::new(show),
            shown,
        })
    }

    /// Counts from zero and does nothing else.
    #[must_use]
    pub fn plain() -> Rc<Self> {
        Self::new(None, 0, Box::new(|_, _| ()))
    }

    /// Adds bytes that pass elsewhere, now.
    pub fn pass(&self, received: u64, sent: u64) {
        self.pass_at(Instant::now(), received, sent);
    }

    /// The same by a clock that was read already.
    pub fn pass_at(&self, now: Instant, received: u64, sent: u64) {
        self.received.set(self.received.get() + received);
        self.sent.set(self.sent.get() + sent);
        self.last.set(now);
    }

    /// Bytes received.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.get()
    }

    /// Bytes sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// When bytes last passed; at first, when the stream began.
    #[must_use]
    pub fn last(&self) -> Instant {
        self.last.get()
    }

    /// Whether more was to be received than is allowed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.get()
    }

    fn receive(&self, bytes: &[u8]) {
        self.received.set(self.received.get() + bytes.len() as u64);
        self.last.set(Instant::now());
        let show = self.show.get().min(bytes.len());
        if show > 0 {
            self.show.set(self.show.get() - show);
            (self.shown)(bytes[..show].to_vec(), bytes.len() > show);
        }
    }

    fn send(&self, count: usize) {
        self.sent.set(self.sent.get() + count as u64);
        self.last.set(Instant::now());
    }

    /// How many bytes may still be received.
    fn room(&self) -> usize {
        let room = self
            .most
            .map_or(u64::MAX, |most| most.saturating_sub(self.received.get()));
        usize::try_from(room).unwrap_or(usize::MAX)
    }
}

/// A stream that is counted. At its limit reading errs with `QuotaExceeded`.
#[derive(Debug)]
pub struct Metered<S> {
    inner: S,
    meter: Rc<Meter>,
}

impl<S> Metered<S> {
    /// Counts what passes through `inner`.
    pub fn new(inner: S, meter: Rc<Meter>) -> Self {
        Self { inner, meter }
    }

    /// The stream itself.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = self.meter.room();
        if room == 0 {
            self.meter.over.set(true);
            return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
        }
        // So that `advance` below is about bytes that count as written.
        buffer.initialize_unfilled();
        let mut part = buffer.take(room);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        let count = part.filled().len();
        self.meter.receive(part.filled());
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.meter.send(count);
        Poll::Ready(Ok(count))
    }

    pass_on!(flush);

    pass_on!(shutdown);
}
