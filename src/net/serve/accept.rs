//! How a worker takes connections in: the gate, the limits, and what a lack of descriptors does.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::connection::Conn;
use super::counts::Count;
use super::event::{Event, Opened};
use super::inbox::Message;
use super::worker::Worker;
use super::{Newcomer, finish, peer_of, reset};
use crate::addr::Transport;
use crate::net::syn::Syn;
use crate::net::sys::{self, RawAddr};
use crate::policy::admission::{Gate, Overload, Reason, Verdict};

/// Connections that are accepted before those that stand get their turn.
const ACCEPTS_AT_ONCE: usize = 64;
/// After descriptors or memory have run out, accepting is tried again so much later.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);
/// How often it is said that they have.
const EXHAUSTED_SAID: Duration = Duration::from_secs(1);

/// Whether a worker accepts, and when it will again.
#[derive(Debug, Default)]
pub(super) struct Accepting {
    pub(super) watched: bool,
    pub(super) resume_at: Option<Duration>,
    /// The pause before accepting has been made for those who wait now.
    delayed: bool,
    said_at: Option<Duration>,
    /// A descriptor that can be given up to accept, and so reject, when none is left.
    spare: Option<File>,
}

impl Worker {
    /// Accepts what waits at a listening socket.
    pub(super) fn accept(&mut self, at: usize) {
        if self.shared.config.no_accept {
            self.tell_no_accept(at);
            return self.pause(None);
        }
        let delay = self.shared.config.accept_delay;
        if !delay.is_zero() && !std::mem::take(&mut self.accepting.delayed) {
            self.accepting.delayed = true;
            return self.pause(Some(self.now + delay));
        }
        for _ in 0..ACCEPTS_AT_ONCE {
            if !self.may_accept() {
                return;
            }
            let Some(listener) = self.listeners.as_ref().and_then(|list| list.get(at)) else {
                return;
            };
            match sys::accept(listener.as_fd()) {
                Ok((fd, addr)) => self.arrived(at, fd, &addr),
                Err(error) => match error.raw_os_error() {
                    _ if error.kind() == io::ErrorKind::WouldBlock => return,
                    Some(code @ (libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)) => {
                        return self.exhausted(at, code);
                    }
                    // The connection is gone again, or its network is: accept(2) says to go on.
                    _ => {}
                },
            }
        }
    }

    /// A connection waits and will not be accepted: told once, whichever worker sees it first.
    fn tell_no_accept(&mut self, listener: usize) {
        if !self.shared.refusing.swap(true, Ordering::Relaxed) {
            self.applied("no-accept", None, listener, None);
        }
    }

    /// Counts and tells a fault that strikes connections as they come.
    fn applied(
        &mut self,
        fault: &'static str,
        id: Option<u64>,
        listener: usize,
        peer: Option<std::net::SocketAddr>,
    ) {
        self.counts.add(Count::Faults, 1);
        if self.shared.config.telling.connections {
            let at = self.now;
            self.tell(Event::Fault {
                at,
                id,
                listener,
                peer,
                fault,
            });
        }
    }

    /// Asks the limits; pauses where they say so.
    fn may_accept(&mut self) -> bool {
        let now = self.shared.now();
        let mut door = self.shared.entrance();
        let gate = door.admission.gate(now);
        // Under the lock, so that no release is missed.
        door.waiting |= gate == Gate::Full;
        drop(door);
        match gate {
            Gate::Open => return true,
            Gate::Until(at) => self.pause(Some(at)),
            Gate::Full | Gate::Done => self.pause(None),
        }
        false
    }

    /// Stops accepting, until a time or until it is woken.
    fn pause(&mut self, until: Option<Duration>) {
        self.counts.add(Count::Pauses, 1);
        // What cannot be removed stays, and the gate is asked again.
        let _ = self.watch_listeners(false);
        self.accepting.resume_at = until;
    }

    /// Accepts again, if the gate is open by now; else the next connection closes it again.
    pub(super) fn resume(&mut self) {
        self.accepting.resume_at = None;
        if !self.shared.config.no_accept {
            let _ = self.watch_listeners(true);
        }
    }

    fn arrived(&mut self, at: usize, fd: OwnedFd, addr: &RawAddr) {
        let peer = peer_of(addr);
        match self.shared.admit(peer.map(|peer| peer.ip())) {
            Verdict::Admit(id) => self.welcome(id, at, fd, peer),
            Verdict::Replace(id) => {
                self.make_room();
                self.welcome(id, at, fd, peer);
            }
            Verdict::Reject(reason) => {
                let resets = !finish(&fd, &mut self.buffer);
                drop(fd);
                self.rejected(at, peer, reason, resets);
            }
            Verdict::Reset(reason) => {
                reset(&fd);
                self.rejected(at, peer, reason, true);
            }
        }
    }

    fn rejected(
        &mut self,
        listener: usize,
        peer: Option<std::net::SocketAddr>,
        reason: Reason,
        reset: bool,
    ) {
        self.counts.rejected(reason);
        if self.shared.config.telling.connections {
            let at = self.now;
            self.tell(Event::Rejected {
                at,
                listener,
                peer,
                reason,
                reset,
            });
        }
    }

    fn welcome(
        &mut self,
        id: u64,
        listener: usize,
        fd: OwnedFd,
        peer: Option<std::net::SocketAddr>,
    ) {
        self.counts.add(Count::Accepted, 1);
        let at = self.shared.now();
        let telling = self.shared.config.telling;
        if telling.connections {
            let syn = telling.syn.then(|| Syn::read(fd.as_fd())).flatten();
            self.tell(Event::Opened(
                at,
                Opened {
                    id,
                    listener,
                    peer,
                    syn: syn.map(Box::new),
                },
            ));
        }
        if !self.shared.config.accept_delay.is_zero() {
            self.applied("accept-delay", Some(id), listener, peer);
        }
        let transport = self
            .listeners
            .as_ref()
            .and_then(|list| Some(list.get(listener)?.transport()));
        let new = Newcomer {
            id,
            listener,
            peer,
            at,
            transport: transport.unwrap_or(Transport::Tcp),
            fd,
        };
        if (self.shared.config.plain)(id) {
            self.place(Conn::new(new.fd, id, listener, peer, at));
        } else {
            self.send_elsewhere(new);
        }
    }

    fn send_elsewhere(&mut self, new: Newcomer) {
        let peer = new.peer;
        if let Some(load) = self.shared.loads.last() {
            load.fetch_add(1, Ordering::Relaxed);
        }
        if self.inlet.newcomers.send(new).is_err() {
            // The owner has gone: so does the connection.
            if let Some(load) = self.shared.loads.last() {
                load.fetch_sub(1, Ordering::Relaxed);
            }
            self.shared.release(peer.map(|peer| peer.ip()));
        }
    }

    /// Serves a connection here, or hands it to a worker that has far fewer.
    fn place(&mut self, conn: Conn) {
        let other = self.emptiest();
        let load = |at: usize| self.shared.loads[at].load(Ordering::Relaxed);
        let (mine, least) = (load(self.index), load(other));
        if self.is_active() && mine <= least + SLACK + least / SHARE {
            return self.keep(conn);
        }
        if let Some(conn) = self.send_to(other, conn) {
            self.keep(conn);
        }
    }

    pub(super) fn keep(&mut self, conn: Conn) {
        self.shared.loads[self.index].fetch_add(1, Ordering::Relaxed);
        self.adopt(conn);
    }

    /// Has the worker with the most connections, or the owner, close the one that is idle longest.
    fn make_room(&mut self) {
        let loads = self.shared.loads.iter().enumerate();
        let most = loads.max_by_key(|(_, load)| load.load(Ordering::Relaxed));
        let most = most.map_or(self.index, |(at, _)| at);
        match self.shared.inboxes.get(most) {
            _ if most == self.index => {
                self.evict();
            }
            Some(inbox) => {
                // A worker that has ended has no connection to close.
                let _ = inbox.send(Message::Evict);
            }
            None => self.shared.evictions.notify_one(),
        }
    }

    /// No descriptor, or no memory, for another connection: neither spins nor ends.
    fn exhausted(&mut self, at: usize, errno: i32) {
        // accept(2) takes a descriptor before it looks for a connection: it fails with nobody there too.
        let listener = self.listeners.as_ref().and_then(|list| list.get(at));
        if listener.is_some_and(|listener| !sys::somebody_waits(listener.as_fd())) {
            return;
        }
        self.counts.add(Count::AcceptErrors, 1);
        if self
            .accepting
            .said_at
            .is_none_or(|said| self.now >= said + EXHAUSTED_SAID)
        {
            self.accepting.said_at = Some(self.now);
            self.tell(Event::Exhausted {
                at: self.now,
                errno,
            });
        }
        if self.pipes.clear() {
            return; // the next event finds descriptors
        }
        let overload = self.shared.config.limits.overload;
        match overload {
            Overload::CloseIdle if self.evict() => return,
            Overload::Reject | Overload::Reset | Overload::CloseIdle
                if self.reject_with_spare(at) =>
            {
                return;
            }
            _ => {}
        }
        self.shared.entrance().waiting = true;
        self.pause(Some(self.now + EXHAUSTED_PAUSE));
    }

    /// Gives up the spare descriptor to accept one connection and end it.
    fn reject_with_spare(&mut self, at: usize) -> bool {
        if self.accepting.spare.take().is_none() {
            return false;
        }
        let listener = self.listeners.as_ref().and_then(|list| list.get(at));
        let accepted = listener.and_then(|listener| sys::accept(listener.as_fd()).ok());
        if let Some((fd, addr)) = accepted {
            let mut resets = self.shared.config.limits.overload == Overload::Reset;
            if resets {
                reset(&fd);
            } else {
                resets = !finish(&fd, &mut self.buffer);
            }
            drop(fd);
            self.rejected(at, peer_of(&addr), Reason::Descriptors, resets);
        }
        self.keep_spare();
        true
    }

    /// Opens the spare descriptor; without one, accepting pauses instead.
    pub(super) fn keep_spare(&mut self) {
        self.accepting.spare = File::open("/dev/null").ok();
    }
}

/// How many more connections than the least loaded worker one may have: few, so that few are spread
/// evenly too …
const SLACK: usize = 1;
/// … and this part of the other's: to hand one over costs a wake-up, which many short ones would feel.
const SHARE: usize = 4;
