//! A network namespace for this process and its children, so that every port is free and nothing
//! outside is touched; and a firewall in it.
#![expect(
    unsafe_code,
    reason = "unshare(2), ioctl(2), listen(2) and setrlimit(2) are neither in std nor in a safe crate of ours"
)]

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::Command;

use super::process::find;

/// `IFF_UP` in the width of the flags of an interface.
const IFF_UP: libc::c_short = 1;

/// Moves this process into a fresh network namespace with loopback up. Without root it needs user
/// namespaces. Must be called while there is one thread.
pub(crate) fn enter() -> io::Result<()> {
    // SAFETY: takes no pointers, and changes only the namespaces of this one-threaded process.
    let entered = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    if entered == -1 {
        // SAFETY: as above.
        check(unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) })?;
    }
    loopback_up()
}

/// Lets this process hold as many descriptors as it may; returns how many that is.
pub(crate) fn raise_descriptor_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes one rlimit, which lives until it returns.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: reads one rlimit.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    Ok(limit.rlim_cur)
}

/// Gives a listener the longest queue that the kernel allows.
pub(crate) fn deepen(listener: &TcpListener) -> io::Result<()> {
    // SAFETY: takes no pointers; the descriptor is a listening socket already.
    check(unsafe { libc::listen(listener.as_raw_fd(), libc::c_int::MAX) })
}

/// Drops what comes in for these TCP ports without a word. Errs with the name of what is missing.
pub(crate) fn drop_silently(ports: &str) -> Result<(), String> {
    let nft = find("nft").ok_or("nft not found")?;
    let rules = format!(
        "add table inet bench; \
         add chain inet bench input {{ type filter hook input priority 0; }}; \
         add rule inet bench input tcp dport {ports} drop"
    );
    let done = Command::new(nft).arg(rules).output();
    match done {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("nft: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("nft: {error}")),
    }
}

/// Takes away what [`drop_silently`] made.
pub(crate) fn drop_nothing() {
    if let Some(nft) = find("nft") {
        // Best effort: the namespace ends with the process anyway.
        let _ = Command::new(nft)
            .args(["delete", "table", "inet", "bench"])
            .output();
    }
}

fn loopback_up() -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: an all-zero ifreq is a valid one; the ioctls read and write only it.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
            *to = from.cast_signed();
        }
        check(libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCGIFFLAGS,
            &raw mut request,
        ))?;
        request.ifr_ifru.ifru_flags |= IFF_UP;
        check(libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCSIFFLAGS,
            &raw const request,
        ))?;
    }
    Ok(())
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
