//! What QUIC needs of TLS: its library has a handshake of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::library::rustls::client::WebPkiServerVerifier;
use super::library::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use super::library::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use super::library::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::explain::classify;
use super::facts::{fingerprint, text};
use super::{TlsClient, TlsFacts, TlsVersion};
use crate::failure::Failure;
use crate::time::Millis;

impl TlsClient {
    /// A configuration for QUIC, with a place where the verdict on the certificate is left.
    pub(in crate::net) fn for_quic(&self) -> (ClientConfig, Arc<Verdict>) {
        let verdict = Arc::new(Verdict {
            inner: self.verifier(),
            error: Mutex::new(None),
        });
        let mut config = self.config().clone();
        config.dangerous().set_certificate_verifier(verdict.clone());
        (config, verdict)
    }
}

/// A verifier that remembers why it refused a certificate: a QUIC library reports the alert alone.
#[derive(Debug)]
pub(in crate::net) struct Verdict {
    inner: Arc<WebPkiServerVerifier>,
    error: Mutex<Option<Error>>,
}

impl Verdict {
    /// The failure of a certificate that was refused.
    pub(in crate::net) fn failure(&self, name: &str) -> Option<Failure> {
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.as_ref().map(|error| classify(name, error))
    }

    fn note<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            let mut noted = self.error.lock().unwrap_or_else(PoisonError::into_inner);
            *noted = Some(error.clone());
        }
        result
    }
}

impl ServerCertVerifier for Verdict {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let inner = &self.inner;
        self.note(inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(self.inner.verify_tls12_signature(message, cert, dss))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(self.inner.verify_tls13_signature(message, cert, dss))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
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
