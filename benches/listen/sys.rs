//! The system calls of the load generator: epoll, sockets from a chosen address, processors.
#![expect(
    unsafe_code,
    reason = "epoll, connect without waiting, and sched_setaffinity are not in std"
)]

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

/// `linux/in.h`; the port is chosen at the connect, so that each source address has all of them.
const IP_BIND_ADDRESS_NO_PORT: libc::c_int = 24;

/// Readable and writable, told once a change.
const BOTH: libc::c_int = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;

/// An epoll instance and the events of its last wait.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        Ok(Self {
            // SAFETY: the kernel has just given us this descriptor.
            epoll: unsafe { OwnedFd::from_raw_fd(fd) },
            events: Vec::with_capacity(512),
        })
    }

    pub(crate) fn add(&self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: BOTH.cast_unsigned(),
            u64: key as u64,
        };
        let (epoll, fd) = (self.epoll.as_raw_fd(), fd.as_raw_fd());
        // SAFETY: `event` is readable; the kernel keeps a copy.
        check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event) }).map(drop)
    }

    /// Waits until something happens, or so long; leaves the keys in `keys`.
    pub(crate) fn wait(&mut self, keys: &mut Vec<usize>, limit: Duration) -> io::Result<()> {
        keys.clear();
        let room = i32::try_from(self.events.capacity()).unwrap_or(i32::MAX);
        let millis = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        let (epoll, events) = (self.epoll.as_raw_fd(), self.events.as_mut_ptr());
        // SAFETY: `events` has room for `room` of them.
        let count = match check(unsafe { libc::epoll_wait(epoll, events, room, millis) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            count => usize::try_from(count?).unwrap_or(0),
        };
        // SAFETY: the kernel has written so many.
        unsafe { self.events.set_len(count) };
        let key = |event: &libc::epoll_event| usize::try_from(event.u64).unwrap_or(usize::MAX);
        keys.extend(self.events.iter().map(key));
        Ok(())
    }
}

/// Begins to connect from an address of loopback; the outcome shows when it is written to.
pub(crate) fn connect(from: Ipv4Addr, to: SocketAddrV4) -> io::Result<TcpStream> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: takes no pointers.
    let fd = check(unsafe { libc::socket(libc::AF_INET, kind, 0) })?;
    // SAFETY: the kernel has just given us this descriptor.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let on: libc::c_int = 1;
    // SAFETY: the option reads one `int`.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_IP,
            IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size(&on),
        )
    })?;
    let (from, to) = (raw(SocketAddrV4::new(from, 0)), raw(to));
    // SAFETY: reads one `sockaddr_in` of the length that is said.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const from).cast(), size(&from)) })?;
    // SAFETY: as above.
    let begun = unsafe { libc::connect(fd.as_raw_fd(), (&raw const to).cast(), size(&to)) };
    match check(begun) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(TcpStream::from(fd)),
    }
}

/// Lets a program run on these processors only.
pub(crate) fn pin(command: &mut Command, cpus: &[usize]) {
    let cpus = cpus.to_vec();
    // SAFETY: between fork and exec only a system call on memory of this function is made.
    unsafe {
        command.pre_exec(move || {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            for &cpu in &cpus {
                libc::CPU_SET(cpu, &mut set);
            }
            check(libc::sched_setaffinity(
                0,
                size_of_val(&set),
                &raw const set,
            ))
            .map(drop)
        });
    }
}

/// Throws away what has come, at most so much, without a copy: what a peer costs that does not look at
/// its bytes.
pub(crate) fn throw_away(stream: &TcpStream, most: usize) -> io::Result<usize> {
    let fd = stream.as_raw_fd();
    // SAFETY: with MSG_TRUNC, TCP writes nothing to the buffer, which may then be null.
    let count = unsafe { libc::recv(fd, std::ptr::null_mut(), most, libc::MSG_TRUNC) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Ends a group of processes at once.
pub(crate) fn kill_group(leader: u32) {
    let Ok(leader) = libc::pid_t::try_from(leader) else {
        return;
    };
    // SAFETY: takes no pointers; the group is one that we made, and its leader was not waited for.
    unsafe { libc::killpg(leader, libc::SIGKILL) };
}

/// Makes the end of a connection a reset, which leaves nothing behind in the kernel.
pub(crate) fn reset_at_close(stream: &TcpStream) {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    let fd = stream.as_fd().as_raw_fd();
    // SAFETY: the option reads one `linger`.
    unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size(&linger),
        )
    };
}

fn raw(addr: SocketAddrV4) -> libc::sockaddr_in {
    // SAFETY: an all-zero `sockaddr_in` is a valid one.
    let mut raw: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    raw.sin_family = u16::try_from(libc::AF_INET).unwrap_or_default();
    raw.sin_port = addr.port().to_be();
    raw.sin_addr.s_addr = u32::from(*addr.ip()).to_be();
    raw
}

fn size<T>(value: &T) -> libc::socklen_t {
    libc::socklen_t::try_from(size_of_val(value)).unwrap_or_default()
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
