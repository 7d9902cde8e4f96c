//! Whom to trust: the system's store, or the certificates of a file or folder.

use super::Roots;
use super::library::load_native_certs;
use super::library::rustls::RootCertStore;
use super::library::rustls::pki_types::CertificateDer;
use super::pem;
use crate::failure::{Failure, Kind, Stage, Who};

/// Reads the trusted certificates; those that were named one by one are returned beside the store.
///
/// Errs (stage `local`, kind `file`) when they cannot be read or there are none. Blocks on files.
pub(super) fn read(
    roots: &Roots,
) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), Failure> {
    let certificates = match roots {
        Roots::Platform => load_native_certs().certs,
        Roots::Path(path) => pem::certificates_below(path)?,
        Roots::Workload => Vec::new(),
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates.iter().cloned());
    if added > 0 {
        let named = match roots {
            Roots::Path(_) => certificates,
            Roots::Platform | Roots::Workload => Vec::new(),
        };
        return Ok((store, named));
    }
    Err(match roots {
        Roots::Platform => local("this machine has no trusted roots".to_owned())
            .hint("install the ca-certificates, or name a file with --ca"),
        Roots::Path(path) => local(format!("{}: no certificate in it (PEM)", path.display())),
        Roots::Workload => local("the Workload API was not asked whom to trust".to_owned()),
    })
}

/// The authorities of one trust domain. Errs when none of them can be used.
pub(super) fn of_bundle(
    domain: &str,
    authorities: &[CertificateDer<'static>],
) -> Result<RootCertStore, Failure> {
    let mut store = RootCertStore::empty();
    match store.add_parsable_certificates(authorities.iter().cloned()) {
        (0, _) => Err(local(format!("no authority of {domain} can be used"))),
        _ => Ok(store),
    }
}

fn local(message: String) -> Failure {
    Failure::new(Stage::Local, Kind::File, message).by(Who::OwnKernel)
}
