//! Whose clients are believed: those of the authorities of a file, or of the trust domains of SPIFFE.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::library::provider;
use super::super::library::rustls::client::danger::HandshakeSignatureValid;
use super::super::library::rustls::pki_types::{CertificateDer, UnixTime};
use super::super::library::rustls::server::WebPkiClientVerifier;
use super::super::library::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use super::super::library::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use super::super::serving::TlsServerOptions;
use super::super::{Roots, WorkloadIdentity, blame, roots, spiffe};
use super::local;
use crate::failure::Failure;

/// What verifies clients; `None` asks none who it is.
pub(super) fn verifier(
    options: &TlsServerOptions,
    workload: Option<&WorkloadIdentity>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, Failure> {
    let mut clients = match (&options.client_ca, workload) {
        (Some(path), _) => {
            let store = roots::read(&Roots::Path(path.clone()))?.0;
            of_authorities(webpki(store, options.require_client_cert)?)
        }
        (None, Some(workload)) => of_domains(workload, options.require_client_cert)?,
        (None, None) => return Ok(None),
    };
    clients.allowed.clone_from(&options.allow_spiffe_ids);
    Ok(Some(Arc::new(clients)))
}

fn of_authorities(any: Arc<dyn ClientCertVerifier>) -> Clients {
    Clients {
        domains: None,
        hints: any.root_hint_subjects().to_vec(),
        any,
        allowed: Vec::new(),
    }
}

fn webpki(store: RootCertStore, required: bool) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider());
    let verifier = if required {
        verifier
    } else {
        verifier.allow_unauthenticated()
    };
    let built = verifier.build();
    built.map_err(|error| local(format!("TLS cannot be set up: {error}")))
}

fn of_domains(workload: &WorkloadIdentity, required: bool) -> Result<Clients, Failure> {
    let mut domains = BTreeMap::new();
    for (domain, authorities) in workload.bundles() {
        let store = roots::of_bundle(domain, authorities)?;
        domains.insert(domain.clone(), webpki(store, required)?);
    }
    let own = workload.id().trust_domain();
    let any = domains.get(own).cloned();
    let any = any.ok_or_else(|| local(format!("there is no authority of {own}")))?;
    let hints = domains.values().flat_map(|one| one.root_hint_subjects());
    let hints = hints.cloned().collect();
    Ok(Clients {
        domains: Some(domains),
        any,
        hints,
        allowed: Vec::new(),
    })
}

/// Verifies clients during the handshake, so that those who are refused are told by an alert.
#[derive(Debug)]
struct Clients {
    /// Where set, each client by the authorities of its own trust domain, which speak for no other.
    domains: Option<BTreeMap<String, Arc<dyn ClientCertVerifier>>>,
    /// One of them, for what is the same with all; or the only one.
    any: Arc<dyn ClientCertVerifier>,
    hints: Vec<DistinguishedName>,
    /// Who may come in; all, if it names none.
    allowed: Vec<String>,
}

impl Clients {
    /// Who verifies this client.
    fn responsible(&self, leaf: &CertificateDer<'_>) -> Result<&dyn ClientCertVerifier, Error> {
        let Some(domains) = &self.domains else {
            return Ok(&*self.any);
        };
        let id = spiffe::id_by_the_rules("the client", std::slice::from_ref(leaf));
        let id = id.map_err(|blame| refused(blame.reason))?;
        let domain = domains.get(id.trust_domain());
        let domain = domain.ok_or_else(|| refused(spiffe::foreign("the client", &id).reason))?;
        Ok(&**domain)
    }
}

/// Why a client whose certificate is in order may not come in, as what follows its name.
#[derive(Debug)]
struct Denied(String);

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the client {}", self.0)
    }
}

impl std::error::Error for Denied {}

/// Whether a client may come in: `certificates` are what it showed, and are in order.
pub(super) fn may_enter(
    allowed: &[String],
    certificates: &[CertificateDer<'_>],
) -> Result<(), String> {
    let id = spiffe::id_of(certificates);
    if allowed.is_empty() || id.as_ref().is_some_and(|id| allowed.contains(id)) {
        return Ok(());
    }
    let who = match id {
        Some(id) => format!("is {id}"),
        None if certificates.is_empty() => "showed no certificate".to_owned(),
        None => "has no SPIFFE ID".to_owned(),
    };
    Err(format!("{who}, which is not {}", allowed.join(" or ")))
}

/// Why [`may_enter`] has ended a handshake, if it has.
pub(super) fn denied(error: &Error) -> Option<&str> {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else {
        return None;
    };
    let Denied(why) = other.0.downcast_ref()?;
    Some(why)
}

/// Why a client's certificate is that of no workload, in words.
#[derive(Debug)]
struct NoWorkload(String);

impl std::fmt::Display for NoWorkload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoWorkload {}

fn refused(why: String) -> Error {
    let why = OtherError(Arc::new(NoWorkload(why)));
    CertificateError::Other(why).into()
}

impl ClientCertVerifier for Clients {
    fn offer_client_auth(&self) -> bool {
        self.any.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.any.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let responsible = self.responsible(end_entity)?;
        let verified = responsible.verify_client_cert(end_entity, intermediates, now)?;
        let chain = std::iter::once(end_entity).chain(intermediates);
        let chain: Vec<_> = chain.cloned().collect();
        if let Some(blame) = blame::unlawful("the client", &chain) {
            return Err(refused(blame.reason));
        }
        match may_enter(&self.allowed, std::slice::from_ref(end_entity)) {
            Ok(()) => Ok(verified),
            Err(why) => Err(CertificateError::Other(OtherError(Arc::new(Denied(why)))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.any.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.any.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.any.supported_verify_schemes()
    }
}
