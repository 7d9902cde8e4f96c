//! What a server's side of TLS is asked to be, and what a handshake told of the client: plain values.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{IdentityFiles, TlsVersion};
use crate::time::Millis;

/// Everything that shapes the handshakes of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsServerOptions {
    /// What it proves who it is by; `None` makes up a certificate for `names`, and an authority.
    pub identity: Option<IdentityFiles>,
    /// The names and addresses that a certificate is made up for.
    pub names: Vec<String>,
    /// The authorities (PEM) whose clients are believed. Default: no client is asked who it is.
    pub client_ca: Option<PathBuf>,
    /// Whether a client without a certificate is refused.
    pub require_client_cert: bool,
    /// The SPIFFE IDs of which a client must have one. Default: any client.
    pub allow_spiffe_ids: Vec<String>,
    /// Protocols it speaks, the preferred first (ALPN, RFC 7301). None.
    pub alpn: Vec<String>,
    /// The oldest version it speaks. 1.2.
    pub min_version: TlsVersion,
    /// The newest version it speaks. 1.3.
    pub max_version: TlsVersion,
}

/// What a handshake told of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsAccepted {
    /// The version agreed on.
    pub version: Option<TlsVersion>,
    /// The cipher suite by its IANA name.
    pub suite: Option<String>,
    /// The group of the key exchange; `null` when a session was resumed without one.
    pub group: Option<String>,
    /// The protocol agreed on by ALPN; `null` when there is none.
    pub alpn: Option<String>,
    /// The name that the client wanted (SNI); `null` if it did not say.
    pub sni: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: Option<bool>,
    /// SHA-256 of the client's own certificate (DER), in hex; `null` if it showed none.
    pub client_fingerprint_sha256: Option<String>,
    /// The SPIFFE ID in that certificate; `null` if there is none.
    pub client_spiffe_id: Option<String>,
    /// From the client's first byte to the end of the handshake.
    pub handshake_ms: Millis,
}
