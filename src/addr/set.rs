//! Sets of addresses of both families: union, difference, intersection, and the fewest prefixes.

use super::prefix::{from_bits, to_bits};
use super::{Family, IpRange, Prefix};

/// Sorted ranges of one family that neither overlap nor touch; ends are inclusive.
type Ranges = Vec<(u128, u128)>;

/// A set of addresses.
///
/// ```
/// use netkit::addr::{Prefix, set::IpSet};
/// let all: IpSet = ["10.0.0.0/29".parse::<Prefix>().unwrap()].into_iter().collect();
/// let some: IpSet = ["10.0.0.2/31".parse::<Prefix>().unwrap()].into_iter().collect();
/// let rest: Vec<String> = all.without(&some).prefixes().map(|p| p.to_string()).collect();
/// assert_eq!(rest, ["10.0.0.0/31", "10.0.0.4/30"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpSet {
    v4: Ranges,
    v6: Ranges,
}

impl IpSet {
    /// The addresses of `self` that are not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self {
            v4: subtract(&self.v4, &other.v4),
            v6: subtract(&self.v6, &other.v6),
        }
    }

    /// The addresses in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            v4: intersect(&self.v4, &other.v4),
            v6: intersect(&self.v6, &other.v6),
        }
    }

    /// Whether there is no address in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The fewest prefixes with exactly these addresses, IPv4 first, in order.
    pub fn prefixes(&self) -> impl Iterator<Item = Prefix> {
        let of = |family: Family, ranges: &Ranges| {
            ranges
                .clone()
                .into_iter()
                .filter_map(move |(first, last)| {
                    IpRange::new(from_bits(family, first), from_bits(family, last))
                })
                .flat_map(IpRange::prefixes)
        };
        of(Family::Ipv4, &self.v4).chain(of(Family::Ipv6, &self.v6))
    }
}

impl FromIterator<IpRange> for IpSet {
    fn from_iter<I: IntoIterator<Item = IpRange>>(ranges: I) -> Self {
        let mut set = Self::default();
        for range in ranges {
            let ends = (to_bits(range.first()), to_bits(range.last()));
            match Family::of(range.first()) {
                Family::Ipv4 => set.v4.push(ends),
                Family::Ipv6 => set.v6.push(ends),
            }
        }
        merge(&mut set.v4);
        merge(&mut set.v6);
        set
    }
}

impl FromIterator<Prefix> for IpSet {
    fn from_iter<I: IntoIterator<Item = Prefix>>(prefixes: I) -> Self {
        prefixes.into_iter().map(IpRange::from).collect()
    }
}

/// Sorts, and joins what overlaps or touches.
fn merge(ranges: &mut Ranges) {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let touches = next.0 <= kept.1.saturating_add(1);
        if touches {
            kept.1 = kept.1.max(next.1);
        }
        touches
    });
}

fn subtract(from: &Ranges, other: &Ranges) -> Ranges {
    let mut rest = Vec::with_capacity(from.len());
    let mut holes = other.iter().copied().peekable();
    for &(first, last) in from {
        let mut next = Some(first);
        while holes.next_if(|hole| hole.1 < first).is_some() {}
        while let Some(&(start, end)) = holes.peek()
            && start <= last
            && let Some(from) = next
        {
            if from < start {
                rest.push((from, start - 1));
            }
            next = end.checked_add(1).filter(|&after| after <= last);
            if end > last {
                break;
            }
            holes.next();
        }
        rest.extend(next.map(|from| (from, last)));
    }
    rest
}

fn intersect(a: &Ranges, b: &Ranges) -> Ranges {
    let (mut i, mut j) = (0, 0);
    let mut common = Vec::new();
    while let (Some(&x), Some(&y)) = (a.get(i), b.get(j)) {
        let (first, last) = (x.0.max(y.0), x.1.min(y.1));
        if first <= last {
            common.push((first, last));
        }
        if x.1 < y.1 {
            i += 1;
        } else {
            j += 1;
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::addr::net;

    /// Networks near each other, so that they overlap, nest and touch.
    fn prefixes() -> impl Strategy<Value = Vec<Prefix>> {
        let v4 = (any::<u8>(), 22..=32u8)
            .prop_map(|(low, bits)| Prefix::new([10, 0, low / 64, low].into(), bits).unwrap());
        let v6 = (any::<u16>(), 100..=128u8).prop_map(|(low, bits)| {
            Prefix::new([0x2001, 0xdb8, 0, 0, 0, 0, low & 3, low].into(), bits).unwrap()
        });
        proptest::collection::vec(prop_oneof![v4, v6], 0..12)
    }

    fn set(prefixes: &[Prefix]) -> IpSet {
        prefixes.iter().copied().collect()
    }

    proptest! {
        #[test]
        fn the_cover_has_the_same_addresses_and_is_what_ipnet_finds(list in prefixes()) {
            let cover: Vec<Prefix> = set(&list).prefixes().collect();
            prop_assert_eq!(set(&cover), set(&list));
            prop_assert_eq!(cover, net::aggregate(&list));
        }

        #[test]
        fn exclusion_and_intersection_are_disjoint_and_make_the_whole(a in prefixes(), b in prefixes()) {
            let (a, b) = (set(&a), set(&b));
            let (rest, common) = (a.without(&b), a.intersection(&b));
            prop_assert!(rest.intersection(&common).is_empty());
            prop_assert!(rest.intersection(&b).is_empty());
            let whole: IpSet = rest.prefixes().chain(common.prefixes()).collect();
            prop_assert_eq!(&whole, &a);
            prop_assert_eq!(common, b.intersection(&a));
        }

        #[test]
        fn splitting_and_aggregating_is_identity(list in prefixes(), more in 0..6u8, parts in 1..40u128) {
            for prefix in list {
                let whole = vec![prefix.masked()];
                if let Some(split) = net::split(prefix, prefix.bits() + more) {
                    prop_assert_eq!(net::aggregate(&split.collect::<Vec<_>>()), whole.clone());
                }
                if let Some(split) = net::split_into(prefix, parts) {
                    let split: Vec<_> = split.collect();
                    prop_assert_eq!(split.len() as u128, parts);
                    prop_assert_eq!(net::aggregate(&split), whole);
                }
            }
        }

        #[test]
        fn a_range_is_covered_exactly(a: u128, b: u128, shift in 0..128u32) {
            let (a, b) = (a >> shift, b >> shift);
            let range = IpRange::new(
                from_bits(Family::Ipv6, a.min(b)),
                from_bits(Family::Ipv6, a.max(b)),
            ).unwrap();
            let cover: Vec<Prefix> = range.prefixes().collect();
            prop_assert!(cover.len() <= 254);
            prop_assert_eq!(cover[0].first(), range.first());
            prop_assert_eq!(cover[cover.len() - 1].last(), range.last());
            prop_assert!(cover.windows(2).all(|w| to_bits(w[0].last()) + 1 == to_bits(w[1].first())));
        }
    }

    #[test]
    fn whole_families_survive_the_arithmetic() {
        for all in ["0.0.0.0/0", "::/0"] {
            let all: Prefix = all.parse().unwrap();
            let set = set(&[all]);
            assert_eq!(set.prefixes().collect::<Vec<_>>(), [all]);
            assert!(set.without(&set).is_empty());
            assert_eq!(net::nth(all, -1), Some(all.last()));
            assert!(net::split(all, 128).is_some() || all.ip().is_ipv4());
            assert!(net::split_into(all, u128::MAX).is_some() == all.ip().is_ipv6());
        }
    }

    #[test]
    fn drawing_stays_within_the_network_and_repeats_with_the_seed() {
        for text in ["10.1.2.0/23", "2001:db8::/33", "192.0.2.1/32", "::/0"] {
            let net: Prefix = text.parse().unwrap();
            let drawn: Vec<_> = net::random(net, 7).take(50).collect();
            assert!(drawn.iter().all(|&ip| net.contains(ip)), "{text}");
            assert_eq!(drawn, net::random(net, 7).take(50).collect::<Vec<_>>());
        }
    }
}
