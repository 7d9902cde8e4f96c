//! Replies that are addresses and nothing else, read where they lie.

use std::net::Ipv6Addr;

use netkit::resolve::bulk::{Cached, Ending, Finished};
use netkit::resolve::ledger::Carrier;

use super::word::Word;

/// Octets of a message header.
const HEADER: usize = 12;
/// A name that points at the question, type and class, TTL, length.
const FIXED: usize = 12;
/// An OPT record without options.
const OPT: usize = 11;
/// Records in the templates; more of them go by way of the report.
const MOST: u16 = 8;

const A: u16 = 1;
const AAAA: u16 = 28;

/// A reply over UDP for A or AAAA: NOERROR, records of that type at the name asked for, and
/// at most an OPT record without options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Simple<'a> {
    pub(super) qtype: u16,
    pub(super) count: u16,
    /// The flags of the header.
    pub(super) flags: [u8; 2],
    /// The payload and the TTL field of the OPT record.
    pub(super) opt: Option<[u8; 6]>,
    records: &'a [u8],
}

/// One address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) ttl: u32,
    data: &'a [u8],
}

impl<'a> Simple<'a> {
    /// Recognises such a reply.
    pub(super) fn of(finished: &Finished<'a>) -> Option<Self> {
        let Ending::Reply(reply) = finished.ending else {
            return None;
        };
        let plain_way = finished.sent > 0
            && finished.tcp.is_none()
            && reply.carrier == Carrier::Udp
            && !matches!(finished.cache, Cached::Hit(_));
        if !plain_way || !is_plain(finished.text) {
            return None;
        }
        let (bytes, qtype) = (reply.bytes, finished.qtype.0);
        let header = bytes.get(..HEADER)?;
        let count = u16::from_be_bytes([header[6], header[7]]);
        let rest = [header[8], header[9], header[10]];
        // One question, no authority; TC and the reserved bit not set, NOERROR.
        let fits = header[4..6] == [0, 1]
            && (1..=MOST).contains(&count)
            && rest == [0; 3]
            && header[2] & 0x7a == 0
            && header[3] & 0x4f == 0;
        let end = HEADER + finished.text.len() + 6;
        let same = bytes.get(HEADER..end)? == finished.query.get(HEADER..end)?;
        if !fits || !same {
            return None;
        }
        let width = FIXED + width(qtype)?;
        let records = bytes.get(end..end + usize::from(count) * width)?;
        let opt = &bytes[end + records.len()..];
        let simple = Self {
            qtype,
            count,
            flags: [header[2], header[3]],
            opt: match (header[11], opt) {
                (0, []) => None,
                (1, [0, 0, 41, opt @ .., 0, 0]) if opt.len() + 5 == OPT => opt.try_into().ok(),
                _ => return None,
            },
            records,
        };
        // An extended code is for the report.
        let is_error = simple.opt.is_some_and(|[_, _, code, ..]| code != 0);
        (!is_error
            && records
                .chunks_exact(width)
                .all(|record| is_of(record, qtype)))
        .then_some(simple)
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Record<'a>> {
        let width = FIXED + width(self.qtype).unwrap_or_default();
        let records = self.records.chunks_exact(width);
        records.map(|record| Record {
            ttl: u32::from_be_bytes([record[6], record[7], record[8], record[9]]),
            data: &record[FIXED..],
        })
    }

    /// The reply with other TTLs and addresses in its records; an IPv4 address is the end of the one
    /// given.
    pub(super) fn with_records(
        &self,
        reply: &[u8],
        ttl: impl Fn(usize) -> u32,
        address: impl Fn(usize) -> Ipv6Addr,
    ) -> Vec<u8> {
        let mut bytes = reply.to_vec();
        let own = width(self.qtype).unwrap_or_default();
        let tail = self.opt.map_or(0, |_| OPT);
        let start = reply.len().saturating_sub(tail + self.records.len());
        let records = bytes[start..].chunks_exact_mut(FIXED + own);
        for (place, record) in records.take(self.count.into()).enumerate() {
            record[6..10].copy_from_slice(&ttl(place).to_be_bytes());
            let octets = address(place).octets();
            record[FIXED..].copy_from_slice(&octets[octets.len() - own..]);
        }
        bytes
    }

    /// The type in words.
    pub(super) fn mnemonic(&self) -> &'static str {
        if self.qtype == A { "A" } else { "AAAA" }
    }
}

/// Octets of an address of that type.
fn width(qtype: u16) -> Option<usize> {
    match qtype {
        A => Some(4),
        AAAA => Some(16),
        _ => None,
    }
}

/// Whether a record is at the name asked for, of the type, in class IN, and its TTL a plain one.
fn is_of(record: &[u8], qtype: u16) -> bool {
    let [high, low] = qtype.to_be_bytes();
    let length = u16::from_be_bytes([record[10], record[11]]);
    record[..6] == [0xc0, 12, high, low, 0, 1]
        && record[6] < 0x80
        && usize::from(length) + FIXED == record.len()
}

/// Whether a name is written the same everywhere: as typed, on the wire, in JSON, in any alphabet.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = name.bytes().all(plain) && !name.is_empty() && !name.ends_with('.');
    let has_two_dashes = name.as_bytes().windows(2).any(|two| two == b"--");
    is_name && !(has_two_dashes && is_a_label(name))
}

/// Whether a label may be an A-label, which is shown in its own alphabet too (RFC 5890 §2.3.2.1).
fn is_a_label(name: &str) -> bool {
    let mut fours = name.as_bytes().windows(4);
    fours.any(|four| four.eq_ignore_ascii_case(b"xn--"))
}

impl Record<'_> {
    /// The address as std writes it.
    pub(super) fn address(&self) -> Word {
        match *self.data {
            [a, b, c, d] => Word::of_v4([a, b, c, d]),
            _ => <[u8; 16]>::try_from(self.data).map_or(Word::EMPTY, Word::of_v6),
        }
    }
}
