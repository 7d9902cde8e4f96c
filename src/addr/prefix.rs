//! Address and prefix length: `netip.Prefix`, and the older `net.ParseCIDR` with its own rules.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::Family;
use super::class::{AddrError, Class};
use super::ip::parse_addr;
use super::text::serde_as_text;

/// The bits of an address: 32 or 128.
#[must_use]
pub(super) fn bit_len(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address as a number.
#[must_use]
pub(super) fn to_bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).into(),
        IpAddr::V6(ip) => ip.into(),
    }
}

/// The address of a family with that number; the low 32 bits count for IPv4.
#[must_use]
pub(super) fn from_bits(family: Family, bits: u128) -> IpAddr {
    match family {
        Family::Ipv6 => Ipv6Addr::from(bits).into(),
        Family::Ipv4 => {
            let [.., a, b, c, d] = bits.to_be_bytes();
            Ipv4Addr::new(a, b, c, d).into()
        }
    }
}

/// The low bits that a prefix of this length leaves to hosts.
#[must_use]
pub(super) fn host_mask(family: Family, bits: u8) -> u128 {
    let len: u8 = if family == Family::Ipv4 { 32 } else { 128 };
    let hosts = u32::from(len.saturating_sub(bits));
    u128::MAX.checked_shr(128 - hosts).unwrap_or(0)
}

/// `ip` with the host bits cleared.
#[must_use]
pub(super) fn mask(ip: IpAddr, bits: u8) -> IpAddr {
    let family = Family::of(ip);
    from_bits(family, to_bits(ip) & !host_mask(family, bits))
}

/// An address and how many of its leading bits name a network; host bits are kept.
///
/// ```
/// use netkit::addr::Prefix;
/// let prefix: Prefix = "10.1.2.3/8".parse().unwrap();
/// assert_eq!(prefix.to_string(), "10.1.2.3/8");
/// assert_eq!(prefix.masked().to_string(), "10.0.0.0/8");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    ip: IpAddr,
    bits: u8,
}

impl Prefix {
    /// A prefix; `None` if `bits` exceeds the address.
    #[must_use]
    pub fn new(ip: IpAddr, bits: u8) -> Option<Self> {
        (bits <= bit_len(ip)).then_some(Self { ip, bits })
    }

    /// The network of one address alone.
    #[must_use]
    pub fn single(ip: IpAddr) -> Self {
        let bits = bit_len(ip);
        Self { ip, bits }
    }

    /// The address, host bits included.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.ip
    }

    /// The prefix length.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// The family.
    #[must_use]
    pub fn family(self) -> Family {
        Family::of(self.ip)
    }

    /// Without the host bits.
    #[must_use]
    pub fn masked(self) -> Self {
        let ip = mask(self.ip, self.bits);
        Self { ip, ..self }
    }

    /// The first address: the network's.
    #[must_use]
    pub fn first(self) -> IpAddr {
        mask(self.ip, self.bits)
    }

    /// The last address: on IPv4, the broadcast address.
    #[must_use]
    pub fn last(self) -> IpAddr {
        let family = self.family();
        from_bits(family, to_bits(self.ip) | host_mask(family, self.bits))
    }

    /// How many addresses, minus one (so that `::/0` fits).
    #[must_use]
    pub fn size_minus_one(self) -> u128 {
        host_mask(self.family(), self.bits)
    }

    /// Whether it holds an address of its family.
    #[must_use]
    pub fn contains(self, ip: IpAddr) -> bool {
        Family::of(ip) == self.family() && mask(ip, self.bits) == self.first()
    }

    /// Whether the two have an address in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let bits = self.bits.min(other.bits);
        self.family() == other.family() && mask(self.ip, bits) == mask(other.ip, bits)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.bits)
    }
}

impl FromStr for Prefix {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        parse_prefix(text)
    }
}

serde_as_text!(Prefix, "Prefix");

/// Parses as `netip.ParsePrefix`: no zone, no sign and no leading zero in the length. The address
/// is checked first, then the zone, then the length.
///
/// ```
/// use netkit::addr::parse_prefix;
/// assert!(parse_prefix("2001:db8::1/32").is_ok());
/// assert_eq!(parse_prefix("10.0.0.0/08").unwrap_err().class.code(), "bad_bits");
/// ```
pub fn parse_prefix(text: &str) -> Result<Prefix, AddrError> {
    let (ip, bits) = split(text, text.rfind('/'))?;
    let error = |class| AddrError::new(class, text.len() - bits.len()..text.len());
    let plain = bits.len() == 1 || !bits.starts_with(['0', '+', '-']);
    if !plain || bits.is_empty() || !bits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(error(Class::BadBits));
    }
    // Beyond 64 bits Go cannot read the number at all.
    let value: i64 = bits.parse().map_err(|_| error(Class::BadBits))?;
    u8::try_from(value)
        .ok()
        .and_then(|bits| Prefix::new(ip, bits))
        .ok_or_else(|| error(Class::BitsRange))
}

/// The address without a zone, and the text of the length.
fn split(text: &str, slash: Option<usize>) -> Result<(IpAddr, &str), AddrError> {
    let end = text.len()..text.len();
    let slash = slash.ok_or_else(|| AddrError::new(Class::NoSlash, end))?;
    let (address, bits) = (&text[..slash], &text[slash + 1..]);
    let literal = parse_addr(address).map_err(|fault| AddrError::literal(address, fault, 0))?;
    match literal.zone {
        Some(zone) => {
            let span = slash - zone.len() - 1..slash;
            Err(AddrError::new(Class::ZoneInPrefix, span))
        }
        None => Ok((literal.ip, bits)),
    }
}

/// What `net.ParseCIDR` reads: an address and the network it lies in.
///
/// `Display` is the network as `net.IPNet` prints it: an IPv4-mapped network of at least 96 bits
/// prints as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    /// Address and length as written; an IPv4-mapped address counts 128 bits.
    pub prefix: Prefix,
}

impl Cidr {
    /// The address, IPv4-mapped ones as IPv4.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.prefix.ip().to_canonical()
    }

    /// The network, IPv4-mapped ones of at least 96 bits as IPv4.
    #[must_use]
    pub fn network(self) -> Prefix {
        let masked = self.prefix.masked();
        match (masked.ip, masked.ip.to_canonical()) {
            (IpAddr::V6(_), ip @ IpAddr::V4(_)) => Prefix {
                ip,
                bits: masked.bits.saturating_sub(96),
            },
            _ => masked,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.network().fmt(f)
    }
}

impl FromStr for Cidr {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        parse_cidr(text)
    }
}

serde_as_text!(Cidr, "Cidr");

/// Parses as `net.ParseCIDR`: splits at the first slash, takes leading zeros in the length, no zone.
pub fn parse_cidr(text: &str) -> Result<Cidr, AddrError> {
    let (ip, bits) = split(text, text.find('/'))?;
    let error = |class| AddrError::new(class, text.len() - bits.len()..text.len());
    if bits.is_empty() || !bits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(error(Class::BadBits));
    }
    let digits = bits.trim_start_matches('0');
    let value = if digits.is_empty() { "0" } else { digits };
    let prefix = value
        .parse()
        .ok()
        .and_then(|bits| Prefix::new(ip, bits))
        .ok_or_else(|| error(Class::BitsRange))?;
    Ok(Cidr { prefix })
}
