//! DNS messages: questions to bytes, bytes to replies.
//!
//! The only file that imports hickory, and of it only the wire format. Everything that leaves here
//! is a type of our own, so that an upgrade is a change of this file. No sockets, no time.

use std::fmt;
use std::net::IpAddr;

use hickory_resolver::proto::op::{Edns, Message, Query};
use hickory_resolver::proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_resolver::proto::rr::{self, Name, RData};

use super::name::DomainName;

/// Octets of a message header (RFC 1035 §4.1.1).
const HEADER: usize = 12;
/// The EDNS option that carries an extended error (RFC 8914 §2).
const EXTENDED_ERROR: u16 = 15;

/// A record type by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordType(pub u16);

impl RecordType {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// An alias.
    pub const CNAME: Self = Self(5);
    /// The start of a zone.
    pub const SOA: Self = Self(6);
    /// An IPv6 address.
    pub const AAAA: Self = Self(28);
}

impl fmt::Display for RecordType {
    /// Writes the mnemonic, or `TYPEn` (RFC 3597 §5).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::A => f.pad("A"),
            Self::CNAME => f.pad("CNAME"),
            Self::SOA => f.pad("SOA"),
            Self::AAAA => f.pad("AAAA"),
            Self(code) => f.pad(&format!("TYPE{code}")),
        }
    }
}

/// A response code, extended by EDNS to 12 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rcode(pub u16);

impl Rcode {
    /// Success, though perhaps without a record.
    pub const NOERROR: Self = Self(0);
    /// The server could not read the question.
    pub const FORMERR: Self = Self(1);
    /// The server failed.
    pub const SERVFAIL: Self = Self(2);
    /// The name does not exist.
    pub const NXDOMAIN: Self = Self(3);
    /// The server does not do this kind of question.
    pub const NOTIMP: Self = Self(4);
    /// The server does not want to answer.
    pub const REFUSED: Self = Self(5);
    /// The server does not know this version of EDNS (RFC 6891 §9).
    pub const BADVERS: Self = Self(16);
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.0 {
            0 => "NOERROR",
            1 => "FORMERR",
            2 => "SERVFAIL",
            3 => "NXDOMAIN",
            4 => "NOTIMP",
            5 => "REFUSED",
            6 => "YXDOMAIN",
            7 => "YXRRSET",
            8 => "NXRRSET",
            9 => "NOTAUTH",
            10 => "NOTZONE",
            16 => "BADVERS",
            23 => "BADCOOKIE",
            code => return f.pad(&format!("RCODE{code}")),
        })
    }
}

/// What is asked: the records of one type at one name, class IN.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// The name.
    pub name: DomainName,
    /// The type.
    pub rtype: RecordType,
}

/// What goes into the header and the OPT record of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskOptions {
    /// RD: ask the server to recurse.
    pub recursion_desired: bool,
    /// AD: ask for the server's own verdict on DNSSEC (RFC 6840 §5.7).
    pub authentic_data: bool,
    /// The UDP payload size to announce by EDNS; `None` sends no OPT record.
    pub edns: Option<u16>,
}

/// A message id that outsiders cannot guess.
#[must_use]
pub(super) fn random_id() -> u16 {
    // hickory draws it from the operating system's generator.
    Message::query().metadata.id
}

/// Encodes a question.
///
/// # Panics
///
/// Never: a [`DomainName`] is within the lengths that the codec takes.
#[must_use]
pub fn encode(id: u16, ask: &Ask, options: AskOptions) -> Vec<u8> {
    let mut message = Message::query();
    message.metadata.id = id;
    message.metadata.recursion_desired = options.recursion_desired;
    message.metadata.authentic_data = options.authentic_data;
    let name = Name::from_labels(ask.name.labels()).expect("a DomainName has valid lengths");
    message.add_query(Query::query(name, ask.rtype.0.into()));
    if let Some(payload) = options.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(payload).set_version(0);
        message.set_edns(edns);
    }
    message
        .to_vec()
        .expect("one question of at most 255 octets fits a message")
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
    let header = bytes.get(..HEADER)?;
    Some(Peek {
        id: u16::from_be_bytes([header[0], header[1]]),
        response: header[2] & 0x80 != 0,
        truncated: header[2] & 0x02 != 0,
    })
}

/// A message that answers, in our own words.
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
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
    /// The OPT record, if one came.
    pub edns: Option<EdnsReply>,
    /// Octets of the whole message.
    pub size: usize,
}

impl Reply {
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

/// One record of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Owner.
    pub name: DomainName,
    /// Type.
    pub rtype: RecordType,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// What it says, as far as resolving needs it.
    pub data: Data,
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

/// What the server said by EDNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnsReply {
    /// Version.
    pub version: u8,
    /// UDP payload size of the server.
    pub payload: u16,
    /// The extended error, if one came.
    pub extended_error: Option<ExtendedError>,
}

/// An extended DNS error (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedError {
    /// INFO-CODE.
    pub code: u16,
    /// EXTRA-TEXT, every byte outside printable ASCII escaped.
    pub text: String,
}

impl fmt::Display for ExtendedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EDE {}", self.code)?;
        if self.text.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.text)
    }
}

/// Why a message cannot be read, in the codec's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// Decodes a message; never panics, whatever the bytes.
pub fn decode(bytes: &[u8]) -> Result<Reply, Malformed> {
    let message = Message::from_vec(bytes).map_err(|error| Malformed(error.to_string()))?;
    let header = &message.metadata;
    Ok(Reply {
        id: header.id,
        response: peek(bytes).is_some_and(|peek| peek.response),
        authoritative: header.authoritative,
        truncated: header.truncation,
        recursion_available: header.recursion_available,
        authentic_data: header.authentic_data,
        rcode: Rcode(header.response_code.into()),
        question: message.queries.first().map(question).transpose()?.flatten(),
        answers: records(&message.answers)?,
        authority: records(&message.authorities)?,
        edns: message.edns.as_ref().map(edns),
        size: bytes.len(),
    })
}

/// The question in class IN; one of another class is none of ours.
fn question(query: &Query) -> Result<Option<Ask>, Malformed> {
    if query.query_class != rr::DNSClass::IN {
        return Ok(None);
    }
    Ok(Some(Ask {
        name: domain_name(&query.name)?,
        rtype: RecordType(query.query_type.into()),
    }))
}

fn records(section: &[rr::Record]) -> Result<Vec<Record>, Malformed> {
    let ours = section.iter();
    let ours = ours.filter(|record| record.dns_class == rr::DNSClass::IN);
    ours.map(record).collect()
}

fn record(record: &rr::Record) -> Result<Record, Malformed> {
    Ok(Record {
        name: domain_name(&record.name)?,
        rtype: RecordType(record.record_type().into()),
        ttl: record.ttl,
        data: data(&record.data)?,
    })
}

fn data(rdata: &RData) -> Result<Data, Malformed> {
    Ok(match rdata {
        RData::A(a) => Data::Address(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Data::Address(IpAddr::V6(aaaa.0)),
        RData::CNAME(cname) => Data::Alias(domain_name(&cname.0)?),
        RData::SOA(soa) => Data::Soa {
            minimum: soa.minimum,
        },
        _ => Data::Other,
    })
}

fn edns(edns: &Edns) -> EdnsReply {
    let extended_error = match edns.option(EdnsCode::from(EXTENDED_ERROR)) {
        Some(EdnsOption::Unknown(_, bytes)) => extended_error(bytes),
        _ => None,
    };
    EdnsReply {
        version: edns.version(),
        payload: edns.max_payload(),
        extended_error,
    }
}

fn extended_error(bytes: &[u8]) -> Option<ExtendedError> {
    let (code, text) = bytes.split_first_chunk()?;
    Some(ExtendedError {
        code: u16::from_be_bytes(*code),
        text: text.escape_ascii().to_string(),
    })
}

fn domain_name(name: &Name) -> Result<DomainName, Malformed> {
    DomainName::from_labels(name.iter()).map_err(|error| Malformed(error.to_string()))
}

/// Converts one label outside ASCII to its A-label (UTS 46, STD3 rules); `None` when not allowed.
pub(super) fn to_a_label(label: &str) -> Option<Vec<u8>> {
    // The codec reads `\` as an escape and `.` as a border; neither belongs to a U-label.
    if label.contains(['\\', '.']) {
        return None;
    }
    let name = Name::from_utf8(label).ok()?;
    let mut labels = name.iter();
    let first = labels.next()?.to_vec();
    labels.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(name: &str, rtype: RecordType) -> Ask {
        Ask {
            name: DomainName::parse(name).unwrap(),
            rtype,
        }
    }

    const OPTIONS: AskOptions = AskOptions {
        recursion_desired: true,
        authentic_data: false,
        edns: Some(1232),
    };

    #[test]
    fn a_question_is_encoded_as_rfc_1035_draws_it() {
        let bytes = encode(0xabcd, &ask("a.Example", RecordType::AAAA), OPTIONS);
        let expected = b"\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\
            \x01a\x07Example\x00\x00\x1c\x00\x01\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00";
        assert_eq!(bytes, expected);
        let bare = AskOptions {
            edns: None,
            ..OPTIONS
        };
        let bytes = encode(0xabcd, &ask("a.Example", RecordType::AAAA), bare);
        assert_eq!(bytes.len(), expected.len() - 11);
        assert_eq!(bytes[11], 0, "no additional record");
    }

    #[test]
    fn a_question_of_any_bytes_survives_the_codec() {
        let name = DomainName::from_labels([b"\x00\xff.".as_slice(), b"Ab"]).unwrap();
        let question = Ask {
            name: name.clone(),
            rtype: RecordType(65_280),
        };
        let reply = decode(&encode(7, &question, OPTIONS)).unwrap();
        assert!(!reply.response);
        let repeated = reply.question.unwrap();
        assert!(repeated.name.labels().eq(name.labels()), "case is kept");
        assert_eq!(repeated.rtype, RecordType(65_280));
    }

    #[test]
    fn an_extended_error_is_read_and_escaped() {
        let mut bytes = encode(1, &ask("x", RecordType::A), OPTIONS);
        bytes[2] |= 0x80;
        bytes[3] = 2;
        let option = b"\x00\x0f\x00\x05\x00\x16hi\x1b";
        let length = bytes.len();
        bytes[length - 1] = u8::try_from(option.len()).unwrap();
        bytes.extend_from_slice(option);
        let reply = decode(&bytes).unwrap();
        assert_eq!(reply.rcode, Rcode::SERVFAIL);
        let error = reply.edns.unwrap().extended_error.unwrap();
        assert_eq!(error.to_string(), r"EDE 22: hi\x1b");
    }

    #[test]
    fn the_code_16_reads_as_badvers() {
        let mut bytes = encode(1, &ask("x", RecordType::A), OPTIONS);
        let length = bytes.len();
        bytes[length - 6] = 1;
        assert_eq!(decode(&bytes).unwrap().rcode, Rcode::BADVERS);
        assert_eq!(Rcode::BADVERS.to_string(), "BADVERS");
    }

    /// A reply with an alias, an address and an SOA, all names compressed to the question's.
    fn sample_reply() -> Vec<u8> {
        let mut bytes = encode(7, &ask("www.example", RecordType::A), OPTIONS);
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
