//! Verifying the server's chain, and keeping what was seen of it: a verdict explains itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::blame::Blame;
use super::super::library::rustls::client::WebPkiServerVerifier;
use super::super::library::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use super::super::library::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use super::super::library::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
};
use super::pinned::Pinned;

use super::super::{SpiffePeer, spiffe};

/// What one handshake showed of the peer's chain.
#[derive(Clone, Debug, Default)]
pub(in crate::net) struct Seen {
    /// The certificates, the peer's own first; empty when none came (a resumed session).
    pub(in crate::net) chain: Vec<CertificateDer<'static>>,
    /// Whether an OCSP response came with them.
    pub(in crate::net) ocsp: bool,
    /// Why they are not accepted.
    pub(in crate::net) error: Option<Error>,
    /// The same, where it is netkit that does not accept them.
    pub(in crate::net) blame: Option<Blame>,
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
    /// The workloads that are right; empty: whoever has the name.
    spiffe: Arc<[SpiffePeer]>,
    seen: Mutex<Seen>,
}

impl Verifier {
    pub(super) fn new(
        inner: Arc<WebPkiServerVerifier>,
        pinned: Pinned,
        insecure: bool,
        spiffe: Arc<[SpiffePeer]>,
    ) -> Self {
        let seen = Mutex::default();
        Self {
            inner,
            pinned,
            insecure,
            spiffe,
            seen,
        }
    }

    /// The same rules for another handshake, of which nothing is known yet.
    pub(super) fn fresh(&self) -> Self {
        let (inner, pinned) = (self.inner.clone(), self.pinned.clone());
        Self::new(inner, pinned, self.insecure, self.spiffe.clone())
    }

    /// What the last handshake showed.
    pub(in crate::net) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// Whether it goes on whatever the chain is like.
    pub(in crate::net) fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// The workloads that are right.
    pub(in crate::net) fn spiffe(&self) -> &[SpiffePeer] {
        &self.spiffe
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

impl Verifier {
    /// Puts the ID of a workload in the place of the name, where that is asked for.
    ///
    /// rustls looks at the name last: when that alone is wrong, the chain is right.
    fn workload(
        &self,
        name: &str,
        chain: &[CertificateDer<'_>],
        result: Result<ServerCertVerified, Error>,
    ) -> (Result<ServerCertVerified, Error>, Option<Blame>) {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let chain_is_right = matches!(
            result,
            Ok(_)
                | Err(Error::InvalidCertificate(
                    NotValidForName | NotValidForNameContext { .. }
                ))
        );
        if self.spiffe.is_empty() || !chain_is_right {
            return (result, None);
        }
        match spiffe::check(name, chain, &self.spiffe) {
            Ok(_) => (Ok(ServerCertVerified::assertion()), None),
            Err(blame) => {
                let error = CertificateError::ApplicationVerificationFailure;
                (Err(error.into()), Some(blame))
            }
        }
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
        let chain: Vec<_> = chain.map(|one| one.clone().into_owned()).collect();
        let (result, blame) = self.workload(&name.to_str(), &chain, result);
        *self.lock() = Seen {
            chain,
            ocsp: !ocsp.is_empty(),
            error: result.as_ref().err().cloned(),
            blame,
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
