//! What is told of an identity that the Workload API gave: plain values.

use serde::{Deserialize, Serialize};

/// Our X.509-SVID in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IdentityFacts {
    /// Our SPIFFE ID.
    pub spiffe_id: String,
    /// The serial number of the certificate, in hex.
    pub serial: Option<String>,
    /// SHA-256 of the certificate (DER), in hex.
    pub sha256: String,
    /// When it becomes valid (RFC 3339, UTC).
    pub not_before: Option<String>,
    /// When it ceases to be.
    pub not_after: Option<String>,
    /// The trust domains whose authorities came with it: the own one and those it is federated with.
    pub trust_domains: Vec<String>,
    /// How many identities came, of which this is one: the first, unless another was chosen.
    pub svids: u64,
}
