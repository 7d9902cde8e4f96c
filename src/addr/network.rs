//! The words for networks, as Go's `net` package and DESIGN §2 use them.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// An address family of the Internet protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The family of an address. An IPv4-mapped IPv6 address counts as IPv6: it is dialled as such.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A stream with a handshake.
    Tcp,
    /// Datagrams without one.
    Udp,
    /// A stream inside this machine.
    Unix,
    /// Datagrams inside this machine.
    Unixgram,
}

impl Transport {
    /// Whether messages keep their borders and nothing is set up before the first.
    #[must_use]
    pub fn is_datagram(self) -> bool {
        matches!(self, Self::Udp | Self::Unixgram)
    }
}

/// What the user asked for: a transport, and for Internet protocols perhaps one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// TCP over either family.
    #[default]
    Tcp,
    /// TCP over IPv4.
    Tcp4,
    /// TCP over IPv6.
    Tcp6,
    /// UDP over either family.
    Udp,
    /// UDP over IPv4.
    Udp4,
    /// UDP over IPv6.
    Udp6,
    /// Unix stream socket.
    Unix,
    /// Unix datagram socket.
    Unixgram,
}

impl Network {
    /// Every network, with the name used on the command line and in JSON.
    pub const ALL: [Self; 8] = [
        Self::Tcp,
        Self::Tcp4,
        Self::Tcp6,
        Self::Udp,
        Self::Udp4,
        Self::Udp6,
        Self::Unix,
        Self::Unixgram,
    ];

    /// The network of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|network| network.name() == name)
    }

    /// The name: `tcp`, `tcp4`, …
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp4 => "tcp4",
            Self::Tcp6 => "tcp6",
            Self::Udp => "udp",
            Self::Udp4 => "udp4",
            Self::Udp6 => "udp6",
            Self::Unix => "unix",
            Self::Unixgram => "unixgram",
        }
    }

    /// What carries the bytes.
    #[must_use]
    pub fn transport(self) -> Transport {
        match self {
            Self::Tcp | Self::Tcp4 | Self::Tcp6 => Transport::Tcp,
            Self::Udp | Self::Udp4 | Self::Udp6 => Transport::Udp,
            Self::Unix => Transport::Unix,
            Self::Unixgram => Transport::Unixgram,
        }
    }

    /// The one family it allows, if it names one.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        match self {
            Self::Tcp4 | Self::Udp4 => Some(Family::Ipv4),
            Self::Tcp6 | Self::Udp6 => Some(Family::Ipv6),
            _ => None,
        }
    }

    /// The same transport restricted to one family; `None` when it already names the other one or
    /// has no families.
    #[must_use]
    pub fn restricted_to(self, family: Family) -> Option<Self> {
        match (self.transport(), family) {
            _ if self.family().is_some_and(|own| own != family) => None,
            (Transport::Tcp, Family::Ipv4) => Some(Self::Tcp4),
            (Transport::Tcp, Family::Ipv6) => Some(Self::Tcp6),
            (Transport::Udp, Family::Ipv4) => Some(Self::Udp4),
            (Transport::Udp, Family::Ipv6) => Some(Self::Udp6),
            (Transport::Unix | Transport::Unixgram, _) => None,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
