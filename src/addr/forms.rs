//! The other addresses inside an address: IPv4 in IPv6 in its many forms, hardware addresses, and
//! what a multicast address says about itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::{Mac, Prefix};

/// NAT64's well-known prefix (RFC 6052 §2.1).
const NAT64_WELL_KNOWN: u128 = 0x0064_ff9b << 96;

/// A form of address that carries another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "form", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Embedded {
    /// `::ffff:0:0/96` (RFC 4291 §2.5.5.2): IPv4 shown to an IPv6 program.
    Ipv4Mapped {
        /// The address.
        ipv4: Ipv4Addr,
    },
    /// `::/96` (RFC 4291 §2.5.5.1): deprecated.
    Ipv4Compatible {
        /// The address.
        ipv4: Ipv4Addr,
    },
    /// `2002::/16` (RFC 3056).
    #[serde(rename = "6to4")]
    SixToFour {
        /// The gateway.
        ipv4: Ipv4Addr,
    },
    /// `2001::/32` (RFC 4380 §4).
    Teredo {
        /// The Teredo server.
        server: Ipv4Addr,
        /// The client's address as the server saw it.
        client: Ipv4Addr,
        /// The client's UDP port as the server saw it.
        port: u16,
        /// Whether the client said that it is behind a cone NAT.
        cone: bool,
    },
    /// RFC 6052: `64:ff9b::/96`, or a prefix that the user named.
    Nat64 {
        /// The translator's prefix.
        prefix: Prefix,
        /// The address behind the translator.
        ipv4: Ipv4Addr,
    },
    /// An interface identifier `0:5efe:a.b.c.d` (RFC 5214 §6.1).
    Isatap {
        /// The address of the interface.
        ipv4: Ipv4Addr,
    },
    /// An interface identifier made of a hardware address (RFC 4291 appendix A).
    Eui64 {
        /// The hardware address.
        mac: Mac,
    },
}

/// Every form that `ip` has. `nat64` are prefixes of translators besides the well-known one.
#[must_use]
pub fn embedded(ip: IpAddr, nat64: &[Prefix]) -> Vec<Embedded> {
    let IpAddr::V6(ip) = ip else {
        return Vec::new();
    };
    let mut forms = Vec::new();
    forms.extend(by_prefix(ip));
    for &prefix in nat64 {
        forms.extend(nat64_address(ip, prefix).map(|ipv4| Embedded::Nat64 { prefix, ipv4 }));
    }
    if !ip.is_multicast() {
        forms.extend(by_interface_id(ip));
    }
    forms
}

/// The 32 bits that begin `from_low` bits above the lowest.
fn ipv4_at(bits: u128, from_low: u32) -> Ipv4Addr {
    let [.., a, b, c, d] = (bits >> from_low).to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

fn by_prefix(ip: Ipv6Addr) -> Option<Embedded> {
    let bits = u128::from(ip);
    let ipv4 = ipv4_at(bits, 0);
    if ip.to_ipv4_mapped().is_some() {
        return Some(Embedded::Ipv4Mapped { ipv4 });
    }
    // `::` and `::1` have meanings of their own.
    if bits >> 32 == 0 && bits > 1 {
        return Some(Embedded::Ipv4Compatible { ipv4 });
    }
    if bits >> 32 == NAT64_WELL_KNOWN >> 32 {
        let prefix = Prefix::new(Ipv6Addr::from(NAT64_WELL_KNOWN).into(), 96)?;
        return Some(Embedded::Nat64 { prefix, ipv4 });
    }
    match ip.segments() {
        [0x2002, ..] => Some(Embedded::SixToFour {
            ipv4: ipv4_at(bits, 80),
        }),
        [0x2001, 0, _, _, flags, port, ..] => Some(Embedded::Teredo {
            server: ipv4_at(bits, 64),
            client: ipv4_at(!bits, 0),
            port: !port,
            cone: flags & 0x8000 != 0,
        }),
        _ => None,
    }
}

fn by_interface_id(ip: Ipv6Addr) -> Option<Embedded> {
    let bits = u128::from(ip);
    let [_, _, _, _, _, _, _, _, id @ ..] = bits.to_be_bytes();
    match id {
        // 0x02 says that the IPv4 address is globally unique.
        [0 | 2, 0, 0x5e, 0xfe, ..] => Some(Embedded::Isatap {
            ipv4: ipv4_at(bits, 0),
        }),
        _ => Mac::from_interface_id(id).map(|mac| Embedded::Eui64 { mac }),
    }
}

/// The IPv4 address in an IPv6 address behind a translator: after the prefix, jumping over bits 64
/// to 71 (RFC 6052 §2.2).
fn nat64_address(ip: Ipv6Addr, prefix: Prefix) -> Option<Ipv4Addr> {
    let at = usize::from(prefix.bits() / 8);
    if !is_nat64_length(prefix.bits()) || !prefix.contains(ip.into()) {
        return None;
    }
    let octets = ip.octets();
    let mut rest = (at..16)
        .filter(|&index| index != 8)
        .map(|index| octets[index]);
    let mut next = || rest.next();
    Some(Ipv4Addr::new(next()?, next()?, next()?, next()?))
}

/// The lengths a translator's prefix can have (RFC 6052 §2.2).
#[must_use]
pub fn is_nat64_length(bits: u8) -> bool {
    matches!(bits, 32 | 40 | 48 | 56 | 64 | 96)
}

/// What a multicast address says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Multicast {
    /// How far it goes (RFC 7346; RFC 2365 and RFC 5771 on IPv4).
    pub scope: String,
    /// The scope field of IPv6.
    pub scope_id: Option<u8>,
    /// Flags of IPv6 (RFC 3956 §3): assigned for a while only.
    pub transient: Option<bool>,
    /// Made from a unicast prefix (RFC 3306).
    pub prefix_based: Option<bool>,
    /// Holds the address of its rendezvous point (RFC 3956).
    pub rendezvous: Option<bool>,
    /// A solicited-node address (RFC 4291 §2.7.1).
    pub solicited_node: bool,
}

impl Multicast {
    /// Reads it off the address; `None` for unicast.
    #[must_use]
    pub fn of(ip: IpAddr) -> Option<Self> {
        if !ip.is_multicast() {
            return None;
        }
        Some(match ip {
            IpAddr::V4(ip) => Self {
                scope: ipv4_scope(ip).to_owned(),
                scope_id: None,
                transient: None,
                prefix_based: None,
                rendezvous: None,
                solicited_node: false,
            },
            IpAddr::V6(ip) => Self::of_ipv6(ip),
        })
    }

    fn of_ipv6(ip: Ipv6Addr) -> Self {
        let [_, second, ..] = ip.octets();
        let flag = |bit: u8| Some(second >> 4 & bit != 0);
        Self {
            scope: ipv6_scope(second & 0xf).to_owned(),
            scope_id: Some(second & 0xf),
            transient: flag(1),
            prefix_based: flag(2),
            rendezvous: flag(4),
            solicited_node: u128::from(ip) >> 24 == SOLICITED_NODE >> 24,
        }
    }
}

fn ipv6_scope(id: u8) -> &'static str {
    match id {
        0 | 0xf => "reserved",
        1 => "interface-local",
        2 => "link-local",
        3 => "realm-local",
        4 => "admin-local",
        5 => "site-local",
        8 => "organization-local",
        0xe => "global",
        _ => "unassigned",
    }
}

fn ipv4_scope(ip: Ipv4Addr) -> &'static str {
    match ip.octets() {
        [224, 0, 0, _] => "link-local",
        [239, 255, ..] => "site-local",
        [239, 192..=195, ..] => "organization-local",
        [239, ..] => "administrative",
        _ => "global",
    }
}

/// `ff02::1:ff00:0/104`
const SOLICITED_NODE: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;

/// The multicast address that neighbours of a unicast address are asked at (RFC 4291 §2.7.1).
#[must_use]
pub fn solicited_node(ip: Ipv6Addr) -> Option<Ipv6Addr> {
    let low = u128::from(ip) & 0xff_ffff;
    (!ip.is_multicast() && !ip.is_unspecified()).then(|| Ipv6Addr::from(SOLICITED_NODE | low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str, nat64: &[&str]) -> String {
        let prefixes: Vec<Prefix> = nat64.iter().map(|p| p.parse().unwrap()).collect();
        let forms = embedded(text.parse().unwrap(), &prefixes);
        serde_json::to_string(&forms).unwrap()
    }

    #[test]
    fn finds_ipv4_in_every_form() {
        for (ip, expected) in [
            (
                "::ffff:192.0.2.1",
                r#"[{"form":"ipv4_mapped","ipv4":"192.0.2.1"}]"#,
            ),
            (
                "::192.0.2.1",
                r#"[{"form":"ipv4_compatible","ipv4":"192.0.2.1"}]"#,
            ),
            ("::1", "[]"),
            (
                "2002:c000:204::1",
                r#"[{"form":"6to4","ipv4":"192.0.2.4"}]"#,
            ),
            // The example of RFC 4380 as it is usually quoted.
            (
                "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                r#"[{"form":"teredo","server":"65.54.227.120","client":"192.0.2.45","port":40000,"cone":true}]"#,
            ),
            (
                "64:ff9b::c000:221",
                r#"[{"form":"nat64","prefix":"64:ff9b::/96","ipv4":"192.0.2.33"}]"#,
            ),
            (
                "fe80::5efe:c000:201",
                r#"[{"form":"isatap","ipv4":"192.0.2.1"}]"#,
            ),
            (
                "fe80::200:5eff:fe00:5301",
                r#"[{"form":"eui64","mac":"00:00:5e:00:53:01"}]"#,
            ),
            ("192.0.2.1", "[]"),
        ] {
            assert_eq!(forms(ip, &[]), expected, "{ip}");
        }
    }

    #[test]
    fn reads_every_prefix_length_of_rfc_6052() {
        // The table of RFC 6052 §2.4.
        for (prefix, ip) in [
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ] {
            let found = embedded(ip.parse().unwrap(), &[prefix.parse().unwrap()]);
            let ipv4 = Ipv4Addr::new(192, 0, 2, 33);
            let prefix = prefix.parse().unwrap();
            assert_eq!(found, [Embedded::Nat64 { prefix, ipv4 }], "{ip}");
        }
        assert_eq!(forms("2001:db8::1", &["2001:db8::/33"]), "[]");
    }

    #[test]
    fn knows_scopes_flags_and_solicited_nodes() {
        let scope = |text: &str| Multicast::of(text.parse().unwrap()).map(|m| m.scope);
        assert_eq!(scope("ff02::1").as_deref(), Some("link-local"));
        assert_eq!(scope("ff3e::1").as_deref(), Some("global"));
        assert_eq!(scope("239.255.1.1").as_deref(), Some("site-local"));
        assert_eq!(scope("::1"), None);
        let flags = Multicast::of("ff7e::1".parse().unwrap()).unwrap();
        assert_eq!(
            (flags.transient, flags.rendezvous),
            (Some(true), Some(true))
        );
        let solicited = solicited_node("2001:db8::12:3456".parse().unwrap()).unwrap();
        assert_eq!(solicited.to_string(), "ff02::1:ff12:3456");
        assert!(Multicast::of(solicited.into()).unwrap().solicited_node);
    }
}
