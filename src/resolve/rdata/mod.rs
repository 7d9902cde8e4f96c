//! What a record says: its data by itself, as text that reads back and as named fields.
//!
//! One description of every type (`layout`) is read once into values, and both the text of a zone
//! file and the fields of JSON are written from those values, so that they cannot disagree. Data of
//! a type that nobody knows, or that is not as its type needs it, is written as RFC 3597 has it.

mod cursor;
mod fields;
mod layout;
mod places;
mod special;
mod svcb;
mod text;
mod value;

use std::fmt;

use data_encoding::HEXUPPER;

use super::registry::{Class, RecordType};

pub use cursor::Bad;
use cursor::Cursor;
pub use fields::Fields;
use layout::Layout;
pub use value::{Text, Value};

/// The data of one record, independent of the message it came in: its names are written out.
///
/// `Display` is the form of a zone file as `dig` writes it: names with their final dot and decimal
/// `\DDD`, strings in quotes, never a control character; RFC 3597 (`\# length hex`) for what has no
/// form of its own. `Serialize` gives the named fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rdata {
    rtype: RecordType,
    class: Class,
    bytes: Box<[u8]>,
    bad: Option<Bad>,
}

impl Rdata {
    /// Takes data without compressed names, as in a zone file's `\#` form.
    #[must_use]
    pub fn new(rtype: RecordType, class: Class, bytes: &[u8]) -> Self {
        let mut this = Self {
            rtype,
            class,
            bytes: bytes.into(),
            bad: None,
        };
        this.bad = Fields::read(rtype, class, Cursor::whole(bytes)).err();
        this
    }

    /// Takes the data of a record out of its message.
    pub(super) fn read(
        rtype: RecordType,
        class: Class,
        message: &[u8],
        start: usize,
        length: usize,
    ) -> Self {
        let raw = &message[start..start + length];
        let (bytes, bad) = match expand(rtype, class, message, start, length) {
            Ok(bytes) => (bytes.unwrap_or_else(|| raw.to_vec()), None),
            Err(bad) => (raw.to_vec(), Some(bad)),
        };
        Self {
            rtype,
            class,
            bytes: bytes.into(),
            bad,
        }
    }

    /// The type that it is read as.
    #[must_use]
    pub fn rtype(&self) -> RecordType {
        self.rtype
    }

    /// The class that it is read in.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// The octets, names written out; as they came when they cannot be read.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is wrong with the data for its type.
    #[must_use]
    pub fn bad(&self) -> Option<Bad> {
        self.bad
    }

    /// The named fields; `None` when the type is not known or the data not as it needs it.
    #[must_use]
    pub fn fields(&self) -> Option<Fields<'_>> {
        if self.bad.is_some() {
            return None;
        }
        let fields = Fields::read(self.rtype, self.class, Cursor::whole(&self.bytes));
        fields.ok().flatten()
    }

    /// The octets as RFC 3597 §5 writes what it does not know.
    #[must_use]
    pub fn generic(&self) -> String {
        let hex = text::chunked(&HEXUPPER.encode(&self.bytes));
        match self.bytes.len() {
            0 => "\\# 0".to_owned(),
            length => format!("\\# {length} {hex}"),
        }
    }
}

/// The data with its names written out; `None` when it has none and is good as it is.
fn expand(
    rtype: RecordType,
    class: Class,
    message: &[u8],
    start: usize,
    length: usize,
) -> Result<Option<Vec<u8>>, Bad> {
    let cursor = Cursor::within(message, start, length);
    match Layout::of(rtype, class) {
        Some(layout) => layout.expand(cursor),
        None => Ok(None),
    }
}

impl fmt::Display for Rdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fields() {
            Some(fields) => fields.fmt(f),
            None => f.write_str(&self.generic()),
        }
    }
}

impl serde::Serialize for Rdata {
    /// The named fields; `null` without any.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields().serialize(serializer)
    }
}
