//! The parts of a description of an address; each is a group of the JSON.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::format;
use super::forms::{Embedded, Multicast, embedded, solicited_node};
use super::prefix::{from_bits, host_mask, to_bits};
use super::{Family, Mac, Prefix};

/// A whole number of up to 128 bits: in JSON a number while every reader can hold it (2^53), else a
/// string of decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "BigText", try_from = "BigText")]
#[cfg_attr(feature = "schema", schemars(with = "BigText"))]
pub struct Big(pub u128);

/// How [`Big`] looks in JSON.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum BigText {
    Number(u64),
    Digits(String),
}

impl From<Big> for BigText {
    fn from(Big(value): Big) -> Self {
        /// The largest integer up to which every IEEE 754 double is exact.
        const EXACT: u64 = 1 << 53;
        match u64::try_from(value) {
            Ok(value) if value <= EXACT => Self::Number(value),
            _ => Self::Digits(value.to_string()),
        }
    }
}

impl TryFrom<BigText> for Big {
    type Error = std::num::ParseIntError;

    fn try_from(text: BigText) -> Result<Self, Self::Error> {
        match text {
            BigText::Number(value) => Ok(Self(value.into())),
            BigText::Digits(digits) => digits.parse().map(Self),
        }
    }
}

impl std::fmt::Display for Big {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How many addresses: exact, also for all of IPv6 (2^128, which a u128 cannot hold).
#[must_use]
pub fn size_text(size_minus_one: u128) -> String {
    match size_minus_one.checked_add(1) {
        Some(size) => size.to_string(),
        None => "340282366920938463463374607431768211456".to_owned(),
    }
}

/// An address in all its notations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IpGroup {
    /// IPv4 or IPv6; an IPv4-mapped address is IPv6.
    pub family: Family,
    /// RFC 5952, without the zone.
    pub address: IpAddr,
    /// All digits: eight groups of four on IPv6.
    pub expanded: String,
    /// All bytes in hexadecimal.
    pub hex: String,
    /// The address as a number.
    pub integer: Big,
    /// All bits, grouped as the text is.
    pub binary: String,
    /// The name of its PTR record.
    pub reverse: String,
    /// What stands after `%`.
    pub zone: Option<String>,
    /// Addresses that it carries.
    pub embedded: Vec<Embedded>,
    /// Scope and flags, if it is multicast.
    pub multicast: Option<Multicast>,
    /// Where its neighbours look for it (IPv6 unicast).
    pub solicited_node: Option<Ipv6Addr>,
}

impl IpGroup {
    /// Describes an address; `nat64` are prefixes of translators to look for.
    #[must_use]
    pub fn new(ip: IpAddr, zone: Option<&str>, nat64: &[Prefix]) -> Self {
        Self {
            family: Family::of(ip),
            address: ip,
            expanded: expanded(ip),
            hex: text(ip, format::push_hex),
            integer: Big(to_bits(ip)),
            binary: binary(ip),
            reverse: reverse_name(ip),
            zone: zone.map(str::to_owned),
            embedded: embedded(ip, nat64),
            multicast: Multicast::of(ip),
            solicited_node: match ip {
                IpAddr::V6(ip) => solicited_node(ip),
                IpAddr::V4(_) => None,
            },
        }
    }
}

/// `2001:0db8:0000:…`; IPv4 stays as it is.
#[must_use]
pub fn expanded(ip: IpAddr) -> String {
    text(ip, format::push_expanded)
}

/// Bits as `00001010.…` and `0010000000000001:…`.
#[must_use]
pub fn binary(ip: IpAddr) -> String {
    text(ip, format::push_binary)
}

/// The name of the PTR record, with its final dot (RFC 1035 §3.5, RFC 3596 §2.5).
#[must_use]
pub fn reverse_name(ip: IpAddr) -> String {
    text(ip, format::push_reverse_name)
}

/// What a writer of [`format`] appends, which is ASCII.
fn text(ip: IpAddr, write: fn(&mut Vec<u8>, IpAddr)) -> String {
    let mut out = Vec::with_capacity(LONGEST);
    write(&mut out, ip);
    String::from_utf8(out).unwrap_or_default()
}

/// All bits of an IPv6 address and seven colons.
const LONGEST: usize = 135;

/// A network and what follows from its length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CidrGroup {
    /// The network, without host bits.
    pub network: Prefix,
    /// The prefix length.
    pub prefix_len: u8,
    /// The first address.
    pub first: IpAddr,
    /// The last address.
    pub last: IpAddr,
    /// IPv4 networks of at least four addresses have one.
    pub broadcast: Option<IpAddr>,
    /// The first address a host may have (RFC 3021 for /31).
    pub first_host: IpAddr,
    /// The last address a host may have.
    pub last_host: IpAddr,
    /// Ones where the network is.
    pub netmask: IpAddr,
    /// Ones where the hosts are.
    pub wildcard: IpAddr,
    /// How many addresses, exactly; a string above 2^53.
    pub size: BigSize,
    /// How many a host may have.
    pub hosts: BigSize,
    /// Whether the text had host bits set.
    pub host_bits_set: bool,
    /// The network one bit shorter.
    pub parent: Option<Prefix>,
}

/// A size of 1 to 2^128: [`Big`] with one more value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum BigSize {
    /// Up to 2^128 - 1.
    Fits(Big),
    /// 2^128, in digits.
    All(String),
}

impl BigSize {
    /// One more than the argument.
    #[must_use]
    pub fn from_size_minus_one(size_minus_one: u128) -> Self {
        match size_minus_one.checked_add(1) {
            Some(size) => Self::Fits(Big(size)),
            None => Self::All(size_text(size_minus_one)),
        }
    }
}

impl std::fmt::Display for BigSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fits(size) => size.fmt(f),
            Self::All(digits) => f.write_str(digits),
        }
    }
}

impl CidrGroup {
    /// Describes a network.
    #[must_use]
    pub fn new(prefix: Prefix) -> Self {
        let (family, bits) = (prefix.family(), prefix.bits());
        let (first, last) = (prefix.first(), prefix.last());
        let size_minus_one = prefix.size_minus_one();
        let has_broadcast = family == Family::Ipv4 && bits < 31;
        let reserved = u128::from(has_broadcast);
        let hosts = host_mask(family, bits);
        Self {
            network: prefix.masked(),
            prefix_len: bits,
            first,
            last,
            broadcast: has_broadcast.then_some(last),
            first_host: from_bits(family, to_bits(first) + reserved),
            last_host: from_bits(family, to_bits(last) - reserved),
            netmask: from_bits(family, !hosts),
            wildcard: from_bits(family, hosts),
            size: BigSize::from_size_minus_one(size_minus_one),
            hosts: BigSize::from_size_minus_one(size_minus_one - 2 * reserved),
            host_bits_set: prefix.masked() != prefix,
            parent: bits
                .checked_sub(1)
                .and_then(|bits| Prefix::new(first, bits))
                .map(Prefix::masked),
        }
    }
}

/// A range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RangeGroup {
    /// The first address.
    pub first: IpAddr,
    /// The last address.
    pub last: IpAddr,
    /// How many addresses.
    pub size: BigSize,
    /// The fewest prefixes that cover it exactly (at most 254).
    pub prefixes: Vec<Prefix>,
}

impl From<super::IpRange> for RangeGroup {
    fn from(range: super::IpRange) -> Self {
        Self {
            first: range.first(),
            last: range.last(),
            size: BigSize::from_size_minus_one(range.size_minus_one()),
            prefixes: range.prefixes().collect(),
        }
    }
}

/// Host and port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndpointGroup {
    /// The host as written, without brackets; null for a port alone.
    pub host: Option<String>,
    /// The port; null where there is none (`ip-addr`) or where it was not looked into (`hostport`).
    pub port: Option<u16>,
    /// The usual service of that port and network, or the name as written.
    pub service: Option<String>,
    /// `tcp`, `udp` or `ip`; null where nothing says.
    pub network: Option<String>,
    /// The zone.
    pub zone: Option<String>,
    /// The address; null for a name and for an empty host.
    pub ip: Option<IpAddr>,
    /// Whether the host is a name, which only a name server can turn into an address.
    pub needs_dns: bool,
    /// What the name servers said, if they were asked.
    pub resolved: Option<Vec<IpAddr>>,
    /// Why the name servers that were asked said nothing of use.
    pub resolve_failure: Option<crate::failure::Failure>,
}

/// A hardware address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MacGroup {
    /// How many bytes: 6, 8 or 20.
    pub len: usize,
    /// The first three bytes, which name the manufacturer unless the address is local.
    pub oui: String,
    /// Assigned locally, not by a manufacturer.
    pub local: bool,
    /// Names a group.
    pub multicast: bool,
    /// The modified EUI-64 interface identifier made of it.
    pub eui64: Option<String>,
    /// The link-local address made of it.
    pub link_local: Option<Ipv6Addr>,
}

impl From<Mac> for MacGroup {
    fn from(mac: Mac) -> Self {
        let text = mac.to_string();
        let joined = |id: [u8; 8]| {
            let groups: Vec<String> = id.iter().map(|byte| format!("{byte:02x}")).collect();
            groups.join(":")
        };
        Self {
            len: mac.bytes().len(),
            oui: text.get(..8).unwrap_or(&text).to_owned(),
            local: mac.is_local(),
            multicast: mac.is_multicast(),
            eui64: mac.modified_eui64().map(joined),
            link_local: mac.link_local(),
        }
    }
}
