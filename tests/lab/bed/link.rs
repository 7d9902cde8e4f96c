//! A wire on which packets take time, get lost or overtake each other.
//!
//! A userspace link between two TUN devices, because not every kernel has netem. One thread reads
//! packets from both ends, keeps each until it is due, and writes it to the other end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, PipeWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::namespace::Namespace;
use super::sys;

/// The name of the device at both ends.
pub(crate) const DEVICE: &str = "tun0";
/// Above the largest packet that a TUN device hands out (its MTU is 1500).
const PACKET_ROOM: usize = 2048;

/// How packets fare in one direction. The default is a perfect wire.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Path {
    /// How long every packet takes.
    pub(crate) delay: Duration,
    /// How much longer it may take, spread evenly.
    pub(crate) jitter: Duration,
    /// The share of packets that get lost, in percent.
    pub(crate) loss_pct: u8,
    /// Whether jitter may let packets overtake each other.
    pub(crate) reorder: bool,
}

/// How packets fare in both directions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    /// From the first machine to the second.
    pub(crate) there: Path,
    /// And back.
    pub(crate) back: Path,
}

/// A link that carries packets while it lives.
#[derive(Debug)]
pub(crate) struct Link {
    // The order matters: the thread ends when this end of its pipe is closed.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Link {
    /// Joins two machines. The devices are up and have no address yet.
    pub(crate) fn between(one: &Namespace, other: &Namespace, shape: Shape) -> Self {
        let ends = [device(one), device(other)];
        let (stopped, stop) = io::pipe().expect("a pipe can be made");
        let carry = move || Carrier::new(ends, shape).run(&stopped);
        Self {
            stop: Some(stop),
            thread: Some(std::thread::spawn(carry)),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop = None;
        let ended = self.thread.take().map(JoinHandle::join);
        // A second panic while a test fails would hide the first.
        if !std::thread::panicking() {
            assert!(
                matches!(ended, Some(Ok(Ok(())))),
                "the link broke: {ended:?}"
            );
        }
    }
}

fn device(machine: &Namespace) -> File {
    let file = machine.enter(|| sys::open_tun(DEVICE));
    let file = file.expect("the skip policy has found TUN devices");
    machine.ip(&format!("link set {DEVICE} up"));
    file
}

/// A packet on its way: when it is due, its number, the end it goes to, its bytes.
type Packet = (Instant, u64, usize, Vec<u8>);

/// The thread's state: both ends and what is between them.
struct Carrier {
    ends: [File; 2],
    lanes: [Lane; 2],
    under_way: BinaryHeap<Reverse<Packet>>,
    carried: u64,
}

impl Carrier {
    fn new(ends: [File; 2], shape: Shape) -> Self {
        // Different seeds: the two directions must not lose the same packets.
        let lanes = [Lane::new(shape.there, 1), Lane::new(shape.back, 2)];
        let (under_way, carried) = (BinaryHeap::new(), 0);
        Self {
            ends,
            lanes,
            under_way,
            carried,
        }
    }

    /// Carries packets until the other end of `stopped` is closed.
    fn run(mut self, stopped: &io::PipeReader) -> io::Result<()> {
        loop {
            let wait = self.deliver(Instant::now())?;
            let [one, other] = &self.ends;
            let files = [one.as_fd(), other.as_fd(), stopped.as_fd()];
            let [from_one, from_other, stop] = sys::wait_readable(files, wait)?;
            if stop {
                return Ok(());
            }
            for (end, ready) in [from_one, from_other].into_iter().enumerate() {
                if ready {
                    self.take(end)?;
                }
            }
        }
    }

    /// Writes what is due and says how long the next packet still has.
    fn deliver(&mut self, now: Instant) -> io::Result<Option<Duration>> {
        while let Some(Reverse((due, ..))) = self.under_way.peek() {
            if *due > now {
                return Ok(Some(*due - now));
            }
            if let Some(Reverse((_, _, end, bytes))) = self.under_way.pop() {
                self.ends[end].write_all(&bytes)?;
            }
        }
        Ok(None)
    }

    /// Reads one packet from an end and puts it on its way to the other.
    fn take(&mut self, end: usize) -> io::Result<()> {
        let mut packet = vec![0; PACKET_ROOM];
        let length = self.ends[end].read(&mut packet)?;
        packet.truncate(length);
        if let Some(due) = self.lanes[end].due(Instant::now()) {
            self.carried += 1;
            let entry = (due, self.carried, 1 - end, packet);
            self.under_way.push(Reverse(entry));
        }
        Ok(())
    }
}

/// One direction: decides when a packet arrives, or that it does not.
struct Lane {
    path: Path,
    random: u64,
    last: Option<Instant>,
}

impl Lane {
    fn new(path: Path, seed: u64) -> Self {
        let (random, last) = (seed, None);
        Self { path, random, last }
    }

    fn due(&mut self, now: Instant) -> Option<Instant> {
        if self.draw() % 100 < u64::from(self.path.loss_pct) {
            return None;
        }
        let most = u64::try_from(self.path.jitter.as_nanos()).unwrap_or(u64::MAX);
        let jitter = Duration::from_nanos(self.draw() % most.saturating_add(1).max(1));
        let due = now + self.path.delay + jitter;
        let due = match self.last {
            Some(last) if !self.path.reorder => due.max(last),
            _ => due,
        };
        self.last = Some(due);
        Some(due)
    }

    /// The next number of `SplitMix64` (Steele, Lea and Flood 2014): the same run after run.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
