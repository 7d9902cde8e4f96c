//! Certificates and keys in files (PEM, RFC 7468): reading them, and saying what is wrong with them.
//!
//! What was read of a key never comes out again: not in a message, not in `Debug`.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::blame::rule;
use super::library::provider;
use super::library::rustls::pki_types::pem::{Error as PemError, PemObject};
use super::library::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use super::library::rustls::sign::CertifiedKey;
use super::library::rustls::{Error, InconsistentKeys};
use super::{IdentityFiles, Part, Unprepared};
use crate::failure::{Failure, Kind, Stage, Who};

/// The certificates of a file, in its order.
///
/// Errs (stage `local`, kind `file` or `permission`) when it cannot be read or has none.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let iter = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(path, &error))?;
    let certificates: Vec<_> = iter
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(path, &error))?;
    if certificates.is_empty() {
        return Err(file(path, "no certificate in it (PEM)"));
    }
    Ok(certificates)
}

/// The certificates of a file, or of all files of a folder.
pub(super) fn certificates_below(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    if !path.is_dir() {
        return certificates(path);
    }
    let unlisted = |error: std::io::Error| unreadable(path, &PemError::Io(error));
    let mut found = Vec::new();
    for entry in path.read_dir().map_err(unlisted)? {
        let entry = entry.map_err(unlisted)?;
        // Keys and lists of a folder are not its certificates.
        let file = CertificateDer::pem_file_iter(entry.path())
            .into_iter()
            .flatten();
        found.extend(file.filter_map(Result::ok));
    }
    Ok(found)
}

/// A certificate with its chain, and the key that belongs to it: what one side proves who it is by.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    /// What is worth telling about the files, such as a key that others can read.
    warnings: Vec<String>,
}

impl Identity {
    /// Reads the chain and the key.
    ///
    /// Errs (stage `local`) when a file cannot be read, has not what it should (kind `file`), or
    /// when the key belongs to another certificate (kind `invalid`). Blocks on files.
    pub fn read(files: &IdentityFiles) -> Result<Self, Unprepared> {
        let (certificate, key) = (files.certificate.as_path(), files.key.as_path());
        let chain =
            certificates(certificate).map_err(|failure| Part::Certificate.is_wrong(failure))?;
        let der = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| Part::Key.is_wrong(no_key(key, &error)))?;
        let mut identity =
            Self::new(chain, der).map_err(|error| unusable(certificate, key, &error))?;
        identity.warnings.extend(warning_of_readable_key(key));
        Ok(identity)
    }

    /// Puts a chain and a key together.
    pub(super) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, Error> {
        let certified = CertifiedKey::from_der(chain, key, &provider())?;
        Ok(Self {
            certified: Arc::new(certified),
            warnings: Vec::new(),
        })
    }

    /// What is worth telling about the files.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The chain and the key as rustls takes them.
    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.certified.cert.len())
            .finish_non_exhaustive()
    }
}

fn file(path: &Path, what: &str) -> Failure {
    let message = format!("{}: {what}", path.display());
    Failure::new(Stage::Local, Kind::File, message).by(Who::OwnKernel)
}

/// A file that cannot be read, or whose PEM is broken.
fn unreadable(path: &Path, error: &PemError) -> Failure {
    match error {
        PemError::Io(error) => {
            let mut failure = file(path, &error.to_string()).with_errno(error);
            if error.kind() == std::io::ErrorKind::PermissionDenied {
                failure.kind = Kind::Permission;
            }
            failure
        }
        // The error of a broken section may quote it, and the section may be a key.
        _ => file(path, "not PEM that can be read"),
    }
}

fn no_key(path: &Path, error: &PemError) -> Failure {
    match error {
        PemError::Io(_) => unreadable(path, error),
        _ if is_encrypted(path) => file(path, "the key is encrypted")
            .hint("decrypt it first: `openssl pkey -in KEY -out PLAIN`, for your eyes only"),
        PemError::NoItemsFound => file(path, "no private key in it (PEM: PKCS#8, PKCS#1 or SEC1)"),
        other => unreadable(path, other),
    }
}

fn is_encrypted(path: &Path) -> bool {
    // RFC 7468 §11, and the older form of OpenSSL, which says so in a header.
    let marks = |text: String| text.contains("ENCRYPTED");
    fs::read_to_string(path).is_ok_and(marks)
}

/// A certificate and a key that do not make an identity.
fn unusable(certificate: &Path, key: &Path, error: &Error) -> Failure {
    let (certificate, key) = (certificate.display(), key.display());
    if *error == Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
        let message =
            format!("the key in {key} does not belong to the first certificate in {certificate}");
        return Failure::new(Stage::Local, Kind::Invalid, message)
            .by(Who::Netkit)
            .hint("name the key that the certificate was made for, and the file that begins with that certificate");
    }
    let message = match error {
        Error::InvalidCertificate(why) => match rule(why) {
            Some((_, words)) => format!("the first certificate in {certificate} {words}"),
            None => format!("the first certificate in {certificate} cannot be used: {why}"),
        },
        Error::General(_) => format!(
            "the key in {key} is of a kind that cannot be used: RSA of 2048 to 8192 bits, ECDSA P-256 or \
             P-384, and Ed25519 can"
        ),
        other => format!("the key in {key} cannot be used: {other}"),
    };
    Failure::new(Stage::Local, Kind::Invalid, message).by(Who::Netkit)
}

/// A word to whoever leaves a private key where every user of the machine can read it.
fn warning_of_readable_key(path: &Path) -> Option<String> {
    /// Read or write for others; a group may well be meant to read (Debian's `ssl-cert`).
    const OTHERS: u32 = 0o006;
    let mode = fs::metadata(path).ok()?.permissions().mode();
    (mode & OTHERS != 0).then(|| {
        let (path, mode) = (path.display(), mode & 0o777);
        format!("the key file {path} is open to every user of this machine (mode {mode:03o}); chmod 600 closes it")
    })
}
