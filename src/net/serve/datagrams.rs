//! Answering datagrams: many with one call, and never as somebody's reflector.
//!
//! An answer to a peer that is not this machine is never longer than its question and comes from a
//! limited supply: a forged source address must gain nothing from us (RFC 5358 says why).

use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use super::counts::{Count, Counts};
use super::event::Event;
use super::{Config, Inlet};
use crate::net::listen::Listener;
use crate::net::sys::{Batch, RawAddr};
use crate::policy::chance::Chance;

/// Datagrams that are received with one call.
const AT_ONCE: usize = 32;
/// The longest datagram there is.
const LONGEST: usize = 65_535;
/// Calls before connections get their turn.
const ROUNDS: usize = 8;
/// Answers a second that peers elsewhere get, in all.
const ANSWERS_ELSEWHERE: f64 = 1_000.0;
/// Answers that may be held back by a delay, at most.
const HELD_AT_MOST: usize = 65_536;

/// Makes the answer to a datagram; `None` says nothing. The second argument takes the answer.
pub type Reply = Arc<dyn Fn(&[u8], &mut Vec<u8>) -> bool + Send + Sync>;

/// What is done about datagrams.
#[derive(Clone, Default)]
pub struct Datagrams {
    /// What is answered; `None` is the datagram itself.
    pub reply: Option<Reply>,
    /// Whether peers elsewhere get answers without limit, of any length.
    pub allow_amplification: bool,
    /// Datagrams that are lost, 0 to 1.
    pub drop: f64,
    /// Answers that are sent twice, 0 to 1.
    pub duplicate: f64,
    /// Answers that wait for the next one to pass, 0 to 1.
    pub reorder: f64,
    /// Answers in which a bit is turned over, 0 to 1.
    pub corrupt: f64,
    /// Answers that are held back, 0 to 1.
    pub delayed: f64,
    /// How long they are held back.
    pub delay: Duration,
    /// Answers whose delay varies, 0 to 1.
    pub jittered: f64,
    /// By how much more or less, evenly spread.
    pub jitter: Duration,
    /// Where chance starts from.
    pub seed: u64,
}

impl std::fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Datagrams")
            .field("replies", &self.reply.is_some())
            .field("allow_amplification", &self.allow_amplification)
            .finish_non_exhaustive()
    }
}

impl Datagrams {
    fn is_plain(&self) -> bool {
        let chances = [self.drop, self.duplicate, self.reorder, self.corrupt];
        self.reply.is_none() && chances.iter().all(|chance| *chance <= 0.0) && !self.holds()
    }

    fn holds(&self) -> bool {
        self.delayed > 0.0 || self.jittered > 0.0
    }
}

/// An answer that waits for its time.
struct Held {
    due: Duration,
    seq: u64,
    listener: usize,
    to: RawAddr,
    bytes: Vec<u8>,
}

impl Held {
    fn key(&self) -> (std::cmp::Reverse<Duration>, std::cmp::Reverse<u64>) {
        (std::cmp::Reverse(self.due), std::cmp::Reverse(self.seq))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Held {}
impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The answering part of a worker.
pub(super) struct Answering {
    batch: Batch,
    config: Datagrams,
    plain: bool,
    chance: Chance,
    /// Answers that peers elsewhere may still get, and when that was counted.
    supply: (f64, Duration),
    held: BinaryHeap<Held>,
    seq: u64,
    /// An answer that waits for the next to pass it.
    overtaken: Option<Held>,
    scratch: Vec<u8>,
    /// Room for the places of the answers of one round.
    places: Vec<usize>,
    dump: usize,
    /// Whether faults are told.
    tells: bool,
}

/// The datagrams of one call.
struct Round<'a> {
    listener: usize,
    now: Duration,
    counts: &'a mut Counts,
    inlet: &'a Inlet,
    /// The answers that go at once.
    places: Vec<usize>,
    /// The first place that nothing was received into.
    free: usize,
}

impl Round<'_> {
    fn tell(&mut self, event: Event) {
        if !self.inlet.tell(event) {
            self.counts.add(Count::EventsLost, 1);
        }
    }
}

impl Answering {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            batch: Batch::new(AT_ONCE, LONGEST),
            plain: config.datagrams.is_plain(),
            chance: Chance::new(config.datagrams.seed),
            config: config.datagrams.clone(),
            supply: (ANSWERS_ELSEWHERE, Duration::ZERO),
            held: BinaryHeap::new(),
            seq: 0,
            overtaken: None,
            scratch: Vec::new(),
            places: Vec::with_capacity(AT_ONCE),
            dump: config.telling.dump,
            tells: config.telling.connections,
        }
    }

    /// Answers what has come.
    pub(super) fn run(
        &mut self,
        at: usize,
        listener: &Listener,
        now: Duration,
        counts: &mut Counts,
        inlet: &Inlet,
    ) {
        for _ in 0..ROUNDS {
            // Errors that ICMP has left are no datagrams; the next call finds those.
            let Ok(count) = self.batch.receive(listener.as_fd()) else {
                return;
            };
            let mut work = Round {
                listener: at,
                now,
                counts,
                inlet,
                places: std::mem::take(&mut self.places),
                free: count,
            };
            for place in 0..count {
                self.question(place, &mut work);
            }
            let mut places = work.places;
            send(&mut self.batch, listener.as_fd(), &places, counts);
            places.clear();
            // Those that came meanwhile are found without another wait.
            self.places = places;
        }
    }

    fn question(&mut self, place: usize, work: &mut Round<'_>) {
        let (bytes, from) = self.batch.datagram(place);
        let asked = bytes.len();
        work.counts.add(Count::DatagramsIn, 1);
        work.counts.add(Count::BytesIn, asked as u64);
        let peer = from.inet().map(crate::net::connect::canonical);
        if self.dump > 0 {
            let event = shown(bytes, peer, work.listener, self.dump, work.now);
            work.tell(event);
        }
        if self.plain {
            if self.may_answer(peer, work.now) {
                work.places.push(place);
            } else {
                work.counts.add(Count::DatagramsHeldBack, 1);
            }
            return;
        }
        if self.strikes(self.config.drop, "drop", peer, work) || !self.make_reply(place) {
            return;
        }
        if !self.may_answer(peer, work.now) {
            work.counts.add(Count::DatagramsHeldBack, 1);
            return;
        }
        if !self.trusts(peer) && self.batch.datagram(place).0.len() > asked {
            work.counts.add(Count::DatagramsHeldBack, 1);
            self.batch.truncate(place, asked);
        }
        self.misbehave(place, peer, work);
    }

    /// Whether a fault of this probability strikes; if so it is told.
    fn strikes(
        &mut self,
        probability: f64,
        fault: &'static str,
        peer: Option<SocketAddr>,
        work: &mut Round<'_>,
    ) -> bool {
        let strikes = self.chance.happens(probability);
        if strikes {
            work.counts.add(Count::Faults, 1);
            if self.tells {
                let (at, listener) = (work.now, work.listener);
                work.tell(Event::Fault {
                    at,
                    id: None,
                    listener,
                    peer,
                    fault,
                });
            }
        }
        strikes
    }

    /// Puts the answer where the question was; false if there is none.
    fn make_reply(&mut self, place: usize) -> bool {
        let Some(reply) = &self.config.reply else {
            return true;
        };
        self.scratch.clear();
        let says = reply(self.batch.datagram(place).0, &mut self.scratch);
        if says {
            self.batch.set(place, &self.scratch);
        }
        says
    }

    /// Applies the faults to an answer, and has it sent now or later.
    fn misbehave(&mut self, place: usize, peer: Option<SocketAddr>, work: &mut Round<'_>) {
        if self.strikes(self.config.corrupt, "corrupt", peer, work) {
            self.corrupt(place);
        }
        let overtaken = self.overtaken.take();
        if overtaken.is_none() && self.strikes(self.config.reorder, "reorder", peer, work) {
            self.overtaken = Some(self.hold(place, Duration::ZERO, work));
            return;
        }
        let twice = self.strikes(self.config.duplicate, "duplicate", peer, work);
        let (delay, jitter) = self.lateness(peer, work);
        let delayed = !(delay.is_zero() && jitter.is_zero());
        for _ in 0..=usize::from(twice) {
            if delayed {
                let late = self.chance.around(delay, jitter);
                let held = self.hold(place, late, work);
                self.push(held, work.counts);
            } else {
                work.places.push(place);
            }
        }
        if let Some(overtaken) = overtaken {
            self.send_overtaken(overtaken, delayed, work);
        }
    }

    /// How long an answer is held back, and by how much that varies.
    fn lateness(&mut self, peer: Option<SocketAddr>, work: &mut Round<'_>) -> (Duration, Duration) {
        if !self.config.holds() {
            return (Duration::ZERO, Duration::ZERO);
        }
        let delayed = self.strikes(self.config.delayed, "delay", peer, work);
        let jittered = self.strikes(self.config.jittered, "jitter", peer, work);
        let of = |strikes: bool, time| if strikes { time } else { Duration::ZERO };
        (
            of(delayed, self.config.delay),
            of(jittered, self.config.jitter),
        )
    }

    /// Sends an answer right after the one that has overtaken it, whenever that goes.
    fn send_overtaken(&mut self, mut overtaken: Held, delayed: bool, work: &mut Round<'_>) {
        if !delayed && overtaken.listener == work.listener && work.free < AT_ONCE {
            let place = work.free;
            work.free += 1;
            self.batch.address(place, &overtaken.to, &overtaken.bytes);
            work.places.push(place);
            return;
        }
        self.seq += 1;
        (overtaken.seq, overtaken.due) = (self.seq, self.due_last(work.now));
        self.push(overtaken, work.counts);
    }

    /// When the last of those that are held back is due.
    fn due_last(&self, now: Duration) -> Duration {
        let last = self.held.iter().map(|held| held.due).max();
        last.unwrap_or(now)
    }

    fn push(&mut self, held: Held, counts: &mut Counts) {
        if self.held.len() < HELD_AT_MOST {
            self.held.push(held);
        } else {
            counts.add(Count::DatagramsUnsent, 1);
        }
    }

    fn corrupt(&mut self, place: usize) {
        let mut bytes = self.batch.datagram(place).0.to_vec();
        let bits = bytes.len() as u64 * 8;
        if bits > 0 {
            let bit = usize::try_from(self.chance.below(bits)).unwrap_or_default();
            bytes[bit / 8] ^= 1 << (bit % 8);
            self.batch.set(place, &bytes);
        }
    }

    fn hold(&mut self, place: usize, delay: Duration, work: &Round<'_>) -> Held {
        let (bytes, to) = self.batch.datagram(place);
        self.seq += 1;
        Held {
            due: work.now + delay,
            seq: self.seq,
            listener: work.listener,
            to: *to,
            bytes: bytes.to_vec(),
        }
    }

    /// When the next answer is due that is held back.
    pub(super) fn due(&self) -> Option<Duration> {
        self.held.peek().map(|held| held.due)
    }

    /// Sends the answers whose time has come.
    pub(super) fn send_due(&mut self, listeners: &[Listener], now: Duration, counts: &mut Counts) {
        while self.held.peek().is_some_and(|held| held.due <= now) {
            let Some(held) = self.held.pop() else { return };
            let Some(listener) = listeners.get(held.listener) else {
                continue;
            };
            self.batch.address(0, &held.to, &held.bytes);
            send(&mut self.batch, listener.as_fd(), &[0], counts);
        }
    }

    /// Whether a peer is this machine, or everybody may have what they like.
    fn trusts(&self, peer: Option<SocketAddr>) -> bool {
        self.config.allow_amplification || peer.is_none_or(|peer| peer.ip().is_loopback())
    }

    fn may_answer(&mut self, peer: Option<SocketAddr>, now: Duration) -> bool {
        if self.trusts(peer) {
            return true;
        }
        let (supply, since) = self.supply;
        let grown = supply + now.saturating_sub(since).as_secs_f64() * ANSWERS_ELSEWHERE;
        let supply = grown.min(ANSWERS_ELSEWHERE);
        let enough = supply >= 1.0;
        self.supply = (if enough { supply - 1.0 } else { supply }, now);
        enough
    }
}

/// Sends; what the kernel does not take is lost, as datagrams are.
fn send(batch: &mut Batch, fd: BorrowedFd<'_>, places: &[usize], counts: &mut Counts) {
    let mut left = places;
    while !left.is_empty() {
        match batch.answer(fd, left) {
            Ok(sent) => {
                for &place in &left[..sent] {
                    counts.add(Count::BytesOut, batch.datagram(place).0.len() as u64);
                }
                counts.add(Count::DatagramsOut, sent as u64);
                left = &left[sent..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                counts.add(Count::DatagramsUnsent, left.len() as u64);
                return;
            }
            // This one cannot be sent (no name to answer to, no route); others may.
            Err(_) => {
                counts.add(Count::DatagramsUnsent, 1);
                left = &left[1..];
            }
        }
    }
}

fn shown(
    bytes: &[u8],
    peer: Option<SocketAddr>,
    listener: usize,
    most: usize,
    at: Duration,
) -> Event {
    Event::Data {
        at,
        id: None,
        listener,
        peer,
        bytes: bytes[..bytes.len().min(most)].to_vec(),
        cut: bytes.len() > most,
    }
}
