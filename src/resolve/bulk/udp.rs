//! The sockets of a bulk run: what the engine wants sent goes out many datagrams a call, and what
//! comes back goes to it.

use std::collections::HashMap;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use super::engine::{Datagram, Engine};
use super::report::Finished;
use super::tries::Key;
use crate::net::datagrams::{Inbox, Outbox, Port, Watch};
use crate::resolve::client::Client;

/// All sockets, and what is about to be sent.
#[derive(Debug)]
pub(super) struct Udp {
    client: Client,
    watch: Watch,
    ports: HashMap<(usize, u32), Port>,
    batches: Vec<Batch>,
    /// Batches to use again.
    spare: Vec<Batch>,
    inbox: Inbox,
    readable: Vec<(usize, u32)>,
}

/// Datagrams for one port of one server.
#[derive(Debug, Default)]
struct Batch {
    port: (usize, u32),
    outbox: Outbox,
    keys: Vec<Key>,
    /// How many are dealt with.
    sent: usize,
}

/// What the system says of a server while sending to it.
enum Complaint {
    Refused(usize),
    Unsent { key: Key, lane: usize, errno: i32 },
}

impl Udp {
    /// Sockets with the options of `client`.
    pub(super) fn new(client: Client) -> io::Result<Self> {
        Ok(Self {
            client,
            watch: Watch::new()?,
            ports: HashMap::new(),
            batches: Vec::new(),
            spare: Vec::new(),
            inbox: Inbox::new(),
            readable: Vec::new(),
        })
    }

    /// Waits until something has come. Cancel safe.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.watch.poll_ready(cx)
    }

    /// Hands what has come to the engine; returns how many datagrams.
    pub(super) fn receive(
        &mut self,
        engine: &mut Engine,
        now: impl Fn() -> Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) -> usize {
        let mut came = 0;
        let mut readable = std::mem::take(&mut self.readable);
        readable.extend(self.watch.readable().map(of_number));
        for (lane, number) in readable.drain(..) {
            let Some(port) = self.ports.get(&(lane, number)) else {
                continue;
            };
            let Ok(count) = port.receive(&mut self.inbox) else {
                came += 1;
                engine.refused(lane, now(), out);
                continue;
            };
            came += count;
            let now = now();
            for place in 0..count {
                engine.received((lane, number), self.inbox.get(place), now, out);
            }
        }
        self.readable = readable;
        came
    }

    /// Takes one more datagram for the next [`Udp::flush`].
    pub(super) fn push(&mut self, datagram: &Datagram<'_>) {
        let port = (datagram.lane, datagram.port);
        let at = self.batches.iter().position(|batch| batch.port == port);
        let at = at.unwrap_or_else(|| {
            let spare = self.spare.pop().unwrap_or_default();
            self.batches.push(Batch { port, ..spare });
            self.batches.len() - 1
        });
        let batch = &mut self.batches[at];
        batch.outbox.push(datagram.query, datagram.id.to_be_bytes());
        batch.keys.push(datagram.key);
    }

    /// Sends what was pushed; `false` when the system has no room at the moment.
    pub(super) fn flush(
        &mut self,
        engine: &mut Engine,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) -> bool {
        let mut complaints = Vec::new();
        let mut batches = std::mem::take(&mut self.batches);
        batches.retain_mut(|batch| {
            let is_done = self.send(batch, engine, &mut complaints);
            if is_done {
                batch.outbox.clear();
                batch.keys.clear();
                batch.sent = 0;
                self.spare.push(std::mem::take(batch));
            }
            !is_done
        });
        let has_room = batches.is_empty();
        self.batches = batches;
        for complaint in complaints {
            match complaint {
                Complaint::Refused(lane) => engine.refused(lane, now, out),
                Complaint::Unsent { key, lane, errno } => {
                    engine.unsent((key, lane), errno, now, out);
                }
            }
        }
        has_room
    }

    /// Sends the rest of a batch; `false` when there is no room for all of it.
    fn send(
        &mut self,
        batch: &mut Batch,
        engine: &Engine,
        complaints: &mut Vec<Complaint>,
    ) -> bool {
        let lane = batch.port.0;
        if let Err(error) = self.open(batch.port, engine) {
            let errno = error.raw_os_error().unwrap_or_default();
            let keys = batch.keys.drain(batch.sent..);
            complaints.extend(keys.map(|key| Complaint::Unsent { key, lane, errno }));
            return true;
        }
        while batch.sent < batch.outbox.len() {
            let together = engine.lanes[lane].may_run_together();
            let Some(port) = self.ports.get_mut(&batch.port) else {
                return true;
            };
            match port.send(&batch.outbox, batch.sent, together) {
                Ok(count) => batch.sent += count,
                Err(error) => match error.raw_os_error().unwrap_or_default() {
                    libc::EAGAIN | libc::ENOBUFS => return false,
                    libc::EINTR => {}
                    // About an earlier one; the error is taken by being told.
                    libc::ECONNREFUSED => complaints.push(Complaint::Refused(lane)),
                    errno => {
                        let key = batch.keys[batch.sent];
                        complaints.push(Complaint::Unsent { key, lane, errno });
                        batch.sent += 1;
                    }
                },
            }
        }
        true
    }

    fn open(&mut self, port: (usize, u32), engine: &Engine) -> io::Result<()> {
        if !self.ports.contains_key(&port) {
            let addr = engine.server(port.0).addr;
            let options = self.client.socket_options(addr);
            let opened = self.watch.open(addr, number(port), &options)?;
            self.ports.insert(port, opened);
        }
        Ok(())
    }

    /// Closes the sockets that are used up.
    pub(super) fn retire(&mut self, engine: &mut Engine) {
        for lane in 0..engine.lanes.len() {
            while let Some(port) = engine.retire(lane) {
                self.ports.remove(&(lane, port));
            }
        }
    }
}

/// The number under which the socket of a port is watched.
fn number((lane, port): (usize, u32)) -> u64 {
    (lane as u64) << 32 | u64::from(port)
}

/// The server and port of a number under which a socket is watched.
fn of_number(number: u64) -> (usize, u32) {
    let lane = usize::try_from(number >> 32).unwrap_or_default();
    (
        lane,
        u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default(),
    )
}
