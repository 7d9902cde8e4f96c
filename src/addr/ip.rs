//! The one parser of address literals: Go's `netip.ParseAddr`, byte by byte.
//!
//! Everything that reads an address (targets, prefixes, endpoints, the filter) sits on it, so that
//! a text has one meaning everywhere. It allocates nothing; the error carries what went wrong and
//! where, and leaves the wording to whoever shows it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// An address as written: with its zone, which the types of std cannot hold.
///
/// Borrowed from the text, so that parsing allocates nothing. `Display` is the canonical text
/// (RFC 5952), with the zone as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Literal<'a> {
    /// The address.
    pub ip: IpAddr,
    /// What stands after the first `%`; never empty, only on IPv6.
    pub zone: Option<&'a str>,
}

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.zone {
            Some(zone) => write!(f, "{}%{zone}", self.ip),
            None => write!(f, "{}", self.ip),
        }
    }
}

/// Why a text is not an address literal: Go's distinctions, in Go's order of checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Neither a dot nor a colon nor a `%`.
    NotAnIp,
    /// A `%` before any dot or colon.
    MissingIpv6,
    /// An octet such as `01`.
    LeadingZero,
    /// An octet above 255.
    OctetTooBig,
    /// Two dots in a row, or one at an end.
    EmptyOctet,
    /// More than four octets.
    Ipv4TooLong,
    /// Fewer than four octets.
    Ipv4TooShort,
    /// Neither a digit nor a dot in IPv4.
    UnexpectedCharacter,
    /// A `%` with nothing after it.
    EmptyZone,
    /// A group of more than four hexadecimal digits.
    GroupTooLong,
    /// A group without a digit.
    EmptyGroup,
    /// Dotted digits that are not the last 32 bits.
    EmbeddedIpv4NotLast,
    /// Dotted digits after seven groups.
    EmbeddedIpv4NoRoom,
    /// Something else where a colon should be.
    WantColon,
    /// A single colon at the end.
    TrailingColon,
    /// `::` twice.
    SecondEllipsis,
    /// More after eight groups.
    TrailingGarbage,
    /// Fewer than eight groups and no `::`.
    Ipv6TooShort,
    /// `::` beside eight groups.
    EllipsisForNothing,
}

impl Fault {
    /// Go's words for it.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::NotAnIp => "unable to parse IP",
            Self::MissingIpv6 => "missing IPv6 address",
            Self::LeadingZero => "IPv4 field has octet with leading zero",
            Self::OctetTooBig => "IPv4 field has value >255",
            Self::EmptyOctet => "IPv4 field must have at least one digit",
            Self::Ipv4TooLong => "IPv4 address too long",
            Self::Ipv4TooShort => "IPv4 address too short",
            Self::UnexpectedCharacter => "unexpected character",
            Self::EmptyZone => "zone must be a non-empty string",
            Self::GroupTooLong => "each group must have 4 or less digits",
            Self::EmptyGroup => "each colon-separated field must have at least one digit",
            Self::EmbeddedIpv4NotLast => {
                "embedded IPv4 address must replace the final 2 fields of the address"
            }
            Self::EmbeddedIpv4NoRoom => {
                "too many hex fields to fit an embedded IPv4 at the end of the address"
            }
            Self::WantColon => "unexpected character, want colon",
            Self::TrailingColon => "colon must be followed by more characters",
            Self::SecondEllipsis => "multiple :: in address",
            Self::TrailingGarbage => "trailing garbage after address",
            Self::Ipv6TooShort => "address string too short",
            Self::EllipsisForNothing => "the :: must expand to at least one field of zeros",
        }
    }
}

/// A fault and the byte where it was noticed: the start of the octet, the group or the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LiteralError {
    /// What is wrong.
    pub fault: Fault,
    /// Offset into the text, at most its length.
    pub at: usize,
}

impl LiteralError {
    fn new(fault: Fault, at: usize) -> Self {
        Self { fault, at }
    }

    /// The bytes of `text` to underline: the octet or group at fault, one character, or the end.
    #[must_use]
    pub fn span(self, text: &str) -> Range<usize> {
        let rest = text.get(self.at..).unwrap_or_default();
        let len = match self.fault {
            Fault::LeadingZero | Fault::OctetTooBig | Fault::GroupTooLong => {
                rest.find(['.', ':', '%']).unwrap_or(rest.len())
            }
            Fault::UnexpectedCharacter
            | Fault::EmptyOctet
            | Fault::EmptyGroup
            | Fault::WantColon
            | Fault::TrailingColon
            | Fault::MissingIpv6
            | Fault::EmptyZone => rest.chars().next().map_or(0, char::len_utf8),
            Fault::EllipsisForNothing => rest.len().min(2),
            // Noticed at its second colon.
            Fault::SecondEllipsis => return self.at.saturating_sub(1)..self.at + rest.len().min(1),
            _ => rest.find('%').unwrap_or(rest.len()),
        };
        self.at..self.at + len
    }
}

/// Parses an address literal exactly as Go's `netip.ParseAddr` does: no trimming, no short, octal or
/// hexadecimal IPv4, zones on any IPv6 address.
///
/// ```
/// use netkit::addr::ip::{Fault, parse_addr};
/// let literal = parse_addr("fe80::1%eth0").unwrap();
/// assert_eq!((literal.ip.is_ipv6(), literal.zone), (true, Some("eth0")));
/// assert_eq!(parse_addr("10.0.0.01").unwrap_err().fault, Fault::LeadingZero);
/// ```
pub fn parse_addr(text: &str) -> Result<Literal<'_>, LiteralError> {
    let bytes = text.as_bytes();
    match bytes.iter().position(|b| matches!(b, b'.' | b':' | b'%')) {
        Some(at) if bytes[at] == b'.' => parse_ipv4(bytes).map(|ip| Literal {
            ip: ip.into(),
            zone: None,
        }),
        Some(at) if bytes[at] == b':' => parse_zoned(text),
        Some(at) => Err(LiteralError::new(Fault::MissingIpv6, at)),
        None => Err(LiteralError::new(Fault::NotAnIp, 0)),
    }
}

fn parse_zoned(text: &str) -> Result<Literal<'_>, LiteralError> {
    let (address, zone) = match text.split_once('%') {
        Some((address, "")) => return Err(LiteralError::new(Fault::EmptyZone, address.len())),
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let ip = parse_ipv6(address.as_bytes())?.into();
    Ok(Literal { ip, zone })
}

/// Parses four decimal octets, and nothing else.
pub fn parse_ipv4(bytes: &[u8]) -> Result<Ipv4Addr, LiteralError> {
    dotted(bytes, 0).map(Ipv4Addr::from)
}

/// Four decimal octets from `offset` to the end; faults are named from the left.
fn dotted(bytes: &[u8], offset: usize) -> Result<[u8; 4], LiteralError> {
    let mut octets = [0u8; 4];
    let (mut index, mut value, mut start) = (0usize, 0u16, offset);
    for (at, &byte) in bytes.iter().enumerate().skip(offset) {
        if byte.is_ascii_digit() {
            if value == 0 && at > start {
                return Err(LiteralError::new(Fault::LeadingZero, start));
            }
            value = value * 10 + u16::from(byte - b'0');
            if value > 255 {
                return Err(LiteralError::new(Fault::OctetTooBig, start));
            }
        } else if byte == b'.' {
            if at == start || at + 1 == bytes.len() {
                return Err(LiteralError::new(Fault::EmptyOctet, at));
            }
            if index == 3 {
                return Err(LiteralError::new(Fault::Ipv4TooLong, at));
            }
            octets[index] = low_byte(value);
            (index, value, start) = (index + 1, 0, at + 1);
        } else {
            return Err(LiteralError::new(Fault::UnexpectedCharacter, at));
        }
    }
    if index < 3 {
        return Err(LiteralError::new(Fault::Ipv4TooShort, offset));
    }
    octets[3] = low_byte(value);
    Ok(octets)
}

/// An octet checked to be at most 255.
fn low_byte(value: u16) -> u8 {
    value.to_le_bytes()[0]
}

/// Parses an IPv6 address without a zone.
pub fn parse_ipv6(bytes: &[u8]) -> Result<Ipv6Addr, LiteralError> {
    let mut groups = Groups::default();
    let mut at = 0;
    if bytes.starts_with(b"::") {
        groups.ellipsis = Some((0, 0));
        at = 2;
    }
    while at < bytes.len() || groups.ellipsis.is_none() {
        if groups.filled == Groups::LEN {
            return Err(LiteralError::new(Fault::TrailingGarbage, at));
        }
        let (value, end) = hex_group(bytes, at)?;
        if bytes.get(end) == Some(&b'.') {
            groups.embed(bytes, at)?;
            break;
        }
        groups.push(value);
        if end == bytes.len() {
            break;
        }
        at = groups.separator(bytes, end)?;
    }
    groups.finish()
}

/// One group of 1 to 4 hexadecimal digits at `start`: its value and where it ends.
pub(super) fn hex_group(bytes: &[u8], start: usize) -> Result<(u16, usize), LiteralError> {
    let (mut value, mut at) = (0u16, start);
    while let Some(digit) = bytes.get(at).and_then(|&byte| hex_digit(byte)) {
        if at - start == 4 {
            return Err(LiteralError::new(Fault::GroupTooLong, start));
        }
        value = value << 4 | digit;
        at += 1;
    }
    if at == start {
        return Err(LiteralError::new(Fault::EmptyGroup, start));
    }
    Ok((value, at))
}

fn hex_digit(byte: u8) -> Option<u16> {
    match byte {
        b'0'..=b'9' => Some(u16::from(byte - b'0')),
        b'a'..=b'f' => Some(u16::from(byte - b'a' + 10)),
        b'A'..=b'F' => Some(u16::from(byte - b'A' + 10)),
        _ => None,
    }
}

/// The groups of an IPv6 address while it is being read.
#[derive(Default)]
struct Groups {
    values: [u16; Self::LEN],
    filled: usize,
    /// How many groups stand before `::`, and the byte where it stands.
    ellipsis: Option<(usize, usize)>,
}

impl Groups {
    const LEN: usize = 8;

    fn push(&mut self, value: u16) {
        self.values[self.filled] = value;
        self.filled += 1;
    }

    /// Reads the dotted rest as the last two groups.
    fn embed(&mut self, bytes: &[u8], at: usize) -> Result<(), LiteralError> {
        if self.ellipsis.is_none() && self.filled != 6 {
            return Err(LiteralError::new(Fault::EmbeddedIpv4NotLast, at));
        }
        if self.filled > 6 {
            return Err(LiteralError::new(Fault::EmbeddedIpv4NoRoom, at));
        }
        let [a, b, c, d] = dotted(bytes, at)?;
        self.push(u16::from_be_bytes([a, b]));
        self.push(u16::from_be_bytes([c, d]));
        Ok(())
    }

    /// Reads the colon or colons at `at`; returns where the next group starts.
    fn separator(&mut self, bytes: &[u8], at: usize) -> Result<usize, LiteralError> {
        if bytes[at] != b':' {
            return Err(LiteralError::new(Fault::WantColon, at));
        }
        match bytes.get(at + 1) {
            None => Err(LiteralError::new(Fault::TrailingColon, at)),
            Some(b':') if self.ellipsis.is_some() => {
                Err(LiteralError::new(Fault::SecondEllipsis, at + 1))
            }
            Some(b':') => {
                self.ellipsis = Some((self.filled, at));
                Ok(at + 2)
            }
            Some(_) => Ok(at + 1),
        }
    }

    fn finish(mut self) -> Result<Ipv6Addr, LiteralError> {
        match self.ellipsis {
            None if self.filled < Self::LEN => Err(LiteralError::new(Fault::Ipv6TooShort, 0)),
            Some((_, at)) if self.filled == Self::LEN => {
                Err(LiteralError::new(Fault::EllipsisForNothing, at))
            }
            Some((before, _)) => {
                self.values[before..].rotate_right(Self::LEN - self.filled);
                Ok(Ipv6Addr::from(self.values))
            }
            None => Ok(Ipv6Addr::from(self.values)),
        }
    }
}
