//! The descriptor limit: raised once at the start, then shared out.
//!
//! Most systems give a process a low soft limit (1024) for the sake of old `select(2)` programs and
//! a much higher hard one; nothing here uses `select`.

use std::io;
use std::os::fd::AsFd;
use std::sync::OnceLock;

use super::sys;

/// Descriptors left for everything that is not a probe: files, name servers, the runtime.
const RESERVED: u64 = 64;
/// Sockets at once at most, however high the limit: beyond this the kernel's queues lose SYNs.
const PARALLEL_AT_MOST: u64 = 16_384;
/// The limit that POSIX systems have at least, when the real one cannot be read.
const ASSUMED: u64 = 256;

/// The limit of open descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorLimit {
    /// The soft limit before.
    pub before: u64,
    /// The soft limit now.
    pub soft: u64,
    /// The hard limit.
    pub hard: u64,
}

/// Raises the soft limit of open descriptors to the hard one and says what is in force.
///
/// Errs only when the limit cannot be read; one that cannot be raised stays as it is.
pub fn raise_descriptor_limit() -> io::Result<DescriptorLimit> {
    let (before, hard) = sys::descriptor_limit()?;
    if before < hard {
        let _ = sys::set_descriptor_limit(hard, hard);
    }
    let (soft, hard) = sys::descriptor_limit()?;
    Ok(DescriptorLimit { before, soft, hard })
}

/// Puts the soft limit back to what it was before [`raise_descriptor_limit`], for a command that
/// replaces this process: it may be one that uses `select(2)`.
///
/// Errs when the system refuses, which lowering a soft limit never makes it do.
pub fn restore_descriptor_limit(limit: &DescriptorLimit) -> io::Result<()> {
    sys::set_descriptor_limit(limit.before, limit.hard)
}

/// How many sockets may be open at once under the limit in force; at least one.
#[must_use]
pub fn parallel_sockets() -> usize {
    let soft = sys::descriptor_limit().map_or(ASSUMED, |(soft, _)| soft);
    budget(soft)
}

/// Descriptors of each worker: its instance of epoll, its bell, the one it can give up.
const OF_A_WORKER: u64 = 3;
/// Those that a server opens besides once it runs: what it reads of the processors, and who looks on.
const OF_A_SERVER: u64 = 3;
/// Those that it keeps for pipes, files and scrapers, at most; of few, a part.
const SERVER_RESERVE: u64 = 128;
const RESERVED_PART: u64 = 16;

/// How many connections a server that is about to start may hold, each of which takes `each` descriptors:
/// what the limit in force leaves beside those that are open by now and those of the workers (`None` is
/// one a processor); at least one.
#[must_use]
pub fn connections_left(workers: Option<usize>, each: u64) -> u64 {
    let soft = sys::descriptor_limit().map_or(ASSUMED, |(soft, _)| soft);
    let workers = workers.unwrap_or_else(processors) as u64;
    // The one that reads the folder is counted too, and gone by then.
    let open = std::fs::read_dir("/proc/self/fd")
        .map_or(RESERVED, |names| names.count().saturating_sub(1) as u64);
    (left(soft, open + workers * OF_A_WORKER + OF_A_SERVER) / each.max(1)).max(1)
}

/// The processors that this process may use: asked once, because the answer is in half a dozen files.
pub(super) fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn left(soft: u64, used: u64) -> u64 {
    let reserve = SERVER_RESERVE.min(soft / RESERVED_PART);
    soft.saturating_sub(used + reserve).max(1)
}

/// Descriptors that [`make_room`] makes room for, at most: half a megabyte of the kernel's memory.
const ROOM: u64 = 1 << 16;

/// Has the kernel make room for all connections at once, as a server does before it starts a thread.
///
/// The table of descriptors is doubled as they come, and in a program of several threads each time waits
/// until no processor can be reading the old one: some milliseconds on a quiet machine, a tenth of a second
/// on a busy one, in which the backlog of a server overflows. Where there is no room, it goes on as ever.
pub fn make_room() {
    let soft = sys::descriptor_limit().map_or(ASSUMED, |(soft, _)| soft);
    let last = i32::try_from(soft.min(ROOM).saturating_sub(1)).unwrap_or(i32::MAX);
    if let Ok(file) = std::fs::File::open("/dev/null") {
        let _ = sys::lengthen_table(file.as_fd(), last);
    }
}

/// Below how many connections descriptors are so plenty that pipes may take some.
pub(super) fn connections_beside_pipes() -> usize {
    let soft = sys::descriptor_limit().map_or(ASSUMED, |(soft, _)| soft);
    let connections = soft.saturating_sub(SERVER_RESERVE).max(soft / 2);
    usize::try_from(connections / 2).unwrap_or(usize::MAX)
}

fn budget(soft: u64) -> usize {
    let budget = soft.saturating_sub(RESERVED).clamp(1, PARALLEL_AT_MOST);
    usize::try_from(budget).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_leaves_a_reserve_and_never_becomes_zero() {
        let rows = [
            (0, 1),
            (64, 1),
            (65, 1),
            (1_024, 960),
            (20_000, 16_384),
            (u64::MAX, 16_384),
        ];
        for (soft, sockets) in rows {
            assert_eq!(budget(soft), sockets, "{soft}");
        }
    }

    #[test]
    fn a_server_holds_what_is_really_left() {
        let rows = [
            (30, 20, 9),
            (30, 40, 1),
            (1_024, 20, 940),
            (20_000, 20, 19_852),
        ];
        for (soft, used, connections) in rows {
            assert_eq!(left(soft, used), connections, "{soft} {used}");
        }
        assert!(connections_left(Some(1), 1) >= connections_left(Some(1), 3));
    }

    #[test]
    fn raising_reaches_the_hard_limit() {
        let limit = raise_descriptor_limit().unwrap();
        assert_eq!(limit.soft, limit.hard);
        assert!(limit.before <= limit.soft && parallel_sockets() >= 1);
    }
}
