//! What else is wrong with a chain: web PKI stops at the first fault, and whoever mends that one would
//! like to know of the next.

use std::time::Duration;

use super::super::certificate;
use super::super::library::rustls::client::danger::ServerCertVerifier;
use super::super::library::rustls::client::{WebPkiServerVerifier, verify_server_name};
use super::super::library::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use super::super::library::rustls::server::ParsedCertificate;
use super::super::library::rustls::{CertificateError, Error};

/// The faults behind the first one: the chain at a time at which it is valid, if it is not now; then the
/// name by itself. `verifier` is `None` where no authority has to vouch for the certificate.
pub(super) fn also(
    verifier: Option<&WebPkiServerVerifier>,
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    first: &Error,
) -> Vec<Error> {
    let Some((leaf, rest)) = chain.split_first() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(verifier) = verifier
        && is_untimely(first)
        && let Some(then) = common_time(chain)
    {
        let again = verifier.verify_server_cert(leaf, rest, name, &[], then);
        found.extend(again.err());
    }
    if !is_about_the_name(first) && !found.iter().any(is_about_the_name) {
        let named = ParsedCertificate::try_from(leaf);
        // One that cannot be parsed has no name that could be wrong.
        found.extend(
            named
                .ok()
                .and_then(|leaf| verify_server_name(&leaf, name).err()),
        );
    }
    found
}

fn is_untimely(error: &Error) -> bool {
    use CertificateError as C;
    matches!(
        error,
        Error::InvalidCertificate(
            C::Expired | C::ExpiredContext { .. } | C::NotValidYet | C::NotValidYetContext { .. }
        )
    )
}

fn is_about_the_name(error: &Error) -> bool {
    use CertificateError as C;
    matches!(
        error,
        Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. })
    )
}

/// The first moment at which all certificates are valid; `None` if there is none.
fn common_time(chain: &[CertificateDer<'_>]) -> Option<UnixTime> {
    let periods: Option<Vec<_>> = chain.iter().map(|der| certificate::validity(der)).collect();
    let periods = periods?;
    let begins = periods.iter().map(|(begins, _)| *begins).max()?;
    let ends = periods.iter().map(|(_, ends)| *ends).min()?;
    let seconds = u64::try_from(begins).ok()?;
    (begins <= ends).then(|| UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}
