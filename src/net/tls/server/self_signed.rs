//! A throw-away authority and a certificate by it, for servers that only need to speak TLS.
//!
//! The only file that names rcgen. Keys live in memory and end with the process.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::super::Identity;
use super::super::library::rustls::pki_types::PrivateKeyDer;
use super::local;
use crate::failure::Failure;

/// Makes a certificate for these names and addresses, and the authority (PEM) that clients trust to
/// accept it.
pub(super) fn make(names: &[String]) -> Result<(Identity, String), Failure> {
    generate(names).map_err(|error| local(format!("no certificate could be made: {error}")))
}

fn generate(names: &[String]) -> Result<(Identity, String), Box<dyn std::error::Error>> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    authority.distinguished_name = named("netkit throw-away CA");
    let certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(names.to_vec())?;
    leaf.distinguished_name = named(names.first().map_or("netkit", String::as_str));
    let leaf = leaf.signed_by(&key, &issuer)?;
    let der = PrivateKeyDer::try_from(key.serialize_der())?;
    let identity = Identity::new(vec![leaf.der().clone()], der)?;
    Ok((identity, certificate.pem()))
}

fn named(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "netkit");
    subject.push(DnType::CommonName, name);
    subject
}
