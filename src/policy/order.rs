//! In which order addresses are tried: RFC 6724 destination address selection, and the family
//! interleave of RFC 8305 §4.
//!
//! Pure: the caller brings the source address of each destination, which only a routing table
//! knows. Rules 3, 4 and 7 (deprecated, home and natively transported addresses) need facts that a
//! socket does not give and are left out, as in Go's `net`.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::Family;

/// A row of the policy table (RFC 6724 §2.1): prefix, length, precedence, label.
type Policy = (Ipv6Addr, u32, u8, u8);

const fn v6(a: u16, b: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0)
}

/// RFC 6724 §2.1, the longest prefixes first.
const TABLE: [Policy; 9] = [
    (Ipv6Addr::LOCALHOST, 128, 50, 0),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 35, 4),
    (Ipv6Addr::UNSPECIFIED, 96, 1, 3),
    (v6(0x2001, 0), 32, 5, 5),
    (v6(0x2002, 0), 16, 30, 2),
    (v6(0x3ffe, 0), 16, 1, 12),
    (v6(0xfec0, 0), 10, 1, 11),
    (v6(0xfc00, 0), 7, 3, 13),
    (Ipv6Addr::UNSPECIFIED, 0, 40, 1),
];

/// Sorts destinations by RFC 6724 §6. Destinations that compare equal keep their order (rule 10).
///
/// Each comes with the source address the kernel would use, `None` when there is no route.
///
/// ```
/// use netkit::policy::order::sort;
/// let v6 = ("2001:db8::1".parse().unwrap(), None);
/// let v4 = ("192.0.2.1".parse().unwrap(), Some("192.0.2.9".parse().unwrap()));
/// assert_eq!(sort(vec![v6, v4]), [v4.0, v6.0], "rule 1: avoid unusable destinations");
/// ```
#[must_use]
pub fn sort(destinations: Vec<(IpAddr, Option<IpAddr>)>) -> Vec<IpAddr> {
    let mut facts: Vec<_> = destinations.into_iter().map(Facts::new).collect();
    facts.sort_by(Facts::compare);
    facts.into_iter().map(|facts| facts.destination).collect()
}

/// Alternates the families (First Address Family Count 1), each in its own order, beginning with
/// the family of the first address, or with the other one than `last` when that was tried last.
#[must_use]
pub fn interleave(sorted: &[IpAddr], last: Option<Family>) -> Vec<IpAddr> {
    let Some(first) = sorted.first().map(|addr| Family::of(*addr)) else {
        return Vec::new();
    };
    let leads = |addr: &IpAddr| match last {
        Some(last) => Family::of(*addr) != last,
        None => Family::of(*addr) == first,
    };
    let (leading, following): (Vec<IpAddr>, Vec<IpAddr>) =
        sorted.iter().partition(|addr| leads(addr));
    let (mut leading, mut following) = (leading.into_iter(), following.into_iter());
    let mut order = Vec::with_capacity(sorted.len());
    while order.len() < sorted.len() {
        order.extend(leading.next());
        order.extend(following.next());
    }
    order
}

/// What the rules ask of one destination.
struct Facts {
    destination: IpAddr,
    source: Option<IpAddr>,
}

impl Facts {
    fn new((destination, source): (IpAddr, Option<IpAddr>)) -> Self {
        Self {
            destination,
            source,
        }
    }

    /// `Less` when `self` goes first.
    fn compare(&self, other: &Self) -> Ordering {
        // Rule 1: avoid unusable destinations.
        let (Some(a), Some(b)) = (self.source, other.source) else {
            return other.source.is_some().cmp(&self.source.is_some());
        };
        let (da, db) = (self.destination, other.destination);
        // Rule 2: prefer matching scope. Rule 5: prefer matching label.
        let same_scope = |d, s| scope(d) == scope(s);
        let same_label = |d, s| policy(d).1 == policy(s).1;
        (same_scope(db, b).cmp(&same_scope(da, a)))
            .then_with(|| same_label(db, b).cmp(&same_label(da, a)))
            // Rule 6: prefer higher precedence.
            .then_with(|| policy(db).0.cmp(&policy(da).0))
            // Rule 8: prefer smaller scope.
            .then_with(|| scope(da).cmp(&scope(db)))
            // Rule 9: longest matching prefix, for IPv6 only (as Go: it only defeats DNS round
            // robin for IPv4, golang/go#13283).
            .then_with(|| common_prefix(db, b).cmp(&common_prefix(da, a)))
    }
}

/// The address as the policy table sees it: IPv4 as mapped.
fn mapped(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// Precedence and label of an address.
fn policy(ip: IpAddr) -> (u8, u8) {
    let bits = u128::from(mapped(ip));
    let matches = |(prefix, length, ..): &&Policy| {
        let differing = bits ^ u128::from(*prefix);
        differing.leading_zeros() >= *length
    };
    // The last row matches everything.
    TABLE
        .iter()
        .find(matches)
        .map_or((40, 1), |(.., precedence, label)| (*precedence, *label))
}

/// The scope of an address (RFC 6724 §3.1; values of RFC 4291 §2.7).
fn scope(ip: IpAddr) -> u8 {
    const LINK_LOCAL: u8 = 0x2;
    const SITE_LOCAL: u8 = 0x5;
    const GLOBAL: u8 = 0xe;
    match ip {
        IpAddr::V4(v4) if v4.is_loopback() || v4.is_link_local() => LINK_LOCAL,
        IpAddr::V4(_) => GLOBAL,
        IpAddr::V6(v6) if v6.is_multicast() => v6.octets()[1] & 0xf,
        IpAddr::V6(v6) if v6.is_loopback() || v6.is_unicast_link_local() => LINK_LOCAL,
        IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfec0 => SITE_LOCAL,
        IpAddr::V6(v6) => v6
            .to_ipv4_mapped()
            .map_or(GLOBAL, |v4: Ipv4Addr| scope(v4.into())),
    }
}

/// Common prefix of two IPv6 addresses, at most 64 bits (RFC 6724 §2.2); 0 for IPv4.
fn common_prefix(destination: IpAddr, source: IpAddr) -> u32 {
    match (destination, source) {
        (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros().min(64),
        _ => 0,
    }
}
