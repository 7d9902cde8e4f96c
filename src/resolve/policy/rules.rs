//! The rules as values, and whom each is meant for.
//!
//! Pure: nothing here knows TOML, time or sockets.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::addr::Prefix;
use crate::resolve::{DomainName, NameServer};

/// Failures in a row after which a server or an address counts as ill, unless a rule says otherwise.
pub const SWITCH_AFTER: u32 = 3;

/// A policy: rules in the order in which they are considered.
///
/// ```
/// use netkit::resolve::policy::Rules;
///
/// let rules: Rules = r#"
///     [[rule]]
///     name = "east-local"
///     regions = ["east"]
///     prefer = ["10.1.0.0/16"]
/// "#
/// .parse()
/// .unwrap();
/// assert_eq!(rules.rules[0].name.as_ref(), "east-local");
///
/// let fault = "[[rule]]\nname = \"x\"\nprefer = [\"10.1/16\"]".parse::<Rules>().unwrap_err();
/// assert_eq!(fault.line, 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Considered in this order; all that match act, until one that is last.
    pub rules: Vec<Rule>,
}

/// For whom, and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Names the rule in reports; unique.
    pub name: Arc<str>,
    /// The regions it is meant for; empty: all, also a client without a region.
    pub regions: Vec<String>,
    /// The names it is meant for; empty: all.
    pub names: Vec<Pattern>,
    /// Only when an answer lies in one of these networks; empty: whatever the answer.
    pub answers_in: Vec<Prefix>,
    /// Servers to ask instead of the usual ones: the first, and its backups in order.
    pub servers: Vec<NameServer>,
    /// Addresses in these networks come first, in the order of the networks.
    pub prefer: Vec<Prefix>,
    /// Addresses in these networks come last.
    pub avoid: Vec<Prefix>,
    /// Addresses outside these networks are left out; empty: none is.
    pub keep: Vec<Prefix>,
    /// Addresses in these networks are left out.
    pub drop: Vec<Prefix>,
    /// Addresses that take the place of all others of their family.
    pub replace: Vec<IpAddr>,
    /// How the addresses are ordered before `prefer` and `avoid`.
    pub order: Order,
    /// A measured latency above which a server or a preferred network gives way to the next one.
    pub switch_above: Option<Duration>,
    /// Failures in a row after which it gives way.
    pub switch_after: u32,
    /// Measures the addresses of an answer that are not known yet by connecting to this TCP port.
    pub measure_port: Option<u16>,
    /// Whether no rule after this one is considered.
    pub last: bool,
}

/// In which order the addresses of an answer are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As the server gave them.
    #[default]
    Received,
    /// The fastest measured first, unmeasured ones after them, ill ones last.
    Latency,
}

/// A name (`www.example`), or all names below one (`*.example`), or all (`*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub(super) base: DomainName,
    pub(super) below: bool,
}

impl Pattern {
    /// Whether the name is meant; letter case does not count.
    #[must_use]
    pub fn matches(&self, name: &DomainName) -> bool {
        let inside = name.is_within(&self.base);
        let same = inside && name.labels().count() == self.base.labels().count();
        if self.below { inside && !same } else { same }
    }
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The name.
    pub name: &'a DomainName,
    /// Where the client is, in its own words.
    pub region: Option<&'a str>,
}

impl Rule {
    /// Whether region and name are meant; the network of the answer is looked at later.
    pub(super) fn is_meant_for(&self, subject: &Subject<'_>) -> bool {
        let region = self.regions.is_empty()
            || subject
                .region
                .is_some_and(|own| self.regions.iter().any(|region| region == own));
        region && (self.names.is_empty() || self.names.iter().any(|p| p.matches(subject.name)))
    }

    /// Whether an answer lies where the rule wants it.
    pub(super) fn likes(&self, addresses: &[IpAddr]) -> bool {
        self.answers_in.is_empty() || addresses.iter().any(|ip| within(&self.answers_in, *ip))
    }
}

impl Rules {
    /// The rules that consider a subject, up to the first that is last.
    pub(super) fn meant_for<'a>(
        &'a self,
        subject: &'a Subject<'_>,
    ) -> impl Iterator<Item = &'a Rule> + 'a {
        let mut over = false;
        let meant = self.rules.iter().filter(|rule| rule.is_meant_for(subject));
        meant.take_while(move |rule| {
            let was_over = over;
            // An answer may yet exclude the rule, and with it its last word.
            over = rule.last && rule.answers_in.is_empty();
            !was_over
        })
    }
}

pub(super) fn within(networks: &[Prefix], ip: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(ip))
}

/// A rule that acted, and what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fired {
    /// The name of the rule.
    pub rule: String,
    /// What it did.
    pub action: Action,
    /// The particulars, in words: `198.51.100.53:53 takes 120 ms, more than 80 ms`.
    pub detail: String,
}

/// What a rule can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Other servers were asked.
    Servers,
    /// A backup took the place of the first.
    Switch,
    /// Addresses were moved to the front.
    Prefer,
    /// Addresses were moved to the end.
    Avoid,
    /// Addresses were left out.
    Drop,
    /// Addresses were replaced.
    Replace,
    /// Addresses were put into another order.
    Order,
}

impl fmt::Display for Action {
    /// Writes the word that JSON has for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Servers => "servers",
            Self::Switch => "switch",
            Self::Prefer => "prefer",
            Self::Avoid => "avoid",
            Self::Drop => "drop",
            Self::Replace => "replace",
            Self::Order => "order",
        })
    }
}
