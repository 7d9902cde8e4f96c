//! Listening, accepting, and descriptors that somebody else opened for us.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use libc::c_int;

use super::{RawAddr, check, set_int};

/// `listen(2)`.
pub(in crate::net) fn listen(fd: BorrowedFd<'_>, backlog: c_int) -> io::Result<()> {
    // SAFETY: no pointer is passed.
    check(unsafe { libc::listen(fd.as_raw_fd(), backlog) }).map(drop)
}

/// `accept4(2)`: the connection, non-blocking and closed on exec, and its other end.
pub(in crate::net) fn accept(fd: BorrowedFd<'_>) -> io::Result<(OwnedFd, RawAddr)> {
    let mut addr = RawAddr::empty();
    let mut len = addr.len;
    let pointer = ptr::from_mut(&mut addr).cast::<libc::sockaddr>();
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: `pointer` leads to `len` writable bytes, and the call writes no more than that.
    let new = check(unsafe { libc::accept4(fd.as_raw_fd(), pointer, &raw mut len, flags) })?;
    addr.len = len;
    // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
    Ok((unsafe { OwnedFd::from_raw_fd(new) }, addr))
}

/// Takes over a descriptor that the service manager passed by its number (`sd_listen_fds(3)`), and
/// makes it ours: non-blocking and closed on exec. Errs when nothing is open there.
pub(in crate::net) fn inherited(number: c_int) -> io::Result<OwnedFd> {
    // SAFETY: no pointer is passed; a number that is not open is refused by the kernel.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: as above.
    let flags = check(unsafe { libc::fcntl(number, libc::F_GETFL) })?;
    // SAFETY: as above.
    check(unsafe { libc::fcntl(number, libc::F_SETFL, flags | libc::O_NONBLOCK) })?;
    // SAFETY: it is open, and by the protocol of LISTEN_FDS it is ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Makes the close of a connection a reset (`SO_LINGER` of zero seconds).
pub(in crate::net) fn linger_zero(fd: BorrowedFd<'_>) -> io::Result<()> {
    let value = [1_i32.to_ne_bytes(), 0_i32.to_ne_bytes()].concat();
    super::set_bytes(fd, (libc::SOL_SOCKET, libc::SO_LINGER), &value)
}

/// Whether the other end has closed or reset the connection, without reading; `Some(true)` is reset.
pub(in crate::net) fn hung_up(fd: BorrowedFd<'_>) -> Option<bool> {
    let mut asked = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLRDHUP,
        revents: 0,
    };
    // SAFETY: `asked` is one readable and writable `pollfd`.
    let found = check(unsafe { libc::poll(&raw mut asked, 1, 0) }).ok()?;
    (found == 1).then_some(asked.revents & libc::POLLERR != 0)
}

/// Whether a connection waits to be accepted; when that cannot be told, one may.
pub(in crate::net) fn somebody_waits(fd: BorrowedFd<'_>) -> bool {
    let mut asked = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: `asked` is one readable and writable `pollfd`.
    check(unsafe { libc::poll(&raw mut asked, 1, 0) }).map_or(true, |found| found > 0)
}

/// Turns an `int` option on.
pub(in crate::net) fn enable(fd: BorrowedFd<'_>, option: (c_int, c_int)) -> io::Result<()> {
    set_int(fd, option, 1)
}
