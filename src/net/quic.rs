//! A QUIC connection (RFC 9000) on a socket of our own, with the facts of its handshake.
//!
//! The only file that imports quinn. The library underneath waits as long as it likes and hides
//! ICMP; here everything ends with the deadline, and a closed port is told apart from silence.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use quinn::crypto::rustls::{HandshakeData, QuicClientConfig};
use quinn::{
    ClientConfig, ConnectError, Connection, ConnectionError, Endpoint, EndpointConfig,
    ReadToEndError, TokioRuntime, VarInt,
};

use super::tls::quic::quic_facts;
use super::tls::{TlsClient, TlsFacts};
use super::{SocketOptions, datagram};
use crate::deadline::{Deadline, Expired};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};

/// How often the error queue is looked into during a handshake: its library does not wake for ICMP.
const ICMP_PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

/// A connection that stands. Dropping it closes it without waiting for the peer.
#[derive(Debug)]
pub struct QuicConnection {
    connection: Connection,
    endpoint: Endpoint,
    facts: TlsFacts,
}

impl QuicConnection {
    /// Shakes hands with `to`, which must prove to be `name`.
    ///
    /// Errs with a classified failure: stage `local` or `connect` from the socket, stage `tls` from
    /// the handshake. Cancel safe: dropping the future closes the socket.
    pub async fn connect(
        to: SocketAddr,
        options: &SocketOptions,
        tls: &TlsClient,
        name: &str,
        deadline: &Deadline,
    ) -> Result<Self, Failure> {
        let socket = datagram::open(to, options)?;
        let local = |error: &dyn std::fmt::Display| {
            let message = format!("QUIC cannot be set up: {error}");
            Failure::new(Stage::Local, Kind::LocalError, message).by(Who::OwnKernel)
        };
        let errors = socket.try_clone().map_err(|error| local(&error))?;
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new(EndpointConfig::default(), None, socket, runtime)
            .map_err(|error| local(&error))?;
        let (config, verdict) = tls.for_quic();
        let config = QuicClientConfig::try_from(config).map_err(|error| local(&error))?;
        let began = Instant::now();
        let connecting = endpoint
            .connect_with(ClientConfig::new(Arc::new(config)), to, name)
            .map_err(|error| not_begun(name, &error))?;
        let handshake = async {
            tokio::select! {
                biased;
                result = connecting => result.map_err(|error| {
                    let refused = verdict.failure(name);
                    refused.or_else(|| datagram::icmp(&errors, to)).unwrap_or_else(|| explain(name, &error))
                }),
                failure = refusal(&errors, to) => Err(failure),
            }
        };
        let connection = match deadline.bound(handshake).await {
            Ok(result) => result?,
            Err(expired) => return Err(unfinished(name, expired)),
        };
        let facts = facts(&connection, name, began);
        Ok(Self {
            connection,
            endpoint,
            facts,
        })
    }

    /// What the handshake came to.
    #[must_use]
    pub fn tls_facts(&self) -> &TlsFacts {
        &self.facts
    }

    /// Our address.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.endpoint.local_addr().ok()
    }

    /// Whether the connection can still be used.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    /// The connection for an HTTP/3 library, which takes it by its own type.
    pub(crate) fn raw(&self) -> Connection {
        self.connection.clone()
    }

    /// Opens a stream, sends everything, ends our side, and calls `sent`; then reads all that comes
    /// until the peer ends its side, at most `limit` bytes.
    pub async fn converse(
        &self,
        request: &[u8],
        limit: usize,
        sent: impl FnOnce(),
    ) -> Result<Vec<u8>, Failure> {
        let name = &self.facts.peer_name;
        let lost = |error: ConnectionError| explain(name, &error);
        let (mut outgoing, mut incoming) = self.connection.open_bi().await.map_err(lost)?;
        let written = outgoing.write_all(request).await;
        written.map_err(|error| broken(name, Stage::Send, &error))?;
        outgoing
            .finish()
            .map_err(|error| broken(name, Stage::Send, &error))?;
        sent();
        incoming
            .read_to_end(limit)
            .await
            .map_err(|error| match error {
                ReadToEndError::TooLong => broken(name, Stage::Receive, &error),
                ReadToEndError::Read(quinn::ReadError::ConnectionLost(why)) => explain(name, &why),
                ReadToEndError::Read(why) => broken(name, Stage::Receive, &why),
            })
    }
}

impl Drop for QuicConnection {
    fn drop(&mut self) {
        // 0: no error (RFC 9250 §8.4, RFC 9114 §8.1 both end this way for us).
        self.endpoint.close(VarInt::from_u32(0), b"");
    }
}

/// Waits for an ICMP message that ends all hope.
async fn refusal(errors: &std::net::UdpSocket, to: SocketAddr) -> Failure {
    loop {
        tokio::time::sleep(ICMP_PAUSE).await;
        if let Some(failure) = datagram::icmp(errors, to) {
            return failure;
        }
    }
}

fn facts(connection: &Connection, name: &str, began: Instant) -> TlsFacts {
    let data = connection.handshake_data();
    let data = data.and_then(|any| any.downcast::<HandshakeData>().ok());
    let alpn = data.and_then(|data| data.protocol);
    quic_facts(
        connection.peer_identity(),
        alpn.as_deref(),
        name,
        began.elapsed(),
    )
}

fn unfinished(name: &str, expired: Expired) -> Failure {
    let message = match expired {
        Expired::TimedOut => format!("the QUIC handshake with {name} did not finish in time"),
        Expired::Cancelled => format!("the QUIC handshake with {name} was interrupted"),
    };
    Failure::new(Stage::Tls, Kind::Timeout, message)
}

fn not_begun(name: &str, error: &ConnectError) -> Failure {
    let message = format!("QUIC to {name} cannot begin: {error}");
    Failure::new(Stage::Tls, Kind::Invalid, message).by(Who::Netkit)
}

fn broken(name: &str, stage: Stage, error: &dyn std::fmt::Display) -> Failure {
    let message = format!("the QUIC stream to {name} broke: {error}");
    Failure::new(stage, Kind::Reset, message).by(Who::Peer)
}

/// Gives an error of the connection its kind.
fn explain(name: &str, error: &ConnectionError) -> Failure {
    let (stage, kind, message) = match error {
        ConnectionError::VersionMismatch => (
            Stage::Tls,
            Kind::TlsProtocol,
            format!("{name} and netkit have no version of QUIC in common"),
        ),
        ConnectionError::TransportError(why) => (
            Stage::Tls,
            Kind::TlsProtocol,
            format!("the QUIC handshake with {name} failed: {why}"),
        ),
        ConnectionError::ConnectionClosed(why) => (
            Stage::Tls,
            Kind::TlsProtocol,
            format!("{name} broke the QUIC connection off: {why}"),
        ),
        ConnectionError::ApplicationClosed(why) => (
            Stage::Receive,
            Kind::ClosedEarly,
            format!("{name} closed the QUIC connection: {why}"),
        ),
        ConnectionError::Reset => (
            Stage::Receive,
            Kind::Reset,
            format!("{name} has forgotten the QUIC connection (stateless reset)"),
        ),
        ConnectionError::TimedOut => (
            Stage::Receive,
            Kind::Timeout,
            format!("{name} fell silent on the QUIC connection"),
        ),
        other => (
            Stage::Receive,
            Kind::LocalError,
            format!("the QUIC connection to {name} ended: {other}"),
        ),
    };
    let failure = Failure::new(stage, kind, message);
    match error {
        ConnectionError::TimedOut => failure,
        ConnectionError::LocallyClosed | ConnectionError::CidsExhausted => failure.by(Who::Netkit),
        other => failure
            .because(Evidence::Note {
                text: other.to_string(),
            })
            .by(Who::Peer),
    }
}
