//! Longest-prefix match over hundreds of thousands of networks.
//!
//! Nested networks are flattened into sorted segments that do not overlap, each with the index of
//! the longest network there. A first-level index over the bits in which the segments differ leaves
//! about one segment to look at.

use std::net::IpAddr;

use super::prefix::to_bits;
use super::{Family, Prefix};

/// An address of either family as a number of its own width.
trait Key: Copy + Ord {
    /// Narrows a number that is known to be of this family.
    fn narrow(bits: u128) -> Self;
    fn bits(self) -> u128;
    /// The distance from `base`, shifted right.
    fn bucket(self, base: Self, shift: u32) -> usize;
}

impl Key for u32 {
    #[expect(clippy::cast_possible_truncation, reason = "IPv4 numbers have 32 bits")]
    fn narrow(bits: u128) -> Self {
        bits as Self
    }

    fn bits(self) -> u128 {
        self.into()
    }

    fn bucket(self, base: Self, shift: u32) -> usize {
        ((self - base) >> shift) as usize
    }
}

impl Key for u128 {
    fn narrow(bits: u128) -> Self {
        bits
    }

    fn bits(self) -> u128 {
        self
    }

    fn bucket(self, base: Self, shift: u32) -> usize {
        // A key beyond the last segment may be beyond any bucket too.
        usize::try_from((self - base) >> shift).unwrap_or(usize::MAX)
    }
}

/// The networks of a filter.
#[derive(Clone, Debug)]
pub struct PrefixTable {
    prefixes: Vec<Prefix>,
    v4: Segments<u32>,
    v6: Segments<u128>,
    /// The first octets of IPv4 addresses that a network holds.
    octets: [bool; 256],
}

impl PrefixTable {
    /// Builds the table; host bits are ignored.
    #[must_use]
    pub fn new(prefixes: &[Prefix]) -> Self {
        let prefixes: Vec<Prefix> = prefixes.iter().map(|prefix| prefix.masked()).collect();
        let v4 = Segments::<u32>::new(&flatten(&prefixes, Family::Ipv4));
        let octets = std::array::from_fn(|octet| {
            let first = count(octet) << 24;
            v4.sorted
                .iter()
                .any(|&(from, to, _)| from <= first | 0xff_ffff && first <= to)
        });
        Self {
            v4,
            v6: Segments::new(&flatten(&prefixes, Family::Ipv6)),
            octets,
            prefixes,
        }
    }

    /// Whether a network holds an IPv4 address that begins with this octet.
    #[inline]
    pub(super) fn holds_octet(&self, octet: u8) -> bool {
        self.octets[usize::from(octet)]
    }

    /// False only if no network holds an IPv6 address from `first` to `last`.
    #[inline]
    pub(super) fn may_hold(&self, first: u128, last: u128) -> bool {
        self.v6.may_touch(first, last)
    }

    /// The longest network that holds the address. An IPv4-mapped address is first looked up as
    /// IPv6, then as its IPv4 address.
    ///
    /// ```
    /// use netkit::addr::table::PrefixTable;
    /// let nets = ["10.0.0.0/8", "10.1.0.0/16"].map(|text| text.parse().unwrap());
    /// let table = PrefixTable::new(&nets);
    /// assert_eq!(table.longest("10.1.2.3".parse().unwrap()), Some(nets[1]));
    /// assert_eq!(table.longest("192.0.2.1".parse().unwrap()), None);
    /// ```
    #[must_use]
    pub fn longest(&self, ip: IpAddr) -> Option<Prefix> {
        let index = match ip {
            IpAddr::V4(ip) => self.v4.find(ip.into()),
            IpAddr::V6(ip) => self.v6.find(ip.into()).or_else(|| {
                let mapped = ip.to_ipv4_mapped()?;
                self.v4.find(mapped.into())
            }),
        }?;
        self.prefixes.get(index).copied()
    }

    /// Whether any network holds the address.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => self.v4.find(ip.into()).is_some(),
            IpAddr::V6(_) => self.longest(ip).is_some(),
        }
    }

    /// Whether there is no network in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }
}

/// First address, last address, index of the network.
type Segment = (u128, u128, usize);

/// Cuts nested networks into segments that do not overlap; the innermost wins.
fn flatten(prefixes: &[Prefix], family: Family) -> Vec<Segment> {
    let mut sorted: Vec<Segment> = prefixes
        .iter()
        .enumerate()
        .filter(|(_, prefix)| prefix.family() == family)
        .map(|(index, prefix)| (to_bits(prefix.first()), to_bits(prefix.last()), index))
        .collect();
    // Outer before inner; of equal networks the first named is kept as the inner one.
    sorted.sort_unstable_by_key(|&(first, last, index)| {
        (first, std::cmp::Reverse(last), std::cmp::Reverse(index))
    });
    let mut flat: Vec<Segment> = Vec::with_capacity(sorted.len());
    let mut open: Vec<Segment> = Vec::new();
    for segment in sorted {
        close_before(&mut open, &mut flat, Some(segment.0));
        if let Some(outer) = open.last_mut() {
            push(&mut flat, (outer.0, segment.0, outer.2));
            outer.0 = segment.0;
        }
        open.push(segment);
    }
    close_before(&mut open, &mut flat, None);
    flat
}

/// Emits the rest of the open networks that end before `next` (or all of them).
fn close_before(open: &mut Vec<Segment>, flat: &mut Vec<Segment>, next: Option<u128>) {
    while let Some((first, last, index)) =
        open.pop_if(|segment| next.is_none_or(|next| segment.1 < next))
    {
        let Some(after) = last.checked_add(1) else {
            // It ends with the last address of all, and so do those around it, which have nothing
            // left after it.
            flat.push((first, last, index));
            open.clear();
            return;
        };
        push(flat, (first, after, index));
        if let Some(outer) = open.last_mut() {
            outer.0 = outer.0.max(after);
        }
    }
}

/// Appends `first..after` unless it is empty.
fn push(flat: &mut Vec<Segment>, (first, after, index): Segment) {
    if first < after {
        flat.push((first, after - 1, index));
    }
}

/// Sorted segments with an index over them.
#[derive(Clone, Debug)]
struct Segments<K> {
    /// First address, last address and network side by side: a look costs one line of the cache.
    sorted: Vec<(K, K, u32)>,
    /// For each bucket, how many segments begin before it.
    buckets: Vec<u32>,
    /// A bit for each bucket that a segment touches. Small enough to stay in the cache, it answers
    /// for most addresses that are in no network.
    touched: Vec<u64>,
    shift: u32,
}

impl<K: Key> Segments<K> {
    fn new(segments: &[Segment]) -> Self {
        let narrow = |s: &Segment| (K::narrow(s.0), K::narrow(s.1), count(s.2));
        let mut table = Self {
            sorted: segments.iter().map(narrow).collect(),
            buckets: Vec::new(),
            touched: Vec::new(),
            shift: 0,
        };
        table.index();
        table
    }

    /// About eight buckets a segment, over the distance from the first to the last.
    fn index(&mut self) {
        let (Some(&(base, ..)), Some(&(end, ..))) = (self.sorted.first(), self.sorted.last())
        else {
            return;
        };
        let spread = 128 - (end.bits() - base.bits()).leading_zeros();
        let wanted = self.sorted.len().ilog2() + 4;
        self.shift = spread.saturating_sub(wanted);
        let last = end.bucket(base, self.shift);
        let mut begun = 0;
        for bucket in 0..=last {
            self.buckets.push(count(begun));
            let begins = |segment: &(K, K, u32)| segment.0.bucket(base, self.shift) == bucket;
            while self.sorted.get(begun).is_some_and(begins) {
                begun += 1;
            }
        }
        self.buckets.push(count(begun));
        self.touch(base, last);
    }

    /// Marks the buckets of every segment; segments do not overlap, so this is one pass.
    fn touch(&mut self, base: K, last: usize) {
        self.touched = vec![0; last / 64 + 1];
        for &(from, to, _) in &self.sorted {
            let (from, to) = (from.bucket(base, self.shift), to.bucket(base, self.shift));
            for bucket in from..=to.min(last) {
                self.touched[bucket / 64] |= 1 << (bucket % 64);
            }
        }
    }

    /// False only if no segment has a key from `first` to `last`.
    #[inline]
    fn may_touch(&self, first: K, last: K) -> bool {
        /// More buckets than this are not worth looking at.
        const FEW: usize = 8;
        let (Some(&(base, ..)), Some(&(_, end, _))) = (self.sorted.first(), self.sorted.last())
        else {
            return false;
        };
        if last < base || first > end {
            return false;
        }
        let most = self.buckets.len() - 2;
        let from = first.max(base).bucket(base, self.shift).min(most);
        let to = last.bucket(base, self.shift).min(most);
        let touched = |bucket: usize| self.touched[bucket / 64] >> (bucket % 64) & 1 == 1;
        to - from > FEW || (from..=to).any(touched)
    }

    #[inline]
    fn find(&self, key: K) -> Option<usize> {
        let base = self.sorted.first()?.0;
        if key < base {
            return None;
        }
        // Beyond the last bucket only the last segment can hold the key.
        let bucket = key.bucket(base, self.shift).min(self.buckets.len() - 2);
        if self.touched[bucket / 64] >> (bucket % 64) & 1 == 0 {
            return None;
        }
        let (from, to) = (
            self.buckets[bucket] as usize,
            self.buckets[bucket + 1] as usize,
        );
        let begun = from + self.sorted[from..to].partition_point(|segment| segment.0 <= key);
        let (_, last, network) = self.sorted[begun.checked_sub(1)?];
        (key <= last).then_some(network as usize)
    }
}

/// Positions fit 32 bits: four billion networks would not fit the memory.
fn count(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::prefix::from_bits;
    use super::*;

    fn naive(prefixes: &[Prefix], ip: IpAddr) -> Option<Prefix> {
        let longest = |ip: IpAddr| {
            prefixes
                .iter()
                .filter(|p| p.contains(ip))
                .max_by_key(|p| p.bits())
                .map(|p| p.masked())
        };
        longest(ip).or_else(|| longest(ip.to_canonical()))
    }

    fn prefix() -> impl Strategy<Value = Prefix> {
        prop_oneof![
            (any::<u32>(), 0..=32u8).prop_map(|(ip, bits)| {
                Prefix::new(from_bits(Family::Ipv4, u128::from(ip)), bits).unwrap()
            }),
            (any::<u8>(), 20..=32u8).prop_map(|(low, bits)| {
                Prefix::new([10, 0, low % 8, low].into(), bits).unwrap()
            }),
            (any::<u128>(), 0..=128u8).prop_map(|(ip, bits)| Prefix::new(
                from_bits(Family::Ipv6, ip),
                bits
            )
            .unwrap()),
            (any::<u8>(), 110..=128u8).prop_map(|(low, bits)| {
                Prefix::new([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(low)].into(), bits).unwrap()
            }),
        ]
    }

    proptest! {
        #[test]
        fn finds_what_a_naive_search_finds(
            prefixes in proptest::collection::vec(prefix(), 0..40),
            keys in proptest::collection::vec((any::<u32>(), any::<u128>()), 20),
        ) {
            let table = PrefixTable::new(&prefixes);
            let edges = prefixes.iter().flat_map(|p| {
                let (first, last) = (to_bits(p.first()), to_bits(p.last()));
                [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                    .map(|bits| from_bits(p.family(), bits))
            });
            let random = keys.iter().flat_map(|&(v4, v6)| {
                [from_bits(Family::Ipv4, v4.into()), from_bits(Family::Ipv6, v6),
                 from_bits(Family::Ipv6, 0xffff_0000_0000 | u128::from(v4))]
            });
            for ip in edges.chain(random) {
                let wanted = naive(&prefixes, ip);
                prop_assert_eq!(table.longest(ip), wanted, "{}", ip);
                prop_assert_eq!(table.contains(ip), wanted.is_some());
                if let (Some(_), IpAddr::V4(ip)) = (wanted, ip) {
                    prop_assert!(table.holds_octet(ip.octets()[0]));
                }
                if let (Some(net), IpAddr::V6(ip)) = (wanted, ip) && net.ip().is_ipv6() {
                    for hosts in [0, 96, 112] {
                        let low = (1u128 << hosts) - 1;
                        prop_assert!(table.may_hold(u128::from(ip) & !low, u128::from(ip) | low));
                    }
                }
            }
        }
    }

    #[test]
    fn holds_both_ends_of_the_whole_family() {
        let nets = ["::/0", "ffff::/16", "0.0.0.0/0", "255.0.0.0/8"].map(|t| t.parse().unwrap());
        let table = PrefixTable::new(&nets);
        for (ip, net) in [
            ("::", 0),
            ("fffe:ffff::", 0),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1),
            ("0.0.0.0", 2),
            ("255.255.255.255", 3),
        ] {
            assert_eq!(table.longest(ip.parse().unwrap()), Some(nets[net]), "{ip}");
        }
    }
}
