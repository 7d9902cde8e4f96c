//! Verifying the server's chain, and keeping what was seen of it: a verdict explains itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::blame::{self, Blame};
use super::super::library::rustls::client::WebPkiServerVerifier;
use super::super::library::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use super::super::library::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use super::super::library::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
};
use super::look_on;
use super::pinned::Pinned;

use super::super::{SpiffeId, SpiffePeer, spiffe};

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
    /// What else is wrong, once one looks on.
    pub(in crate::net) also: Vec<Error>,
    /// Whether the peer's signature in the handshake could not be verified, and had not to be.
    pub(in crate::net) unproven: bool,
    /// How long verifying took.
    pub(in crate::net) took: Option<Duration>,
}

/// Whose signatures are believed.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    /// What verifies where no trust domain says otherwise.
    all: Arc<WebPkiServerVerifier>,
    /// What verifies the workloads of each trust domain: an authority speaks for its own alone.
    domains: Option<Arc<Domains>>,
}

/// Verifiers by trust domain.
type Domains = BTreeMap<String, Arc<WebPkiServerVerifier>>;

impl Trust {
    pub(super) fn of_all(all: Arc<WebPkiServerVerifier>) -> Self {
        let domains = None;
        Self { all, domains }
    }

    /// `own` verifies those that say of no trust domain that it is theirs; `None` without one for it.
    pub(super) fn of_domains(domains: Domains, own: &str) -> Option<Self> {
        let all = domains.get(own)?.clone();
        let domains = Some(Arc::new(domains));
        Some(Self { all, domains })
    }

    /// Who may speak for a chain; errs where nobody may.
    fn of(
        &self,
        name: &str,
        chain: &[CertificateDer<'_>],
    ) -> Result<&Arc<WebPkiServerVerifier>, Blame> {
        let id = spiffe::id_of(chain).and_then(|id| id.parse::<SpiffeId>().ok());
        let (Some(domains), Some(id)) = (&self.domains, id) else {
            return Ok(&self.all);
        };
        domains
            .get(id.trust_domain())
            .ok_or_else(|| spiffe::foreign(name, &id))
    }
}

/// Verifies by the platform's rules and remembers what it saw.
#[derive(Debug)]
pub(in crate::net) struct Verifier {
    trust: Trust,
    pinned: Pinned,
    /// Goes on whatever the chain is like; what is wrong with it is kept all the same.
    insecure: bool,
    /// The workloads that are right; empty: whoever has the name.
    spiffe: Arc<[SpiffePeer]>,
    seen: Mutex<Seen>,
}

impl Verifier {
    pub(super) fn new(
        trust: Trust,
        pinned: Pinned,
        insecure: bool,
        spiffe: Arc<[SpiffePeer]>,
    ) -> Self {
        let seen = Mutex::default();
        Self {
            trust,
            pinned,
            insecure,
            spiffe,
            seen,
        }
    }

    /// The same rules for another handshake, of which nothing is known yet.
    pub(super) fn fresh(&self) -> Self {
        let (trust, pinned) = (self.trust.clone(), self.pinned.clone());
        Self::new(trust, pinned, self.insecure, self.spiffe.clone())
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

    /// Takes note of a signature in the handshake that is wrong.
    ///
    /// That is the end, also when insecure: the peer need not even have the key. But where nothing that is
    /// signed with such a key can be verified here, insecure goes on.
    fn note(
        &self,
        certificate: &CertificateDer<'_>,
        result: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Err(error) = result else { return result };
        let mut seen = self.lock();
        seen.error.get_or_insert_with(|| error.clone());
        if self.insecure && blame::is_beyond_us(certificate, &error) {
            seen.unproven = true;
            return Ok(HandshakeSignatureValid::assertion());
        }
        Err(error)
    }

    /// The verdict on a chain, with what netkit itself has to say of it.
    fn verdict(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Verdict {
        let called = name.to_str();
        let (leaf, rest) = (&chain[0], &chain[1..]);
        let inner = match self.trust.of(&called, chain) {
            Ok(inner) => inner,
            Err(blame) => return refused(blame),
        };
        let pinned = self.pinned.verify(leaf, name, now);
        let authority = pinned.is_none().then_some(&**inner);
        let result = match pinned {
            Some(verdict) => verdict.map(|()| ServerCertVerified::assertion()),
            None => inner.verify_server_cert(leaf, rest, name, ocsp, now),
        };
        if authority.is_some()
            && chain_is_right(&result)
            && let Some(blame) = blame::unlawful(&called, chain)
        {
            return refused(blame);
        }
        if !self.spiffe.is_empty() {
            return self.workload(&called, chain, result);
        }
        let first = result.as_ref().err();
        let also = first.map(|first| look_on::also(authority, chain, name, first));
        (result, None, also.unwrap_or_default())
    }
}

/// rustls looks at the name last: when that alone is wrong, the chain is right.
fn chain_is_right(result: &Result<ServerCertVerified, Error>) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext};
    matches!(
        result,
        Ok(_)
            | Err(Error::InvalidCertificate(
                NotValidForName | NotValidForNameContext { .. }
            ))
    )
}

impl Verifier {
    /// Puts the ID of a workload in the place of the name.
    fn workload(
        &self,
        name: &str,
        chain: &[CertificateDer<'_>],
        result: Result<ServerCertVerified, Error>,
    ) -> Verdict {
        if !chain_is_right(&result) {
            return (result, None, Vec::new());
        }
        match spiffe::check(name, chain, &self.spiffe) {
            Ok(_) => (Ok(ServerCertVerified::assertion()), None, Vec::new()),
            Err(blame) => refused(blame),
        }
    }
}

/// What is said of a chain; why, where it is netkit that says it; and what else is wrong.
type Verdict = (Result<ServerCertVerified, Error>, Option<Blame>, Vec<Error>);

/// A chain that netkit does not accept.
fn refused(blame: Blame) -> Verdict {
    let error = CertificateError::ApplicationVerificationFailure;
    (Err(error.into()), Some(blame), Vec::new())
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
        let chain = std::iter::once(end_entity).chain(intermediates);
        let chain: Vec<_> = chain.map(|one| one.clone().into_owned()).collect();
        let (result, blame, also) = self.verdict(&chain, server_name, ocsp_response, now);
        *self.lock() = Seen {
            chain,
            ocsp: !ocsp_response.is_empty(),
            error: result.as_ref().err().cloned(),
            blame,
            also,
            unproven: false,
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
        let result = self.trust.all.verify_tls12_signature(message, cert, dss);
        self.note(cert, result)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let result = self.trust.all.verify_tls13_signature(message, cert, dss);
        self.note(cert, result)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.all.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.trust.all.root_hint_subjects()
    }
}
