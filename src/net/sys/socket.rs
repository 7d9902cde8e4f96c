//! Making, connecting, reading and writing sockets.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use libc::c_int;

use super::{RawAddr, check, check_size};

/// Opens a socket, non-blocking and closed on exec.
pub(in crate::net) fn socket(domain: c_int, kind: c_int, protocol: c_int) -> io::Result<OwnedFd> {
    let kind = kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointer is passed.
    let fd = check(unsafe { libc::socket(domain, kind, protocol) })?;
    // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `connect(2)`: `EINPROGRESS` means that the answer is still to come.
pub(in crate::net) fn connect(fd: BorrowedFd<'_>, addr: &RawAddr) -> io::Result<()> {
    let pointer = ptr::from_ref(addr).cast::<libc::sockaddr>();
    // SAFETY: the bytes come first in `RawAddr`, `len` of them are written, and it is aligned.
    check(unsafe { libc::connect(fd.as_raw_fd(), pointer, addr.len) }).map(drop)
}

/// `bind(2)`.
pub(in crate::net) fn bind(fd: BorrowedFd<'_>, addr: &RawAddr) -> io::Result<()> {
    let pointer = ptr::from_ref(addr).cast::<libc::sockaddr>();
    // SAFETY: as in `connect`.
    check(unsafe { libc::bind(fd.as_raw_fd(), pointer, addr.len) }).map(drop)
}

/// `getsockname(2)`: our end.
pub(in crate::net) fn local_addr(fd: BorrowedFd<'_>) -> io::Result<RawAddr> {
    name_with(fd, libc::getsockname)
}

/// `getpeername(2)`: the other end.
pub(in crate::net) fn peer_addr(fd: BorrowedFd<'_>) -> io::Result<RawAddr> {
    name_with(fd, libc::getpeername)
}

fn name_with(
    fd: BorrowedFd<'_>,
    call: unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> c_int,
) -> io::Result<RawAddr> {
    let mut addr = RawAddr::empty();
    let mut len = addr.len;
    let pointer = ptr::from_mut(&mut addr).cast::<libc::sockaddr>();
    // SAFETY: `pointer` leads to `len` writable bytes; both calls write no more than that.
    check(unsafe { call(fd.as_raw_fd(), pointer, &raw mut len) })?;
    addr.len = len;
    Ok(addr)
}

/// Ends our sending side (FIN on TCP).
pub(in crate::net) fn shutdown_write(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: no pointer is passed.
    check(unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_WR) }).map(drop)
}

/// `recv(2)`.
pub(in crate::net) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let pointer = buffer.as_mut_ptr().cast();
    // SAFETY: `pointer` leads to `buffer.len()` writable bytes.
    check_size(unsafe { libc::recv(fd.as_raw_fd(), pointer, buffer.len(), 0) })
}

/// `send(2)`, without `SIGPIPE`.
pub(in crate::net) fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let (pointer, len) = (bytes.as_ptr().cast(), bytes.len());
    // SAFETY: `pointer` leads to `len` readable bytes.
    check_size(unsafe { libc::send(fd.as_raw_fd(), pointer, len, libc::MSG_NOSIGNAL) })
}

/// Takes one entry off the error queue and returns how many bytes of control messages it filled
/// in; `EAGAIN` when the queue is empty.
pub(in crate::net) fn receive_error(fd: BorrowedFd<'_>, control: &mut [u8]) -> io::Result<usize> {
    // SAFETY: all-zero is a valid `msghdr`: null pointers with zero lengths.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = control.len() as _;
    let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
    // SAFETY: the control buffer outlives the call; there is no data buffer and no name.
    check_size(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, flags) })?;
    Ok((header.msg_controllen as usize).min(control.len()))
}
