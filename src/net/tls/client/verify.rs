//! Verifying the server's chain, and keeping what was seen of it: a verdict explains itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::library::rustls::client::WebPkiServerVerifier;
use super::super::library::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use super::super::library::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use super::super::library::rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
};
use super::pinned::Pinned;

/// What one handshake showed of the peer's chain.
#[derive(Clone, Debug, Default)]
pub(in crate::net) struct Seen {
    /// The certificates, the peer's own first; empty when none came (a resumed session).
    pub(in crate::net) chain: Vec<CertificateDer<'static>>,
    /// Whether an OCSP response came with them.
    pub(in crate::net) ocsp: bool,
    /// Why they are not accepted.
    pub(in crate::net) error: Option<Error>,
    /// How long verifying took.
    pub(in crate::net) took: Option<Duration>,
}

/// Verifies by the platform's rules and remembers what it saw.
#[derive(Debug)]
pub(in crate::net) struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    pinned: Pinned,
    /// Goes on whatever the chain is like; what is wrong with it is kept all the same.
    insecure: bool,
    seen: Mutex<Seen>,
}

impl Verifier {
    pub(super) fn new(inner: Arc<WebPkiServerVerifier>, pinned: Pinned, insecure: bool) -> Self {
        let seen = Mutex::default();
        Self {
            inner,
            pinned,
            insecure,
            seen,
        }
    }

    /// The same rules for another handshake, of which nothing is known yet.
    pub(super) fn fresh(&self) -> Self {
        Self::new(self.inner.clone(), self.pinned.clone(), self.insecure)
    }

    /// What the last handshake showed.
    pub(in crate::net) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// Whether it goes on whatever the chain is like.
    pub(in crate::net) fn is_insecure(&self) -> bool {
        self.insecure
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.lock().error.get_or_insert_with(|| error.clone());
        }
        result
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let began = Instant::now();
        let (name, ocsp) = (server_name, ocsp_response);
        let result = match self.pinned.verify(end_entity, name, now) {
            Some(verdict) => verdict.map(|()| ServerCertVerified::assertion()),
            None => self
                .inner
                .verify_server_cert(end_entity, intermediates, name, ocsp, now),
        };
        let chain = std::iter::once(end_entity).chain(intermediates);
        *self.lock() = Seen {
            chain: chain.map(|one| one.clone().into_owned()).collect(),
            ocsp: !ocsp.is_empty(),
            error: result.as_ref().err().cloned(),
            took: Some(began.elapsed()),
        };
        match result {
            Err(_) if self.insecure => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Also when insecure: without it the peer need not even have the key.
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

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.inner.root_hint_subjects()
    }
}
