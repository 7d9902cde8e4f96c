//! What a TLS handshake is asked to be, and what it turned out to be: plain values.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::SpiffePeer;
use crate::time::Millis;

/// Whom to trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// The system's trust store (`SSL_CERT_FILE` and `SSL_CERT_DIR` apply), read when the first
    /// handshake needs it.
    #[default]
    Platform,
    /// The certificates (PEM) of a file, or of every file in a folder, and no others.
    Path(PathBuf),
    /// The authorities that the Workload API (SPIFFE) sends, each for the workloads of its own trust
    /// domain.
    Workload,
}

/// A version of TLS that is still safe to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    #[serde(rename = "1.3")]
    Tls13,
}

impl TlsVersion {
    /// The number alone.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// Where our own certificate and its key are (PEM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The own certificate, then those above it.
    pub certificate: PathBuf,
    /// Its key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// Everything that shapes a handshake apart from the peer's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Whom to trust. The system's roots.
    pub roots: Roots,
    /// What we prove who we are by, to a peer that asks. Nothing.
    pub identity: Option<IdentityFiles>,
    /// Protocols to offer, the preferred first (ALPN, RFC 7301). None.
    pub alpn: Vec<String>,
    /// Whether to tell the server which name is wanted (SNI, RFC 6066 §3); never for an address.
    /// Yes.
    pub sni: bool,
    /// Goes on whatever the peer's chain is like; it is verified, and reported, all the same. No.
    pub insecure: bool,
    /// The workloads that the peer may be, by the ID in its certificate; names of hosts do not count
    /// then. Empty: whoever has the name.
    pub spiffe: Vec<SpiffePeer>,
    /// Keeps the peer's certificates as a whole (PEM) for the report. No.
    pub keep_pem: bool,
    /// The oldest version to accept. 1.2.
    pub min_version: TlsVersion,
    /// The newest version to offer. 1.3.
    pub max_version: TlsVersion,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            roots: Roots::default(),
            identity: None,
            alpn: Vec::new(),
            sni: true,
            insecure: false,
            spiffe: Vec::new(),
            keep_pem: false,
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
        }
    }
}

/// What a handshake came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsFacts {
    /// The version agreed on; `null` when the peer chose one without a name.
    pub version: Option<TlsVersion>,
    /// The cipher suite by its IANA name; `null` over QUIC, whose library does not tell.
    pub suite: Option<String>,
    /// The group of the key exchange; `null` when a session was resumed without one, and over QUIC.
    pub group: Option<String>,
    /// The protocol agreed on by ALPN; `null` when there is none.
    pub alpn: Option<String>,
    /// The name or address that the certificate was verified for.
    pub peer_name: String,
    /// SHA-256 of the peer's own certificate (DER), in hex.
    pub fingerprint_sha256: Option<String>,
    /// How many certificates the peer sent.
    pub certificates: u64,
    /// Whether an earlier session was resumed; `null` over QUIC.
    pub resumed: Option<bool>,
    /// From the first byte of the handshake to the last.
    pub handshake_ms: Millis,
}
