//! Endpoints as Go's `ResolveTCPAddr`, `ResolveUDPAddr` and `ResolveIPAddr` read them, without ever
//! asking a name server: a host that could be a name is handed back as such.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::Family;
use super::class::{AddrError, Class};
use super::hostport::split_host_port;
use super::ip::parse_addr;
use super::lookup_port::lookup_port_in;
use super::protocol::ProtocolNames;
use super::service::Services;

/// The tables that names of ports and protocols are looked up in. They are only read when used.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// Port names.
    pub services: fn() -> &'static Services,
    /// Protocol names.
    pub protocols: fn() -> &'static ProtocolNames,
}

impl Default for Names {
    /// This machine's own.
    fn default() -> Self {
        Self {
            services: Services::system,
            protocols: ProtocolNames::system,
        }
    }
}

/// What an endpoint is reached through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `net.TCPAddr`.
    Tcp,
    /// `net.UDPAddr`.
    Udp,
    /// `net.IPAddr`: no port.
    Ip,
}

impl Kind {
    /// Go's `Addr.Network()`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Ip => "ip",
        }
    }
}

/// A literal endpoint: what Go's `TCPAddr`, `UDPAddr` and `IPAddr` hold.
///
/// `Display` is Go's `String()`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resolved<'a> {
    /// Which of the three.
    pub kind: Kind,
    /// The address; IPv4-mapped ones as IPv4. `None` for an empty host: any address.
    pub ip: Option<IpAddr>,
    /// The zone; Go keeps it on an IPv4-mapped address too.
    pub zone: Option<&'a str>,
    /// The port; 0 on `ip`.
    pub port: u16,
}

impl fmt::Display for Resolved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.map(|zone| format!("%{zone}")).unwrap_or_default();
        let host = self.ip.map(|ip| format!("{ip}{zone}")).unwrap_or_default();
        match self.kind {
            Kind::Ip => f.write_str(&host),
            _ => f.write_str(&super::join_host_port(&host, &self.port.to_string())),
        }
    }
}

/// What a text stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint<'a> {
    /// An address.
    Literal(Resolved<'a>),
    /// A host name: a name server has to say.
    NeedsDns {
        /// Which kind of endpoint it will be.
        kind: Kind,
        /// The family the network asks for.
        family: Option<Family>,
        /// The name.
        host: &'a str,
        /// The port.
        port: u16,
    },
}

/// Reads `text` as `net.ResolveTCPAddr(network, text)`; networks are `tcp`, `tcp4`, `tcp6` and "".
///
/// ```
/// use netkit::addr::endpoint::{Endpoint, resolve_tcp};
/// let Endpoint::Literal(addr) = resolve_tcp("tcp", "[::1]:https").unwrap() else { panic!() };
/// assert_eq!(addr.to_string(), "[::1]:443");
/// assert!(matches!(resolve_tcp("tcp", "a.example:80"), Ok(Endpoint::NeedsDns { .. })));
/// ```
pub fn resolve_tcp<'a>(network: &str, text: &'a str) -> Result<Endpoint<'a>, AddrError> {
    resolve_inet(Kind::Tcp, network, text, Names::default())
}

/// Reads `text` as `net.ResolveUDPAddr(network, text)`.
pub fn resolve_udp<'a>(network: &str, text: &'a str) -> Result<Endpoint<'a>, AddrError> {
    resolve_inet(Kind::Udp, network, text, Names::default())
}

/// As [`resolve_tcp`] and [`resolve_udp`], with the tables of names.
pub fn resolve_inet<'a>(
    kind: Kind,
    network: &str,
    text: &'a str,
    names: Names,
) -> Result<Endpoint<'a>, AddrError> {
    let network = if network.is_empty() {
        kind.name()
    } else {
        network
    };
    let known = match kind {
        Kind::Tcp => matches!(network, "tcp" | "tcp4" | "tcp6"),
        Kind::Udp => matches!(network, "udp" | "udp4" | "udp6"),
        Kind::Ip => false,
    };
    if !known {
        return Err(AddrError::new(Class::UnknownNetwork, 0..text.len()));
    }
    if text.is_empty() {
        return Ok(any(kind, 0));
    }
    let (host, port) = split_host_port(text)?;
    let port_at = text.len() - port.len();
    let port = lookup_port_in(network, port, names.services)
        .map_err(|error| AddrError::new(error.class, port_at..text.len()))?;
    let prefers_v6 = text.contains('[');
    let request = Request {
        kind,
        port,
        family: family_of(network),
        prefers_v6: prefers_v6 && matches!(network, "tcp" | "udp"),
    };
    request.host(host, usize::from(text.starts_with('[')))
}

/// Reads `text` as `net.ResolveIPAddr(network, text)`; networks are `ip`, `ip4`, `ip6`, "", each
/// perhaps with a protocol: `ip4:icmp`, `ip:1`.
pub fn resolve_ip<'a>(
    network: &str,
    text: &'a str,
    names: Names,
) -> Result<Endpoint<'a>, AddrError> {
    let network = if network.is_empty() { "ip" } else { network };
    let error = |class| AddrError::new(class, 0..text.len());
    let (base, protocol) = match network.rsplit_once(':') {
        Some((base, protocol)) => (base, Some(protocol)),
        None => (network, None),
    };
    if !matches!(base, "ip" | "ip4" | "ip6") {
        return Err(error(Class::UnknownNetwork));
    }
    if protocol.is_some_and(|protocol| !is_protocol(protocol, names)) {
        return Err(error(Class::UnknownProtocol));
    }
    if text.is_empty() {
        return Ok(any(Kind::Ip, 0));
    }
    let request = Request {
        kind: Kind::Ip,
        port: 0,
        family: family_of(base),
        prefers_v6: network == "ip" && text.contains(':'),
    };
    request.host(text, 0)
}

/// A number below 2^24 - 1, unchecked as in Go, or a known name.
fn is_protocol(protocol: &str, names: Names) -> bool {
    /// Go's `big`: it stops reading digits here.
    const TOO_BIG: u32 = 0xff_ffff;
    let digits = !protocol.is_empty() && protocol.bytes().all(|b| b.is_ascii_digit());
    match protocol.parse::<u32>() {
        Ok(number) if digits && number < TOO_BIG => true,
        _ => (names.protocols)().number(protocol).is_some(),
    }
}

fn any(kind: Kind, port: u16) -> Endpoint<'static> {
    Endpoint::Literal(Resolved {
        kind,
        ip: None,
        zone: None,
        port,
    })
}

fn family_of(network: &str) -> Option<Family> {
    match network.as_bytes().last() {
        Some(b'4') => Some(Family::Ipv4),
        Some(b'6') => Some(Family::Ipv6),
        _ => None,
    }
}

/// What is known before the host is read.
struct Request {
    kind: Kind,
    port: u16,
    family: Option<Family>,
    /// Whether the text shows that an IPv6 address is wanted.
    prefers_v6: bool,
}

impl Request {
    fn host<'a>(&self, host: &'a str, offset: usize) -> Result<Endpoint<'a>, AddrError> {
        let span = offset..offset + host.len();
        if host.is_empty() {
            return Ok(any(self.kind, self.port));
        }
        match parse_addr(host) {
            Ok(literal) => self
                .literal(literal.ip, literal.zone)
                .map(Endpoint::Literal)
                .ok_or_else(|| AddrError::new(Class::NoSuitableAddress, span)),
            Err(_) if is_domain_name(host) => Ok(Endpoint::NeedsDns {
                kind: self.kind,
                family: self.family,
                host,
                port: self.port,
            }),
            Err(fault) if looks_numeric(host) => {
                let at = AddrError::literal(host, fault, offset);
                Err(AddrError::new(Class::NoSuchHost, at.span()))
            }
            Err(_) => Err(AddrError::new(Class::NoSuchHost, span)),
        }
    }

    /// The address on the family wanted. `::` also stands for 0.0.0.0 where IPv6 is not asked for.
    fn literal<'a>(&self, ip: IpAddr, zone: Option<&'a str>) -> Option<Resolved<'a>> {
        let canonical = ip.to_canonical();
        let allowed = self
            .family
            .is_none_or(|family| Family::of(canonical) == family);
        let unspecified = canonical == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let wants_v4 = self.family == Some(Family::Ipv4);
        let either = self.family.is_none() && !self.prefers_v6;
        let (ip, zone) = match (allowed, unspecified) {
            (_, true) if wants_v4 || either => (Ipv4Addr::UNSPECIFIED.into(), None),
            (true, _) => (canonical, zone),
            (false, _) => return None,
        };
        let (kind, port) = (self.kind, self.port);
        Some(Resolved {
            kind,
            ip: Some(ip),
            zone,
            port,
        })
    }
}

/// Whether a part of the host can be underlined as a fault of a literal.
fn looks_numeric(host: &str) -> bool {
    host.contains(':') || host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Whether Go would ask a name server (RFC 1035, RFC 3696): letters, digits, `-` and `_` in labels
/// of at most 63 bytes, 253 in all, and not only digits.
pub(super) fn is_domain_name(name: &str) -> bool {
    const MAX_LABEL: usize = 63;
    const MAX_NAME: usize = 253;
    if name == "." {
        return true;
    }
    let labels = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let numeric = labels.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    labels.len() <= MAX_NAME && !numeric && labels.split('.').all(is_label)
}
