//! Name servers as people write them.
//!
//! Pure: a zone stays text here and becomes a scope id where the socket is made, and a server given
//! by name keeps it until somebody resolves it. Reading the text is `parse`'s.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The port of DNS over UDP and TCP (RFC 1035 §4.2).
pub const DNS_PORT: u16 = 53;
/// The port of DNS over TLS (RFC 7858 §3.1) and over QUIC (RFC 9250 §4.1.1).
pub const SECURE_PORT: u16 = 853;
/// The port of DNS over HTTPS (RFC 8484 §5) and HTTP/3.
pub const HTTPS_PORT: u16 = 443;
/// The path that servers of DNS over HTTPS have agreed on (RFC 8484 §4.1.1, its examples).
pub const DOH_PATH: &str = "/dns-query";
/// What stands at the end of a path whose template says that questions are sent by GET (RFC 8484
/// §4.1, RFC 6570).
pub const GET_TEMPLATE: &str = "{?dns}";

/// Over what a server may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transports {
    /// UDP first, and TCP when UDP does not do.
    #[default]
    Both,
    /// UDP and nothing else.
    UdpOnly,
    /// TCP from the start.
    TcpOnly,
    /// TLS (RFC 7858).
    Tls,
    /// HTTP/2 over TLS (RFC 8484).
    Https,
    /// QUIC (RFC 9250).
    Quic,
    /// HTTP/3 (RFC 8484 over RFC 9114).
    H3,
}

impl Transports {
    /// What stands before `://`; `None` for the default.
    #[must_use]
    pub fn scheme(self) -> Option<&'static str> {
        match self {
            Self::Both => None,
            Self::UdpOnly => Some("udp"),
            Self::TcpOnly => Some("tcp"),
            Self::Tls => Some("tls"),
            Self::Https => Some("https"),
            Self::Quic => Some("quic"),
            Self::H3 => Some("h3"),
        }
    }

    /// The port when none is written.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Both | Self::UdpOnly | Self::TcpOnly => DNS_PORT,
            Self::Tls | Self::Quic => SECURE_PORT,
            Self::Https | Self::H3 => HTTPS_PORT,
        }
    }

    /// Whether the server proves who it is.
    #[must_use]
    pub fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Https | Self::Quic | Self::H3)
    }

    /// Whether questions travel in HTTP messages.
    #[must_use]
    pub fn is_http(self) -> bool {
        matches!(self, Self::Https | Self::H3)
    }
}

/// The machine of a name server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerHost {
    /// An address, with the IPv6 zone where one was written.
    Ip {
        /// The address.
        ip: IpAddr,
        /// An interface, by name or number.
        zone: Option<Arc<str>>,
    },
    /// A host name: the system resolves it before anything can be asked.
    Name(Arc<str>),
}

/// A name server as the user named it.
///
/// ```
/// use netkit::resolve::NameServer;
/// let server: NameServer = "tcp://[2001:db8::53]".parse().unwrap();
/// assert_eq!(server.to_string(), "tcp://[2001:db8::53]:53");
/// let server: NameServer = "tls://dns.example@192.0.2.53".parse().unwrap();
/// assert_eq!(server.to_string(), "tls://dns.example@192.0.2.53:853");
/// let error = "ftp://192.0.2.53".parse::<NameServer>().unwrap_err();
/// assert_eq!(error.message, "unknown scheme \"ftp\" of a name server");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameServer {
    /// Whom to dial.
    pub host: ServerHost,
    /// The port; it defaults to that of the transport.
    pub port: u16,
    /// Over what it is asked.
    pub transports: Transports,
    /// The name that its certificate must be for, where that is not the host's.
    pub identity: Option<Arc<str>>,
    /// The path of the HTTP resource, with [`GET_TEMPLATE`] at its end for GET; HTTP only.
    pub path: Option<Arc<str>>,
}

impl NameServer {
    /// The address, unless the server is given by name. A zone that is not a number is left out.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        let ServerHost::Ip { ip, zone } = &self.host else {
            return None;
        };
        let scope = zone.as_deref().and_then(|zone| zone.parse().ok());
        Some(match ip {
            IpAddr::V4(_) => SocketAddr::new(*ip, self.port),
            IpAddr::V6(v6) => {
                std::net::SocketAddrV6::new(*v6, self.port, 0, scope.unwrap_or(0)).into()
            }
        })
    }

    /// The zone, where one was written.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        match &self.host {
            ServerHost::Ip { zone, .. } => zone.as_deref(),
            ServerHost::Name(_) => None,
        }
    }

    /// The name or address that a certificate must be for.
    #[must_use]
    pub fn certified(&self) -> String {
        match (&self.identity, &self.host) {
            (Some(name), _) | (None, ServerHost::Name(name)) => name.to_string(),
            (None, ServerHost::Ip { ip, .. }) => ip.to_string(),
        }
    }
}

impl From<SocketAddr> for NameServer {
    fn from(addr: SocketAddr) -> Self {
        let scope = match addr {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => Some(v6.scope_id().to_string().into()),
            _ => None,
        };
        let ip = addr.ip();
        Self {
            host: ServerHost::Ip { ip, zone: scope },
            port: addr.port(),
            transports: Transports::default(),
            identity: None,
            path: None,
        }
    }
}

impl fmt::Display for NameServer {
    /// Writes the form that parses back: `192.0.2.53:53`, `tls://dns.example@[fe80::1%eth0]:853`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.transports.scheme() {
            write!(f, "{scheme}://")?;
        }
        if let Some(identity) = &self.identity {
            write!(f, "{identity}@")?;
        }
        match &self.host {
            ServerHost::Name(name) => f.write_str(name)?,
            ServerHost::Ip { ip, zone: None } if ip.is_ipv4() => write!(f, "{ip}")?,
            ServerHost::Ip { ip, zone: None } => write!(f, "[{ip}]")?,
            ServerHost::Ip {
                ip,
                zone: Some(zone),
            } => write!(f, "[{ip}%{zone}]")?,
        }
        write!(f, ":{}", self.port)?;
        self.path
            .as_deref()
            .map_or(Ok(()), |path| f.write_str(path))
    }
}
