//! Many questions over one byte stream, TCP or TLS (RFC 7766): two octets of length before each
//! message, replies in any order.
//!
//! A task owns the connection. It hands every message to whoever waits for its id, and one with an
//! id that nobody waits for to all, so that each ledger shows it; it judges nothing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use crate::failure::Errno;
use crate::net::Connection;

use super::task::Task;

/// A connection without questions is closed after this (RFC 7766 §6.2.3: a few seconds).
const IDLE: Duration = Duration::from_secs(5);
/// Questions that wait for the task to take them.
const QUEUE: usize = 64;
/// Messages that one question may leave unread; the rest is dropped.
const UNREAD: usize = 16;
/// The octets that hold the length of a message (RFC 1035 §4.2.2).
const LENGTH: usize = 2;

/// What a question hears of its connection.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    /// The question has been written.
    Sent,
    /// A message came.
    Message(Box<[u8]>),
    /// The server closed the connection.
    Closed {
        /// Octets of an unfinished message, or of its length.
        after_bytes: usize,
    },
    /// The system reported an error.
    Failed {
        /// Whether the question was being written.
        sending: bool,
        errno: Option<Errno>,
        text: String,
    },
}

/// Octets that came of a message that is not whole yet: they are no message, and they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Partial(Arc<AtomicUsize>);

impl Partial {
    pub(super) fn octets(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

struct Job {
    id: u16,
    framed: Vec<u8>,
    heard: mpsc::Sender<Heard>,
}

/// A connection that can be asked; the last owner closes it.
#[derive(Debug)]
pub(super) struct Stream {
    jobs: mpsc::Sender<Job>,
    partial: Partial,
    _task: Task,
}

impl Stream {
    /// Takes over a connection that stands.
    pub(super) fn new(connection: Box<dyn Connection>) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (reader, writer) = tokio::io::split(connection);
        let partial = Partial::default();
        let driver = Driver {
            reader,
            writer,
            waiting: Vec::new(),
            postponed: Vec::new(),
            unread: Vec::new(),
            partial: partial.clone(),
        };
        let task = Task::spawn(driver.run(queue));
        Self {
            jobs,
            partial,
            _task: task,
        }
    }

    /// Whether the connection takes questions.
    pub(super) fn is_open(&self) -> bool {
        !self.jobs.is_closed()
    }

    /// What came of the next message so far.
    pub(super) fn partial(&self) -> Partial {
        self.partial.clone()
    }

    /// Hands over a question; what becomes of it arrives at the receiver, which ends with the
    /// connection. Cancel safe: nobody waits for the reply of a question whose receiver is gone.
    pub(super) async fn ask(&self, id: u16, message: &[u8]) -> mpsc::Receiver<Heard> {
        let (heard, receiver) = mpsc::channel(UNREAD);
        let framed = framed(message);
        // A connection that has ended drops the sender, and that is what the receiver hears.
        let _ = self.jobs.send(Job { id, framed, heard }).await;
        receiver
    }
}

/// One write for length and message: two would be two segments (RFC 7766 §8).
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a question is far below 64 KiB");
    [&length.to_be_bytes(), message].concat()
}

struct Driver {
    reader: ReadHalf<Box<dyn Connection>>,
    writer: WriteHalf<Box<dyn Connection>>,
    waiting: Vec<(u16, mpsc::Sender<Heard>)>,
    /// Questions whose id is in use: ids on one connection must differ (RFC 7766 §6.2.1).
    postponed: Vec<Job>,
    /// What came and is not yet a whole message.
    unread: Vec<u8>,
    partial: Partial,
}

impl Driver {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let end = loop {
            let result = tokio::select! {
                biased;
                job = jobs.recv() => match job {
                    Some(job) => self.begin(job).await,
                    None => return,
                },
                read = self.reader.read_buf(&mut self.unread) => self.read(read).await,
                () = tokio::time::sleep(IDLE) => {
                    self.forget();
                    if self.waiting.is_empty() {
                        return;
                    }
                    Ok(())
                }
            };
            if let Err(end) = result {
                break end;
            }
        };
        jobs.close();
        self.tell_all(&end);
    }

    /// Writes a question, unless its id is in use.
    async fn begin(&mut self, job: Job) -> Result<(), Heard> {
        self.forget();
        if self.waiting.iter().any(|(id, _)| *id == job.id) {
            self.postponed.push(job);
            return Ok(());
        }
        self.waiting.push((job.id, job.heard.clone()));
        let written = async {
            self.writer.write_all(&job.framed).await?;
            self.writer.flush().await
        };
        match written.await {
            Ok(()) => {
                let _ = job.heard.try_send(Heard::Sent);
                Ok(())
            }
            Err(error) => Err(failed(true, &error)),
        }
    }

    async fn read(&mut self, read: io::Result<usize>) -> Result<(), Heard> {
        match read {
            Ok(0) => Err(Heard::Closed {
                after_bytes: self.partial.octets(),
            }),
            Err(error) => Err(failed(false, &error)),
            Ok(_) => {
                while let Some(message) = self.take_message() {
                    self.deliver(message);
                }
                self.note_partial();
                self.begin_postponed().await
            }
        }
    }

    /// Octets of an unfinished message, or of its length.
    fn note_partial(&self) {
        let octets = match self.unread.len() {
            partial @ 0..LENGTH => partial,
            whole => whole - LENGTH,
        };
        self.partial.0.store(octets, Ordering::Relaxed);
    }

    fn take_message(&mut self) -> Option<Box<[u8]>> {
        let (length, rest) = self.unread.split_first_chunk::<LENGTH>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let message = rest.get(..length)?.into();
        self.unread.drain(..LENGTH + length);
        Some(message)
    }

    /// Gives a message to whoever waits for its id, or to all when nobody does.
    fn deliver(&mut self, message: Box<[u8]>) {
        let id = message.first_chunk().map(|id| u16::from_be_bytes(*id));
        let own = self
            .waiting
            .iter()
            .find(|(waiting, _)| Some(*waiting) == id);
        match own {
            // A question that does not read what it gets loses the rest.
            Some((_, heard)) => drop(heard.try_send(Heard::Message(message))),
            None => self.tell_all(&Heard::Message(message)),
        }
    }

    async fn begin_postponed(&mut self) -> Result<(), Heard> {
        for job in std::mem::take(&mut self.postponed) {
            self.begin(job).await?;
        }
        Ok(())
    }

    fn tell_all(&self, heard: &Heard) {
        for (_, waiting) in &self.waiting {
            let _ = waiting.try_send(heard.clone());
        }
    }

    /// Leaves out the questions that nobody waits for any more.
    fn forget(&mut self) {
        self.waiting.retain(|(_, heard)| !heard.is_closed());
    }
}

fn failed(sending: bool, error: &io::Error) -> Heard {
    // A peer that leaves TLS without a farewell has closed all the same.
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Heard::Closed { after_bytes: 0 };
    }
    Heard::Failed {
        sending,
        errno: error.raw_os_error().map(Errno::from_code),
        text: error.to_string(),
    }
}
