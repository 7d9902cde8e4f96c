//! What one process keeps between questions: socket options, trusted roots, open connections, and
//! how fast each server answers.
//!
//! Knows how to reach a server over TCP; `secure` knows the carriers that prove who it is. When to
//! ask over which is `exchange`'s.

#[cfg(feature = "tls")]
mod secure;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::deadline::Deadline;
use crate::failure::{Failure, Stage};
use crate::net::tls::Roots;
use crate::net::{self, Connection, LocalAddr, PeerAddr, SocketOptions};

use super::ledger::{Attempt, Carrier, Step};
use super::link::{Broken, Lease, Link, Links, Way};
use super::stream::Stream;
use super::upstream::Upstream;

/// How many servers' round-trip times are remembered.
const KNOWN_SERVERS: usize = 4_096;

/// How sockets to name servers are made, and whom to trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientConfig {
    /// Source address (`bind`). Its port is taken for every socket; 0 lets the kernel choose.
    pub local_addr: Option<IpAddr>,
    /// Source port; `None` lets the kernel choose. With it questions go one after the other.
    pub source_port: Option<u16>,
    /// Network interface (`SO_BINDTODEVICE`).
    pub interface: Option<String>,
    /// Firewall mark (`SO_MARK`); needs `CAP_NET_ADMIN`.
    pub mark: Option<u32>,
    /// Whom to trust over TLS and QUIC. The system's roots, read when a handshake needs them.
    pub roots: Roots,
}

/// Asks name servers, and keeps what is of use to the next question. Cheap to clone; clones share.
#[derive(Clone, Debug, Default)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    config: ClientConfig,
    links: Links,
    round_trips: Mutex<HashMap<SocketAddr, Duration>>,
    /// Held while a fixed source port is in use over UDP.
    port: tokio::sync::Mutex<()>,
    #[cfg(feature = "tls")]
    tls: std::sync::OnceLock<Result<crate::net::tls::TlsClient, Failure>>,
}

impl Client {
    /// Creates a client; nothing is opened or read before the first question.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let shared = Shared {
            config,
            ..Shared::default()
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// How its sockets are made.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.shared.config
    }

    /// The options of a socket to this server.
    pub(super) fn socket_options(&self, to: SocketAddr) -> SocketOptions {
        let config = &self.shared.config;
        let any: IpAddr = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let port = config.source_port.unwrap_or(0);
        let local_addr = match (config.local_addr, port) {
            (None, 0) => None,
            (ip, port) => Some(LocalAddr {
                ip: ip.unwrap_or(any),
                port,
            }),
        };
        let mut options = SocketOptions {
            local_addr,
            interface: config.interface.clone(),
            mark: config.mark,
            ..SocketOptions::default()
        };
        options.keepalive.enabled = false;
        options
    }

    /// Waits for the source port, where there is only one for all questions.
    pub(super) async fn source_port(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        match self.shared.config.source_port {
            Some(port) if port > 0 => Some(self.shared.port.lock().await),
            _ => None,
        }
    }

    /// The smoothed round-trip time of a server over UDP; `None` before its first answer.
    pub(super) fn round_trip(&self, server: SocketAddr) -> Option<Duration> {
        let known = self.shared.round_trips.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        known.get(&server).copied()
    }

    /// Learns from an answer over UDP, with the weight that TCP gives one (RFC 6298 §2.3: 1/8).
    pub(super) fn learn(&self, server: SocketAddr, round_trip: Duration) {
        let known = self.shared.round_trips.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_SERVERS && !known.contains_key(&server) {
            return;
        }
        let smoothed = known.entry(server).or_insert(round_trip);
        *smoothed = (*smoothed * 7 + round_trip) / 8;
    }

    /// A connection to the server: one that stands, or a new one.
    pub(super) async fn lease(
        &self,
        upstream: &Upstream,
        entry: &mut Attempt,
        step: &mut Step,
    ) -> Result<Lease, Broken> {
        let carrier = entry.carrier;
        let key = (upstream.clone(), carrier);
        let connect = self.connect(upstream, carrier, step);
        self.shared.links.lease(key, entry, connect).await
    }

    async fn connect(
        &self,
        upstream: &Upstream,
        carrier: Carrier,
        step: &mut Step,
    ) -> Result<Link, Broken> {
        // Boxed: plain DNS should not carry the handshakes' room about.
        match carrier {
            #[cfg(feature = "tls")]
            Carrier::Tls => Box::pin(self.connect_tls(upstream, step)).await,
            #[cfg(feature = "tls")]
            Carrier::Https => Box::pin(self.connect_https(upstream, step)).await,
            #[cfg(feature = "quic")]
            Carrier::Quic => Box::pin(self.connect_quic(upstream, step)).await,
            #[cfg(feature = "quic")]
            Carrier::H3 => Box::pin(self.connect_h3(upstream, step)).await,
            _ => {
                *step = Step::Connect;
                let (connection, connect) = self.connect_tcp(upstream).await?;
                let local = local_of(&*connection);
                let way = Way::Stream(Stream::new(connection));
                Ok(Link::new(way, local, Some(connect), None))
            }
        }
    }

    /// A TCP connection, and how long it took to stand.
    pub(super) async fn connect_tcp(
        &self,
        upstream: &Upstream,
    ) -> Result<(Box<dyn Connection>, Duration), Broken> {
        let began = tokio::time::Instant::now();
        let addr = PeerAddr::Tcp(upstream.addr);
        let mut options = self.socket_options(upstream.addr);
        // Questions of one connection do not wait for each other's acknowledgement (RFC 7766 §8).
        options.nodelay = Some(true);
        // Whoever asks bounds the whole conversation.
        let forever = Deadline::new(None, CancellationToken::new());
        match net::connect(&addr, &options, &forever).await {
            Ok(connection) => Ok((connection, began.elapsed())),
            Err(failure) => Err(not_connected(failure)),
        }
    }
}

/// What is this machine's own fault keeps its explanation; what the network says is told by its
/// number, in the words that fit a name server.
pub(super) fn not_connected(failure: Failure) -> Broken {
    match &failure.errno {
        Some(errno) if failure.stage == Stage::Connect => Broken::Failed {
            text: std::io::Error::from_raw_os_error(errno.code).to_string(),
            errno: failure.errno,
        },
        _ => failure.into(),
    }
}

fn local_of(connection: &dyn Connection) -> Option<SocketAddr> {
    connection.facts().local?.parse().ok()
}
