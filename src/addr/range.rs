//! Ranges of addresses: `10.0.0.5-10.0.0.77`, and the fewest prefixes that cover one exactly.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::class::{AddrError, Class};
use super::ip::parse_addr;
use super::prefix::{bit_len, from_bits, host_mask, to_bits};
use super::text::serde_as_text;
use super::{Family, Prefix};

/// All addresses of one family from the first to the last.
///
/// ```
/// use netkit::addr::IpRange;
/// let range: IpRange = "192.0.2.1-192.0.2.6".parse().unwrap();
/// let cover: Vec<String> = range.prefixes().map(|p| p.to_string()).collect();
/// assert_eq!(cover, ["192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/31", "192.0.2.6/32"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpRange {
    first: IpAddr,
    last: IpAddr,
}

impl IpRange {
    /// A range; `None` if the families differ or the last lies before the first.
    #[must_use]
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (Family::of(first) == Family::of(last) && first <= last).then_some(Self { first, last })
    }

    /// The first address.
    #[must_use]
    pub fn first(self) -> IpAddr {
        self.first
    }

    /// The last address.
    #[must_use]
    pub fn last(self) -> IpAddr {
        self.last
    }

    /// How many addresses, minus one.
    #[must_use]
    pub fn size_minus_one(self) -> u128 {
        to_bits(self.last) - to_bits(self.first)
    }

    /// The fewest prefixes that cover exactly this range, in order, lazily.
    pub fn prefixes(self) -> impl Iterator<Item = Prefix> + Send + use<> {
        let family = Family::of(self.first);
        let last = to_bits(self.last);
        let mut next = Some(to_bits(self.first));
        std::iter::from_fn(move || {
            let first = next?;
            let bits = widest(family, first, last);
            let end = first | host_mask(family, bits);
            next = end.checked_add(1).filter(|&start| start <= last);
            Prefix::new(from_bits(family, first), bits)
        })
    }
}

/// The length of the widest prefix that starts at `first` and does not pass `last`.
fn widest(family: Family, first: u128, last: u128) -> u8 {
    let len = bit_len(from_bits(family, 0));
    let fits = |bits: u8| {
        let hosts = host_mask(family, bits);
        first & hosts == 0 && first | hosts <= last
    };
    // At most 129 lengths; a length that fits makes all longer ones fit.
    (0..=len).find(|&bits| fits(bits)).unwrap_or(len)
}

impl From<Prefix> for IpRange {
    fn from(prefix: Prefix) -> Self {
        let (first, last) = (prefix.first(), prefix.last());
        Self { first, last }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for IpRange {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        parse_range(text)
    }
}

serde_as_text!(IpRange, "IpRange");

/// Parses `first-last`; white space around the hyphen is allowed, zones are not.
pub fn parse_range(text: &str) -> Result<IpRange, AddrError> {
    let len = text.len();
    let hyphen = text
        .find('-')
        .ok_or_else(|| AddrError::new(Class::NoRange, len..len))?;
    let first = range_end(text, 0, hyphen)?;
    let last = range_end(text, hyphen + 1, len)?;
    let class = if Family::of(first) == Family::of(last) {
        Class::ReversedRange
    } else {
        Class::MixedFamilies
    };
    IpRange::new(first, last).ok_or_else(|| AddrError::new(class, 0..len))
}

fn range_end(text: &str, start: usize, end: usize) -> Result<IpAddr, AddrError> {
    let part = &text[start..end];
    let offset = start + part.len() - part.trim_start_matches(' ').len();
    let part = part.trim_matches(' ');
    let literal = parse_addr(part).map_err(|fault| AddrError::literal(part, fault, offset))?;
    match literal.zone {
        None => Ok(literal.ip),
        Some(zone) => {
            let end = offset + part.len();
            Err(AddrError::new(
                Class::ZoneInPrefix,
                end - zone.len() - 1..end,
            ))
        }
    }
}
