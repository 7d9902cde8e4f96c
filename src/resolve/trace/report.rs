//! What a trace found, step by step. Its serde form is the JSON contract of `type: "trace"`.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

pub use super::delegation::{Problem, Source};
use crate::resolve::command::{Record, Verdict};
use crate::resolve::dnssec::report::KeyRef;
use crate::time::Millis;

/// The report of one trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// The name asked for.
    pub name: String,
    /// The type.
    pub qtype: String,
    /// Whether records of that type were found.
    pub ok: bool,
    /// What became of it.
    pub verdict: Verdict,
    /// Where and why it ended without records; `null` when it did not.
    pub reason: Option<String>,
    /// One next step.
    pub advice: Option<String>,
    /// The zones on the way, in the order in which they were asked; those asked for the address of
    /// a name server among them.
    pub steps: Vec<Step>,
    /// The answer, aliases included.
    pub answers: Vec<Record>,
    /// Questions sent to servers.
    pub questions: u32,
    /// The whole trace.
    pub total_ms: Millis,
}

/// One zone on the way.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// The zone whose servers were asked.
    pub zone: String,
    /// The name asked for: after an alias or for a name server not that of the trace.
    pub name: String,
    /// The type asked for.
    pub qtype: String,
    /// The name server whose address is looked for; `null` on the way to the answer itself.
    pub for_server: Option<String>,
    /// Every name server of the zone, and what became of asking it.
    pub servers: Vec<ServerStep>,
    /// What the step leads to: `referral`, `answer`, `alias`, `no_data`, `nxdomain`, `failed`.
    pub outcome: StepOutcome,
    /// Whether all servers that serve the zone said the same; `null` with fewer than two.
    pub agree: Option<bool>,
    /// The zone referred to; `null` when it is no referral.
    pub referral: Option<ReferralFacts>,
    /// The target of an alias.
    pub alias: Option<String>,
    /// The zone's name servers by its parent and by itself; `null` when they were not compared
    /// (the root, or nobody answered).
    pub ns: Option<NsComparison>,
}

/// What a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// To a zone further down.
    Referral,
    /// To the records.
    Answer,
    /// To another name.
    Alias,
    /// The name exists without the type.
    NoData,
    /// The name does not exist.
    Nxdomain,
    /// Nowhere.
    Failed,
}

/// A name server and what became of asking it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerStep {
    /// Its name; `null` for a root given by address.
    pub name: Option<String>,
    /// All its addresses that are known.
    pub addresses: Vec<IpAddr>,
    /// Where they come from.
    pub source: Source,
    /// Why there is none.
    pub problem: Option<Problem>,
    /// The address and port that were asked; `null` when it was not asked.
    pub server: Option<SocketAddr>,
    /// What came of it.
    pub outcome: ServerOutcome,
    /// The same in words, where the word does not do.
    pub detail: Option<String>,
    /// The response code; `null` without a reply.
    pub rcode: Option<String>,
    /// Whether the reply claims authority; `null` without a reply.
    pub authoritative: Option<bool>,
    /// From the first sending of the question to the reply; `null` without a reply.
    pub rtt_ms: Option<Millis>,
    /// `udp` or `tcp`; `null` without a reply.
    pub transport: Option<String>,
    /// Octets of the reply; `null` without one.
    pub size: Option<usize>,
}

/// What came of asking one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServerOutcome {
    /// The records.
    Answer,
    /// An alias.
    Alias,
    /// The name exists without the type.
    NoData,
    /// The name does not exist.
    Nxdomain,
    /// A delegation.
    Referral,
    /// It does not serve the zone that it is named for.
    Lame,
    /// Another response code.
    Error,
    /// Something came that cannot be used.
    Malformed,
    /// Nothing came.
    Silent,
    /// The system says that there is no way there, or nobody listens.
    Unreachable,
    /// Others had answered long before; it was not waited for.
    NotAwaited,
    /// It was not asked.
    NotAsked,
}

/// A delegation to the next zone.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReferralFacts {
    /// The zone.
    pub zone: String,
    /// The keys that its DS records name; empty for an unsigned delegation.
    pub ds: Vec<KeyRef>,
}

/// The name servers of a zone, by both sides of the cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NsComparison {
    /// Whether both sides name the same.
    pub same: bool,
    /// Named by the parent only.
    pub only_parent: Vec<String>,
    /// Named by the zone itself only.
    pub only_child: Vec<String>,
}
