//! What is asked and what came, as the resolver needs it.
//!
//! The codec itself is below ([`message`](super::message), [`rdata`](super::rdata),
//! [`edns`](super::edns)): here a question becomes bytes, and a packet a [`Reply`] that keeps the
//! packet, so that whoever shows everything can read on. No sockets, no time.

use std::net::IpAddr;
use std::sync::Arc;

use super::edns::EdnsReply;
use super::message::{Entry, Fault, HEADER, Message, QuestionRef, RecordRef, Rule, Section};
use super::name::DomainName;
use super::random;
use super::rdata::Rdata;

pub use super::edns::{EDNS_PAYLOAD, EdnsAsk, ExtendedError};
pub use super::registry::{Class, Opcode, Rcode, RecordType};

/// What is asked: the records of one type and class at one name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// The name.
    pub name: DomainName,
    /// The type.
    pub rtype: RecordType,
    /// The class.
    pub class: Class,
}

impl Ask {
    /// Asks in class IN.
    #[must_use]
    pub fn new(name: DomainName, rtype: RecordType) -> Self {
        let class = Class::IN;
        Self { name, rtype, class }
    }

    /// Whether a message repeats this question, apart from the case of its letters.
    #[must_use]
    pub fn is(&self, question: &QuestionRef<'_>) -> bool {
        question.rtype == self.rtype && question.class == self.class && question.name.is(&self.name)
    }
}

/// What goes into the header and the OPT record of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the independent bits of the header"
)]
pub struct AskOptions {
    /// The class that names are asked for in. IN.
    pub class: Class,
    /// What kind of message it is. QUERY.
    pub opcode: Opcode,
    /// RD: ask the server to recurse. Set.
    pub recursion_desired: bool,
    /// AD: ask for the server's own verdict on DNSSEC (RFC 6840 §5.7).
    pub authentic_data: bool,
    /// CD: take data that fails validation as well.
    pub checking_disabled: bool,
    /// The bit of the header without a meaning.
    pub z: bool,
    /// Writes the letters of the name in random case, which the reply must repeat
    /// (draft-vixie-dnsext-dns0x20).
    pub random_case: bool,
    /// What is said by EDNS; `None` sends no OPT record. 1232 octets.
    pub edns: Option<EdnsAsk>,
}

impl Default for AskOptions {
    fn default() -> Self {
        Self {
            class: Class::IN,
            opcode: Opcode::QUERY,
            recursion_desired: true,
            authentic_data: false,
            checking_disabled: false,
            z: false,
            random_case: false,
            edns: Some(EdnsAsk::default()),
        }
    }
}

impl AskOptions {
    /// The second word of the header.
    fn bits(&self) -> u16 {
        let flag = |set: bool, bit: u16| if set { bit } else { 0 };
        u16::from(self.opcode.0 & 0xf) << 11
            | flag(self.recursion_desired, 0x0100)
            | flag(self.z, 0x0040)
            | flag(self.authentic_data, 0x0020)
            | flag(self.checking_disabled, 0x0010)
    }
}

/// A message id that outsiders cannot guess.
#[must_use]
pub(super) fn random_id() -> u16 {
    u16::from_be_bytes(random::bytes())
}

/// Encodes a question. The case of the name is kept; [`Query`](super::query::Query) randomises it.
#[must_use]
pub fn encode(id: u16, ask: &Ask, options: &AskOptions) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER + 64 + ask.name.as_wire().len());
    encode_into(&mut message, id, ask, options);
    message
}

/// Encodes a question behind what is in the buffer already: bulk asks many from one.
///
/// The buffer must be empty apart from a prefix that is no part of the message when `options` has
/// padding, which counts from the front.
pub fn encode_into(message: &mut Vec<u8>, id: u16, ask: &Ask, options: &AskOptions) {
    let additional = u16::from(options.edns.is_some());
    for word in [id, options.bits(), 1, 0, 0, additional] {
        message.extend_from_slice(&word.to_be_bytes());
    }
    message.extend_from_slice(ask.name.as_wire());
    message.extend_from_slice(&ask.rtype.0.to_be_bytes());
    message.extend_from_slice(&ask.class.0.to_be_bytes());
    if let Some(edns) = &options.edns {
        edns.append(message);
    }
}

/// What the first octets say, whether or not the rest can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peek {
    /// Message id.
    pub id: u16,
    /// QR.
    pub response: bool,
    /// TC.
    pub truncated: bool,
}

/// Reads the header alone; `None` when there is not even one.
#[must_use]
pub fn peek(bytes: &[u8]) -> Option<Peek> {
    let header = Message::new(bytes).ok()?.header();
    Some(Peek {
        id: header.id,
        response: header.response(),
        truncated: header.truncated(),
    })
}

/// A message that answers.
///
/// The fields are what resolving needs; [`Reply::message`] has everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the independent bits of the header"
)]
pub struct Reply {
    /// Message id.
    pub id: u16,
    /// QR.
    pub response: bool,
    /// AA.
    pub authoritative: bool,
    /// TC.
    pub truncated: bool,
    /// RA.
    pub recursion_available: bool,
    /// AD.
    pub authentic_data: bool,
    /// The response code with its EDNS half.
    pub rcode: Rcode,
    /// The question repeated, if it was.
    pub question: Option<Ask>,
    /// The answer section, as far as it is of the question's class.
    pub answers: Vec<Record>,
    /// The authority section, as far as it is of the question's class.
    pub authority: Vec<Record>,
    /// The OPT record, if one came.
    pub edns: Option<EdnsReply>,
    /// Octets of the whole message.
    pub size: usize,
    /// The packet.
    pub packet: Arc<[u8]>,
}

impl Reply {
    /// The whole message, lazily.
    #[must_use]
    pub fn message(&self) -> Message<'_> {
        Message::new(&self.packet).unwrap_or(Message::EMPTY)
    }

    /// Every record of a section, whatever its class; OPT is in [`Reply::edns`].
    #[must_use]
    pub fn records(&self, section: Section) -> Vec<Record> {
        records(&self.message(), section).collect()
    }

    /// How long a negative answer holds, seconds: the lesser of the SOA's TTL and its last field
    /// (RFC 2308 §5). `None` without an SOA: then it must not be kept.
    #[must_use]
    pub fn negative_ttl(&self) -> Option<u32> {
        self.authority.iter().find_map(|record| match record.data {
            Data::Soa { minimum } => Some(record.ttl.min(minimum)),
            _ => None,
        })
    }
}

/// Every record of a section up to a fault, without OPT.
pub fn records<'a>(
    message: &Message<'a>,
    section: Section,
) -> impl Iterator<Item = Record> + use<'a> {
    message
        .records()
        .filter(move |record| record.section == section && record.rtype != RecordType::OPT)
        .map(|record| Record::from(&record))
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Owner.
    pub name: DomainName,
    /// Type.
    pub rtype: RecordType,
    /// Class.
    pub class: Class,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// What it says, as far as resolving needs it.
    pub data: Data,
    /// All that it says.
    pub rdata: Rdata,
}

impl From<&RecordRef<'_>> for Record {
    fn from(record: &RecordRef<'_>) -> Self {
        let rdata = record.data();
        Self {
            name: record.name.to_owned(),
            rtype: record.rtype,
            class: record.class,
            ttl: record.ttl,
            data: Data::of(&rdata),
            rdata,
        }
    }
}

/// The data that resolving needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Data {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME.
    Alias(DomainName),
    /// SOA: seconds a negative answer may be kept (RFC 2308 §5).
    Soa {
        /// The last field of the record.
        minimum: u32,
    },
    /// Any other type.
    Other,
}

impl Data {
    /// Reads it out of data that is as its type needs it; anything else is [`Data::Other`].
    #[must_use]
    pub fn of(rdata: &Rdata) -> Self {
        if rdata.bad().is_some() || rdata.class() == Class::NONE {
            return Self::Other;
        }
        let bytes = rdata.bytes();
        Self::read(rdata.rtype(), bytes).unwrap_or(Self::Other)
    }

    fn read(rtype: RecordType, bytes: &[u8]) -> Option<Self> {
        Some(match rtype {
            RecordType::A => Self::Address(<[u8; 4]>::try_from(bytes).ok()?.into()),
            RecordType::AAAA => Self::Address(<[u8; 16]>::try_from(bytes).ok()?.into()),
            RecordType::CNAME => Self::Alias(DomainName::from_wire(bytes)?),
            RecordType::SOA => Self::Soa {
                minimum: u32::from_be_bytes(*bytes.last_chunk()?),
            },
            _ => return None,
        })
    }
}

/// Types that every resolver has to read; with bad data the whole message is malformed.
const MUST_READ: [RecordType; 10] = [
    RecordType::A,
    RecordType::NS,
    RecordType::CNAME,
    RecordType::SOA,
    RecordType::PTR,
    RecordType::MX,
    RecordType::TXT,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::DNAME,
];

/// Decodes a message; never panics, whatever the bytes.
///
/// Malformed are a broken section, a broken OPT record, and data of a common type that is not as the
/// type needs it; what is wrong with the data of other types stands in [`Rdata::bad`].
pub fn decode(bytes: &[u8]) -> Result<Reply, Fault> {
    let message = Message::new(bytes)?;
    let header = message.header();
    let mut sections = Sections::default();
    for entry in message.walk() {
        sections.add(entry?)?;
    }
    let high = sections.edns.as_ref().map_or(0, |edns| edns.rcode_high);
    Ok(Reply {
        id: header.id,
        response: header.response(),
        authoritative: header.authoritative(),
        truncated: header.truncated(),
        recursion_available: header.recursion_available(),
        authentic_data: header.authentic_data(),
        rcode: Rcode(u16::from(high) << 4 | u16::from(header.rcode_low())),
        question: sections.question,
        answers: sections.answers,
        authority: sections.authority,
        edns: sections.edns,
        size: bytes.len(),
        packet: bytes.into(),
    })
}

/// What a walk over a message collects.
#[derive(Default)]
struct Sections {
    question: Option<Ask>,
    answers: Vec<Record>,
    authority: Vec<Record>,
    edns: Option<EdnsReply>,
}

impl Sections {
    fn add(&mut self, entry: Entry<'_>) -> Result<(), Fault> {
        match entry {
            Entry::Question(question) => {
                self.question.get_or_insert_with(|| Ask {
                    name: question.name.to_owned(),
                    rtype: question.rtype,
                    class: question.class,
                });
            }
            Entry::Record(record) if record.rtype == RecordType::OPT => self.opt(&record)?,
            Entry::Record(record) => self.record(&record)?,
        }
        Ok(())
    }

    fn opt(&mut self, record: &RecordRef<'_>) -> Result<(), Fault> {
        if self.edns.is_some() {
            return Err(Fault {
                offset: record.offset(),
                entry: Some((record.section, record.index)),
                rule: Rule::SecondOpt,
            });
        }
        self.edns = Some(EdnsReply::read(record)?);
        Ok(())
    }

    fn record(&mut self, record: &RecordRef<'_>) -> Result<(), Fault> {
        let read = Record::from(record);
        if let Some(bad) = read
            .rdata
            .bad()
            .filter(|_| MUST_READ.contains(&record.rtype))
        {
            return Err(Fault {
                offset: record.data_offset + bad.offset,
                entry: Some((record.section, record.index)),
                rule: Rule::Data {
                    rtype: record.rtype,
                    what: bad.what,
                },
            });
        }
        let class = self.question.as_ref().map_or(Class::IN, |ask| ask.class);
        if record.class != class && class != Class::ANY {
            return Ok(());
        }
        match record.section {
            Section::Answer => self.answers.push(read),
            Section::Authority => self.authority.push(read),
            Section::Question | Section::Additional => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(name: &str, rtype: RecordType) -> Ask {
        Ask::new(DomainName::parse(name).unwrap(), rtype)
    }

    #[test]
    fn a_question_is_encoded_as_rfc_1035_draws_it() {
        let bytes = encode(
            0xabcd,
            &ask("a.Example", RecordType::AAAA),
            &AskOptions::default(),
        );
        let expected = b"\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\
            \x01a\x07Example\x00\x00\x1c\x00\x01\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00";
        assert_eq!(bytes, expected);
        let bare = AskOptions {
            edns: None,
            ..AskOptions::default()
        };
        let bytes = encode(0xabcd, &ask("a.Example", RecordType::AAAA), &bare);
        assert_eq!(bytes.len(), expected.len() - 11);
        assert_eq!(bytes[11], 0, "no additional record");
    }

    #[test]
    fn a_question_of_any_bytes_survives_the_codec() {
        let name = DomainName::from_labels([b"\x00\xff.".as_slice(), b"Ab"]).unwrap();
        let question = Ask::new(name.clone(), RecordType(65_280));
        let reply = decode(&encode(7, &question, &AskOptions::default())).unwrap();
        assert!(!reply.response);
        let repeated = reply.question.unwrap();
        assert!(repeated.name.labels().eq(name.labels()), "case is kept");
        assert_eq!(repeated.rtype, RecordType(65_280));
    }

    #[test]
    fn an_extended_error_is_read_and_escaped() {
        let mut bytes = encode(1, &ask("x", RecordType::A), &AskOptions::default());
        bytes[2] |= 0x80;
        bytes[3] = 2;
        let option = b"\x00\x0f\x00\x05\x00\x16hi\x1b";
        let length = bytes.len();
        bytes[length - 1] = u8::try_from(option.len()).unwrap();
        bytes.extend_from_slice(option);
        let reply = decode(&bytes).unwrap();
        assert_eq!(reply.rcode, Rcode::SERVFAIL);
        let error = reply.edns.unwrap().extended_error.unwrap();
        assert_eq!(
            error.to_string(),
            r"EDE 22 (No Reachable Authority): hi\x1b"
        );
    }

    #[test]
    fn the_code_16_reads_as_badvers() {
        let mut bytes = encode(1, &ask("x", RecordType::A), &AskOptions::default());
        let length = bytes.len();
        bytes[length - 6] = 1;
        assert_eq!(decode(&bytes).unwrap().rcode, Rcode::BADVERS);
        assert_eq!(Rcode::BADVERS.to_string(), "BADVERS");
    }

    /// A reply with an alias, an address and an SOA, all names compressed to the question's.
    fn sample_reply() -> Vec<u8> {
        let mut bytes = encode(
            7,
            &ask("www.example", RecordType::A),
            &AskOptions::default(),
        );
        bytes.truncate(bytes.len() - 11);
        bytes[2..4].copy_from_slice(b"\x85\x80");
        bytes[6..12].copy_from_slice(b"\0\x02\0\x01\0\0");
        bytes.extend_from_slice(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01a\xc0\x10");
        bytes.extend_from_slice(b"\xc0\x29\0\x01\0\x01\0\0\0\x1e\0\x04\xc0\0\x02\x01");
        bytes.extend_from_slice(b"\xc0\x10\0\x06\0\x01\0\0\0\x3c\0\x18\xc0\x10\xc0\x10");
        bytes.extend_from_slice(b"\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05");
        bytes
    }

    #[test]
    fn a_reply_is_decoded_with_its_compressed_names() {
        let reply = decode(&sample_reply()).unwrap();
        assert!(reply.response && reply.authoritative && reply.recursion_available);
        let alias = DomainName::parse("a.example").unwrap();
        assert_eq!(reply.answers[0].data, Data::Alias(alias.clone()));
        assert_eq!((&reply.answers[1].name, reply.answers[1].ttl), (&alias, 30));
        let address = Data::Address([192, 0, 2, 1].into());
        assert_eq!(reply.answers[1].data, address);
        assert_eq!(reply.authority[0].data, Data::Soa { minimum: 5 });
        assert_eq!(reply.authority[0].name.to_string(), "example");
        assert_eq!(reply.negative_ttl(), Some(5));
    }

    proptest! {
        #[test]
        fn mutated_replies_decode_or_say_why(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
            cut in any::<prop::sample::Index>(),
            is_cut in any::<bool>(),
        ) {
            let mut bytes = sample_reply();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if is_cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            if let Ok(reply) = decode(&bytes) {
                prop_assert_eq!(reply.size, bytes.len());
                for record in &reply.answers {
                    let again = DomainName::parse(&record.name.to_string());
                    prop_assert_eq!(again.as_ref(), Ok(&record.name));
                }
            }
        }

        #[test]
        fn any_bytes_decode_or_say_why(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn only_whole_headers_are_peeked() {
        assert_eq!(peek(&[0; 11]), None);
        let peeked = peek(b"\x12\x34\x82\x00\x00\x00\x00\x00\x00\x00\x00\x00").unwrap();
        assert!(peeked.response && peeked.truncated && peeked.id == 0x1234);
    }
}
