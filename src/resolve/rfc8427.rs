//! A message as the JSON of RFC 8427.
//!
//! Numbers and names of the wire format as they are, the data of each record as hexadecimal digits
//! and as text. A message with a fault gives what can be read, and its octets.

use data_encoding::HEXUPPER;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::message::{Entry, Header, Message, QuestionRef, RecordRef, Section};

/// Serializes a message as RFC 8427 §2 has it.
#[derive(Clone, Copy, Debug)]
pub struct Rfc8427<'a>(pub Message<'a>);

impl Serialize for Rfc8427<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        header(self.0.header(), &mut map)?;
        questions(&self.0, &mut map)?;
        for (key, section) in [
            ("answerRRs", Section::Answer),
            ("authorityRRs", Section::Authority),
            ("additionalRRs", Section::Additional),
        ] {
            let records = self.0.records();
            let records: Vec<_> = records
                .filter(|record| record.section == section)
                .map(JsonRecord)
                .collect();
            if !records.is_empty() {
                map.serialize_entry(key, &records)?;
            }
        }
        if self.0.fault().is_some() {
            map.serialize_entry("messageOctetsHEX", &HEXUPPER.encode(self.0.bytes()))?;
        }
        map.end()
    }
}

/// RFC 8427 §2.1: flags are 0 or 1.
fn header<M: SerializeMap>(header: Header, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("ID", &header.id)?;
    map.serialize_entry("QR", &u8::from(header.response()))?;
    map.serialize_entry("Opcode", &header.opcode().0)?;
    for (key, flag) in [
        ("AA", header.authoritative()),
        ("TC", header.truncated()),
        ("RD", header.recursion_desired()),
        ("RA", header.recursion_available()),
        ("AD", header.authentic_data()),
        ("CD", header.checking_disabled()),
    ] {
        map.serialize_entry(key, &u8::from(flag))?;
    }
    map.serialize_entry("RCODE", &header.rcode_low())?;
    for (key, section) in [
        ("QDCOUNT", Section::Question),
        ("ANCOUNT", Section::Answer),
        ("NSCOUNT", Section::Authority),
        ("ARCOUNT", Section::Additional),
    ] {
        map.serialize_entry(key, &header.count(section))?;
    }
    Ok(())
}

/// RFC 8427 §2.2: the usual one question stands in the message itself.
fn questions<M: SerializeMap>(message: &Message<'_>, map: &mut M) -> Result<(), M::Error> {
    let entries = message.walk().map_while(|entry| match entry {
        Ok(Entry::Question(question)) => Some(question),
        _ => None,
    });
    let questions: Vec<_> = entries.collect();
    match &questions[..] {
        [] => Ok(()),
        [only] => question(only, map),
        several => {
            let several: Vec<_> = several.iter().copied().map(JsonQuestion).collect();
            map.serialize_entry("questionRRs", &several)
        }
    }
}

fn question<M: SerializeMap>(question: &QuestionRef<'_>, map: &mut M) -> Result<(), M::Error> {
    let name = question.name.to_owned();
    map.serialize_entry("QNAME", &name.absolute().to_string())?;
    map.serialize_entry("QTYPE", &question.rtype.0)?;
    map.serialize_entry("QTYPEname", &question.rtype.to_string())?;
    map.serialize_entry("QCLASS", &question.class.0)?;
    map.serialize_entry("QCLASSname", &question.class.to_string())
}

struct JsonQuestion<'a>(QuestionRef<'a>);

impl Serialize for JsonQuestion<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("NAME", &self.0.name.to_owned().absolute().to_string())?;
        map.serialize_entry("TYPE", &self.0.rtype.0)?;
        map.serialize_entry("TYPEname", &self.0.rtype.to_string())?;
        map.serialize_entry("CLASS", &self.0.class.0)?;
        map.serialize_entry("CLASSname", &self.0.class.to_string())?;
        map.end()
    }
}

/// RFC 8427 §2.3 and §2.4: `rdata` and the type's name is the key of the text.
struct JsonRecord<'a>(RecordRef<'a>);

impl Serialize for JsonRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = &self.0;
        let data = record.data();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("NAME", &record.name.to_owned().absolute().to_string())?;
        map.serialize_entry("TYPE", &record.rtype.0)?;
        map.serialize_entry("TYPEname", &record.rtype.to_string())?;
        map.serialize_entry("CLASS", &record.class.0)?;
        map.serialize_entry("CLASSname", &record.class.to_string())?;
        map.serialize_entry("TTL", &record.ttl)?;
        map.serialize_entry("RDLENGTH", &record.data_length)?;
        map.serialize_entry("RDATAHEX", &HEXUPPER.encode(data.bytes()))?;
        if data.fields().is_some() {
            let key = format!("rdata{}", record.rtype);
            map.serialize_entry(&key, &data.to_string())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_written_with_the_keys_of_the_rfc() {
        let bytes = b"\x12\x34\x85\x80\0\x01\0\x02\0\0\0\0\x01a\0\0\x0f\0\x01\
            \xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x06\0\x0a\x01b\xc0\x0c\
            \xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\xff\0";
        let message = Message::new(bytes).unwrap();
        let json = serde_json::to_value(Rfc8427(message)).unwrap();
        let expected = serde_json::json!({
            "ID": 0x1234, "QR": 1, "Opcode": 0, "AA": 1, "TC": 0, "RD": 1, "RA": 1, "AD": 0, "CD": 0,
            "RCODE": 0, "QDCOUNT": 1, "ANCOUNT": 2, "NSCOUNT": 0, "ARCOUNT": 0,
            "QNAME": "a.", "QTYPE": 15, "QTYPEname": "MX", "QCLASS": 1, "QCLASSname": "IN",
            "answerRRs": [{
                "NAME": "a.", "TYPE": 15, "TYPEname": "MX", "CLASS": 1, "CLASSname": "IN",
                "TTL": 60, "RDLENGTH": 6, "RDATAHEX": "000A0162016100", "rdataMX": "10 b.a.",
            }],
            "messageOctetsHEX": HEXUPPER.encode(bytes),
        });
        assert_eq!(json, expected);
    }
}
