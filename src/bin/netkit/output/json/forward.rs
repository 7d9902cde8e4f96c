//! The lines of a server about what is before and behind it: PROXY headers, TLS, mirrors, recorded
//! pieces, orders.

use std::time::{Duration, SystemTime};

use netkit::dial::report::Bytes;
use netkit::failure::Failure;
use netkit::listen::control::{Present, State};
use netkit::listen::event::{MirrorReport, Piece as Said, Proxied, Secured};
use netkit::net::tls::TlsAccepted;
use netkit::time::Millis;
use serde::Serialize;

use super::Line;
use super::listen::Peer;
use super::listen::config::FaultConfig;

/// `"type":"authority"`: the certificate of the authority made up for `--tls-self-signed`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Authority<'a> {
    /// The certificate (PEM), for clients to trust.
    pub(crate) pem: &'a str,
}

/// `"type":"proxy"`: what the PROXY header of a connection says, with `--accept-proxy-protocol`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Proxy<'a> {
    id: u64,
    listener: usize,
    #[serde(flatten)]
    peer: Peer,
    /// The client; `null` if the proxy does not say.
    source: Option<String>,
    /// What the client connected to.
    destination: Option<String>,
    /// Why the connection was refused; `null` if it was not.
    failure: Option<&'a Failure>,
}

impl<'a> From<&'a Proxied> for Proxy<'a> {
    fn from(proxied: &'a Proxied) -> Self {
        Self {
            id: proxied.id,
            listener: proxied.listener,
            peer: proxied.peer.into(),
            source: proxied.ends.map(|ends| ends.source.to_string()),
            destination: proxied.ends.map(|ends| ends.destination.to_string()),
            failure: proxied.failure.as_ref(),
        }
    }
}

/// `"type":"tls"`: what the TLS handshake of a connection came to.
#[expect(
    clippy::struct_field_names,
    reason = "the keys of JSON are what the event is"
)]
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Tls<'a> {
    id: u64,
    listener: usize,
    #[serde(flatten)]
    peer: Peer,
    /// What it told of the client; `null` if it failed.
    tls: Option<&'a TlsAccepted>,
    /// Why it failed; `null` if it did not.
    failure: Option<&'a Failure>,
}

impl<'a> From<&'a Secured> for Tls<'a> {
    fn from(secured: &'a Secured) -> Self {
        Self {
            id: secured.id,
            listener: secured.listener,
            peer: secured.peer.into(),
            tls: secured.accepted.as_ref(),
            failure: secured.failure.as_ref(),
        }
    }
}

/// `"type":"mirror"`: what the shadow of a connection got and said.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Mirror<'a> {
    id: u64,
    listener: usize,
    #[serde(flatten)]
    peer: Peer,
    /// The shadow, as it was named.
    target: &'a str,
    /// Bytes it got.
    bytes_sent: u64,
    /// Bytes it was too slow to take, or not there to take.
    bytes_dropped: u64,
    /// Whether it answered as the service did; `null` if that was not compared to the end.
    equal: Option<bool>,
    /// Bytes in which the answers agree, from the beginning; `null` if they were not compared.
    agreed_bytes: Option<u64>,
    /// What the service said where they differ; `null` if they do not, or were not compared.
    main: Option<Bytes>,
    /// What the shadow said there.
    shadow: Option<Bytes>,
    /// Why it was not reached, or no longer; `null` if it was.
    failure: Option<&'a Failure>,
}

impl<'a> From<&'a MirrorReport> for Mirror<'a> {
    fn from(report: &'a MirrorReport) -> Self {
        let compared = report.compared.as_ref();
        let differs = compared.filter(|compared| !compared.equal);
        Self {
            id: report.id,
            listener: report.listener,
            peer: report.peer.into(),
            target: &report.target,
            bytes_sent: report.sent,
            bytes_dropped: report.dropped,
            equal: compared.map(|compared| compared.equal),
            agreed_bytes: compared.map(|compared| compared.agreed_bytes),
            main: differs.map(|differs| differs.main.clone().into()),
            shadow: differs.map(|differs| differs.shadow.clone().into()),
            failure: report.failure.as_ref(),
        }
    }
}

/// `"type":"piece"`, in the file of `--record`: bytes that have passed.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Piece {
    id: u64,
    listener: usize,
    #[serde(flatten)]
    peer: Peer,
    /// `up` is from the client, `down` to it.
    direction: &'static str,
    /// What passed.
    data: Bytes,
    /// Whether this is the end of its direction; then there is no data.
    end: bool,
}

/// The line of a piece.
pub(crate) fn piece(said: &Said, start: SystemTime, at: Duration) -> String {
    let body = Piece {
        id: said.id,
        listener: said.listener,
        peer: said.peer.into(),
        direction: said.direction.word(),
        data: said.bytes.clone().into(),
        end: said.bytes.is_empty(),
    };
    Line::new("piece", start, at, body).compact(false)
}

/// The reply to an order of `--control`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Reply {
    /// Whether the order was carried out.
    ok: bool,
    /// Why it was not; `null` if it was.
    error: Option<String>,
    /// The faults in force; `null` if the order was refused.
    faults: Option<Vec<FaultConfig>>,
    /// The open connections; `null` unless they were asked for.
    connections: Option<Vec<Open>>,
}

/// A connection that is open.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Open {
    id: u64,
    listener: usize,
    #[serde(flatten)]
    peer: Peer,
    /// The client that its PROXY header names; `null` without one.
    client: Option<String>,
    /// The end of the service that it is forwarded to; `null` until it is reached.
    upstream: Option<String>,
    age_ms: Millis,
    /// Since bytes last passed.
    idle_ms: Millis,
    bytes_in: u64,
    bytes_out: u64,
    /// Bytes sent to the service it is forwarded to.
    bytes_up: u64,
    bytes_down: u64,
}

impl From<&Present> for Open {
    fn from(present: &Present) -> Self {
        Self {
            id: present.id,
            listener: present.listener,
            peer: present.peer.into(),
            client: present.client.map(|client| client.to_string()),
            upstream: present.upstream.clone(),
            age_ms: present.age.into(),
            idle_ms: present.idle.into(),
            bytes_in: present.bytes_in,
            bytes_out: present.bytes_out,
            bytes_up: present.bytes_up,
            bytes_down: present.bytes_down,
        }
    }
}

impl Reply {
    pub(crate) fn new(state: &State, list: bool) -> Self {
        let connections = list.then(|| state.connections.iter().map(Open::from).collect());
        Self {
            ok: true,
            error: None,
            faults: Some(state.faults.iter().map(FaultConfig::from).collect()),
            connections,
        }
    }

    pub(crate) fn refusal(error: String) -> Self {
        Self {
            ok: false,
            error: Some(error),
            faults: None,
            connections: None,
        }
    }

    /// As a line.
    pub(crate) fn line(&self) -> String {
        let line = serde_json::to_string(self);
        line.unwrap_or_else(|_| "{\"ok\":false}".to_owned()) + "\n"
    }
}
