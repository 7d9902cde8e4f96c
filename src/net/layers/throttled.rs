//! Lets through so many bytes a second.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Heard;
use super::alarm::Alarm;

/// What a rate allows in this time goes in one piece, so that it is smooth, and a fast one is not a
/// thousand wake-ups a second.
const TICK: f64 = 0.01;

/// How fast bytes may be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Bytes a second. Default: without limit.
    pub bytes_per_second: Option<u64>,
    /// Bytes that may go at once after a pause, and at the start. Default: those of 20 ms, and none
    /// at the start.
    pub burst: Option<u64>,
}

/// A token bucket. Pure: it is told the time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    since: Instant,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes of a fraction of a second, never negative"
)]
impl Bucket {
    fn new(rate: Rate, now: Instant) -> Self {
        let tokens = rate.burst.unwrap_or(0) as f64;
        Self { tokens, since: now }
    }

    /// How many bytes may go now, or when some may.
    fn allowed(&mut self, speed: u64, burst: Option<u64>, now: Instant) -> Result<usize, Instant> {
        let speed = speed.max(1) as f64;
        let piece = (speed * TICK).max(1.0);
        let most = burst.map_or(piece * 2.0, |burst| (burst as f64).max(1.0));
        let gained = now.saturating_duration_since(self.since).as_secs_f64() * speed;
        self.tokens = (self.tokens + gained).min(most);
        self.since = now;
        // What is missing by a rounding error is there.
        if self.tokens >= 1.0 - 1e-6 {
            return Ok((self.tokens + 1e-6) as usize);
        }
        let wait = (piece.min(most) - self.tokens).max(1.0) / speed;
        Err(now + Duration::from_secs_f64(wait).max(Duration::from_micros(1)))
    }

    fn spend(&mut self, count: usize) {
        self.tokens -= count as f64;
    }
}

/// A stream that is written no faster than a rate; reading is not slowed.
pub struct Throttled<S> {
    inner: S,
    rate: Rc<Cell<Rate>>,
    bucket: Option<Bucket>,
    alarm: Alarm,
    heard: Heard,
    told: bool,
}

impl<S: std::fmt::Debug> std::fmt::Debug for Throttled<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Throttled")
            .field(&self.rate)
            .field(&self.inner)
            .finish()
    }
}

impl<S> Throttled<S> {
    /// Writes to `inner` as fast as `rate` says at that time; `heard` is told once.
    pub fn new(inner: S, rate: Rc<Cell<Rate>>, heard: Heard) -> Self {
        Self {
            inner,
            rate,
            bucket: None,
            alarm: Alarm::default(),
            heard,
            told: false,
        }
    }

    /// The stream itself.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Throttled<S> {
    pass_on!(read);
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Throttled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let rate = this.rate.get();
        let Some(speed) = rate.bytes_per_second else {
            this.bucket = None;
            return Pin::new(&mut this.inner).poll_write(cx, bytes);
        };
        if !this.told {
            this.told = true;
            (this.heard)("throttle");
        }
        let now = Instant::now();
        let bucket = this.bucket.get_or_insert_with(|| Bucket::new(rate, now));
        let allowed = loop {
            match bucket.allowed(speed, rate.burst, Instant::now()) {
                Ok(allowed) => break allowed,
                Err(at) => ready!(this.alarm.poll(at, cx)),
            }
        };
        let part = &bytes[..bytes.len().min(allowed)];
        let count = ready!(Pin::new(&mut this.inner).poll_write(cx, part))?;
        bucket.spend(count);
        Poll::Ready(Ok(count))
    }

    pass_on!(flush);

    pass_on!(shutdown);
}
