//! Which listening sockets a worker watches.

use std::io;
use std::os::fd::AsFd;

use super::datagrams::Answering;
use super::worker::{LISTENER, Worker};
use crate::net::listen::Listener;
use crate::net::sys::Ready;

impl Worker {
    /// Watches the listening sockets, if this worker works, or no longer.
    pub(super) fn watch_listeners(&mut self, on: bool) -> io::Result<()> {
        let on = on && self.is_active();
        let Some(listeners) = self.listeners.clone() else {
            return Ok(());
        };
        if self.accepting.watched == on {
            return Ok(());
        }
        self.accepting.watched = on;
        let streams = |listener: &&Listener| !listener.transport().is_datagram();
        for (at, listener) in listeners.iter().enumerate() {
            if !streams(&listener) {
                continue;
            }
            if on {
                let key = LISTENER | at as u64;
                self.poller.add(listener.as_fd(), key, Ready::SHARED)?;
            } else {
                self.poller.remove(listener.as_fd())?;
            }
        }
        Ok(())
    }

    /// The sockets whose datagrams this worker answers: one worker for each, because they are quick, and
    /// stay in order.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = (usize, &Listener)> {
        let workers = self.shared.inboxes.len();
        let listeners = self
            .listeners
            .iter()
            .flat_map(|list| list.iter().enumerate());
        listeners.filter(move |(at, listener)| {
            listener.transport().is_datagram() && at % workers == self.index
        })
    }

    pub(super) fn watch_datagrams(&mut self) -> io::Result<()> {
        let mut any = false;
        for (at, listener) in self.datagrams() {
            self.poller
                .add(listener.as_fd(), LISTENER | at as u64, Ready::READ)?;
            any = true;
        }
        if any {
            self.answering = Some(Answering::new(&self.shared.config));
        }
        Ok(())
    }

    pub(super) fn forget_datagrams(&mut self) {
        for (_, listener) in self.datagrams() {
            // What cannot be removed goes with its socket.
            let _ = self.poller.remove(listener.as_fd());
        }
    }

    pub(super) fn is_datagram(&self, at: usize) -> bool {
        let listener = self.listeners.as_ref().and_then(|list| list.get(at));
        listener.is_some_and(|listener| listener.transport().is_datagram())
    }

    pub(super) fn answer(&mut self, at: usize) {
        let Some(listeners) = self.listeners.clone() else {
            return;
        };
        if let (Some(listener), Some(answering)) = (listeners.get(at), &mut self.answering) {
            answering.run(at, listener, self.now, &mut self.counts, &self.inlet);
        }
    }
}
