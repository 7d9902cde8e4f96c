//! Where a policy comes from.
//!
//! A source is asked again and again: the first answer is what is there now, every later one comes
//! when that has changed. It knows nothing of rules; what it hands over is text.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::str::FromStr;

use crate::addr::ParseError;
use crate::resolve::StubResolver;

use super::document::Fault;
use super::etcd::{EtcdPlace, EtcdSource};
use super::file::FileSource;
use super::rules::Rules;

/// The whole policy: one text, or several that belong together, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The texts; their rules are considered in this order.
    pub parts: Vec<Part>,
}

/// One text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What a message calls it: a path, a key.
    pub name: String,
    /// TOML.
    pub text: String,
}

impl Document {
    /// Reads all parts as one policy.
    ///
    /// # Errors
    /// The first fault, with the name of the part. A rule's name must be unique over all parts.
    pub fn rules(&self) -> Result<Rules, (String, Fault)> {
        let mut rules = Rules::default();
        for part in &self.parts {
            let own: Rules = part
                .text
                .parse()
                .map_err(|fault| (part.name.clone(), fault))?;
            for rule in own.rules {
                if rules.rules.iter().any(|other| other.name == rule.name) {
                    let message = format!("an earlier part has a rule named {:?}", rule.name);
                    let (line, column) = (1, 1);
                    let fault = Fault {
                        line,
                        column,
                        message,
                    };
                    return Err((part.name.clone(), fault));
                }
                rules.rules.push(rule);
            }
        }
        Ok(rules)
    }
}

/// Why there is no document at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// What was asked, such as a path or a server.
    pub place: String,
    /// What went wrong.
    pub message: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for SourceError {}

/// Hands over a policy, and again whenever it has changed.
pub trait Source: Send {
    /// The first call returns what is there; a later one waits until something else is there. After an
    /// error the next call tries again, after a pause of its own. Cancel safe: nothing is lost when the future is
    /// dropped.
    fn next(&mut self) -> impl Future<Output = Result<Document, SourceError>> + Send;
}

/// A place as users write it: a path, or `etcd://host:port/prefix`.
///
/// ```
/// use netkit::resolve::policy::Place;
/// assert!(matches!("/etc/netkit/policy.toml".parse(), Ok(Place::File(_))));
/// assert!(matches!("etcd://127.0.0.1:2379/netkit/".parse(), Ok(Place::Etcd(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// Keys below a prefix in etcd.
    Etcd(EtcdPlace),
}

impl FromStr for Place {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let expected = "a file, or etcd://HOST:PORT/PREFIX";
        match text.split_once("://") {
            Some(("etcd", _)) => EtcdPlace::parse(text).map(Self::Etcd),
            Some((scheme, _)) => {
                let message = format!("{scheme:?} is not a place that policies come from");
                Err(ParseError::new(text, 0..scheme.len(), message, expected))
            }
            None if text.is_empty() => Err(ParseError::new(
                text,
                0..0,
                "the place is missing",
                expected,
            )),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl Place {
    /// The source at this place; a host name in it is looked up by `names`. Reads nothing yet.
    #[must_use]
    pub fn source(self, names: StubResolver) -> AnySource {
        match self {
            Self::File(path) => AnySource::File(FileSource::new(path)),
            Self::Etcd(place) => AnySource::Etcd(Box::new(EtcdSource::new(place, names))),
        }
    }
}

/// A source of whichever kind a [`Place`] names.
#[derive(Debug)]
pub enum AnySource {
    /// A file.
    File(FileSource),
    /// etcd.
    Etcd(Box<EtcdSource>),
}

impl Source for AnySource {
    async fn next(&mut self) -> Result<Document, SourceError> {
        match self {
            Self::File(source) => source.next().await,
            Self::Etcd(source) => source.next().await,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Etcd(place) => place.fmt(f),
        }
    }
}
