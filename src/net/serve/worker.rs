//! The loop of one worker: waits, serves what is ready, looks after the old and the idle.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::connection::{Conn, Lent, Step, wrapping_millis};
use super::counts::{Count, Counts};
use super::datagrams::Answering;
use super::event::{Cause, Closed, Event};
use super::inbox::Message;
use super::pipes::Pipes;
use super::slab::{Key, Slab};
use super::ways::{self, Way, Ways};
use super::{Inlet, Shared, Stage};
use crate::net::listen::Listener;
use crate::net::sys::{Fetched, Poller, Ready};
use crate::net::{TcpInfo, limits};

/// One buffer for all connections of a worker. With 64 KiB streams were a fifth slower, and messages
/// of 64 KiB filled it, so that each was followed by a read of nothing.
const BUFFER: usize = 256 << 10;
/// Rounds of one connection before others get their turn.
const ROUNDS: usize = 8;
/// How long a wait begins by looking, where that is of use: a peer that is woken for its answer speaks
/// again within this.
const LOOKING: Duration = Duration::from_micros(50);
/// Peers that did not answer within that, so many times in a row, are no longer looked for.
const IN_VAIN: u32 = 64;
/// How often the workers agree on how streams go.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// The upper bits of a key say what it is about.
const CONNECTION: u64 = 0;
pub(super) const LISTENER: u64 = 1 << 62;
const BELL: u64 = 2 << 62;
const KINDS: u64 = 3 << 62;

pub(super) struct Worker {
    pub(super) index: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) inlet: Inlet,
    pub(super) listeners: Option<Arc<[Listener]>>,
    pub(super) poller: Poller,
    pub(super) counts: Counts,
    pub(super) conns: Slab<Conn>,
    pub(super) buffer: Box<[u8]>,
    pub(super) pipes: Pipes,
    /// How streams go, as it was decided at `asked_at`, and the bytes sent since.
    way: Way,
    asked_at: Duration,
    sent: u64,
    /// Bytes that wait for slow peers.
    waiting: usize,
    /// Connections with more to do at once.
    again: Vec<Key>,
    /// The time of this round of the loop.
    pub(super) now: Duration,
    pub(super) accepting: super::accept::Accepting,
    pub(super) answering: Option<Answering>,
    /// When the old and the idle are looked for next.
    sweep_at: Option<Duration>,
    pub(super) sweep_every: Duration,
    /// When the idle are looked for next, once nothing is accepted any more.
    pub(super) drain_at: Option<Duration>,
    /// Where the search for the idle goes on.
    pub(super) cursor: usize,
    /// Connections that leave descriptors for pipes.
    plenty: usize,
    /// Whether a wait begins by looking.
    looking: Ways,
    /// How often it has looked in vain, in a row.
    in_vain: u32,
    /// How long it has looked since it last said so.
    looked: Duration,
    /// How many workers work, as far as this one has acted on it.
    pub(super) followed: usize,
    /// When what is left of its connections is handed on.
    pub(super) hand_on_at: Option<Duration>,
}

impl Worker {
    pub(super) fn new(
        index: usize,
        shared: &Arc<Shared>,
        listeners: &Arc<[Listener]>,
        inlet: Inlet,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        poller.add(shared.inboxes[index].waker.as_fd(), BELL, Ready::READ)?;
        let config = &shared.config;
        let shortest = [config.idle_timeout, config.max_lifetime];
        let shortest = shortest.into_iter().flatten().min();
        let every = shortest.map(super::ending::sweep_interval);
        let mut worker = Self {
            index,
            shared: Arc::clone(shared),
            inlet,
            listeners: Some(Arc::clone(listeners)),
            poller,
            counts: Counts::default(),
            conns: Slab::new(),
            buffer: vec![0; BUFFER].into(),
            pipes: Pipes::default(),
            way: Way::Usual,
            asked_at: Duration::ZERO,
            sent: 0,
            waiting: 0,
            again: Vec::new(),
            now: shared.now(),
            accepting: super::accept::Accepting::default(),
            answering: None,
            sweep_at: every.map(|every| shared.now() + every),
            sweep_every: every.unwrap_or_default(),
            drain_at: None,
            cursor: 0,
            plenty: limits::connections_beside_pipes(),
            looking: Ways::new(&ways::MESSAGES),
            in_vain: 0,
            looked: Duration::ZERO,
            followed: shared.active(),
            hand_on_at: None,
        };
        worker.keep_spare();
        worker.watch_datagrams()?;
        worker.watch_listeners(true)?;
        Ok(worker)
    }

    pub(super) fn run(mut self) {
        let mut fetched = Fetched::new();
        let shared = Arc::clone(&self.shared);
        loop {
            shared.published[self.index].store(&self.counts);
            if self.wait(&mut fetched).is_err() {
                break; // cannot happen with an instance and a buffer of our own
            }
            for at in 0..fetched.len() {
                if let Some((key, ready)) = fetched.get(at) {
                    self.dispatch(key, ready);
                }
            }
            self.take_turns();
            self.compare_notes();
            self.look_after();
            if self.has_ended() {
                break;
            }
        }
        shared.published[self.index].store(&self.counts);
    }

    /// Waits for events: looks for them first, where that is faster than to be woken.
    fn wait(&mut self, fetched: &mut Fetched) -> io::Result<()> {
        fetched.clear();
        let limit = self.wait_at_most();
        let quiet = self.shared.quiet.load(Ordering::Relaxed);
        if quiet && limit != Some(Duration::ZERO) && self.looking.way() == Way::Other {
            let (begun, mut passed) = (self.shared.now(), Duration::ZERO);
            while passed < LOOKING {
                self.poller.wait(fetched, Some(Duration::ZERO))?;
                if fetched.len() > 0 {
                    break;
                }
                passed = self.shared.now().saturating_sub(begun);
            }
            self.looked += passed;
            self.in_vain = if fetched.len() > 0 {
                0
            } else {
                self.in_vain + 1
            };
            if self.in_vain == IN_VAIN {
                (self.looking, self.in_vain) = (Ways::new(&ways::MESSAGES), 0);
            }
        }
        if fetched.len() == 0 {
            self.poller.wait(fetched, limit)?;
        }
        self.now = self.shared.now();
        if quiet {
            self.looking.went(fetched.len() as u64, self.now);
        }
        Ok(())
    }

    fn dispatch(&mut self, key: u64, ready: Ready) {
        let number = key & !KINDS;
        match key & KINDS {
            CONNECTION => {
                let key = unpack(number);
                if let Some(conn) = self.conns.get(key) {
                    conn.hung_up |= ready.is_hung_up();
                    self.serve(key);
                }
            }
            LISTENER => {
                let at = usize::try_from(number).unwrap_or(usize::MAX);
                if self.is_datagram(at) {
                    self.answer(at);
                } else {
                    self.accept(at);
                }
            }
            _ => self.read_inbox(),
        }
    }

    /// Serves a connection for some rounds.
    fn serve(&mut self, key: Key) {
        let Some(conn) = self.conns.get(key) else {
            return;
        };
        let config = &self.shared.config;
        conn.last = wrapping_millis(self.now);
        let (bytes_in, bytes_out) = (conn.bytes_in, conn.bytes_out);
        let mut lent = Lent {
            work: config.work,
            buffer: &mut self.buffer,
            pipes: &mut self.pipes,
            loads: &self.shared.loads,
            plenty: self.plenty,
            waiting: &mut self.waiting,
            max_bytes: config.max_bytes,
            unseen: true,
            way: self.way,
        };
        let mut step = Step::More;
        for _ in 0..ROUNDS {
            let before = conn.bytes_in;
            lent.unseen = before >= config.telling.dump as u64;
            let mut seen = None;
            step = conn.round(&mut lent, &mut seen);
            if let Some(count) = seen
                && !lent.unseen
            {
                let event = first_bytes(
                    conn,
                    &lent.buffer[..count],
                    before,
                    config.telling.dump,
                    self.now,
                );
                if !self.inlet.tell(event) {
                    self.counts.add(Count::EventsLost, 1);
                }
            }
            if step != Step::More {
                break;
            }
        }
        // All of them, whether they have shown to be a stream's or not: a copied stream shows it in some
        // reads only, and would be counted short beside one through a pipe.
        self.sent += conn.bytes_out - bytes_out;
        self.counts.add(Count::BytesIn, conn.bytes_in - bytes_in);
        self.counts.add(Count::BytesOut, conn.bytes_out - bytes_out);
        match step {
            Step::More => self.again.push(key),
            Step::Wait => {}
            Step::Over(cause) => self.close(key, cause),
        }
    }

    /// Connections that used up their rounds go on after the others.
    fn take_turns(&mut self) {
        for key in std::mem::take(&mut self.again) {
            self.serve(key);
        }
    }

    /// Says now and then what it has sent and how long it has looked, and hears how streams go from
    /// now on.
    fn compare_notes(&mut self) {
        if self.now < self.asked_at + ASK_EVERY {
            return;
        }
        self.asked_at = self.now;
        let looked = std::mem::take(&mut self.looked).as_nanos();
        let looked = u64::try_from(looked).unwrap_or(u64::MAX);
        self.shared.looked.fetch_add(looked, Ordering::Relaxed);
        if self.sent > 0 {
            let sent = std::mem::take(&mut self.sent);
            self.way = self.shared.sent(sent, self.now);
        }
        self.shared.oversee(self.now);
    }

    /// Takes a connection into this worker's loop.
    pub(super) fn adopt(&mut self, conn: Conn) {
        let key = self.conns.insert(conn);
        let Some(conn) = self.conns.get(key) else {
            return;
        };
        let added = self
            .poller
            .add(conn.fd.as_fd(), CONNECTION | pack(key), Ready::STREAM);
        if added.is_err() {
            self.close(key, Cause::Failed);
        }
    }

    pub(super) fn close(&mut self, key: Key, cause: Cause) {
        let Some(mut conn) = self.conns.remove(key) else {
            return;
        };
        conn.forget(&mut self.pipes, &mut self.waiting);
        self.counts.closed(cause);
        let telling = self.shared.config.telling;
        if telling.connections {
            let opened = Duration::from_micros(conn.opened);
            let info = telling
                .tcp_info
                .then(|| TcpInfo::read(conn.fd.as_fd()))
                .flatten();
            let closed = Closed {
                forwarded: None,
                id: conn.id,
                listener: conn.listener.into(),
                peer: conn.peer,
                bytes_in: Some(conn.bytes_in),
                bytes_out: Some(conn.bytes_out),
                lasted: self.now.saturating_sub(opened),
                cause,
                error: None,
                tcp_info: info.map(Box::new),
            };
            self.tell(Event::Closed(self.now, closed));
        }
        if cause == Cause::Shutdown {
            super::reset(&conn.fd);
        }
        if cause == Cause::MaxBytes {
            super::finish(&conn.fd, &mut self.buffer);
        }
        let peer = conn.peer;
        drop(conn);
        self.shared.loads[self.index].fetch_sub(1, Ordering::Relaxed);
        self.shared.release(peer.map(|peer| peer.ip()));
    }

    pub(super) fn tell(&mut self, event: Event) {
        if !self.inlet.tell(event) {
            self.counts.add(Count::EventsLost, 1);
        }
    }

    fn read_inbox(&mut self) {
        let shared = Arc::clone(&self.shared);
        let inbox = &shared.inboxes[self.index];
        inbox.waker.clear();
        for message in inbox.take() {
            match message {
                Message::Serve(conn) => self.adopt(*conn),
                Message::Evict => {
                    self.evict();
                }
            }
        }
        match shared.stage() {
            Stage::Serving => {
                self.resume();
                self.follow();
            }
            Stage::Draining => {
                self.stop_accepting();
                self.close_idle();
            }
            Stage::Stopped => {
                self.stop_accepting();
                self.close_all();
            }
        }
    }

    fn stop_accepting(&mut self) {
        // The last to let go closes the listening sockets, and removes the files of Unix sockets.
        let _ = self.watch_listeners(false);
        self.forget_datagrams();
        self.listeners = None;
    }

    fn has_ended(&mut self) -> bool {
        self.listeners.is_none() && self.conns.len() == 0 && self.shared.inboxes[self.index].close()
    }

    /// How long nothing has to be done unless something happens.
    fn wait_at_most(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let answer_at = self.answering.as_ref().and_then(Answering::due);
        let next = [
            self.sweep_at,
            self.drain_at,
            self.accepting.resume_at,
            self.hand_on_at,
            answer_at,
        ];
        let next = next.into_iter().flatten().min();
        next.map(|at| at.saturating_sub(self.shared.now()))
    }

    fn look_after(&mut self) {
        if self.accepting.resume_at.is_some_and(|at| at <= self.now) {
            self.resume();
        }
        if let Some(answering) = &mut self.answering
            && let Some(listeners) = &self.listeners
        {
            answering.send_due(listeners, self.now, &mut self.counts);
        }
        if self.hand_on_at.is_some_and(|at| at <= self.now) {
            self.hand_on();
        }
        if self.drain_at.is_some_and(|at| at <= self.now) {
            self.close_idle();
        }
        if self.sweep_at.is_some_and(|at| at <= self.now) {
            self.sweep();
            self.sweep_at = Some(self.now + self.sweep_every);
        }
    }
}

fn first_bytes(conn: &Conn, bytes: &[u8], before: u64, most: usize, at: Duration) -> Event {
    let room = most - usize::try_from(before).unwrap_or(most).min(most);
    Event::Data {
        at,
        id: Some(conn.id),
        listener: conn.listener.into(),
        peer: conn.peer,
        bytes: bytes[..bytes.len().min(room)].to_vec(),
        cut: bytes.len() > room,
    }
}

fn pack(key: Key) -> u64 {
    u64::from(key.generation) << 32 | u64::from(key.index)
}

fn unpack(number: u64) -> Key {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lower half is the index"
    )]
    let index = number as u32;
    let generation = u32::try_from(number >> 32).unwrap_or_default();
    Key { index, generation }
}
