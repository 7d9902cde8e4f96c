//! How much work one validation may do, whatever the zone asks for.
//!
//! A zone can hold many keys with one tag and many signatures by it, and each pair is a signature
//! to verify (KeyTrap, CVE-2023-50387); hashes of NSEC3 multiply likewise (CVE-2023-50868). Honest
//! zones need a handful of either.

/// Signatures verified in one validation, over all zones and sets. A chain of ten zones with two
/// algorithms each needs about sixty.
pub(super) const MAX_VERIFICATIONS: u32 = 200;
/// Signatures verified for one RRset before it counts as bogus.
pub(super) const MAX_PER_RRSET: u32 = 16;
/// SHA-1 computations for NSEC3 in one validation: a name of 20 labels at 100 iterations is 2020.
pub(super) const MAX_HASHES: u32 = 20_000;
/// DS records, keys and signatures beyond this many in one set are not looked at.
pub(super) const MAX_RECORDS: usize = 64;
/// Questions asked for one validation: three a zone would be 20 zones.
pub(super) const MAX_QUESTIONS: usize = 60;

/// What is left to spend.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    verifications: u32,
    hashes: u32,
}

/// Nothing is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

impl Default for Budget {
    fn default() -> Self {
        Self {
            verifications: MAX_VERIFICATIONS,
            hashes: MAX_HASHES,
        }
    }
}

impl Budget {
    /// Pays for one signature.
    pub(super) fn verification(&mut self) -> Result<(), Exhausted> {
        self.verifications = self.verifications.checked_sub(1).ok_or(Exhausted)?;
        Ok(())
    }

    /// Pays for so many hash computations.
    pub(super) fn hash(&mut self, count: u32) -> Result<(), Exhausted> {
        self.hashes = self.hashes.checked_sub(count).ok_or(Exhausted)?;
        Ok(())
    }

    /// Signatures verified so far.
    pub(super) fn verified(&self) -> u32 {
        MAX_VERIFICATIONS - self.verifications
    }
}
