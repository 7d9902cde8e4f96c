//! A name inside a message, compressed or not, without copying it (RFC 1035 §4.1.4).

use std::fmt;

use crate::resolve::name::{DomainName, MAX_NAME};

use super::HEADER;
use super::fault::{Fault, Rule};

/// A name of 255 octets has at most 127 labels; more pointers than that only waste time.
const MAX_POINTERS: usize = 127;

/// A name in a message that has been walked once and found good.
#[derive(Clone, Copy)]
pub struct NameRef<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> NameRef<'a> {
    /// Octet of the message where it begins.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The labels, the most specific first.
    pub fn labels(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let message = self.message;
        let mut at = self.at;
        std::iter::from_fn(move || {
            loop {
                let length = usize::from(*message.get(at)?);
                match length {
                    0 => return None,
                    1..=63 => {
                        let label = message.get(at + 1..=at + length)?;
                        at += 1 + length;
                        return Some(label);
                    }
                    // It was walked before, so this is a pointer that leads back.
                    _ => at = (length & 0x3f) << 8 | usize::from(*message.get(at + 1)?),
                }
            }
        })
    }

    /// A copy that stands alone.
    ///
    /// # Panics
    ///
    /// Never: the lengths were checked when the name was first read.
    #[must_use]
    pub fn to_owned(&self) -> DomainName {
        DomainName::from_labels(self.labels()).expect("a name that was walked")
    }

    /// Whether it is the same name, apart from ASCII case.
    #[must_use]
    pub fn is(&self, name: &DomainName) -> bool {
        self.matches(name, <[u8]>::eq_ignore_ascii_case)
    }

    /// Whether it is the same name in the same case (0x20, draft-vixie-dnsext-dns0x20).
    #[must_use]
    pub fn is_exactly(&self, name: &DomainName) -> bool {
        self.matches(name, |a, b| a == b)
    }

    fn matches(&self, name: &DomainName, same: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        let mut rest = name.as_wire();
        for label in self.labels() {
            let Some((own, tail)) = rest
                .split_first()
                .and_then(|(&length, tail)| tail.split_at_checked(usize::from(length)))
            else {
                return false;
            };
            if own.len() != label.len() || !same(own, label) {
                return false;
            }
            rest = tail;
        }
        rest == [0]
    }
}

impl fmt::Debug for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameRef({} at {})", self.to_owned(), self.at)
    }
}

/// Walks a name once; gives it and the octet after it.
pub(in crate::resolve) fn read_name(
    message: &[u8],
    start: usize,
) -> Result<(NameRef<'_>, usize), Fault> {
    let (mut at, mut segment, mut length, mut pointers) = (start, start, 0, 0);
    let mut end = None;
    let name = NameRef { message, at: start };
    loop {
        let &octet = message
            .get(at)
            .ok_or_else(|| Fault::new(message.len(), Rule::NameBeyondEnd))?;
        match octet {
            0 => return Ok((name, end.unwrap_or(at + 1))),
            1..=63 => {
                length += 1 + usize::from(octet);
                if length >= MAX_NAME {
                    return Err(Fault::new(at, Rule::NameTooLong));
                }
                at += 1 + usize::from(octet);
            }
            0xc0.. => {
                let to = pointer(message, at, segment)?;
                pointers += 1;
                if pointers > MAX_POINTERS {
                    return Err(Fault::new(at, Rule::TooManyPointers));
                }
                end.get_or_insert(at + 2);
                (at, segment) = (to, to);
            }
            _ => return Err(Fault::new(at, Rule::LabelKind { octet })),
        }
    }
}

/// Where a pointer leads: to a prior occurrence, so always before the labels that it ends.
fn pointer(message: &[u8], at: usize, segment: usize) -> Result<usize, Fault> {
    let low = message.get(at + 1);
    let &low = low.ok_or_else(|| Fault::new(message.len(), Rule::NameBeyondEnd))?;
    let to = usize::from(message[at] & 0x3f) << 8 | usize::from(low);
    let rule = match to {
        to if to > at => Rule::ForwardPointer { to },
        to if to >= segment => Rule::CompressionLoop { to },
        to if to < HEADER => Rule::PointerToHeader { to },
        to => return Ok(to),
    };
    Err(Fault::new(at, rule))
}
