//! The client subnet option (RFC 7871 §6).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A subnet on whose behalf a question is asked, or for which an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The address; bits beyond the source prefix are zero.
    pub address: IpAddr,
    /// SOURCE PREFIX-LENGTH: how much of the address is given.
    pub source: u8,
    /// SCOPE PREFIX-LENGTH: for how much of it the answer holds; 0 in a question.
    pub scope: u8,
}

impl Subnet {
    /// A subnet to ask for; `None` when the prefix is longer than the address.
    #[must_use]
    pub fn new(address: IpAddr, source: u8) -> Option<Self> {
        let address = masked(address, source)?;
        Some(Self {
            address,
            source,
            scope: 0,
        })
    }

    /// Reads the data of an option; `None` when it is against RFC 7871 §6.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[0, family, source, scope], address) = bytes.split_first_chunk()? else {
            return None;
        };
        if address.len() != usize::from(source).div_ceil(8) {
            return None;
        }
        let width = match family {
            1 => 4,
            2 => 16,
            _ => return None,
        };
        let mut octets = [0; 16];
        octets[..width]
            .get_mut(..address.len())?
            .copy_from_slice(address);
        let whole = match family {
            1 => IpAddr::from([octets[0], octets[1], octets[2], octets[3]]),
            _ => IpAddr::from(octets),
        };
        let address = masked(whole, source)?;
        let fits = address == whole && usize::from(scope) <= 8 * width;
        fits.then_some(Self {
            address,
            source,
            scope,
        })
    }

    /// FAMILY: 1 for IPv4, 2 for IPv6.
    #[must_use]
    pub fn family(self) -> u16 {
        if self.address.is_ipv4() { 1 } else { 2 }
    }

    /// The data of the option: no more of the address than the prefix needs.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.family().to_be_bytes().to_vec();
        bytes.extend([self.source, self.scope]);
        let length = usize::from(self.source).div_ceil(8);
        match self.address {
            IpAddr::V4(address) => bytes.extend(address.octets().iter().take(length)),
            IpAddr::V6(address) => bytes.extend(address.octets().iter().take(length)),
        }
        bytes
    }
}

/// The address with its bits beyond the prefix cleared.
fn masked(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let prefix = u32::from(prefix);
    Some(match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(prefix).unwrap_or(0);
            (prefix <= 32).then(|| IpAddr::V4((address.to_bits() & !host).into()))?
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(prefix).unwrap_or(0);
            (prefix <= 128).then(|| IpAddr::V6((address.to_bits() & !host).into()))?
        }
    })
}

impl FromStr for Subnet {
    type Err = &'static str;

    /// Reads `address/prefix`, or an address alone: then 24 or 56 bits of it (RFC 7871 §11.1).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "a subnet is an address and a prefix length, such as 192.0.2.0/24";
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| FORM)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| FORM)?;
        let usual = if address.is_ipv4() { 24 } else { 56 };
        Self::new(address, prefix.unwrap_or(usual)).ok_or(FORM)
    }
}

impl fmt::Display for Subnet {
    /// Writes `address/source`, and `/scope` as `dig` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.address, self.source, self.scope)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_more_of_an_address_is_sent_than_its_prefix_covers() {
        let rows: [(&str, &[u8]); 5] = [
            ("192.0.2.77/24", &[0, 1, 24, 0, 192, 0, 2]),
            ("192.0.2.77", &[0, 1, 24, 0, 192, 0, 2]),
            ("198.51.100.255/25", &[0, 1, 25, 0, 198, 51, 100, 128]),
            ("0.0.0.0/0", &[0, 1, 0, 0]),
            ("2001:db8::1/33", &[0, 2, 33, 0, 0x20, 1, 0x0d, 0xb8, 0]),
        ];
        for (text, bytes) in rows {
            assert_eq!(text.parse::<Subnet>().unwrap().to_bytes(), bytes, "{text}");
        }
        for text in [
            "192.0.2.0/33",
            "2001:db8::/129",
            "x",
            "",
            "192.0.2.0/",
            "/24",
        ] {
            assert!(text.parse::<Subnet>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn options_survive_the_way_through_bytes(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            if let Some(subnet) = Subnet::from_bytes(&bytes) {
                prop_assert_eq!(subnet.to_bytes(), bytes);
            }
        }
    }
}
