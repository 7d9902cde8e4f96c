//! A stream that goes wrong as asked.
//!
//! A fault that ends the stream makes reading and writing err with `ConnectionAborted`; how the
//! connection is then ended is [`Faulty::end`]'s to say, because a stream cannot reset itself.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::outgoing::{Next, Outgoing, Treatment};
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

/// Hears of each fault when it is first applied, by its word.
pub type Heard = Box<dyn FnMut(&'static str) + Send>;

/// A fault that ends the stream at some point.
#[derive(Clone, Debug)]
struct Strike {
    word: &'static str,
    after: After,
    end: End,
}

/// A stream with faults.
#[expect(clippy::struct_excessive_bools, reason = "independent states")]
pub struct Faulty<S> {
    inner: S,
    started: Instant,
    outgoing: Outgoing,
    /// Whether bytes go through `outgoing`.
    treated: bool,
    strikes: Vec<Strike>,
    /// Whether bytes received count for the strikes, because none are ever sent.
    count_received: bool,
    passed: u64,
    ended: Option<End>,
    half_closed: bool,
    hang_up_on: Vec<Vec<u8>>,
    /// The last bytes received, as many as a text to hang up on may begin with.
    tail: Vec<u8>,
    slow_close: Duration,
    closing: bool,
    timer: Option<Pin<Box<Sleep>>>,
    words: Vec<&'static str>,
    heard: Heard,
}

impl<S> std::fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faulty")
            .field("strikes", &self.strikes)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl<S> Faulty<S> {
    /// Applies `faults`, those of streams, to `inner`. `heard` is told of each once.
    pub fn new(inner: S, faults: &[Fault], chance: Chance, heard: Heard) -> Self {
        let mut treatment = Treatment::default();
        let (mut strikes, mut hang_up_on, mut words) = (Vec::new(), Vec::new(), Vec::new());
        let (mut half_closed, mut slow_close) = (false, Duration::ZERO);
        let mut strike = |fault: &Fault, after: After, end| {
            let word = fault.word();
            strikes.push(Strike { word, after, end });
        };
        for fault in faults {
            match fault {
                Fault::Delay(time) => treatment.delay = *time,
                Fault::Jitter(time) => treatment.jitter = *time,
                Fault::Throttle(rate) => treatment.rate = Some(*rate),
                Fault::Slice(size) => treatment.slice = Some(*size),
                Fault::Corrupt(share) => treatment.corrupt = *share,
                Fault::StallAfter(after) => strike(fault, *after, End::Stall),
                Fault::RstAfter(after) => strike(fault, *after, End::Rst),
                Fault::FinAfter(after) => strike(fault, *after, End::Fin),
                Fault::CloseOnAccept => strike(fault, After::Bytes(0), End::Fin),
                Fault::HalfClose => half_closed = true,
                Fault::HangUpOn(text) => hang_up_on.push(text.clone()),
                Fault::SlowClose(time) => slow_close = *time,
                // Those of listeners and of datagrams.
                _ => continue,
            }
            words.push(fault.word());
        }
        Self {
            inner,
            started: Instant::now(),
            treated: !treatment.is_plain(),
            outgoing: Outgoing::new(treatment, chance),
            strikes,
            count_received: false,
            passed: 0,
            ended: None,
            half_closed,
            hang_up_on,
            tail: Vec::new(),
            slow_close,
            closing: false,
            timer: None,
            words,
            heard,
        }
    }

    /// Lets the bytes received, not those sent, count for faults that strike after some.
    #[must_use]
    pub fn counting_received(mut self) -> Self {
        self.count_received = true;
        self
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
        if let Some(at) = self.words.iter().position(|known| *known == word) {
            self.words.swap_remove(at);
            (self.heard)(word);
        }
    }

    fn tell_treatments(&mut self) {
        for word in ["delay", "jitter", "throttle", "slice", "corrupt"] {
            self.tell(word);
        }
    }

    /// Bytes that may still pass before a fault strikes.
    fn room(&self) -> u64 {
        let limits = self.strikes.iter().filter_map(|strike| match strike.after {
            After::Bytes(bytes) => Some(bytes.saturating_sub(self.passed)),
            After::Time(_) => None,
        });
        limits.min().unwrap_or(u64::MAX)
    }

    fn pass(&mut self, count: usize) {
        self.passed += count as u64;
    }

    /// Ends the stream if a fault is due; else sees to it that the task is woken when one is.
    fn poll_strikes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended.is_none() {
            let now = self.started.elapsed();
            let due = |strike: &&Strike| match strike.after {
                After::Bytes(bytes) => self.passed >= bytes,
                After::Time(time) => now >= time,
            };
            if let Some(strike) = self.strikes.iter().find(due).cloned() {
                self.ended = Some(strike.end);
                self.tell(strike.word);
            } else if let Some(at) = self.next_strike() {
                self.sleep_until(at, cx);
            }
        }
        match self.ended {
            None => Poll::Ready(Ok(())),
            Some(End::Stall) => Poll::Pending,
            Some(End::Fin | End::Rst) => Poll::Ready(Err(aborted())),
        }
    }

    fn next_strike(&self) -> Option<Instant> {
        let times = self.strikes.iter().filter_map(|strike| match strike.after {
            After::Time(time) => Some(self.started + time),
            After::Bytes(_) => None,
        });
        times.min()
    }

    /// Wakes the task at `at`, or at the time it already waits for, if that is sooner.
    fn sleep_until(&mut self, at: Instant, cx: &mut Context<'_>) {
        let due = self.timer.as_ref().map(|timer| timer.deadline());
        match &mut self.timer {
            Some(timer) if due.is_none_or(|due| at < due || due <= Instant::now()) => {
                timer.as_mut().reset(at);
            }
            Some(_) => {}
            None => self.timer = Some(Box::pin(tokio::time::sleep_until(at))),
        }
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(cx).is_ready()
        {
            // It is over already: look again at once.
            cx.waker().wake_by_ref();
        }
    }

    /// Whether a text to hang up on is in what has come.
    fn watch_for(&mut self, bytes: &[u8]) {
        let longest = self.hang_up_on.iter().map(Vec::len).max();
        let Some(longest) = longest else { return };
        self.tail.extend_from_slice(bytes);
        let found = |text: &Vec<u8>| {
            !text.is_empty() && self.tail.windows(text.len()).any(|window| window == text)
        };
        if self.hang_up_on.iter().any(found) {
            self.ended = Some(End::Fin);
            self.tell("hang-up-on");
        }
        let keep = longest.saturating_sub(1).min(self.tail.len());
        self.tail.drain(..self.tail.len() - keep);
    }
}

impl<S: AsyncWrite + Unpin> Faulty<S> {
    /// Moves what is due to the stream; ready when nothing waits any more.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_strikes(cx))?;
            let room = if self.count_received {
                u64::MAX
            } else {
                self.room()
            };
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let now = self.started.elapsed();
            match self.outgoing.next(now, room) {
                Next::Nothing => return Poll::Ready(Ok(())),
                Next::At(at) => {
                    let at = self.started + at;
                    self.sleep_until(at, cx);
                    return Poll::Pending;
                }
                Next::Bytes(bytes) => {
                    let count = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
                    self.outgoing.went(count);
                    if !self.count_received {
                        self.pass(count);
                    }
                }
            }
        }
    }

    /// Ends the sending side before anything is sent, where that is the fault.
    fn poll_half_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.half_closed && self.words.contains(&"half-close") {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            self.tell("half-close");
        }
        Poll::Ready(Ok(()))
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
        if this.treated {
            // What waits goes on its way whoever is polled.
            let _ = this.poll_outgoing(cx)?;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        let count = buffer.filled().len() - before;
        if this.count_received {
            this.pass(count);
        }
        if !this.hang_up_on.is_empty() {
            this.watch_for(&buffer.filled()[before..]);
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
        if !this.treated {
            let room = if this.count_received {
                usize::MAX
            } else {
                usize::try_from(this.room()).unwrap_or(usize::MAX)
            };
            let part = &bytes[..bytes.len().min(room)];
            let count = ready!(Pin::new(&mut this.inner).poll_write(cx, part))?;
            if !this.count_received {
                this.pass(count);
            }
            return Poll::Ready(Ok(count));
        }
        if this.outgoing.is_full() {
            ready!(this.poll_outgoing(cx))?;
        }
        let now = this.started.elapsed();
        let count = this.outgoing.push(bytes, now);
        this.tell_treatments();
        // What waits for its time goes later.
        let _ = this.poll_outgoing(cx)?;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_strikes(cx))?;
        if this.treated {
            ready!(this.poll_outgoing(cx))?;
        }
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_strikes(cx))?;
        if this.treated {
            ready!(this.poll_outgoing(cx))?;
        }
        if !this.slow_close.is_zero() {
            if !this.closing {
                this.closing = true;
                this.strikes.push(Strike {
                    word: "slow-close",
                    after: After::Time(this.started.elapsed() + this.slow_close),
                    end: End::Fin,
                });
            }
            ready!(this.poll_strikes(cx))?;
            return Poll::Pending;
        }
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}

/// The error of a stream that a fault has ended.
fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "ended by a fault")
}
