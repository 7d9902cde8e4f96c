//! NSEC records: what exists at a name, and that nothing is between it and the next one
//! (RFC 4034 §4).

use std::cmp::Ordering;

use super::bitmap::TypeBitmap;
use super::{canonical, types, wire_name};
use crate::resolve::DomainName;

/// One link of the chain of names of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nsec {
    pub(super) owner: DomainName,
    pub(super) next: DomainName,
    pub(super) types: TypeBitmap,
}

impl Nsec {
    pub(super) fn parse(owner: &DomainName, rdata: &[u8]) -> Option<Self> {
        let (next, end) = wire_name::read(rdata, 0)?;
        Some(Self {
            owner: owner.clone(),
            next,
            types: TypeBitmap::parse(&rdata[end..])?,
        })
    }

    /// Whether no name of the zone is where `name` would be, in canonical order (the last link leads
    /// back to the first). Names below a delegation or a DNAME are not its to deny
    /// (RFC 6840 §4.1, RFC 6672 §5.3.4.1).
    pub(super) fn covers(&self, name: &DomainName) -> bool {
        let after_owner = canonical::order(&self.owner, name) == Ordering::Less;
        let before_next = canonical::order(name, &self.next) == Ordering::Less;
        let is_last = canonical::order(&self.next, &self.owner) != Ordering::Greater;
        let between = after_owner && (before_next || is_last);
        between && !(name.is_within(&self.owner) && self.is_cut())
    }

    /// Whether the names below the owner belong elsewhere.
    fn is_cut(&self) -> bool {
        let delegates = self.types.has(types::NS) && !self.types.has(types::SOA);
        delegates || self.types.has(types::DNAME)
    }

    /// Whether `name`, which is covered, exists all the same: as a node without records, because
    /// the next name is below it.
    pub(super) fn shows_empty_node(&self, name: &DomainName) -> bool {
        self.covers(name) && self.next.is_within(name)
    }

    /// The longest existing name that `name`, which is covered, lies below.
    pub(super) fn closest_encloser(&self, name: &DomainName) -> DomainName {
        let shared = |other: &DomainName| {
            let pairs = name.labels().rev().zip(other.labels().rev());
            pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
        };
        canonical::suffix(name, shared(&self.owner).max(shared(&self.next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    /// An NSEC of a name with the given types (below 64).
    fn nsec(owner: &str, next: &str, types: &[u8]) -> Nsec {
        let mut rdata = canonical::name(&parse(next));
        let mut map = [0; 8];
        for &code in types {
            map[usize::from(code / 8)] |= 0x80 >> (code % 8);
        }
        rdata.extend([0, 8]);
        rdata.extend(map);
        Nsec::parse(&parse(owner), &rdata).unwrap()
    }

    #[test]
    fn a_link_covers_what_is_between_and_the_last_one_what_is_after() {
        let middle = nsec("b.example", "d.example", &[1]);
        let last = nsec("x.example", "example", &[1]);
        let rows = [
            (&middle, "c.example", true),
            (&middle, "a.b.example", true),
            (&middle, "b.example", false),
            (&middle, "d.example", false),
            (&middle, "e.example", false),
            (&last, "z.example", true),
            (&last, "x.example", false),
            (&last, "a.example", false),
        ];
        for (nsec, name, covered) in rows {
            assert_eq!(nsec.covers(&parse(name)), covered, "{name}");
        }
    }

    #[test]
    fn a_delegation_or_a_dname_denies_nothing_below_itself() {
        for types in [&[2_u8][..], &[39]] {
            let cut = nsec("b.example", "d.example", types);
            assert!(!cut.covers(&parse("a.b.example")), "{types:?}");
            assert!(cut.covers(&parse("c.example")), "{types:?}");
        }
        let apex = nsec("b.example", "d.b.example", &[2, 6]);
        assert!(apex.covers(&parse("a.b.example")));
    }

    #[test]
    fn a_next_name_below_shows_a_node_without_records() {
        let link = nsec("a.example", "x.y.example", &[1]);
        assert!(link.shows_empty_node(&parse("y.example")));
        assert!(!link.shows_empty_node(&parse("c.example")));
    }

    #[test]
    fn the_closest_encloser_is_the_longest_shared_suffix() {
        let link = nsec("a.example", "x.y.example", &[1]);
        for (name, encloser) in [
            ("b.a.example", "a.example"),
            ("c.example", "example"),
            ("b.y.example", "y.example"),
        ] {
            let found = link.closest_encloser(&parse(name));
            assert_eq!(found.to_string(), encloser, "{name}");
        }
    }
}
