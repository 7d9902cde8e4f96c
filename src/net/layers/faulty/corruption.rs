//! Which bytes of a stream are corrupt: drawn by their place in it, so that a seed corrupts the same
//! bytes however they are cut into pieces.

use crate::policy::chance::Chance;

/// What is corrupted at once: a copy is made of it.
const PIECE: usize = 64 << 10;

/// Corruption of a share of bytes.
#[derive(Clone, Debug)]
pub(super) struct Corruption {
    share: f64,
    chance: Chance,
    /// Bytes that stay as they are before the next one that does not.
    clean: u64,
    /// The bit of it that is turned over.
    bit: u8,
}

impl Corruption {
    pub(super) fn new(share: f64, chance: Chance) -> Self {
        let (clean, bit) = (0, 0);
        let mut corruption = Self {
            share,
            chance,
            clean,
            bit,
        };
        corruption.draw();
        corruption
    }

    pub(super) fn change(&mut self, share: f64) {
        self.share = share;
        self.draw();
    }

    pub(super) fn is_on(&self) -> bool {
        self.share > 0.0
    }

    /// Draws where the next one is: the gaps of independent chances are geometric.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a gap is never negative, and one beyond 2^64 is as good as none"
    )]
    fn draw(&mut self) {
        if self.share <= 0.0 {
            return;
        }
        let gap = (1.0 - self.chance.unit()).ln() / (1.0 - self.share).ln();
        self.clean = if self.share >= 1.0 { 0 } else { gap as u64 };
        self.bit = u8::try_from(self.chance.below(8)).unwrap_or(0);
    }

    /// The next bytes as they will go out, and whether any is corrupt. Not passed yet.
    pub(super) fn corrupted(&self, bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut bytes = bytes[..bytes.len().min(PIECE)].to_vec();
        let (mut ahead, mut at, mut any) = (self.clone(), 0_u64, false);
        while let Some(byte) = usize::try_from(at + ahead.clean)
            .ok()
            .and_then(|place| bytes.get_mut(place))
        {
            *byte ^= 1 << ahead.bit;
            any = true;
            at += ahead.clean + 1;
            ahead.draw();
        }
        (bytes, any)
    }

    /// So many of them have gone.
    pub(super) fn pass(&mut self, count: usize) {
        let mut left = count as u64;
        while left > self.clean {
            left -= self.clean + 1;
            self.draw();
        }
        self.clean -= left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_corrupt_however_they_are_cut() {
        let bytes = vec![0; 10_000];
        let whole = Corruption::new(0.05, Chance::new(3)).corrupted(&bytes).0;
        let mut corruption = Corruption::new(0.05, Chance::new(3));
        let mut pieces = Vec::new();
        for size in (1..97).cycle() {
            if pieces.len() == bytes.len() {
                break;
            }
            let piece = &bytes[pieces.len()..(pieces.len() + size).min(bytes.len())];
            let corrupt = corruption.corrupted(piece).0;
            // Half of it goes at first, as with a full socket.
            let gone = corrupt.len().div_ceil(2);
            corruption.pass(gone);
            pieces.extend_from_slice(&corrupt[..gone]);
        }
        assert_eq!(pieces, whole);
        let wrong = whole.iter().filter(|byte| **byte != 0).count();
        assert!((400..600).contains(&wrong), "{wrong}");
    }
}
