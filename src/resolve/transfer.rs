//! A zone transfer as the messages of its stream come in (RFC 5936), sans-I/O.
//!
//! The caller frames the messages (two octets of length over TCP) and hands each to
//! [`Transfer::message`]; records are passed on as they come, none is kept. It ends with the second
//! SOA, never with the end of the stream: a stream that ends earlier was cut.

use std::fmt;

use super::message::{Entry, Fault, Message, RecordRef, Section};
use super::registry::{Class, Rcode, RecordType};
use super::wire::{Ask, Data, Record};

/// A transfer while it runs.
#[derive(Clone, Debug)]
pub struct Transfer {
    id: u16,
    ask: Ask,
    first: Option<Record>,
    over: bool,
    messages: u64,
    records: u64,
}

/// What a message did to the transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More messages have to come.
    More,
    /// The zone is whole.
    Done,
}

impl Transfer {
    /// Begins with the question that was sent: its id and `AXFR` at the zone's name.
    #[must_use]
    pub fn new(id: u16, ask: Ask) -> Self {
        Self {
            id,
            ask,
            first: None,
            over: false,
            messages: 0,
            records: 0,
        }
    }

    /// Messages so far.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Records so far, the SOA at both ends counted.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The SOA at the front, once it has come.
    #[must_use]
    pub fn soa(&self) -> Option<&Record> {
        self.first.as_ref()
    }

    /// Takes the next message and passes its records on, the SOA at both ends included.
    ///
    /// After an error the transfer is over; what was passed on before stands.
    pub fn message(
        &mut self,
        packet: &[u8],
        mut each: impl FnMut(Record),
    ) -> Result<Progress, TransferError> {
        let message = Message::new(packet)?;
        self.check(&message)?;
        self.messages += 1;
        for entry in message.walk() {
            match entry? {
                Entry::Question(question) if !self.ask.is(&question) => {
                    return Err(TransferError::WrongQuestion);
                }
                Entry::Record(record) if record.section == Section::Answer => {
                    each(self.record(&record)?);
                }
                _ => {}
            }
        }
        match (self.over, self.first.is_some()) {
            (true, _) => Ok(Progress::Done),
            (false, true) => Ok(Progress::More),
            (false, false) => Err(TransferError::NoSoa),
        }
    }

    /// RFC 5936 §2.2.1: what the header of each message must say.
    fn check(&self, message: &Message<'_>) -> Result<(), TransferError> {
        let header = message.header();
        if header.id != self.id {
            return Err(TransferError::WrongId { id: header.id });
        }
        if !header.response() {
            return Err(TransferError::NotAResponse);
        }
        if header.rcode_low() != 0 {
            let rcode = Rcode(header.rcode_low().into());
            return Err(TransferError::Rcode(rcode));
        }
        if header.truncated() {
            return Err(TransferError::Truncated);
        }
        Ok(())
    }

    /// RFC 5936 §2.2: the SOA is first and last, and nothing follows it.
    fn record(&mut self, record: &RecordRef<'_>) -> Result<Record, TransferError> {
        if self.over {
            return Err(TransferError::AfterEnd);
        }
        let record = Record::from(record);
        self.records += 1;
        let is_soa = record.rtype == RecordType::SOA;
        match &self.first {
            None if !is_soa || record.name != self.ask.name => return Err(TransferError::NoSoa),
            None => self.first = Some(record.clone()),
            Some(first) if is_soa && record.name == first.name => {
                if serial(first) != serial(&record) {
                    return Err(TransferError::SerialChanged);
                }
                self.over = true;
            }
            Some(_) if !record.name.is_within(&self.ask.name) => {
                return Err(TransferError::OutOfZone {
                    name: record.name.to_string(),
                });
            }
            Some(_) => {}
        }
        Ok(record)
    }
}

/// The serial number of an SOA that can be read.
#[must_use]
pub fn serial(record: &Record) -> Option<u32> {
    let is_soa = matches!(record.data, Data::Soa { .. }) && record.class != Class::NONE;
    let bytes = record.rdata.bytes();
    let at = bytes.len().checked_sub(20)?;
    let serial = bytes[at..].first_chunk::<4>()?;
    is_soa.then(|| u32::from_be_bytes(*serial))
}

/// Why a transfer ended before the zone was whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferError {
    /// A message that cannot be read.
    Malformed(Fault),
    /// A message with another id.
    WrongId {
        /// The id that came.
        id: u16,
    },
    /// QR is not set.
    NotAResponse,
    /// Another question.
    WrongQuestion,
    /// The server says no.
    Rcode(Rcode),
    /// TC is set, which has no meaning in a transfer.
    Truncated,
    /// The first record is not the SOA of the zone.
    NoSoa,
    /// A record after the second SOA.
    AfterEnd,
    /// The SOA at the end has another serial than the one at the front.
    SerialChanged,
    /// A record that is not of the zone.
    OutOfZone {
        /// Its owner.
        name: String,
    },
}

impl From<Fault> for TransferError {
    fn from(fault: Fault) -> Self {
        Self::Malformed(fault)
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(fault) => write!(f, "malformed: {fault}"),
            Self::WrongId { .. } => f.write_str("wrong id"),
            Self::NotAResponse => f.write_str("not a response"),
            Self::WrongQuestion => f.write_str("wrong question"),
            Self::Rcode(rcode) => write!(f, "the server refuses the transfer ({rcode})"),
            Self::Truncated => f.write_str("a message of the transfer is truncated"),
            Self::NoSoa => f.write_str("the transfer does not begin with the SOA of the zone"),
            Self::AfterEnd => f.write_str("a record follows the end of the zone"),
            Self::SerialChanged => f.write_str("the zone changed during its transfer"),
            Self::OutOfZone { name } => write!(f, "{name} is not of the zone"),
        }
    }
}

impl std::error::Error for TransferError {}

#[cfg(test)]
mod tests {
    use crate::resolve::name::DomainName;

    use super::*;

    const SOA: &[u8] = b"\x04zone\0\0\x06\0\x01\0\0\0\x3c\0\x16\0\0\
        \0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";
    const A: &[u8] = b"\x01a\x04zone\0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";

    fn transfer() -> Transfer {
        let zone = DomainName::parse("zone").unwrap();
        Transfer::new(7, Ask::new(zone, RecordType::AXFR))
    }

    /// A message of answers.
    fn message(records: &[&[u8]]) -> Vec<u8> {
        let count = u8::try_from(records.len()).unwrap();
        let header = [0, 7, 0x84, 0, 0, 0, 0, count, 0, 0, 0, 0];
        [&header[..], &records.concat()].concat()
    }

    fn run(messages: &[Vec<u8>]) -> (Vec<String>, Result<Progress, TransferError>) {
        let (mut transfer, mut types) = (transfer(), Vec::new());
        let mut last = Ok(Progress::More);
        for packet in messages {
            last = transfer.message(packet, |record| types.push(record.rtype.to_string()));
        }
        (types, last)
    }

    #[test]
    fn a_zone_is_whole_with_its_second_soa_however_it_is_cut() {
        let cuts = [
            vec![message(&[SOA, A, A, SOA])],
            vec![message(&[SOA]), message(&[A, A]), message(&[SOA])],
            vec![message(&[SOA, A]), message(&[]), message(&[A, SOA])],
        ];
        for messages in cuts {
            let (types, last) = run(&messages);
            assert_eq!(types, ["SOA", "A", "A", "SOA"]);
            assert_eq!(last, Ok(Progress::Done));
        }
        assert_eq!(run(&[message(&[SOA, A])]).1, Ok(Progress::More));
    }

    #[test]
    fn what_is_no_transfer_is_told_apart() {
        let mut other_serial = SOA.to_vec();
        other_serial[20] ^= 1;
        let mut foreign = A.to_vec();
        foreign[3] = b'x';
        let patched = |at: usize, value| {
            let mut packet = message(&[SOA, A, SOA]);
            packet[at] = value;
            packet
        };
        let rows = [
            (message(&[A, SOA]), TransferError::NoSoa),
            (message(&[]), TransferError::NoSoa),
            (message(&[SOA, A, SOA, A]), TransferError::AfterEnd),
            (message(&[SOA, &other_serial]), TransferError::SerialChanged),
            (
                message(&[SOA, &foreign, SOA]),
                TransferError::OutOfZone {
                    name: "a.xone".to_owned(),
                },
            ),
            (patched(1, 8), TransferError::WrongId { id: 8 }),
            (patched(2, 0), TransferError::NotAResponse),
            (patched(2, 0x86), TransferError::Truncated),
            (patched(3, 5), TransferError::Rcode(Rcode::REFUSED)),
        ];
        for (packet, expected) in rows {
            assert_eq!(run(&[packet]).1, Err(expected));
        }
        let cut = run(&[message(&[SOA, A])[..50].to_vec()]).1;
        assert!(matches!(cut, Err(TransferError::Malformed(_))), "{cut:?}");
    }
}
