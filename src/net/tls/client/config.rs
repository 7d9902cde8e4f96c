//! From options to what rustls takes: versions, trust, protocols, our identity. Reads files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::library::provider;
use super::super::library::rustls::client::WebPkiServerVerifier;
use super::super::library::rustls::pki_types::CertificateDer;
use super::super::library::rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion, version,
};
use super::super::{
    Identity, Part, Roots, TlsOptions, TlsVersion, Unprepared, WorkloadIdentity, roots,
};
use super::TlsClient;
use super::ask::Answer;
use super::pinned::Pinned;
use super::verify::{Trust, Verifier};
use crate::failure::{Failure, Kind, Stage, Who};

/// A client with everything that its handshakes share.
pub(super) fn client(
    options: &TlsOptions,
    workload: Option<&WorkloadIdentity>,
) -> Result<TlsClient, Unprepared> {
    let versions = versions(options)?;
    let files = options.identity.as_ref().map(Identity::read).transpose()?;
    let warnings = files.iter().flat_map(Identity::warnings);
    let warnings = warnings.cloned().collect();
    let identity = files
        .as_ref()
        .or_else(|| workload.map(WorkloadIdentity::identity));
    let verifier = verifier(options, workload);
    let (verifier, answer) = (
        Arc::new(verifier.map_err(|failure| Part::Authorities.is_wrong(failure))?),
        Arc::new(Answer::new(identity.map(Identity::certified))),
    );
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions)
        .map_err(|error| local(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_client_cert_resolver(answer.clone());
    config.enable_sni = options.sni;
    config.alpn_protocols = protocols(options.alpn.iter().map(String::as_str));
    Ok(TlsClient {
        config: Arc::new(config),
        verifier,
        answer,
        warnings,
        options: Arc::new(options.clone()),
        latest: Arc::default(),
    })
}

/// The rules and the identity of a workload, for a client that stands.
pub(super) fn of_workload(
    options: &TlsOptions,
    workload: &WorkloadIdentity,
) -> Result<(Arc<Verifier>, Arc<Answer>), Failure> {
    let certified = workload.identity().certified();
    Ok((
        Arc::new(verifier(options, Some(workload))?),
        Arc::new(Answer::new(Some(certified))),
    ))
}

fn verifier(
    options: &TlsOptions,
    workload: Option<&WorkloadIdentity>,
) -> Result<Verifier, Failure> {
    let (trust, pinned) = trust(&options.roots, workload)?;
    // A workload is who an authority says it is: no certificate of a bundle is trusted by itself.
    let pinned = if options.spiffe.is_empty() {
        Pinned::new(pinned)
    } else {
        Pinned::default()
    };
    let spiffe = options.spiffe.clone().into();
    Ok(Verifier::new(trust, pinned, options.insecure, spiffe))
}

/// Whom to trust, and the certificates that were named one by one.
fn trust(
    roots: &Roots,
    workload: Option<&WorkloadIdentity>,
) -> Result<(Trust, Vec<CertificateDer<'static>>), Failure> {
    match (roots, workload) {
        (Roots::Workload, Some(workload)) => {
            let mut domains = BTreeMap::new();
            for (domain, authorities) in workload.bundles() {
                let store = roots::of_bundle(domain, authorities)?;
                domains.insert(domain.clone(), webpki(store)?);
            }
            let own = workload.id().trust_domain().to_owned();
            Trust::of_domains(domains, &own)
                .map(|trust| (trust, Vec::new()))
                .ok_or_else(|| local(format!("there is no authority of {own}")))
        }
        (Roots::Workload, None) => {
            let what = "whom to trust is the word of the Workload API, and it was not asked";
            Err(local(what.to_owned()))
        }
        _ => {
            let (store, named) = roots::read(roots)?;
            Ok((Trust::of_all(webpki(store)?), named))
        }
    }
}

fn webpki(store: RootCertStore) -> Result<Arc<WebPkiServerVerifier>, Failure> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
        .build()
        .map_err(|error| local(format!("the trusted roots cannot be used: {error}")))
}

/// Names of protocols as ALPN sends them.
pub(super) fn protocols<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Vec<u8>> {
    names.map(|name| name.as_bytes().to_vec()).collect()
}

fn versions(options: &TlsOptions) -> Result<Vec<&'static SupportedProtocolVersion>, Failure> {
    let wanted = options.min_version..=options.max_version;
    let known = [
        (TlsVersion::Tls13, &version::TLS13),
        (TlsVersion::Tls12, &version::TLS12),
    ];
    let known = known
        .into_iter()
        .filter(|(version, _)| wanted.contains(version));
    let versions: Vec<_> = known.map(|(_, version)| version).collect();
    if versions.is_empty() {
        let (min, max) = (options.min_version.as_str(), options.max_version.as_str());
        let message = format!("no version of TLS is at least {min} and at most {max}");
        return Err(Failure::new(Stage::Local, Kind::Invalid, message).by(Who::Netkit));
    }
    Ok(versions)
}

fn local(message: String) -> Failure {
    Failure::new(Stage::Local, Kind::File, message).by(Who::OwnKernel)
}
