//! One thing to dial: network, host or literal, port; or a Unix socket.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use super::Network;

/// A host as written: a literal address (with its IPv6 zone) or a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A literal address.
    Ip {
        /// The address.
        ip: IpAddr,
        /// The zone after `%`, an interface name or index; only on IPv6.
        zone: Option<Arc<str>>,
    },
    /// A name to be resolved, without the brackets or the port; a final dot is kept.
    Name(Arc<str>),
}

impl Host {
    /// The literal address, if it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip { ip, .. } => Some(*ip),
            Self::Name(_) => None,
        }
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        Self::Ip { ip, zone: None }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip {
                ip,
                zone: Some(zone),
            } => write!(f, "{ip}%{zone}"),
            Self::Ip { ip, zone: None } => write!(f, "{ip}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The name of a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UnixPath {
    /// A path in the file system.
    File(PathBuf),
    /// A name in Linux's abstract namespace, written `@name`.
    Abstract(Vec<u8>),
}

impl fmt::Display for UnixPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Abstract(name) => match std::str::from_utf8(name) {
                Ok(name) => write!(f, "@{name}"),
                Err(_) => write!(f, "@{}", name.escape_ascii()),
            },
        }
    }
}

/// Where a target is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Host and port of TCP or UDP.
    Inet {
        /// Name or literal.
        host: Host,
        /// Port number.
        port: u16,
    },
    /// A Unix socket.
    Unix(UnixPath),
}

/// One thing to dial.
///
/// `Display` writes the joined form that the parser reads again: `example.com:443`,
/// `[2001:db8::1%eth0]:53`, `unix:/run/x.sock`; the network is not part of it unless it is Unix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The network asked for.
    pub network: Network,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Whether TLS was asked for with the target itself (`tls://`).
    pub tls: bool,
}

impl Target {
    /// A target on the Internet.
    #[must_use]
    pub fn inet(network: Network, host: Host, port: u16) -> Self {
        Self {
            network,
            endpoint: Endpoint::Inet { host, port },
            tls: false,
        }
    }

    /// The host, unless it is a Unix socket.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        match &self.endpoint {
            Endpoint::Inet { host, .. } => Some(host),
            Endpoint::Unix(_) => None,
        }
    }

    /// The port, unless it is a Unix socket.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self.endpoint {
            Endpoint::Inet { port, .. } => Some(port),
            Endpoint::Unix(_) => None,
        }
    }

    /// The socket address when nothing needs a lookup: a literal without a zone.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match &self.endpoint {
            Endpoint::Inet {
                host: Host::Ip { ip, zone: None },
                port,
            } => Some(SocketAddr::new(*ip, *port)),
            _ => None,
        }
    }
}

impl From<SocketAddr> for Target {
    /// The TCP target at an address; an IPv6 scope id becomes the zone.
    fn from(addr: SocketAddr) -> Self {
        let zone = match addr {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => Some(v6.scope_id().to_string().into()),
            _ => None,
        };
        Self::inet(
            Network::Tcp,
            Host::Ip {
                ip: addr.ip(),
                zone,
            },
            addr.port(),
        )
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Endpoint::Inet {
                host: host @ Host::Ip {
                    ip: IpAddr::V6(_), ..
                },
                port,
            } => {
                write!(f, "[{host}]:{port}")
            }
            Endpoint::Inet { host, port } => write!(f, "{host}:{port}"),
            Endpoint::Unix(path) => write!(f, "{}:{path}", self.network),
        }
    }
}
