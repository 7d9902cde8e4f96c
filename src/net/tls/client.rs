//! The client's side of TLS on a connection that stands.
//!
//! It decides nothing about names or ports: the caller says whom the certificate must be for.
//! Nothing is read or set up before the first [`TlsClient::new`].

mod ask;
mod config;
mod look_on;
mod pinned;
mod settle;
pub(in crate::net) mod verify;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::explain::{explain, unfinished};
use super::handshake::Handshake;
use super::library::rustls::ClientConfig;
use super::library::rustls::client::{ClientConnection, Resumption};
use super::library::rustls::pki_types::ServerName;
use super::library::{ClientStream, TlsConnector};
use super::sniff::{Came, First, Sniffed};
use super::{TlsConnection, TlsOptions, Unprepared, WorkloadIdentity, blame, facts};
use crate::deadline::Deadline;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::net::Connection;
use crate::time::Millis;

use ask::Answer;
use verify::Verifier;

/// Ready to shake hands: roots read, versions and protocols chosen.
///
/// Sessions are remembered, so that a second connection to the same peer may resume one; see
/// [`fresh`](Self::fresh).
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    answer: Arc<Answer>,
    /// What is worth telling about the files that were read.
    warnings: Arc<[String]>,
    options: Arc<TlsOptions>,
    /// What took the place of the rules and of our identity since; all clones share it.
    latest: Arc<Mutex<Latest>>,
}

/// What handshakes go by that begin from now on; `None`: by what the client was made with.
type Latest = Option<(Arc<Verifier>, Arc<Answer>)>;

impl PartialEq for TlsClient {
    /// Whether both were made by one reading of the files.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }
}

impl TlsClient {
    /// Reads the roots and prepares everything else.
    ///
    /// Errs (stage `local`, kind `file`) when the roots, the certificate or the key cannot be read
    /// or there are none, and (kind `invalid`) when the key belongs to another certificate or no
    /// version lies between the oldest and the newest. Reads files: call it when a handshake is
    /// due, not before.
    pub fn new(options: &TlsOptions) -> Result<Self, Unprepared> {
        config::client(options, None)
    }

    /// The same, with the identity that the Workload API gave: we are what it says, and where
    /// [`Roots::Workload`](super::Roots::Workload) is asked for, whom to trust is its word too.
    pub fn of_workload(
        options: &TlsOptions,
        identity: &WorkloadIdentity,
    ) -> Result<Self, Unprepared> {
        config::client(options, Some(identity))
    }

    /// Takes another identity for all handshakes that begin from now on, of this client and of its
    /// clones; connections that stand are left alone. On an error everything stays as it is.
    pub fn adopt(&self, identity: &WorkloadIdentity) -> Result<(), Failure> {
        let fresh = config::of_workload(&self.options, identity)?;
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        Ok(())
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

    /// The same client without any memory: no session to resume, and nothing seen of a peer.
    ///
    /// What [`meet`](Self::meet) reports is kept in the client, so handshakes that go on at once
    /// need one each.
    #[must_use]
    pub fn fresh(&self) -> Self {
        let mut config = (*self.config).clone();
        let latest = self.latest.lock();
        let latest = latest.unwrap_or_else(PoisonError::into_inner).clone();
        let (verifier, answer) = match &latest {
            Some((verifier, answer)) => (verifier, answer),
            None => (&self.verifier, &self.answer),
        };
        let verifier = Arc::new(verifier.fresh());
        let answer = Arc::new(answer.fresh());
        config.resumption = Resumption::default();
        config.client_auth_cert_resolver = answer.clone();
        config
            .dangerous()
            .set_certificate_verifier(verifier.clone());
        Self {
            config: Arc::new(config),
            verifier,
            answer,
            ..self.clone()
        }
    }

    /// What is worth telling about the files that were read, such as a key that others can read.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether it offers protocols (ALPN).
    #[must_use]
    pub fn offers_protocols(&self) -> bool {
        !self.config.alpn_protocols.is_empty()
    }

    #[cfg(feature = "quic")]
    pub(super) fn config(&self) -> &ClientConfig {
        &self.config
    }

    #[cfg(feature = "quic")]
    pub(super) fn verifier(&self) -> Arc<Verifier> {
        self.verifier.clone()
    }

    /// Shakes hands on a connection that stands; the peer must prove to be `name`, a host name or
    /// an address.
    ///
    /// Errs with stage `tls` and the kind that says what was wrong: `tls_untrusted`, `tls_expired`,
    /// `tls_not_yet_valid`, `tls_name_mismatch`, `tls_client_cert_required`, `tls_not_tls`,
    /// `tls_protocol`, `timeout`, or what the connection itself says (`reset`). Cancel safe:
    /// dropping the future closes the connection.
    pub async fn handshake(
        &self,
        connection: Box<dyn Connection>,
        name: &str,
        deadline: &Deadline,
    ) -> Result<TlsConnection, Failure> {
        let first = First::default();
        let (mut stream, took) = self.connect(connection, name, &first, deadline).await?;
        if let Some(error) = stream.get_mut().0.end_handshake() {
            return Err(self.explained(name, &error, stream.get_ref().0, &first));
        }
        let facts = facts::of(stream.get_ref().1, name, took);
        Ok(TlsConnection::new(stream.into(), facts))
    }

    /// The same, and everything that can be learned of the peer while it lasts, also when it fails.
    ///
    /// In TLS 1.3 a server says only after the handshake what it thinks of our certificate, and
    /// whether the session can be resumed: where it asked for a certificate, or `resumable` is
    /// wanted, its first word is waited for, for at most twice the time of the handshake and a
    /// little. Cancel safe as [`handshake`](Self::handshake).
    pub async fn meet(
        &self,
        connection: Box<dyn Connection>,
        name: &str,
        resumable: bool,
        deadline: &Deadline,
    ) -> (Handshake, Result<Met, Failure>) {
        let (first, began) = (First::default(), Instant::now());
        let mut result = self.connect(connection, name, &first, deadline).await;
        let mut handshake = Handshake::default();
        if let Ok((stream, took)) = &mut result {
            facts::add(&mut handshake, stream.get_ref().1);
            handshake.handshake_ms = Some(Millis(*took));
            // A peer that left before the end may have said why.
            let broken = stream.get_mut().0.end_handshake();
            let asked = self.answer.seen().requested || broken.is_some();
            let settled = settle::settle(stream, asked, resumable, *took, deadline).await;
            if let Err(error) = settled.and_then(|()| broken.map_or(Ok(()), Err)) {
                result = Err(self.explained(name, &error, stream.get_ref().0, &first));
            }
        }
        self.describe(&mut handshake, name, began, &first.came());
        let met = result.map(|(stream, took)| {
            let tickets = tickets(stream.get_ref().1);
            let facts = facts::of(stream.get_ref().1, name, took);
            let connection = Box::new(TlsConnection::new(stream.into(), facts));
            Met {
                connection,
                tickets,
            }
        });
        (handshake, met)
    }

    async fn connect(
        &self,
        connection: Box<dyn Connection>,
        name: &str,
        first: &First,
        deadline: &Deadline,
    ) -> Result<(ClientStream<Sniffed>, Duration), Failure> {
        let server_name = server_name(name)?;
        let began = Instant::now();
        let connector = TlsConnector::from(self.config.clone());
        let connect = connector.connect(server_name, Sniffed::new(connection, first.clone()));
        match deadline.bound(connect.into_fallible()).await {
            Ok(Ok(stream)) => Ok((stream, began.elapsed())),
            Ok(Err((error, sniffed))) => Err(self.explained(name, &error, &sniffed, first)),
            Err(expired) => Err(unfinished(name, expired, &first.came())),
        }
    }

    /// Explains a failure by what the verifier and the wire showed.
    fn explained(
        &self,
        name: &str,
        error: &io::Error,
        sniffed: &Sniffed,
        first: &First,
    ) -> Failure {
        let (seen, asked) = (self.verifier.seen(), self.answer.seen());
        let failure = explain(name, error, sniffed, &first.came());
        if let Some(tls) = super::explain::tls_error(error) {
            if let Some(found) = blame::of(name, tls, &seen, blame::now()) {
                return found.into_failure();
            }
            if let Some(refused) = blame::refused_client(name, tls, &asked) {
                return refused;
            }
        }
        failure
    }

    /// What the certificate must be for.
    fn verified_for(&self, name: &str) -> String {
        let spiffe: Vec<_> = self
            .verifier
            .spiffe()
            .iter()
            .map(ToString::to_string)
            .collect();
        if spiffe.is_empty() {
            return name.to_owned();
        }
        spiffe.join(" or ")
    }

    /// What is known of the peer apart from what the session itself tells.
    fn describe(&self, handshake: &mut Handshake, name: &str, began: Instant, came: &Came) {
        let seen = self.verifier.seen();
        let now = blame::now();
        handshake.peer_name = self.verified_for(name);
        let is_name = matches!(server_name(name), Ok(ServerName::DnsName(_)));
        handshake.sni = (self.config.enable_sni && is_name).then(|| name.to_owned());
        let first = came.at.map(|at| at.saturating_duration_since(began));
        handshake.first_reply_ms = first.map(Millis);
        handshake.client_auth = self.answer.seen();
        if seen.chain.is_empty() {
            return;
        }
        handshake.verify_ms = seen.took.map(Millis);
        handshake.ocsp_stapled = Some(seen.ocsp);
        let describe = |der: &_| super::certificate::describe(der, now, self.options.keep_pem);
        handshake.chain = seen.chain.iter().map(|der| describe(der)).collect();
        handshake.spiffe_id = super::spiffe::id_of(&seen.chain);
        handshake.verification = Some(blame::verification(
            name,
            &seen,
            self.verifier.is_insecure(),
        ));
    }
}

/// What comes of a handshake that works.
#[derive(Debug)]
pub struct Met {
    /// The encrypted connection.
    pub connection: Box<dyn Connection>,
    /// Tickets of TLS 1.3 that the server has given so far; `None` in TLS 1.2.
    pub tickets: Option<u32>,
}

/// Tickets of TLS 1.3 that the server has given; `None` in TLS 1.2.
pub(super) fn tickets(session: &ClientConnection) -> Option<u32> {
    use super::library::rustls::ProtocolVersion::TLSv1_3;
    (session.protocol_version() == Some(TLSv1_3)).then(|| session.tls13_tickets_received())
}

fn server_name(name: &str) -> Result<ServerName<'static>, Failure> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        let message = format!("{name:?} is not a name that a certificate can be for");
        Failure::new(Stage::Tls, Kind::Invalid, message)
            .by(Who::Netkit)
            .hint("name one with --sni")
    })
}
