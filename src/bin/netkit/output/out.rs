//! The one owner of standard output.
//!
//! Every write goes through here, so that a closed pipe and a full disk are told apart in one
//! place: the first ends netkit quietly, the second is an error.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;

/// Standard output, and what went wrong with it.
#[derive(Debug)]
pub(crate) struct Out<W = io::Stdout> {
    to: W,
    error: Option<io::Error>,
}

impl Default for Out {
    fn default() -> Self {
        Self::new(io::stdout())
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
        if self.error.is_none() {
            let result = self.to.write_all(bytes).and_then(|()| self.to.flush());
            self.error = result.err();
        }
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
