//! Domain names as the wire has them: labels of bytes, compared without regard to ASCII case.
//!
//! Separate from the message codec because the codec's own text forms are octal-escaped and
//! lower-cased on the way in; here text is RFC 1035 §5.1 (decimal `\DDD`), both ways. Knows nothing
//! of messages or servers.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::idn;

/// Octets of the longest name on the wire, its root label included (RFC 1035 §3.1).
pub(super) const MAX_NAME: usize = 255;
/// Octets of the longest label (RFC 1035 §3.1).
const MAX_LABEL: usize = 63;
/// What IDNA treats as a dot (RFC 3490 §3.1, kept by UTS 46).
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// A fully qualified domain name.
///
/// `Display` escapes every byte that is not plain, so the text is safe on a terminal and parses
/// back to the same name; the final dot is written for the root only.
#[derive(Clone)]
pub struct DomainName {
    /// Length-prefixed labels and the final zero, in the case they came in.
    wire: Box<[u8]>,
}

impl DomainName {
    /// Parses text: labels separated by dots, a final dot allowed, `\.` and `\DDD` (decimal) as
    /// escapes, labels outside ASCII converted to A-labels (UTS 46).
    ///
    /// ```
    /// use netkit::resolve::DomainName;
    /// assert_eq!(DomainName::parse("Bücher.example.").unwrap().to_string(), "xn--bcher-kva.example");
    /// assert!(DomainName::parse("a..b").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text {
            "" => return Err(NameError::Empty),
            "." => return Ok(Self::root()),
            _ => {}
        }
        let mut labels = split(text)?;
        if labels.last().is_some_and(Vec::is_empty) {
            labels.pop();
        }
        Self::from_labels(labels.iter().map(Vec::as_slice))
    }

    /// Joins labels of any bytes, the most specific first.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, NameError> {
        let mut wire = Vec::new();
        for label in labels {
            match u8::try_from(label.len()) {
                Ok(0) => return Err(NameError::EmptyLabel),
                Ok(length) if label.len() <= MAX_LABEL => wire.push(length),
                _ => {
                    return Err(NameError::LabelTooLong {
                        length: label.len(),
                    });
                }
            }
            wire.extend_from_slice(label);
        }
        wire.push(0);
        if wire.len() > MAX_NAME {
            return Err(NameError::TooLong { length: wire.len() });
        }
        Ok(Self { wire: wire.into() })
    }

    /// Takes an uncompressed name that fills the octets; `None` when it does not.
    #[must_use]
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        let mut rest = wire;
        while let Some((&length, tail)) = rest.split_first() {
            if length == 0 {
                let whole = tail.is_empty() && wire.len() <= MAX_NAME;
                return whole.then(|| Self { wire: wire.into() });
            }
            let fits = usize::from(length) <= MAX_LABEL;
            rest = tail.get(usize::from(length)..).filter(|_| fits)?;
        }
        None
    }

    /// The root of all names.
    #[must_use]
    pub fn root() -> Self {
        Self { wire: [0].into() }
    }

    /// The labels, the most specific first; none for the root.
    #[must_use]
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        let mut labels = Vec::new();
        let mut rest: &[u8] = &self.wire;
        while let Some((&length, tail)) = rest.split_first() {
            let (label, tail) = tail.split_at(usize::from(length).min(tail.len()));
            if !label.is_empty() {
                labels.push(label);
            }
            rest = tail;
        }
        labels.into_iter()
    }

    /// The labels as they are on the wire, each after its length, with the final zero.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        &self.wire
    }

    /// The name as zone files have it: with its final dot.
    #[must_use]
    pub fn absolute(&self) -> impl fmt::Display + '_ {
        Absolute(self)
    }

    /// The name with its A-labels as the letters that they stand for; `None` without any.
    ///
    /// ```
    /// use netkit::resolve::DomainName;
    /// let name = DomainName::parse("xn--bcher-kva.example").unwrap();
    /// assert_eq!(name.to_unicode().as_deref(), Some("bücher.example"));
    /// assert_eq!(DomainName::parse("example").unwrap().to_unicode(), None);
    /// ```
    #[must_use]
    pub fn to_unicode(&self) -> Option<String> {
        let unicode: Vec<_> = self.labels().map(idn::to_u_label).collect();
        unicode.iter().any(Option::is_some).then(|| {
            let labels = self.labels().zip(unicode);
            let texts = labels.map(|(label, text)| text.unwrap_or_else(|| plain(label)));
            texts.collect::<Vec<_>>().join(".")
        })
    }

    /// The same name with the case of its letters as `upper` says, one bit a letter.
    pub(super) fn with_case(&self, mut upper: impl FnMut() -> bool) -> Self {
        let mut wire = self.wire.clone();
        // Length octets are at most 63, below every letter.
        for octet in wire.iter_mut().filter(|octet| octet.is_ascii_alphabetic()) {
            *octet = if upper() {
                octet.to_ascii_uppercase()
            } else {
                octet.to_ascii_lowercase()
            };
        }
        Self { wire }
    }

    /// This name below `suffix`: the search list's step.
    pub fn below(&self, suffix: &Self) -> Result<Self, NameError> {
        Self::from_labels(self.labels().chain(suffix.labels()))
    }

    /// Whether the name is `suffix` or lies below it.
    #[must_use]
    pub fn is_within(&self, suffix: &Self) -> bool {
        let mut own = self.labels().rev();
        suffix
            .labels()
            .rev()
            .all(|label| own.next().is_some_and(|l| l.eq_ignore_ascii_case(label)))
    }
}

/// Cuts at dots, undoes escapes, and turns labels outside ASCII into A-labels.
fn split(text: &str) -> Result<Vec<Vec<u8>>, NameError> {
    let mut labels = Vec::new();
    let mut label = Label::default();
    let mut chars = text.chars();
    while let Some(ch) = chars.next() {
        match ch {
            '\\' => label.bytes.push(unescape(&mut chars)?),
            dot if DOTS.contains(&dot) => labels.push(std::mem::take(&mut label).finish()?),
            ch if ch.is_control() || ch.is_whitespace() => return Err(NameError::Character(ch)),
            ch => label.push(ch),
        }
    }
    labels.push(label.finish()?);
    Ok(labels)
}

/// A label while it is read; `unicode` once it needs IDNA.
#[derive(Default)]
struct Label {
    bytes: Vec<u8>,
    unicode: bool,
}

impl Label {
    fn push(&mut self, ch: char) {
        self.unicode |= !ch.is_ascii();
        self.bytes
            .extend_from_slice(ch.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn finish(self) -> Result<Vec<u8>, NameError> {
        if !self.unicode {
            return Ok(self.bytes);
        }
        let text = String::from_utf8_lossy(&self.bytes);
        idn::to_a_label(&text).ok_or_else(|| NameError::Idna {
            label: text.into_owned(),
        })
    }
}

/// Reads what follows a backslash: three decimal digits or one character taken as it is.
fn unescape(chars: &mut std::str::Chars<'_>) -> Result<u8, NameError> {
    let first = chars.next().ok_or(NameError::Escape)?;
    let Some(hundreds) = first.to_digit(10) else {
        return u8::try_from(first)
            .ok()
            .filter(u8::is_ascii)
            .ok_or(NameError::Escape);
    };
    let mut digit = || chars.next().and_then(|ch| ch.to_digit(10));
    match (digit(), digit()) {
        (Some(tens), Some(ones)) => {
            u8::try_from(hundreds * 100 + tens * 10 + ones).map_err(|_| NameError::Escape)
        }
        _ => Err(NameError::Escape),
    }
}

impl PartialEq for DomainName {
    fn eq(&self, other: &Self) -> bool {
        // Length octets are at most 63, below every letter, so they compare as they are.
        self.wire.eq_ignore_ascii_case(&other.wire)
    }
}

impl Eq for DomainName {}

impl Hash for DomainName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.wire.to_ascii_lowercase().hash(state);
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wire.len() <= 1 {
            return f.write_str(".");
        }
        for (index, label) in self.labels().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            label.iter().try_for_each(|&byte| write_byte(f, byte))?;
        }
        Ok(())
    }
}

/// A name with its final dot.
struct Absolute<'a>(&'a DomainName);

impl fmt::Display for Absolute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.0.wire.len() > 1 { "." } else { "" };
        write!(f, "{}{dot}", self.0)
    }
}

/// One label as text.
fn plain(label: &[u8]) -> String {
    DomainName::from_labels([label]).map_or_else(|_| String::new(), |name| name.to_string())
}

/// Writes one octet of a label as RFC 1035 §5.1 has it in zone files.
fn write_byte(f: &mut fmt::Formatter<'_>, byte: u8) -> fmt::Result {
    match byte {
        b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
            write!(f, "\\{}", char::from(byte))
        }
        0x21..=0x7e => write!(f, "{}", char::from(byte)),
        _ => write!(f, "\\{byte:03}"),
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainName({self})")
    }
}

/// Why a text is not a domain name; `Display` is the reason as half a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing at all.
    Empty,
    /// Two dots in a row, or one at the start.
    EmptyLabel,
    /// A label above 63 octets.
    LabelTooLong {
        /// Octets on the wire.
        length: usize,
    },
    /// More than 255 octets in all.
    TooLong {
        /// Octets on the wire.
        length: usize,
    },
    /// A backslash not followed by three decimal digits up to 255 or by one ASCII character.
    Escape,
    /// White space or a control character.
    Character(char),
    /// A label that IDNA does not allow.
    Idna {
        /// The label as written.
        label: String,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::EmptyLabel => f.write_str("a label is empty"),
            Self::LabelTooLong { length } => {
                write!(
                    f,
                    "a label has {length} octets, at most {MAX_LABEL} are allowed"
                )
            }
            Self::TooLong { length } => {
                write!(
                    f,
                    "the name has {length} octets, at most {MAX_NAME} are allowed"
                )
            }
            Self::Escape => f.write_str("a backslash needs three decimal digits or a character"),
            Self::Character(ch) => write!(f, "{ch:?} is not allowed in a name"),
            Self::Idna { label } => {
                write!(f, "the label {label:?} is not a valid international name")
            }
        }
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_read_as_rfc_1035_has_it() {
        let rows = [
            ("example.com", Ok("example.com")),
            ("Example.COM.", Ok("Example.COM")),
            (".", Ok(".")),
            ("_dns.foo_bar.example", Ok("_dns.foo_bar.example")),
            ("-a.b-", Ok("-a.b-")),
            (r"a\.b.example", Ok(r"a\.b.example")),
            (r"\065.example", Ok("A.example")),
            (r"a\032b", Ok(r"a\032b")),
            ("bücher.example", Ok("xn--bcher-kva.example")),
            ("例え。テスト", Ok("xn--r8jz45g.xn--zckzah")),
            ("*.example", Ok("*.example")),
            ("", Err(NameError::Empty)),
            ("..", Err(NameError::EmptyLabel)),
            (".example", Err(NameError::EmptyLabel)),
            ("a..b", Err(NameError::EmptyLabel)),
            ("a b", Err(NameError::Character(' '))),
            ("a\u{7}", Err(NameError::Character('\u{7}'))),
            (r"a\", Err(NameError::Escape)),
            (r"a\25", Err(NameError::Escape)),
            (r"a\256", Err(NameError::Escape)),
        ];
        for (text, expected) in rows {
            let parsed = DomainName::parse(text).map(|name| name.to_string());
            assert_eq!(parsed, expected.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_bounded_as_on_the_wire() {
        assert!(DomainName::parse(&"a".repeat(63)).is_ok());
        assert_eq!(
            DomainName::parse(&"a".repeat(64)),
            Err(NameError::LabelTooLong { length: 64 })
        );
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert!(DomainName::parse(&longest).is_ok());
        assert_eq!(
            DomainName::parse(&format!("{longest}b")),
            Err(NameError::TooLong { length: 256 })
        );
    }

    #[test]
    fn case_does_not_matter_and_suffixes_are_whole_labels() {
        let name = DomainName::parse("WWW.Example.com").unwrap();
        assert_eq!(name, DomainName::parse("www.example.COM.").unwrap());
        assert!(name.is_within(&DomainName::parse("example.com").unwrap()));
        assert!(name.is_within(&DomainName::root()));
        assert!(!name.is_within(&DomainName::parse("ample.com").unwrap()));
        assert!(!DomainName::parse("com").unwrap().is_within(&name));
    }

    proptest! {
        #[test]
        fn any_labels_survive_the_way_through_text(
            labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 1..8)
        ) {
            let name = DomainName::from_labels(labels.iter().map(Vec::as_slice)).unwrap();
            let again = DomainName::parse(&name.to_string()).unwrap();
            prop_assert!(name.labels().eq(again.labels()));
        }

        #[test]
        fn any_text_parses_or_says_why(text in "\\PC{0,80}") {
            if let Ok(name) = DomainName::parse(&text) {
                prop_assert_eq!(DomainName::parse(&name.to_string()), Ok(name));
            }
        }
    }
}
