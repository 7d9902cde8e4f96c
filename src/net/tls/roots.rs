//! Whom to trust: the system's store, or the certificates of a file or folder.

use super::Roots;
use super::library::load_native_certs;
use super::library::rustls::RootCertStore;
use super::pem;
use crate::failure::{Failure, Kind, Stage, Who};

/// Reads the trusted certificates.
///
/// Errs (stage `local`, kind `file`) when they cannot be read or there are none. Blocks on files.
pub(super) fn read(roots: &Roots) -> Result<RootCertStore, Failure> {
    let certificates = match roots {
        Roots::Platform => load_native_certs().certs,
        Roots::Path(path) => pem::certificates_below(path)?,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates);
    if added > 0 {
        return Ok(store);
    }
    Err(match roots {
        Roots::Platform => local("this machine has no trusted roots".to_owned())
            .hint("install the ca-certificates, or name a file with --ca"),
        Roots::Path(path) => local(format!("{}: no certificate in it (PEM)", path.display())),
    })
}

fn local(message: String) -> Failure {
    Failure::new(Stage::Local, Kind::File, message).by(Who::OwnKernel)
}
