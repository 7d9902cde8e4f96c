//! A recorded connection: what each side said, when, and what it had heard before.

use std::time::Duration;

/// One piece that the client said; an empty one is the end of what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Since the first piece of the recording.
    pub(super) at: Duration,
    /// Bytes that the server had said before.
    pub(super) after: usize,
    pub(super) bytes: Vec<u8>,
}

/// An answer: where the server spoke after the client had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The piece of the client that it follows, from 1.
    pub(super) said: usize,
    /// The byte of the server that it begins with.
    pub(super) from: usize,
    /// How long it took.
    pub(super) took: Duration,
}

/// Both sides of one recorded connection. It is built piece by piece, in the order of the record,
/// and held in memory as a whole.
///
/// ```
/// use netkit::dial::replay::Recording;
/// use std::time::Duration;
/// let mut recording = Recording::default();
/// recording.say(Duration::from_millis(100), b"PING\r\n");
/// recording.answer(Duration::from_millis(120), b"PONG\r\n");
/// assert_eq!(recording.length(), Duration::from_millis(20));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// When the first piece passed, by the clock of the record.
    began: Option<Duration>,
    length: Duration,
    pub(super) said: Vec<Said>,
    /// Everything that the server said.
    pub(super) heard: Vec<u8>,
    pub(super) answers: Vec<Answer>,
    /// The server closed its side.
    pub(super) server_closed: bool,
    /// The client was the last to speak.
    asked: bool,
}

impl Recording {
    /// The client says this at `at`, by the clock of the record; nothing is the end of its side.
    pub fn say(&mut self, at: Duration, bytes: &[u8]) {
        let at = self.pass(at);
        self.asked = true;
        self.said.push(Said {
            at,
            after: self.heard.len(),
            bytes: bytes.to_vec(),
        });
    }

    /// The server says this at `at`; nothing is the end of its side.
    pub fn answer(&mut self, at: Duration, bytes: &[u8]) {
        let at = self.pass(at);
        if bytes.is_empty() {
            self.server_closed = true;
            return;
        }
        if let Some(said) = self.said.last().filter(|_| self.asked) {
            let took = at.saturating_sub(said.at);
            let (said, from) = (self.said.len(), self.heard.len());
            self.answers.push(Answer { said, from, took });
        }
        self.asked = false;
        self.heard.extend_from_slice(bytes);
    }

    fn pass(&mut self, at: Duration) -> Duration {
        let at = at.saturating_sub(*self.began.get_or_insert(at));
        self.length = self.length.max(at);
        at
    }

    /// From the first piece to the last.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.length
    }

    /// Whether nothing was said, nor ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.began.is_none()
    }

    /// Bytes that the client says.
    #[must_use]
    pub fn said_bytes(&self) -> u64 {
        self.said.iter().map(|said| said.bytes.len() as u64).sum()
    }
}
