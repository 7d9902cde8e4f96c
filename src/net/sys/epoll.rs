//! An epoll instance of our own, for the sweep: one that never touches the runtime's.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::task::{Context, Poll};

use tokio::io::unix::AsyncFdReadyGuard;

use super::{Watched, check, watch};

/// How many events one call fetches.
const EVENTS_AT_ONCE: usize = 256;
/// Told once that a socket can be written to or has failed.
const WRITABLE_ONCE: i32 = libc::EPOLLOUT | libc::EPOLLONESHOT;

/// Watches sockets until they can be written to or fail.
#[derive(Debug)]
pub(in crate::net) struct Epoll(Watched);

/// Room for the events of one call.
pub(in crate::net) struct Events {
    list: Vec<libc::epoll_event>,
    /// How many were taken.
    taken: usize,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Events({} of {})", self.taken, self.list.len())
    }
}

impl Events {
    pub(in crate::net) fn new() -> Self {
        Self {
            list: Vec::with_capacity(EVENTS_AT_ONCE),
            taken: 0,
        }
    }

    /// Whether all were taken.
    pub(in crate::net) fn is_empty(&self) -> bool {
        self.taken == self.list.len()
    }

    /// Takes the one that has waited longest: the key under which its socket was added.
    pub(in crate::net) fn next(&mut self) -> Option<u64> {
        let key = self.list.get(self.taken)?.u64;
        self.taken += 1;
        Some(key)
    }
}

impl Epoll {
    /// Makes an instance and lets the runtime watch it in turn.
    pub(in crate::net) fn new() -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        watch(fd).map(Self)
    }

    /// Watches a socket, once: it is disarmed after its first event. Closing it removes it.
    pub(in crate::net) fn add(&self, fd: BorrowedFd<'_>, key: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, WRITABLE_ONCE, key)
    }

    /// Watches a socket again that was added before.
    pub(in crate::net) fn rearm(&self, fd: BorrowedFd<'_>, key: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, WRITABLE_ONCE, key)
    }

    /// Watches a socket for as long as it has something to read. Closing it removes it.
    pub(in crate::net) fn add_readable(&self, fd: BorrowedFd<'_>, key: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, libc::EPOLLIN, key)
    }

    fn control(&self, operation: i32, fd: BorrowedFd<'_>, events: i32, key: u64) -> io::Result<()> {
        let events = events.cast_unsigned();
        let mut event = libc::epoll_event { events, u64: key };
        let (epoll, fd) = (self.0.as_raw_fd(), fd.as_raw_fd());
        // SAFETY: `event` is a readable `epoll_event`; the kernel keeps a copy.
        check(unsafe { libc::epoll_ctl(epoll, operation, fd, ptr::from_mut(&mut event)) }).map(drop)
    }

    /// Fetches what is ready now, without waiting; returns how many.
    pub(in crate::net) fn poll(&self, events: &mut Events) -> io::Result<usize> {
        events.list.clear();
        events.taken = 0;
        let room = i32::try_from(events.list.capacity()).unwrap_or(i32::MAX);
        // SAFETY: `list` has room for `room` events.
        let count = check(unsafe {
            libc::epoll_wait(self.0.as_raw_fd(), events.list.as_mut_ptr(), room, 0)
        })?;
        let count = usize::try_from(count).unwrap_or_default();
        // SAFETY: the kernel has written the first `count` events.
        unsafe { events.list.set_len(count) };
        Ok(count)
    }

    /// Whether [`poll`](Self::poll) would find something.
    pub(in crate::net) fn has_events(&self) -> bool {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: there is room for the one event asked for.
        let count = unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, 0) };
        count > 0
    }

    /// Waits until [`poll`](Self::poll) may find something; for callers that poll themselves.
    pub(in crate::net) fn poll_ready(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'_, OwnedFd>>> {
        self.0.poll_read_ready(cx)
    }

    /// Waits until [`poll`](Self::poll) may find something. Cancel safe.
    ///
    /// The caller polls until nothing is left and only then waits: `drained` says that it did.
    pub(in crate::net) async fn ready(&self) -> io::Result<Ready<'_>> {
        self.0.readable().await.map(Ready)
    }
}

/// Says that something may be there to poll.
pub(in crate::net) struct Ready<'a>(AsyncFdReadyGuard<'a, OwnedFd>);

impl Ready<'_> {
    /// Nothing was there: the next wait is for news.
    pub(in crate::net) fn drained(mut self) {
        self.0.clear_ready();
    }
}
