//! Trust anchors: the keys where every chain begins.
//!
//! The root's are built in; a file may name others, for the root or any zone.

use std::fmt;

use data_encoding::{BASE64, HEXUPPER};

use super::key::{Ds, Key};
use super::types;
use crate::resolve::DomainName;
use crate::resolve::wire::RecordType;

/// The root's key signing keys KSK-2017 and KSK-2024, as IANA publishes them
/// (`root-anchors.xml`).
const ROOT: &str = "\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
";

/// The anchors of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) zone: DomainName,
    pub(super) ds: Vec<Ds>,
    pub(super) keys: Vec<Key>,
}

/// Where chains begin.
///
/// ```
/// use netkit::resolve::dnssec::Anchors;
/// let text = "example. IN DS 55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17";
/// assert_eq!(Anchors::parse(text).unwrap().zones(), ["example"]);
/// let error = Anchors::parse("example. IN A 192.0.2.1").unwrap_err();
/// assert_eq!(error.to_string(), "line 1: A is neither DS nor DNSKEY");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchors {
    zones: Vec<Anchor>,
}

/// Why a text holds no trust anchors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorError {
    /// The line, counted from 1; 0 for the text as a whole.
    pub line: usize,
    /// What is wrong with it, half a sentence.
    pub reason: String,
}

impl fmt::Display for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for AnchorError {}

impl Anchors {
    /// The root's, built in.
    ///
    /// # Panics
    ///
    /// Never: the built-in text is tested.
    #[must_use]
    pub fn root() -> Self {
        Self::parse(ROOT).expect("the built-in anchors are valid")
    }

    /// Reads DS and DNSKEY records as zone files have them: one a line, or over several lines in
    /// parentheses; owner first, TTL and class optional, comments after `;`.
    pub fn parse(text: &str) -> Result<Self, AnchorError> {
        let mut anchors = Self { zones: Vec::new() };
        for (line, words) in entries(text)? {
            let error = |reason| AnchorError { line, reason };
            anchors.take(&words).map_err(error)?;
        }
        if anchors.zones.is_empty() {
            let reason = "no DS or DNSKEY record in it".to_owned();
            return Err(AnchorError { line: 0, reason });
        }
        Ok(anchors)
    }

    /// The zones that have one, in the order of the text.
    #[must_use]
    pub fn zones(&self) -> Vec<String> {
        let names = self.zones.iter().map(|anchor| anchor.zone.to_string());
        names.collect()
    }

    /// The anchor nearest to a name, at or above it.
    pub(super) fn above(&self, name: &DomainName) -> Option<&Anchor> {
        let above = self.zones.iter().filter(|it| name.is_within(&it.zone));
        above.max_by_key(|it| it.zone.labels().count())
    }

    fn take(&mut self, words: &[&str]) -> Result<(), String> {
        let (owner, rest) = words.split_first().ok_or("an empty record")?;
        let zone = DomainName::parse(owner).map_err(|error| format!("{owner:?}: {error}"))?;
        let is_filler = |word: &&&str| is_number(word) || word.eq_ignore_ascii_case("IN");
        let skipped = rest.iter().take_while(is_filler).count();
        let (rtype, fields) = rest[skipped..]
            .split_first()
            .ok_or("a record without a type")?;
        let anchor = self.zone(zone);
        match rtype.to_ascii_uppercase().as_str() {
            "DS" => anchor.ds.push(ds(fields)?),
            "DNSKEY" => anchor.keys.push(key(fields)?),
            _ => return Err(format!("{rtype} is neither DS nor DNSKEY")),
        }
        Ok(())
    }

    fn zone(&mut self, zone: DomainName) -> &mut Anchor {
        let known = self.zones.iter().position(|anchor| anchor.zone == zone);
        let at = known.unwrap_or_else(|| {
            self.zones.push(Anchor {
                zone,
                ds: Vec::new(),
                keys: Vec::new(),
            });
            self.zones.len() - 1
        });
        &mut self.zones[at]
    }
}

impl Anchor {
    /// Whether it names that key of its zone.
    pub(super) fn names(&self, key: &Key) -> bool {
        self.keys.iter().any(|known| known.rdata == key.rdata)
            || self.ds.iter().any(|ds| ds.matches(&self.zone, key))
    }

    /// The type of the records that stand for it in a sentence.
    pub(super) fn rtype(&self) -> RecordType {
        if self.ds.is_empty() {
            types::DNSKEY
        } else {
            types::DS
        }
    }
}

/// The records of a text, each with the number of its first line and its words; comments and
/// parentheses removed.
fn entries(text: &str) -> Result<Vec<(usize, Vec<&str>)>, AnchorError> {
    let mut entries: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        let content = line.split(';').next().unwrap_or_default();
        let words = content.split(|ch: char| ch.is_whitespace() || matches!(ch, '(' | ')'));
        let words = words.filter(|word| !word.is_empty());
        match entries.last_mut() {
            Some((_, record)) if is_open => record.extend(words),
            _ => entries.push((index + 1, words.collect())),
        }
        is_open = match content.rfind(['(', ')']) {
            Some(at) => content[at..].starts_with('('),
            None => is_open,
        };
    }
    entries.retain(|(_, words)| !words.is_empty());
    match entries.last() {
        Some(&(line, _)) if is_open => Err(AnchorError {
            line,
            reason: "a parenthesis that is not closed".to_owned(),
        }),
        _ => Ok(entries),
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn number<T: std::str::FromStr>(word: &str, what: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("{word:?} is no {what}"))
}

fn ds(fields: &[&str]) -> Result<Ds, String> {
    let [tag, algorithm, digest_type, digest @ ..] = fields else {
        return Err("DS needs key tag, algorithm, digest type and digest".to_owned());
    };
    let digest = digest.concat().to_ascii_uppercase();
    let digest = HEXUPPER.decode(digest.as_bytes());
    let ds = Ds {
        key_tag: number(tag, "key tag")?,
        algorithm: number(algorithm, "algorithm number")?,
        digest_type: number(digest_type, "digest type")?,
        digest: digest.map_err(|error| format!("the digest is not hexadecimal: {error}"))?,
    };
    if ds.is_supported() {
        Ok(ds)
    } else {
        Err("its algorithm or digest type cannot be verified here".to_owned())
    }
}

fn key(fields: &[&str]) -> Result<Key, String> {
    let [flags, protocol, algorithm, public @ ..] = fields else {
        return Err("DNSKEY needs flags, protocol, algorithm and key".to_owned());
    };
    let public = BASE64.decode(public.concat().as_bytes());
    let public = public.map_err(|error| format!("the key is not base64: {error}"))?;
    let mut rdata = number::<u16>(flags, "flags field")?.to_be_bytes().to_vec();
    rdata.push(number(protocol, "protocol")?);
    rdata.push(number(algorithm, "algorithm number")?);
    rdata.extend(public);
    let key = Key::parse(&rdata).filter(|key| key.is_zone_key() && !key.is_revoked());
    let key =
        key.ok_or("not a zone key: protocol 3 and flag 256 are needed, and flag 128 revokes")?;
    if super::crypto::supports(key.algorithm) {
        Ok(key)
    } else {
        Err("its algorithm cannot be verified here".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys themselves, as Debian's `dns-root-data` has them.
    const ROOT_KEYS: &str = "\
. IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU= ; keytag 20326
. IN DNSKEY 257 3 8 (
    AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxl
    FzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc= ) ; keytag 38696
";

    #[test]
    fn the_built_in_digests_are_of_the_keys_of_the_root() {
        let keys = Anchors::parse(ROOT_KEYS).unwrap();
        let tags: Vec<_> = keys.zones[0].keys.iter().map(|key| key.tag).collect();
        assert_eq!(tags, [20326, 38696]);
        let root = Anchors::root();
        let anchor = root.above(&DomainName::parse("any.name").unwrap()).unwrap();
        for key in &keys.zones[0].keys {
            assert!(anchor.names(key), "{}", key.tag);
        }
    }

    #[test]
    fn the_nearest_anchor_is_taken() {
        let ds = "55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17";
        let text = format!("; a comment\n\n. DS {ds}\nExample. 3600 IN DS {ds}");
        let anchors = Anchors::parse(&text).unwrap();
        for (name, zone) in [
            ("a.example", "Example"),
            ("example", "Example"),
            ("org", "."),
        ] {
            let anchor = anchors.above(&DomainName::parse(name).unwrap()).unwrap();
            assert_eq!(anchor.zone.to_string(), zone, "{name}");
        }
        let only = Anchors::parse(&format!("example. DS {ds}")).unwrap();
        assert!(only.above(&DomainName::parse("org").unwrap()).is_none());
    }

    #[test]
    fn what_is_no_anchor_is_refused_with_its_line() {
        let rows = [
            ("", "no DS or DNSKEY record in it"),
            (
                "\n. IN DS 1 8",
                "line 2: DS needs key tag, algorithm, digest type and digest",
            ),
            (". DS x 8 2 AA", "line 1: \"x\" is no key tag"),
            (
                ". DS 1 16 2 AA",
                "line 1: its algorithm or digest type cannot be verified here",
            ),
            (
                ". DNSKEY 0 3 8 AwEAAa96",
                "line 1: not a zone key: protocol 3 and flag 256 are needed, and flag 128 revokes",
            ),
            (
                ". DNSKEY 257 3 8 ( AwEAAa96",
                "line 1: a parenthesis that is not closed",
            ),
            (". TXT x", "line 1: TXT is neither DS nor DNSKEY"),
        ];
        for (text, expected) in rows {
            let error = Anchors::parse(text).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text:?}");
        }
        let error = Anchors::parse(". DS 1 8 2 XYZW").unwrap_err().to_string();
        assert!(
            error.starts_with("line 1: the digest is not hexadecimal"),
            "{error}"
        );
    }
}
