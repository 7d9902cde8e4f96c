//! Where a trace begins: the root's name servers, as IANA publishes them (`named.root`).

use std::net::IpAddr;

use super::delegation::{NameServerEntry, Source, Zone};
use crate::resolve::DomainName;

/// Name, IPv4 and IPv6 address of each; state of November 2023, when b.root-servers.net moved.
const ROOTS: [(&str, [u8; 4], [u16; 8]); 13] = [
    (
        "a.root-servers.net",
        [198, 41, 0, 4],
        [0x2001, 0x503, 0xba3e, 0, 0, 0, 0x2, 0x30],
    ),
    (
        "b.root-servers.net",
        [170, 247, 170, 2],
        [0x2801, 0x1b8, 0x10, 0, 0, 0, 0, 0xb],
    ),
    (
        "c.root-servers.net",
        [192, 33, 4, 12],
        [0x2001, 0x500, 0x2, 0, 0, 0, 0, 0xc],
    ),
    (
        "d.root-servers.net",
        [199, 7, 91, 13],
        [0x2001, 0x500, 0x2d, 0, 0, 0, 0, 0xd],
    ),
    (
        "e.root-servers.net",
        [192, 203, 230, 10],
        [0x2001, 0x500, 0xa8, 0, 0, 0, 0, 0xe],
    ),
    (
        "f.root-servers.net",
        [192, 5, 5, 241],
        [0x2001, 0x500, 0x2f, 0, 0, 0, 0, 0xf],
    ),
    (
        "g.root-servers.net",
        [192, 112, 36, 4],
        [0x2001, 0x500, 0x12, 0, 0, 0, 0, 0xd0d],
    ),
    (
        "h.root-servers.net",
        [198, 97, 190, 53],
        [0x2001, 0x500, 0x1, 0, 0, 0, 0, 0x53],
    ),
    (
        "i.root-servers.net",
        [192, 36, 148, 17],
        [0x2001, 0x7fe, 0, 0, 0, 0, 0, 0x53],
    ),
    (
        "j.root-servers.net",
        [192, 58, 128, 30],
        [0x2001, 0x503, 0xc27, 0, 0, 0, 0x2, 0x30],
    ),
    (
        "k.root-servers.net",
        [193, 0, 14, 129],
        [0x2001, 0x7fd, 0, 0, 0, 0, 0, 0x1],
    ),
    (
        "l.root-servers.net",
        [199, 7, 83, 42],
        [0x2001, 0x500, 0x9f, 0, 0, 0, 0, 0x42],
    ),
    (
        "m.root-servers.net",
        [202, 12, 27, 33],
        [0x2001, 0xdc3, 0, 0, 0, 0, 0, 0x35],
    ),
];

/// The root as the hints have it.
///
/// # Panics
///
/// Never: the names are constants.
pub(super) fn root() -> Zone {
    let entry = |&(name, v4, v6): &(&str, [u8; 4], [u16; 8])| NameServerEntry {
        name: Some(DomainName::parse(name).expect("a constant name")),
        addresses: vec![IpAddr::from(v4), IpAddr::from(v6)],
        source: Source::Hint,
        problem: None,
    };
    Zone {
        name: DomainName::root(),
        servers: ROOTS.iter().map(entry).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirteen_roots_with_two_addresses_each() {
        let root = root();
        let addresses: std::collections::HashSet<_> = root
            .servers
            .iter()
            .flat_map(|it| it.addresses.clone())
            .collect();
        assert_eq!((root.servers.len(), addresses.len()), (13, 26));
    }
}
