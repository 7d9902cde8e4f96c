//! The system calls that the lab needs and std does not offer: entering a network namespace,
//! opening a TUN device, waiting on several files at once.
//!
//! Separate because it is the only file of the test targets with `unsafe` in it; everything here
//! is a thin, safe wrapper and knows nothing of labs.
#![expect(
    unsafe_code,
    reason = "namespaces, TUN devices and ppoll exist only as raw system calls"
)]

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Moves the calling thread into a fresh network namespace.
pub(crate) fn unshare_network() -> io::Result<()> {
    // SAFETY: takes no pointer; it only changes the namespace of the calling thread.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) })
}

/// Moves the calling thread into the network namespace that `namespace` refers to.
pub(crate) fn set_network(namespace: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes no pointer, and the descriptor is open for as long as it is borrowed.
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
}

/// Creates the TUN device `name` in the namespace of the calling thread: one read or write is one
/// IP packet, with nothing in front of it.
pub(crate) fn open_tun(name: &str) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")?;
    // SAFETY: `ifreq` is plain data, for which zero bytes are a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays 0: the kernel reads a C string.
    let room = request.ifr_name.len() - 1;
    for (slot, byte) in request.ifr_name[..room].iter_mut().zip(name.bytes()) {
        *slot = libc::c_char::from_ne_bytes([byte]);
    }
    let flags = libc::IFF_TUN | libc::IFF_NO_PI;
    request.ifr_ifru.ifru_flags =
        libc::c_short::try_from(flags).expect("the two flags fit a short");
    // SAFETY: the descriptor is open and TUNSETIFF reads and writes one `ifreq`, which outlives it.
    check(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) })?;
    Ok(file)
}

/// Waits until one of `files` can be read or `timeout` is over, and says which can.
pub(crate) fn wait_readable<const N: usize>(
    files: [BorrowedFd<'_>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    let mut polled = files.map(|file| libc::pollfd {
        fd: file.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    });
    let timeout = timeout.map(|limit| libc::timespec {
        tv_sec: libc::time_t::try_from(limit.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(limit.subsec_nanos().cast_signed()),
    });
    let limit = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    let count = libc::nfds_t::try_from(N).expect("a handful of files");
    // SAFETY: `polled` holds N entries, `limit` is null or points to a value that outlives the call,
    // and a null signal mask leaves the mask alone.
    check(unsafe { libc::ppoll(polled.as_mut_ptr(), count, limit, std::ptr::null()) })?;
    Ok(polled.map(|entry| entry.revents != 0))
}

/// Sets how many connections wait for `accept` at most; with 0 the kernel keeps one.
pub(crate) fn set_backlog(listener: &TcpListener, backlog: u16) -> io::Result<()> {
    // SAFETY: takes no pointer, and the descriptor is open for as long as it is borrowed.
    check(unsafe { libc::listen(listener.as_raw_fd(), c_int::from(backlog)) })
}

fn check(result: c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
