//! One connection that a worker serves itself: echo or discard, in as few system calls as it takes.
//!
//! Registered once, edge-triggered. What is read is written at once, from the worker's buffer; only
//! what the peer does not take at once gets memory of its own, and until that is gone nothing more
//! is read. A connection that streams may go through a pipe of the worker (`splice`), without its
//! bytes being copied, where that is faster.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Work;
use super::event::Cause;
use super::pipes::{CAPACITY, Pipes};
use super::ways::Way;
use crate::net::sys::{self, Pipe};

/// Full reads in a row that show that a connection streams.
const STREAMS: u8 = 4;
/// A piece through the pipe that is smaller than this is better copied.
const WORTH_A_PIPE: usize = 16 << 10;
/// What is read at once from a connection whose peer is slow to take what it gets.
const CAREFUL: usize = 4 << 10;
/// Bytes that may wait for slow peers in one worker before all its reads become careful.
const WAITING_AT_MOST: usize = 32 << 20;

/// What happens next with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There may be more to do at once.
    More,
    /// The kernel will say when there is.
    Wait,
    /// It is over.
    Over(Cause),
}

/// What a worker lends to each of its connections in turn.
pub(super) struct Lent<'a> {
    pub(super) work: Work,
    pub(super) buffer: &'a mut [u8],
    pub(super) pipes: &'a mut Pipes,
    /// Open connections of all workers.
    pub(super) loads: &'a [AtomicUsize],
    /// Below so many of them descriptors are plenty.
    pub(super) plenty: usize,
    /// Bytes that wait for slow peers, in all connections of the worker.
    pub(super) waiting: &'a mut usize,
    pub(super) max_bytes: Option<u64>,
    /// Whether bytes may stay in the kernel: nobody wants to see them.
    pub(super) unseen: bool,
    /// How streams go.
    pub(super) way: Way,
}

impl Lent<'_> {
    fn take_pipe(&mut self) -> Option<Pipe> {
        let (loads, plenty) = (self.loads, self.plenty);
        let open = || {
            loads
                .iter()
                .map(|load| load.load(Ordering::Relaxed))
                .sum::<usize>()
        };
        self.pipes.take(|| open() < plenty)
    }
}

/// What the peer has not taken yet.
#[derive(Debug)]
enum Extra {
    Bytes { bytes: Box<[u8]>, sent: usize },
    Piped { pipe: Pipe, held: usize },
}

/// The state of one connection; about a hundred bytes, and no buffer.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) fd: OwnedFd,
    pub(super) id: u64,
    pub(super) peer: Option<SocketAddr>,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    /// When it was accepted, microseconds since the start.
    pub(super) opened: u64,
    extra: Option<Box<Extra>>,
    /// When something last happened, milliseconds since the start, wrapping.
    pub(super) last: u32,
    pub(super) listener: u16,
    /// Full reads in a row.
    streak: u8,
    /// The peer has closed its side or the socket has failed: a short read is not the last.
    pub(super) hung_up: bool,
}

impl Conn {
    pub(super) fn new(
        fd: OwnedFd,
        id: u64,
        listener: usize,
        peer: Option<SocketAddr>,
        opened: std::time::Duration,
    ) -> Self {
        Self {
            fd,
            id,
            peer,
            bytes_in: 0,
            bytes_out: 0,
            opened: u64::try_from(opened.as_micros()).unwrap_or(u64::MAX),
            extra: None,
            last: wrapping_millis(opened),
            listener: u16::try_from(listener).unwrap_or(u16::MAX),
            streak: 0,
            hung_up: false,
        }
    }

    /// Whether nothing is on its way through us.
    pub(super) fn is_at_rest(&self) -> bool {
        self.extra.is_none()
    }

    /// Whether it has shown that it streams.
    pub(super) fn streams(&self) -> bool {
        self.streak >= STREAMS
    }

    /// Does a round; `seen` is shown what was read, where it was not spliced.
    pub(super) fn round(&mut self, lent: &mut Lent<'_>, seen: &mut Option<usize>) -> Step {
        match self.flush(lent) {
            Ok(true) => {}
            Ok(false) => return Step::Wait,
            Err(error) => return Step::Over(Cause::of(&error)),
        }
        let rest = lent
            .max_bytes
            .map_or(u64::MAX, |most| most - self.bytes_in.min(most));
        if rest == 0 {
            return Step::Over(Cause::MaxBytes);
        }
        let rest = usize::try_from(rest).unwrap_or(usize::MAX);
        if self.streams()
            && lent.way == Way::Other
            && lent.work == Work::Echo
            && lent.unseen
            && let Some(pipe) = lent.take_pipe()
        {
            return self.splice(pipe, rest, lent);
        }
        self.copy(rest, lent, seen)
    }

    fn copy(&mut self, rest: usize, lent: &mut Lent<'_>, seen: &mut Option<usize>) -> Step {
        let careful = *lent.waiting > WAITING_AT_MOST;
        let size = if careful { CAREFUL } else { lent.buffer.len() };
        let size = size.min(rest);
        let count = match sys::receive(self.fd.as_fd(), &mut lent.buffer[..size]) {
            Ok(0) => return Step::Over(Cause::Fin),
            Ok(count) => count,
            Err(error) => return failed(&error),
        };
        self.bytes_in += count as u64;
        *seen = Some(count);
        let full = count == size;
        self.streak = if full {
            self.streak.saturating_add(1)
        } else {
            0
        };
        if lent.work == Work::Discard {
            return self.after(full);
        }
        match self.send(&lent.buffer[..count]) {
            Ok(sent) if sent == count => self.after(full),
            Ok(sent) => {
                *lent.waiting += count - sent;
                let bytes = lent.buffer[sent..count].into();
                self.extra = Some(Box::new(Extra::Bytes { bytes, sent: 0 }));
                Step::Wait
            }
            Err(error) => Step::Over(Cause::of(&error)),
        }
    }

    /// After a read that filled the buffer there may be more; after any other there is not, unless
    /// the end of the stream is what comes next.
    fn after(&self, full: bool) -> Step {
        if full || self.hung_up {
            Step::More
        } else {
            Step::Wait
        }
    }

    /// Sends until the kernel takes no more; says how much it took.
    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut sent = 0;
        while sent < bytes.len() {
            match sys::send(self.fd.as_fd(), &bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.bytes_out += sent as u64;
        Ok(sent)
    }

    fn splice(&mut self, pipe: Pipe, rest: usize, lent: &mut Lent<'_>) -> Step {
        match pipe.fill(self.fd.as_fd(), CAPACITY.min(rest)) {
            Ok(0) => {
                lent.pipes.give(pipe);
                Step::Over(Cause::Fin)
            }
            Ok(held) => {
                self.bytes_in += held as u64;
                self.streak = if held < WORTH_A_PIPE {
                    self.streak - 1
                } else {
                    STREAMS + 2
                };
                self.extra = Some(Box::new(Extra::Piped { pipe, held }));
                match self.flush(lent) {
                    Ok(true) => Step::More,
                    Ok(false) => Step::Wait,
                    Err(error) => Step::Over(Cause::of(&error)),
                }
            }
            Err(error) => {
                // Nothing there: the pipe is for others meanwhile.
                lent.pipes.give(pipe);
                if error.raw_os_error() == Some(libc::EINVAL) {
                    self.streak = 0; // this socket cannot be spliced
                    return Step::More;
                }
                failed(&error)
            }
        }
    }

    /// Sends what waits; true when nothing does any more.
    fn flush(&mut self, lent: &mut Lent<'_>) -> io::Result<bool> {
        let Some(mut extra) = self.extra.take() else {
            return Ok(true);
        };
        let done = match &mut *extra {
            Extra::Bytes { bytes, sent } => {
                let count = self.send(&bytes[*sent..])?;
                *sent += count;
                *lent.waiting = lent.waiting.saturating_sub(count);
                *sent == bytes.len()
            }
            Extra::Piped { pipe, held } => {
                while *held > 0 {
                    match pipe.drain(self.fd.as_fd(), *held) {
                        Ok(count) => {
                            *held -= count;
                            self.bytes_out += count as u64;
                        }
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => {
                            lent.pipes.lose();
                            return Err(error);
                        }
                    }
                }
                *held == 0
            }
        };
        if !done {
            self.extra = Some(extra);
        } else if let Extra::Piped { pipe, .. } = *extra {
            lent.pipes.give(pipe);
        }
        Ok(done)
    }

    /// Forgets what could not be sent, at the end.
    pub(super) fn forget(&mut self, pipes: &mut Pipes, waiting: &mut usize) {
        match self.extra.take().map(|extra| *extra) {
            Some(Extra::Bytes { bytes, sent }) => {
                *waiting = waiting.saturating_sub(bytes.len() - sent);
            }
            Some(Extra::Piped { .. }) => pipes.lose(),
            None => {}
        }
    }
}

fn failed(error: &io::Error) -> Step {
    match error.kind() {
        io::ErrorKind::WouldBlock => Step::Wait,
        io::ErrorKind::Interrupted => Step::More,
        _ => Step::Over(Cause::of(error)),
    }
}

/// Milliseconds that wrap after 49 days: only differences count.
pub(super) fn wrapping_millis(at: std::time::Duration) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "wraps on purpose")]
    let millis = at.as_millis() as u32;
    millis
}

#[cfg(test)]
mod tests;
