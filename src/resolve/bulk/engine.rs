//! The engine: which name is asked of whom and when. No sockets and no clock: it is told what
//! happened and when, and says what to send.
//!
//! One entry a name under way, one lane a server. Two queues feed the lanes: what has to be asked
//! again goes first, new names after it, as long as there is room.

use std::collections::VecDeque;
use std::time::Duration;

use super::entry::{Entry, OverTcp, Slab};
use super::input::{self, InputError};
use super::keeps::{Keeps, Known};
use super::lane::Lane;
use super::packet;
use super::rate::Bucket;
use super::report::{Cached, Ending, Finished, Reply, ServerSummary, Summary};
use super::tries::Key;
use super::wheel::Wheel;
use super::{Config, Server};
use crate::resolve::ledger::Trigger;
use crate::resolve::server::Transports;
use crate::resolve::wire::RecordType;

/// The window of a server that is the only one: it is asked even when it has gone silent.
const LEAST_OF_ONE: usize = 32;

/// A datagram to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Datagram<'a> {
    pub(super) lane: usize,
    pub(super) port: u32,
    pub(super) key: Key,
    /// The message, its id still zero …
    pub(super) query: &'a [u8],
    /// … and the id it gets.
    pub(super) id: u16,
}

/// A question for TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TcpAsk {
    pub(super) lane: usize,
    pub(super) key: Key,
    pub(super) query: Vec<u8>,
}

/// The state of a bulk run.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) config: Config,
    pub(super) lanes: Vec<Lane>,
    pub(super) slab: Slab,
    pub(super) keeps: Option<Keeps>,
    frame: packet::Frame,
    wheel: Wheel<Key>,
    bucket: Option<Bucket>,
    /// What is to be sent as soon as there is room.
    queue: VecDeque<Key>,
    tcp: VecDeque<TcpAsk>,
    /// Names that wait for the reply to somebody else's question.
    followers: usize,
    /// Where the search for a server begins.
    turn: usize,
    seq: u64,
    pub(super) counts: Summary,
    woken: Vec<Key>,
}

impl Engine {
    pub(super) fn new(config: Config) -> Self {
        let lanes = config.servers.iter();
        let lanes = lanes.map(|_| Lane::new(config.max_inflight)).collect();
        Self {
            lanes,
            slab: Slab::default(),
            keeps: (config.cache > 0).then(|| Keeps::new(config.cache)),
            frame: packet::Frame::new(&config.options),
            wheel: Wheel::new(),
            bucket: config.rate.map(Bucket::new),
            queue: VecDeque::new(),
            tcp: VecDeque::new(),
            followers: 0,
            turn: 0,
            seq: 0,
            counts: Summary::default(),
            woken: Vec::new(),
            config,
        }
    }

    pub(super) fn server(&self, lane: usize) -> Server {
        self.config.servers[lane]
    }

    /// Names under way.
    pub(super) fn inflight(&self) -> usize {
        self.slab.len() + self.followers
    }

    /// Whether another name may be taken in: it could be asked at once.
    pub(super) fn wants_more(&mut self, now: Duration) -> bool {
        self.inflight() < self.config.max_inflight
            && self.queue.is_empty()
            && self.allowed(now)
            && self.lane_for(None).is_some()
    }

    fn allowed(&self, now: Duration) -> bool {
        self.bucket.as_ref().is_none_or(|bucket| bucket.allows(now))
    }

    /// Takes a line of input. It is asked by the next [`Engine::send`], unless it is known already
    /// or is no question. Says whether it was a question at all.
    pub(super) fn admit(
        &mut self,
        line: &[u8],
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) -> bool {
        let Some(line_read) = input::parse_line(line) else {
            return false;
        };
        let seq = self.seq;
        self.seq += 1;
        let key = self.slab.take();
        if let Err(error) = self.fill(key, seq, line_read, now) {
            self.slab.release(key);
            let text = String::from_utf8_lossy(line.trim_ascii());
            self.invalid(seq, &text, &error, out);
            return true;
        }
        if !self.is_known(key, now, out) {
            self.enqueue(key);
        }
        true
    }

    fn fill(
        &mut self,
        key: Key,
        seq: u64,
        line: Result<input::Line<'_>, InputError>,
        now: Duration,
    ) -> Result<(), InputError> {
        let line = line?;
        let (name, qtype) = line.question(self.config.qtype);
        let Some(entry) = self.slab.get_mut(key) else {
            return Ok(());
        };
        packet::encode(&mut entry.query, &name, qtype.0, &self.frame).map_err(InputError::Name)?;
        entry.text.push_str(line.name);
        entry.seq = seq;
        entry.qtype = qtype.0;
        entry.since = now;
        entry.due = now + self.config.timeout;
        Ok(())
    }

    fn cache_unless_hit(&self) -> Cached {
        if self.keeps.is_some() {
            Cached::Miss
        } else {
            Cached::Unused
        }
    }

    fn invalid(
        &mut self,
        seq: u64,
        text: &str,
        error: &InputError,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        self.counts.names += 1;
        self.counts.invalid += 1;
        out(&Finished {
            seq,
            text,
            qtype: self.config.qtype,
            query: &[],
            ending: Ending::Invalid(error),
            sent: 0,
            tcp: None,
            server: None,
            took: Duration::ZERO,
            cache: self.cache_unless_hit(),
        });
    }

    /// Answers a new entry from what is kept, or lets it wait for who asks the same.
    fn is_known(&mut self, key: Key, now: Duration, out: &mut impl FnMut(&Finished<'_>)) -> bool {
        let (Some(keeps), Some(entry)) = (&mut self.keeps, self.slab.get_mut(key)) else {
            return false;
        };
        let question = packet::question(&entry.query);
        let hash = keeps.hash(question);
        match keeps.look((hash, question), key.place, now) {
            Known::Nothing => {
                entry.hash = Some(hash);
                return false;
            }
            Known::Other => return false,
            Known::Kept(stored, age) => {
                let reply = Reply {
                    bytes: &stored.bytes,
                    server: self.config.servers[stored.lane].addr,
                    carrier: stored.carrier,
                    rtt: stored.rtt,
                };
                count(&mut self.counts, Some(&stored.bytes), true);
                out(&Finished {
                    cache: Cached::Hit(age),
                    ..entry.finished(Ending::Reply(reply), now)
                });
            }
            Known::Asked(other) => return self.follow(key, other),
        }
        self.slab.release(key);
        true
    }

    /// Lets an entry wait for the reply to the one at a place, if both ask the same.
    fn follow(&mut self, key: Key, other: u32) -> bool {
        let Some([entry, leader]) = self.slab.pair(key, other) else {
            return false;
        };
        let is_same = packet::asks(&leader.query, packet::question(&entry.query));
        if is_same {
            let follower = (entry.seq, std::mem::take(&mut entry.text));
            leader.followers.push(follower);
            self.followers += 1;
            self.slab.release(key);
        }
        is_same
    }

    /// Puts an entry where [`Engine::send`] finds it.
    pub(super) fn enqueue(&mut self, key: Key) {
        if let Some(entry) = self.slab.get_mut(key)
            && !std::mem::replace(&mut entry.queued, true)
        {
            self.queue.push_back(key);
        }
    }

    /// The next datagram, if there is one to send and room for it.
    pub(super) fn send(&mut self, now: Duration) -> Option<Datagram<'_>> {
        while let Some(key) = self.queue.front().copied() {
            if self.slab.get(key).is_none_or(|entry| !entry.queued) {
                self.queue.pop_front();
                continue;
            }
            if !self.allowed(now) {
                return None;
            }
            let lane = self.lane_for(Some(key))?;
            self.queue.pop_front();
            if self.server(lane).transports == Transports::TcpOnly {
                self.ask_over_tcp(key, lane, Trigger::First);
                self.rearm(key, now + self.config.timeout);
                continue;
            }
            return self.datagram(key, lane, now);
        }
        None
    }

    fn datagram(&mut self, key: Key, lane: usize, now: Duration) -> Option<Datagram<'_>> {
        let sent = self.lanes[lane].send(key, now);
        if let Some(bucket) = &mut self.bucket {
            bucket.take(now);
        }
        let rtt = self.lanes[lane].rtt;
        let timeout = self.config.timeout;
        let entry = self.slab.get_mut(key)?;
        entry.queued = false;
        entry.sent += 1;
        entry.last = Some(lane);
        entry.live.push((lane, sent.serial));
        entry.due = (now + rtt.wait(entry.sent)).min(entry.since + timeout);
        self.wheel.add(entry.due, key);
        Some(Datagram {
            lane,
            port: sent.port,
            key,
            query: &entry.query,
            id: sent.id,
        })
    }

    /// Wakes the entry at `at`, or when its time is over.
    fn rearm(&mut self, key: Key, at: Duration) {
        let timeout = self.config.timeout;
        if let Some(entry) = self.slab.get_mut(key) {
            entry.queued = false;
            entry.due = at.min(entry.since + timeout);
            self.wheel.add(entry.due, key);
        }
    }

    /// The server to ask next, if one has room: the next in turn that has not failed the name, and
    /// one that was not asked last before one that was.
    fn lane_for(&mut self, key: Option<Key>) -> Option<usize> {
        let entry = key.and_then(|key| self.slab.get(key));
        let count = self.lanes.len();
        let least = self.least();
        // Only new names are held back by how many wait: one that is taken in must not be, or it
        // would hold up those that it waits for.
        let fits = |lane: &usize| match entry {
            Some(entry) => !entry.has_failed(*lane) && self.lanes[*lane].has_room(least),
            None => self.lanes[*lane].has_room_for_more(least),
        };
        let order = (0..count).map(|step| (self.turn + step) % count);
        let before = entry.and_then(|entry| entry.last);
        let found = order
            .clone()
            .filter(fits)
            .find(|lane| Some(*lane) != before)
            .or_else(|| {
                // Its last server again, unless others could still be asked and are only busy.
                let alone = |lane: &usize| {
                    let others = (0..count).filter(|other| other != lane);
                    others
                        .filter(|other| entry.is_none_or(|entry| !entry.has_failed(*other)))
                        .all(|other| self.lanes[other].window.is_closed())
                };
                order.clone().filter(fits).find(alone)
            });
        match found {
            Some(lane) => self.turn = (lane + 1) % count,
            None => order.for_each(|lane| self.lanes[lane].window.full()),
        }
        found
    }

    /// The window that every server has whatever happened: none needs it when others answer.
    fn least(&self) -> usize {
        let all_closed = || self.lanes.iter().all(|lane| lane.window.is_closed());
        if self.lanes.len() == 1 || all_closed() {
            LEAST_OF_ONE
        } else {
            1
        }
    }

    /// Asks over TCP too, if that is allowed and was not done.
    pub(super) fn ask_over_tcp(&mut self, key: Key, lane: usize, reason: Trigger) -> bool {
        let udp_only = self.server(lane).transports == Transports::UdpOnly;
        let Some(entry) = self.slab.get_mut(key) else {
            return false;
        };
        if udp_only || entry.over_tcp != OverTcp::Unused {
            return entry.over_tcp == OverTcp::Running;
        }
        entry.over_tcp = OverTcp::Running;
        entry.tcp_reason = Some(reason);
        entry.last = Some(lane);
        self.lanes[lane].tally.tcp += 1;
        let query = entry.query.clone();
        self.tcp.push_back(TcpAsk { lane, key, query });
        true
    }

    /// The next question for TCP.
    pub(super) fn next_tcp(&mut self) -> Option<TcpAsk> {
        self.tcp.pop_front()
    }

    /// The next port of a server that is not needed any more.
    pub(super) fn retire(&mut self, lane: usize) -> Option<u32> {
        self.lanes[lane].retire()
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Duration, out: &mut impl FnMut(&Finished<'_>)) {
        for lane in &mut self.lanes {
            lane.age(now);
        }
        let mut woken = std::mem::take(&mut self.woken);
        self.wheel.advance(now, |key| woken.push(key));
        for key in woken.drain(..) {
            self.wake(key, now, out);
        }
        self.woken = woken;
    }

    fn wake(&mut self, key: Key, now: Duration, out: &mut impl FnMut(&Finished<'_>)) {
        let (timeout, tries) = (self.config.timeout, self.config.tries);
        let Some(entry) = self.slab.get_mut(key).filter(|entry| entry.due <= now) else {
            return;
        };
        let unanswered = entry.live.last().copied();
        if unanswered != entry.given_up
            && let Some((lane, _)) = unanswered
        {
            entry.given_up = unanswered;
            self.lanes[lane].tally.lost += 1;
        }
        let (sent, last, since, ends) =
            (entry.sent, entry.last, entry.since, entry.since + timeout);
        if ends <= now {
            return self.give_up(key, now, out);
        }
        let half = since + timeout / 2;
        if sent >= tries || half <= now {
            self.ask_over_tcp(key, last.unwrap_or_default(), Trigger::UdpSilent);
        }
        self.enqueue(key);
        // Without room it waits in the queue, but TCP does not wait for that, nor does its end.
        if let Some(entry) = self.slab.get_mut(key) {
            entry.due = if now < half { half } else { ends };
            self.wheel.add(entry.due, key);
        }
    }

    /// When [`Engine::tick`] has something to do, or [`Engine::send`] may send again.
    pub(super) fn next(&self) -> Option<Duration> {
        let overdue = self.lanes.iter().filter_map(Lane::next_overdue);
        let paid = self.bucket.as_ref().map(Bucket::next);
        overdue.chain(self.wheel.next()).chain(paid).min()
    }

    /// The run in numbers.
    pub(super) fn summary(&self, elapsed: Duration, interrupted: bool) -> Summary {
        let seconds = elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "2^53 names are enough")]
        let rate = (seconds > 0.0 && self.counts.names > 0)
            .then(|| (self.counts.names as f64 / seconds * 10.0).round() / 10.0);
        let tallies = || self.lanes.iter().map(|lane| &lane.tally);
        Summary {
            unfinished: self.inflight() as u64,
            sent: tallies().map(|tally| tally.sent).sum(),
            lost: tallies().map(|tally| tally.lost).sum(),
            tcp: tallies().map(|tally| tally.tcp).sum(),
            elapsed_ms: elapsed.into(),
            rate,
            interrupted,
            servers: (0..self.lanes.len())
                .map(|lane| self.of_server(lane))
                .collect(),
            ..self.counts.clone()
        }
    }

    fn of_server(&self, lane: usize) -> ServerSummary {
        let (server, lane) = (self.server(lane), &self.lanes[lane]);
        let tally = &lane.tally;
        ServerSummary {
            server: server.addr.to_string(),
            sent: tally.sent,
            answered: tally.answered,
            lost: tally.lost,
            errors: tally.errors,
            ignored: tally.ignored,
            refused: tally.refused,
            tcp: tally.tcp,
            rtt: tally.rtt.summary(),
            window: lane.window.size() as u64,
        }
    }

    /// Reports an entry and whoever waited for the same, and forgets it. `reply` is what the
    /// followers get too, and how long it may be kept.
    pub(super) fn finish(
        &mut self,
        key: Key,
        ending: Ending<'_>,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        let cache = self.cache_unless_hit();
        let Some(entry) = self.slab.get_mut(key) else {
            return;
        };
        let reply = match &ending {
            Ending::Reply(reply) => Some(reply.bytes),
            _ => None,
        };
        let verdict = Finished {
            server: entry.last.map(|lane| self.config.servers[lane].addr),
            cache,
            ..entry.finished(ending, now)
        };
        let counts = &mut self.counts;
        count_ending(counts, reply, &ending, false);
        out(&verdict);
        for (seq, text) in &entry.followers {
            count_ending(counts, reply, &ending, true);
            out(&Finished {
                seq: *seq,
                text,
                cache: Cached::Hit(Duration::ZERO),
                ..verdict
            });
        }
        self.followers -= entry.followers.len();
        for (lane, serial) in &entry.live {
            self.lanes[*lane].forget(*serial);
        }
        self.slab.release(key);
    }
}

impl Entry {
    /// The report of this entry.
    pub(super) fn finished<'a>(&'a self, ending: Ending<'a>, now: Duration) -> Finished<'a> {
        Finished {
            seq: self.seq,
            text: &self.text,
            qtype: RecordType(self.qtype),
            query: &self.query,
            ending,
            sent: self.sent,
            tcp: self.tcp_reason,
            server: None,
            took: now.saturating_sub(self.since),
            cache: Cached::Unused,
        }
    }
}

fn count_ending(counts: &mut Summary, reply: Option<&[u8]>, ending: &Ending<'_>, cached: bool) {
    match ending {
        Ending::Reply(_) => return count(counts, reply, cached),
        Ending::Malformed | Ending::PortClosed | Ending::Unsent(_) => counts.failed += 1,
        Ending::Silent => counts.unanswered += 1,
        Ending::Invalid(_) => counts.invalid += 1,
    }
    counts.names += 1;
}

/// Counts a reply by its header: that is what the engine goes by.
fn count(counts: &mut Summary, reply: Option<&[u8]>, cached: bool) {
    counts.names += 1;
    counts.cached += u64::from(cached);
    let header = reply.and_then(|bytes| bytes.first_chunk::<12>());
    let Some([_, _, _, codes, _, _, high, low, ..]) = header else {
        counts.failed += 1;
        return;
    };
    match codes & 0x0f {
        0 if [*high, *low] != [0, 0] => counts.answered += 1,
        0 | 3 => counts.negative += 1,
        _ => counts.failed += 1,
    }
}
