//! The descriptor limit, and interface numbers.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::ffi::{CStr, c_int};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// The soft and the hard limit of open descriptors.
pub(in crate::net) fn descriptor_limit() -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is writable and of the type that the call fills in.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// Sets both limits.
pub(in crate::net) fn set_descriptor_limit(soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: `limit` is readable and of the type that the call expects.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}

/// Makes the kernel's table of our descriptors long enough for this number.
pub(in crate::net) fn lengthen_table(any: BorrowedFd<'_>, number: c_int) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let fd = check(unsafe { libc::fcntl(any.as_raw_fd(), libc::F_DUPFD_CLOEXEC, number) })?;
    // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(())
}

/// The number of the interface of this name (`if_nametoindex(3)`).
pub(in crate::net) fn index_of_interface(name: &CStr) -> Option<u32> {
    // SAFETY: `name` ends in a zero byte.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

/// The name of the interface of this number (`if_indextoname(3)`).
pub(in crate::net) fn name_of_interface(index: u32) -> Option<String> {
    let mut name = [0_u8; libc::IF_NAMESIZE];
    // SAFETY: the call writes at most `IF_NAMESIZE` bytes, its final zero included.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    let name = CStr::from_bytes_until_nul(&name).ok()?;
    (!found.is_null()).then(|| name.to_string_lossy().into_owned())
}
