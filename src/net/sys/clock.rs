//! The clocks of the kernel.
#![expect(unsafe_code, reason = "system calls with pointers to our own buffers")]

use std::io;
use std::time::Duration;

use libc::clockid_t;

use super::check;

/// The time since the machine was started, with and without the time that it was suspended.
pub(in crate::net) fn since_boot() -> io::Result<(Duration, Duration)> {
    Ok((read(libc::CLOCK_BOOTTIME)?, read(libc::CLOCK_MONOTONIC)?))
}

fn read(clock: clockid_t) -> io::Result<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable and of the type that the call fills in.
    check(unsafe { libc::clock_gettime(clock, &raw mut time) })?;
    let negative = |_| io::Error::from(io::ErrorKind::InvalidData);
    let seconds = u64::try_from(time.tv_sec).map_err(negative)?;
    let nanos = u32::try_from(time.tv_nsec).map_err(negative)?;
    Ok(Duration::new(seconds, nanos))
}
