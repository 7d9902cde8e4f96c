//! The carriers that prove who the server is: TLS, HTTPS, and behind a feature QUIC and HTTP/3.

#[cfg(feature = "quic")]
mod quic;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::deadline::Deadline;
use crate::failure::Failure;
use crate::net::tls::{TlsClient, TlsConnection, TlsOptions};
use crate::resolve::https::Http2;
use crate::resolve::ledger::Step;
use crate::resolve::link::{Broken, Link, Way};
use crate::resolve::stream::Stream;
use crate::resolve::upstream::{Secure, Upstream};

use super::{Client, local_of};

impl Client {
    /// Ready to shake hands; the roots are read once.
    fn tls(&self, alpn: &str) -> Result<TlsClient, Broken> {
        let config = &self.shared.config;
        let tls = self.shared.tls.get_or_init(|| {
            TlsClient::new(&TlsOptions {
                roots: config.roots.clone(),
                ..TlsOptions::default()
            })
            .map_err(Failure::from)
        });
        match tls {
            Ok(tls) => Ok(tls.speaking(&[alpn])),
            Err(failure) => Err(failure.clone().into()),
        }
    }

    /// An encrypted connection, and how long the one below took to stand.
    async fn handshake(
        &self,
        upstream: &Upstream,
        step: &mut Step,
        alpn: &str,
    ) -> Result<(TlsConnection, Duration), Broken> {
        let tls = self.tls(alpn)?;
        let (connection, connect) = self.connect_tcp(upstream).await?;
        *step = Step::Handshake;
        let forever = Deadline::new(None, CancellationToken::new());
        let name = &secure(upstream)?.name;
        let connection = tls.handshake(connection, name, &forever).await?;
        Ok((connection, connect))
    }

    /// DNS over TLS (RFC 7858).
    pub(super) async fn connect_tls(
        &self,
        upstream: &Upstream,
        step: &mut Step,
    ) -> Result<Link, Broken> {
        let (connection, connect) = self.handshake(upstream, step, "dot").await?;
        let (local, facts) = (local_of(&connection), connection.tls_facts().clone());
        let way = Way::Stream(Stream::new(Box::new(connection)));
        Ok(Link::new(way, local, Some(connect), Some(&facts)))
    }

    /// DNS over HTTPS (RFC 8484), which is HTTP/2 or nothing here.
    pub(super) async fn connect_https(
        &self,
        upstream: &Upstream,
        step: &mut Step,
    ) -> Result<Link, Broken> {
        let (connection, connect) = self.handshake(upstream, step, "h2").await?;
        let (local, facts) = (local_of(&connection), connection.tls_facts().clone());
        let way = Way::Http2(Box::new(Http2::new(connection).await?));
        Ok(Link::new(way, local, Some(connect), Some(&facts)))
    }
}

fn secure(upstream: &Upstream) -> Result<&Secure, Broken> {
    let missing = || Broken::protocol("the server has no name to verify".to_owned());
    upstream.secure.as_deref().ok_or_else(missing)
}
