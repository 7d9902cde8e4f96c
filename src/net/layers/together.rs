//! Several pieces written as one, by streams below that take one at a time.

use std::borrow::Cow;
use std::io::IoSlice;

/// As much is copied at once.
const MOST: usize = 64 << 10;

/// The pieces, one after the other; no more than is worth copying.
///
/// TLS says its last words (an alert) behind what else is still to be said, and tries once: all of it has
/// to be in one write.
pub(in crate::net) fn together<'a>(pieces: &'a [IoSlice<'_>]) -> Cow<'a, [u8]> {
    let mut filled = pieces.iter().filter(|piece| !piece.is_empty());
    let first = filled.next().map_or(&[][..], |piece| piece);
    let mut rest = filled.peekable();
    if rest.peek().is_none() || first.len() >= MOST {
        return Cow::Borrowed(first);
    }
    let mut all = first.to_vec();
    for piece in rest {
        let room = MOST - all.len();
        all.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    Cow::Owned(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_is_not_copied_and_several_are_in_order() {
        let pieces = [&b""[..], b"one"].map(IoSlice::new);
        assert!(matches!(together(&pieces), Cow::Borrowed(b"one")));
        let pieces = [&b"one"[..], b"", b", two", b", three"].map(IoSlice::new);
        assert_eq!(&*together(&pieces), b"one, two, three");
        assert_eq!(&*together(&[]), b"");
        let long = vec![7; MOST - 1];
        let pieces = [&long[..], b"abc"].map(IoSlice::new);
        assert_eq!(together(&pieces).len(), MOST);
    }
}
