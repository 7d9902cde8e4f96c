//! The TCP side of a bulk run: a few connections a server, each with many questions under way.
//!
//! Replies come in any order (RFC 7766 §6.2.1.1) and are told apart by id. A connection that ends
//! is opened again for what it leaves unanswered, as long as each brings at least one reply
//! (§6.2.4). Whether and when a name is asked over TCP is the engine's business.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::engine::TcpAsk;
use super::ids::Ids;
use super::tries::Key;
use crate::resolve::client::Client;

/// Connections to a server at most (RFC 7766 §6.2.2 asks for few).
const CONNECTIONS: usize = 4;
/// Questions under way on one connection before another is opened.
const ENOUGH: usize = 16;
/// What is read at once.
const READ: usize = 16_384;

/// What became of a question.
#[derive(Debug)]
pub(super) struct TcpEnd {
    pub(super) key: Key,
    pub(super) lane: usize,
    /// The message and how long it took; `None` when none came.
    pub(super) reply: Option<(Vec<u8>, Duration)>,
}

/// All connections of a run.
#[derive(Debug)]
pub(super) struct Pool {
    client: Client,
    patience: Duration,
    connections: HashMap<usize, Vec<Connection>>,
    /// Dropping the pool ends them.
    tasks: JoinSet<()>,
    tell: UnboundedSender<TcpEnd>,
    ended: UnboundedReceiver<TcpEnd>,
    /// One that was waited for and not yet fetched.
    held: Option<TcpEnd>,
}

/// The near end of a connection.
#[derive(Debug)]
struct Connection {
    asks: UnboundedSender<TcpAsk>,
    under_way: Arc<AtomicUsize>,
}

impl Pool {
    /// A pool whose connections give up when nothing comes for `patience`.
    pub(super) fn new(client: Client, patience: Duration) -> Self {
        let (tell, ended) = unbounded_channel();
        Self {
            client,
            patience,
            connections: HashMap::new(),
            tasks: JoinSet::new(),
            tell,
            ended,
            held: None,
        }
    }

    /// Asks a server; must be called inside a runtime.
    pub(super) fn ask(&mut self, ask: TcpAsk, addr: SocketAddr) {
        let known = self.connections.entry(ask.lane).or_default();
        let least = known.iter().min_by_key(|one| one.load());
        let load = least.map(Connection::load);
        if load.is_none_or(|load| load >= ENOUGH) && known.len() < CONNECTIONS {
            let (asks, asked) = unbounded_channel();
            let under_way = Arc::<AtomicUsize>::default();
            let line = Line {
                client: self.client.clone(),
                addr,
                patience: self.patience,
                asked,
                tell: self.tell.clone(),
                under_way: Arc::clone(&under_way),
                ids: Ids::random(),
                next: 0,
                waiting: HashMap::new(),
            };
            self.tasks.spawn(line.run());
            known.push(Connection { asks, under_way });
        }
        if let Some(least) = known.iter().min_by_key(|one| one.load()) {
            least.under_way.fetch_add(1, Ordering::Relaxed);
            // The task lives as long as the pool.
            let _ = least.asks.send(ask);
        }
    }

    /// The next question that has ended, if there is one.
    pub(super) fn next(&mut self) -> Option<TcpEnd> {
        self.held.take().or_else(|| self.ended.try_recv().ok())
    }

    /// Waits until [`Pool::next`] has something. Cancel safe.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.held.is_none() {
            match self.ended.poll_recv(cx) {
                Poll::Ready(end) => self.held = end,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

impl Connection {
    fn load(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }
}

/// A question on the line.
struct Waiting {
    ask: TcpAsk,
    since: Instant,
}

/// The far end: one connection at a time, opened when there is something to ask.
struct Line {
    client: Client,
    addr: SocketAddr,
    patience: Duration,
    asked: UnboundedReceiver<TcpAsk>,
    tell: UnboundedSender<TcpEnd>,
    under_way: Arc<AtomicUsize>,
    ids: Ids,
    next: u16,
    waiting: HashMap<u16, Waiting>,
}

impl Line {
    async fn run(mut self) {
        while let Some(ask) = self.asked.recv().await {
            self.add(ask);
            while !self.waiting.is_empty() {
                let replies = self.connection().await;
                if replies == 0 {
                    self.fail();
                }
            }
        }
    }

    /// Gives a question its id.
    fn add(&mut self, ask: TcpAsk) -> u16 {
        let id = loop {
            let id = self.ids.id(self.next);
            self.next = self.next.wrapping_add(1);
            if !self.waiting.contains_key(&id) || self.waiting.len() > usize::from(u16::MAX) / 2 {
                break id;
            }
        };
        let since = Instant::now();
        if let Some(before) = self.waiting.insert(id, Waiting { ask, since }) {
            self.end(&before.ask, None);
        }
        id
    }

    /// One connection from its handshake to its end; returns how many replies it brought.
    async fn connection(&mut self) -> usize {
        let server = self.addr.into();
        let connect = timeout(self.patience, self.client.connect_tcp(&server)).await;
        let Ok(Ok((stream, _))) = connect else {
            return 0;
        };
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut out: Vec<u8> = Vec::new();
        for (id, waiting) in &self.waiting {
            push_frame(&mut out, *id, &waiting.ask.query);
        }
        let (mut replies, mut frames, mut last) = (0, Frames::default(), Instant::now());
        loop {
            let gives_up = tokio::time::sleep_until(last + self.patience);
            tokio::select! {
                ask = self.asked.recv() => match ask {
                    Some(ask) => {
                        if self.waiting.is_empty() {
                            last = Instant::now();
                        }
                        let query = ask.query.clone();
                        push_frame(&mut out, self.add(ask), &query);
                    }
                    None => return replies,
                },
                written = writer.write(&out), if !out.is_empty() => match written {
                    Ok(count) if count > 0 => drop(out.drain(..count)),
                    _ => return replies,
                },
                read = reader.read_buf(&mut frames.bytes) => match read {
                    Ok(count) if count > 0 => {
                        last = Instant::now();
                        while let Some(message) = frames.next() {
                            replies += usize::from(self.reply(message));
                        }
                    }
                    _ => return replies,
                },
                () = gives_up, if !self.waiting.is_empty() => return 0,
            }
        }
    }

    /// Takes a message; `false` when nobody asked for it.
    fn reply(&mut self, message: Vec<u8>) -> bool {
        let id = message.first_chunk().map(|id| u16::from_be_bytes(*id));
        let Some(waiting) = id.and_then(|id| self.waiting.remove(&id)) else {
            return false;
        };
        let took = waiting.since.elapsed();
        self.end(&waiting.ask, Some((message, took)));
        true
    }

    fn fail(&mut self) {
        for (_, waiting) in std::mem::take(&mut self.waiting) {
            self.end(&waiting.ask, None);
        }
    }

    fn end(&self, ask: &TcpAsk, reply: Option<(Vec<u8>, Duration)>) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        let (key, lane) = (ask.key, ask.lane);
        // Nobody listens when the run has ended.
        let _ = self.tell.send(TcpEnd { key, lane, reply });
    }
}

/// Adds a message with its length before it (RFC 1035 §4.2.2).
fn push_frame(out: &mut Vec<u8>, id: u16, query: &[u8]) {
    let length = u16::try_from(query.len()).unwrap_or_default();
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(query.get(2..).unwrap_or_default());
}

/// Cuts a stream into messages.
#[derive(Debug)]
struct Frames {
    bytes: Vec<u8>,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            bytes: Vec::with_capacity(READ),
        }
    }
}

impl Frames {
    fn next(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(u16::from_be_bytes(*self.bytes.first_chunk()?));
        let message = self.bytes.get(2..2 + length)?.to_vec();
        self.bytes.drain(..2 + length);
        Some(message)
    }
}
