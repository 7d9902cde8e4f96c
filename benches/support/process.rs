//! Runs a program once and says what it cost: wall time, processor time, peak memory.
//!
//! Separate because std does not give the resource usage of one child: wait4(2) does.
#![expect(
    unsafe_code,
    reason = "wait4(2) is neither in std nor in a safe crate of ours"
)]

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run of a program cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time.
    pub(crate) cpu: Duration,
    pub(crate) peak_kib: u64,
}

/// Runs a program to its end with its output thrown away. The clock runs from before the fork until
/// after the wait: what a shell's user waits for.
pub(crate) fn cost_of(argv: &[OsString]) -> io::Result<Cost> {
    cost_of_writing(argv, Stdio::null())
}

/// The same, with its output going there.
pub(crate) fn cost_of_writing(argv: &[OsString], output: Stdio) -> io::Result<Cost> {
    let mut command = command(argv);
    let began = Instant::now();
    let child = command.stdout(output).stderr(Stdio::null()).spawn()?;
    let usage = wait(child.id())?;
    let wall = began.elapsed();
    Ok(Cost {
        wall,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        peak_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    })
}

/// Runs a program to its end and adds up what `count` finds in each line of its standard output.
///
/// Line by line: a child's peak memory begins with that of the process it was forked from, so this
/// one has to stay small.
pub(crate) fn count_in_output(argv: &[OsString], count: fn(&str) -> usize) -> io::Result<usize> {
    let mut child = command(argv)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut found = 0;
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        found += count(&line?);
    }
    child.wait()?;
    Ok(found)
}

/// Where a program is, if it is installed.
pub(crate) fn find(name: &str) -> Option<OsString> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin"].map(Into::into);
    std::env::split_paths(&paths)
        .chain(more)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .map(Into::into)
}

/// A program with its arguments and nothing to read.
pub(crate) fn command(argv: &[OsString]) -> Command {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).stdin(Stdio::null());
    command
}

fn wait(pid: u32) -> io::Result<libc::rusage> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    // SAFETY: an all-zero rusage is a valid one; wait4 writes only into `status` and `usage`, which
    // live until it returns; the child is ours and nobody else waits for it.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let mut status = 0;
        while libc::wait4(pid, &raw mut status, 0, &raw mut usage) == -1 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        Ok(usage)
    }
}

fn time(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
