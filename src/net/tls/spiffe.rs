//! SPIFFE identities in certificates (X.509-SVID): reading them, and whether a peer has one that was
//! asked for.
//!
//! For both sides. It looks at a chain whose signatures were verified already; names of hosts and
//! the subject do not count here (X.509-SVID §5.2).

use super::blame::Blame;
use super::certificate::{self, Svid};
use super::library::rustls::pki_types::CertificateDer;
use super::{SpiffeId, SpiffePeer};
use crate::failure::Kind;

/// The SPIFFE ID of a chain: the one URI of its first certificate, if it is one.
pub(super) fn id_of(chain: &[CertificateDer<'_>]) -> Option<String> {
    let svid = certificate::svid(chain.first()?)?;
    match svid.uris.as_slice() {
        [uri] if uri.starts_with("spiffe://") => Some(uri.clone()),
        _ => None,
    }
}

/// Checks the peer's own certificate by the rules of X.509-SVID, and its ID against those that are
/// wanted: one of them is enough.
pub(super) fn check(
    name: &str,
    chain: &[CertificateDer<'_>],
    wanted: &[SpiffePeer],
) -> Result<SpiffeId, Blame> {
    let id = id_by_the_rules(name, chain)?;
    if wanted.iter().any(|one| one.fits(&id)) {
        return Ok(id);
    }
    let words: Vec<_> = wanted.iter().map(ToString::to_string).collect();
    let reason = format!("{name} is {id}, and not {}", words.join(" or "));
    Err(blame(Kind::SpiffeMismatch, reason))
}

/// The ID of a chain whose first certificate keeps the rules of X.509-SVID.
pub(super) fn id_by_the_rules(name: &str, chain: &[CertificateDer<'_>]) -> Result<SpiffeId, Blame> {
    let svid = chain.first().and_then(|der| certificate::svid(der));
    let svid = svid.ok_or_else(|| untrusted(name, "cannot be read"))?;
    identity(name, &svid)
}

/// The ID of a leaf that keeps the rules.
fn identity(name: &str, svid: &Svid) -> Result<SpiffeId, Blame> {
    // §4.1, §4.3: a leaf neither is an authority nor signs like one, and it does sign.
    if svid.is_ca {
        return Err(untrusted(
            name,
            "is that of an authority, which no workload may use",
        ));
    }
    if svid.signs_certificates {
        return Err(untrusted(
            name,
            "may sign certificates, which that of a workload must not",
        ));
    }
    if svid.signs == Some(false) {
        return Err(untrusted(name, "lacks the key usage digitalSignature"));
    }
    // §2: exactly one URI.
    match svid.uris.as_slice() {
        [uri] => of_workload(name, uri),
        [] => Err(mismatch(name, "has no SPIFFE ID")),
        uris => Err(mismatch(
            name,
            &format!(
                "has {} URIs, and a SPIFFE certificate has exactly one",
                uris.len()
            ),
        )),
    }
}

/// The ID that a URI is. §5.2: that of a workload has a path; without one it is a trust domain's.
fn of_workload(name: &str, uri: &str) -> Result<SpiffeId, Blame> {
    let id: SpiffeId = uri.parse().map_err(|why: String| {
        let uri = uri.escape_debug();
        mismatch(
            name,
            &format!("has the URI \"{uri}\", which is no SPIFFE ID: {why}"),
        )
    })?;
    if id.path().is_empty() {
        let what = format!("is that of a trust domain, {id}, and of no workload: it has no path");
        return Err(mismatch(name, &what));
    }
    Ok(id)
}

/// A workload of a trust domain whose authorities nobody has sent.
pub(super) fn foreign(name: &str, id: &SpiffeId) -> Blame {
    let domain = id.trust_domain();
    let reason = format!(
        "{name} says that it is {id}, and the Workload API has sent no authority of {domain}"
    );
    blame(Kind::TlsUntrusted, reason)
}

fn untrusted(name: &str, what: &str) -> Blame {
    blame(
        Kind::TlsUntrusted,
        format!("the certificate of {name} {what}"),
    )
}

fn mismatch(name: &str, what: &str) -> Blame {
    blame(
        Kind::SpiffeMismatch,
        format!("the certificate of {name} {what}"),
    )
}

fn blame(kind: Kind, reason: String) -> Blame {
    Blame::new(kind, 0, reason)
}
