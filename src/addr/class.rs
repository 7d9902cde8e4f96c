//! The classes of failure of the Go-compatible parsers: stable codes, and where the fault stands.
//!
//! Separate from [`ParseError`](super::ParseError), which is the worded form: these are copied, not
//! allocated, so that a parser can fail as fast as it succeeds.

use std::fmt;
use std::ops::Range;

use super::ip::{Fault, LiteralError};

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The address in it is not one.
    Literal(Fault),
    /// No colon, or nothing after the last one.
    MissingPort,
    /// More colons than one outside brackets.
    TooManyColons,
    /// `[` without `]`.
    MissingBracket,
    /// `[` where none can be.
    UnexpectedOpenBracket,
    /// `]` where none can be.
    UnexpectedCloseBracket,
    /// A number that is no port.
    InvalidPort,
    /// A port name nobody knows.
    UnknownPort,
    /// A network Go does not have, or not for this function.
    UnknownNetwork,
    /// An IP protocol nobody knows.
    UnknownProtocol,
    /// Neither an address nor a possible name.
    NoSuchHost,
    /// An address of the family the network excludes.
    NoSuitableAddress,
    /// `addr:port` without a colon.
    NoColon,
    /// `addr:port` without an address.
    EmptyIp,
    /// `addr:port` without a port.
    EmptyPort,
    /// IPv4 in brackets.
    BracketsOnV4,
    /// IPv6 with a port and no brackets.
    V6WithoutBrackets,
    /// A prefix without `/`.
    NoSlash,
    /// A zone in a prefix.
    ZoneInPrefix,
    /// A prefix length that is not a plain number.
    BadBits,
    /// A prefix length beyond the address.
    BitsRange,
    /// Not 6, 8 or 20 bytes in one of the notations of a hardware address.
    InvalidMac,
    /// A range without `-`.
    NoRange,
    /// A range between two families.
    MixedFamilies,
    /// A range whose end lies before its start.
    ReversedRange,
    /// Nothing of what is known.
    Unrecognised,
    /// Not UTF-8.
    NotUtf8,
}

impl Class {
    /// The stable code, as in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Literal(fault) => fault.code(),
            Self::MissingPort => "missing_port",
            Self::TooManyColons => "too_many_colons",
            Self::MissingBracket => "missing_bracket",
            Self::UnexpectedOpenBracket => "unexpected_open_bracket",
            Self::UnexpectedCloseBracket => "unexpected_close_bracket",
            Self::InvalidPort => "invalid_port",
            Self::UnknownPort => "unknown_port",
            Self::UnknownNetwork => "unknown_network",
            Self::UnknownProtocol => "unknown_protocol",
            Self::NoSuchHost => "no_such_host",
            Self::NoSuitableAddress => "no_suitable_address",
            Self::NoColon => "no_colon",
            Self::EmptyIp => "empty_ip",
            Self::EmptyPort => "empty_port",
            Self::BracketsOnV4 => "brackets_on_v4",
            Self::V6WithoutBrackets => "v6_without_brackets",
            Self::NoSlash => "no_slash",
            Self::ZoneInPrefix => "zone_in_prefix",
            Self::BadBits => "bad_bits",
            Self::BitsRange => "bits_range",
            Self::InvalidMac => "invalid_mac",
            Self::NoRange => "no_range",
            Self::MixedFamilies => "mixed_families",
            Self::ReversedRange => "reversed_range",
            Self::Unrecognised => "unrecognised",
            Self::NotUtf8 => "not_utf8",
        }
    }
}

impl Fault {
    /// The stable code, as in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAnIp => "not_ip",
            Self::MissingIpv6 => "zone_without_address",
            Self::LeadingZero => "v4_leading_zero",
            Self::OctetTooBig => "v4_octet_range",
            Self::EmptyOctet => "v4_empty_octet",
            Self::Ipv4TooLong => "v4_too_many_octets",
            Self::Ipv4TooShort => "v4_too_few_octets",
            Self::UnexpectedCharacter => "v4_bad_char",
            Self::EmptyZone => "v6_empty_zone",
            Self::GroupTooLong => "v6_group_too_long",
            Self::EmptyGroup => "v6_empty_group",
            Self::EmbeddedIpv4NotLast => "v6_embedded_v4_position",
            Self::EmbeddedIpv4NoRoom => "v6_embedded_v4_no_room",
            Self::WantColon => "v6_bad_char",
            Self::TrailingColon => "v6_trailing_colon",
            Self::SecondEllipsis => "v6_multiple_ellipsis",
            Self::TrailingGarbage => "v6_too_many_groups",
            Self::Ipv6TooShort => "v6_too_few_groups",
            Self::EllipsisForNothing => "v6_useless_ellipsis",
        }
    }
}

/// A refusal: its class, and the bytes of the input to underline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddrError {
    /// Why.
    pub class: Class,
    /// First byte at fault.
    pub start: usize,
    /// First byte after the fault; equal to `start` when something is missing there.
    pub end: usize,
}

impl AddrError {
    /// Points at `span`.
    #[must_use]
    pub fn new(class: Class, span: Range<usize>) -> Self {
        let (start, end) = (span.start, span.end);
        Self { class, start, end }
    }

    /// The bytes at fault.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        self.start..self.end
    }

    /// The fault of a literal that stands at `offset` of the input.
    pub(super) fn literal(literal: &str, error: LiteralError, offset: usize) -> Self {
        let span = error.span(literal);
        Self::new(
            Class::Literal(error.fault),
            offset + span.start..offset + span.end,
        )
    }
}

impl fmt::Display for AddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, start, end } = self;
        write!(f, "{} at bytes {start}..{end}", class.code())
    }
}

impl std::error::Error for AddrError {}
