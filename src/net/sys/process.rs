//! Ending other processes.
#![expect(unsafe_code, reason = "a system call that std does not offer")]

use std::io;

use super::check;

/// Kills a process group, whose leader's number it has.
pub(in crate::net) fn kill_group(leader: u32) -> io::Result<()> {
    let leader = i32::try_from(leader).ok().filter(|leader| *leader > 1);
    let leader = leader.ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: takes no pointers.
    check(unsafe { libc::kill(-leader, libc::SIGKILL) }).map(drop)
}
