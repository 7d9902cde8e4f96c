//! Moves bytes between two sockets, both ways, as fast as the system can.
//!
//! Separate from the layered way (`listen::forward`), which can look at what passes. What is read is
//! written at once, from a buffer that all relays of a thread share; only what the other side does
//! not take gets memory, until which nothing more is read. A connection that streams goes through a
//! pipe (`splice`), without its bytes being copied.

mod course;

use std::cell::RefCell;
use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::time::Instant;

use self::course::Course;
use super::Connection;
use super::layers::{Meter, Shadowed};
use super::serve::pipes::{CAPACITY, Pipes};
use super::sockopt;
use super::sys::{self, Pipe, Watched};

/// Bytes copied at once.
const BUFFER: usize = 64 << 10;
/// Full reads in a row that show that a connection streams.
const STREAMS: u8 = 2;
/// A piece through the pipe that is smaller than this is better copied.
const WORTH_A_PIPE: usize = 16 << 10;

/// The bare socket of a connection: what is written to it is what the wire carries.
#[derive(Clone, Copy, Debug)]
pub struct Bare<'a>(&'a Watched);

impl<'a> Bare<'a> {
    pub(super) fn new(io: &'a Watched) -> Self {
        Self(io)
    }

    /// Sends small pieces at once (`TCP_NODELAY`), as whoever passes bytes on must, and does not let
    /// large ones wait where they are of no use (`TCP_NOTSENT_LOWAT`).
    pub fn send_at_once(self) {
        let fd = self.0.as_fd();
        // A Unix socket has no such options, and needs none.
        let _ = sys::set_int(fd, (libc::IPPROTO_TCP, libc::TCP_NODELAY), 1);
        sockopt::let_little_wait(fd);
    }
}

/// One of the two ends of a forwarded connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who has connected to us.
    Client,
    /// Whom we have connected to.
    Upstream,
}

/// An end has failed.
#[derive(Debug)]
pub struct Broken {
    /// Which.
    pub side: Side,
    /// How.
    pub error: io::Error,
}

/// What all relays of a thread share.
#[derive(Clone, Debug)]
pub struct Relay(Rc<RefCell<Shared>>);

#[derive(Debug)]
struct Shared {
    buffer: Box<[u8]>,
    pipes: Pipes,
}

impl Default for Relay {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Shared {
            buffer: vec![0; BUFFER].into(),
            pipes: Pipes::default(),
        })))
    }
}

/// The two ends of a relay, with what counts their bytes.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// The client's socket.
    pub client: Bare<'a>,
    /// The service's socket.
    pub upstream: Bare<'a>,
    /// Counts what passes to and from the client.
    pub client_meter: &'a Meter,
    /// Counts what passes to and from the service.
    pub upstream_meter: &'a Meter,
}

impl<'a> Ends<'a> {
    /// The ends of two connections; `None` if one of them is not a bare stream.
    #[must_use]
    pub fn new(
        client: &'a dyn Connection,
        upstream: &'a dyn Connection,
        client_meter: &'a Meter,
        upstream_meter: &'a Meter,
    ) -> Option<Self> {
        let (client, upstream) = (client.bare()?, upstream.bare()?);
        Some(Self {
            client,
            upstream,
            client_meter,
            upstream_meter,
        })
    }
}

impl Relay {
    /// Moves bytes until both sides have closed; the end of one is passed on to the other. Returns
    /// who closed first.
    ///
    /// `first` goes to the service before anything that the client sends from now on; `shadowed` gets
    /// copies of what both say. While they are wanted bytes are copied, and then no longer. Errs when
    /// one of them fails. Not cancel safe: bytes on their way are lost when it is dropped.
    pub async fn run(
        &self,
        ends: Ends<'_>,
        shadowed: &Shadowed,
        first: Vec<u8>,
    ) -> Result<Side, Broken> {
        let mut up = Lane::default();
        if !first.is_empty() {
            let (bytes, sent) = (first.into(), 0);
            up.extra = Some(Extra::Bytes { bytes, sent });
        }
        let mut down = Lane::default();
        let mut closer = None;
        let courses = (Course::up(&ends, shadowed), Course::down(&ends, shadowed));
        let moved = std::future::poll_fn(|cx| {
            let first = up.poll(&courses.0, self, cx)?;
            if first.is_ready() {
                closer.get_or_insert(Side::Client);
            }
            let second = down.poll(&courses.1, self, cx)?;
            if second.is_ready() {
                closer.get_or_insert(Side::Upstream);
            }
            ready!(first);
            ready!(second);
            Poll::Ready(Ok(()))
        });
        let result = moved.await;
        self.clear(&mut up);
        self.clear(&mut down);
        result.map(|()| closer.unwrap_or(Side::Client))
    }

    fn clear(&self, lane: &mut Lane) {
        if let Some(Extra::Piped { .. }) = lane.extra.take() {
            self.0.borrow_mut().pipes.lose();
        }
    }
}

/// What the other side has not taken yet.
#[derive(Debug)]
enum Extra {
    Bytes { bytes: Box<[u8]>, sent: usize },
    Piped { pipe: Pipe, held: usize },
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    extra: Option<Extra>,
    /// Full reads in a row.
    streak: u8,
    /// The source has closed.
    ended: bool,
    /// The sink was told so.
    done: bool,
}

impl Lane {
    /// Ready when the source has closed and everything, its end too, was passed on.
    fn poll(
        &mut self,
        course: &Course<'_>,
        relay: &Relay,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Broken>> {
        while !self.done {
            ready!(self.poll_extra(course, relay, cx))
                .map_err(|error| course.sink_failed(error))?;
            if self.ended {
                match sys::shutdown_write(course.to.as_fd()) {
                    // It has gone already, which its own direction will tell.
                    Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) => {}
                    result => result.map_err(|error| course.sink_failed(error))?,
                }
                self.done = true;
                break;
            }
            ready!(self.poll_source(course, relay, cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what waits.
    fn poll_extra(
        &mut self,
        course: &Course<'_>,
        relay: &Relay,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let moved = match &mut self.extra {
                None => return Poll::Ready(Ok(())),
                Some(Extra::Bytes { bytes, sent }) => {
                    let rest = &bytes[*sent..];
                    let count =
                        ready!(poll_write(course.to, cx, |fd| sys::send(fd.as_fd(), rest)))?;
                    *sent += count;
                    (count, *sent == bytes.len())
                }
                Some(Extra::Piped { pipe, held }) => {
                    let all = *held;
                    let count =
                        ready!(poll_write(course.to, cx, |fd| pipe.drain(fd.as_fd(), all)))?;
                    *held -= count;
                    (count, *held == 0)
                }
            };
            course.written(moved.0, Instant::now());
            if moved.1
                && let Some(Extra::Piped { pipe, .. }) = self.extra.take()
            {
                relay.0.borrow_mut().pipes.give(pipe);
            }
        }
    }

    /// Takes what the source has, and sends it if that can be done at once.
    fn poll_source(
        &mut self,
        course: &Course<'_>,
        relay: &Relay,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Broken>> {
        let mut guard =
            ready!(course.from.poll_read_ready(cx)).map_err(|error| course.source_failed(error))?;
        let shared = &mut *relay.0.borrow_mut();
        if self.streak >= STREAMS
            && course.may_be_blind()
            && let Some(pipe) = shared.pipes.take(|| true)
        {
            let filled = guard.try_io(|io| pipe.fill(io.as_fd(), CAPACITY));
            return Poll::Ready(self.piped(pipe, filled, course, shared));
        }
        let buffer = &mut shared.buffer;
        match guard.try_io(|io| sys::receive(io.as_fd(), buffer)) {
            Err(_would_block) => {}
            Ok(Ok(0)) => self.end(course),
            Ok(Ok(count)) => {
                // Read and sent in one breath: the clock is read once.
                let now = Instant::now();
                course.read(&buffer[..count], now);
                if count < buffer.len() {
                    // That was all: the next event says when there is more.
                    guard.clear_ready();
                    self.streak = 0;
                } else {
                    self.streak = self.streak.saturating_add(1);
                }
                self.pass_on(&buffer[..count], course, now)
                    .map_err(|error| course.sink_failed(error))?;
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(Err(error)) => return Poll::Ready(Err(course.source_failed(error))),
        }
        Poll::Ready(Ok(()))
    }

    fn piped(
        &mut self,
        pipe: Pipe,
        filled: Result<io::Result<usize>, tokio::io::unix::TryIoError>,
        course: &Course<'_>,
        shared: &mut Shared,
    ) -> Result<(), Broken> {
        match filled {
            Ok(Ok(held)) if held > 0 => {
                course.read_blind(held);
                self.streak = if held < WORTH_A_PIPE {
                    self.streak - 1
                } else {
                    STREAMS + 2
                };
                self.extra = Some(Extra::Piped { pipe, held });
                return Ok(());
            }
            Ok(Ok(_)) => self.end(course),
            // This socket cannot be spliced, or not now.
            Ok(Err(error)) if error.raw_os_error() == Some(libc::EINVAL) => self.streak = 0,
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(Err(error)) => {
                shared.pipes.give(pipe);
                return Err(course.source_failed(error));
            }
            Err(_would_block) => {}
        }
        shared.pipes.give(pipe);
        Ok(())
    }

    fn end(&mut self, course: &Course<'_>) {
        self.ended = true;
        course.ended();
    }

    /// Sends at once what the sink takes; the rest waits.
    fn pass_on(&mut self, bytes: &[u8], course: &Course<'_>, now: Instant) -> io::Result<()> {
        let mut sent = 0;
        while sent < bytes.len() {
            match sys::send(course.to.as_fd(), &bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let rest = bytes[sent..].into();
                    self.extra = Some(Extra::Bytes {
                        bytes: rest,
                        sent: 0,
                    });
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        course.written(sent, now);
        Ok(())
    }
}

/// Writes by `write` once the socket is ready.
fn poll_write(
    io: &Watched,
    cx: &mut Context<'_>,
    mut write: impl FnMut(&Watched) -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        let mut guard = ready!(io.poll_write_ready(cx))?;
        match guard.try_io(&mut write) {
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(result) => return Poll::Ready(result),
            Err(_would_block) => {}
        }
    }
}
