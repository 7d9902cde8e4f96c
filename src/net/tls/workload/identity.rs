//! What the Workload API gave, looked at before it is used: our X.509-SVID and whom to trust.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::library::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use super::super::workload_facts::IdentityFacts;
use super::super::{Identity, SpiffeId, SvidChoice, certificate, spiffe, spiffe_id};
use super::proto::{Response, Svid};

/// The certificates of authorities, by trust domain.
pub(in crate::net::tls) type Bundles = BTreeMap<String, Vec<CertificateDer<'static>>>;

/// Who we are, by the Workload API: an X.509-SVID with its key, and the authorities of each trust
/// domain. Cheap to clone; the key never comes out of it.
#[derive(Clone, Debug)]
pub struct WorkloadIdentity {
    id: SpiffeId,
    identity: Identity,
    bundles: Arc<Bundles>,
    facts: Arc<IdentityFacts>,
}

impl PartialEq for WorkloadIdentity {
    /// Whether both are the same certificate, and trust the same authorities.
    fn eq(&self, other: &Self) -> bool {
        self.facts == other.facts && self.bundles == other.bundles
    }
}

/// Why a message of the Workload API is of no use, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It breaks the rules.
    Malformed(String),
    /// The identity that was chosen is not in it.
    NotOffered(String),
}

impl From<String> for Unusable {
    fn from(why: String) -> Self {
        Self::Malformed(why)
    }
}

impl WorkloadIdentity {
    /// Reads a message of the Workload API (`X509SVIDResponse`), of which one identity is taken.
    ///
    /// Errs with what is wrong: its encoding, a certificate that breaks the rules of X.509-SVID,
    /// another ID than the message says, a key that belongs elsewhere; or that what is chosen was not
    /// offered.
    pub fn read(message: &[u8], choice: &SvidChoice) -> Result<Self, Unusable> {
        let response = Response::read(message).map_err(str::to_owned)?;
        let svid = chosen(&response.svids, choice)?;
        let (id, chain) = own(svid)?;
        let key = PrivatePkcs8KeyDer::from(svid.key.to_vec());
        let leaf = chain[0].clone();
        let identity = Identity::new(chain, key.into())
            .map_err(|error| format!("the key of {id} does not fit its certificate: {error}"))?;
        let bundles = bundles(&id, svid.bundle, &response)?;
        let facts = facts(&id, &leaf, &bundles, response.svids.len());
        Ok(Self {
            id,
            identity,
            bundles: Arc::new(bundles),
            facts: Arc::new(facts),
        })
    }

    /// Our own SPIFFE ID.
    #[must_use]
    pub fn id(&self) -> &SpiffeId {
        &self.id
    }

    /// What there is to tell of it.
    #[must_use]
    pub fn facts(&self) -> &IdentityFacts {
        &self.facts
    }

    pub(in crate::net::tls) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(in crate::net::tls) fn bundles(&self) -> &Bundles {
        &self.bundles
    }
}

/// The identity that is chosen; of several that fit it is the first.
fn chosen<'m, 'a>(svids: &'m [Svid<'a>], choice: &SvidChoice) -> Result<&'m Svid<'a>, Unusable> {
    let fits = |svid: &&Svid<'_>| match choice {
        SvidChoice::First => true,
        SvidChoice::Hint(hint) => svid.hint == hint,
        SvidChoice::Id(id) => svid.id == id.to_string(),
    };
    if let Some(svid) = svids.iter().find(fits) {
        return Ok(svid);
    }
    let name = |svid: &Svid<'_>| match svid.hint {
        "" => svid.id.to_owned(),
        hint => format!("{} (hint {hint:?})", svid.id),
    };
    let named: Vec<_> = svids.iter().take(NAMED).map(name).collect();
    if named.is_empty() {
        return Err("it holds no identity".to_owned().into());
    }
    let more = match svids.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = named.join(", ");
    let why = format!("it does not offer {choice}, but {named}{more}");
    Err(Unusable::NotOffered(why))
}

/// Identities that a failure names at most.
const NAMED: usize = 8;

/// The ID and the chain of an identity that keeps the rules.
fn own(svid: &Svid<'_>) -> Result<(SpiffeId, Vec<CertificateDer<'static>>), String> {
    let id: SpiffeId = svid
        .id
        .parse()
        .map_err(|why| format!("{:?} is no SPIFFE ID: {why}", svid.id))?;
    let chain = certificate::split(svid.chain)
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| format!("the certificates of {id} cannot be read"))?;
    let named = spiffe::id_by_the_rules(svid.id, &chain).map_err(|blame| blame.reason)?;
    if named != id {
        return Err(format!("the certificate of {id} is that of {named}"));
    }
    Ok((id, chain))
}

/// Whom to trust in which trust domain: the own one, and those that it is federated with.
fn bundles(id: &SpiffeId, own: &[u8], response: &Response<'_>) -> Result<Bundles, String> {
    let mut bundles = Bundles::new();
    let federated = response.federated.iter().map(|(name, der)| (*name, *der));
    for (name, der) in federated.chain([(id.trust_domain(), own)]) {
        let domain = name.strip_prefix("spiffe://").unwrap_or(name);
        let domain = spiffe_id::trust_domain(domain.trim_end_matches('/'))
            .map_err(|why| format!("{name:?} is no trust domain: {why}"))?;
        let authorities = certificate::split(der)
            .ok_or_else(|| format!("the authorities of {domain} cannot be read"))?;
        bundles.insert(domain, authorities);
    }
    if bundles.get(id.trust_domain()).is_none_or(Vec::is_empty) {
        return Err(format!(
            "no authority of {} came with it",
            id.trust_domain()
        ));
    }
    Ok(bundles)
}

fn facts(id: &SpiffeId, leaf: &[u8], bundles: &Bundles, svids: usize) -> IdentityFacts {
    let said = certificate::describe(leaf, 0, false);
    IdentityFacts {
        spiffe_id: id.to_string(),
        serial: said.serial,
        sha256: said.sha256,
        not_before: said.not_before,
        not_after: said.not_after,
        trust_domains: bundles.keys().cloned().collect(),
        svids: svids as u64,
    }
}
