//! One line of input: a name, and perhaps a type.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use crate::addr::groups;
use crate::resolve::name::NameError;
use crate::resolve::wire::RecordType;

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The name as written.
    pub name: &'a str,
    /// The type, if one is written.
    pub qtype: Option<RecordType>,
}

/// Why a line cannot be asked; `Display` is the reason as half a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// The name is none.
    Name(NameError),
    /// The second word is no type.
    Type(String),
    /// The type stands for a transfer of the zone.
    Transfer(RecordType),
    /// More than a name and a type.
    TooManyWords,
    /// It is not UTF-8.
    NotText,
    /// It does not end within 1,200 octets.
    TooLong,
}

/// Octets of a line at most: the longest name with every octet escaped, and a type.
pub(super) const LONGEST: usize = 1_200;

impl Line<'_> {
    /// The name to ask for and the type: those of the line, or `qtype` where it says none. An address
    /// stands for its reverse name, and asks for PTR instead of addresses.
    pub(super) fn question(&self, qtype: RecordType) -> (Cow<'_, str>, RecordType) {
        let Some(ip) = address(self.name) else {
            return (self.name.into(), self.qtype.unwrap_or(qtype));
        };
        let qtype = match qtype {
            RecordType::A | RecordType::AAAA => RecordType::PTR,
            other => other,
        };
        let name = groups::reverse_name(ip.to_canonical());
        (name.into(), self.qtype.unwrap_or(qtype))
    }
}

/// The address, if the name is one.
fn address(name: &str) -> Option<IpAddr> {
    // Nearly no name is, so that is seen at a glance.
    let may_be_one = name.ends_with(|last: char| last.is_ascii_digit()) || name.contains(':');
    may_be_one.then(|| name.parse().ok()).flatten()
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Type(word) => write!(f, "{word:?} is not a record type"),
            Self::Transfer(rtype) => write!(
                f,
                "{rtype} is a transfer, which is more than one line: ask for it by itself"
            ),
            Self::TooManyWords => f.write_str("a line is a name and perhaps a type"),
            Self::NotText => f.write_str("the line is not UTF-8"),
            Self::TooLong => write!(f, "the line is longer than {LONGEST} octets"),
        }
    }
}

impl std::error::Error for InputError {}

/// Reads a line: `name` or `name type`, separated by white space. `None` for an empty line and for
/// a comment (`#`).
#[must_use]
pub fn parse_line(line: &[u8]) -> Option<Result<Line<'_>, InputError>> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return None;
    }
    Some(read(line))
}

fn read(line: &[u8]) -> Result<Line<'_>, InputError> {
    if line.len() > LONGEST {
        return Err(InputError::TooLong);
    }
    let text = std::str::from_utf8(line).map_err(|_| InputError::NotText)?;
    let Some((name, rest)) = text.split_once([' ', '\t']) else {
        return Ok(Line {
            name: text,
            qtype: None,
        });
    };
    let word = rest.trim();
    if word.contains([' ', '\t']) {
        return Err(InputError::TooManyWords);
    }
    let qtype: RecordType = word
        .parse()
        .map_err(|_| InputError::Type(word.to_owned()))?;
    match qtype {
        RecordType::AXFR | RecordType::IXFR => Err(InputError::Transfer(qtype)),
        qtype => Ok(Line {
            name,
            qtype: Some(qtype),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_for_in_reverse() {
        let rows = [
            ("a.example", RecordType::A, "a.example", RecordType::A),
            ("a.example MX", RecordType::A, "a.example", RecordType::MX),
            (
                "192.0.2.1",
                RecordType::A,
                "1.2.0.192.in-addr.arpa.",
                RecordType::PTR,
            ),
            (
                "192.0.2.1",
                RecordType::TXT,
                "1.2.0.192.in-addr.arpa.",
                RecordType::TXT,
            ),
            (
                "192.0.2.1 NS",
                RecordType::A,
                "1.2.0.192.in-addr.arpa.",
                RecordType::NS,
            ),
            (
                "::ffff:192.0.2.1",
                RecordType::AAAA,
                "1.2.0.192.in-addr.arpa.",
                RecordType::PTR,
            ),
            ("1.2.3", RecordType::A, "1.2.3", RecordType::A),
        ];
        for (line, default, name, qtype) in rows {
            let line = parse_line(line.as_bytes()).unwrap().unwrap();
            assert_eq!(line.question(default), (name.into(), qtype), "{line:?}");
        }
    }
}
