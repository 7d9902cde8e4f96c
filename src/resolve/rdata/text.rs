//! How octets are written in a zone file (RFC 1035 §5.1): quotes, decimal escapes, hex in pieces.

use std::fmt::Write as _;

use crate::resolve::name::DomainName;

/// Digits after which `dig` leaves a space in long hex and base64.
const PIECE: usize = 56;

/// A string in quotes; everything that is not printable ASCII as `\DDD`.
pub(super) fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", escaped(bytes, b"\"\\"))
}

/// The octets with `\` before those in `special` and `\DDD` for what is not printable ASCII.
pub(super) fn escaped(bytes: &[u8], special: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            byte if special.contains(&byte) => text.extend(['\\', char::from(byte)]),
            0x20..=0x7e => text.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => _ = write!(text, "\\{byte:03}"),
        }
    }
    text
}

/// A name with its final dot.
pub(super) fn absolute(name: &DomainName) -> String {
    name.absolute().to_string()
}

/// Digits in pieces of 56, as `dig` and zone files have them.
pub(super) fn chunked(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / PIECE);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % PIECE == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
