//! One line of input: a name, and perhaps a type.

use std::fmt;

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
