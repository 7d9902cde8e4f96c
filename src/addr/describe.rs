//! What a text is: parsed as one kind or recognised, and described in full.
//!
//! The one road from a text to a report: every renderer reads [`AddrReport`].

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::classify::Predicates;
use super::endpoint::{Endpoint, Kind, Names, resolve_inet, resolve_ip};
use super::groups::{CidrGroup, EndpointGroup, IpGroup, MacGroup, RangeGroup};
use super::recognise::{Recognised, recognise};
use super::service::Services;
use super::special::{self, Special};
use super::wording::explain;
use super::{
    AddrError, AddrPort, Cidr, IpRange, Literal, Mac, Prefix, Transport, ZonedAddr, join_host_port,
    lookup_port_in, parse_cidr, parse_ip, parse_mac, parse_prefix, parse_range, split_host_port,
};

/// What a text is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum As {
    /// `net.ParseIP`.
    Ip,
    /// `netip.ParseAddr`.
    Addr,
    /// `net.ParseCIDR`.
    Cidr,
    /// `netip.ParsePrefix`.
    Prefix,
    /// `netip.ParseAddrPort`.
    #[serde(rename = "addrport")]
    AddrPort,
    /// `net.SplitHostPort`.
    #[serde(rename = "hostport")]
    HostPort,
    /// `net.ResolveTCPAddr`, without asking a name server.
    Tcp,
    /// `net.ResolveUDPAddr`, likewise.
    Udp,
    /// `net.ResolveIPAddr`, likewise.
    IpAddr,
    /// `net.LookupPort`.
    Port,
    /// `net.ParseMAC`.
    Mac,
    /// `first-last`.
    Range,
}

impl As {
    /// All of them, in the order of the help text.
    pub const ALL: [Self; 12] = [
        Self::Ip,
        Self::Addr,
        Self::Cidr,
        Self::Prefix,
        Self::AddrPort,
        Self::HostPort,
        Self::Tcp,
        Self::Udp,
        Self::IpAddr,
        Self::Port,
        Self::Mac,
        Self::Range,
    ];

    /// The name on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Addr => "addr",
            Self::Cidr => "cidr",
            Self::Prefix => "prefix",
            Self::AddrPort => "addrport",
            Self::HostPort => "hostport",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::IpAddr => "ip-addr",
            Self::Port => "port",
            Self::Mac => "mac",
            Self::Range => "range",
        }
    }
}

/// A parsed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// As `net.IP`.
    Ip(IpAddr),
    /// As `netip.Addr`.
    Addr(ZonedAddr),
    /// As `net.IPNet`.
    Cidr(Cidr),
    /// As `netip.Prefix`.
    Prefix(Prefix),
    /// As `netip.AddrPort`.
    AddrPort(AddrPort),
    /// Host and port, not looked into.
    HostPort(&'a str, &'a str),
    /// An endpoint or the name of one.
    Endpoint(Endpoint<'a>),
    /// A port.
    Port(u16),
    /// A hardware address.
    Mac(Mac),
    /// A range.
    Range(IpRange),
}

/// How to read and describe.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the text is taken for; `None` recognises it.
    pub kind: Option<As>,
    /// Go's network for the kinds that take one; empty is their default.
    pub network: String,
    /// Prefixes of NAT64 translators to look for.
    pub nat64: Vec<Prefix>,
    /// The tables of port and protocol names.
    pub names: Names,
}

/// Parses a text as the kind asked for, or as what it looks like.
///
/// ```
/// use netkit::addr::describe::{As, Options, parse};
/// let (kind, value) = parse("10.0.0.0/8", &Options::default()).unwrap();
/// assert_eq!((kind, value.canonical().as_str()), (As::Prefix, "10.0.0.0/8"));
/// ```
pub fn parse<'a>(text: &'a str, options: &Options) -> Result<(As, Value<'a>), (As, AddrError)> {
    match options.kind {
        Some(kind) => parse_as(text, kind, options)
            .map(|value| (kind, value))
            .map_err(|error| (kind, error)),
        None => match recognise(text, options.names) {
            Recognised::As(kind, value) => Ok((kind, value)),
            Recognised::Nearest(kind, error) => Err((kind, error)),
        },
    }
}

/// Parses a text as one kind.
pub(super) fn parse_as<'a>(
    text: &'a str,
    kind: As,
    options: &Options,
) -> Result<Value<'a>, AddrError> {
    let (network, names) = (options.network.as_str(), options.names);
    match kind {
        As::Ip => parse_ip(text).map(Value::Ip),
        As::Addr => text.parse().map(Value::Addr),
        As::Cidr => parse_cidr(text).map(Value::Cidr),
        As::Prefix => parse_prefix(text).map(Value::Prefix),
        As::AddrPort => text.parse().map(Value::AddrPort),
        As::HostPort => split_host_port(text).map(|(host, port)| Value::HostPort(host, port)),
        As::Tcp => resolve_inet(Kind::Tcp, network, text, names).map(Value::Endpoint),
        As::Udp => resolve_inet(Kind::Udp, network, text, names).map(Value::Endpoint),
        As::IpAddr => resolve_ip(network, text, names).map(Value::Endpoint),
        As::Port => {
            let network = if network.is_empty() { "tcp" } else { network };
            lookup_port_in(network, text, names.services).map(Value::Port)
        }
        As::Mac => parse_mac(text).map(Value::Mac),
        As::Range => parse_range(text).map(Value::Range),
    }
}

impl Value<'_> {
    /// The canonical text, as Go's `String()`.
    #[must_use]
    pub fn canonical(&self) -> String {
        match self {
            Self::Ip(ip) => ip.to_string(),
            Self::Addr(addr) => addr.to_string(),
            Self::Cidr(cidr) => cidr.to_string(),
            Self::Prefix(prefix) => prefix.to_string(),
            Self::AddrPort(endpoint) => endpoint.to_string(),
            Self::HostPort(host, port) => join_host_port(host, port),
            Self::Endpoint(Endpoint::Literal(addr)) => addr.to_string(),
            Self::Endpoint(Endpoint::NeedsDns {
                kind: Kind::Ip,
                host,
                ..
            }) => (*host).to_owned(),
            Self::Endpoint(Endpoint::NeedsDns { host, port, .. }) => {
                join_host_port(host, &port.to_string())
            }
            Self::Port(port) => port.to_string(),
            Self::Mac(mac) => mac.to_string(),
            Self::Range(range) => range.to_string(),
        }
    }

    /// The one address it is about, with its zone: the network's for a prefix.
    #[must_use]
    pub fn ip(&self) -> Option<(IpAddr, Option<&str>)> {
        match self {
            Self::Ip(ip) => Some((*ip, None)),
            Self::Addr(addr) => Some((addr.ip, addr.zone.as_deref())),
            Self::Cidr(cidr) => Some((cidr.ip(), None)),
            Self::Prefix(prefix) => Some((prefix.ip(), None)),
            Self::AddrPort(endpoint) => Some((endpoint.addr.ip, endpoint.addr.zone.as_deref())),
            Self::HostPort(host, _) => {
                let literal = super::parse_addr(host).ok()?;
                Some((literal.ip, literal.zone))
            }
            Self::Endpoint(Endpoint::Literal(addr)) => addr.ip.map(|ip| (ip, addr.zone)),
            Self::Endpoint(_) | Self::Port(_) | Self::Mac(_) | Self::Range(_) => None,
        }
    }

    /// The prefix it is about.
    #[must_use]
    pub fn prefix(&self) -> Option<Prefix> {
        match self {
            Self::Cidr(cidr) => {
                let network = cidr.network();
                Prefix::new(cidr.ip(), network.bits()).or(Some(network))
            }
            Self::Prefix(prefix) => Some(*prefix),
            _ => None,
        }
    }

    fn endpoint(&self, options: &Options) -> Option<EndpointGroup> {
        let base = EndpointGroup {
            host: None,
            port: None,
            service: None,
            network: None,
            zone: self.ip().and_then(|(_, zone)| zone.map(str::to_owned)),
            ip: self.ip().map(|(ip, _)| ip),
            needs_dns: false,
            resolved: None,
            resolve_failure: None,
        };
        Some(match self {
            Self::AddrPort(endpoint) => EndpointGroup {
                host: Some(endpoint.addr.to_string()),
                port: Some(endpoint.port),
                service: service_name(endpoint.port, None, options.names),
                ..base
            },
            Self::HostPort(host, port) => EndpointGroup {
                host: Some((*host).to_owned()),
                port: port.parse().ok(),
                service: (!port.is_empty() && port.parse::<u16>().is_err())
                    .then(|| (*port).to_owned()),
                needs_dns: super::endpoint::is_domain_name(host),
                ..base
            },
            Self::Endpoint(endpoint) => literal_or_name(endpoint, base, options.names),
            Self::Port(port) => EndpointGroup {
                port: Some(*port),
                service: service_name(*port, None, options.names),
                network: (!options.network.is_empty()).then(|| options.network.clone()),
                ..base
            },
            _ => return None,
        })
    }
}

fn literal_or_name(endpoint: &Endpoint<'_>, base: EndpointGroup, names: Names) -> EndpointGroup {
    let (kind, port, host, needs_dns) = match endpoint {
        Endpoint::Literal(addr) => {
            let host = match (addr.ip, addr.zone) {
                (Some(ip), Some(zone)) => format!("{ip}%{zone}"),
                (Some(ip), None) => ip.to_string(),
                (None, _) => String::new(),
            };
            (addr.kind, addr.port, host, false)
        }
        Endpoint::NeedsDns {
            kind, host, port, ..
        } => (*kind, *port, (*host).to_owned(), true),
    };
    EndpointGroup {
        host: Some(host),
        port: (kind != Kind::Ip).then_some(port),
        service: (kind != Kind::Ip)
            .then(|| service_name(port, Some(kind), names))
            .flatten(),
        network: Some(kind.name().to_owned()),
        needs_dns,
        ..base
    }
}

/// The usual name of a port; TCP's where nothing says which transport.
fn service_name(port: u16, kind: Option<Kind>, names: Names) -> Option<String> {
    let services: &Services = (names.services)();
    let tcp = services.name(port, Transport::Tcp);
    let udp = services.name(port, Transport::Udp);
    match kind {
        Some(Kind::Tcp) => tcp,
        Some(Kind::Udp) => udp,
        _ => tcp.or(udp),
    }
    .map(str::to_owned)
}

/// Go's predicates, of both packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClassGroup {
    /// As `netip.Addr` says.
    #[serde(flatten)]
    pub netip: Predicates,
    /// As `net.IP` says, where it differs.
    pub net_ip: Option<Predicates>,
}

impl ClassGroup {
    /// What both packages say of an address.
    #[must_use]
    pub fn of(literal: Literal<'_>) -> Self {
        let netip = Predicates::netip(literal);
        Self {
            netip,
            net_ip: Some(Predicates::net_ip(literal.ip)).filter(|said| *said != netip),
        }
    }
}

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddrFailure {
    /// The class: a stable code.
    pub kind: String,
    /// One sentence.
    pub message: String,
    /// First byte at fault and the first after it.
    pub span: [usize; 2],
    /// What would be right, as a noun phrase.
    pub expected: String,
    /// The likely meaning, or what to try.
    pub hint: Option<String>,
}

/// Everything about one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddrReport {
    /// The text; bytes that are not UTF-8 are replaced.
    pub input: String,
    /// Whether it is what it was taken for.
    pub ok: bool,
    /// What it is, or what it was closest to.
    pub kind: As,
    /// The canonical text.
    pub canonical: Option<String>,
    /// Why not.
    pub failure: Option<AddrFailure>,
    /// The address.
    pub ip: Option<IpGroup>,
    /// The network.
    pub cidr: Option<CidrGroup>,
    /// The range.
    pub range: Option<RangeGroup>,
    /// Host and port.
    pub endpoint: Option<EndpointGroup>,
    /// The hardware address.
    pub mac: Option<MacGroup>,
    /// What Go's predicates say.
    pub class: Option<ClassGroup>,
    /// The entry of the IANA special-purpose registry.
    pub special: Option<Special>,
}

/// Parses and describes a text. Never fails: a refusal is a report too.
///
/// ```
/// use netkit::addr::describe::{Options, describe};
/// let report = describe("10.0.0.01", &Options::default());
/// assert_eq!(report.failure.unwrap().kind, "v4_leading_zero");
/// let report = describe("2002:c000:204::1", &Options::default());
/// assert_eq!(report.special.unwrap().name, "6to4");
/// ```
#[must_use]
pub fn describe(text: &str, options: &Options) -> AddrReport {
    match parse(text, options) {
        Ok((kind, value)) => accepted(text, kind, &value, options),
        Err((kind, error)) => refused(text.into(), kind, error, options),
    }
}

/// As [`describe`], for bytes that need not be UTF-8.
#[must_use]
pub fn describe_bytes(bytes: &[u8], options: &Options) -> AddrReport {
    match std::str::from_utf8(bytes) {
        Ok(text) => describe(text, options),
        Err(error) => {
            let start = error.valid_up_to();
            let text = String::from_utf8_lossy(bytes);
            // The replacement character stands where the bytes were.
            let end = start + char::REPLACEMENT_CHARACTER.len_utf8();
            let fault = AddrError::new(super::Class::NotUtf8, start..end);
            refused(text, options.kind.unwrap_or(As::Addr), fault, options)
        }
    }
}

fn accepted(text: &str, kind: As, value: &Value<'_>, options: &Options) -> AddrReport {
    let ip = value.ip();
    let prefix = value.prefix();
    AddrReport {
        input: text.to_owned(),
        ok: true,
        kind,
        canonical: Some(value.canonical()),
        failure: None,
        ip: ip.map(|(ip, zone)| IpGroup::new(ip, zone, &options.nat64)),
        cidr: prefix.map(CidrGroup::new),
        range: match value {
            Value::Range(range) => Some((*range).into()),
            _ => None,
        },
        endpoint: value.endpoint(options),
        mac: match value {
            Value::Mac(mac) => Some((*mac).into()),
            _ => None,
        },
        class: ip.map(|(ip, zone)| ClassGroup::of(Literal { ip, zone })),
        special: match (prefix, ip) {
            (Some(prefix), _) => special::find_prefix(prefix),
            (None, Some((ip, _))) => special::find(ip),
            (None, None) => None,
        }
        .cloned(),
    }
}

fn refused(text: Cow<'_, str>, kind: As, error: AddrError, options: &Options) -> AddrReport {
    let explained = explain(&text, kind, error, options);
    AddrReport {
        ok: false,
        kind,
        canonical: None,
        failure: Some(AddrFailure {
            kind: error.class.code().to_owned(),
            message: explained.message,
            span: [explained.span.start, explained.span.end],
            expected: explained.expected,
            hint: explained.suggestion,
        }),
        input: text.into_owned(),
        ip: None,
        cidr: None,
        range: None,
        endpoint: None,
        mac: None,
        class: None,
        special: None,
    }
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
