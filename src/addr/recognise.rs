//! What a text looks like when nobody says what it is.
//!
//! The order matters where one text has two readings: `01:02:03:04:05:06:07:08` is an IPv6 address
//! before it is a hardware address, and a bare number is a port.

use super::describe::{As, Options, Value, parse_as};
use super::endpoint::Names;
use super::{AddrError, Class};

/// The outcome: what it is, or what it is closest to.
pub(super) enum Recognised<'a> {
    As(As, Value<'a>),
    Nearest(As, AddrError),
}

/// The kinds tried, in this order.
const ORDER: [As; 7] = [
    As::Addr,
    As::Prefix,
    As::AddrPort,
    As::Mac,
    As::Range,
    As::Tcp,
    As::Port,
];

pub(super) fn recognise(text: &str, names: Names) -> Recognised<'_> {
    let options = Options {
        names,
        ..Options::default()
    };
    for kind in ORDER.into_iter().filter(|&kind| may_be(text, kind)) {
        if let Ok(value) = parse_as(text, kind, &options) {
            return Recognised::As(kind, value);
        }
    }
    let kind = nearest(text);
    match parse_as(text, kind, &options) {
        Err(error) => Recognised::Nearest(kind, error),
        // The shape only guides the error; what it fits after all is still refused as unclear.
        Ok(_) => Recognised::Nearest(kind, AddrError::new(Class::Unrecognised, 0..text.len())),
    }
}

/// Whether a kind is worth trying: a cheap look, and the kinds that accept too much need more.
fn may_be(text: &str, kind: As) -> bool {
    match kind {
        // A zone may hold a slash, but nobody's interface does: it was meant as a prefix.
        As::Addr => !text.contains('/'),
        As::Prefix => text.contains('/'),
        As::Range => text.contains('-'),
        // A host without a port, or nothing at all, is not recognised as an endpoint.
        As::Tcp => text.len() > 1 && !text.ends_with(':'),
        As::Port => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
        _ => true,
    }
}

/// The kind whose rules explain best why the text is nothing.
fn nearest(text: &str) -> As {
    let colons = text.bytes().filter(|&b| b == b':').count();
    let hex = |b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'-' | b'.');
    if text.contains('/') {
        As::Prefix
    } else if text.starts_with('[') || text.contains(']') {
        As::Tcp
    } else if looks_like_mac(text) {
        As::Mac
    } else if text
        .split_once('-')
        .is_some_and(|(first, _)| first.contains(['.', ':']) && first.bytes().all(hex))
    {
        As::Range
    } else if colons == 1 && !text.starts_with(':') {
        As::Tcp
    } else if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        As::Port
    } else {
        As::Addr
    }
}

/// Pairs of digits (or nearly digits) between separators, at least five of them.
fn looks_like_mac(text: &str) -> bool {
    [':', '-'].into_iter().any(|separator| {
        let groups: Vec<&str> = text.split(separator).take(21).collect();
        groups.len() >= 5 && groups.len() != 8 && groups.iter().all(|group| group.len() == 2)
    })
}
