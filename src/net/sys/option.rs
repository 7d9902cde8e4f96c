//! `getsockopt(2)` and `setsockopt(2)` on bytes and integers.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::c_int;

use super::check;

/// Sets an option from its bytes in the kernel's layout.
pub(in crate::net) fn set_bytes(
    fd: BorrowedFd<'_>,
    (level, name): (c_int, c_int),
    value: &[u8],
) -> io::Result<()> {
    let len = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: `value` is readable for `len` bytes.
    let result =
        unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), len) };
    check(result).map(drop)
}

/// Sets an option that is an `int`.
pub(in crate::net) fn set_int(
    fd: BorrowedFd<'_>,
    option: (c_int, c_int),
    value: c_int,
) -> io::Result<()> {
    set_bytes(fd, option, &value.to_ne_bytes())
}

/// Reads an option into `buffer` and returns how many bytes the kernel wrote.
pub(in crate::net) fn get_bytes(
    fd: BorrowedFd<'_>,
    (level, name): (c_int, c_int),
    buffer: &mut [u8],
) -> io::Result<usize> {
    let mut len = libc::socklen_t::try_from(buffer.len()).map_err(io::Error::other)?;
    let pointer = buffer.as_mut_ptr().cast();
    // SAFETY: `pointer` leads to `len` writable bytes, and the kernel lowers `len` to what it wrote.
    check(unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, pointer, &raw mut len) })?;
    Ok((len as usize).min(buffer.len()))
}

/// Reads an option that is an `int`.
pub(in crate::net) fn get_int(fd: BorrowedFd<'_>, option: (c_int, c_int)) -> io::Result<c_int> {
    let mut bytes = [0; size_of::<c_int>()];
    get_bytes(fd, option, &mut bytes)?;
    Ok(c_int::from_ne_bytes(bytes))
}
