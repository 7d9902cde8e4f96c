//! What an option says.

use std::fmt;
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::resolve::message::read_name;
use crate::resolve::name::DomainName;
use crate::resolve::registry::OptionCode;

use super::cookie::Cookie;
use super::option::EdnsOption;
use super::reply::ExtendedError;
use super::subnet::Subnet;

/// The data of an option, read; what is unknown or not as its code needs it stays octets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionValue<'a> {
    /// Who the server is.
    Nsid(&'a [u8]),
    /// Whom the answer is for.
    Subnet(Subnet),
    /// A cookie.
    Cookie(Cookie),
    /// Octets of padding.
    Padding(usize),
    /// How long an idle connection is kept; `None` in a question.
    Keepalive(Option<Duration>),
    /// An extended error.
    ExtendedError(ExtendedError),
    /// Algorithms or hashes that are understood (DAU, DHU, N3U).
    Understood(&'a [u8]),
    /// Seconds until the zone expires; `None` in a question.
    Expire(Option<u32>),
    /// The closest trust point of a chain.
    Chain(DomainName),
    /// Key tags of trust anchors.
    KeyTags(Vec<u16>),
    /// Where errors are reported.
    ReportChannel(DomainName),
    /// The version of the zone: labels of its name, type, data. Type 0 is the serial.
    ZoneVersion {
        /// Labels of the zone's name.
        labels: u8,
        /// Type of the version.
        kind: u8,
        /// The version.
        version: &'a [u8],
    },
    /// Anything else.
    Octets(&'a [u8]),
}

impl EdnsOption {
    /// Reads the data.
    #[must_use]
    pub fn value(&self) -> OptionValue<'_> {
        self.known().unwrap_or(OptionValue::Octets(&self.data))
    }

    fn known(&self) -> Option<OptionValue<'_>> {
        let data = &self.data[..];
        Some(match self.code {
            OptionCode::NSID => OptionValue::Nsid(data),
            OptionCode::SUBNET => OptionValue::Subnet(Subnet::from_bytes(data)?),
            OptionCode::COOKIE => OptionValue::Cookie(Cookie::from_bytes(data)?),
            OptionCode::PADDING => OptionValue::Padding(data.len()),
            OptionCode::KEEPALIVE if data.is_empty() => OptionValue::Keepalive(None),
            OptionCode::KEEPALIVE => OptionValue::Keepalive(Some(keepalive(data)?)),
            OptionCode::EXTENDED_ERROR => OptionValue::ExtendedError(ExtendedError::read(data)?),
            OptionCode::DAU | OptionCode::DHU | OptionCode::N3U => OptionValue::Understood(data),
            OptionCode::EXPIRE if data.is_empty() => OptionValue::Expire(None),
            OptionCode::EXPIRE => {
                OptionValue::Expire(Some(u32::from_be_bytes(data.try_into().ok()?)))
            }
            OptionCode::CHAIN => OptionValue::Chain(name(data)?),
            OptionCode::KEY_TAG => OptionValue::KeyTags(words(data)?),
            OptionCode::REPORT_CHANNEL => OptionValue::ReportChannel(name(data)?),
            OptionCode::ZONEVERSION => {
                let (&[labels, kind], version) = data.split_first_chunk()?;
                OptionValue::ZoneVersion {
                    labels,
                    kind,
                    version,
                }
            }
            _ => return None,
        })
    }
}

/// RFC 7828 §3.1: in units of 100 ms.
fn keepalive(data: &[u8]) -> Option<Duration> {
    let tenths = u16::from_be_bytes(data.try_into().ok()?);
    Some(Duration::from_millis(100 * u64::from(tenths)))
}

/// An uncompressed name that fills the data.
fn name(data: &[u8]) -> Option<DomainName> {
    let (name, end) = read_name(data, 0).ok()?;
    (end == data.len()).then(|| name.to_owned())
}

fn words(data: &[u8]) -> Option<Vec<u16>> {
    let whole = data.len().is_multiple_of(2);
    let words = data.chunks_exact(2);
    whole.then(|| {
        words
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect()
    })
}

impl fmt::Display for EdnsOption {
    /// Writes the name and what the option says, or its octets as hexadecimal digits. Text is
    /// escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
        match self.value() {
            OptionValue::Nsid(data) => write!(f, " {} ({})", data.escape_ascii(), hex(data)),
            OptionValue::Subnet(subnet) => write!(f, " {subnet}"),
            OptionValue::Cookie(cookie) => {
                write!(f, " {} {}", hex(&cookie.client), hex(&cookie.server))
            }
            OptionValue::Padding(length) => write!(f, " {length} B"),
            OptionValue::Keepalive(Some(idle)) => write!(f, " {} ms", idle.as_millis()),
            OptionValue::ExtendedError(error) => {
                write!(f, " {}", error.code)?;
                error.name().map_or(Ok(()), |name| write!(f, " {name}"))?;
                match &error.text[..] {
                    "" => Ok(()),
                    text => write!(f, ": {text}"),
                }
            }
            OptionValue::Expire(Some(seconds)) => write!(f, " {seconds} s"),
            OptionValue::Chain(name) | OptionValue::ReportChannel(name) => write!(f, " {name}"),
            OptionValue::Keepalive(None) | OptionValue::Expire(None) => Ok(()),
            OptionValue::KeyTags(tags) => write!(f, " {tags:?}"),
            OptionValue::Understood(codes) => write!(f, " {codes:?}"),
            OptionValue::ZoneVersion { kind, version, .. } => {
                write!(f, " type {kind} {}", hex(version))
            }
            OptionValue::Octets(data) => write!(f, " {}", hex(data)),
        }
    }
}

impl Serialize for EdnsOption {
    /// A map of `code`, `name`, `hex`, and the fields that the option has.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &self.code.0)?;
        map.serialize_entry("name", &self.code.mnemonic())?;
        map.serialize_entry("hex", &HEXLOWER.encode(&self.data))?;
        fields(&self.value(), &mut map)?;
        map.end()
    }
}

fn fields<M: SerializeMap>(value: &OptionValue<'_>, map: &mut M) -> Result<(), M::Error> {
    match value {
        OptionValue::Nsid(data) => map.serialize_entry("text", &std::str::from_utf8(data).ok()),
        OptionValue::Subnet(subnet) => {
            map.serialize_entry("family", &subnet.family())?;
            map.serialize_entry("address", &subnet.address.to_string())?;
            map.serialize_entry("source", &subnet.source)?;
            map.serialize_entry("scope", &subnet.scope)
        }
        OptionValue::Cookie(cookie) => {
            map.serialize_entry("client", &HEXLOWER.encode(&cookie.client))?;
            map.serialize_entry("server", &HEXLOWER.encode(&cookie.server))
        }
        OptionValue::Padding(length) => map.serialize_entry("bytes", length),
        OptionValue::Keepalive(idle) => {
            let idle = idle.map(|idle| u64::try_from(idle.as_millis()).unwrap_or(u64::MAX));
            map.serialize_entry("timeout_ms", &idle)
        }
        OptionValue::ExtendedError(error) => {
            map.serialize_entry("info_code", &error.code)?;
            map.serialize_entry("error", &error.name())?;
            map.serialize_entry("text", &error.text)
        }
        OptionValue::Understood(codes) => map.serialize_entry("codes", codes),
        OptionValue::Expire(seconds) => map.serialize_entry("expire_s", seconds),
        OptionValue::Chain(name) | OptionValue::ReportChannel(name) => {
            map.serialize_entry("domain", &name.to_string())
        }
        OptionValue::KeyTags(tags) => map.serialize_entry("key_tags", tags),
        OptionValue::ZoneVersion {
            labels,
            kind,
            version,
        } => {
            map.serialize_entry("labels", labels)?;
            map.serialize_entry("version_type", kind)?;
            let serial = <[u8; 4]>::try_from(*version).ok().map(u32::from_be_bytes);
            map.serialize_entry("serial", &serial.filter(|_| *kind == 0))
        }
        OptionValue::Octets(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_shows_what_it_says() {
        let rows = [
            (
                "NSID:6e7331",
                r#""name":"NSID","hex":"6e7331","text":"ns1""#,
            ),
            ("NSID:ff", r#""name":"NSID","hex":"ff","text":null"#),
            (
                "ECS:00011810c00002",
                r#""name":"ECS","hex":"00011810c00002","family":1,"address":"192.0.2.0","source":24,"scope":16"#,
            ),
            ("ECS:00011818", r#""name":"ECS","hex":"00011818""#),
            (
                "COOKIE:0102030405060708a1a2a3a4a5a6a7a8",
                r#""name":"COOKIE","hex":"0102030405060708a1a2a3a4a5a6a7a8","client":"0102030405060708","server":"a1a2a3a4a5a6a7a8""#,
            ),
            ("COOKIE:010203", r#""name":"COOKIE","hex":"010203""#),
            ("PADDING:0000", r#""name":"PADDING","hex":"0000","bytes":2"#),
            (
                "KEEPALIVE:0064",
                r#""name":"KEEPALIVE","hex":"0064","timeout_ms":10000"#,
            ),
            (
                "KEEPALIVE",
                r#""name":"KEEPALIVE","hex":"","timeout_ms":null"#,
            ),
            (
                "EDE:00166f1b",
                r#""name":"EDE","hex":"00166f1b","info_code":22,"error":"No Reachable Authority","text":"o\\x1b""#,
            ),
            ("DAU:080d", r#""name":"DAU","hex":"080d","codes":[8,13]"#),
            (
                "EXPIRE:00000e10",
                r#""name":"EXPIRE","hex":"00000e10","expire_s":3600"#,
            ),
            (
                "CHAIN:016100",
                r#""name":"CHAIN","hex":"016100","domain":"a""#,
            ),
            (
                "KEY-TAG:4a5c4f66",
                r#""name":"KEY-TAG","hex":"4a5c4f66","key_tags":[19036,20326]"#,
            ),
            (
                "REPORT-CHANNEL:016100",
                r#""name":"REPORT-CHANNEL","hex":"016100","domain":"a""#,
            ),
            (
                "ZONEVERSION:020000000007",
                r#""name":"ZONEVERSION","hex":"020000000007","labels":2,"version_type":0,"serial":7"#,
            ),
            ("65001:00", r#""name":null,"hex":"00""#),
        ];
        for (text, expected) in rows {
            let option: EdnsOption = text.parse().unwrap();
            let json = serde_json::to_string(&option).unwrap();
            let code = option.code.0;
            assert_eq!(json, format!("{{\"code\":{code},{expected}}}"), "{text}");
        }
    }

    #[test]
    fn a_misspelt_option_is_explained() {
        let told = |text: &str| text.parse::<EdnsOption>().unwrap_err().to_string();
        assert_eq!(
            told("NSIDE"),
            "\"NSIDE\" is no EDNS option; did you mean NSID?"
        );
        assert_eq!(
            told("70000"),
            "\"70000\" is no EDNS option; a number without a name is written OPT65001"
        );
        assert_eq!(told("3:abc"), "\"abc\" is not pairs of hexadecimal digits");
    }
}
