//! The OPT record of a reply.

use std::fmt;

use crate::resolve::message::{Fault, RecordRef, Rule, Section};
use crate::resolve::registry::{EdeCode, OptionCode};

use super::option::EdnsOption;

/// DO.
const DNSSEC_OK: u16 = 0x8000;

/// What the server said by EDNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnsReply {
    /// Version.
    pub version: u8,
    /// UDP payload size of the server.
    pub payload: u16,
    /// DO: the bit repeated.
    pub dnssec_ok: bool,
    /// The flags that have no meaning yet.
    pub z: u16,
    /// The upper eight bits of the response code.
    pub rcode_high: u8,
    /// The extended error, the first if there are several.
    pub extended_error: Option<ExtendedError>,
    /// All options in their order.
    pub options: Vec<EdnsOption>,
}

impl EdnsReply {
    /// Reads an OPT record.
    pub(in crate::resolve) fn read(record: &RecordRef<'_>) -> Result<Self, Fault> {
        let fault = |offset, rule| Fault {
            offset,
            entry: Some((record.section, record.index)),
            rule,
        };
        if record.section != Section::Additional {
            return Err(fault(record.offset(), Rule::OptSection));
        }
        if record.name.labels().next().is_some() {
            return Err(fault(record.offset(), Rule::OptOwner));
        }
        let options = options(record.rdata())
            .map_err(|at| fault(record.data_offset + at, Rule::OptOptions))?;
        let [rcode_high, version, high, low] = record.ttl.to_be_bytes();
        let flags = u16::from_be_bytes([high, low]);
        let mut errors = options.iter();
        let error = errors.find(|option| option.code == OptionCode::EXTENDED_ERROR);
        Ok(Self {
            version,
            payload: record.class.0,
            dnssec_ok: flags & DNSSEC_OK != 0,
            z: flags & !DNSSEC_OK,
            rcode_high,
            extended_error: error.and_then(|option| ExtendedError::read(&option.data)),
            options,
        })
    }

    /// The first option of a code.
    #[must_use]
    pub fn option(&self, code: OptionCode) -> Option<&EdnsOption> {
        self.options.iter().find(|option| option.code == code)
    }

    /// Every extended error, in the order of the message.
    pub fn extended_errors(&self) -> impl Iterator<Item = ExtendedError> + '_ {
        let options = self.options.iter();
        let errors = options.filter(|option| option.code == OptionCode::EXTENDED_ERROR);
        errors.filter_map(|option| ExtendedError::read(&option.data))
    }
}

/// Cuts the data into options; fails with the offset of the one that does not fit.
fn options(data: &[u8]) -> Result<Vec<EdnsOption>, usize> {
    let mut options = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let at = data.len() - rest.len();
        let (&[a, b, c, d], tail) = rest.split_first_chunk().ok_or(at)?;
        let length = usize::from(u16::from_be_bytes([c, d]));
        let (data, tail) = tail.split_at_checked(length).ok_or(at)?;
        options.push(EdnsOption::new(
            OptionCode(u16::from_be_bytes([a, b])),
            data,
        ));
        rest = tail;
    }
    Ok(options)
}

/// An extended DNS error (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedError {
    /// INFO-CODE.
    pub code: u16,
    /// EXTRA-TEXT, every byte outside printable ASCII escaped.
    pub text: String,
}

impl ExtendedError {
    /// Reads the data of an option.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (code, text) = bytes.split_first_chunk()?;
        Some(Self {
            code: u16::from_be_bytes(*code),
            text: text.escape_ascii().to_string(),
        })
    }

    /// The registry's name for the code, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        EdeCode(self.code).mnemonic()
    }
}

impl fmt::Display for ExtendedError {
    /// Writes `EDE 22 (No Reachable Authority): text`, as far as there is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EDE {}", self.code)?;
        if let Some(name) = self.name() {
            write!(f, " ({name})")?;
        }
        if self.text.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.text)
    }
}
