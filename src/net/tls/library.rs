//! The only file that names rustls and its kin, so that an upgrade begins here.
//!
//! Everything else of this folder takes them from here: `use super::library::rustls`. ring is the
//! provider of all cryptography: it needs a C compiler and nothing else.

use std::sync::Arc;

pub(super) use rustls_native_certs::load_native_certs;
pub(super) use tokio_rustls::client::TlsStream as ClientStream;
pub(super) use tokio_rustls::server::TlsStream as ServerStream;
pub(super) use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream, rustls};

/// The cipher suites, groups, signatures and random numbers of every handshake.
pub(super) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
