//! Pipes for connections that stream: a few, shared, and never at the cost of a connection.

use std::io;

use crate::net::sys::Pipe;

/// Pipes a worker has at most; each costs two descriptors.
const PIPES: usize = 16;
/// What a pipe is asked to hold: the most that the system lets any user have.
pub(in crate::net) const CAPACITY: usize = 1 << 20;

/// The pipes of one worker that nobody uses, and how many there are in all.
#[derive(Debug, Default)]
pub(in crate::net) struct Pipes {
    idle: Vec<Pipe>,
    open: usize,
}

impl Pipes {
    /// Takes an idle pipe, or opens one if `room` says that descriptors are plenty.
    pub(in crate::net) fn take(&mut self, room: impl Fn() -> bool) -> Option<Pipe> {
        if let Some(pipe) = self.idle.pop() {
            return Some(pipe);
        }
        if self.open >= PIPES || !room() {
            return None;
        }
        let capacity = i32::try_from(CAPACITY).unwrap_or(i32::MAX);
        let pipe: io::Result<Pipe> = Pipe::new(capacity);
        // Without a pipe bytes are copied.
        let pipe = pipe.ok()?;
        self.open += 1;
        Some(pipe)
    }

    /// Gives an empty pipe back.
    pub(in crate::net) fn give(&mut self, pipe: Pipe) {
        self.idle.push(pipe);
    }

    /// A pipe that still held bytes was closed with its connection.
    pub(in crate::net) fn lose(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Closes the idle ones: descriptors are needed for connections.
    pub(in crate::net) fn clear(&mut self) -> bool {
        self.open -= self.idle.len();
        let freed = !self.idle.is_empty();
        self.idle.clear();
        freed
    }
}
