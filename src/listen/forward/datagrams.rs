//! Passing datagrams on: each client's come from a socket of their own, so that the answers find
//! their way back, for as long as something passes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Forward;
use crate::listen::attend::{Attendance, Guest};
use crate::listen::event::Event;
use crate::net::Connection;
use crate::net::layers::Lossy;
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

/// Clients by their address, each with its queue.
type Clients = Rc<RefCell<HashMap<SocketAddr, mpsc::Sender<Vec<u8>>>>>;

impl Attendance {
    /// Forwards the datagrams of one socket until the server stops.
    pub(in crate::listen) async fn forward_datagrams(
        self: Rc<Self>,
        forward: Forward,
        listener: usize,
        socket: UdpSocket,
        door: Door,
    ) {
        let (socket, clients) = (Rc::new(socket), Clients::default());
        let mut tasks = FuturesUnordered::new();
        let mut buffer = vec![0; LONGEST];
        loop {
            let (count, peer) = tokio::select! {
                biased;
                () = self.drain.cancelled() => break,
                Some(()) = tasks.next() => continue,
                received = socket.recv_from(&mut buffer) => match received {
                    Ok(received) => received,
                    Err(_) => continue, // an ICMP message about an answer of ours
                },
            };
            self.counts.borrow_mut().add(Count::DatagramsIn, 1);
            let known = clients.borrow().get(&peer).cloned();
            let queue = known.or_else(|| {
                let id = door.admit(Some(peer))?;
                let (queue, arrived) = mpsc::channel(WAITING);
                clients.borrow_mut().insert(peer, queue.clone());
                let guest = self.seat(id, listener, Some(peer));
                let session = Session {
                    attendance: Rc::clone(&self),
                    guest,
                    peer,
                    socket: Rc::clone(&socket),
                };
                let (forward, clients, door) = (forward.clone(), Rc::clone(&clients), door.clone());
                tasks.push(async move {
                    session.run(&forward, arrived).await;
                    clients.borrow_mut().remove(&peer);
                    door.release(Some(peer));
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
    peer: SocketAddr,
    socket: Rc<UdpSocket>,
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
        let cause = match attendance.reach(forward, guest).await {
            None => Cause::UpstreamFailed,
            Some(upstream) => tokio::select! {
                biased;
                cause = attendance.ended(guest) => cause,
                () = attendance.drain.cancelled() => Cause::Finished,
                cause = self.pass(upstream, arrived) => cause,
            },
        };
        attendance.leave(guest, cause, None);
    }

    fn way(&self, direction: Direction) -> Lossy {
        let (config, id) = (&self.attendance.config, self.guest.id);
        let rules = self.attendance.rules.borrow();
        let faults = faults_of(&rules, direction, config.seed, id);
        let part = id.wrapping_mul(2) + u64::from(direction == Direction::Up);
        let chance = Chance::of_part(!config.seed, part);
        Lossy::new(&faults, chance, self.attendance.heard(&self.guest))
    }

    /// Passes datagrams both ways, over ways that may be bad.
    async fn pass(
        &self,
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
                // Lost, if the kernel does not take it, as datagrams are.
                if upstream.write(&bytes).await.is_ok() {
                    self.guest.upstream_meter.pass(0, bytes.len() as u64);
                }
            }
            while let Some(bytes) = down.pop(now) {
                self.answer(&bytes).await;
            }
        }
    }

    async fn answer(&self, bytes: &[u8]) {
        let what = match self.socket.send_to(bytes, self.peer).await {
            Ok(_) => Count::DatagramsOut,
            Err(_) => Count::DatagramsUnsent,
        };
        self.attendance.counts.borrow_mut().add(what, 1);
        if what == Count::DatagramsOut {
            self.guest.meter.pass(0, bytes.len() as u64);
        }
    }
}
