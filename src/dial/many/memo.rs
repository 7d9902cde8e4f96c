//! An `Io` that asks each name only once in a run: a thousand ports of one host are one lookup.
//!
//! Failures are remembered as well. Kept for the length of one run, so no TTL matters here.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::deadline::Deadline;
use crate::failure::Failure;
use crate::io::Io;
use crate::net::{Connection, PeerAddr, SocketOptions};
use crate::resolve::{Answer, Question};

type Remembered = Arc<OnceCell<Result<Answer, Failure>>>;

/// Remembers lookups; everything else goes to the wrapped one.
pub(super) struct Memo<'a, I> {
    io: &'a I,
    answers: Mutex<HashMap<Question, Remembered>>,
}

impl<'a, I> Memo<'a, I> {
    pub(super) fn new(io: &'a I) -> Self {
        Self {
            io,
            answers: Mutex::default(),
        }
    }

    fn cell(&self, question: &Question) -> Remembered {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get(question) {
            Some(cell) => Arc::clone(cell),
            None => Arc::clone(answers.entry(question.clone()).or_default()),
        }
    }
}

impl<I: Io> Io for Memo<'_, I> {
    async fn connect(
        &self,
        addr: &PeerAddr,
        options: &SocketOptions,
        deadline: &Deadline,
    ) -> Result<Box<dyn Connection>, Failure> {
        self.io.connect(addr, options, deadline).await
    }

    async fn lookup(&self, question: &Question, deadline: &Deadline) -> Result<Answer, Failure> {
        let cell = self.cell(question);
        // If the first asker is dropped, the next waiting one asks again.
        cell.get_or_init(|| self.io.lookup(question, deadline))
            .await
            .clone()
    }

    fn source_for(&self, destination: SocketAddr) -> Option<IpAddr> {
        self.io.source_for(destination)
    }

    fn sweeps(&self) -> bool {
        self.io.sweeps()
    }

    fn scope_id(&self, zone: &str) -> Result<u32, Failure> {
        self.io.scope_id(zone)
    }
}
