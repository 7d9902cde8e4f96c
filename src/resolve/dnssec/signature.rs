//! RRSIG records: what one says, and whether its time has come (RFC 4034 §3).

use super::wire_name;
use crate::resolve::DomainName;
use crate::resolve::wire::RecordType;

/// Octets of an RRSIG before the signer's name.
const FIXED: usize = 18;

/// A signature over an RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    /// The type it covers.
    pub(super) covered: RecordType,
    /// The algorithm's number.
    pub(super) algorithm: u8,
    /// Labels of the owner that was signed, a leading `*` not counted.
    pub(super) labels: u8,
    /// The TTL that was signed.
    pub(super) original_ttl: u32,
    /// Seconds since 1970, modulo 2^32.
    pub(super) expiration: u32,
    /// Seconds since 1970, modulo 2^32.
    pub(super) inception: u32,
    /// The tag of the key.
    pub(super) key_tag: u16,
    /// The zone that signed.
    pub(super) signer: DomainName,
    /// The first 18 octets as they came: part of what is signed.
    pub(super) fields: Vec<u8>,
    /// The signature itself.
    pub(super) octets: Vec<u8>,
}

/// Where a moment lies in the time of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    NotYet,
    Now,
    Over,
}

impl Signature {
    pub(super) fn parse(rdata: &[u8]) -> Option<Self> {
        let fields = rdata.get(..FIXED)?;
        let short = |at: usize| u16::from_be_bytes([fields[at], fields[at + 1]]);
        let long = |at: usize| (u32::from(short(at)) << 16) | u32::from(short(at + 2));
        let (signer, end) = wire_name::read(rdata, FIXED)?;
        Some(Self {
            covered: RecordType(short(0)),
            algorithm: fields[2],
            labels: fields[3],
            original_ttl: long(4),
            expiration: long(8),
            inception: long(12),
            key_tag: short(16),
            signer,
            fields: fields.to_vec(),
            octets: rdata[end..].to_vec(),
        })
    }

    /// Compares with serial number arithmetic (RFC 4034 §3.1.5, RFC 1982 §3.2), so that it goes on
    /// working after 2106.
    pub(super) fn validity(&self, now: u32) -> Validity {
        if is_before(now, self.inception) {
            Validity::NotYet
        } else if is_before(self.expiration, now) {
            Validity::Over
        } else {
            Validity::Now
        }
    }
}

/// Whether `a` is before `b` on the circle of 32-bit serial numbers; two opposite numbers are
/// neither, and count as not before.
fn is_before(a: u32, b: u32) -> bool {
    let ahead = b.wrapping_sub(a);
    0 < ahead && ahead < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(inception: u32, expiration: u32) -> Signature {
        let mut rdata = vec![0, 1, 13, 2, 0, 0, 14, 16];
        rdata.extend(expiration.to_be_bytes());
        rdata.extend(inception.to_be_bytes());
        rdata.extend(b"\x30\x39\x07example\0sig");
        Signature::parse(&rdata).unwrap()
    }

    #[test]
    fn the_fields_are_read() {
        let read = signature(100, 200);
        assert_eq!((read.covered, read.algorithm), (RecordType::A, 13));
        assert_eq!(
            (read.labels, read.original_ttl, read.key_tag),
            (2, 3600, 12345)
        );
        assert_eq!((read.inception, read.expiration), (100, 200));
        assert_eq!(read.signer.to_string(), "example");
        assert_eq!(read.octets, b"sig");
        assert_eq!(Signature::parse(&[0; 18]), None, "no signer");
    }

    #[test]
    fn time_is_compared_on_the_circle() {
        use Validity::{NotYet, Now, Over};
        let top = u32::MAX;
        let rows = [
            (100, 200, 99, NotYet),
            (100, 200, 100, Now),
            (100, 200, 200, Now),
            (100, 200, 201, Over),
            // A signature that spans the wrap of 2106.
            (top - 10, 10, top - 11, NotYet),
            (top - 10, 10, top, Now),
            (top - 10, 10, 0, Now),
            (top - 10, 10, 10, Now),
            (top - 10, 10, 11, Over),
            // More than half the circle away.
            (0, 100, (1 << 31) + 200, NotYet),
        ];
        for (inception, expiration, now, expected) in rows {
            let validity = signature(inception, expiration).validity(now);
            assert_eq!(validity, expected, "{inception}..{expiration} at {now}");
        }
    }
}
