//! A stream that goes wrong as asked: it ends, hangs, cuts what is written into pieces, corrupts it.
//!
//! A fault that ends the stream makes reading and writing err with `ConnectionAborted`; how the
//! connection is then ended is [`Faulty::end`]'s to say, because a stream cannot reset itself.

mod corruption;

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use self::corruption::Corruption;
use super::Heard;
use super::alarm::Alarm;
use crate::policy::chance::Chance;
use crate::policy::fault::{After, Fault};

/// How a fault has the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By FIN.
    Fin,
    /// By RST.
    Rst,
    /// Not at all: it hangs.
    Stall,
}

/// The faults that a [`Faulty`] stream is asked for; they can be changed while it is at work.
#[derive(Debug, Default)]
pub struct Misdeeds {
    faults: RefCell<Vec<Fault>>,
    version: Cell<u64>,
}

impl Misdeeds {
    /// Of these faults, those that are this layer's.
    #[must_use]
    pub fn new(faults: &[Fault]) -> Rc<Self> {
        let misdeeds = Self::default();
        misdeeds.set(faults);
        Rc::new(misdeeds)
    }

    /// Whether none of them is this layer's.
    #[must_use]
    pub fn are_none(&self) -> bool {
        Orders::new(&self.faults.borrow()).are_none()
    }

    /// Whether one of them has the stream hang.
    #[must_use]
    pub fn may_stall(&self) -> bool {
        let stalls = |fault: &Fault| matches!(fault, Fault::StallAfter(_));
        self.faults.borrow().iter().any(stalls)
    }

    /// Changes them. Times count anew from the change, bytes from the start of the stream.
    pub fn set(&self, faults: &[Fault]) {
        *self.faults.borrow_mut() = faults.to_vec();
        self.version.set(self.version.get() + 1);
    }
}

/// A fault that ends the stream at some point.
#[derive(Clone, Copy, Debug)]
struct Strike {
    word: &'static str,
    after: After,
    end: End,
}

/// What the faults come to.
#[derive(Debug, Default)]
struct Orders {
    strikes: Vec<Strike>,
    half_close: bool,
    hang_up_on: Vec<Vec<u8>>,
    slow_close: Duration,
    slice: Option<usize>,
    corrupt: f64,
}

impl Orders {
    fn new(faults: &[Fault]) -> Self {
        let mut orders = Self::default();
        for fault in faults {
            orders.add(fault);
        }
        orders
    }

    fn are_none(&self) -> bool {
        let ends = self.strikes.is_empty() && !self.half_close && self.hang_up_on.is_empty();
        ends && self.slow_close.is_zero() && self.slice.is_none() && self.corrupt <= 0.0
    }

    fn add(&mut self, fault: &Fault) {
        let mut strike = |after: After, end| {
            let word = fault.word();
            self.strikes.push(Strike { word, after, end });
        };
        match fault {
            Fault::StallAfter(after) => strike(*after, End::Stall),
            Fault::RstAfter(after) => strike(*after, End::Rst),
            Fault::FinAfter(after) => strike(*after, End::Fin),
            Fault::CloseOnAccept => strike(After::Bytes(0), End::Fin),
            Fault::HalfClose => self.half_close = true,
            Fault::HangUpOn(text) => self.hang_up_on.push(text.clone()),
            Fault::SlowClose(time) => self.slow_close = *time,
            Fault::Slice(size) => self.slice = Some(*size),
            Fault::Corrupt(share) => self.corrupt = *share,
            // Those of other layers, of listeners and of datagrams.
            _ => {}
        }
    }
}

/// A stream with faults.
pub struct Faulty<S> {
    inner: S,
    misdeeds: Rc<Misdeeds>,
    version: u64,
    orders: Orders,
    /// When the stream began, or its faults were last changed.
    started: Instant,
    corruption: Corruption,
    /// Whether bytes received count for the strikes, because none are ever sent.
    count_received: bool,
    passed: u64,
    ended: Option<End>,
    half_closed: bool,
    /// The last bytes received, as many as a text to hang up on may begin with.
    tail: Vec<u8>,
    /// When the slow close is due, once it has begun.
    close_at: Option<Instant>,
    alarm: Alarm,
    close_alarm: Alarm,
    told: Vec<&'static str>,
    heard: Heard,
}

impl<S> std::fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faulty")
            .field("orders", &self.orders)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl<S> Faulty<S> {
    /// Applies `misdeeds` to `inner`. `heard` is told of each fault once.
    pub fn new(inner: S, misdeeds: Rc<Misdeeds>, chance: Chance, heard: Heard) -> Self {
        let orders = Orders::new(&misdeeds.faults.borrow());
        Self {
            inner,
            version: misdeeds.version.get(),
            misdeeds,
            started: Instant::now(),
            corruption: Corruption::new(orders.corrupt, chance),
            orders,
            count_received: false,
            passed: 0,
            ended: None,
            half_closed: false,
            tail: Vec::new(),
            close_at: None,
            alarm: Alarm::default(),
            close_alarm: Alarm::default(),
            told: Vec::new(),
            heard,
        }
    }

    /// Lets the bytes received, not those sent, count for faults that strike after some.
    pub fn count_received(&mut self) {
        self.count_received = true;
    }

    /// How a fault has ended the stream, if one has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.ended
    }

    /// The stream itself.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Tells of a fault, once.
    fn tell(&mut self, word: &'static str) {
        if !self.told.contains(&word) {
            self.told.push(word);
            (self.heard)(word);
        }
    }

    /// Takes over faults that have changed. A stream that hangs goes on if nothing holds it any more.
    fn take_note(&mut self) {
        let version = self.misdeeds.version.get();
        if version == self.version {
            return;
        }
        self.version = version;
        self.orders = Orders::new(&self.misdeeds.faults.borrow());
        self.corruption.change(self.orders.corrupt);
        self.started = Instant::now();
        self.told.clear();
        if self.ended == Some(End::Stall) {
            self.ended = None;
        }
    }

    /// Bytes that may still pass before a fault strikes.
    fn room(&self) -> usize {
        let limits = self
            .orders
            .strikes
            .iter()
            .filter_map(|strike| match strike.after {
                After::Bytes(bytes) if !self.count_received => {
                    Some(bytes.saturating_sub(self.passed))
                }
                _ => None,
            });
        limits.min().map_or(usize::MAX, |room| {
            usize::try_from(room).unwrap_or(usize::MAX)
        })
    }

    /// Ends the stream if a fault is due; else sees to it that the task is woken when one is.
    fn poll_strikes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.take_note();
        while self.ended.is_none() {
            let lasted = self.started.elapsed();
            let due = |strike: &&Strike| match strike.after {
                After::Bytes(bytes) => self.passed >= bytes,
                After::Time(time) => lasted >= time,
            };
            if let Some(strike) = self.orders.strikes.iter().find(due).copied() {
                self.ended = Some(strike.end);
                self.tell(strike.word);
                break;
            }
            match self.next_strike() {
                Some(at) if self.alarm.poll(at, cx).is_ready() => {} // it is due by now
                _ => break,
            }
        }
        match self.ended {
            None => Poll::Ready(Ok(())),
            Some(End::Stall) => Poll::Pending,
            Some(End::Fin | End::Rst) => Poll::Ready(Err(aborted())),
        }
    }

    fn next_strike(&self) -> Option<Instant> {
        let times = self
            .orders
            .strikes
            .iter()
            .filter_map(|strike| match strike.after {
                After::Time(time) => Some(self.started + time),
                After::Bytes(_) => None,
            });
        times.min()
    }

    /// Whether a text to hang up on is in what has come.
    fn watch_for(&mut self, bytes: &[u8]) {
        let longest = self.orders.hang_up_on.iter().map(Vec::len).max();
        let Some(longest) = longest else { return };
        self.tail.extend_from_slice(bytes);
        let found = |text: &Vec<u8>| {
            !text.is_empty() && self.tail.windows(text.len()).any(|window| window == text)
        };
        if self.orders.hang_up_on.iter().any(found) {
            self.ended = Some(End::Fin);
            self.tell("hang-up-on");
        }
        let keep = longest.saturating_sub(1).min(self.tail.len());
        self.tail.drain(..self.tail.len() - keep);
    }

    fn count(&mut self, count: usize, received: bool) {
        if self.count_received == received {
            self.passed += count as u64;
        }
    }
}

impl<S: AsyncWrite + Unpin> Faulty<S> {
    /// Ends the sending side before anything is sent, where that is the fault.
    fn poll_half_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.orders.half_close && !self.half_closed {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            self.half_closed = true;
            self.tell("half-close");
        }
        Poll::Ready(Ok(()))
    }

    /// Waits before the end, where that is the fault.
    fn poll_slow_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.orders.slow_close.is_zero() {
            return Poll::Ready(());
        }
        let due = *self
            .close_at
            .get_or_insert_with(|| Instant::now() + self.orders.slow_close);
        ready!(self.close_alarm.poll(due, cx));
        self.tell("slow-close");
        Poll::Ready(())
    }

    fn poll_send(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.corruption.is_on() {
            return Pin::new(&mut self.inner).poll_write(cx, bytes);
        }
        let (corrupt, any) = self.corruption.corrupted(bytes);
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, &corrupt))?;
        self.corruption.pass(count);
        if any {
            self.tell("corrupt");
        }
        Poll::Ready(Ok(count))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Faulty<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_strikes(cx))?;
        ready!(this.poll_half_close(cx))?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        let bytes = &buffer.filled()[before..];
        this.count(bytes.len(), true);
        if !this.orders.hang_up_on.is_empty() {
            this.watch_for(bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Faulty<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.poll_strikes(cx))?;
        ready!(this.poll_half_close(cx))?;
        if this.half_closed {
            return Poll::Ready(Ok(bytes.len())); // it is said to nobody
        }
        let slice = this.orders.slice.unwrap_or(usize::MAX).max(1);
        if slice < bytes.len() {
            this.tell("slice");
        }
        let part = &bytes[..bytes.len().min(this.room()).min(slice)];
        let count = ready!(this.poll_send(part, cx))?;
        this.count(count, false);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_strikes(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_strikes(cx))?;
        ready!(self.poll_slow_close(cx));
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The error of a stream that a fault has ended.
fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "ended by a fault")
}
