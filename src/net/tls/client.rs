//! The client's side of TLS on a connection that stands.
//!
//! It decides nothing about names or ports: the caller says whom the certificate must be for.
//! Nothing is read or set up before the first [`TlsClient::new`].

mod config;

use std::sync::Arc;
use std::time::Instant;

use super::explain::{explain, unfinished};
use super::facts;
use super::library::TlsConnector;
use super::library::rustls::ClientConfig;
use super::library::rustls::client::WebPkiServerVerifier;
use super::library::rustls::pki_types::ServerName;
use super::sniff::Sniffed;
use super::{TlsConnection, TlsOptions};
use crate::deadline::Deadline;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::net::Connection;

/// Ready to shake hands: roots read, versions and protocols chosen.
///
/// Sessions are remembered, so that a second connection to the same peer may resume one.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl TlsClient {
    /// Reads the roots and prepares everything else.
    ///
    /// Errs (stage `local`, kind `file`) when the roots cannot be read or there are none, and when
    /// no version lies between the oldest and the newest. Reads files: call it when a handshake is
    /// due, not before.
    pub fn new(options: &TlsOptions) -> Result<Self, Failure> {
        let (config, verifier) = config::build(options)?;
        Ok(Self {
            config: Arc::new(config),
            verifier,
        })
    }

    /// The same roots and versions for other protocols (ALPN), the preferred first.
    #[must_use]
    pub fn speaking(&self, alpn: &[&str]) -> Self {
        let mut config = (*self.config).clone();
        config.alpn_protocols = config::protocols(alpn.iter().copied());
        Self {
            config: Arc::new(config),
            ..self.clone()
        }
    }

    #[cfg(feature = "quic")]
    pub(super) fn verifier(&self) -> Arc<WebPkiServerVerifier> {
        self.verifier.clone()
    }

    #[cfg(feature = "quic")]
    pub(super) fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Shakes hands on a connection that stands; the peer must prove to be `name`, a host name or
    /// an address.
    ///
    /// Errs with stage `tls` and the kind that says what was wrong: `tls_untrusted`,
    /// `tls_expired`, `tls_name_mismatch`, `tls_client_cert_required`, `tls_not_tls`,
    /// `tls_protocol`, `timeout`, or what the connection itself says (`reset`). Cancel safe:
    /// dropping the future closes the connection.
    pub async fn handshake(
        &self,
        connection: Box<dyn Connection>,
        name: &str,
        deadline: &Deadline,
    ) -> Result<TlsConnection, Failure> {
        let server_name = server_name(name)?;
        let began = Instant::now();
        let connector = TlsConnector::from(self.config.clone());
        let connect = connector.connect(server_name, Sniffed::new(connection));
        match deadline.bound(connect.into_fallible()).await {
            Ok(Ok(stream)) => {
                let facts = facts::of(stream.get_ref().1, name, began.elapsed());
                Ok(TlsConnection::new(stream.into(), facts))
            }
            Ok(Err((error, sniffed))) => Err(explain(name, &error, &sniffed)),
            Err(expired) => Err(unfinished(name, expired)),
        }
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, Failure> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        let message = format!("{name:?} is not a name that a certificate can be for");
        Failure::new(Stage::Tls, Kind::Invalid, message).by(Who::Netkit)
    })
}
