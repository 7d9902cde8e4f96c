//! What a certificate says (X.509, RFC 5280): the only file that imports x509-parser.
//!
//! It reads and compares; whether a certificate is to be trusted is decided elsewhere. Whatever the
//! peer wrote into its certificate comes out as text, unescaped: the output is careful with it.

use std::fmt::Write as _;
use std::net::IpAddr;

use data_encoding::{BASE64, HEXLOWER};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::{GeneralName, KeyUsage};
use x509_parser::oid_registry::{Oid, OidEntry, OidRegistry};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

use super::facts::fingerprint;
use super::handshake::Certificate;
use super::library::rustls::pki_types::CertificateDer;

/// A day of validity, in seconds.
const DAY: i64 = 86_400;
/// Characters of base64 in a line of PEM (RFC 7468 §2).
const PEM_LINE: usize = 64;

/// What can be said of a certificate at `now` (seconds of the Unix clock); `pem` adds the whole.
pub(super) fn describe(der: &[u8], now: i64, pem: bool) -> Certificate {
    let mut certificate = match parse(der) {
        Some(parsed) => read(&parsed, now),
        None => Certificate::default(),
    };
    certificate.sha256 = fingerprint(der);
    certificate.pem = pem.then(|| to_pem(der));
    certificate
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der)
        .ok()
        .map(|(_, parsed)| parsed)
}

/// Certificates that stand one after the other; `None` when anything among them is none.
pub(super) fn split(mut der: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let mut certificates = Vec::new();
    while !der.is_empty() {
        let (rest, _) = X509Certificate::from_der(der).ok()?;
        let one = &der[..der.len() - rest.len()];
        certificates.push(CertificateDer::from(one.to_vec()));
        der = rest;
    }
    Some(certificates)
}

fn read(parsed: &X509Certificate<'_>, now: i64) -> Certificate {
    let (begins, ends) = (parsed.validity().not_before, parsed.validity().not_after);
    Certificate {
        subject: Some(name(parsed.subject())),
        issuer: Some(name(parsed.issuer())),
        names: names(parsed),
        key: Some(key(parsed.public_key())),
        signature: Some(algorithm(&parsed.signature_algorithm.algorithm)),
        serial: Some(HEXLOWER.encode(parsed.raw_serial())),
        sha256: String::new(),
        not_before: Some(moment(begins)),
        not_after: Some(moment(ends)),
        days_left: Some((ends.timestamp() - now).div_euclid(DAY)),
        is_ca: Some(parsed.is_ca()),
        pem: None,
    }
}

/// A distinguished name as one line; an empty one has no words.
fn name(name: &X509Name<'_>) -> String {
    name.to_string()
}

/// A distinguished name by itself, as a server lists its authorities.
pub(super) fn distinguished_name(der: &[u8]) -> Option<String> {
    X509Name::from_der(der)
        .ok()
        .map(|(_, parsed)| name(&parsed))
}

/// The subject alternative names, each as people write it; other kinds with their kind in front.
fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = parsed.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names.map(alternative).collect()
}

fn alternative(name: &GeneralName<'_>) -> String {
    match name {
        // A name that looks like an address is none: it says nothing of that address (RFC 6125).
        GeneralName::DNSName(text) if text.parse::<IpAddr>().is_ok() => format!("DNS:{text}"),
        GeneralName::DNSName(text) | GeneralName::URI(text) => (*text).to_owned(),
        GeneralName::IPAddress(bytes) => address(bytes),
        GeneralName::RFC822Name(text) => format!("email:{text}"),
        GeneralName::DirectoryName(name) => format!("directory:{name}"),
        other => format!("{other:?}")
            .split(['(', ' '])
            .next()
            .map_or_else(String::new, |kind| format!("other:{kind}")),
    }
}

fn address(bytes: &[u8]) -> String {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return IpAddr::from(v4).to_string();
    }
    match <[u8; 16]>::try_from(bytes) {
        Ok(v6) => IpAddr::from(v6).to_string(),
        Err(_) => format!("address:{}", HEXLOWER.encode(bytes)),
    }
}

/// The kind and the size of a key: `RSA 2048`, `ECDSA P-256`, `Ed25519`.
fn key(info: &SubjectPublicKeyInfo<'_>) -> String {
    let curve = info.algorithm.parameters.as_ref();
    let curve = curve.and_then(|any| any.as_oid().ok());
    match (info.parsed(), curve) {
        (Ok(PublicKey::RSA(rsa)), _) => format!("RSA {}", rsa.key_size()),
        (Ok(PublicKey::EC(_)), Some(curve)) => format!("ECDSA {}", curve_name(&curve)),
        _ => algorithm(&info.algorithm.algorithm),
    }
}

/// The bits of the modulus, if it is an RSA key.
pub(super) fn rsa_bits(der: &[u8]) -> Option<usize> {
    match parse(der)?.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => Some(rsa.key_size()),
        _ => None,
    }
}

fn curve_name(curve: &Oid<'_>) -> String {
    match curve.to_id_string().as_str() {
        "1.2.840.10045.3.1.7" => "P-256".to_owned(),
        "1.3.132.0.34" => "P-384".to_owned(),
        "1.3.132.0.35" => "P-521".to_owned(),
        _ => algorithm(curve),
    }
}

/// The short name of an algorithm, or its number.
fn algorithm(oid: &Oid<'_>) -> String {
    match oid.to_id_string().as_str() {
        "1.3.101.112" => "Ed25519".to_owned(),
        "1.3.101.113" => "Ed448".to_owned(),
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1".to_owned(),
        number => {
            let registry = OidRegistry::default().with_crypto().with_x509();
            let known = registry.get(oid).map(OidEntry::sn);
            known.unwrap_or(number).to_owned()
        }
    }
}

/// RFC 3339, UTC, seconds.
fn moment(time: ASN1Time) -> String {
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn to_pem(der: &[u8]) -> String {
    let base64 = BASE64.encode(der);
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in base64.as_bytes().chunks(PEM_LINE) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", String::from_utf8_lossy(line));
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// The period in which a certificate is valid, in seconds of the Unix clock.
pub(super) fn validity(der: &[u8]) -> Option<(i64, i64)> {
    let parsed = parse(der)?;
    let validity = parsed.validity();
    Some((
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    ))
}

/// How two certificates of a chain stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The one names the other as its issuer, and the signature is right.
    Signed,
    /// It names it, and the signature is not by its key.
    Forged,
    /// It names somebody else.
    Stranger,
}

/// Whether `issuer` signed `subject`; both may be the same.
pub(super) fn link(subject: &[u8], issuer: &[u8]) -> Link {
    let (Some(subject), Some(issuer)) = (parse(subject), parse(issuer)) else {
        return Link::Stranger;
    };
    if subject.issuer().as_raw() != issuer.subject().as_raw() {
        return Link::Stranger;
    }
    match subject.verify_signature(Some(issuer.public_key())) {
        // Nothing is known of a signature that cannot be computed.
        Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm) => Link::Signed,
        Err(_) => Link::Forged,
    }
}

/// Whether it says of itself that it is an authority's (CA:TRUE).
pub(super) fn is_authority(der: &[u8]) -> bool {
    parse(der).is_some_and(|parsed| parsed.is_ca())
}

/// Whether its key may sign certificates, as far as its key usage says (RFC 5280 §4.2.1.3).
pub(super) fn may_sign_certificates(der: &[u8]) -> bool {
    let usage = parse(der).and_then(|parsed| {
        let usage = parsed.key_usage().ok().flatten();
        usage.map(|extension| extension.value.key_cert_sign())
    });
    usage.unwrap_or(true)
}

/// What matters of a certificate that says who a workload is (SPIFFE X.509-SVID).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Svid {
    /// Every name that is a URI.
    pub(super) uris: Vec<String>,
    /// Whether it may sign others.
    pub(super) is_ca: bool,
    /// Whether its key may sign certificates or lists of revoked ones.
    pub(super) signs_certificates: bool,
    /// Whether its key may sign at all, as its key usage says; `None` where it has none.
    pub(super) signs: Option<bool>,
}

/// Reads what matters to SPIFFE; `None` when it is no certificate.
pub(super) fn svid(der: &[u8]) -> Option<Svid> {
    let parsed = parse(der)?;
    let usage = parsed.key_usage().ok().flatten();
    let usage = usage.map(|extension| extension.value);
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let names = alternative
        .iter()
        .flat_map(|extension| &extension.value.general_names);
    let uris = names.filter_map(|name| match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    });
    Some(Svid {
        uris: uris.collect(),
        is_ca: parsed.is_ca(),
        signs_certificates: usage.is_some_and(|usage| usage.key_cert_sign() || usage.crl_sign()),
        signs: usage.map(KeyUsage::digital_signature),
    })
}
