//! A server's own certificate, given as one to trust: it needs no authority, only the right name
//! and time.
//!
//! Separate because web PKI knows nothing of it: there the certificate that `openssl req -x509`
//! makes, which calls itself an authority, may not be a server's at all.

use super::super::certificate;
use super::super::library::rustls::client::verify_server_name;
use super::super::library::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use super::super::library::rustls::server::ParsedCertificate;
use super::super::library::rustls::{CertificateError, Error};

/// The certificates that were trusted one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Pinned(Vec<CertificateDer<'static>>);

impl Pinned {
    /// The certificates of a file; the system's roots are no server's own.
    pub(super) fn new(certificates: Vec<CertificateDer<'static>>) -> Self {
        Self(certificates)
    }

    /// The verdict on a certificate that is among them; `None` if it is not.
    pub(super) fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<Result<(), Error>> {
        self.0
            .contains(certificate)
            .then(|| in_time(certificate, now).and_then(|()| named(certificate, name)))
    }
}

fn in_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    match certificate::validity(certificate) {
        None => Err(CertificateError::BadEncoding.into()),
        Some((begins, _)) if now < begins => Err(CertificateError::NotValidYet.into()),
        Some((_, ends)) if now > ends => Err(CertificateError::Expired.into()),
        Some(_) => Ok(()),
    }
}

fn named(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
}
