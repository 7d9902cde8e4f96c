//! Moving bytes from socket to socket through a pipe, without copying them to user space.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use super::{check, check_size};

/// A pipe that holds bytes on their way.
#[derive(Debug)]
pub(in crate::net) struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
}

impl Pipe {
    /// Opens a pipe of about `capacity` bytes; a smaller one where the system grants no more.
    pub(in crate::net) fn new(capacity: i32) -> io::Result<Self> {
        let mut ends = [0; 2];
        let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
        // SAFETY: `ends` has room for the two descriptors that the call writes.
        check(unsafe { libc::pipe2(ends.as_mut_ptr(), flags) })?;
        // SAFETY: the kernel has just given us these descriptors, and nobody else knows of them.
        let [read, write] = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        // SAFETY: no pointer is passed. A refusal leaves the usual 64 KiB.
        unsafe { libc::fcntl(write.as_raw_fd(), libc::F_SETPIPE_SZ, capacity) };
        Ok(Self { read, write })
    }

    /// Takes up to `most` bytes from a socket; 0 is its end.
    pub(in crate::net) fn fill(&self, from: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        splice(from.as_raw_fd(), self.write.as_raw_fd(), most)
    }

    /// Gives up to `most` bytes to a socket.
    pub(in crate::net) fn drain(&self, to: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        splice(self.read.as_raw_fd(), to.as_raw_fd(), most)
    }
}

fn splice(from: i32, to: i32, most: usize) -> io::Result<usize> {
    let flags = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;
    let nowhere = ptr::null_mut();
    // SAFETY: the offsets are null, as they must be for pipes and sockets.
    check_size(unsafe { libc::splice(from, nowhere, to, nowhere, most, flags) })
}
