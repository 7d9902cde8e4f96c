//! Hardware addresses, as Go's `net.ParseMAC` reads them.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::class::{AddrError, Class};
use super::text::serde_as_text;

/// The longest kind: IP over InfiniBand.
const MAX_LEN: usize = 20;

/// A hardware address of 6, 8 or 20 bytes.
///
/// ```
/// use netkit::addr::Mac;
/// let mac: Mac = "0000.5E00.5301".parse().unwrap();
/// assert_eq!(mac.to_string(), "00:00:5e:00:53:01");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl Mac {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Whether the address was assigned locally rather than by a manufacturer (IEEE 802, the second
    /// lowest bit of the first byte).
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.bytes[0] & 0b10 != 0
    }

    /// Whether it names a group (the lowest bit of the first byte).
    #[must_use]
    pub fn is_multicast(&self) -> bool {
        self.bytes[0] & 1 != 0
    }

    /// The interface identifier made of it: modified EUI-64 (RFC 4291 appendix A), of 6 or 8 bytes.
    #[must_use]
    pub fn modified_eui64(&self) -> Option<[u8; 8]> {
        let mut id = [0, 0, 0, 0xff, 0xfe, 0, 0, 0];
        match self.bytes() {
            bytes @ [_, _, _, _, _, _] => {
                id[..3].copy_from_slice(&bytes[..3]);
                id[5..].copy_from_slice(&bytes[3..]);
            }
            bytes => id = bytes.try_into().ok()?,
        }
        id[0] ^= 0b10;
        Some(id)
    }

    /// The link-local address that an interface with this address makes for itself.
    #[must_use]
    pub fn link_local(&self) -> Option<Ipv6Addr> {
        let id = u64::from_be_bytes(self.modified_eui64()?);
        Some(Ipv6Addr::from(0xfe80_u128 << 112 | u128::from(id)))
    }

    /// The hardware address inside a modified EUI-64 interface identifier, if it was made of one.
    #[must_use]
    pub fn from_interface_id(id: [u8; 8]) -> Option<Self> {
        let [flags, oui @ .., 0xff, 0xfe, _, _, _] = id else {
            return None;
        };
        let [_, _, _, _, _, tail @ ..] = id;
        let mut bytes = [flags ^ 0b10, oui[0], oui[1], 0, 0, 0];
        bytes[3..].copy_from_slice(&tail);
        Some(Self::from_bytes(&bytes))
    }

    fn from_bytes(slice: &[u8]) -> Self {
        let mut bytes = [0; MAX_LEN];
        bytes[..slice.len()].copy_from_slice(slice);
        let len = u8::try_from(slice.len()).unwrap_or(u8::MAX);
        Self { bytes, len }
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.bytes().iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Mac {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        parse_mac(text)
    }
}

serde_as_text!(Mac, "Mac");

/// Parses as `net.ParseMAC`: `xx:xx`, `xx-xx`, `xxxx.xxxx` or bare digits, 6, 8 or 20 bytes, one
/// separator throughout.
pub fn parse_mac(text: &str) -> Result<Mac, AddrError> {
    let bytes = text.as_bytes();
    let (group, separator) = match bytes {
        [_, _, s @ (b':' | b'-'), ..] => (2, Some(*s)),
        [_, _, _, _, b'.', ..] => (4, Some(b'.')),
        _ => (2, None),
    };
    let (mut out, mut len) = ([0u8; MAX_LEN], 0);
    let mut at = 0;
    while at < bytes.len() {
        if len > 0 && (2 * len) % group == 0 && separator.is_some() {
            if Some(bytes[at]) != separator {
                return Err(bad(text, at));
            }
            at += 1;
        }
        let byte = hex_byte(bytes, at).filter(|_| len < MAX_LEN);
        out[len.min(MAX_LEN - 1)] = byte.ok_or_else(|| bad(text, at))?;
        (at, len) = (at + 2, len + 1);
    }
    let whole_groups = separator.is_none() || (2 * len) % group == 0;
    match len {
        6 | 8 | 20 if whole_groups => Ok(Mac::from_bytes(&out[..len])),
        _ => Err(AddrError::new(Class::InvalidMac, 0..text.len())),
    }
}

/// Two hexadecimal digits at `at`.
fn hex_byte(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (high, low) = (digit(*bytes.get(at)?)?, digit(*bytes.get(at + 1)?)?);
    u8::try_from(high << 4 | low).ok()
}

/// The character at or after `at`.
fn bad(text: &str, at: usize) -> AddrError {
    let start = (at..=text.len())
        .find(|&i| text.is_char_boundary(i))
        .unwrap_or(text.len());
    let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
    AddrError::new(Class::InvalidMac, start..end)
}
