//! What became of a question. The only input of every renderer and of the exit code; its serde form
//! is the JSON contract of `type: "resolve"`.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;

use super::attempt::AttemptReport;
use super::malformed::Malformed;
use super::record::Record;
use super::remark::Remark;
use super::system::SystemView;
use super::verdict::Verdict;
use crate::failure::Failure;
use crate::resolve::dnssec;
use crate::resolve::edns::{self, EdnsOption, EdnsReply};
use crate::resolve::message::Header;
pub use crate::resolve::search::Stop;
use crate::time::Millis;

/// The report on one question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// The name or address as typed.
    pub name: String,
    /// The name on the wire of the reply that counts, A-labels; `null` when none was asked.
    pub asked: Option<String>,
    /// The same with U-labels, where it has any.
    pub unicode: Option<String>,
    /// The type.
    pub qtype: String,
    /// The class, by name or as `CLASSn`.
    pub qclass: String,
    /// Whether there are records of the type asked for.
    pub ok: bool,
    /// What became of it.
    pub verdict: Verdict,
    /// One next step.
    pub advice: Option<String>,
    /// Why there are no records.
    pub failure: Option<Failure>,
    /// Where the answer comes from.
    pub source: ReportSource,
    /// The response code; `null` without a reply.
    pub rcode: Option<String>,
    /// The header's bits; `null` without a reply.
    pub flags: Option<Flags>,
    /// The answer section, aliases included.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
    /// The additional section, without OPT.
    pub additional: Vec<Record>,
    /// What the server said by EDNS; `null` without an OPT record.
    pub edns: Option<Edns>,
    /// The server whose reply counts, or that failed best.
    pub server: Option<SocketAddr>,
    /// What the reply came over: `udp`, `tcp`.
    pub transport: Option<String>,
    /// From the first sending of the question to the reply.
    pub rtt_ms: Option<Millis>,
    /// Octets of the reply.
    pub size: Option<usize>,
    /// What was out of the ordinary on the way.
    pub remarks: Vec<Remark>,
    /// The names that were tried.
    pub search: Search,
    /// Every try.
    pub attempts: Vec<AttemptReport>,
    /// The whole question.
    pub total_ms: Millis,
    /// The octets of the reply, or of the first that breaks the protocol; not part of the JSON.
    #[serde(skip)]
    pub packet: Option<Arc<[u8]>>,
    /// Whether it is proven, and by what; `null` when that was not asked, or there was no reply.
    pub dnssec: Option<dnssec::Report>,
    /// The first reply that breaks the protocol, as far as it can be read.
    pub malformed: Option<Malformed>,
    /// What getaddrinfo says; `null` when it was not asked.
    pub system: Option<SystemView>,
    /// What the cache knew; `null` without a cache.
    pub cache: Option<CacheFacts>,
    /// What the policy made of it; `null` without a policy.
    #[cfg(feature = "policy")]
    pub policy: Option<super::steered::PolicyFacts>,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReportSource {
    /// A name server.
    Server,
    /// The hosts file.
    Hosts,
    /// Known without asking (RFC 6761, RFC 7686).
    Special,
}

/// The bits of a reply's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "the bits of the header")]
pub struct Flags {
    /// Authoritative answer.
    pub aa: bool,
    /// Truncated.
    pub tc: bool,
    /// Recursion desired: the bit repeated.
    pub rd: bool,
    /// Recursion available.
    pub ra: bool,
    /// The bit without a meaning.
    pub z: bool,
    /// Authentic data.
    pub ad: bool,
    /// Checking disabled: the bit repeated.
    pub cd: bool,
}

impl Flags {
    /// The names of the bits that are set, in the order of the header.
    pub fn set(&self) -> impl Iterator<Item = &'static str> {
        let bits = [
            (self.aa, "aa"),
            (self.tc, "tc"),
            (self.rd, "rd"),
            (self.ra, "ra"),
            (self.z, "z"),
            (self.ad, "ad"),
            (self.cd, "cd"),
        ];
        bits.into_iter()
            .filter_map(|(set, name)| set.then_some(name))
    }
}

impl From<Header> for Flags {
    fn from(header: Header) -> Self {
        Self {
            aa: header.authoritative(),
            tc: header.truncated(),
            rd: header.recursion_desired(),
            ra: header.recursion_available(),
            z: header.z(),
            ad: header.authentic_data(),
            cd: header.checking_disabled(),
        }
    }
}

/// What the server said by EDNS.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Edns {
    /// Its version.
    pub version: u8,
    /// The UDP payload that the server takes.
    pub payload: u16,
    /// DO: the bit repeated.
    pub r#do: bool,
    /// The flags that have no meaning yet, as a number.
    pub z: u16,
    /// The extended error (RFC 8914), the first if there are several.
    pub ede: Option<ExtendedError>,
    /// Every option in its order: `code`, `name`, `hex`, and the fields that it has.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Vec<std::collections::BTreeMap<String, super::record::Any>>")
    )]
    pub options: Vec<EdnsOption>,
}

impl From<&EdnsReply> for Edns {
    fn from(edns: &EdnsReply) -> Self {
        Self {
            version: edns.version,
            payload: edns.payload,
            r#do: edns.dnssec_ok,
            z: edns.z,
            ede: edns.extended_error.as_ref().map(ExtendedError::from),
            options: edns.options.clone(),
        }
    }
}

/// An extended error.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExtendedError {
    /// INFO-CODE.
    pub code: u16,
    /// The registry's name for it; `null` for a code without one.
    pub name: Option<&'static str>,
    /// EXTRA-TEXT, escaped.
    pub text: String,
}

impl From<&edns::ExtendedError> for ExtendedError {
    fn from(error: &edns::ExtendedError) -> Self {
        Self {
            code: error.code,
            name: error.name(),
            text: error.text.clone(),
        }
    }
}

/// The names that were tried, and why the search ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Search {
    /// One entry a name that was tried, in order.
    pub names: Vec<SearchStep>,
    /// Names of the list that were not tried.
    pub untried: Vec<String>,
    /// Why it ended there; `null` when nobody was asked.
    pub stopped: Option<Stop>,
}

/// What became of one name of the search list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchStep {
    /// The name.
    pub name: String,
    /// What became of it.
    pub verdict: Verdict,
    /// From the first question for it to the last reply.
    pub took_ms: Millis,
}

/// What the cache knew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CacheFacts {
    /// Whether the answer comes from it.
    pub hit: bool,
    /// Seconds since it was asked.
    pub age_s: Option<f64>,
}
