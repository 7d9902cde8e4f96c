//! Where one attempt goes: a resolved address, ready for `connect(2)`.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV6};

use crate::addr::{Family, Transport, UnixPath};

/// A resolved address with its transport. IPv6 zones are already scope ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddr {
    /// TCP.
    Tcp(SocketAddr),
    /// UDP.
    Udp(SocketAddr),
    /// Unix stream socket.
    Unix(UnixPath),
    /// Unix datagram socket.
    Unixgram(UnixPath),
}

impl PeerAddr {
    /// The Internet address, unless it is a Unix socket.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) | Self::Udp(addr) => Some(*addr),
            Self::Unix(_) | Self::Unixgram(_) => None,
        }
    }

    /// The address family, unless it is a Unix socket.
    #[must_use]
    pub fn family(&self) -> Option<Family> {
        self.socket_addr().map(|addr| Family::of(addr.ip()))
    }

    /// What carries the bytes.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Udp(_) => Transport::Udp,
            Self::Unix(_) => Transport::Unix,
            Self::Unixgram(_) => Transport::Unixgram,
        }
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) | Self::Udp(addr) => f.pad(&display_socket_addr(*addr)),
            Self::Unix(path) | Self::Unixgram(path) => f.pad(&path.to_string()),
        }
    }
}

/// `192.0.2.1:80` or `[2001:db8::1%2]:80`.
pub(super) fn display_socket_addr(addr: SocketAddr) -> String {
    match addr {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            let plain = SocketAddrV6::new(*v6.ip(), v6.port(), 0, 0);
            plain
                .to_string()
                .replacen(']', &format!("%{}]", v6.scope_id()), 1)
        }
        addr => addr.to_string(),
    }
}
