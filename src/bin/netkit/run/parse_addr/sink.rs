//! Standard output for results by the million: gathered, written by the block.

use std::io;
use std::ops::ControlFlow;

use crate::output::Out;

/// Enough that a write costs nothing beside what is written.
const FULL: usize = 64 * 1024;

/// Gathers lines in front of standard output.
#[derive(Debug, Default)]
pub(super) struct Sink {
    out: Out,
    buffer: Vec<u8>,
}

impl Sink {
    /// Where lines are appended; call [`Sink::offer`] after each.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes if enough has come together; `Break` means that nobody reads any more.
    pub(super) fn offer(&mut self) -> ControlFlow<()> {
        if self.buffer.len() < FULL {
            return ControlFlow::Continue(());
        }
        self.flush()
    }

    /// Writes what has come together.
    pub(super) fn flush(&mut self) -> ControlFlow<()> {
        let flow = self.out.write_bytes(&self.buffer);
        self.buffer.clear();
        flow
    }

    /// Writes a block past the buffer, after what is in it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        self.out.write_bytes(bytes)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.out.is_closed()
    }

    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.out.failure()
    }
}
