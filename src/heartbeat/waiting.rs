//! What was said and is not answered yet.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::policy::breaker::Permit;

/// Entries whose time is over, kept to recognise a late reply.
const KEPT: usize = 1_024;

/// One message and what is known of it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) what: What,
    /// Its bytes, until there is a session to send them on.
    pub(super) unsent: Option<Vec<u8>>,
    /// How long it is.
    pub(super) len: usize,
    /// On which session, counted from 0.
    pub(super) session: u64,
    pub(super) sent: Option<Instant>,
    pub(super) deadline: Instant,
    /// All stalls of this machine when it was sent.
    pub(super) stalled: Duration,
}

/// Whom the reply is for.
#[derive(Debug)]
pub(super) enum What {
    Beat(Pending),
    /// A beat that has failed already.
    Failed {
        seq: u64,
    },
    Request(oneshot::Sender<Result<Vec<u8>, Failure>>),
    /// A request that nobody waits for any more.
    Abandoned,
}

/// A beat that has no verdict yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) seq: u64,
    pub(super) due: Instant,
    pub(super) permit: Option<Permit>,
}

impl What {
    /// Whether somebody still waits for a verdict.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Beat(_) | Self::Request(_))
    }

    /// The number of the beat, if it is one.
    pub(super) fn seq(&self) -> Option<u64> {
        match self {
            Self::Beat(Pending { seq, .. }) | Self::Failed { seq } => Some(*seq),
            Self::Request(_) | Self::Abandoned => None,
        }
    }
}

/// The queue, in the order of sending.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Waiting>,
    open: usize,
}

impl Queue {
    pub(super) fn push(&mut self, entry: Waiting) {
        self.open += usize::from(entry.what.is_open());
        self.entries.push_back(entry);
    }

    /// How many wait for a verdict.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The oldest on a session.
    pub(super) fn front(&self, session: u64) -> Option<(usize, &Waiting)> {
        let mut entries = self.entries.iter().enumerate();
        entries.find(|(_, entry)| entry.session == session && entry.sent.is_some())
    }

    /// The oldest on a session that still waits for a verdict.
    pub(super) fn first_open(&self, session: u64) -> Option<usize> {
        let open = |entry: &Waiting| {
            entry.session == session && entry.sent.is_some() && entry.what.is_open()
        };
        self.entries.iter().position(open)
    }

    /// The oldest request on a session.
    pub(super) fn first_request(&self, session: u64) -> Option<usize> {
        let request =
            |entry: &Waiting| entry.session == session && matches!(entry.what, What::Request(_));
        self.entries.iter().position(request)
    }

    /// The place of a beat.
    pub(super) fn of_seq(&self, is: impl Fn(u64) -> bool) -> Option<usize> {
        self.entries
            .iter()
            .position(|entry| entry.what.seq().is_some_and(&is))
    }

    pub(super) fn take(&mut self, at: usize) -> Option<Waiting> {
        let entry = self.entries.remove(at)?;
        self.open -= usize::from(entry.what.is_open());
        Some(entry)
    }

    /// The earliest moment at which one runs out of time.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let open = self.entries.iter().find(|entry| entry.what.is_open());
        open.map(|entry| entry.deadline)
    }

    /// The first that has run out of time: what it was, and leaves its shell behind to recognise a
    /// late reply.
    pub(super) fn expire(&mut self, now: Instant) -> Option<(What, Shell)> {
        let open = |entry: &Waiting| entry.what.is_open() && entry.deadline <= now;
        let at = self.entries.iter().position(open)?;
        let expired = self.close(at);
        while self.entries.len() - self.open > KEPT {
            let closed = self.entries.iter().position(|entry| !entry.what.is_open());
            self.entries.remove(closed?);
        }
        expired
    }

    fn close(&mut self, at: usize) -> Option<(What, Shell)> {
        let last = at + 1 == self.entries.len();
        let entry = self.entries.get_mut(at)?;
        self.open -= usize::from(entry.what.is_open());
        let shell = Shell {
            sent: entry.sent,
            session: entry.session,
            last,
        };
        let left = match &entry.what {
            What::Beat(beat) => What::Failed { seq: beat.seq },
            _ => What::Abandoned,
        };
        let what = std::mem::replace(&mut entry.what, left);
        if entry.sent.is_none() {
            self.entries.remove(at);
        }
        Some((what, shell))
    }

    /// Takes all of a session, or what was never sent: those that wait for a verdict.
    pub(super) fn drain(&mut self, is: impl Fn(&Waiting) -> bool) -> VecDeque<Waiting> {
        let all = std::mem::take(&mut self.entries);
        let (mut gone, kept): (VecDeque<_>, VecDeque<_>) =
            all.into_iter().partition(|entry| is(entry));
        self.entries = kept;
        gone.retain(|entry: &Waiting| entry.what.is_open());
        self.open -= gone.len();
        gone
    }

    /// What waits for a session, in order.
    pub(super) fn unsent(&mut self) -> impl Iterator<Item = &mut Waiting> {
        self.entries
            .iter_mut()
            .filter(|entry| entry.unsent.is_some())
    }

    /// This machine stood still: everybody gets that time back.
    pub(super) fn stalled(&mut self, stall: Duration) {
        for entry in self.entries.iter_mut().filter(|entry| entry.what.is_open()) {
            entry.deadline += stall;
        }
    }
}

/// What is left to know of an entry that has run out of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shell {
    pub(super) sent: Option<Instant>,
    pub(super) session: u64,
    /// Whether nothing was said since.
    pub(super) last: bool,
}
