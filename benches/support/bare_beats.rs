//! The least that a heartbeat of many sessions can do: one timerfd, one socket a target, a send when
//! a beat is due and a read a millisecond later. No state, no statistics, no output.
#![expect(
    unsafe_code,
    reason = "timerfd is neither in std nor in a safe crate of ours"
)]

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// The address of a target: all of them are this machine.
pub(crate) fn address(index: usize) -> Ipv4Addr {
    let [high, low] = u16::try_from(index).unwrap_or(u16::MAX).to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

/// Beats every target once a second, spread over it.
pub(crate) fn run(port: u16, targets: usize, beats: usize) -> io::Result<()> {
    let mut streams = Vec::new();
    for index in 0..targets {
        let stream = TcpStream::connect((address(index), port))?;
        stream.set_nonblocking(true)?;
        streams.push(stream);
    }
    let timer = timer(1_000_000_000 / i64::try_from(targets).unwrap_or(1))?;
    let (mut due, mut reply) = (0, [0; 64]);
    while due < beats * targets {
        for _ in 0..ticks(&timer)? {
            streams[due % targets].write_all(&[0x55; 16])?;
            // What was sent two places earlier is there by now.
            let earlier = (due + targets - 2) % targets;
            let _ = streams[earlier].read(&mut reply);
            due += 1;
        }
    }
    Ok(())
}

fn timer(nanos: i64) -> io::Result<OwnedFd> {
    let every = libc::timespec {
        tv_sec: nanos / 1_000_000_000,
        tv_nsec: nanos % 1_000_000_000,
    };
    let spec = libc::itimerspec {
        it_interval: every,
        it_value: every,
    };
    // SAFETY: the new descriptor is nobody else's, and the setting outlives the call.
    unsafe {
        let fd = libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        let owned = OwnedFd::from_raw_fd(fd);
        match libc::timerfd_settime(fd, 0, &raw const spec, std::ptr::null_mut()) {
            0 => Ok(owned),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Waits and says how many ticks have passed.
fn ticks(timer: &OwnedFd) -> io::Result<u64> {
    let mut count = 0_u64;
    // SAFETY: the kernel writes the eight bytes of `count`.
    let read = unsafe { libc::read(timer.as_raw_fd(), (&raw mut count).cast(), 8) };
    if read == 8 {
        Ok(count)
    } else {
        Err(io::Error::last_os_error())
    }
}
