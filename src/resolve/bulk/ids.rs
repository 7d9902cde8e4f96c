//! Message ids that outsiders cannot guess and that no socket uses twice.
//!
//! A permutation of all 65,536 ids under a secret key: the n-th question of a socket gets the id at
//! place n, and the id of a reply leads back to n without a table. Pure.

use std::hash::{BuildHasher, RandomState};

/// A keyed permutation of the 16-bit numbers: four Feistel rounds over two octets, each with a
/// random function of its own (Luby and Rackoff: four such rounds cannot be told from a random
/// permutation without knowing very many of its values).
pub(super) struct Ids {
    rounds: [[u8; 256]; 4],
}

impl std::fmt::Debug for Ids {
    /// The key is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids")
    }
}

impl Ids {
    /// Draws a permutation. std seeds its hasher from the operating system's generator.
    pub(super) fn random() -> Self {
        let secret = RandomState::new();
        let mut rounds = [[0; 256]; 4];
        let words = rounds.as_flattened_mut().chunks_exact_mut(8);
        for (number, word) in words.enumerate() {
            word.copy_from_slice(&secret.hash_one(number).to_ne_bytes());
        }
        Self { rounds }
    }

    /// The id at a place.
    pub(super) fn id(&self, place: u16) -> u16 {
        let [mut left, mut right] = place.to_be_bytes();
        for pair in self.rounds.chunks_exact(2) {
            left ^= pair[0][usize::from(right)];
            right ^= pair[1][usize::from(left)];
        }
        u16::from_be_bytes([left, right])
    }

    /// The place of an id.
    pub(super) fn place(&self, id: u16) -> u16 {
        let [mut left, mut right] = id.to_be_bytes();
        for pair in self.rounds.rchunks_exact(2) {
            right ^= pair[1][usize::from(left)];
            left ^= pair[0][usize::from(right)];
        }
        u16::from_be_bytes([left, right])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_comes_once_and_leads_back_to_its_place() {
        let ids = Ids::random();
        let mut seen = vec![false; 1 << 16];
        for place in 0..=u16::MAX {
            let id = ids.id(place);
            assert!(!std::mem::replace(&mut seen[usize::from(id)], true));
            assert_eq!(ids.place(id), place);
        }
    }

    #[test]
    fn two_draws_differ_and_neighbours_are_not_neighbours() {
        let (one, other) = (Ids::random(), Ids::random());
        let same = (0..1_000).filter(|&n| one.id(n) == other.id(n)).count();
        let steps = (0..1_000).filter(|&n| one.id(n).abs_diff(one.id(n + 1)) == 1);
        assert!(same < 10 && steps.count() < 10);
    }
}
