//! What a worker counts: plain numbers that only it writes, published for others to read.
//!
//! No counter is shared on the byte path: a worker adds to its own and, once per round of its loop,
//! stores them where anybody may look.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Cause;
use crate::policy::admission::Reason;

/// The numbers besides those a [`Reason`] or a [`Cause`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Connections that were let in.
    Accepted,
    /// Bytes received, streams and datagrams.
    BytesIn,
    /// Bytes sent.
    BytesOut,
    /// Datagrams received.
    DatagramsIn,
    /// Datagrams sent.
    DatagramsOut,
    /// Datagrams that got no answer, or a shorter one, lest this server be a reflector.
    DatagramsHeldBack,
    /// Datagrams that the kernel did not take.
    DatagramsUnsent,
    /// Calls of `accept` that failed for want of descriptors or memory.
    AcceptErrors,
    /// Times that accepting paused.
    Pauses,
    /// Events that nobody will hear of, because they came faster than they were taken.
    EventsLost,
    /// Faults that were applied.
    Faults,
    /// Connections to the service that is forwarded to.
    UpstreamsConnected,
    /// Those that could not be made.
    UpstreamsFailed,
    /// Bytes sent to it.
    BytesUp,
    /// Bytes received from it.
    BytesDown,
    /// Bytes that a mirror was too slow to take.
    MirrorDropped,
    /// Connections whose mirror answered differently.
    MirrorDiffered,
}

const PLAIN: usize = 17;
const REASONS: usize = Reason::ALL.len();
const CAUSES: usize = Cause::ALL.len();
const ALL: usize = PLAIN + REASONS + CAUSES;

/// A worker's own numbers.
#[derive(Clone, Debug)]
pub struct Counts([u64; ALL]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; ALL])
    }
}

impl Counts {
    /// Adds to a number.
    pub fn add(&mut self, what: Count, n: u64) {
        self.0[what as usize] += n;
    }

    /// Counts a connection that was not let in.
    pub fn rejected(&mut self, reason: Reason) {
        self.0[PLAIN + reason as usize] += 1;
    }

    /// Counts a connection that has closed.
    pub fn closed(&mut self, cause: Cause) {
        self.0[PLAIN + REASONS + cause as usize] += 1;
    }

    /// The number.
    #[must_use]
    pub fn get(&self, what: Count) -> u64 {
        self.0[what as usize]
    }

    /// Connections that were not let in for this reason.
    #[must_use]
    pub fn rejects(&self, reason: Reason) -> u64 {
        self.0[PLAIN + reason as usize]
    }

    /// Connections that were closed for this cause.
    #[must_use]
    pub fn closes(&self, cause: Cause) -> u64 {
        self.0[PLAIN + REASONS + cause as usize]
    }

    /// Adds another worker's numbers.
    pub fn merge(&mut self, other: &Self) {
        for (sum, number) in self.0.iter_mut().zip(other.0) {
            *sum += number;
        }
    }
}

/// Where a worker publishes; on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Published([AtomicU64; ALL]);

impl Published {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Only the worker it belongs to calls this.
    pub(super) fn store(&self, counts: &Counts) {
        for (place, number) in self.0.iter().zip(counts.0) {
            place.store(number, Ordering::Relaxed);
        }
    }

    pub(super) fn load(&self) -> Counts {
        Counts(std::array::from_fn(|at| self.0[at].load(Ordering::Relaxed)))
    }
}
