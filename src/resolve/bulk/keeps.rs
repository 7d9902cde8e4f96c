//! What is known or being asked already: the cache of a bulk run, in bounded memory.
//!
//! Keeps replies as bytes for as long as they say (RFC 1035 §3.2.1, RFC 2308 §5), and remembers who
//! asks for what, so that one question on the wire serves all who have it. Pure.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::resolve::ledger::Carrier;

/// A question in lower case: name, type and class as on the wire.
type Name = Arc<[u8]>;

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
    /// The entry at that place asks it.
    Asked(u32),
    /// It was answered, so long ago.
    Kept(&'a Stored, Duration),
}

#[derive(Debug)]
enum State {
    /// The entry at that place asks it; the name is for the queue.
    Asked(u32, Name),
    Kept {
        stored: Stored,
        at: Duration,
        until: Duration,
        /// Tells the entry in the queue from an older one of the same name.
        serial: u64,
    },
}

/// The questions that are known, at most so many answered ones.
#[derive(Debug)]
pub(super) struct Keeps {
    most: usize,
    states: HashMap<Name, State>,
    /// The answered ones, oldest first.
    queue: VecDeque<(Name, u64)>,
    serial: u64,
    /// The question at hand in lower case.
    wanted: Vec<u8>,
}

impl Keeps {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            states: HashMap::new(),
            queue: VecDeque::new(),
            serial: 0,
            wanted: Vec::new(),
        }
    }

    /// Looks a question up; if nothing is known, the entry at `place` asks it.
    pub(super) fn look(&mut self, question: &[u8], place: u32, now: Duration) -> Known<'_> {
        self.fold(question);
        let wanted = self.wanted.as_slice();
        // Nearly every name is new, so the key is made before it is known to be needed.
        match self.states.entry(wanted.into()) {
            Entry::Vacant(new) => {
                let name = Arc::clone(new.key());
                new.insert(State::Asked(place, name));
                Known::Nothing
            }
            Entry::Occupied(known) => {
                let name = Arc::clone(known.key());
                let state = known.into_mut();
                if matches!(state, State::Kept { until, .. } if *until <= now) {
                    *state = State::Asked(place, name);
                    return Known::Nothing;
                }
                match state {
                    State::Asked(other, _) => Known::Asked(*other),
                    State::Kept { stored, at, .. } => Known::Kept(stored, now.saturating_sub(*at)),
                }
            }
        }
    }

    /// The question that was asked is answered, and the answer may be kept for `keep` seconds.
    pub(super) fn keep(&mut self, question: &[u8], stored: Stored, keep: u32, now: Duration) {
        if keep == 0 || self.most == 0 {
            return self.drop_asked(question);
        }
        self.fold(question);
        self.serial += 1;
        let serial = self.serial;
        let until = now + Duration::from_secs(keep.into());
        let state = State::Kept {
            stored,
            at: now,
            until,
            serial,
        };
        // What nobody has asked is not kept.
        if let Some(asked @ State::Asked(..)) = self.states.get_mut(self.wanted.as_slice())
            && let State::Asked(_, name) = std::mem::replace(asked, state)
        {
            self.queue.push_back((name, serial));
        }
        while self.queue.len() > self.most {
            self.drop_oldest();
        }
    }

    /// The question was not answered, or not so that it could be kept.
    pub(super) fn drop_asked(&mut self, question: &[u8]) {
        self.fold(question);
        self.states.remove(self.wanted.as_slice());
    }

    fn drop_oldest(&mut self) {
        let Some((name, number)) = self.queue.pop_front() else {
            return;
        };
        if let Entry::Occupied(known) = self.states.entry(name)
            && matches!(known.get(), State::Kept { serial, .. } if *serial == number)
        {
            known.remove();
        }
    }

    fn fold(&mut self, question: &[u8]) {
        self.wanted.clear();
        self.wanted.extend_from_slice(question);
        // The type and the class are no letters, and their case means something.
        let name = question.len().saturating_sub(4);
        self.wanted[..name].make_ascii_lowercase();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(mark: u8) -> Stored {
        Stored {
            bytes: vec![mark],
            lane: 0,
            carrier: Carrier::Udp,
            rtt: Duration::ZERO,
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_answer_holds_for_its_time_and_tells_its_age() {
        let mut keeps = Keeps::new(8);
        assert_eq!(
            keeps.look(b"\x01a\0\0\x01\0\x01", 3, SECOND),
            Known::Nothing
        );
        assert_eq!(
            keeps.look(b"\x01A\0\0\x01\0\x01", 4, SECOND),
            Known::Asked(3)
        );
        keeps.keep(b"\x01a\0\0\x01\0\x01", stored(7), 10, SECOND);
        assert_eq!(
            keeps.look(b"\x01A\0\0\x01\0\x01", 4, 4 * SECOND),
            Known::Kept(&stored(7), 3 * SECOND)
        );
        assert_eq!(
            keeps.look(b"\x01a\0\0\x02\0\x01", 4, 4 * SECOND),
            Known::Nothing
        );
        assert_eq!(
            keeps.look(b"\x01a\0\0\x01\0\x01", 5, 11 * SECOND),
            Known::Nothing
        );
    }

    #[test]
    fn what_may_not_be_kept_is_asked_again() {
        let mut keeps = Keeps::new(8);
        for _ in 0..2 {
            assert_eq!(
                keeps.look(b"\x01a\0\0\x01\0\x01", 3, SECOND),
                Known::Nothing
            );
            keeps.keep(b"\x01a\0\0\x01\0\x01", stored(7), 0, SECOND);
        }
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
                let question = [1, name, 0, 0, 1, 0, 1];
                match keeps.look(&question, 0, now) {
                    Known::Kept(kept, age) => {
                        let (at, ttl) = model[&name];
                        prop_assert_eq!(kept, &stored(name));
                        prop_assert_eq!(at + age, now);
                        prop_assert!(age < Duration::from_secs(u64::from(ttl)));
                    }
                    Known::Nothing => {
                        keeps.keep(&question, stored(name), ttl, now);
                        model.insert(name, (now, ttl));
                    }
                    Known::Asked(_) => prop_assert!(false, "all is answered at once"),
                }
                prop_assert!(keeps.states.len() <= most);
            }
        }
    }
}
