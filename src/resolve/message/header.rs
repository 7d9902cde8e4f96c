//! The twelve octets at the front of a message (RFC 1035 §4.1.1, RFC 4035 §3 for AD and CD).

use std::fmt;

use crate::resolve::registry::Opcode;

use super::HEADER;
use super::fault::{Fault, Rule};

/// A section of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// What is asked.
    Question,
    /// The answer.
    Answer,
    /// Who is responsible, or why there is no answer.
    Authority,
    /// What may help.
    Additional,
}

impl Section {
    /// All of them in the order of the message.
    pub const ALL: [Self; 4] = [
        Self::Question,
        Self::Answer,
        Self::Authority,
        Self::Additional,
    ];

    /// The one after it.
    pub(super) fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Question => "question",
            Self::Answer => "answer",
            Self::Authority => "authority",
            Self::Additional => "additional",
        })
    }
}

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Message id.
    pub id: u16,
    /// QR, opcode, flags and response code as they are on the wire.
    pub bits: u16,
    /// Entries announced for each [`Section`].
    pub counts: [u16; 4],
}

impl Header {
    /// Reads the first twelve octets.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let short = || {
            Fault::new(
                bytes.len(),
                Rule::ShortHeader {
                    length: bytes.len(),
                },
            )
        };
        let header = bytes.first_chunk::<HEADER>().ok_or_else(short)?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        Ok(Self {
            id: word(0),
            bits: word(2),
            counts: [word(4), word(6), word(8), word(10)],
        })
    }

    /// Entries announced for a section.
    #[must_use]
    pub fn count(self, section: Section) -> u16 {
        self.counts[section as usize]
    }

    /// QR: a reply.
    #[must_use]
    pub fn response(self) -> bool {
        self.bits & 0x8000 != 0
    }

    /// OPCODE.
    #[must_use]
    pub fn opcode(self) -> Opcode {
        Opcode((self.bits >> 11 & 0xf) as u8)
    }

    /// AA: the server is responsible for the name.
    #[must_use]
    pub fn authoritative(self) -> bool {
        self.bits & 0x0400 != 0
    }

    /// TC: the message was cut to fit.
    #[must_use]
    pub fn truncated(self) -> bool {
        self.bits & 0x0200 != 0
    }

    /// RD: recursion was asked for.
    #[must_use]
    pub fn recursion_desired(self) -> bool {
        self.bits & 0x0100 != 0
    }

    /// RA: the server recurses.
    #[must_use]
    pub fn recursion_available(self) -> bool {
        self.bits & 0x0080 != 0
    }

    /// Z: the one bit that has no meaning yet.
    #[must_use]
    pub fn z(self) -> bool {
        self.bits & 0x0040 != 0
    }

    /// AD: the server has validated the data.
    #[must_use]
    pub fn authentic_data(self) -> bool {
        self.bits & 0x0020 != 0
    }

    /// CD: the client validates itself.
    #[must_use]
    pub fn checking_disabled(self) -> bool {
        self.bits & 0x0010 != 0
    }

    /// The lower four bits of the response code; the OPT record has the upper eight.
    #[must_use]
    pub fn rcode_low(self) -> u8 {
        (self.bits & 0xf) as u8
    }
}
