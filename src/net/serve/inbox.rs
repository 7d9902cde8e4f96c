//! What others have for a worker, and the bell that wakes it.

use std::io;
use std::sync::{Mutex, PoisonError};

use super::connection::Conn;
use crate::net::sys::Waker;

/// Something for a worker to do.
#[derive(Debug)]
pub(super) enum Message {
    /// Serve this connection, which another worker has had.
    Serve(Box<Conn>),
    /// Close the connection that has been idle longest.
    Evict,
}

/// The messages of one worker.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) waker: Waker,
    /// `None` once the worker has ended.
    messages: Mutex<Option<Vec<Message>>>,
}

impl Inbox {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            waker: Waker::new()?,
            messages: Mutex::new(Some(Vec::new())),
        })
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Leaves a message; gives it back if the worker has ended.
    pub(super) fn send(&self, message: Message) -> Result<(), Message> {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *messages {
            Some(list) => list.push(message),
            None => return Err(message),
        }
        drop(messages);
        self.wake();
        Ok(())
    }

    /// Takes what is there.
    pub(super) fn take(&self) -> Vec<Message> {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes nothing more; false if something is there that has to be done first.
    pub(super) fn close(&self) -> bool {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = messages.as_ref().is_none_or(Vec::is_empty);
        if empty {
            *messages = None;
        }
        empty
    }
}
