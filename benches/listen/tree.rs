//! What a process and its descendants use, from /proc.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// Clock ticks a second in /proc, on every Linux.
const TICKS: u64 = 100;

/// The memory of a process and its descendants in bytes; what they share is counted once.
pub(crate) fn memory(root: u32) -> u64 {
    members(root).into_iter().filter_map(share).sum()
}

/// The descriptors that a process has open.
pub(crate) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// The processor time of a process and its descendants, ended ones included.
pub(crate) fn time(root: u32) -> Duration {
    let ticks = |pid: u32| -> Option<u64> {
        // user, system, and both of children that were waited for
        let fields = fields(pid)?;
        fields
            .get(11..15)?
            .iter()
            .map(|field| field.parse::<u64>().ok())
            .sum()
    };
    let ticks: u64 = members(root).into_iter().filter_map(ticks).sum();
    Duration::from_millis(ticks * 1_000 / TICKS)
}

fn share(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// The fields of /proc/PID/stat after the name, which may hold spaces.
fn fields(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after) = text.rsplit_once(')')?;
    Some(after.split_whitespace().map(str::to_owned).collect())
}

fn members(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let parent = fields(pid).and_then(|fields| fields.get(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut all, mut at) = (vec![root], 0);
    while let Some(pid) = all.get(at) {
        all.extend(children.remove(pid).unwrap_or_default());
        at += 1;
    }
    all
}
