//! What the processors that we may use are doing, as the kernel counts it in `/proc`.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::crew::Use;

/// The kernel's unit of processor time in `/proc`, on every Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
/// Bytes of a line about one processor, at most.
const LINE: usize = 256;

/// The counters, and what they said last.
#[derive(Debug)]
pub(super) struct Processors {
    all: File,
    own: File,
    /// Ours begin with these words.
    names: Vec<String>,
    buffer: Vec<u8>,
    /// Programs of low priority give way to this one, which has none itself.
    first: bool,
    last: Option<Sample>,
}

/// Ticks since the machine, or this program, was started.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    idle: u64,
    /// Of programs of low priority.
    low: u64,
    own: u64,
    looked: Duration,
}

impl Processors {
    /// `None` where the system does not tell.
    pub(super) fn open() -> Option<Self> {
        let allowed = allowed(&fs::read_to_string("/proc/self/status").ok()?)?;
        let last = allowed.last().copied()?;
        let own = File::open("/proc/self/stat").ok()?;
        let first = niceness(read(&own, &mut [0; 2 * LINE])?)? <= 0;
        Some(Self {
            all: File::open("/proc/stat").ok()?,
            own,
            first,
            names: allowed
                .iter()
                .map(|number| format!("cpu{number} "))
                .collect(),
            buffer: vec![0; (last + 2) * LINE],
            last: None,
        })
    }

    /// What they did since the last call, if that is not longer ago than `within`; `looked` is how long
    /// our workers have looked instead of sleeping, since the start.
    pub(super) fn used(
        &mut self,
        now: Duration,
        within: Duration,
        looked: Duration,
    ) -> Option<Use> {
        let buffer = &mut self.buffer;
        let (idle, low) = idle(read(&self.all, buffer)?, &self.names)?;
        let own = own(read(&self.own, buffer)?)?;
        let sample = Sample {
            at: now,
            idle,
            low: if self.first { low } else { 0 },
            own,
            looked,
        };
        let last = self.last.replace(sample)?;
        let passed = now.saturating_sub(last.at);
        if passed.is_zero() || passed > within {
            return None;
        }
        let part = |time: Duration| time.as_secs_f64() / passed.as_secs_f64();
        let ticks = |now: u64, then: u64| {
            let count = u32::try_from(now.saturating_sub(then)).unwrap_or(u32::MAX);
            part(TICK * count)
        };
        let idle = ticks(idle, last.idle);
        Some(Use {
            idle,
            free: idle + ticks(sample.low, last.low),
            own: ticks(own, last.own),
            looked: part(looked.saturating_sub(last.looked)),
        })
    }
}

/// What the file says now: the kernel makes it up at every read from its beginning.
fn read<'a>(file: &File, buffer: &'a mut [u8]) -> Option<&'a str> {
    let count = file.read_at(buffer, 0).ok()?;
    str::from_utf8(buffer.get(..count)?).ok()
}

/// The processors of `Cpus_allowed_list`, ascending.
fn allowed(status: &str) -> Option<Vec<usize>> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut all = Vec::new();
    for part in line.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        all.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(all)
}

/// Idle and waiting for disks, of these processors; and busy with programs of low priority.
fn idle(stat: &str, names: &[String]) -> Option<(u64, u64)> {
    let mut sum = (0, 0);
    for name in names {
        // One that is switched off has no line, and is of no use.
        let Some(line) = stat.lines().find_map(|line| line.strip_prefix(&**name)) else {
            continue;
        };
        let mut fields = line.split_whitespace().map(str::parse::<u64>);
        let mut next = || fields.next()?.ok();
        let (_user, nice, _system, idle, disks) = (next()?, next()?, next()?, next()?, next()?);
        sum = (sum.0 + idle + disks, sum.1 + nice);
    }
    Some(sum)
}

/// User and system time of a process.
fn own(stat: &str) -> Option<u64> {
    // The name may hold spaces and parentheses.
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn niceness(stat: &str) -> Option<i32> {
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(16)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let status = "Name:\tx\nCpus_allowed_list:\t0-2,5\nMems_allowed_list:\t0\n";
        assert_eq!(allowed(status), Some(vec![0, 1, 2, 5]));
        let stat = "cpu  1 2 3 4 5\ncpu0 1 2 3 40 5 6\ncpu1 1 2 3 400 50 6\ncpu10 9 9 9 9 9\n";
        let names = ["cpu0 ", "cpu1 ", "cpu7 "].map(String::from);
        assert_eq!(idle(stat, &names), Some((495, 4)));
        let line = "7 (a) b) S 1 7 7 0 -1 4194304 1 0 0 0 12 30 0 0 35 15 2 0";
        assert_eq!((own(line), niceness(line)), (Some(42), Some(15)));
    }

    #[test]
    fn what_this_machine_does_adds_up() {
        let mut processors = Processors::open().unwrap();
        let within = Duration::from_secs(60);
        let begun = std::time::Instant::now();
        assert_eq!(
            processors.used(Duration::ZERO, within, Duration::ZERO),
            None
        );
        while begun.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        let used = processors.used(begun.elapsed(), within, Duration::ZERO);
        let used = used.unwrap();
        assert!(used.own > 0.0 && used.idle <= used.free, "{used:?}");
        // Counted in ticks, of several processors: twice what there is would be a mistake.
        let there = f64::from(u32::try_from(processors.names.len()).unwrap());
        assert!(used.idle + used.own < 2.0 * there, "{used:?}");
        assert_eq!(processors.used(within * 3, within, Duration::ZERO), None);
    }
}
