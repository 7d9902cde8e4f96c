//! Holds back what is written, so that it arrives later and in its order.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Heard;
use super::alarm::Alarm;
use super::toxics::NONE;
use crate::policy::chance::{Chance, Distribution};

/// Bytes that may be on their way; a writer that is faster waits. It bounds the speed over a long
/// delay: 4 MiB each 200 ms are 20 MiB/s.
const ROOM: usize = 4 << 20;
/// What a piece costs beside its bytes, so that many small ones are bounded too.
const OVERHEAD: usize = 64;

/// How long bytes are held back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Delay {
    /// As long as this. Default: not at all.
    pub latency: Duration,
    /// By about so much more or less. Default: exactly.
    pub jitter: Duration,
    /// How the jitter is spread.
    pub distribution: Distribution,
}

impl Delay {
    fn is_none(self) -> bool {
        self.latency == NONE && self.jitter == NONE
    }
}

/// Pieces on their way. Pure: it is told the time.
#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<(Instant, Vec<u8>)>,
    /// How much of the first has gone.
    gone: usize,
    waiting: usize,
}

impl Queue {
    fn room(&self) -> usize {
        ROOM.saturating_sub(self.waiting)
    }

    /// Takes bytes that are due at `due`, or with those before them if that is later.
    fn push(&mut self, bytes: &[u8], due: Instant) {
        let last = self.pieces.back().map(|(due, _)| *due);
        let due = last.map_or(due, |last| last.max(due));
        self.waiting += bytes.len() + OVERHEAD;
        self.pieces.push_back((due, bytes.to_vec()));
    }

    /// The next bytes, and when they are due.
    fn next(&self) -> Option<(Instant, &[u8])> {
        let (due, bytes) = self.pieces.front()?;
        Some((*due, &bytes[self.gone..]))
    }

    fn went(&mut self, count: usize) {
        self.gone += count;
        let Some((_, bytes)) = self.pieces.front() else {
            return;
        };
        if self.gone >= bytes.len() {
            self.waiting -= bytes.len() + OVERHEAD;
            self.pieces.pop_front();
            self.gone = 0;
        }
    }
}

/// A stream whose written bytes arrive later. What is read passes at once, and takes what is due
/// along: whoever polls the stream moves it.
pub struct Delayed<S> {
    inner: S,
    delay: Rc<Cell<Delay>>,
    queue: Queue,
    chance: Chance,
    alarm: Alarm,
    heard: Heard,
    told: bool,
}

impl<S: std::fmt::Debug> std::fmt::Debug for Delayed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Delayed")
            .field(&self.delay)
            .field(&self.inner)
            .finish()
    }
}

impl<S> Delayed<S> {
    /// Holds back what goes to `inner` as `delay` says at that time; `heard` is told once.
    pub fn new(inner: S, delay: Rc<Cell<Delay>>, chance: Chance, heard: Heard) -> Self {
        Self {
            inner,
            delay,
            queue: Queue::default(),
            chance,
            alarm: Alarm::default(),
            heard,
            told: false,
        }
    }

    /// The stream itself.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes bytes, as many as there is room for.
    fn hold(&mut self, bytes: &[u8]) -> usize {
        let delay = self.delay.get();
        let held = self
            .chance
            .spread(delay.latency, delay.jitter, delay.distribution);
        let count = bytes.len().min(self.queue.room());
        self.queue.push(&bytes[..count], Instant::now() + held);
        if !self.told && !delay.is_none() {
            self.told = true;
            if delay.latency != NONE {
                (self.heard)("delay");
            }
            if delay.jitter != NONE {
                (self.heard)("jitter");
            }
        }
        count
    }
}

impl<S: AsyncWrite + Unpin> Delayed<S> {
    /// Moves what is due; ready when nothing waits any more.
    fn poll_queue(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((due, bytes)) = self.queue.next() {
            if due > Instant::now() {
                ready!(self.alarm.poll(due, cx));
            }
            let count = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.queue.went(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Delayed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let _ = self.poll_queue(cx)?;
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Delayed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let sent = this.poll_queue(cx)?;
        if sent.is_ready() && this.delay.get().is_none() {
            return Pin::new(&mut this.inner).poll_write(cx, bytes);
        }
        if this.queue.room() == 0 {
            return Poll::Pending; // woken when the first has gone
        }
        let count = this.hold(bytes);
        // So that the task is woken when it is due.
        let _ = this.poll_queue(cx)?;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_queue(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_queue(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
