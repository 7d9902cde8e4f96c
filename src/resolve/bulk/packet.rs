//! Questions and replies as bytes, without a copy: what the engine has to know of a reply, and no
//! more.
//!
//! Separate from the codec because 200,000 of them a second go through here. A reply is walked to
//! its end, so that whatever passes is whole; what its records say is for whoever shows them.

use crate::resolve::name::{DomainName, NameError};
use crate::resolve::wire::{self, Ask, AskOptions, RecordType};

/// Octets of a message header (RFC 1035 §4.1.1).
pub(super) const HEADER: usize = 12;
/// Octets of a question after its name.
pub(super) const TYPE_AND_CLASS: usize = 4;
/// Octets of the longest name.
const MAX_NAME: usize = 255;
/// Octets of the longest label.
const MAX_LABEL: usize = 63;
/// The octets of a record after its owner: type, class, TTL, length.
const FIXED: usize = 10;

const TYPE_NS: u16 = 2;
const TYPE_SOA: u16 = 6;
const TYPE_OPT: u16 = 41;

/// What all questions of a run have in common.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    header: [u8; HEADER],
    /// What follows the question: the OPT record, if there is one.
    tail: Vec<u8>,
}

impl Frame {
    /// Takes it from the codec's own question.
    pub(super) fn new(options: &AskOptions) -> Self {
        let root = wire::encode(0, &Ask::new(DomainName::root(), RecordType::A), options);
        let (header, rest) = root.split_first_chunk().unwrap_or((&[0; HEADER], &[]));
        Self {
            header: *header,
            tail: rest.get(1 + TYPE_AND_CLASS..).unwrap_or_default().to_vec(),
        }
    }
}

/// Writes a question in class IN, the id left zero.
pub(super) fn encode(
    message: &mut Vec<u8>,
    name: &str,
    qtype: u16,
    frame: &Frame,
) -> Result<(), NameError> {
    message.clear();
    message.extend_from_slice(&frame.header);
    if !push_plain_name(message, name) {
        message.truncate(HEADER);
        for label in DomainName::parse(name)?.labels() {
            message.push(u8::try_from(label.len()).unwrap_or_default());
            message.extend_from_slice(label);
        }
        message.push(0);
    }
    message.extend_from_slice(&qtype.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    message.extend_from_slice(&frame.tail);
    Ok(())
}

/// Drops the OPT record of a question written by [`encode`].
pub(super) fn without_edns(message: &mut Vec<u8>) {
    if message.get(HEADER - 1) == Some(&1) {
        message[HEADER - 1] = 0;
        message.truncate(question_end(message));
    }
}

/// Where the question of a message written by [`encode`] ends.
pub(super) fn question_end(message: &[u8]) -> usize {
    skip_name(message, HEADER).map_or(message.len(), |end| end + TYPE_AND_CLASS)
}

/// The question of a message written by [`encode`]: name, type and class.
pub(super) fn question(message: &[u8]) -> &[u8] {
    &message[HEADER..question_end(message)]
}

/// Whether the first question of a packet is this one, without regard to case.
pub(super) fn asks(packet: &[u8], question: &[u8]) -> bool {
    let Some(theirs) = packet.get(HEADER..HEADER + question.len()) else {
        return false;
    };
    let name = question.len().saturating_sub(TYPE_AND_CLASS);
    // Length octets are below every letter, so they compare as they are.
    theirs[..name].eq_ignore_ascii_case(&question[..name]) && theirs[name..] == question[name..]
}

/// Writes the name if it is letters, digits, `-`, `_` and dots only; `false` leaves it to others.
fn push_plain_name(message: &mut Vec<u8>, name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > MAX_NAME - 2 {
        return false;
    }
    for label in name.as_bytes().split(|&byte| byte == b'.') {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if label.is_empty() || label.len() > MAX_LABEL || !label.iter().all(is_plain) {
            return false;
        }
        message.push(u8::try_from(label.len()).unwrap_or_default());
        message.extend_from_slice(label);
    }
    message.push(0);
    true
}

/// What the engine has to know of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of a message"
)]
pub(super) struct Facts {
    /// With its EDNS half.
    pub(super) rcode: u16,
    pub(super) truncated: bool,
    pub(super) authoritative: bool,
    pub(super) recursion_available: bool,
    /// Records in the answer section.
    pub(super) answers: u16,
    pub(super) edns: bool,
    /// Seconds that the answer may be kept: its smallest TTL, or what a negative answer says
    /// (RFC 2308 §5); `None` when it must not be.
    pub(super) keep: Option<u32>,
    /// A list of other servers and nothing else.
    pub(super) referral: bool,
}

/// Why a packet is not the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Not a response, or to another question: anybody's packet.
    Foreign,
    /// The server's reply to this question, and broken.
    Malformed,
}

/// Judges a packet that came with the right id from the right server. `question` is the message
/// that was sent.
pub(super) fn check(packet: &[u8], question: &[u8]) -> Result<Facts, Unfit> {
    let header = packet.get(..HEADER).ok_or(Unfit::Foreign)?;
    let [flags, codes] = [header[2], header[3]];
    if flags & 0x80 == 0 {
        return Err(Unfit::Foreign);
    }
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let rcode = u16::from(codes & 0x0f);
    let at = match count(4) {
        1 => repeated(packet, question)?,
        // A server that could not read the question may repeat none.
        0 if matches!(rcode, 1 | 2 | 4 | 5) => HEADER,
        _ => return Err(Unfit::Foreign),
    };
    let mut walk = Walk {
        packet,
        at,
        facts: Facts {
            rcode,
            truncated: flags & 0x02 != 0,
            authoritative: flags & 0x04 != 0,
            recursion_available: codes & 0x80 != 0,
            answers: count(6),
            edns: false,
            keep: None,
            referral: false,
        },
    };
    walk.sections([count(6), count(8), count(10)])
        .ok_or(Unfit::Malformed)?;
    Ok(walk.facts)
}

/// Where the question of the packet ends, if it is ours, without regard to case.
fn repeated(packet: &[u8], question: &[u8]) -> Result<usize, Unfit> {
    let ours = self::question(question);
    let end = HEADER + ours.len();
    asks(packet, ours).then_some(end).ok_or(Unfit::Foreign)
}

/// A reply on the way from record to record.
struct Walk<'a> {
    packet: &'a [u8],
    at: usize,
    facts: Facts,
}

impl Walk<'_> {
    fn sections(&mut self, [answers, authority, additional]: [u16; 3]) -> Option<()> {
        let mut least = None;
        for _ in 0..answers {
            let (_, ttl, _) = self.record()?;
            least = Some(least.map_or(ttl, |least: u32| least.min(ttl)));
        }
        let (mut soa, mut servers) = (None, false);
        for _ in 0..authority {
            let (rtype, ttl, data) = self.record()?;
            servers |= rtype == TYPE_NS;
            if rtype == TYPE_SOA && soa.is_none() {
                let minimum = data.last_chunk().map(|last| u32::from_be_bytes(*last));
                soa = Some(minimum?.min(ttl));
            }
        }
        for _ in 0..additional {
            let (rtype, ttl, _) = self.record()?;
            if rtype == TYPE_OPT {
                self.facts.edns = true;
                let [high, ..] = ttl.to_be_bytes();
                self.facts.rcode |= u16::from(high) << 4;
            }
        }
        let facts = &mut self.facts;
        facts.referral = facts.rcode == 0 && answers == 0 && servers && soa.is_none();
        facts.keep = match facts.rcode {
            0 if answers > 0 => least,
            0 | 3 => soa.map(|soa| least.map_or(soa, |least| least.min(soa))),
            _ => None,
        };
        Some(())
    }

    /// Type, TTL and data of the next record.
    fn record(&mut self) -> Option<(u16, u32, &[u8])> {
        let start = skip_name(self.packet, self.at)?;
        let fixed = self.packet.get(start..start + FIXED)?;
        let rtype = u16::from_be_bytes([fixed[0], fixed[1]]);
        let ttl = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        let data = self.packet.get(start + FIXED..start + FIXED + length)?;
        self.at = start + FIXED + length;
        // A TTL with its first bit set reads as zero (RFC 2181 §8); OPT has none.
        let kept = if rtype != TYPE_OPT && ttl > i32::MAX as u32 {
            0
        } else {
            ttl
        };
        Some((rtype, kept, data))
    }
}

/// Where a name ends that begins at `at`; its pointers are not followed.
fn skip_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = *packet.get(at)?;
        match length {
            0 => return Some(at + 1),
            1..=63 => at += 1 + usize::from(length),
            192.. => return packet.get(at + 1).map(|_| at + 2),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::resolve::wire::EdnsAsk;

    fn options(edns: bool) -> AskOptions {
        AskOptions {
            edns: edns.then(EdnsAsk::default),
            ..AskOptions::default()
        }
    }

    fn question(name: &str, qtype: u16, edns: bool) -> Vec<u8> {
        let mut message = Vec::new();
        encode(&mut message, name, qtype, &Frame::new(&options(edns))).unwrap();
        message
    }

    #[test]
    fn questions_are_those_of_the_codec() {
        for name in [
            "www.example",
            "WWW.example.",
            ".",
            "_a-b.c",
            r"a\.b.example",
            "bücher.example",
        ] {
            for (qtype, edns) in [(1, false), (28, true), (65_280, true)] {
                let ask = Ask::new(DomainName::parse(name).unwrap(), RecordType(qtype));
                let mut ours = question(name, qtype, edns);
                assert_eq!(ours, wire::encode(0, &ask, &options(edns)), "{name}");
                without_edns(&mut ours);
                assert_eq!(ours, wire::encode(0, &ask, &options(false)), "{name}");
            }
        }
        let mut options = options(true);
        (options.checking_disabled, options.recursion_desired) = (true, false);
        let mut message = Vec::new();
        encode(&mut message, "a", 1, &Frame::new(&options)).unwrap();
        let ask = Ask::new(DomainName::parse("a").unwrap(), RecordType::A);
        assert_eq!(message, wire::encode(0, &ask, &options));
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let long = "a".repeat(64);
        let total = vec!["a".repeat(63); 4].join(".");
        for name in ["", "a..b", ".a", "a b", long.as_str(), total.as_str()] {
            assert!(
                encode(&mut Vec::new(), name, 1, &Frame::new(&options(true))).is_err(),
                "{name:?}"
            );
        }
    }

    /// The reply to a question, of records written as `(type, ttl, data)` a section.
    fn reply(question: &[u8], codes: [u8; 2], sections: [&[(u16, u32, &[u8])]; 3]) -> Vec<u8> {
        let mut packet = question[..question_end(question)].to_vec();
        packet[2..4].copy_from_slice(&codes);
        for (at, section) in [7, 9, 11].into_iter().zip(sections) {
            packet[at] = u8::try_from(section.len()).unwrap();
            for (rtype, ttl, data) in section {
                packet.extend_from_slice(&[0xc0, 12]);
                packet.extend_from_slice(&rtype.to_be_bytes());
                packet.extend_from_slice(&[0, 1]);
                packet.extend_from_slice(&ttl.to_be_bytes());
                packet.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
                packet.extend_from_slice(data);
            }
        }
        packet
    }

    const SOA: &[u8] = b"\0\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";

    #[test]
    fn the_facts_of_a_reply_are_read() {
        let asked = question("www.example", 1, true);
        let facts = |codes, sections| check(&reply(&asked, codes, sections), &asked).unwrap();
        let positive = facts(
            [0x85, 0x80],
            [&[(5, 60, b"\xc0\x0c"), (1, 30, b"abcd")], &[], &[]],
        );
        assert_eq!((positive.answers, positive.keep), (2, Some(30)));
        assert!(positive.authoritative && positive.recursion_available && !positive.truncated);
        let nothing = facts([0x81, 0x83], [&[], &[(6, 60, SOA)], &[]]);
        assert_eq!((nothing.rcode, nothing.keep), (3, Some(5)));
        let no_soa = facts([0x81, 0x83], [&[], &[], &[]]);
        assert_eq!(no_soa.keep, None);
        let referral = facts([0x80, 0], [&[], &[(2, 60, b"\0")], &[]]);
        assert!(referral.referral && referral.keep.is_none());
        let extended = facts([0x80, 0], [&[], &[], &[(41, 0x0100_0000, b"")]]);
        assert!(extended.edns && extended.rcode == 16);
        let cut = facts([0x82, 0], [&[], &[], &[]]);
        assert!(cut.truncated);
        let broken = facts([0x80, 2], [&[(1, 60, b"abcd")], &[], &[]]);
        assert_eq!((broken.rcode, broken.keep), (2, None));
        let huge = facts([0x80, 0], [&[(1, u32::MAX, b"abcd")], &[], &[]]);
        assert_eq!(huge.keep, Some(0));
    }

    #[test]
    fn what_is_not_the_reply_is_told_apart() {
        let asked = question("www.example", 1, false);
        let good = reply(&asked, [0x81, 0x80], [&[(1, 30, b"abcd")], &[], &[]]);
        let changed = |at: usize, value: u8| {
            let mut packet = good.clone();
            packet[at] = value;
            check(&packet, &asked).unwrap_err()
        };
        assert!(check(&good, &asked).is_ok());
        assert_eq!(changed(2, 0x01), Unfit::Foreign, "not a response");
        assert_eq!(changed(13, b'x'), Unfit::Foreign, "another name");
        assert_eq!(changed(26, 28), Unfit::Foreign, "another type");
        assert_eq!(changed(5, 0), Unfit::Foreign, "no question");
        assert_eq!(changed(7, 2), Unfit::Malformed, "a record short");
        assert_eq!(check(&good[..11], &asked), Err(Unfit::Foreign));
        let mut other_case = good.clone();
        other_case[13] = b'W';
        assert!(check(&other_case, &asked).is_ok());
        let mut bare = good[..12].to_vec();
        bare[3..8].copy_from_slice(&[5, 0, 0, 0, 0]);
        assert_eq!(check(&bare, &asked).map(|facts| facts.rcode), Ok(5));
    }

    proptest! {
        #[test]
        fn mutated_replies_pass_or_fail_and_never_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let asked = question("www.example", 1, true);
            let mut packet = reply(&asked, [0x81, 0x80], [&[(1, 30, b"abcd")], &[(6, 9, SOA)], &[]]);
            for (at, value) in changes {
                let at = at.index(packet.len());
                packet[at] = value;
            }
            let whole = check(&packet, &asked);
            packet.truncate(cut.index(packet.len()));
            let part = check(&packet, &asked);
            prop_assert!(part.is_err() || whole.is_ok());
        }

        #[test]
        fn any_bytes_are_judged(packet in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = check(&packet, &question("a", 1, false));
        }
    }
}
