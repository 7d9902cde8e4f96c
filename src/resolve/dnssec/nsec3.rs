//! NSEC3 records: the same as NSEC over hashed names (RFC 5155).
//!
//! Hashing is what a hostile zone can make dear (CVE-2023-50868), so every hash is paid for from
//! the budget of the run.

use data_encoding::BASE32HEX_NOPAD;

use super::bitmap::TypeBitmap;
use super::budget::{Budget, Exhausted};
use super::{canonical, crypto};
use crate::resolve::DomainName;

/// More iterations than this leave a zone insecure (RFC 9276 §3.2); other validators draw the line
/// at 50 to 150, signers are told to use 0.
pub(super) const MAX_ITERATIONS: u16 = 100;
/// The only hash algorithm, SHA-1.
const SHA1: u8 = 1;
/// The flag of opt-out; the others must be zero (RFC 5155 §8.2).
const OPT_OUT: u8 = 1;

/// How names are hashed; one zone has one way at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) iterations: u16,
    pub(super) salt: Vec<u8>,
}

impl Parameters {
    /// Hashes a name (RFC 5155 §5).
    pub(super) fn hash(
        &self,
        name: &DomainName,
        budget: &mut Budget,
    ) -> Result<[u8; 20], Exhausted> {
        budget.hash(u32::from(self.iterations) + 1)?;
        let salted = |octets: &[u8]| crypto::sha1(&[octets, &self.salt].concat());
        let first = salted(&canonical::name(name));
        Ok((0..self.iterations).fold(first, |hash, _| salted(&hash)))
    }
}

/// One link of the chain of hashes of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nsec3 {
    pub(super) parameters: Parameters,
    pub(super) opt_out: bool,
    pub(super) hash: [u8; 20],
    next: [u8; 20],
    /// The zone: the owner without its first label.
    pub(super) zone: DomainName,
    pub(super) types: TypeBitmap,
}

impl Nsec3 {
    /// `None` also for hash algorithms and flags that nobody knows: such records are ignored
    /// (RFC 5155 §8.1 and §8.2).
    pub(super) fn parse(owner: &DomainName, rdata: &[u8]) -> Option<Self> {
        let [SHA1, flags, high, low, salt_length, ref rest @ ..] = *rdata else {
            return None;
        };
        let (salt, rest) = rest.split_at_checked(usize::from(salt_length))?;
        let (&length, rest) = rest.split_first()?;
        let (next, bitmap) = rest.split_at_checked(usize::from(length))?;
        let label = owner.labels().next()?.to_ascii_uppercase();
        let hash = BASE32HEX_NOPAD.decode(&label).ok()?;
        (flags & !OPT_OUT == 0).then_some(())?;
        Some(Self {
            parameters: Parameters {
                iterations: u16::from_be_bytes([high, low]),
                salt: salt.to_vec(),
            },
            opt_out: flags & OPT_OUT != 0,
            hash: hash.try_into().ok()?,
            next: next.try_into().ok()?,
            zone: canonical::parent(owner)?,
            types: TypeBitmap::parse(bitmap)?,
        })
    }

    /// Whether no name of the zone hashes to `hash`, which is between this link and the next.
    pub(super) fn covers(&self, hash: &[u8; 20]) -> bool {
        let (after, before) = (self.hash < *hash, *hash < self.next);
        if self.hash < self.next {
            after && before
        } else {
            // The last link of the chain, or the only one.
            (after || before) && self.hash != *hash
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc_5155() -> Parameters {
        Parameters {
            iterations: 12,
            salt: vec![0xaa, 0xbb, 0xcc, 0xdd],
        }
    }

    #[test]
    fn names_hash_as_in_rfc_5155_appendix_a() {
        let rows = [
            ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
            ("ai.example", "gjeqe526plbf1g8mklp59enfd789njgi"),
            ("ns1.example", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
            ("ns2.example", "q04jkcevqvmu85r014c7dkba38o0ji5r"),
            ("w.example", "k8udemvp1j2f7eg6jebps17vp3n8i58h"),
            ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
            ("x.w.example", "b4um86eghhds6nea196smvmlo4ors995"),
            ("y.w.example", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"),
            ("x.y.w.example", "2vptu5timamqttgl4luu9kg21e0aor3s"),
            ("XX.example", "t644ebqk9bibcna874givr6joj62mlhv"),
        ];
        for (name, expected) in rows {
            let name = DomainName::parse(name).unwrap();
            let hash = rfc_5155().hash(&name, &mut Budget::default()).unwrap();
            let text = BASE32HEX_NOPAD.encode(&hash).to_lowercase();
            assert_eq!(text, expected, "{name}");
        }
    }

    fn link(from: u8, to: u8, flags: u8) -> Option<Nsec3> {
        let label = BASE32HEX_NOPAD.encode(&[from; 20]);
        let owner = DomainName::parse(&format!("{label}.example")).unwrap();
        let mut rdata = vec![1, flags, 0, 0, 0, 20];
        rdata.extend([to; 20]);
        Nsec3::parse(&owner, &rdata)
    }

    #[test]
    fn a_link_covers_what_is_between_also_around_the_end() {
        let rows = [
            (10, 20, 15, true),
            (10, 20, 10, false),
            (10, 20, 20, false),
            (10, 20, 25, false),
            (20, 10, 25, true),
            (20, 10, 5, true),
            (20, 10, 15, false),
            (7, 7, 9, true),
            (7, 7, 7, false),
        ];
        for (from, to, hash, covered) in rows {
            let link = link(from, to, 0).unwrap();
            assert_eq!(link.covers(&[hash; 20]), covered, "{from}..{to} {hash}");
        }
    }

    #[test]
    fn unknown_flags_and_hashes_are_ignored() {
        assert!(link(1, 2, 1).unwrap().opt_out);
        assert_eq!(link(1, 2, 2), None);
        let owner = DomainName::parse("x.example").unwrap();
        assert_eq!(Nsec3::parse(&owner, &[1, 0, 0, 0, 0, 0]), None);
        assert_eq!(Nsec3::parse(&DomainName::root(), &[2, 0]), None);
    }

    #[test]
    fn a_dear_hash_is_paid_for() {
        let dear = Parameters {
            iterations: u16::MAX,
            salt: Vec::new(),
        };
        let name = DomainName::parse("example").unwrap();
        assert_eq!(dear.hash(&name, &mut Budget::default()), Err(Exhausted));
    }
}
