//! The canonical form of names and records, their order, and the octets that a signature covers
//! (RFC 4034 §6 and §3.1.8.1, RFC 6840 §5.1).
//!
//! Pure, on octets. Data that does not have the layout of its type is taken as it is: then no
//! signature will fit, which is the right outcome.

use std::cmp::Ordering;

use super::record::RrSet;
use super::signature::Signature;
use crate::resolve::DomainName;
use crate::resolve::wire::RecordType;

/// Class IN.
const IN: [u8; 2] = [0, 1];

/// The name on the wire, in lower case.
pub(super) fn name(name: &DomainName) -> Vec<u8> {
    wire(name.labels())
}

fn wire<'a>(labels: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in labels {
        octets.push(u8::try_from(label.len()).expect("a label has at most 63 octets"));
        octets.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    octets.push(0);
    octets
}

/// How many labels a name has, the root's and a leading `*` not counted (RFC 4034 §3.1.3).
pub(super) fn label_count(name: &DomainName) -> usize {
    let is_wildcard = name.labels().next() == Some(b"*");
    name.labels().count() - usize::from(is_wildcard)
}

/// The last `count` labels of a name.
pub(super) fn suffix(name: &DomainName, count: usize) -> DomainName {
    let skipped = name.labels().count().saturating_sub(count);
    DomainName::from_labels(name.labels().skip(skipped)).expect("part of a name is a name")
}

/// The name one label shorter; `None` for the root.
pub(super) fn parent(name: &DomainName) -> Option<DomainName> {
    let count = name.labels().count();
    (count > 0).then(|| suffix(name, count - 1))
}

/// The canonical order of names (RFC 4034 §6.1).
pub(super) fn order(a: &DomainName, b: &DomainName) -> Ordering {
    let lower = |label: &[u8]| label.to_ascii_lowercase();
    a.labels().rev().map(lower).cmp(b.labels().rev().map(lower))
}

/// What stands before the names in the data of a type.
#[derive(Clone, Copy)]
enum Part {
    Octets(usize),
    Text,
    Name,
    /// The address suffix of an A6 record; the name is there unless its length is 128.
    A6,
}

/// The layout of those types whose names are lower-cased: RFC 4034 §6.2 as corrected by RFC 6840
/// §5.1 (without NSEC and HINFO).
fn layout(rtype: RecordType) -> &'static [Part] {
    use Part::{A6, Name, Octets, Text};
    match rtype.0 {
        // NS, MD, MF, CNAME, MB, MG, MR, PTR, NXT, DNAME
        2..=5 | 7..=9 | 12 | 30 | 39 => &[Name],
        // SOA, MINFO, RP
        6 | 14 | 17 => &[Name, Name],
        // MX, AFSDB, RT, KX
        15 | 18 | 21 | 36 => &[Octets(2), Name],
        // SIG, RRSIG
        24 | 46 => &[Octets(18), Name],
        // PX
        26 => &[Octets(2), Name, Name],
        // SRV
        33 => &[Octets(6), Name],
        // NAPTR
        35 => &[Octets(4), Text, Text, Text, Name],
        38 => &[A6],
        _ => &[],
    }
}

/// The data of a record with the names in it in lower case.
pub(super) fn rdata(rtype: RecordType, rdata: &[u8]) -> Vec<u8> {
    let mut octets = rdata.to_vec();
    let mut at = 0;
    for &part in layout(rtype) {
        let next = match part {
            Part::Octets(count) => Some(at + count),
            Part::Text => octets.get(at).map(|&length| at + 1 + usize::from(length)),
            Part::Name => lower_name(&mut octets, at),
            Part::A6 => octets.first().copied().and_then(|prefix| {
                let suffix = usize::from(128_u8.checked_sub(prefix)?).div_ceil(8);
                (prefix > 0).then(|| lower_name(&mut octets, 1 + suffix))?
            }),
        };
        match next {
            Some(next) => at = next,
            None => return rdata.to_vec(),
        }
    }
    octets
}

/// Lower-cases the name at an offset and returns where it ends.
fn lower_name(octets: &mut [u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*octets.get(at)?);
        let label = octets.get_mut(at + 1..at + 1 + length)?;
        label.make_ascii_lowercase();
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

/// The octets that `signature` covers: its own data without the signature, then every record in
/// canonical form and order, each once, with the original TTL.
pub(super) fn signed(set: &RrSet<'_>, signature: &Signature) -> Vec<u8> {
    let mut octets = signature.fields.clone();
    octets.extend(name(&signature.signer));
    let owner = signed_owner(set.name, signature.labels);
    let mut rdatas: Vec<_> = set.rdatas.iter().map(|it| rdata(set.rtype, it)).collect();
    rdatas.sort_unstable();
    rdatas.dedup();
    for rdata in rdatas {
        let length = u16::try_from(rdata.len()).expect("the data of a record is below 64 KiB");
        octets.extend_from_slice(&owner);
        octets.extend(set.rtype.0.to_be_bytes());
        octets.extend(IN);
        octets.extend(signature.original_ttl.to_be_bytes());
        octets.extend(length.to_be_bytes());
        octets.extend(rdata);
    }
    octets
}

/// The owner as it was signed: with fewer labels than it has, it came from a wildcard.
fn signed_owner(owner: &DomainName, labels: u8) -> Vec<u8> {
    let labels = usize::from(labels);
    if label_count(owner) <= labels {
        return name(owner);
    }
    let skipped = owner.labels().count() - labels;
    let star: &[u8] = b"*";
    wire(std::iter::once(star).chain(owner.labels().skip(skipped)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    #[test]
    fn names_are_ordered_as_in_rfc_4034_section_6_1() {
        let sorted = [
            "example",
            "a.example",
            "yljkjljk.a.example",
            "Z.a.example",
            "zABC.a.EXAMPLE",
            "z.example",
            r"\001.z.example",
            "*.z.example",
            r"\200.z.example",
        ];
        for pair in sorted.windows(2) {
            let order = order(&parse(pair[0]), &parse(pair[1]));
            assert_eq!(order, Ordering::Less, "{pair:?}");
        }
        assert_eq!(order(&parse("A.b"), &parse("a.B")), Ordering::Equal);
    }

    #[test]
    fn only_names_in_data_are_lower_cased_and_only_in_the_types_of_the_list() {
        let rows: [(u16, &[u8], &[u8]); 8] = [
            (2, b"\x01A\0", b"\x01a\0"),
            (15, b"AA\x01A\0", b"AA\x01a\0"),
            (6, b"\x01A\0\x01B\0ABCD", b"\x01a\0\x01b\0ABCD"),
            (33, b"ABCDEF\x01A\0", b"ABCDEF\x01a\0"),
            (
                35,
                b"AAAA\x01A\x00\x01B\x01C\0",
                b"AAAA\x01A\x00\x01B\x01c\0",
            ),
            (16, b"\x01A", b"\x01A"),
            (47, b"\x01A\0\0\x01@", b"\x01A\0\0\x01@"),
            (13, b"\x01A\x01B", b"\x01A\x01B"),
        ];
        for (rtype, given, expected) in rows {
            assert_eq!(rdata(RecordType(rtype), given), expected, "TYPE{rtype}");
        }
    }

    #[test]
    fn an_a6_suffix_is_skipped_before_its_name() {
        let octets = b"\x78A\x01A\0";
        assert_eq!(rdata(RecordType(38), octets), b"\x78A\x01a\0");
        assert_eq!(rdata(RecordType(38), b"\x81A\x01A\0"), b"\x81A\x01A\0");
    }

    #[test]
    fn labels_are_counted_without_a_leading_star() {
        for (text, count) in [(".", 0), ("example", 1), ("*.example", 1), ("a.*.b", 3)] {
            assert_eq!(label_count(&parse(text)), count, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_data_keeps_its_length_and_is_stable(
            rtype in 0_u16..64, octets in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let once = rdata(RecordType(rtype), &octets);
            prop_assert_eq!(once.len(), octets.len());
            prop_assert!(once.eq_ignore_ascii_case(&octets));
            prop_assert_eq!(rdata(RecordType(rtype), &once), once);
        }
    }
}
