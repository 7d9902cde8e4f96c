//! QUIC and HTTP/3 to a name server.

use tokio_util::sync::CancellationToken;

use crate::deadline::Deadline;
use crate::net::quic::QuicConnection;
use crate::resolve::h3::Http3;
use crate::resolve::ledger::Step;
use crate::resolve::link::{Broken, Link, Way};
use crate::resolve::upstream::Upstream;

use super::super::{Client, not_connected};
use super::secure;

impl Client {
    async fn quic(
        &self,
        upstream: &Upstream,
        step: &mut Step,
        alpn: &str,
    ) -> Result<QuicConnection, Broken> {
        let tls = self.tls(alpn)?;
        *step = Step::Handshake;
        let options = self.socket_options(upstream.addr);
        let forever = Deadline::new(None, CancellationToken::new());
        let name = &secure(upstream)?.name;
        QuicConnection::connect(upstream.addr, &options, &tls, name, &forever)
            .await
            .map_err(not_connected)
    }

    /// DNS over QUIC (RFC 9250).
    pub(in crate::resolve::client) async fn connect_quic(
        &self,
        upstream: &Upstream,
        step: &mut Step,
    ) -> Result<Link, Broken> {
        let quic = self.quic(upstream, step, "doq").await?;
        let (local, facts) = (quic.local_addr(), quic.tls_facts().clone());
        Ok(Link::new(
            Way::Quic(Box::new(quic)),
            local,
            None,
            Some(&facts),
        ))
    }

    /// DNS over HTTP/3.
    pub(in crate::resolve::client) async fn connect_h3(
        &self,
        upstream: &Upstream,
        step: &mut Step,
    ) -> Result<Link, Broken> {
        let quic = self.quic(upstream, step, "h3").await?;
        let (local, facts) = (quic.local_addr(), quic.tls_facts().clone());
        let way = Way::Http3(Box::new(Http3::new(quic).await?));
        Ok(Link::new(way, local, None, Some(&facts)))
    }
}
