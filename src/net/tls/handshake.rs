//! What a handshake was found to be, in full: the group `tls` of a report.
//!
//! Plain values; what is not known is `None`, and `null` in JSON.

use serde::{Deserialize, Serialize};

use super::TlsVersion;
use crate::failure::{Failure, Kind};
use crate::time::Millis;

/// Everything that was learned of a handshake, whether or not it came to its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Handshake {
    /// What the certificate was verified for: a name, an address, or the SPIFFE IDs wanted.
    pub peer_name: String,
    /// The name that the server was told is wanted (SNI); `null` when none was sent.
    pub sni: Option<String>,
    /// The protocol whose own words asked for TLS; `null` when TLS came first.
    pub starttls: Option<String>,
    /// The version agreed on.
    pub version: Option<TlsVersion>,
    /// The cipher suite by its IANA name.
    pub suite: Option<String>,
    /// The group of the key exchange; `null` when a session was resumed without one.
    pub group: Option<String>,
    /// The protocol agreed on by ALPN.
    pub alpn: Option<String>,
    /// How the handshake went.
    pub kind: Option<HandshakeKind>,
    /// The dialogue before the handshake (STARTTLS); `null` without one.
    pub starttls_ms: Option<Millis>,
    /// From our first byte of TLS to the peer's first.
    pub first_reply_ms: Option<Millis>,
    /// How long it took to verify the chain, which is part of the handshake.
    pub verify_ms: Option<Millis>,
    /// The whole handshake; `null` when it did not come to its end.
    pub handshake_ms: Option<Millis>,
    /// Whether the server sent an OCSP response with its certificate; `null` when it sent none.
    pub ocsp_stapled: Option<bool>,
    /// What came of verifying the chain; `null` when no chain came.
    pub verification: Option<Verification>,
    /// Whether the peer asked who we are.
    pub client_auth: ClientAuth,
    /// The SPIFFE ID of the peer, if its certificate has exactly one.
    pub spiffe_id: Option<String>,
    /// The certificates that the peer sent, its own first.
    pub chain: Vec<Certificate>,
    /// The second handshake, where one was asked for.
    pub resumption: Option<Resumption>,
}

impl Handshake {
    /// Days until the first certificate of the chain runs out; `None` without a chain.
    #[must_use]
    pub fn days_left(&self) -> Option<i64> {
        self.chain.iter().filter_map(|one| one.days_left).min()
    }
}

/// How a handshake went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HandshakeKind {
    /// Certificates and a key exchange.
    Full,
    /// The same, after the server asked for another group (RFC 8446 §4.1.4): one round trip more.
    HelloRetry,
    /// An earlier session went on.
    Resumed,
}

impl HandshakeKind {
    /// Whether an earlier session went on.
    #[must_use]
    pub fn is_resumed(self) -> bool {
        self == Self::Resumed
    }

    /// In words.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::HelloRetry => "full, after a hello retry",
            Self::Resumed => "resumed",
        }
    }
}

/// What came of verifying a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verification {
    /// Whether the chain and the name are right.
    pub ok: bool,
    /// The kind of failure that it is.
    pub kind: Option<Kind>,
    /// The exact reason, in words.
    pub reason: Option<String>,
    /// The certificate at fault, as its place in `chain` (0 is the peer's own).
    pub certificate: Option<usize>,
    /// What else is wrong, found by looking on.
    pub also: Vec<String>,
    /// Whether the handshake went on all the same, because it was told to (`insecure`).
    pub ignored: bool,
    /// Whether the peer has not even shown that the key of its certificate is its own, because nothing
    /// that is signed with that key can be verified here; only where it went on all the same.
    pub unproven: bool,
}

/// Whether the peer asked for a certificate of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientAuth {
    /// Whether it asked.
    pub requested: bool,
    /// Whether we sent one.
    pub sent: bool,
    /// The authorities that it named as acceptable.
    pub authorities: Vec<String>,
}

/// One certificate of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Certificate {
    /// Whom it is about; every field but the fingerprint is `null` when it cannot be read.
    pub subject: Option<String>,
    /// Who signed it.
    pub issuer: Option<String>,
    /// The names it is for (subject alternative names).
    pub names: Vec<String>,
    /// The kind and size of its key.
    pub key: Option<String>,
    /// The algorithm of the signature on it.
    pub signature: Option<String>,
    /// Its serial number, in hex.
    pub serial: Option<String>,
    /// SHA-256 of the whole certificate (DER), in hex.
    pub sha256: String,
    /// The first moment of its validity (RFC 3339, UTC).
    pub not_before: Option<String>,
    /// The last one.
    pub not_after: Option<String>,
    /// Whole days that are left; negative once it has expired.
    pub days_left: Option<i64>,
    /// Whether it may sign others.
    pub is_ca: Option<bool>,
    /// The certificate itself, where that was asked for.
    pub pem: Option<String>,
}

/// A second handshake, to see whether the session goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resumption {
    /// Whether it did; `null` when the second handshake failed.
    pub resumed: Option<bool>,
    /// Tickets that the server had given by then; `null` in TLS 1.2, which need not have any.
    pub tickets: Option<u32>,
    /// The second handshake.
    pub handshake_ms: Option<Millis>,
    /// Why there was none.
    pub failure: Option<Failure>,
}
