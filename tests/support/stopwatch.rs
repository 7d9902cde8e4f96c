//! How long something took, and how much of that this machine may have slept through.
//!
//! A bound such as "50 ms after the deadline" is about netkit, not about how many other programs
//! want the processor meanwhile. A thread that sleeps in short steps measures how late it wakes;
//! upper bounds are extended by that, lower bounds never.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The step of the watching thread.
const STEP: Duration = Duration::from_millis(2);
/// Client, server and timer may each be woken late.
const PARTIES: u32 = 3;

/// Measures from its start until [`Stopwatch::stop`].
pub(crate) struct Stopwatch {
    start: Instant,
    stopped: Arc<AtomicBool>,
    latest_us: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Stopwatch {
    /// Starts the watch.
    pub(crate) fn start() -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let latest_us = Arc::new(AtomicU64::new(0));
        let (stop, latest) = (stopped.clone(), latest_us.clone());
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let before = Instant::now();
                std::thread::sleep(STEP);
                let late = before.elapsed().saturating_sub(STEP);
                let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
                latest.fetch_max(late, Ordering::Relaxed);
            }
        });
        Self {
            start: Instant::now(),
            stopped,
            latest_us,
            thread: Some(thread),
        }
    }

    /// Reads the time and stops the watch.
    pub(crate) fn stop(mut self) -> Took {
        let raw = self.start.elapsed();
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let late = Duration::from_micros(self.latest_us.load(Ordering::Relaxed));
        let late = late * PARTIES;
        Took { raw, late }
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// A time, and how late this machine was meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    /// What the clock says.
    pub(crate) raw: Duration,
    /// By how much this machine may have stretched it.
    pub(crate) late: Duration,
}

impl Took {
    /// Whether it was less than `bound`, apart from what this machine was late.
    pub(crate) fn is_under(self, bound: Duration) -> bool {
        self.raw < bound + self.late
    }

    /// Whether it was no less than `bound`.
    pub(crate) fn is_least(self, bound: Duration) -> bool {
        self.raw >= bound
    }

    /// Whether it lies between the two.
    pub(crate) fn is_within(self, bounds: &Range<Duration>) -> bool {
        self.is_least(bounds.start) && self.is_under(bounds.end)
    }
}

impl fmt::Debug for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (this machine late by {:?})", self.raw, self.late)
    }
}
