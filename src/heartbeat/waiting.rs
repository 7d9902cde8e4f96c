//! What was said and is not answered yet.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::policy::breaker::Permit;

/// Beats whose time is over, kept to recognise a late reply. Older ones are only counted.
const KEPT: usize = 128;

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
    Request(oneshot::Sender<Result<Vec<u8>, Failure>>),
}

/// A beat that has no verdict yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) seq: u64,
    pub(super) due: Instant,
    pub(super) permit: Option<Permit>,
}

/// Whose reply has come.
#[derive(Debug)]
pub(super) enum Owner {
    /// Somebody who waits for it.
    Open(Waiting),
    /// A beat that has failed already.
    Failed { seq: u64, sent: Instant },
    /// Somebody who does not wait any more, and of whom nothing is known any more.
    Forgotten,
}

/// Where a reply belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Open(usize),
    Closed(usize),
    Forgotten,
}

impl What {
    /// The number of the beat, if it is one.
    fn seq(&self) -> Option<u64> {
        match self {
            Self::Beat(beat) => Some(beat.seq),
            Self::Request(_) => None,
        }
    }
}

impl Owner {
    /// The number of the beat, if it is one.
    pub(super) fn seq(&self) -> Option<u64> {
        match self {
            Self::Open(entry) => entry.what.seq(),
            Self::Failed { seq, .. } => Some(*seq),
            Self::Forgotten => None,
        }
    }
}

/// What is owed replies, in the order of sending.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Those that wait for a verdict, each with its place in that order.
    open: VecDeque<(u64, Waiting)>,
    /// Those that have run out of time.
    closed: VecDeque<Closed>,
    /// Those before them.
    forgotten: Forgotten,
    pushed: u64,
}

/// What is left of a message that has run out of time.
#[derive(Debug)]
struct Closed {
    order: u64,
    /// `None` for a request.
    seq: Option<u64>,
    sent: Instant,
    len: usize,
    session: u64,
}

/// Replies that a session still owes to messages that are not kept: on a stream they come first.
#[derive(Debug, Default)]
struct Forgotten {
    session: u64,
    replies: usize,
    /// How long their messages were.
    bytes: usize,
}

impl Forgotten {
    fn add(&mut self, closed: &Closed) {
        if self.session != closed.session {
            *self = Self {
                session: closed.session,
                ..Self::default()
            };
        }
        self.replies += 1;
        self.bytes += closed.len;
    }

    /// The length of one of the messages. Which of them does not matter: only their sum does.
    fn len(&self) -> Option<usize> {
        self.bytes.checked_div(self.replies)
    }

    fn take(&mut self) {
        self.bytes -= self.len().unwrap_or(0);
        self.replies = self.replies.saturating_sub(1);
    }
}

impl Queue {
    pub(super) fn push(&mut self, entry: Waiting) {
        self.open.push_back((self.pushed, entry));
        self.pushed += 1;
    }

    /// How many wait for a verdict.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// To whom a stream owes its next reply, and how long the message was.
    pub(super) fn front(&self, session: u64) -> Option<(Place, usize)> {
        let forgotten = self.forgotten.len();
        if let Some(len) = forgotten.filter(|_| self.forgotten.session == session) {
            return Some((Place::Forgotten, len));
        }
        let closed = self.closed.iter().enumerate();
        let closed = closed.filter(|(_, closed)| closed.session == session);
        let closed = closed.map(|(at, closed)| (closed.order, Place::Closed(at), closed.len));
        let open = self.open.iter().enumerate();
        let open = open.filter(|(_, (_, entry))| entry.is_out(session));
        let open = open.map(|(at, (order, entry))| (*order, Place::Open(at), entry.len));
        let first = closed.take(1).chain(open.take(1)).min_by_key(|row| row.0)?;
        Some((first.1, first.2))
    }

    /// The oldest on a session that still waits for a verdict.
    pub(super) fn first_open(&self, session: u64) -> Option<Place> {
        self.find(|entry| entry.is_out(session))
    }

    /// The oldest request on a session.
    pub(super) fn first_request(&self, session: u64) -> Option<Place> {
        self.find(|entry| entry.session == session && matches!(entry.what, What::Request(_)))
    }

    fn find(&self, is: impl Fn(&Waiting) -> bool) -> Option<Place> {
        let at = self.open.iter().position(|(_, entry)| is(entry))?;
        Some(Place::Open(at))
    }

    /// The place of a beat.
    pub(super) fn of_seq(&self, is: impl Fn(u64) -> bool) -> Option<Place> {
        let closed = || {
            let mut closed = self.closed.iter();
            let at = closed.position(|closed| closed.seq.is_some_and(&is))?;
            Some(Place::Closed(at))
        };
        self.find(|entry| entry.what.seq().is_some_and(&is))
            .or_else(closed)
    }

    pub(super) fn take(&mut self, place: Place) -> Option<Owner> {
        match place {
            Place::Open(at) => self.open.remove(at).map(|(_, entry)| Owner::Open(entry)),
            Place::Closed(at) => {
                let Closed { seq, sent, .. } = self.closed.remove(at)?;
                Some(seq.map_or(Owner::Forgotten, |seq| Owner::Failed { seq, sent }))
            }
            Place::Forgotten => {
                self.forgotten.take();
                Some(Owner::Forgotten)
            }
        }
    }

    /// The earliest moment at which one runs out of time.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let deadlines = self.open.iter().map(|(_, entry)| entry.deadline);
        deadlines.min()
    }

    /// The first that has run out of time; enough of it is kept to recognise a late reply.
    pub(super) fn expire(&mut self, now: Instant) -> Option<(What, Shell)> {
        let at = (self.open.iter()).position(|(_, entry)| entry.deadline <= now)?;
        let last = at + 1 == self.open.len();
        let (order, entry) = self.open.remove(at)?;
        let shell = Shell {
            sent: entry.sent,
            session: entry.session,
            last,
        };
        if let Some(sent) = entry.sent {
            self.close(Closed {
                order,
                seq: entry.what.seq(),
                sent,
                len: entry.len,
                session: entry.session,
            });
        }
        Some((entry.what, shell))
    }

    /// Keeps what has run out of time, in the order of sending, and forgets the oldest; but nothing
    /// that comes after somebody who still waits, whose reply would then be taken for another's.
    fn close(&mut self, closed: Closed) {
        let oldest = self.open.front().map_or(u64::MAX, |(order, _)| *order);
        while self.closed.len() >= KEPT && self.closed[0].order < oldest {
            if let Some(first) = self.closed.pop_front() {
                self.forgotten.add(&first);
            }
        }
        let after = self
            .closed
            .partition_point(|other| other.order < closed.order);
        self.closed.insert(after, closed);
    }

    /// Takes all of a session, or what was never sent: those that wait for a verdict.
    pub(super) fn drain(&mut self, is: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let all = std::mem::take(&mut self.open);
        let (gone, kept): (VecDeque<_>, VecDeque<_>) =
            all.into_iter().partition(|(_, entry)| is(entry));
        self.open = kept;
        gone.into_iter().map(|(_, entry)| entry).collect()
    }

    /// A session is over, and so is what it owed.
    pub(super) fn forget(&mut self, session: u64) {
        self.closed.retain(|closed| closed.session != session);
        if self.forgotten.session == session {
            self.forgotten = Forgotten::default();
        }
    }

    /// What waits for a session, in order.
    pub(super) fn unsent(&mut self) -> impl Iterator<Item = &mut Waiting> {
        let open = self.open.iter_mut().map(|(_, entry)| entry);
        open.filter(|entry| entry.unsent.is_some())
    }

    /// This machine stood still: everybody gets that time back.
    pub(super) fn stalled(&mut self, stall: Duration) {
        for (_, entry) in &mut self.open {
            entry.deadline += stall;
        }
    }
}

impl Waiting {
    /// Whether it was sent on that session.
    fn is_out(&self, session: u64) -> bool {
        self.session == session && self.sent.is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue of beats on session 0, one a second, each a byte longer than its number.
    fn queue(beats: u64, start: Instant) -> Queue {
        let mut queue = Queue::default();
        for seq in 0..beats {
            let due = start + Duration::from_secs(seq);
            let permit = None;
            queue.push(Waiting {
                what: What::Beat(Pending { seq, due, permit }),
                unsent: None,
                len: usize::try_from(seq).unwrap() + 1,
                session: 0,
                sent: Some(due),
                deadline: due + Duration::from_secs(2),
                stalled: Duration::ZERO,
            });
        }
        queue
    }

    #[test]
    fn what_is_forgotten_still_owes_its_reply_on_a_stream() {
        let start = Instant::now();
        let mut queue = queue(1_000, start);
        let end = start + Duration::from_secs(1_000);
        let expired = std::iter::from_fn(|| queue.expire(end)).count();
        assert_eq!((expired, queue.open()), (999, 1));
        assert_eq!(queue.closed.len(), KEPT);
        assert!(queue.closed.capacity() <= 2 * KEPT);
        let mut replies = Vec::new();
        while let Some((place, len)) = queue.front(0) {
            let owner = queue.take(place).expect("it is there");
            replies.push((owner.seq(), len));
        }
        let (forgotten, kept) = replies.split_at(999 - KEPT);
        assert!(forgotten.iter().all(|(seq, _)| seq.is_none()));
        let bytes: usize = replies.iter().map(|(_, len)| len).sum();
        assert_eq!(bytes, 1_000 * 1_001 / 2, "no byte is lost");
        let first = u64::try_from(999 - KEPT).unwrap();
        let seqs: Vec<_> = kept.iter().filter_map(|(seq, _)| *seq).collect();
        assert_eq!(seqs, (first..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_after_one_that_waits_is_forgotten() {
        let start = Instant::now();
        let mut queue = queue(500, start);
        queue.open[0].1.deadline = start + Duration::from_secs(10_000);
        let end = start + Duration::from_secs(1_000);
        assert_eq!(std::iter::from_fn(|| queue.expire(end)).count(), 499);
        assert_eq!(queue.front(0), Some((Place::Open(0), 1)));
        assert_eq!(queue.closed.len(), 499);
        queue.forget(0);
        assert_eq!(queue.closed.len(), 0);
    }
}
