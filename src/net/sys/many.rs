//! Many datagrams a call: `sendmmsg(2)` and `recvmmsg(2)` on connected sockets.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use libc::c_int;

use super::check;

/// Datagrams of one call.
pub(in crate::net) const DATAGRAMS_AT_ONCE: usize = 64;

/// Sends datagrams; returns how many were taken, at most [`DATAGRAMS_AT_ONCE`].
pub(in crate::net) fn send_many<'a>(
    fd: BorrowedFd<'_>,
    datagrams: impl Iterator<Item = &'a [u8]>,
) -> io::Result<usize> {
    let mut parts = [const { empty_part() }; DATAGRAMS_AT_ONCE];
    let mut count = 0;
    for (part, datagram) in parts.iter_mut().zip(datagrams) {
        // The kernel only reads what it is told to send.
        part.iov_base = datagram.as_ptr().cast_mut().cast();
        part.iov_len = datagram.len();
        count += 1;
    }
    let mut messages = messages(&mut parts);
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the first `count` messages have one part each, which leads into a datagram that
    // outlives the call; names and control messages are absent.
    let sent =
        check(unsafe { libc::sendmmsg(fd.as_raw_fd(), messages.as_mut_ptr(), count, flags as _) })?;
    Ok(usize::try_from(sent).unwrap_or_default())
}

/// Receives datagrams, one into each `size` octets of `buffer`, and tells `lengths` how long each
/// is, the part that did not fit included; returns how many came.
pub(in crate::net) fn receive_many(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    size: usize,
    lengths: &mut [usize; DATAGRAMS_AT_ONCE],
) -> io::Result<usize> {
    let mut parts = [const { empty_part() }; DATAGRAMS_AT_ONCE];
    let mut count = 0;
    for (part, room) in parts.iter_mut().zip(buffer.chunks_exact_mut(size.max(1))) {
        part.iov_base = room.as_mut_ptr().cast();
        part.iov_len = room.len();
        count += 1;
    }
    let mut messages = messages(&mut parts);
    let flags: c_int = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    // SAFETY: the first `count` messages have one part each, which leads to writable bytes of
    // `buffer` that no other part leads to; names and control messages are absent, and there is no
    // timeout.
    let came = check(unsafe {
        libc::recvmmsg(
            fd.as_raw_fd(),
            messages.as_mut_ptr(),
            count,
            flags as _,
            ptr::null_mut(),
        )
    })?;
    let came = usize::try_from(came).unwrap_or_default();
    for (length, message) in lengths.iter_mut().zip(&messages).take(came) {
        *length = message.msg_len as usize;
    }
    Ok(came)
}

const fn empty_part() -> libc::iovec {
    libc::iovec {
        iov_base: ptr::null_mut(),
        iov_len: 0,
    }
}

/// A message for each part.
fn messages(parts: &mut [libc::iovec; DATAGRAMS_AT_ONCE]) -> [libc::mmsghdr; DATAGRAMS_AT_ONCE] {
    // SAFETY: all-zero is a valid `mmsghdr`: null pointers with zero lengths.
    let mut messages: [libc::mmsghdr; DATAGRAMS_AT_ONCE] = unsafe { mem::zeroed() };
    for (message, part) in messages.iter_mut().zip(parts) {
        message.msg_hdr.msg_iov = ptr::from_mut(part);
        message.msg_hdr.msg_iovlen = 1;
    }
    messages
}
