//! What QUIC needs of TLS: its library has a handshake of its own.

use std::sync::Arc;
use std::time::Duration;

use super::blame;
use super::client::verify::Verifier;
use super::facts::{fingerprint, text};
use super::library::rustls::ClientConfig;
use super::library::rustls::pki_types::CertificateDer;
use super::{TlsClient, TlsFacts, TlsVersion};
use crate::failure::Failure;
use crate::time::Millis;

impl TlsClient {
    /// A configuration for QUIC, with a place where the verdict on the certificate is left: a QUIC
    /// library reports the alert alone.
    pub(in crate::net) fn for_quic(&self) -> (ClientConfig, Verdict) {
        let fresh = self.fresh();
        (fresh.config().clone(), Verdict(fresh.verifier()))
    }
}

/// Why a certificate was refused.
#[derive(Debug)]
pub(in crate::net) struct Verdict(Arc<Verifier>);

impl Verdict {
    /// The failure of a certificate that was refused.
    pub(in crate::net) fn failure(&self, name: &str) -> Option<Failure> {
        let seen = self.0.seen();
        let blame = blame::of(name, seen.error.as_ref()?, &seen, blame::now())?;
        Some(blame.into_failure())
    }
}

/// The facts of a QUIC handshake, as far as its library tells them.
pub(in crate::net) fn quic_facts(
    identity: Option<Box<dyn std::any::Any>>,
    alpn: Option<&[u8]>,
    name: &str,
    handshake: Duration,
) -> TlsFacts {
    let certificates = identity.and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let certificates = certificates
        .as_deref()
        .map(Vec::as_slice)
        .unwrap_or_default();
    TlsFacts {
        // QUIC has no other (RFC 9001 §4.2).
        version: Some(TlsVersion::Tls13),
        suite: None,
        group: None,
        alpn: alpn.map(text),
        peer_name: name.to_owned(),
        fingerprint_sha256: certificates.first().map(|leaf| fingerprint(leaf)),
        certificates: certificates.len() as u64,
        resumed: None,
        handshake_ms: Millis(handshake),
    }
}
