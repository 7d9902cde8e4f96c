//! Uncompressed names inside the data of records.

use crate::resolve::DomainName;

/// Reads the name at an offset; returns it with where it ends. `None` when it is cut off, too long
/// or compressed.
pub(super) fn read(octets: &[u8], start: usize) -> Option<(DomainName, usize)> {
    let mut labels = Vec::new();
    let mut at = start;
    loop {
        let length = usize::from(*octets.get(at)?);
        let end = at + 1 + length;
        if length == 0 {
            return Some((DomainName::from_labels(labels).ok()?, end));
        }
        labels.push(octets.get(at + 1..end)?);
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_up_to_its_end_or_not_at_all() {
        let (name, end) = read(b"xx\x01a\x02bc\0rest", 2).unwrap();
        assert_eq!((name.to_string().as_str(), end), ("a.bc", 8));
        for bad in [&b""[..], b"\x01", b"\x01a", b"\xc0\x0c", b"\x40abc\0"] {
            assert_eq!(read(bad, 0), None, "{bad:?}");
        }
    }
}
