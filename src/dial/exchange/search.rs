//! Looking for what is expected in a stream that need not end: through a window that moves along it.
//!
//! Pure, and bounded whatever comes: text is found anywhere, a match of a regex if it is no longer than
//! [`Exchange::CAPTURE`].

use crate::dial::config::{Exchange, Expect};

/// The longest match of a regex that is surely found.
const LONGEST: usize = Exchange::CAPTURE;
/// Bytes before the place where a match may begin, so that `^`, `$` and `\b` see what is there: no
/// character has more in UTF-8.
const CONTEXT: usize = 4;
/// New bytes that are searched at once at most: the window is moved no more often than that.
const ROOM: usize = 64 * 1024;

/// What is looked for, and where that has got to.
#[derive(Debug)]
pub(super) struct Search<'a> {
    expect: &'a Expect,
    /// The end of what came.
    window: Vec<u8>,
    /// So much of it has been searched.
    searched: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(expect: &'a Expect) -> Self {
        Self {
            expect,
            window: Vec::new(),
            searched: 0,
        }
    }

    /// Takes what came; what is found is told by [`Self::look`].
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.window.extend_from_slice(bytes);
    }

    /// Whether it is time to look: much has come since the last time.
    pub(super) fn is_full(&self) -> bool {
        self.window.len() - self.searched >= ROOM
    }

    /// Whether what came since the last look completes what is looked for.
    pub(super) fn look(&mut self) -> bool {
        if self.window.len() == self.searched {
            return false;
        }
        let from = self.searched.saturating_sub(self.overlap());
        let found = match self.expect {
            Expect::Bytes(wanted) => {
                let mut places = self.window[from..].windows(wanted.len().max(1));
                wanted.is_empty() || places.any(|place| place == wanted)
            }
            // Not of a slice from there: its start would be taken for that of the stream.
            Expect::Regex(regex) => regex.is_match_at(&self.window, from),
        };
        self.searched = self.window.len();
        self.forget();
        found
    }

    /// So much before the new bytes can be the beginning of a match that they end.
    fn overlap(&self) -> usize {
        match self.expect {
            Expect::Bytes(wanted) => wanted.len(),
            Expect::Regex(_) => LONGEST,
        }
    }

    /// Moves the window, now and then: what is kept has to be moved to its front.
    fn forget(&mut self) {
        let kept = self.overlap() + CONTEXT;
        if self.searched >= kept + ROOM {
            self.window.drain(..self.searched - kept);
            self.searched = kept;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is found in a stream that comes in pieces of that size.
    fn found(expect: &Expect, stream: &[u8], piece: usize) -> bool {
        let mut search = Search::new(expect);
        stream.chunks(piece).any(|bytes| {
            search.take(bytes);
            assert!(search.window.len() <= search.overlap() + CONTEXT + ROOM + piece);
            search.look()
        })
    }

    fn regex(text: &str) -> Expect {
        Expect::Regex(regex::bytes::Regex::new(text).unwrap())
    }

    #[test]
    fn text_and_short_matches_are_found_wherever_they_are() {
        for before in [0, 1, 65_532, 65_536, 131_071, 131_076, 1_000_000] {
            let mut stream = vec![b'.'; before];
            stream.extend_from_slice(b"needle");
            stream.extend(std::iter::repeat_n(b'.', 70_000));
            for expect in [
                Expect::Bytes(b"needle".to_vec()),
                regex("need+le"),
                regex(r"(?-u)n\w+e"),
            ] {
                for piece in [4_093, 16_384, 65_536] {
                    let found = found(&expect, &stream, piece);
                    assert!(found, "{expect:?} after {before}, by {piece}");
                }
            }
            assert!(!found(&Expect::Bytes(b"needles".to_vec()), &stream, 16_384));
        }
        let long = vec![b'x'; 200_000];
        let mut stream = vec![b'.'; 100_000];
        stream.extend_from_slice(&long);
        assert!(found(&Expect::Bytes(long), &stream, 16_384));
    }

    #[test]
    fn the_start_of_a_window_is_not_that_of_the_stream() {
        let stream = vec![b'x'; 300_000];
        assert!(found(&regex("^x"), &stream, 1_000));
        for text in ["^x{2}y|^z", r"\bx{3}\b", "(?m)^x{9}$"] {
            assert!(!found(&regex(text), &stream[..299_999], 1_000), "{text}");
        }
        let mut stream = vec![b'x'; 200_000];
        stream.extend_from_slice(b"\nabc\n");
        stream.extend_from_slice(&[b'x'; 1_000]);
        assert!(found(&regex("(?m)^abc$"), &stream, 1_000));
        assert!(!found(&regex("^abc"), &stream, 1_000));
    }
}
