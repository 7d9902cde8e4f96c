//! Compares two streams of replies as they come, in bounded memory.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Bytes by which one side may be ahead of the other; beyond, the comparison is given up.
const AHEAD: usize = 1 << 20;
/// Bytes that are shown from where they differ.
const SHOWN: usize = 32;

/// What came of comparing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Compared {
    /// Whether both said the same.
    pub equal: bool,
    /// Bytes in which they agreed, from the beginning.
    pub agreed_bytes: u64,
    /// What the service said from there on, at most 32 bytes.
    pub main: Vec<u8>,
    /// What the shadow said.
    pub shadow: Vec<u8>,
}

/// Two streams so far.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// What one side is ahead by.
    surplus: VecDeque<u8>,
    /// Whether that is the service.
    main_ahead: bool,
    agreed: u64,
    /// From where they differ: what each said.
    differ: Option<(Vec<u8>, Vec<u8>)>,
    /// One side was too far ahead.
    given_up: bool,
}

impl Comparison {
    /// The service says this.
    pub(super) fn main(&mut self, bytes: &[u8]) {
        self.say(bytes, true);
    }

    /// The shadow says this.
    pub(super) fn shadow(&mut self, bytes: &[u8]) {
        self.say(bytes, false);
    }

    fn say(&mut self, bytes: &[u8], main: bool) {
        if let Some((from_main, from_shadow)) = &mut self.differ {
            let shown = if main { from_main } else { from_shadow };
            let room = SHOWN.saturating_sub(shown.len());
            shown.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return;
        }
        if self.given_up {
            return;
        }
        let mut rest = bytes;
        if self.main_ahead != main {
            let both = rest.len().min(self.surplus.len());
            let same = (0..both).take_while(|at| self.surplus[*at] == rest[*at]);
            let same = same.count();
            self.agreed += same as u64;
            self.surplus.drain(..same);
            rest = &rest[same..];
            if same < both {
                return self.differs(rest, main);
            }
        }
        if !rest.is_empty() {
            self.main_ahead = main;
            self.surplus.extend(rest);
            self.given_up = self.surplus.len() > AHEAD;
        }
    }

    fn differs(&mut self, rest: &[u8], main: bool) {
        let ours: Vec<u8> = rest.iter().take(SHOWN).copied().collect();
        let others: Vec<u8> = self.surplus.drain(..).take(SHOWN).collect();
        self.differ = Some(if main { (ours, others) } else { (others, ours) });
    }

    /// A difference that was found.
    pub(super) fn difference(&self) -> Option<Compared> {
        self.result().filter(|_| self.differ.is_some())
    }

    /// What came of it, once both are at their end; `None` if it was given up.
    pub(super) fn result(&self) -> Option<Compared> {
        if self.given_up {
            return None;
        }
        let ahead = || self.surplus.iter().take(SHOWN).copied().collect();
        let (main, shadow) = match &self.differ {
            Some(differ) => differ.clone(),
            None if self.main_ahead => (ahead(), Vec::new()),
            None => (Vec::new(), ahead()),
        };
        Some(Compared {
            equal: main.is_empty() && shadow.is_empty(),
            agreed_bytes: self.agreed,
            main,
            shadow,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Says both in pieces, in turn.
    fn compared(main: &[u8], shadow: &[u8], piece: usize) -> Compared {
        let mut comparison = Comparison::default();
        let mut mains = main.chunks(piece);
        let mut shadows = shadow.chunks(piece + 1);
        loop {
            let pair = (mains.next(), shadows.next());
            if pair == (None, None) {
                return comparison.result().expect("short enough");
            }
            comparison.main(pair.0.unwrap_or_default());
            comparison.shadow(pair.1.unwrap_or_default());
        }
    }

    #[test]
    fn the_first_difference_is_found_wherever_it_is() {
        let result = compared(b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not", 4);
        assert_eq!((result.equal, result.agreed_bytes), (false, 9));
        assert!(result.main.starts_with(b"200") && result.shadow.starts_with(b"404"));
        let result = compared(b"same, and more", b"same", 3);
        assert_eq!((result.equal, result.agreed_bytes), (false, 4));
        assert!(result.shadow.is_empty() && result.main.starts_with(b", and"));
    }

    #[test]
    fn a_side_that_is_far_ahead_costs_no_memory() {
        let mut comparison = Comparison::default();
        let chunk = vec![7; 64 << 10];
        (0..40).for_each(|_| comparison.main(&chunk));
        assert!(comparison.surplus.len() <= AHEAD + (64 << 10));
        assert_eq!(comparison.result(), None);
    }

    proptest! {
        #[test]
        fn equal_streams_are_equal_whatever_the_pieces(
            bytes in prop::collection::vec(any::<u8>(), 0..500), piece in 1_usize..40,
        ) {
            let result = compared(&bytes, &bytes, piece);
            prop_assert!(result.equal && result.agreed_bytes == bytes.len() as u64);
        }
    }
}
