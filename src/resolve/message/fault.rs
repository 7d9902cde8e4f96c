//! Where and why a message stops making sense.

use std::fmt;

use crate::resolve::registry::RecordType;

use super::header::Section;

/// The first thing in a message that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Octet of the message where it is, from 0; the length of the message when octets are missing.
    pub offset: usize,
    /// Where in the message: the section, and the entry in it from 0. `None` in the header.
    pub entry: Option<(Section, usize)>,
    /// Which rule is broken.
    pub rule: Rule,
}

impl Fault {
    pub(super) fn new(offset: usize, rule: Rule) -> Self {
        Self {
            offset,
            entry: None,
            rule,
        }
    }

    pub(super) fn within(mut self, section: Section, index: usize) -> Self {
        self.entry.get_or_insert((section, index));
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Rule::ShortHeader { length } = self.rule {
            return write!(f, "{length} octets are no header");
        }
        write!(f, "octet {}", self.offset)?;
        if let Some((section, index)) = self.entry {
            write!(f, ", {section} {}", index + 1)?;
        }
        write!(f, ": {} ({})", self.rule, self.rule.reference())
    }
}

impl std::error::Error for Fault {}

/// A rule of the message format that a message breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// Fewer octets than a header.
    ShortHeader {
        /// Octets there are.
        length: usize,
    },
    /// The message ends inside a name.
    NameBeyondEnd,
    /// The upper two bits of a length octet are 01 or 10.
    LabelKind {
        /// The octet.
        octet: u8,
    },
    /// A name of more than 255 octets.
    NameTooLong,
    /// A compression pointer to something that comes later.
    ForwardPointer {
        /// Where it points.
        to: usize,
    },
    /// A compression pointer into its own name.
    CompressionLoop {
        /// Where it points.
        to: usize,
    },
    /// A compression pointer into the header.
    PointerToHeader {
        /// Where it points.
        to: usize,
    },
    /// More compression pointers in one name than it can have labels.
    TooManyPointers,
    /// The message ends inside the fixed part of a question or record.
    EntryBeyondEnd,
    /// The data of a record is longer than what is left.
    DataBeyondEnd {
        /// Octets announced by RDLENGTH.
        announced: usize,
        /// Octets left.
        left: usize,
    },
    /// The header announces more entries than there are.
    CountTooHigh {
        /// The section.
        section: Section,
        /// Entries announced.
        announced: u16,
        /// Entries found.
        found: usize,
    },
    /// The data of a record is not what its type needs.
    Data {
        /// The type.
        rtype: RecordType,
        /// What is wrong, as half a sentence.
        what: &'static str,
    },
    /// A second OPT record.
    SecondOpt,
    /// An OPT record whose owner is not the root.
    OptOwner,
    /// An OPT record outside the additional section.
    OptSection,
    /// The options of an OPT record do not fill its data.
    OptOptions,
}

impl Rule {
    /// The standard that says so.
    #[must_use]
    pub fn reference(&self) -> &'static str {
        match self {
            Self::ShortHeader { .. } | Self::CountTooHigh { .. } => "RFC 1035 §4.1.1",
            Self::NameBeyondEnd | Self::NameTooLong => "RFC 1035 §3.1",
            Self::LabelKind { .. }
            | Self::ForwardPointer { .. }
            | Self::CompressionLoop { .. }
            | Self::PointerToHeader { .. }
            | Self::TooManyPointers => "RFC 1035 §4.1.4",
            Self::EntryBeyondEnd | Self::DataBeyondEnd { .. } => "RFC 1035 §4.1.3",
            Self::Data { rtype, .. } => data_reference(*rtype),
            Self::SecondOpt | Self::OptSection => "RFC 6891 §6.1.1",
            Self::OptOwner | Self::OptOptions => "RFC 6891 §6.1.2",
        }
    }

    /// A stable word for the rule, for JSON.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ShortHeader { .. } => "short_header",
            Self::NameBeyondEnd => "name_beyond_end",
            Self::LabelKind { .. } => "label_kind",
            Self::NameTooLong => "name_too_long",
            Self::ForwardPointer { .. } => "forward_pointer",
            Self::CompressionLoop { .. } => "compression_loop",
            Self::PointerToHeader { .. } => "pointer_to_header",
            Self::TooManyPointers => "too_many_pointers",
            Self::EntryBeyondEnd => "entry_beyond_end",
            Self::DataBeyondEnd { .. } => "data_beyond_end",
            Self::CountTooHigh { .. } => "count_too_high",
            Self::Data { .. } => "bad_rdata",
            Self::SecondOpt => "second_opt",
            Self::OptOwner => "opt_owner",
            Self::OptSection => "opt_section",
            Self::OptOptions => "opt_options",
        }
    }
}

fn data_reference(rtype: RecordType) -> &'static str {
    match rtype {
        RecordType::AAAA => "RFC 3596 §2.2",
        _ => "RFC 1035 §3.3",
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortHeader { length } => write!(f, "{length} octets are no header"),
            Self::NameBeyondEnd => f.write_str("the message ends inside a name"),
            Self::LabelKind { octet } => {
                write!(f, "{octet:#04x} begins neither a label nor a pointer")
            }
            Self::NameTooLong => f.write_str("the name has more than 255 octets"),
            Self::ForwardPointer { to } => {
                write!(
                    f,
                    "the name is compressed by a pointer forward, to octet {to}"
                )
            }
            Self::CompressionLoop { to } => {
                write!(
                    f,
                    "the name is compressed by a pointer into itself, at octet {to}"
                )
            }
            Self::PointerToHeader { to } => {
                write!(
                    f,
                    "the name is compressed by a pointer into the header, to octet {to}"
                )
            }
            Self::TooManyPointers => f.write_str("the name has more than 127 pointers"),
            Self::EntryBeyondEnd => f.write_str("the message ends inside the record"),
            Self::DataBeyondEnd { announced, left } => {
                write!(
                    f,
                    "{announced} octets of data are announced, {left} are left"
                )
            }
            Self::CountTooHigh {
                section,
                announced,
                found,
            } => write!(
                f,
                "the header announces {announced} in the {section} section, there are {found}"
            ),
            Self::Data { rtype, what } => write!(f, "the data of {rtype}: {what}"),
            Self::SecondOpt => f.write_str("a second OPT record"),
            Self::OptOwner => f.write_str("the owner of OPT is not the root"),
            Self::OptSection => f.write_str("OPT outside the additional section"),
            Self::OptOptions => f.write_str("the options of OPT do not fill its data"),
        }
    }
}
