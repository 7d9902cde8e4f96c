//! The least that anything can do to connect many addresses: one epoll loop, no report, no
//! evidence, nothing but counts. What netkit's cost is measured against.
//!
//! Two variants: a fresh socket for each address, and one that connects the same socket again after
//! a refusal, which Linux allows.
#![expect(
    unsafe_code,
    reason = "a non-blocking connect is neither in std nor in a safe crate of ours"
)]

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// How to go about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Connects the same socket again after a refusal.
    pub(crate) reuse: bool,
    /// Connections under way at once.
    pub(crate) parallel: usize,
    /// How long an address may be silent.
    pub(crate) timeout: Duration,
}

/// How many answered how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) open: u64,
    pub(crate) refused: u64,
    pub(crate) silent: u64,
}

struct Pending {
    socket: Option<OwnedFd>,
    addr: SocketAddrV4,
    began: Instant,
}

struct Bare {
    plan: Plan,
    epoll: OwnedFd,
    /// By descriptor number.
    pending: Vec<Pending>,
    under_way: usize,
    /// In the order of starting, and so of timing out; entries may be stale.
    order: VecDeque<(RawFd, Instant)>,
    /// Refused sockets to connect again, and whether epoll knows them.
    spare: Vec<(OwnedFd, bool)>,
    counts: Counts,
}

/// Connects all of them and counts the outcomes.
pub(crate) fn connect_all(
    mut addrs: impl Iterator<Item = SocketAddrV4>,
    plan: Plan,
) -> io::Result<Counts> {
    // SAFETY: takes no pointers; the result is checked and owned by nobody else.
    let epoll = unsafe { owned(libc::epoll_create1(libc::EPOLL_CLOEXEC))? };
    let mut bare = Bare {
        plan,
        epoll,
        pending: Vec::new(),
        under_way: 0,
        order: VecDeque::new(),
        spare: Vec::new(),
        counts: Counts::default(),
    };
    loop {
        while bare.under_way < plan.parallel {
            let Some(addr) = addrs.next() else { break };
            bare.start(addr)?;
        }
        if bare.under_way == 0 {
            return Ok(bare.counts);
        }
        bare.wait()?;
    }
}

impl Bare {
    fn start(&mut self, addr: SocketAddrV4) -> io::Result<()> {
        let (socket, known) = match self.spare.pop() {
            Some(spare) => spare,
            None => (socket()?, false),
        };
        match connect(&socket, addr) {
            Ok(()) => self.counts.open += 1,
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
                self.watch(socket, known, addr)?;
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.refused(socket, known);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn refused(&mut self, socket: OwnedFd, known: bool) {
        self.counts.refused += 1;
        if self.plan.reuse {
            self.spare.push((socket, known));
        }
    }

    fn watch(&mut self, socket: OwnedFd, known: bool, addr: SocketAddrV4) -> io::Result<()> {
        let (fd, began) = (socket.as_raw_fd(), Instant::now());
        let index = usize::try_from(fd).map_err(io::Error::other)?;
        let mut event = libc::epoll_event {
            events: (libc::EPOLLOUT | libc::EPOLLONESHOT).cast_unsigned(),
            u64: index as u64,
        };
        let change = if known {
            libc::EPOLL_CTL_MOD
        } else {
            libc::EPOLL_CTL_ADD
        };
        // SAFETY: reads one event, which lives until it returns; both descriptors are ours.
        check(unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), change, fd, &raw mut event) })?;
        if self.pending.len() <= index {
            let free = || Pending {
                socket: None,
                addr,
                began,
            };
            self.pending.resize_with(index + 1, free);
        }
        self.pending[index] = Pending {
            socket: Some(socket),
            addr,
            began,
        };
        self.order.push_back((fd, began));
        self.under_way += 1;
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 256];
        let patience = self.order.front().map_or(Duration::ZERO, |(_, began)| {
            (*began + self.plan.timeout).saturating_duration_since(Instant::now())
        });
        // Rounded up: waking too early would spin.
        let millis = i32::try_from(patience.as_micros().div_ceil(1_000)).unwrap_or(i32::MAX);
        // SAFETY: writes at most 256 events, which live until it returns.
        let ready =
            unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), 256, millis) };
        let ready = check(ready)?;
        for event in &events[..usize::try_from(ready).unwrap_or(0)] {
            self.ended(usize::try_from(event.u64).map_err(io::Error::other)?)?;
        }
        self.time_out();
        Ok(())
    }

    fn ended(&mut self, index: usize) -> io::Result<()> {
        let Some(socket) = self.pending[index].socket.take() else {
            return Ok(());
        };
        self.under_way -= 1;
        // Asked again, connect(2) tells the outcome, and only so the socket can be used again.
        match connect(&socket, self.pending[index].addr) {
            Ok(()) => self.counts.open += 1,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.refused(socket, true);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn time_out(&mut self) {
        let now = Instant::now();
        while let Some((fd, began)) = self.order.front().copied() {
            let pending = &mut self.pending[usize::try_from(fd).unwrap_or(0)];
            let current = pending.socket.is_some() && pending.began == began;
            if current && now < began + self.plan.timeout {
                return;
            }
            self.order.pop_front();
            if current {
                pending.socket = None;
                self.under_way -= 1;
                self.counts.silent += 1;
            }
        }
    }
}

fn socket() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: takes no pointers; the result is checked and owned by nobody else.
    unsafe { owned(libc::socket(libc::AF_INET, kind, 0)) }
}

fn connect(socket: &OwnedFd, addr: SocketAddrV4) -> io::Result<()> {
    // SAFETY: an all-zero sockaddr_in is a valid one.
    let mut raw: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    raw.sin_family = libc::sa_family_t::try_from(libc::AF_INET).map_err(io::Error::other)?;
    raw.sin_port = addr.port().to_be();
    raw.sin_addr.s_addr = u32::from_ne_bytes(addr.ip().octets());
    let size = libc::socklen_t::try_from(size_of_val(&raw)).map_err(io::Error::other)?;
    // SAFETY: reads one sockaddr_in of that size, which lives until it returns.
    let result = unsafe { libc::connect(socket.as_raw_fd(), (&raw const raw).cast(), size) };
    check(result).map(drop)
}

/// # Safety
/// `fd` must be -1 or a descriptor that nobody else owns.
unsafe fn owned(fd: RawFd) -> io::Result<OwnedFd> {
    check(fd)?;
    // SAFETY: checked not to be -1; the rest is the caller's promise.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
