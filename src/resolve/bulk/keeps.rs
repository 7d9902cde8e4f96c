//! What is known or being asked already: the cache of a bulk run, in bounded memory.
//!
//! Keeps replies as bytes for as long as they say (RFC 1035 §3.2.1, RFC 2308 §5), and remembers who
//! asks for what, so that one question on the wire serves all who have it. Pure.
//!
//! A question is hashed once, under a key that outsiders do not know, and is its hash from then on.
//! The question itself is looked at again wherever a hash is found: in the reply that is kept, or by
//! the engine in the entry that asks. Of two questions with one hash only the first is remembered.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::time::Duration;

use super::packet;
use crate::resolve::ledger::Carrier;

/// A reply and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) bytes: Vec<u8>,
    /// The place of the server in the list.
    pub(super) lane: usize,
    pub(super) carrier: Carrier,
    pub(super) rtt: Duration,
}

/// What is known of a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known<'a> {
    /// Nothing; from now on it counts as being asked.
    Nothing,
    /// The entry at that place asks it, or another question with its hash.
    Asked(u32),
    /// It was answered, so long ago.
    Kept(&'a Stored, Duration),
    /// Another question with its hash was answered.
    Other,
}

#[derive(Debug)]
enum State {
    /// The entry at that place asks it.
    Asked(u32),
    /// The answer of that number.
    Kept(u64),
}

/// An answer.
#[derive(Debug)]
struct Answer {
    hash: u64,
    stored: Stored,
    at: Duration,
    until: Duration,
}

/// Takes a hash for what it is.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("hashes are numbers");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The questions that are known, at most so many answered ones.
#[derive(Debug)]
pub(super) struct Keeps {
    most: usize,
    secret: RandomState,
    states: HashMap<u64, State, BuildHasherDefault<Hashed>>,
    /// The answers, oldest first.
    answers: VecDeque<Answer>,
    /// The number of the first of them.
    first: u64,
    /// The question at hand in lower case.
    folded: Vec<u8>,
}

impl Keeps {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            secret: RandomState::new(),
            states: HashMap::default(),
            answers: VecDeque::new(),
            first: 0,
            folded: Vec::new(),
        }
    }

    /// The hash of a question: of its name in any case, its type and its class.
    pub(super) fn hash(&mut self, question: &[u8]) -> u64 {
        self.folded.clear();
        self.folded.extend_from_slice(question);
        // The type and the class are no letters, and their case means something.
        let name = question.len().saturating_sub(packet::TYPE_AND_CLASS);
        self.folded[..name].make_ascii_lowercase();
        let mut hasher = self.secret.build_hasher();
        hasher.write(&self.folded);
        hasher.finish()
    }

    /// Looks a question up; if nothing is known, the entry at `place` asks it.
    pub(super) fn look(
        &mut self,
        (hash, question): (u64, &[u8]),
        place: u32,
        now: Duration,
    ) -> Known<'_> {
        let state = match self.states.entry(hash) {
            Entry::Vacant(new) => {
                new.insert(State::Asked(place));
                return Known::Nothing;
            }
            Entry::Occupied(known) => known.into_mut(),
        };
        let answer = match state {
            State::Asked(other) => return Known::Asked(*other),
            State::Kept(number) => answer(&self.answers, number.saturating_sub(self.first)),
        };
        match answer.filter(|answer| now < answer.until) {
            None => {
                *state = State::Asked(place);
                Known::Nothing
            }
            Some(answer) if packet::asks(&answer.stored.bytes, question) => {
                Known::Kept(&answer.stored, now.saturating_sub(answer.at))
            }
            Some(_) => Known::Other,
        }
    }

    /// The question that was asked is answered, and the answer may be kept for `keep` seconds.
    pub(super) fn keep(&mut self, hash: u64, stored: Stored, keep: u32, now: Duration) {
        if keep == 0 || self.most == 0 {
            return self.drop_asked(hash);
        }
        if self.answers.len() >= self.most {
            self.drop_oldest();
        }
        // What nobody has asked is not kept.
        if let Some(asked @ State::Asked(_)) = self.states.get_mut(&hash) {
            *asked = State::Kept(self.first + self.answers.len() as u64);
            let until = now + Duration::from_secs(keep.into());
            let at = now;
            self.answers.push_back(Answer {
                hash,
                stored,
                at,
                until,
            });
        }
    }

    /// The question was not answered, or not so that it could be kept.
    pub(super) fn drop_asked(&mut self, hash: u64) {
        self.states.remove(&hash);
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.answers.pop_front() else {
            return;
        };
        // It may have been asked again since.
        if let Entry::Occupied(known) = self.states.entry(oldest.hash)
            && matches!(known.get(), State::Kept(number) if *number == self.first)
        {
            known.remove();
        }
        self.first += 1;
    }
}

fn answer(answers: &VecDeque<Answer>, place: u64) -> Option<&Answer> {
    answers.get(usize::try_from(place).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The question for a name of one octet, and its reply as far as it matters here.
    fn question(name: u8, qtype: u8) -> [u8; 7] {
        [1, name, 0, 0, qtype, 0, 1]
    }

    fn stored(name: u8, qtype: u8) -> Stored {
        let header = [0; packet::HEADER];
        Stored {
            bytes: [&header[..], &question(name, qtype)].concat(),
            lane: 0,
            carrier: Carrier::Udp,
            rtt: Duration::ZERO,
        }
    }

    fn look<'a>(keeps: &'a mut Keeps, question: &[u8], place: u32, now: Duration) -> Known<'a> {
        let hash = keeps.hash(question);
        keeps.look((hash, question), place, now)
    }

    fn keep(keeps: &mut Keeps, name: u8, ttl: u32, now: Duration) {
        let hash = keeps.hash(&question(name, 1));
        keeps.keep(hash, stored(name, 1), ttl, now);
    }

    #[test]
    fn an_answer_holds_for_its_time_and_tells_its_age() {
        let keeps = &mut Keeps::new(8);
        let [lower, upper, other] = [question(b'a', 1), question(b'A', 1), question(b'a', 2)];
        assert_eq!(look(keeps, &lower, 3, SECOND), Known::Nothing);
        assert_eq!(look(keeps, &upper, 4, SECOND), Known::Asked(3));
        keep(keeps, b'a', 10, SECOND);
        assert_eq!(
            look(keeps, &upper, 4, 4 * SECOND),
            Known::Kept(&stored(b'a', 1), 3 * SECOND)
        );
        assert_eq!(look(keeps, &other, 4, 4 * SECOND), Known::Nothing);
        assert_eq!(look(keeps, &lower, 5, 11 * SECOND), Known::Nothing);
    }

    #[test]
    fn what_may_not_be_kept_is_asked_again() {
        let keeps = &mut Keeps::new(8);
        for _ in 0..2 {
            assert_eq!(look(keeps, &question(b'a', 1), 3, SECOND), Known::Nothing);
            keep(keeps, b'a', 0, SECOND);
        }
    }

    #[test]
    fn another_question_with_the_same_hash_is_not_answered() {
        let keeps = &mut Keeps::new(8);
        let [one, other] = [question(b'a', 1), question(b'b', 1)];
        assert_eq!(keeps.look((7, &one), 3, SECOND), Known::Nothing);
        keeps.keep(7, stored(b'a', 1), 10, SECOND);
        assert_eq!(keeps.look((7, &other), 4, SECOND), Known::Other);
        assert!(matches!(keeps.look((7, &one), 5, SECOND), Known::Kept(..)));
    }

    proptest! {
        /// Against a list of all that was ever kept: never stale, never another's, and bounded.
        #[test]
        fn serves_nothing_stale_and_never_grows_beyond_its_size(
            most in 0_usize..6, steps in prop::collection::vec((0_u8..10, 0_u32..5, 0_u64..3), 0..200)
        ) {
            let (mut keeps, mut model, mut now) = (Keeps::new(most), HashMap::new(), Duration::ZERO);
            for (name, ttl, step) in steps {
                now += Duration::from_secs(step);
                match look(&mut keeps, &question(name, 1), 0, now) {
                    Known::Kept(kept, age) => {
                        let (at, ttl) = model[&name];
                        prop_assert_eq!(kept, &stored(name, 1));
                        prop_assert_eq!(at + age, now);
                        prop_assert!(age < Duration::from_secs(u64::from(ttl)));
                    }
                    Known::Nothing => {
                        keep(&mut keeps, name, ttl, now);
                        model.insert(name, (now, ttl));
                    }
                    other => prop_assert!(false, "all is answered at once: {other:?}"),
                }
                prop_assert!(keeps.states.len() <= most && keeps.answers.len() <= most);
            }
        }
    }
}
