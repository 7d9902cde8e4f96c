//! Go's predicates on addresses, of `net/netip` and of `net.IP`, which differ in two places.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::ip::Literal;

/// What Go's predicates say of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one of Go's predicates"
)]
pub struct Predicates {
    /// 0.0.0.0 and `::`.
    pub is_unspecified: bool,
    /// 127.0.0.0/8 and `::1`.
    pub is_loopback: bool,
    /// 10/8, 172.16/12, 192.168/16 and `fc00::/7`.
    pub is_private: bool,
    /// 224/4 and `ff00::/8`.
    pub is_multicast: bool,
    /// `ffX1::/16`.
    pub is_interface_local_multicast: bool,
    /// 224.0.0.0/24 and `ffX2::/16`.
    pub is_link_local_multicast: bool,
    /// 169.254/16 and `fe80::/10`.
    pub is_link_local_unicast: bool,
    /// Everything but unspecified, loopback, multicast, link-local unicast and 255.255.255.255; so
    /// private addresses too.
    pub is_global_unicast: bool,
}

impl Predicates {
    /// As `netip.Addr`: an IPv4-mapped address is judged by its IPv4 address, except that
    /// `::ffff:0.0.0.0` is not unspecified, and `::%zone` is neither unspecified nor anything else
    /// but global unicast.
    #[must_use]
    pub fn netip(literal: Literal<'_>) -> Self {
        let mut predicates = Self::net_ip(literal.ip);
        let plain = literal.ip.is_unspecified() && literal.zone.is_none();
        if predicates.is_unspecified && !plain {
            predicates.is_unspecified = false;
            predicates.is_global_unicast = literal.ip.is_unspecified();
        }
        predicates
    }

    /// As `net.IP`.
    #[must_use]
    pub fn net_ip(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::v4(ip),
            IpAddr::V6(ip) => Self::v6(ip),
        }
    }

    fn v4(ip: Ipv4Addr) -> Self {
        let octets = ip.octets();
        Self {
            is_unspecified: ip.is_unspecified(),
            is_loopback: ip.is_loopback(),
            is_private: ip.is_private(),
            is_multicast: ip.is_multicast(),
            is_interface_local_multicast: false,
            is_link_local_multicast: octets[..3] == [224, 0, 0],
            is_link_local_unicast: ip.is_link_local(),
            is_global_unicast: false,
        }
        .global_unless(ip.is_broadcast())
    }

    fn v6(ip: Ipv6Addr) -> Self {
        let scope = ip.segments()[0] & 0xff0f;
        Self {
            is_unspecified: ip.is_unspecified(),
            is_loopback: ip.is_loopback(),
            is_private: ip.is_unique_local(),
            is_multicast: ip.is_multicast(),
            is_interface_local_multicast: scope == 0xff01,
            is_link_local_multicast: scope == 0xff02,
            is_link_local_unicast: ip.is_unicast_link_local(),
            is_global_unicast: false,
        }
        .global_unless(false)
    }

    fn global_unless(self, broadcast: bool) -> Self {
        let special = self.is_unspecified
            || self.is_loopback
            || self.is_multicast
            || self.is_link_local_unicast
            || broadcast;
        Self {
            is_global_unicast: !special,
            ..self
        }
    }
}
