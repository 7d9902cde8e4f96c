//! The epoll instance of a serving worker: it waits itself, outside the runtime.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use super::{check, check_size};

/// How many events one call fetches.
const EVENTS_AT_ONCE: usize = 512;

/// What a descriptor is watched for, or what has happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) struct Ready(u32);

impl Ready {
    /// Level-triggered reading.
    pub(in crate::net) const READ: Self = Self(libc::EPOLLIN.cast_unsigned());
    /// Reading and writing, edge-triggered: registered once and never changed.
    pub(in crate::net) const STREAM: Self =
        Self((libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET).cast_unsigned());
    /// Level-triggered reading that wakes one of several waiting workers.
    pub(in crate::net) const SHARED: Self =
        Self((libc::EPOLLIN | libc::EPOLLEXCLUSIVE).cast_unsigned());

    /// The peer has closed its side, or the socket has failed: reading tells which.
    pub(in crate::net) fn is_hung_up(self) -> bool {
        self.0 & (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR).cast_unsigned() != 0
    }
}

/// An epoll instance.
#[derive(Debug)]
pub(in crate::net) struct Poller(OwnedFd);

/// The events of one wait.
pub(in crate::net) struct Fetched(Vec<libc::epoll_event>);

impl Fetched {
    pub(in crate::net) fn new() -> Self {
        Self(Vec::with_capacity(EVENTS_AT_ONCE))
    }

    pub(in crate::net) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets the events of the last wait.
    pub(in crate::net) fn clear(&mut self) {
        self.0.clear();
    }

    /// The key under which the descriptor was added, and what happened.
    pub(in crate::net) fn get(&self, at: usize) -> Option<(u64, Ready)> {
        let event = self.0.get(at)?;
        Some((event.u64, Ready(event.events)))
    }
}

impl Poller {
    pub(in crate::net) fn new() -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Watches a descriptor. Closing it ends that.
    pub(in crate::net) fn add(&self, fd: BorrowedFd<'_>, key: u64, what: Ready) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, key, what)
    }

    /// No longer watches a descriptor that stays open.
    pub(in crate::net) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, Ready(0))
    }

    fn control(&self, what: i32, fd: BorrowedFd<'_>, key: u64, ready: Ready) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: ready.0,
            u64: key,
        };
        let (epoll, fd) = (self.0.as_raw_fd(), fd.as_raw_fd());
        // SAFETY: `event` is a readable `epoll_event`; the kernel keeps a copy.
        check(unsafe { libc::epoll_ctl(epoll, what, fd, ptr::from_mut(&mut event)) }).map(drop)
    }

    /// Waits for events, at most so long; `None` for ever. An interrupted wait has no events.
    pub(in crate::net) fn wait(
        &self,
        fetched: &mut Fetched,
        limit: Option<Duration>,
    ) -> io::Result<()> {
        let list = &mut fetched.0;
        list.clear();
        let room = i32::try_from(list.capacity()).unwrap_or(i32::MAX);
        // Rounded up: to wake too early is to wait again.
        let millis = limit.map_or(-1, |limit| {
            i32::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        });
        // SAFETY: `list` has room for `room` events.
        let result =
            check(unsafe { libc::epoll_wait(self.0.as_raw_fd(), list.as_mut_ptr(), room, millis) });
        let count = match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            result => usize::try_from(result?).unwrap_or_default(),
        };
        // SAFETY: the kernel has written the first `count` events.
        unsafe { list.set_len(count) };
        Ok(())
    }
}

/// A descriptor by which other threads wake a worker out of its wait.
#[derive(Debug)]
pub(in crate::net) struct Waker(OwnedFd);

impl Waker {
    pub(in crate::net) fn new() -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub(in crate::net) fn wake(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: `one` is readable for eight bytes. A full counter has woken already.
        let _ = unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Takes the wake-ups so far.
    pub(in crate::net) fn clear(&self) {
        let mut count = [0_u8; 8];
        let (pointer, len) = (count.as_mut_ptr().cast(), count.len());
        // SAFETY: `count` is writable for eight bytes.
        let _ = check_size(unsafe { libc::read(self.0.as_raw_fd(), pointer, len) });
    }
}

impl std::os::fd::AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
