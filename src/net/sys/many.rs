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

/// Datagrams that lie one after the other, all of one length but the last, which may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) struct Run<'a> {
    pub(in crate::net) bytes: &'a [u8],
    /// How many.
    pub(in crate::net) count: usize,
    /// Octets of the first.
    pub(in crate::net) length: usize,
}

/// Room for a control message of one number, aligned as its header.
#[repr(C)]
#[derive(Clone, Copy)]
struct Segment {
    header: libc::cmsghdr,
    length: u16,
    padding: [u8; 6],
}

/// Sends runs of datagrams, each run as one that the kernel cuts up (`UDP_SEGMENT`, udp(7));
/// returns how many runs were taken, at most [`DATAGRAMS_AT_ONCE`].
pub(in crate::net) fn send_runs<'a>(
    fd: BorrowedFd<'_>,
    runs: impl Iterator<Item = Run<'a>>,
) -> io::Result<usize> {
    let mut parts = [const { empty_part() }; DATAGRAMS_AT_ONCE];
    let mut segments = [const { segment(0) }; DATAGRAMS_AT_ONCE];
    let mut count = 0;
    for ((part, segment), run) in parts.iter_mut().zip(&mut segments).zip(runs) {
        // The kernel only reads what it is told to send.
        part.iov_base = run.bytes.as_ptr().cast_mut().cast();
        part.iov_len = run.bytes.len();
        if run.count > 1 {
            segment.length = u16::try_from(run.length).unwrap_or_default();
        }
        count += 1;
    }
    let mut messages = messages(&mut parts);
    for (message, segment) in messages.iter_mut().zip(&mut segments) {
        if segment.length > 0 {
            message.msg_hdr.msg_control = ptr::from_mut(segment).cast();
            message.msg_hdr.msg_controllen = size_of::<Segment>();
        }
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the first `count` messages have one part each, which leads into bytes that outlive
    // the call, and no control message or one that is whole; names are absent.
    let sent =
        check(unsafe { libc::sendmmsg(fd.as_raw_fd(), messages.as_mut_ptr(), count, flags as _) })?;
    Ok(usize::try_from(sent).unwrap_or_default())
}

const fn segment(length: u16) -> Segment {
    Segment {
        header: libc::cmsghdr {
            cmsg_len: size_of::<libc::cmsghdr>() + size_of::<u16>(),
            cmsg_level: libc::SOL_UDP,
            cmsg_type: libc::UDP_SEGMENT,
        },
        length,
        padding: [0; 6],
    }
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
