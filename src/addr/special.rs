//! The IANA special-purpose address registries (RFC 6890, RFC 8190), by longest match.

use std::net::IpAddr;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::Prefix;

/// Both registries as one table, dated 2026-07-18.
const REGISTRY: &str = include_str!("iana-special.csv");

/// A block with a special purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Special {
    /// The block.
    pub block: Prefix,
    /// Its name in the registry.
    pub name: String,
    /// Where it is defined.
    pub rfc: String,
    /// Year and month of the allocation.
    pub allocated: String,
    /// Year and month of its end, if it ended.
    pub terminated: Option<String>,
    /// Whether it may be a source address. This and the other flags are null where the registry says
    /// "N/A" or nothing.
    pub source: Option<bool>,
    /// Whether it may be a destination.
    pub destination: Option<bool>,
    /// Whether routers may forward to it.
    pub forwardable: Option<bool>,
    /// Whether it can be reached from all of the Internet.
    pub globally_reachable: Option<bool>,
    /// Whether IP itself treats it specially.
    pub reserved_by_protocol: Option<bool>,
    /// A remark.
    pub note: Option<String>,
}

impl Special {
    /// One row: family, block, name, rfc, allocated, terminated, five flags, note.
    fn from_row(row: &str) -> Option<Self> {
        let fields: Vec<&str> = row.splitn(12, ',').collect();
        let &[_, block, name, rfc, allocated, terminated, .., note] = fields.as_slice() else {
            return None;
        };
        let flag = |index: usize| fields.get(index)?.parse().ok();
        let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Self {
            block: block.parse().ok()?,
            name: name.to_owned(),
            rfc: rfc.to_owned(),
            allocated: allocated.to_owned(),
            terminated: optional(terminated),
            source: flag(6),
            destination: flag(7),
            forwardable: flag(8),
            globally_reachable: flag(9),
            reserved_by_protocol: flag(10),
            note: optional(note),
        })
    }
}

/// The longest block of its family that holds the address.
///
/// ```
/// let entry = netkit::addr::special::find("192.0.0.9".parse().unwrap()).unwrap();
/// assert_eq!((entry.rfc.as_str(), entry.globally_reachable), ("RFC7723", Some(true)));
/// ```
#[must_use]
pub fn find(ip: IpAddr) -> Option<&'static Special> {
    registry()
        .iter()
        .filter(|entry| entry.block.contains(ip))
        .max_by_key(|entry| entry.block.bits())
}

/// The longest block of the registry that holds the whole prefix.
#[must_use]
pub fn find_prefix(prefix: Prefix) -> Option<&'static Special> {
    registry()
        .iter()
        .filter(|entry| entry.block.bits() <= prefix.bits() && entry.block.contains(prefix.ip()))
        .max_by_key(|entry| entry.block.bits())
}

fn registry() -> &'static [Special] {
    static TABLE: OnceLock<Vec<Special>> = OnceLock::new();
    TABLE.get_or_init(|| {
        REGISTRY
            .lines()
            .skip(1)
            .filter_map(Special::from_row)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_registry_is_read() {
        let v6 = registry().iter().filter(|s| s.block.ip().is_ipv6()).count();
        assert_eq!((registry().len(), v6), (51, 25));
        assert!(registry().iter().all(|s| s.block.masked() == s.block));
    }

    #[test]
    fn the_longest_block_wins() {
        for (ip, name) in [
            ("192.0.0.1", "IPv4 Service Continuity Prefix"),
            ("192.0.0.9", "Port Control Protocol Anycast"),
            ("192.0.0.100", "IETF Protocol Assignments"),
            ("0.0.0.0", "This host on this network"),
            ("2001:1::3", "DNS-SD Service Registration Protocol Anycast"),
            ("2001:0:1::", "TEREDO"),
            ("64:ff9b::1", "IPv4-IPv6 Translation"),
        ] {
            assert_eq!(find(ip.parse().unwrap()).unwrap().name, name, "{ip}");
        }
        assert_eq!(find("8.8.8.8".parse().unwrap()), None);
        assert_eq!(find("2606:4700::1".parse().unwrap()), None);
    }

    #[test]
    fn what_the_registry_leaves_open_is_null() {
        let teredo = find("2001::1".parse().unwrap()).unwrap();
        assert_eq!(
            (teredo.globally_reachable, teredo.source),
            (None, Some(true))
        );
        let ended = find("192.88.99.1".parse().unwrap()).unwrap();
        assert_eq!(
            (ended.source, ended.terminated.as_deref()),
            (None, Some("2015-03"))
        );
    }
}
