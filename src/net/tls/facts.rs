//! What a handshake came to, read from the session of either side.

use std::fmt::Write as _;
use std::time::Duration;

use super::handshake::{Handshake, HandshakeKind};
use super::library::rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use super::library::rustls::{CommonState, HandshakeKind as Kind, ProtocolVersion};
use super::{TlsFacts, TlsVersion};
use crate::time::Millis;

/// The facts of a session that stands, with the peer that calls itself `name`.
pub(super) fn of(session: &CommonState, name: &str, handshake: Duration) -> TlsFacts {
    let certificates = session.peer_certificates().unwrap_or_default();
    TlsFacts {
        version: session.protocol_version().and_then(version_of),
        suite: suite(session),
        group: group(session),
        alpn: session.alpn_protocol().map(text),
        peer_name: name.to_owned(),
        fingerprint_sha256: certificates.first().map(|leaf| fingerprint(leaf)),
        certificates: certificates.len() as u64,
        resumed: session
            .handshake_kind()
            .map(|kind| kind_of(kind).is_resumed()),
        handshake_ms: Millis(handshake),
    }
}

/// Adds what the session itself tells to what is known of a handshake.
pub(super) fn add(handshake: &mut Handshake, session: &CommonState) {
    handshake.version = session.protocol_version().and_then(version_of);
    handshake.suite = suite(session);
    handshake.group = group(session);
    handshake.alpn = session.alpn_protocol().map(text);
    handshake.kind = session.handshake_kind().map(kind_of);
}

fn suite(session: &CommonState) -> Option<String> {
    let suite = session.negotiated_cipher_suite()?.suite();
    Some(format!("{suite:?}").replacen("TLS13_", "TLS_", 1))
}

fn group(session: &CommonState) -> Option<String> {
    let group = session.negotiated_key_exchange_group()?;
    Some(format!("{:?}", group.name()))
}

fn kind_of(kind: Kind) -> HandshakeKind {
    match kind {
        Kind::Full => HandshakeKind::Full,
        Kind::FullWithHelloRetryRequest => HandshakeKind::HelloRetry,
        Kind::Resumed => HandshakeKind::Resumed,
    }
}

fn version_of(version: ProtocolVersion) -> Option<TlsVersion> {
    match version {
        ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
        ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
        _ => None,
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// SHA-256 in hex; the hash is that of a cipher suite, which spares a crate.
pub(super) fn fingerprint(certificate: &[u8]) -> String {
    let suite = TLS13_AES_128_GCM_SHA256.tls13();
    let hash = suite.expect("a suite of TLS 1.3").common.hash_provider;
    let mut hex = String::with_capacity(64);
    for byte in hash.hash(certificate).as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
