//! Receiving and answering many datagrams with one call each.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::{RawAddr, check};

/// Room for the control message that says which of our addresses was asked (`IP_PKTINFO`).
const CONTROL: usize = 64;

#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL]);

/// Buffers for datagrams that are received together, and for their answers.
pub(in crate::net) struct Batch {
    size: usize,
    /// From the beginning of one buffer to that of the next.
    stride: usize,
    bytes: Vec<u8>,
    names: Vec<RawAddr>,
    controls: Vec<Control>,
    lens: Vec<usize>,
    parts: Vec<libc::iovec>,
    /// Headers for receiving, ready for the next call; for those just received, with their lengths.
    received: Vec<libc::mmsghdr>,
    /// How many of them the last call has filled in.
    dirty: usize,
    answers: Vec<libc::mmsghdr>,
}

// SAFETY: the pointers in the headers lead into the heap buffers of the other fields, which nobody
// else knows and which never grow, so the whole may move to another thread.
unsafe impl Send for Batch {}

/// An odd number of cache lines: the beginnings of buffers, which is all that small datagrams use, then do
/// not compete for the same places of the cache.
fn stride(size: usize) -> usize {
    const LINE: usize = 64;
    (size.div_ceil(LINE) | 1) * LINE
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} x {} bytes)", self.names.len(), self.size)
    }
}

impl Batch {
    /// Room for `count` datagrams of at most `size` bytes.
    pub(in crate::net) fn new(count: usize, size: usize) -> Self {
        let empty = libc::iovec {
            iov_base: ptr::null_mut(),
            iov_len: 0,
        };
        let stride = stride(size);
        let mut batch = Self {
            size,
            stride,
            bytes: vec![0; count * stride],
            names: vec![RawAddr::empty(); count],
            controls: vec![Control([0; CONTROL]); count],
            lens: vec![0; count],
            parts: vec![empty; count],
            received: Vec::with_capacity(count),
            dirty: count,
            answers: Vec::with_capacity(count),
        };
        for at in 0..count {
            let header = batch.header(at, size, CONTROL);
            batch.received.push(header);
        }
        batch
    }

    /// Receives what is there, without waiting; returns how many datagrams.
    pub(in crate::net) fn receive(&mut self, fd: BorrowedFd<'_>) -> io::Result<usize> {
        for at in 0..self.dirty {
            self.names[at] = RawAddr::empty();
            self.received[at] = self.header(at, self.size, CONTROL);
        }
        self.dirty = 0;
        let room = u32::try_from(self.received.len()).unwrap_or(u32::MAX);
        let (pointer, flags) = (self.received.as_mut_ptr(), libc::MSG_DONTWAIT);
        // SAFETY: each header leads to buffers of the lengths it says, all alive in `self`.
        let count = check(unsafe {
            libc::recvmmsg(fd.as_raw_fd(), pointer, room, flags, ptr::null_mut())
        })?;
        self.dirty = usize::try_from(count).unwrap_or_default();
        for at in 0..self.dirty {
            let header = &self.received[at];
            self.lens[at] = (header.msg_len as usize).min(self.size);
            self.names[at].len = header.msg_hdr.msg_namelen;
        }
        Ok(self.dirty)
    }

    /// The datagram at `at`, and who sent it.
    pub(in crate::net) fn datagram(&self, at: usize) -> (&[u8], &RawAddr) {
        let start = at * self.stride;
        (&self.bytes[start..start + self.lens[at]], &self.names[at])
    }

    /// Replaces the datagram at `at` by what is to be sent; cut to the size of the buffer.
    pub(in crate::net) fn set(&mut self, at: usize, bytes: &[u8]) {
        let len = bytes.len().min(self.size);
        let start = at * self.stride;
        self.bytes[start..start + len].copy_from_slice(&bytes[..len]);
        self.lens[at] = len;
    }

    /// Replaces all of the place at `at`: to whom it goes, and what.
    pub(in crate::net) fn address(&mut self, at: usize, to: &RawAddr, bytes: &[u8]) {
        self.names[at] = *to;
        self.received[at].msg_hdr.msg_controllen = 0;
        self.dirty = self.dirty.max(at + 1);
        self.set(at, bytes);
    }

    /// Cuts the datagram at `at`.
    pub(in crate::net) fn truncate(&mut self, at: usize, len: usize) {
        self.lens[at] = self.lens[at].min(len);
    }

    /// Sends the datagrams at these places back to where they came from, from the address that was
    /// asked; returns how many the kernel took. More places than there is room for are not sent.
    pub(in crate::net) fn answer(
        &mut self,
        fd: BorrowedFd<'_>,
        places: &[usize],
    ) -> io::Result<usize> {
        self.answers.clear();
        for &at in places.iter().take(self.names.len()) {
            let control = self.received[at].msg_hdr.msg_controllen;
            let header = self.header(at, self.lens[at], control.min(CONTROL));
            self.answers.push(header);
        }
        let count = u32::try_from(self.answers.len()).unwrap_or(u32::MAX);
        let (pointer, flags) = (
            self.answers.as_mut_ptr(),
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        );
        // SAFETY: each header leads to buffers of the lengths it says, all alive in `self`.
        let sent = check(unsafe { libc::sendmmsg(fd.as_raw_fd(), pointer, count, flags) })?;
        Ok(usize::try_from(sent).unwrap_or_default())
    }

    /// The header of the place at `at`. A place that is sent twice has one part for both.
    fn header(&mut self, at: usize, len: usize, control: usize) -> libc::mmsghdr {
        let base = self.bytes[at * self.stride..].as_mut_ptr().cast();
        self.parts[at] = libc::iovec {
            iov_base: base,
            iov_len: len,
        };
        // SAFETY: all-zero is a valid `mmsghdr`: null pointers with zero lengths.
        let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
        header.msg_hdr.msg_name = ptr::from_mut(&mut self.names[at]).cast();
        header.msg_hdr.msg_namelen = self.names[at].len;
        header.msg_hdr.msg_iov = &raw mut self.parts[at];
        header.msg_hdr.msg_iovlen = 1;
        if control > 0 {
            header.msg_hdr.msg_control = self.controls[at].0.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = control as _;
        }
        header
    }
}
