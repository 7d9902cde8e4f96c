//! `"type":"identity"`: who we are by the Workload API of SPIFFE, and when that changes.

#![cfg_attr(
    not(feature = "tls"),
    expect(dead_code, reason = "without TLS nobody has an identity")
)]

use std::time::Duration;

use netkit::failure::Failure;
use netkit::net::tls::IdentityFacts;
use netkit::time::Millis;
use serde::Serialize;

/// What happened to our identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// The first one came.
    Issued,
    /// Another certificate takes its place from the next handshake on.
    Rotated,
    /// The certificate is the same, and those who are trusted are others.
    Bundles,
    /// The Workload API answers again, and says the same as before.
    Restored,
    /// The Workload API was lost: the old one stays, and it is asked again.
    Lost,
    /// One came that cannot be used: the old one stays.
    Refused,
}

/// A change of our identity, with what is in use now.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "the keys of JSON are what the line is"
)]
pub(crate) struct Change {
    pub(crate) change: What,
    #[serde(flatten)]
    pub(crate) facts: IdentityFacts,
    /// Why it was lost or refused; `null` where it was not.
    pub(crate) failure: Option<Failure>,
    /// How long it takes until the Workload API is asked again; `null` where it answers.
    pub(crate) retry_ms: Option<Millis>,
}

impl Change {
    fn new(change: What, facts: &IdentityFacts) -> Self {
        Self {
            change,
            facts: facts.clone(),
            failure: None,
            retry_ms: None,
        }
    }

    pub(crate) fn issued(facts: &IdentityFacts) -> Self {
        Self::new(What::Issued, facts)
    }

    pub(crate) fn refused(facts: &IdentityFacts, failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            ..Self::new(What::Refused, facts)
        }
    }

    pub(crate) fn lost(facts: &IdentityFacts, failure: Failure, retry_in: Duration) -> Self {
        Self {
            failure: Some(failure),
            retry_ms: Some(retry_in.into()),
            ..Self::new(What::Lost, facts)
        }
    }

    /// What changed with `fresh`, which was put to use; `None` if nothing did.
    #[cfg(feature = "tls")]
    pub(crate) fn between(
        current: &netkit::net::tls::WorkloadIdentity,
        fresh: &netkit::net::tls::WorkloadIdentity,
        lost: bool,
    ) -> Option<Self> {
        let change = if current.facts().sha256 != fresh.facts().sha256 {
            What::Rotated
        } else if current != fresh {
            What::Bundles
        } else if lost {
            What::Restored
        } else {
            return None;
        };
        Some(Self::new(change, fresh.facts()))
    }

    /// The same as a line for people.
    pub(crate) fn words(&self) -> String {
        let facts = &self.facts;
        let (id, serial) = (&facts.spiffe_id, facts.serial.as_deref().unwrap_or("?"));
        let until = facts.not_after.as_deref().unwrap_or("?");
        let who = format!("{id}, serial {serial}, valid until {until}");
        let why = self.failure.as_ref().map_or("", |failure| &failure.message);
        match self.change {
            What::Issued => format!("identity: {who}"),
            What::Rotated => format!("identity: another certificate from now on: {who}"),
            What::Bundles => {
                let domains = facts.trust_domains.join(", ");
                format!("identity: other authorities from now on, of {domains}; still {who}")
            }
            What::Restored => format!("identity: the Workload API answers again: still {who}"),
            What::Lost => format!("identity: the Workload API was lost, still {who}: {why}"),
            What::Refused => format!("identity: a new one cannot be used, still {who}: {why}"),
        }
    }
}
