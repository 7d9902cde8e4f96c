//! SVCB and HTTPS: service bindings and their parameters (RFC 9460).

use std::fmt;
use std::net::IpAddr;

use data_encoding::BASE64;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::cursor::{Bad, Cursor};
use super::fields::Fields;
use super::special::addresses;
use super::text::escaped;
use super::value::{Text, Value};

/// The parameters that have a name (IANA registry "Service Parameter Keys").
const KEYS: &[(u16, &str)] = &[
    (0, "mandatory"),
    (1, "alpn"),
    (2, "no-default-alpn"),
    (3, "port"),
    (4, "ipv4hint"),
    (5, "ech"),
    (6, "ipv6hint"),
    (7, "dohpath"),
    (8, "ohttp"),
    (9, "tls-supported-groups"),
];

/// The parameters of a service binding, in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params<'a>(Vec<(u16, Param<'a>)>);

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Param<'a> {
    Keys(Vec<u16>),
    Alpn(Vec<&'a [u8]>),
    Flag,
    Number(u16),
    Numbers(Vec<u16>),
    Addresses(Vec<IpAddr>),
    Base64(&'a [u8]),
    Text(&'a [u8]),
}

pub(super) fn read<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Result<(), Bad> {
    fields.push("priority", Value::Number(cursor.u16()?.into()));
    fields.push("target", Value::Name(cursor.plain_name()?));
    let mut params: Vec<(u16, Param<'a>)> = Vec::new();
    while cursor.left() > 0 {
        let before = *cursor;
        let key = cursor.u16()?;
        if params.last().is_some_and(|last| last.0 >= key) {
            return Err(before.bad("the parameters are not in the order of their keys"));
        }
        let length = cursor.u16()?;
        let value = cursor.take(usize::from(length))?;
        let param = param(key, value).ok_or_else(|| before.bad("a parameter has a bad value"))?;
        params.push((key, param));
    }
    fields.push("params", Value::Params(Params(params)));
    Ok(())
}

fn param(key: u16, value: &[u8]) -> Option<Param<'_>> {
    Some(match key {
        0 => Param::Keys(words(value)?),
        1 => Param::Alpn(protocols(value)?),
        2 | 8 if value.is_empty() => Param::Flag,
        2 | 8 => return None,
        3 => Param::Number(u16::from_be_bytes(value.try_into().ok()?)),
        4 => Param::Addresses(addresses::<4>(value)?),
        5 => Param::Base64(value),
        6 => Param::Addresses(addresses::<16>(value)?),
        9 => Param::Numbers(words(value)?),
        _ => Param::Text(value),
    })
}

fn words(value: &[u8]) -> Option<Vec<u16>> {
    if value.is_empty() || !value.len().is_multiple_of(2) {
        return None;
    }
    let words = value.chunks_exact(2);
    Some(
        words
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect(),
    )
}

fn protocols(mut value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut protocols = Vec::new();
    while let Some((&length, rest)) = value.split_first() {
        let (protocol, rest) = rest.split_at_checked(usize::from(length))?;
        if protocol.is_empty() {
            return None;
        }
        protocols.push(protocol);
        value = rest;
    }
    (!protocols.is_empty()).then_some(protocols)
}

/// The last key of RFC 9460 itself. Later ones are written by their number in text, as the servers
/// and `dig` of today's distributions do not read their names.
const LAST_WORD: u16 = 6;

fn key_word(key: u16) -> String {
    match key {
        0..=LAST_WORD => key_name(key),
        _ => format!("key{key}"),
    }
}

fn key_name(key: u16) -> String {
    let known = KEYS.iter().find(|row| row.0 == key);
    known.map_or_else(|| format!("key{key}"), |row| row.1.to_owned())
}

impl fmt::Display for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, param)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{}{param}", key_word(*key))?;
        }
        Ok(())
    }
}

impl fmt::Display for Param<'_> {
    /// Writes `=value`, or nothing for a key that stands alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag | Self::Text([]) => Ok(()),
            Self::Keys(keys) => write!(f, "={}", commas(keys, |key| key_word(*key))),
            Self::Alpn(protocols) => {
                write!(f, "=\"{}\"", commas(protocols, |protocol| item(protocol)))
            }
            Self::Number(number) => write!(f, "={number}"),
            Self::Numbers(numbers) => write!(f, "={}", commas(numbers, u16::to_string)),
            Self::Addresses(list) => write!(f, "={}", commas(list, IpAddr::to_string)),
            Self::Base64(bytes) => write!(f, "={}", BASE64.encode(bytes)),
            Self::Text(bytes) => write!(f, "=\"{}\"", escaped(bytes, b"\"\\")),
        }
    }
}

fn commas<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    let texts: Vec<_> = items.iter().map(text).collect();
    texts.join(",")
}

/// An item of a list: its commas and backslashes are escaped for the list, and that once more for
/// the string (RFC 9460 appendix A.1).
fn item(protocol: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(protocol.len());
    for &byte in protocol {
        if b",\\".contains(&byte) {
            bytes.push(b'\\');
        }
        bytes.push(byte);
    }
    escaped(&bytes, b"\"\\")
}

impl Serialize for Params<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, param) in &self.0 {
            map.serialize_entry(&key_name(*key).replace('-', "_"), param)?;
        }
        map.end()
    }
}

impl Serialize for Param<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag => serializer.serialize_bool(true),
            Self::Keys(keys) => serializer.collect_seq(keys.iter().map(|key| key_name(*key))),
            Self::Alpn(protocols) => {
                serializer.collect_seq(protocols.iter().map(|item| escaped(item, b"\\")))
            }
            Self::Number(number) => serializer.serialize_u16(*number),
            Self::Numbers(numbers) => serializer.collect_seq(numbers),
            Self::Addresses(list) => serializer.collect_seq(list.iter().map(IpAddr::to_string)),
            Self::Base64(bytes) => serializer.serialize_str(&BASE64.encode(bytes)),
            Self::Text(bytes) => Text(bytes).serialize(serializer),
        }
    }
}
