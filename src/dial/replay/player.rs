//! Where a replay is: what is to be said next, and what the server has said so far. Pure: it is told
//! the time and what came.

use std::time::Duration;

use tokio::time::Instant;

use super::Replay;
use super::recording::Recording;

/// Bytes that are shown from where the server says something else.
const SHOWN: usize = 32;

/// What the client does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// It says this.
    Say(&'a [u8]),
    /// It closes its side.
    Close,
    /// It waits until then.
    Until(Instant),
    /// It waits for the server.
    Listen,
}

/// One replay under way.
#[derive(Debug)]
pub(super) struct Player<'a> {
    recording: &'a Recording,
    fast: bool,
    started: Instant,
    /// Pieces that were said whole.
    said: usize,
    /// Bytes of the next one that have gone.
    gone: usize,
    /// When the first bytes had gone.
    pub(super) first_said: Option<Instant>,
    /// When the last piece had gone.
    last_said: Option<Instant>,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) first_byte: Option<Instant>,
    /// Bytes that were as recorded, until the first that was not.
    agreed: usize,
    /// What came from there on.
    other: Vec<u8>,
    pub(super) closed: bool,
    answered: usize,
    /// How long each answer took in the recording, and now.
    pub(super) times: Vec<(Duration, Duration)>,
    /// Nothing more can be said.
    mute: bool,
}

impl<'a> Player<'a> {
    pub(super) fn new(replay: &'a Replay, started: Instant) -> Self {
        Self {
            recording: &replay.recording,
            fast: replay.fast,
            started,
            said: 0,
            gone: 0,
            first_said: None,
            last_said: None,
            sent: 0,
            received: 0,
            first_byte: None,
            agreed: 0,
            other: Vec::new(),
            closed: false,
            answered: 0,
            times: Vec::new(),
            mute: false,
        }
    }

    /// What is to be done: a piece is said at its time, and not before the server has said as much
    /// as it had when the piece was recorded.
    pub(super) fn step(&self, now: Instant) -> Step<'a> {
        let Some(next) = self.recording.said.get(self.said).filter(|_| !self.mute) else {
            return Step::Listen;
        };
        if self.received < next.after as u64 {
            return Step::Listen;
        }
        let due = self.started + next.at;
        if !self.fast && due > now {
            return Step::Until(due);
        }
        match &next.bytes[self.gone..] {
            [] => Step::Close,
            rest => Step::Say(rest),
        }
    }

    /// So many bytes of the next piece have gone, or its end has.
    pub(super) fn went(&mut self, count: usize, now: Instant) {
        if count > 0 {
            self.first_said.get_or_insert(now);
        }
        self.sent += count as u64;
        self.gone += count;
        let whole = self.recording.said.get(self.said);
        if whole.is_some_and(|said| self.gone >= said.bytes.len()) {
            self.said += 1;
            self.gone = 0;
            self.last_said = Some(now);
        }
    }

    /// Nothing more can be said: the connection is broken.
    pub(super) fn mute(&mut self) {
        self.mute = true;
    }

    /// The server says this; nothing is its end.
    pub(super) fn hears(&mut self, bytes: &[u8], now: Instant) {
        if bytes.is_empty() {
            self.closed = true;
            return;
        }
        self.first_byte.get_or_insert(now);
        if self.other.is_empty() {
            let recorded = self.recording.heard[self.agreed..].iter();
            let same = recorded.zip(bytes).take_while(|(one, other)| one == other);
            let same = same.count();
            self.agreed += same;
            self.keep(&bytes[same..]);
        } else {
            self.keep(bytes);
        }
        self.received += bytes.len() as u64;
        self.time_answers(now);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = SHOWN - self.other.len();
        self.other.extend(bytes.iter().take(room));
    }

    /// An answer is there with its first byte, if what it answers was said before.
    fn time_answers(&mut self, now: Instant) {
        while let Some(answer) = self.recording.answers.get(self.answered) {
            if self.received <= answer.from as u64 {
                return;
            }
            self.answered += 1;
            if let Some(said) = self.last_said.filter(|_| self.said == answer.said) {
                let took = now.saturating_duration_since(said);
                self.times.push((answer.took, took));
            }
        }
    }

    /// Whether all that was recorded has happened, or the rest cannot.
    pub(super) fn is_over(&self) -> bool {
        let all_said = self.mute || self.said == self.recording.said.len();
        if !self.closed {
            return all_said && self.has_all() && !self.recording.server_closed;
        }
        let next = self.recording.said.get(self.said);
        all_said || next.is_some_and(|next| self.received < next.after as u64)
    }

    fn has_all(&self) -> bool {
        self.received >= self.recording.heard.len() as u64
    }

    /// Whether everything was said and heard as it was recorded.
    pub(super) fn is_equal(&self) -> bool {
        let heard = self.agreed == self.recording.heard.len() && self.other.is_empty();
        let ended = self.closed || !self.recording.server_closed;
        heard && ended && self.said == self.recording.said.len()
    }

    /// Whether what came is other than what was recorded, and not only less.
    pub(super) fn says_otherwise(&self) -> bool {
        !self.other.is_empty()
    }

    /// Bytes that were as recorded, from the beginning.
    pub(super) fn agreed(&self) -> u64 {
        self.agreed as u64
    }

    /// From the first difference on: what was recorded, and what came.
    pub(super) fn difference(&self) -> (&'a [u8], &[u8]) {
        let rest = &self.recording.heard[self.agreed..];
        (&rest[..rest.len().min(SHOWN)], &self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A greeting, a question after 100 ms, its answer after 20 more, and both ends.
    fn replay(fast: bool) -> Replay {
        let mut recording = Recording::default();
        recording.answer(MS * 1_000, b"hello\n");
        recording.say(MS * 1_100, b"who\n");
        recording.answer(MS * 1_120, b"me\n");
        recording.say(MS * 1_130, b"");
        recording.answer(MS * 1_140, b"");
        Replay {
            recording,
            fast,
            ..Replay::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_piece_is_said_at_its_time_and_after_what_it_answers() {
        let (replay, now) = (replay(false), Instant::now());
        let mut player = Player::new(&replay, now);
        assert_eq!(player.step(now), Step::Listen);
        player.hears(b"hello\n", now);
        assert_eq!(player.step(now), Step::Until(now + MS * 100));
        let then = now + MS * 100;
        assert_eq!(player.step(then), Step::Say(b"who\n"));
        player.went(1, then);
        assert_eq!(player.step(then), Step::Say(b"ho\n"));
        player.went(3, then);
        assert_eq!(player.step(then + MS * 500), Step::Listen);
        player.hears(b"m", then + MS * 7);
        player.hears(b"e\n", then + MS * 9);
        assert_eq!(player.times, [(MS * 20, MS * 7)]);
        assert_eq!(player.step(then + MS * 30), Step::Close);
        player.went(0, then);
        assert!(!player.is_over() && !player.is_equal());
        player.hears(b"", then);
        assert!(player.is_over() && player.is_equal());
    }

    #[tokio::test(start_paused = true)]
    async fn fast_is_without_the_recorded_pauses_but_in_the_recorded_order() {
        let (replay, now) = (replay(true), Instant::now());
        let mut player = Player::new(&replay, now);
        assert_eq!(player.step(now), Step::Listen);
        player.hears(b"hello\n", now);
        assert_eq!(player.step(now), Step::Say(b"who\n"));
    }

    /// Pieces that come, how many bytes are as recorded, and what follows on either side.
    type Row<'a> = (&'a [&'a [u8]], u64, &'a [u8], &'a [u8]);

    #[tokio::test(start_paused = true)]
    async fn the_first_difference_is_found_in_whatever_pieces() {
        let rows: [Row<'_>; 5] = [
            (&[b"hello\n", b"you\n"], 6, b"me\n", b"you\n"),
            (&[b"hell", b"o\nm"], 7, b"e\n", b""),
            (&[b"hello\nme\nand more"], 9, b"", b"and more"),
            (&[b"h", b"E", b"LLO"], 1, b"ello\nme\n", b"ELLO"),
            (&[], 0, b"hello\nme\n", b""),
        ];
        let (replay, now) = (replay(true), Instant::now());
        for (pieces, agreed, recorded, came) in rows {
            let mut player = Player::new(&replay, now);
            for piece in pieces {
                player.hears(piece, now);
            }
            assert_eq!(player.agreed(), agreed);
            assert_eq!(player.difference(), (recorded, came));
            assert_eq!(player.says_otherwise(), !came.is_empty());
            assert!(!player.is_equal());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_closes_early_ends_the_replay() {
        let (replay, now) = (replay(true), Instant::now());
        let mut player = Player::new(&replay, now);
        player.hears(b"hel", now);
        player.hears(b"", now);
        assert!(player.is_over() && !player.is_equal() && !player.says_otherwise());
    }
}
