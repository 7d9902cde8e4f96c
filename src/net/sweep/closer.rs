//! Closing connections on a thread of its own.
//!
//! Of what an open loopback port costs, a fifth is close(2): the kernel plays both ends of the
//! farewell in it. Nothing waits for that, so where there are many another core does it. Bounded: at
//! most [`BATCH`] times [`BATCHES`] and two descriptors more are open than the sweep's own.

use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

use crate::net::limits;

/// So many are closed where they are before a thread is worth starting.
const FEW: usize = 128;
/// Descriptors handed over at once: to wake a thread for each would cost more than it saves.
const BATCH: usize = 32;
/// Batches that wait, at most.
const BATCHES: usize = 2;
/// With fewer descriptors than this, none is left open for later.
const AMPLE: usize = 2_048;

/// Takes connections that are to be closed.
#[derive(Debug)]
pub(super) struct Closer {
    /// Whether there is a core and there are descriptors to do it later.
    later: bool,
    taken: usize,
    batch: Vec<OwnedFd>,
    thread: Option<(SyncSender<Vec<OwnedFd>>, JoinHandle<()>)>,
}

impl Closer {
    pub(super) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            later: cores > 1 && limits::parallel_sockets() >= AMPLE,
            taken: 0,
            batch: Vec::new(),
            thread: None,
        }
    }

    /// Closes it now, or very soon.
    pub(super) fn close(&mut self, fd: OwnedFd) {
        self.taken += 1;
        if !self.later || self.taken <= FEW {
            return drop(fd);
        }
        self.batch.push(fd);
        if self.batch.len() >= BATCH {
            self.hand_over();
        }
    }

    /// Closes what is not handed over yet: the sweep is about to wait.
    pub(super) fn flush(&mut self) {
        self.batch.clear();
    }

    /// Closes everything, and says whether there was anything.
    pub(super) fn finish(&mut self) -> bool {
        let waiting = !self.batch.is_empty() || self.thread.is_some();
        self.flush();
        if let Some((batches, thread)) = self.thread.take() {
            drop(batches);
            // It cannot panic, and there would be nothing to do about it.
            let _ = thread.join();
        }
        waiting
    }

    fn hand_over(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        if self.thread.is_none() {
            self.thread = start();
            // Without a thread it is done here, as before.
            self.later = self.thread.is_some();
        }
        if let Some((batches, _)) = &self.thread {
            // What cannot be handed over comes back in the error, and is closed with it.
            let _ = batches.send(batch);
        }
    }
}

impl Drop for Closer {
    fn drop(&mut self) {
        self.finish();
    }
}

fn start() -> Option<(SyncSender<Vec<OwnedFd>>, JoinHandle<()>)> {
    let (batches, queued) = mpsc::sync_channel::<Vec<OwnedFd>>(BATCHES);
    let thread = thread::Builder::new().name("close".into());
    let thread = thread.spawn(move || queued.into_iter().for_each(drop));
    Some((batches, thread.ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn everything_is_closed_in_the_end() {
        let mut closer = Closer::new();
        let ours: Vec<_> = (0..FEW + 5 * BATCH + 7)
            .map(|_| {
                let (ours, theirs) = UnixStream::pair().unwrap();
                closer.close(theirs.into());
                ours
            })
            .collect();
        closer.finish();
        assert!(!closer.finish(), "nothing is left");
        for mut end in ours {
            assert_eq!(end.read(&mut [0]).unwrap(), 0);
        }
    }

    #[test]
    fn what_waits_for_company_is_closed_by_a_flush() {
        let (mut closer, mut ours) = (Closer::new(), Vec::new());
        for _ in 0..=FEW {
            let (own, theirs) = UnixStream::pair().unwrap();
            closer.close(theirs.into());
            ours.push(own);
        }
        closer.flush();
        for mut end in ours {
            assert_eq!(end.read(&mut [0]).unwrap(), 0);
        }
    }
}
