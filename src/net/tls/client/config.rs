//! From options to what rustls takes: versions, trust, protocols. Reads files.

use std::sync::Arc;

use super::super::library::provider;
use super::super::library::rustls::client::WebPkiServerVerifier;
use super::super::library::rustls::sign::SingleCertAndKey;
use super::super::library::rustls::{ClientConfig, SupportedProtocolVersion, version};
use super::super::{Identity, TlsOptions, TlsVersion, roots};
use crate::failure::{Failure, Kind, Stage, Who};

/// Everything that handshakes share, and the verifier in it.
pub(super) fn build(
    options: &TlsOptions,
) -> Result<(ClientConfig, Arc<WebPkiServerVerifier>), Failure> {
    let roots = Arc::new(roots::read(&options.roots)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|error| local(format!("the trusted roots cannot be used: {error}")))?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions(options)?)
        .map_err(|error| local(format!("TLS cannot be set up: {error}")))?;
    let builder = builder.with_webpki_verifier(verifier.clone());
    let mut config = match &options.identity {
        Some(files) => {
            let certified = Identity::read(files)?.certified();
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = options.sni;
    config.alpn_protocols = protocols(options.alpn.iter().map(String::as_str));
    Ok((config, verifier))
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
