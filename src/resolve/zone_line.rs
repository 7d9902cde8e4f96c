//! Records as lines of a zone file, in the columns of `dig`, so that the two compare byte by byte.

use std::fmt;

use super::wire::Record;

/// Columns of TTL, class, type and data, as `dig` has them.
const COLUMNS: [usize; 4] = [24, 32, 40, 48];
/// Columns of a tab.
const TAB: usize = 8;

/// A record as `name ttl class type data`.
///
/// ```
/// use netkit::resolve::message::{Message, Section};
/// use netkit::resolve::wire::records;
/// use netkit::resolve::zone_line::ZoneLine;
/// let bytes = b"\0\0\x80\0\0\0\0\x01\0\0\0\0\x01a\0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
/// let message = Message::new(bytes)?;
/// let record = records(&message, Section::Answer).next().unwrap();
/// assert_eq!(ZoneLine(&record).to_string(), "a.\t\t\t60\tIN\tA\t192.0.2.1");
/// # Ok::<(), netkit::resolve::message::Fault>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ZoneLine<'a>(pub &'a Record);

/// The same record for a server that does not know its type: `TYPEn \\# length hex` (RFC 3597 §5).
#[derive(Clone, Copy, Debug)]
pub struct GenericLine<'a>(pub &'a Record);

impl fmt::Display for ZoneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.0;
        f.write_str(&front_of(record, &record.rtype.to_string()))?;
        write!(f, "{}", record.rdata)
    }
}

impl fmt::Display for GenericLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.0;
        f.write_str(&front_of(record, &format!("TYPE{}", record.rtype.0)))?;
        f.write_str(&record.rdata.generic())
    }
}

fn front_of(record: &Record, rtype: &str) -> String {
    let name = record.name.absolute().to_string();
    front(&name, record.ttl, &record.class.to_string(), rtype)
}

/// All but the data, up to its column; the name has its final dot.
#[must_use]
pub fn front(name: &str, ttl: u32, class: &str, rtype: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for (word, to) in [name, &ttl.to_string(), class, rtype]
        .into_iter()
        .zip(COLUMNS)
    {
        text.push_str(word);
        column = indent(&mut text, column + word.len(), to);
    }
    text
}

/// Goes on to a column by tabs, then blanks; one blank at least.
fn indent(text: &mut String, from: usize, to: usize) -> usize {
    let to = to.max(from + 1);
    let tabs = to / TAB - from / TAB;
    let reached = if tabs > 0 { to / TAB * TAB } else { from };
    text.extend(std::iter::repeat_n('\t', tabs));
    text.extend(std::iter::repeat_n(' ', to - reached));
    to
}

#[cfg(test)]
mod tests {
    use crate::resolve::name::DomainName;
    use crate::resolve::rdata::Rdata;
    use crate::resolve::registry::{Class, RecordType};
    use crate::resolve::wire::Data;

    use super::*;

    fn line(name: &str, ttl: u32, rtype: RecordType) -> String {
        let record = Record {
            name: DomainName::parse(name).unwrap(),
            rtype,
            class: Class::IN,
            ttl,
            data: Data::Other,
            rdata: Rdata::new(rtype, Class::IN, b"\xc0\0\x02\x01"),
        };
        ZoneLine(&record).to_string()
    }

    #[test]
    fn columns_are_those_of_dig() {
        let rows = [
            ("a", "a.\t\t\t60\tIN\tA\t192.0.2.1"),
            (
                "sixteen.letters1",
                "sixteen.letters1.\t60\tIN\tA\t192.0.2.1",
            ),
            (
                "a-name.of.24.characters",
                "a-name.of.24.characters. 60\tIN\tA\t192.0.2.1",
            ),
            (
                "a-name.of.32.characters.so.long",
                "a-name.of.32.characters.so.long. 60 IN\tA\t192.0.2.1",
            ),
        ];
        for (name, expected) in rows {
            assert_eq!(line(name, 60, RecordType::A), expected);
        }
        assert_eq!(
            line("a", 4_000_000_000, RecordType(65_280)),
            "a.\t\t\t4000000000 IN\tTYPE65280 \\# 4 C0000201"
        );
    }
}
