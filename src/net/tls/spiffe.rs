//! SPIFFE identities in certificates (X.509-SVID): reading them, and whether a peer may have its own.
//!
//! Used by both sides. It looks at certificates that were verified already.

use super::certificate;
use super::library::rustls::pki_types::CertificateDer;

/// The SPIFFE ID of a chain: the one URI of its first certificate, if it is one.
pub(super) fn id_of(chain: &[CertificateDer<'_>]) -> Option<String> {
    let svid = certificate::svid(chain.first()?)?;
    match svid.uris.as_slice() {
        [uri] if uri.starts_with("spiffe://") => Some(uri.clone()),
        _ => None,
    }
}
