//! Handing a descriptor to the runtime.
#![expect(
    unsafe_code,
    reason = "AsyncFd asks for a promise about the descriptor"
)]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor that the runtime watches.
pub(in crate::net) type Watched = AsyncFd<OwnedFd>;

/// Lets the runtime watch a descriptor, for reading and writing.
///
/// Asks for `EPOLLPRI` too: with `SO_SELECT_ERR_QUEUE` it is how a datagram socket that got an ICMP
/// message and nothing else wakes its reader; `EPOLLERR` alone counts as writable.
pub(in crate::net) fn watch(fd: OwnedFd) -> io::Result<Watched> {
    let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
    // SAFETY: an `OwnedFd` is open, stays open until it is dropped, and never changes its number.
    Ok(unsafe { AsyncFd::register_with_interest(fd, interest) }?)
}
