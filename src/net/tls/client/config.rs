//! From options to what rustls takes: versions, trust, protocols, our identity. Reads files.

use std::sync::Arc;

use super::super::library::provider;
use super::super::library::rustls::client::WebPkiServerVerifier;
use super::super::library::rustls::{ClientConfig, SupportedProtocolVersion, version};
use super::super::{Identity, TlsOptions, TlsVersion, roots};
use super::TlsClient;
use super::ask::Answer;
use super::pinned::Pinned;
use super::verify::Verifier;
use crate::failure::{Failure, Kind, Stage, Who};

/// A client with everything that its handshakes share.
pub(super) fn client(options: &TlsOptions) -> Result<TlsClient, Failure> {
    let versions = versions(options)?;
    let identity = options.identity.as_ref().map(Identity::read).transpose()?;
    let certified = identity.as_ref().map(Identity::certified);
    let (verifier, answer) = (
        Arc::new(verifier(options)?),
        Arc::new(Answer::new(certified)),
    );
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions)
        .map_err(|error| local(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_client_cert_resolver(answer.clone());
    config.enable_sni = options.sni;
    config.alpn_protocols = protocols(options.alpn.iter().map(String::as_str));
    let warnings = identity.iter().flat_map(Identity::warnings);
    Ok(TlsClient {
        config: Arc::new(config),
        verifier,
        answer,
        warnings: warnings.cloned().collect(),
        pem: options.keep_pem,
    })
}

fn verifier(options: &TlsOptions) -> Result<Verifier, Failure> {
    let (roots, pinned) = roots::read(&options.roots)?;
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| local(format!("the trusted roots cannot be used: {error}")))?;
    let (pinned, spiffe) = (Pinned::new(pinned), options.spiffe.clone().into());
    Ok(Verifier::new(inner, pinned, options.insecure, spiffe))
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
