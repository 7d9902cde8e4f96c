//! International names: U-labels to A-labels and back (UTS 46).
//!
//! The only file that imports the tables of IDNA.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// What an A-label begins with (RFC 5890 §2.3.2.5).
const PREFIX: &[u8] = b"xn--";

/// Converts one label outside ASCII to its A-label (UTS 46, STD3 rules); `None` when not allowed.
pub(super) fn to_a_label(label: &str) -> Option<Vec<u8>> {
    // A dot, written or mapped to, is a border and belongs to no label.
    let ascii = Uts46::new().to_ascii(
        label.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::Allow,
        DnsLength::Ignore,
    );
    let ascii = ascii.ok()?;
    (!ascii.contains('.') && !ascii.is_empty()).then(|| ascii.as_bytes().to_vec())
}

/// Converts an A-label to its U-label; `None` when it is none, or not one that leads back to it.
pub(super) fn to_u_label(label: &[u8]) -> Option<String> {
    let prefix = label.get(..PREFIX.len())?;
    if !prefix.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    let (text, result) = Uts46::new().to_unicode(label, AsciiDenyList::STD3, Hyphens::Allow);
    result.ok()?;
    let back = to_a_label(&text)?;
    let same = back.eq_ignore_ascii_case(label) && !text.is_ascii();
    same.then(|| text.into_owned())
}
