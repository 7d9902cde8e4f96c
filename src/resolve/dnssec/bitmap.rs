//! The list of types in NSEC and NSEC3 records (RFC 4034 §4.1.2).

use crate::resolve::wire::RecordType;

/// The types that exist at a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TypeBitmap {
    windows: Vec<u8>,
}

impl TypeBitmap {
    /// Takes windows of at most 32 octets in ascending order; anything else is no bitmap.
    pub(super) fn parse(octets: &[u8]) -> Option<Self> {
        let mut rest = octets;
        let mut last = None;
        while let [window, length, ref tail @ ..] = *rest {
            let valid = (1..=32).contains(&length) && last.is_none_or(|last| last < window);
            rest = tail.get(usize::from(length)..).filter(|_| valid)?;
            last = Some(window);
        }
        rest.is_empty().then(|| Self {
            windows: octets.to_vec(),
        })
    }

    pub(super) fn has(&self, rtype: RecordType) -> bool {
        let [high, low] = rtype.0.to_be_bytes();
        let mut rest = &self.windows[..];
        while let [window, length, ref tail @ ..] = *rest {
            let (map, next) = tail.split_at(usize::from(length).min(tail.len()));
            if window == high {
                let octet = map.get(usize::from(low >> 3));
                return octet.is_some_and(|octet| octet & (0x80 >> (low & 7)) != 0);
            }
            rest = next;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_4034_section_4_3_is_read() {
        let mut octets = b"\x00\x06\x40\x01\x00\x00\x00\x03\x04\x1b".to_vec();
        octets.extend([0; 26]);
        octets.push(0x20);
        let bitmap = TypeBitmap::parse(&octets).unwrap();
        let present = [1, 15, 46, 47, 1234];
        for code in 0..=u16::MAX {
            assert_eq!(
                bitmap.has(RecordType(code)),
                present.contains(&code),
                "{code}"
            );
        }
    }

    #[test]
    fn windows_are_whole_and_in_order() {
        let empty = TypeBitmap::parse(b"").unwrap();
        assert!(!empty.has(RecordType::A));
        for bad in [
            &b"\0"[..],
            b"\0\0",
            b"\0\x02\x40",
            b"\x01\x01\x40\x00\x01\x40",
            b"\0\x01\x40\0\x01\x40",
        ] {
            assert_eq!(TypeBitmap::parse(bad), None, "{bad:?}");
        }
        assert_eq!(
            TypeBitmap::parse(&[&b"\0\x21"[..], &[1; 33]].concat()),
            None
        );
    }
}
