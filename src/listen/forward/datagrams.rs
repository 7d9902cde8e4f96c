//! Passing datagrams on: each client's come from a socket of their own, so that the answers find
//! their way back, for as long as something passes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Forward;
use crate::addr::Transport;
use crate::listen::attend::{Attendance, Guest};
use crate::listen::event::Event;
use crate::net::Connection;
use crate::net::layers::Lossy;
use crate::net::listen::{Mailbox, Sender};
use crate::net::serve::{Cause, Count, Door, Opened};
use crate::policy::chance::Chance;
use crate::policy::fault::{Direction, faults_of};

/// A client that says nothing for so long, and gets nothing, is forgotten, unless `--idle-timeout`
/// says otherwise: as long as a NAT must remember it at the least (RFC 4787 §4.3), halved.
pub const IDLE: Duration = Duration::from_secs(60);
/// The longest datagram there is.
const LONGEST: usize = 65_535;
/// Datagrams of one client that wait for its task; more are lost, as in a socket's buffer.
const WAITING: usize = 256;

/// Clients by where they send from, each with its queue. Those without a name share one: they are
/// heard, and get no answer.
type Clients = Rc<RefCell<HashMap<Sender, mpsc::Sender<Vec<u8>>>>>;

impl Attendance {
    /// Forwards the datagrams of one socket until the server stops.
    pub(in crate::listen) async fn forward_datagrams(
        self: Rc<Self>,
        forward: Forward,
        listener: usize,
        socket: Mailbox,
        door: Door,
    ) {
        let (socket, clients) = (Rc::new(socket), Clients::default());
        let mut tasks = FuturesUnordered::new();
        let mut buffer = vec![0; LONGEST];
        loop {
            let (count, sender) = tokio::select! {
                biased;
                () = self.drain.cancelled() => break,
                Some(()) = tasks.next() => continue,
                received = socket.receive(&mut buffer) => match received {
                    Ok(received) => received,
                    Err(_) => continue, // an ICMP message about an answer of ours
                },
            };
            self.counts.borrow_mut().add(Count::DatagramsIn, 1);
            let known = clients.borrow().get(&sender).cloned();
            let queue = known.or_else(|| {
                let peer = sender.inet();
                let id = door.admit(peer)?;
                let (queue, arrived) = mpsc::channel(WAITING);
                clients.borrow_mut().insert(sender.clone(), queue.clone());
                let guest = self.seat(id, listener, peer);
                let session = Session {
                    attendance: Rc::clone(&self),
                    guest,
                    sender,
                    socket: Rc::clone(&socket),
                };
                let (forward, clients, door) = (forward.clone(), Rc::clone(&clients), door.clone());
                tasks.push(async move {
                    session.run(&forward, arrived).await;
                    clients.borrow_mut().remove(&session.sender);
                    door.release(peer);
                });
                Some(queue)
            });
            let taken = queue.is_some_and(|queue| queue.try_send(buffer[..count].to_vec()).is_ok());
            if !taken {
                self.counts.borrow_mut().add(Count::DatagramsHeldBack, 1);
            }
        }
        while tasks.next().await.is_some() {}
    }
}

/// One client.
struct Session {
    attendance: Rc<Attendance>,
    guest: Rc<Guest>,
    sender: Sender,
    socket: Rc<Mailbox>,
}

impl Session {
    async fn run(&self, forward: &Forward, arrived: mpsc::Receiver<Vec<u8>>) {
        let (attendance, guest) = (&self.attendance, &self.guest);
        attendance.counts.borrow_mut().add(Count::Accepted, 1);
        attendance.tell(Event::Opened(Opened {
            id: guest.id,
            listener: guest.listener,
            peer: guest.peer,
            syn: None,
        }));
        let cause = match attendance.reach(forward, guest, Vec::new()).await {
            None => Cause::UpstreamFailed,
            Some(upstream) => tokio::select! {
                biased;
                cause = attendance.ended(guest) => cause,
                () = attendance.drain.cancelled() => Cause::Finished,
                cause = self.pass(forward, upstream, arrived) => cause,
            },
        };
        attendance.leave(guest, cause.into(), None);
    }

    fn way(&self, direction: Direction) -> Lossy {
        let (config, id) = (&self.attendance.config, self.guest.id);
        let rules = self.attendance.rules.borrow();
        let faults = faults_of(&rules, direction, config.seed, id);
        let part = id.wrapping_mul(2) + u64::from(direction == Direction::Up);
        let chance = Chance::of_part(!config.seed, part);
        Lossy::new(
            &faults,
            chance,
            self.attendance.heard(&self.guest, direction),
        )
    }

    /// Passes datagrams both ways, over ways that may be bad.
    async fn pass(
        &self,
        forward: &Forward,
        mut upstream: Box<dyn Connection>,
        mut arrived: mpsc::Receiver<Vec<u8>>,
    ) -> Cause {
        let (mut up, mut down) = (self.way(Direction::Up), self.way(Direction::Down));
        let mut buffer = vec![0; LONGEST];
        // `--idle-timeout` is looked after by whoever attends.
        let limit = match self.attendance.config.idle_timeout {
            Some(_) => None,
            None => Some(IDLE),
        };
        loop {
            let due = [up.due(), down.due()].into_iter().flatten().min();
            let idle = limit.map(|limit| self.guest.meter.last() + limit);
            tokio::select! {
                biased;
                () = crate::listen::run::at(due) => {}
                Some(bytes) = arrived.recv() => {
                    self.guest.meter.pass(bytes.len() as u64, 0);
                    up.push(&bytes, Instant::now());
                }
                received = upstream.read(&mut buffer) => match received {
                    Ok(count) => {
                        self.guest.upstream_meter.pass(count as u64, 0);
                        down.push(&buffer[..count], Instant::now());
                    }
                    // Nobody listens there now: somebody may later, and the client hears nothing.
                    Err(_) => tokio::task::yield_now().await,
                },
                () = crate::listen::run::at(idle) => return Cause::IdleTimeout,
            }
            let now = Instant::now();
            while let Some(bytes) = up.pop(now) {
                match upstream.write(&bytes).await {
                    Ok(_) => self.guest.upstream_meter.pass(0, bytes.len() as u64),
                    Err(error) if has_gone(forward, &error) => return Cause::UpstreamReset,
                    Err(_) => {} // lost, as datagrams are that the kernel does not take
                }
            }
            while let Some(bytes) = down.pop(now) {
                self.answer(&bytes).await;
            }
        }
    }

    async fn answer(&self, bytes: &[u8]) {
        let what = match self.socket.send(bytes, &self.sender).await {
            Ok(_) => Count::DatagramsOut,
            Err(_) => Count::DatagramsUnsent,
        };
        self.attendance.counts.borrow_mut().add(what, 1);
        if what == Count::DatagramsOut {
            self.guest.meter.pass(0, bytes.len() as u64);
        }
    }
}

/// Whether a service is not there any more and its socket can never reach it again: a Unix socket is
/// connected to the one that had the name, not to the next. The client's next datagram connects anew.
fn has_gone(forward: &Forward, error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, NotConnected};
    let gone = matches!(
        error.kind(),
        ConnectionRefused | ConnectionReset | NotConnected
    );
    gone && forward.target.network.transport() == Transport::Unixgram
}
