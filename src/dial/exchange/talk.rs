//! The state of one conversation and its poll loop.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::search::Search;
use crate::dial::config::Exchange;
use crate::dial::event::Event;
use crate::dial::recorder::Recorder;
use crate::dial::report;
use crate::failure::Stage;
use crate::net::Connection;

/// Bytes read at once from a stream.
const CHUNK: usize = 16 * 1024;
/// Room for one datagram: what does not fit would be lost. UDP ends at 64 KiB, a Unix socket at its
/// send buffer, by default 208 KiB.
const DATAGRAM: usize = 256 * 1024;
/// Reads and writes in one poll before the runtime gets its turn.
const TURNS: usize = 64;

/// The system call that failed, and the stage it belongs to.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) stage: Stage,
    pub(super) error: io::Error,
}

/// How far the sending side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    /// There is more to send.
    Talking,
    /// Everything has been sent.
    SentAll,
    /// And the sending side is closed.
    Shut,
    /// A system call failed; what the peer had already said is still read.
    Broken,
}

/// One conversation on a connection.
pub(super) struct Talk<'a> {
    pub(super) connection: &'a mut dyn Connection,
    pub(super) plan: &'a Exchange,
    pub(super) sent: usize,
    sending: Sending,
    pub(super) captured: Vec<u8>,
    pub(super) received: u64,
    pub(super) datagrams: u64,
    pub(super) ended_by_peer: bool,
    pub(super) matched: bool,
    search: Option<Search<'a>>,
    started: Instant,
    first_sent: Option<Instant>,
    first_byte: Option<Instant>,
    chunk: Box<[u8]>,
    /// Nothing more can be read.
    deaf: bool,
    broken: Option<Broken>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(connection: &'a mut dyn Connection, plan: &'a Exchange) -> Self {
        let chunk = if connection.is_datagram() {
            DATAGRAM
        } else {
            CHUNK
        };
        Self {
            chunk: vec![0; chunk].into_boxed_slice(),
            deaf: false,
            broken: None,
            connection,
            plan,
            sent: 0,
            sending: Sending::Talking,
            captured: Vec::new(),
            received: 0,
            datagrams: 0,
            ended_by_peer: false,
            matched: false,
            search: plan.expect.as_ref().map(Search::new),
            started: Instant::now(),
            first_sent: None,
            first_byte: None,
        }
    }

    /// Talks until the goal is reached, the peer closes, or a system call fails. Cancel safe: the
    /// counts stay true.
    pub(super) async fn converse(&mut self) -> Result<(), Broken> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    /// Whether anything came back: on a datagram transport even an empty one is an answer.
    pub(super) fn heard(&self) -> bool {
        self.received > 0 || self.datagrams > 0
    }

    /// Whether everything has been sent, and the sending side closed if that was asked.
    pub(super) fn said_all(&self) -> bool {
        match self.sending {
            Sending::Talking | Sending::Broken => false,
            Sending::SentAll => !self.plan.shutdown_write,
            Sending::Shut => true,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        for _ in 0..TURNS {
            let sending = self.poll_send(cx);
            let receiving = self.poll_receive(cx);
            let full = self.search.as_ref().is_some_and(Search::is_full);
            if receiving.is_pending() || self.is_over() || full {
                self.look_for_match();
            }
            if self.is_over() {
                return Poll::Ready(self.result());
            }
            if sending.is_pending() && receiving.is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_over(&self) -> bool {
        let said = self.said_all() || self.sending == Sending::Broken;
        self.ended_by_peer || self.deaf || (said && self.goal_reached())
    }

    /// A broken connection is no failure when what was expected had come before.
    fn result(&mut self) -> Result<(), Broken> {
        let content = self.matched || (self.said_all() && self.goal_reached());
        match self.broken.take() {
            Some(broken) if !content => Err(broken),
            _ => Ok(()),
        }
    }

    /// Notes the first system call that failed.
    fn breaks(&mut self, stage: Stage, error: io::Error) {
        self.broken.get_or_insert(Broken { stage, error });
    }

    /// Whether what was wanted has come. The peer's close is no goal unless nothing else is.
    pub(super) fn goal_reached(&self) -> bool {
        let plan = self.plan;
        let to_the_end = plan.shutdown_write && plan.expect.is_none() && plan.read.is_none();
        let any = plan.read.is_none() && plan.expect.is_none() && plan.waits_for_any();
        (plan.expect.is_none() || self.matched)
            && self.received >= plan.read.unwrap_or(0)
            && (!to_the_end || self.ended_by_peer)
            && (!(any || plan.banner) || self.heard() || (to_the_end && self.ended_by_peer))
    }

    /// Sends; pending also when there is nothing to send, so that only news counts as progress.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let silent = self.said_all() || self.sending == Sending::Broken;
        if silent || (self.plan.banner && !self.heard()) {
            return Poll::Pending;
        }
        self.poll_send_step(cx).unwrap_or_else(|error| {
            self.sending = Sending::Broken;
            // A datagram that did not leave has no answer.
            self.deaf |= !self.plan.reads() || self.connection.is_datagram();
            self.breaks(Stage::Send, error);
            Poll::Ready(())
        })
    }

    fn poll_send_step(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        if self.sending == Sending::Talking {
            return self.poll_write(cx);
        }
        let Poll::Ready(result) = Pin::new(&mut *self.connection).poll_shutdown(cx) else {
            return Ok(Poll::Pending);
        };
        self.sending = Sending::Shut;
        result.map(Poll::Ready)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        let data = self.plan.send.as_deref().unwrap_or_default();
        let left = &data[self.sent..];
        // An empty datagram is still a datagram; an empty write on a stream is nothing.
        let empty_datagram = self.connection.is_datagram() && self.plan.send.is_some();
        if left.is_empty() && !empty_datagram {
            self.sending = Sending::SentAll;
            return Ok(Poll::Ready(()));
        }
        let poll = Pin::new(&mut *self.connection).poll_write(cx, left);
        let Poll::Ready(result) = poll else {
            return Ok(Poll::Pending);
        };
        let count = result?;
        if count == 0 && !left.is_empty() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.first_sent.get_or_insert_with(Instant::now);
        self.sent += count;
        if self.sent == data.len() {
            self.sending = Sending::SentAll;
        }
        Ok(Poll::Ready(()))
    }

    /// Receives one chunk or datagram; pending also when nothing is to be read.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended_by_peer || self.deaf || !self.plan.reads() {
            return Poll::Pending;
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        let mut buffer = ReadBuf::new(&mut chunk);
        let poll = Pin::new(&mut *self.connection).poll_read(cx, &mut buffer);
        if matches!(poll, Poll::Ready(Ok(()))) {
            self.take(buffer.filled());
        }
        self.chunk = chunk;
        poll.map(|result| {
            if let Err(error) = result {
                self.deaf = true;
                self.breaks(Stage::Receive, error);
            }
        })
    }

    fn take(&mut self, bytes: &[u8]) {
        if bytes.is_empty() && !self.connection.is_datagram() {
            self.ended_by_peer = true;
            return;
        }
        self.first_byte.get_or_insert_with(Instant::now);
        self.datagrams += u64::from(self.connection.is_datagram());
        self.received += bytes.len() as u64;
        let room = Exchange::CAPTURE - self.captured.len();
        self.captured
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        if let Some(search) = &mut self.search {
            search.take(bytes);
        }
    }

    /// Searches what came since the last search; once a poll, not once a read.
    fn look_for_match(&mut self) {
        if self.search.as_mut().is_some_and(Search::look) {
            // What comes after it need not be kept.
            (self.matched, self.search) = (true, None);
        }
    }

    /// Hands the moments that the poll loop noted to the report, in the order in which they were.
    pub(super) fn record_milestones(&self, recorder: &mut Recorder<'_>) {
        let bytes = self.sent as u64;
        let sent = self.first_sent.map(|at| (at, Event::Sent { bytes }));
        let first = self.first_byte.map(|at| (at, self.first_byte_after(at)));
        let mut milestones: Vec<_> = sent.into_iter().chain(first).collect();
        milestones.sort_by_key(|(at, _)| *at);
        for (at, event) in milestones {
            recorder.at(at, event);
        }
    }

    /// The wait for the first byte: since ours went out, or since we began to listen.
    fn first_byte_after(&self, at: Instant) -> Event {
        let asked = self.first_sent.filter(|sent| *sent <= at);
        let after = at.saturating_duration_since(asked.unwrap_or(self.started));
        Event::FirstByte {
            after: after.into(),
        }
    }

    /// What the report keeps of the conversation.
    pub(super) fn into_report(self, recorder: &Recorder<'_>) -> report::Exchange {
        let heard = self.heard();
        report::Exchange {
            sent_bytes: self.sent as u64,
            received_bytes: self.received,
            truncated: self.received > self.captured.len() as u64,
            received: heard.then(|| self.captured.into()),
            matched: self.plan.expect.as_ref().map(|_| self.matched),
            closed_by_peer: self.ended_by_peer.then(|| "fin".to_owned()),
            started_ms: Some(recorder.since_start(self.started)),
            ended_ms: Some(recorder.since_start(Instant::now())),
        }
    }
}
