//! SPIFFE IDs: `spiffe://trust-domain/path` (SPIFFE-ID §2), and what may be asked of a peer's.

use std::fmt;
use std::str::FromStr;

/// Bytes of an ID at most (SPIFFE-ID §2.3).
const LONGEST: usize = 2048;
/// Bytes of a trust domain at most.
const LONGEST_DOMAIN: usize = 255;

/// The name of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    trust_domain: String,
    /// Empty, or with its slash in front.
    path: String,
}

impl SpiffeId {
    /// Who gives out names here.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// Which workload it is, with its slash in front; empty where the trust domain itself is meant.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}{}", self.trust_domain, self.path)
    }
}

impl FromStr for SpiffeId {
    type Err = String;

    /// Errs with what is wrong, in words.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("longer than {LONGEST} bytes"));
        }
        let rest = text
            .strip_prefix("spiffe://")
            .ok_or("it does not begin with spiffe://")?;
        let (domain, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        Ok(Self {
            trust_domain: trust_domain(domain)?,
            path: checked_path(path)?,
        })
    }
}

/// A trust domain by itself (SPIFFE-ID §2.1).
pub fn trust_domain(text: &str) -> Result<String, String> {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    if text.is_empty() {
        return Err("the trust domain is missing".to_owned());
    }
    if text.len() > LONGEST_DOMAIN || !text.bytes().all(fits) {
        return Err(
            "a trust domain has lower-case letters, digits, dots, dashes and underscores"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

fn checked_path(path: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let segments = path.split('/').skip(1);
    for segment in segments {
        if matches!(segment, "" | "." | "..") {
            return Err("a segment of its path is empty or dots".to_owned());
        }
        if !segment.bytes().all(fits) {
            return Err(
                "its path has characters beside letters, digits, dots, dashes and underscores"
                    .to_owned(),
            );
        }
    }
    Ok(path.to_owned())
}

/// Which workloads are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpiffePeer {
    /// This one alone.
    Id(SpiffeId),
    /// Every one of this trust domain.
    TrustDomain(String),
}

impl SpiffePeer {
    /// Whether a workload is one of them.
    #[must_use]
    pub fn fits(&self, id: &SpiffeId) -> bool {
        match self {
            Self::Id(wanted) => wanted == id,
            Self::TrustDomain(domain) => domain == id.trust_domain(),
        }
    }
}

impl fmt::Display for SpiffePeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::TrustDomain(domain) => write!(f, "any of spiffe://{domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_strictly_and_written_back() {
        for text in [
            "spiffe://td.example/ns/a/sa/b",
            "spiffe://td",
            "spiffe://t_d-1.x/A.b_c-d",
        ] {
            assert_eq!(text.parse::<SpiffeId>().unwrap().to_string(), text);
        }
        let long = format!("spiffe://td/{}", "a".repeat(LONGEST));
        for text in [
            "",
            "spiffe:/td",
            "https://td/a",
            "spiffe://",
            "spiffe:///a",
            "spiffe://TD/a",
            "spiffe://td:80/a",
            "spiffe://u@td/a",
            "spiffe://td/",
            "spiffe://td/a/",
            "spiffe://td//a",
            "spiffe://td/../a",
            "spiffe://td/a?b",
            "spiffe://td/a#b",
            "spiffe://td/%61",
            "SPIFFE://td/a",
            &long,
        ] {
            assert!(text.parse::<SpiffeId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_trust_domain_is_compared_as_a_whole() {
        let id: SpiffeId = "spiffe://td.example/a".parse().unwrap();
        assert!(SpiffePeer::TrustDomain("td.example".into()).fits(&id));
        assert!(!SpiffePeer::TrustDomain("td.exampl".into()).fits(&id));
        assert!(!SpiffePeer::TrustDomain("example".into()).fits(&id));
        let other: SpiffeId = "spiffe://td.example/a/b".parse().unwrap();
        assert!(!SpiffePeer::Id(id).fits(&other));
    }
}
