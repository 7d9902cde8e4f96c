//! One field of a record's data: how it is written in a zone file and in JSON.

use std::fmt;
use std::net::IpAddr;

use data_encoding::{BASE32HEX_NOPAD, BASE64, HEXUPPER};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::resolve::name::DomainName;
use crate::resolve::registry::RecordType;

use super::svcb::Params;
use super::text::{absolute, chunked, quoted};

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A number.
    Number(u64),
    /// A number with a word for it in text.
    Named(u64, &'static str),
    /// A moment, seconds since 1970 modulo 2³² (RFC 4034 §3.1.5); in text `YYYYMMDDHHmmSS`.
    Time(u32),
    /// A domain name.
    Name(DomainName),
    /// Several.
    Names(Vec<DomainName>),
    /// An address.
    Ip(IpAddr),
    /// A character string.
    String(Text<'a>),
    /// Several.
    Strings(Vec<Text<'a>>),
    /// Octets as hexadecimal digits.
    Hex(&'a [u8]),
    /// Octets as hexadecimal digits, in one piece; `-` for none.
    HexWord(&'a [u8]),
    /// Octets as base64.
    Base64(&'a [u8]),
    /// Octets as base32 with the extended hex alphabet (RFC 5155 §3.3).
    Base32(&'a [u8]),
    /// A record type.
    Type(RecordType),
    /// Several.
    Types(Vec<RecordType>),
    /// Several numbers.
    Numbers(Vec<u64>),
    /// Something with a form of its own.
    Word(String),
    /// Several.
    Words(Vec<String>),
    /// A number with a fraction.
    Float(Float),
    /// The parameters of a service binding.
    Params(Params<'a>),
}

/// A finite number with a fraction, in units of 10⁻⁹, so that it compares exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Float(pub(super) i64);

impl Float {
    /// As a floating-point number.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "15 digits are enough for a place on earth"
    )]
    pub fn get(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl fmt::Display for Value<'_> {
    /// Writes it as a zone file has it; nothing for an empty list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Named(_, word) => f.write_str(word),
            Self::Time(seconds) => f.write_str(&date(*seconds)),
            Self::Name(name) => f.write_str(&absolute(name)),
            Self::Names(names) => joined(f, names, absolute),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::String(text) => f.write_str(&quoted(text.0)),
            Self::Strings(texts) => joined(f, texts, |text| quoted(text.0)),
            Self::Hex(bytes) => f.write_str(&chunked(&HEXUPPER.encode(bytes))),
            Self::HexWord([]) => f.write_str("-"),
            Self::HexWord(bytes) => f.write_str(&HEXUPPER.encode(bytes)),
            Self::Base64(bytes) => f.write_str(&chunked(&BASE64.encode(bytes))),
            Self::Base32(bytes) => f.write_str(&BASE32HEX_NOPAD.encode(bytes)),
            Self::Type(rtype) => write!(f, "{rtype}"),
            Self::Types(types) => joined(f, types, RecordType::to_string),
            Self::Numbers(numbers) => joined(f, numbers, u64::to_string),
            Self::Word(word) => f.write_str(word),
            Self::Words(words) => joined(f, words, Clone::clone),
            Self::Float(float) => write!(f, "{}", float.get()),
            Self::Params(params) => write!(f, "{params}"),
        }
    }
}

fn joined<T>(f: &mut fmt::Formatter<'_>, items: &[T], text: impl Fn(&T) -> String) -> fmt::Result {
    let texts: Vec<_> = items.iter().map(text).collect();
    f.write_str(&texts.join(" "))
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) | Self::Named(number, _) => serializer.serialize_u64(*number),
            Self::Time(seconds) => serializer.serialize_u32(*seconds),
            Self::Name(name) => serializer.collect_str(name),
            Self::Names(names) => serializer.collect_seq(names.iter().map(ToString::to_string)),
            Self::Ip(ip) => serializer.collect_str(ip),
            Self::String(text) => text.serialize(serializer),
            Self::Strings(texts) => serializer.collect_seq(texts),
            Self::Hex(bytes) | Self::HexWord(bytes) => {
                serializer.serialize_str(&HEXUPPER.encode(bytes))
            }
            Self::Base64(bytes) => serializer.serialize_str(&BASE64.encode(bytes)),
            Self::Base32(bytes) => serializer.serialize_str(&BASE32HEX_NOPAD.encode(bytes)),
            Self::Type(rtype) => serializer.collect_str(rtype),
            Self::Types(types) => serializer.collect_seq(types.iter().map(ToString::to_string)),
            Self::Numbers(numbers) => serializer.collect_seq(numbers),
            Self::Word(word) => serializer.serialize_str(word),
            Self::Words(words) => serializer.collect_seq(words),
            Self::Float(float) => serializer.serialize_f64(float.get()),
            Self::Params(params) => params.serialize(serializer),
        }
    }
}

/// Octets that are mostly text: `{"text": …}` when they are UTF-8, else `{"base64": …}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a>(pub &'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match std::str::from_utf8(self.0) {
            Ok(text) => map.serialize_entry("text", text)?,
            Err(_) => map.serialize_entry("base64", &BASE64.encode(self.0))?,
        }
        map.end()
    }
}

/// `YYYYMMDDHHmmSS` in UTC (RFC 4034 §3.2). The 32 bits wrap; they are read as 1970 to 2106.
pub(super) fn date(seconds: u32) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

/// Year, month and day of a day since 1970-01-01 (Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
fn civil(days: u32) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year + era * 400 + u32::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        let rows = [
            (0, "19700101000000"),
            (951_782_400, "20000229000000"),
            (1_072_915_199, "20031231235959"),
            (4_294_967_295, "21060207062815"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(date(seconds), expected);
        }
    }
}
