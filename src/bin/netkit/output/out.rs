//! The one owner of standard output.
//!
//! Every write goes through here, so that a closed pipe and a full disk are told apart in one
//! place: the first ends netkit quietly, the second is an error.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};

use super::queue::{Queue, WhenFull};

/// Standard output, and what went wrong with it.
#[derive(Debug)]
pub(crate) struct Out<W = Sink> {
    to: W,
    error: Option<io::Error>,
}

impl Default for Out {
    fn default() -> Self {
        Self::new(Sink::Direct(io::stdout()))
    }
}

/// The two ways to standard output.
#[derive(Debug)]
pub(crate) enum Sink {
    Direct(io::Stdout),
    /// By a thread: a run that goes on must not wait for its reader.
    Queued(Queue),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Direct(stdout) => stdout.write(bytes),
            Self::Queued(queue) => queue.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Direct(stdout) => stdout.flush(),
            Self::Queued(queue) => queue.flush(),
        }
    }
}

impl Out {
    /// Leaves the writing to a thread; `stopped` says that a signal has come.
    pub(crate) fn queue(
        &mut self,
        when_full: WhenFull,
        stopped: Arc<AtomicBool>,
    ) -> io::Result<()> {
        self.to = Sink::Queued(Queue::start(io::stdout(), when_full, stopped)?);
        Ok(())
    }

    /// Writes the last text of a run, which is not lost for want of room in the queue.
    pub(crate) fn write_last(&mut self, text: &str) -> ControlFlow<()> {
        if let Sink::Queued(queue) = &mut self.to {
            queue.keep_all();
        }
        self.write(text)
    }

    /// Whether nothing waits for a slow reader beyond what the queue holds.
    pub(crate) fn has_room(&mut self) -> bool {
        match &mut self.to {
            Sink::Direct(_) => true,
            Sink::Queued(queue) => queue.has_room(),
        }
    }

    /// Waits until no more than `most` octets wait for the reader. Cancel safe.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>, most: usize) -> Poll<()> {
        match &self.to {
            Sink::Queued(queue) => queue.poll_room(cx, most),
            Sink::Direct(_) => Poll::Ready(()),
        }
    }

    /// [`Out::write_bytes`] of what nobody needs any more, without copying it for the thread.
    pub(crate) fn write_block(&mut self, block: Vec<u8>) -> ControlFlow<()> {
        match &mut self.to {
            Sink::Queued(queue) if self.error.is_none() && !block.is_empty() => {
                self.error = queue.push(block).err();
                self.state()
            }
            _ => self.write_bytes(&block),
        }
    }

    /// Waits until everything is written, and says how many lines a slow reader has lost.
    pub(crate) fn close(&mut self) -> u64 {
        let Sink::Queued(queue) = &mut self.to else {
            return 0;
        };
        let closed = queue.close();
        let lost = queue.lost();
        if self.error.is_none() {
            self.error = closed.err();
        }
        lost
    }
}

impl<W: Write> Out<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to, error: None }
    }

    /// Writes text that ends with a line end, and flushes: a reader sees a line when it happens.
    /// `Break` means that nobody will see more; the run should end.
    pub(crate) fn write(&mut self, text: &str) -> ControlFlow<()> {
        self.write_bytes(text.as_bytes())
    }

    /// The same for lines that need not be UTF-8.
    pub(crate) fn write_bytes(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        if self.error.is_none() && !bytes.is_empty() {
            let result = self.to.write_all(bytes).and_then(|()| self.to.flush());
            self.error = result.err();
        }
        self.state()
    }

    fn state(&self) -> ControlFlow<()> {
        if self.error.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Whether the reader has gone: everything it wanted was written.
    pub(crate) fn is_closed(&self) -> bool {
        self.error
            .as_ref()
            .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    }

    /// What went wrong, a closed pipe excepted.
    pub(crate) fn failure(&self) -> Option<&io::Error> {
        self.error
            .as_ref()
            .filter(|error| error.kind() != ErrorKind::BrokenPipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails every write with one error.
    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_ends_quietly() {
        let mut out = Out::new(Broken(ErrorKind::BrokenPipe));
        assert!(out.write("line\n").is_break());
        assert!(out.is_closed() && out.failure().is_none());
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let mut out = Out::new(Broken(ErrorKind::StorageFull));
        assert!(out.write("line\n").is_break());
        assert!(!out.is_closed() && out.failure().is_some());
    }
}
