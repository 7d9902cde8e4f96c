//! DNSKEY and DS records: the two halves of a link between zones (RFC 4034 §2 and §5).

use super::canonical;
use super::crypto::{self, DigestType};
use crate::resolve::DomainName;

/// The key is a zone key.
const ZONE: u16 = 0x0100;
/// The key has been revoked (RFC 5011 §2.1).
const REVOKE: u16 = 0x0080;
/// The only value of the protocol field.
const PROTOCOL: u8 = 3;
/// RSA/MD5, whose keys have another tag (RFC 4034 appendix B.1).
const RSAMD5: u8 = 1;

/// A public key of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Flags: zone key, secure entry point, revoked.
    pub(super) flags: u16,
    /// The algorithm's number.
    pub(super) algorithm: u8,
    /// Its tag.
    pub(super) tag: u16,
    /// The whole data of the record.
    pub(super) rdata: Vec<u8>,
}

impl Key {
    pub(super) fn parse(rdata: &[u8]) -> Option<Self> {
        let [high, low, protocol, algorithm, ..] = *rdata else {
            return None;
        };
        (protocol == PROTOCOL).then(|| Self {
            flags: u16::from_be_bytes([high, low]),
            algorithm,
            tag: tag(rdata),
            rdata: rdata.to_vec(),
        })
    }

    /// Whether it may sign the records of a zone (RFC 4034 §2.1.1).
    pub(super) fn is_zone_key(&self) -> bool {
        self.flags & ZONE != 0
    }

    /// Whether its owner has withdrawn it: then it proves nothing (RFC 5011 §2.1).
    pub(super) fn is_revoked(&self) -> bool {
        self.flags & REVOKE != 0
    }

    /// The key material.
    pub(super) fn public(&self) -> &[u8] {
        &self.rdata[4..]
    }
}

/// The tag of a key: a checksum, not an identity (RFC 4034 appendix B).
pub(super) fn tag(rdata: &[u8]) -> u16 {
    if rdata.get(3) == Some(&RSAMD5) && rdata.len() >= 7 {
        let end = rdata.len() - 3;
        return u16::from_be_bytes([rdata[end], rdata[end + 1]]);
    }
    let octets = rdata.iter().enumerate();
    let sum: u32 = octets
        .map(|(at, &octet)| u32::from(octet) << if at % 2 == 0 { 8 } else { 0 })
        .fold(0, u32::wrapping_add);
    let folded = (sum & 0xffff) + ((sum >> 16) & 0xffff);
    let folded = (folded & 0xffff) + (folded >> 16);
    u16::try_from(folded & 0xffff).expect("it was cut to 16 bits")
}

/// What a parent says about a key of its child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ds {
    /// The tag of the key.
    pub(super) key_tag: u16,
    /// The key's algorithm.
    pub(super) algorithm: u8,
    /// How the digest was made.
    pub(super) digest_type: u8,
    /// The digest of owner and key.
    pub(super) digest: Vec<u8>,
}

impl Ds {
    pub(super) fn parse(rdata: &[u8]) -> Option<Self> {
        let [high, low, algorithm, digest_type, ref digest @ ..] = *rdata else {
            return None;
        };
        Some(Self {
            key_tag: u16::from_be_bytes([high, low]),
            algorithm,
            digest_type,
            digest: digest.to_vec(),
        })
    }

    /// Whether a chain can go through it here.
    pub(super) fn is_supported(&self) -> bool {
        crypto::supports(self.algorithm) && DigestType::of(self.digest_type).is_some()
    }

    /// Whether the cheap parts fit; only then is a digest worth making.
    pub(super) fn may_match(&self, key: &Key) -> bool {
        self.key_tag == key.tag && self.algorithm == key.algorithm
    }

    /// Whether it is about that key (RFC 4034 §5.1.4).
    pub(super) fn matches(&self, owner: &DomainName, key: &Key) -> bool {
        let Some(digest_type) = DigestType::of(self.digest_type) else {
            return false;
        };
        let octets = [canonical::name(owner), key.rdata.clone()].concat();
        self.may_match(key) && digest_type.digest(&octets) == self.digest
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, HEXUPPER};

    use super::*;

    fn key(flags: u16, algorithm: u8, public: &str) -> Key {
        let mut rdata = flags.to_be_bytes().to_vec();
        rdata.extend([3, algorithm]);
        rdata.extend(BASE64.decode(public.as_bytes()).unwrap());
        Key::parse(&rdata).unwrap()
    }

    /// Owner, key, its tag, and DS records of it: digest type and digest.
    type Row = (&'static str, Key, u16, &'static [(u8, &'static str)]);

    #[expect(clippy::too_many_lines, reason = "one table")]
    fn rows() -> Vec<Row> {
        vec![
            // RFC 4034 §5.4 and RFC 4509 §2.3.
            (
                "dskey.example.com",
                key(
                    256,
                    5,
                    concat!(
                        "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZ",
                        "DRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9Xzc",
                        "nOf+EPbtG9DMBmADjFDc2w/rljwvFw=="
                    ),
                ),
                60485,
                &[
                    (1, "2BB183AF5F22588179A53B0A98631FAD1A292118"),
                    (
                        2,
                        "D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A",
                    ),
                ],
            ),
            // RFC 6605 §6.1 and §6.2.
            (
                "example.net",
                key(
                    257,
                    13,
                    concat!(
                        "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+",
                        "Wi9xMWyQLc8NAA=="
                    ),
                ),
                55648,
                &[(
                    2,
                    "B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17",
                )],
            ),
            (
                "example.net",
                key(
                    257,
                    14,
                    concat!(
                        "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X",
                        "1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40"
                    ),
                ),
                10771,
                &[(
                    4,
                    concat!(
                        "72D7B62976CE06438E9C0BF319013CF801F09ECC84B8D7E9495F27E305C6A9B0",
                        "563A9B5F4D288405C3008A946DF983D6"
                    ),
                )],
            ),
            // RFC 8080 §6.1.
            (
                "example.com",
                key(257, 15, "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="),
                3613,
                &[(
                    2,
                    "3AA5AB37EFCE57F737FC1627013FEE07BDF241BD10F3B1964AB55C78E79A304B",
                )],
            ),
        ]
    }

    #[test]
    fn tags_and_digests_are_those_of_the_rfcs() {
        for (owner, key, tag, digests) in rows() {
            assert_eq!(key.tag, tag, "{owner}");
            for &(digest_type, digest) in digests {
                let ds = Ds {
                    key_tag: tag,
                    algorithm: key.algorithm,
                    digest_type,
                    digest: HEXUPPER.decode(digest.as_bytes()).unwrap(),
                };
                let owner = DomainName::parse(&owner.to_uppercase()).unwrap();
                assert!(ds.matches(&owner, &key), "{owner} {digest_type}");
                let other = DomainName::parse("example.org").unwrap();
                assert!(!ds.matches(&other, &key), "{owner} {digest_type}");
            }
        }
    }

    #[test]
    fn what_is_too_short_or_of_another_protocol_is_no_key() {
        assert_eq!(Key::parse(&[1, 0, 3]), None);
        assert_eq!(Key::parse(&[1, 0, 2, 13, 1]), None);
        assert_eq!(Ds::parse(&[0, 1, 13]), None);
    }
}
