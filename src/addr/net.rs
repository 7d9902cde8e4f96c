//! Arithmetic on networks: the only place that knows `ipnet`.
//!
//! Everything that can be large is lazy: 10.0.0.0/8 into /32 costs no memory.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::prefix::{bit_len, from_bits, to_bits};
use super::{Family, Prefix};

impl From<IpNet> for Prefix {
    fn from(net: IpNet) -> Self {
        // `ipnet` checks the length as `Prefix` does.
        Self::new(net.addr(), net.prefix_len()).unwrap_or_else(|| Self::single(net.addr()))
    }
}

fn to_net(prefix: Prefix) -> IpNet {
    match prefix.masked().ip() {
        IpAddr::V4(ip) => Ipv4Net::new(ip, prefix.bits()).map(IpNet::V4),
        IpAddr::V6(ip) => Ipv6Net::new(ip, prefix.bits()).map(IpNet::V6),
    }
    .expect("a prefix is no longer than its address")
}

/// The parts of a network that are `bits` long, lazily; `None` if that is shorter than the network
/// or longer than its addresses.
///
/// ```
/// use netkit::addr::net::split;
/// let net = "192.0.2.0/24".parse().unwrap();
/// let parts: Vec<String> = split(net, 26).unwrap().map(|p| p.to_string()).collect();
/// assert_eq!(parts, ["192.0.2.0/26", "192.0.2.64/26", "192.0.2.128/26", "192.0.2.192/26"]);
/// ```
#[must_use]
pub fn split(prefix: Prefix, bits: u8) -> Option<impl Iterator<Item = Prefix> + Send + use<>> {
    let subnets = to_net(prefix).subnets(bits).ok()?;
    Some(subnets.map(Prefix::from))
}

/// Exactly `parts` networks that cover the whole, as equal as prefixes can be (some are twice the
/// size of others unless `parts` is a power of two), in order; `None` if there are not so many
/// addresses or none are asked for.
#[must_use]
pub fn split_into(
    prefix: Prefix,
    parts: u128,
) -> Option<impl Iterator<Item = Prefix> + Send + use<>> {
    let depth = u8::try_from(parts.checked_ilog2()?).ok()?;
    // 2^depth large parts, of which the last `extra` are halved.
    let large = 1u128.checked_shl(depth.into())?;
    let extra = parts - large;
    let bits = prefix.bits().checked_add(depth)?;
    let available = bit_len(prefix.ip());
    if bits > available || (extra > 0 && bits == available) {
        return None;
    }
    let whole = split(prefix, bits)?.enumerate();
    Some(whole.flat_map(move |(index, part)| {
        let halve = u128::try_from(index).unwrap_or(u128::MAX) >= large - extra;
        let bits = bits + u8::from(halve);
        split(part, bits).into_iter().flatten()
    }))
}

/// The network of `bits` that holds this one; `None` if it is not shorter or equal.
#[must_use]
pub fn supernet(prefix: Prefix, bits: u8) -> Option<Prefix> {
    if bits > prefix.bits() {
        return None;
    }
    Prefix::new(prefix.ip(), bits).map(Prefix::masked)
}

/// The addresses a host may have: without network and broadcast address on IPv4, except in a /31
/// (RFC 3021) or /32.
pub fn hosts(prefix: Prefix) -> impl Iterator<Item = IpAddr> + Send + use<> {
    to_net(prefix).hosts()
}

/// The address at `index`: 0 is the first, -1 the last; `None` beyond the network.
///
/// ```
/// use netkit::addr::net::nth;
/// let net = "10.0.0.0/8".parse().unwrap();
/// assert_eq!(nth(net, 256).unwrap().to_string(), "10.0.1.0");
/// assert_eq!(nth(net, -1).unwrap().to_string(), "10.255.255.255");
/// ```
#[must_use]
pub fn nth(prefix: Prefix, index: i128) -> Option<IpAddr> {
    let offset = if index >= 0 {
        index.unsigned_abs()
    } else {
        prefix
            .size_minus_one()
            .checked_sub(index.unsigned_abs() - 1)?
    };
    (offset <= prefix.size_minus_one())
        .then(|| from_bits(prefix.family(), to_bits(prefix.first()) + offset))
}

/// Addresses drawn evenly from a network; the same seed draws the same addresses.
pub fn random(prefix: Prefix, seed: u64) -> impl Iterator<Item = IpAddr> + Send + use<> {
    let mut state = seed;
    let first = to_bits(prefix.first());
    let (family, mask) = (prefix.family(), prefix.size_minus_one());
    std::iter::repeat_with(move || {
        let drawn = u128::from(splitmix64(&mut state)) << 64 | u128::from(splitmix64(&mut state));
        from_bits(family, first | drawn & mask)
    })
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014).
fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// The fewest networks with exactly these addresses, IPv4 first, in order.
///
/// ```
/// use netkit::addr::net::aggregate;
/// let nets = ["10.0.1.0/24", "10.0.0.0/24", "10.0.0.7/32"].map(|text| text.parse().unwrap());
/// let cover: Vec<String> = aggregate(&nets).iter().map(ToString::to_string).collect();
/// assert_eq!(cover, ["10.0.0.0/23"]);
/// ```
#[must_use]
pub fn aggregate(prefixes: &[Prefix]) -> Vec<Prefix> {
    let nets: Vec<IpNet> = prefixes.iter().copied().map(to_net).collect();
    let mut cover: Vec<Prefix> = IpNet::aggregate(&nets)
        .into_iter()
        .map(Prefix::from)
        .collect();
    cover.sort_unstable_by_key(|prefix| order(*prefix));
    cover
}

/// The order of a list: IPv4 first, then by address, then the larger network.
#[must_use]
pub fn order(prefix: Prefix) -> (bool, u128, u8) {
    let v6 = prefix.family() == Family::Ipv6;
    (v6, to_bits(prefix.ip()), prefix.bits())
}
