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
        line(f, record, &record.rtype.to_string())?;
        write!(f, "{}", record.rdata)
    }
}

impl fmt::Display for GenericLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.0;
        line(f, record, &format!("TYPE{}", record.rtype.0))?;
        f.write_str(&record.rdata.generic())
    }
}

/// All but the data.
fn line(f: &mut fmt::Formatter<'_>, record: &Record, rtype: &str) -> fmt::Result {
    let (name, ttl) = (record.name.absolute().to_string(), record.ttl.to_string());
    let class = record.class.to_string();
    let mut column = 0;
    for (word, to) in [&name, &ttl, &class, rtype].into_iter().zip(COLUMNS) {
        f.write_str(word)?;
        column = indent(f, column + word.len(), to)?;
    }
    Ok(())
}

/// Goes on to a column by tabs, then blanks; one blank at least.
fn indent(f: &mut fmt::Formatter<'_>, from: usize, to: usize) -> Result<usize, fmt::Error> {
    let to = to.max(from + 1);
    let tabs = to / TAB - from / TAB;
    let reached = if tabs > 0 { to / TAB * TAB } else { from };
    for _ in 0..tabs {
        f.write_str("\t")?;
    }
    write!(f, "{:1$}", "", to - reached)?;
    Ok(to)
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
