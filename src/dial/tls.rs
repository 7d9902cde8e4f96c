//! TLS above the connection of a dial: the words before it, the handshake, and resuming a session.
//!
//! Separate from the race, which only knows that an attempt goes on after the transport stands.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::race::attempt::connected;
use crate::addr::{Host, Target};
use crate::deadline::Deadline;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::io::Io;
use crate::net::tls::handshake::{HandshakeKind, Resumption};
use crate::net::tls::starttls::{self, Starttls};
use crate::net::tls::{Handshake, TlsClient};
use crate::net::{Connected, Connection, PeerAddr, SocketOptions};
use crate::time::Millis;

/// How connections are encrypted.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// Roots, versions, protocols and our own identity; every dial takes a fresh one.
    pub client: TlsClient,
    /// Whom the peer must prove to be; `None`: the host of the target.
    pub name: Option<String>,
    /// Whether every target is dialled so, or only those that ask for it themselves (`tls://`).
    pub always: bool,
    /// Asks for TLS in the words of this protocol first.
    pub starttls: Option<Starttls>,
    /// Said in the clear before all else, even before the words of `starttls`: a PROXY header. Default:
    /// nothing.
    pub preamble: Vec<u8>,
    /// Shakes hands a second time, on a second connection, to see whether the session goes on.
    pub resume: bool,
}

impl Tls {
    /// Whether connections to this target are encrypted.
    #[must_use]
    pub fn applies_to(&self, target: &Target) -> bool {
        self.always || target.tls
    }

    /// Whom the peer must prove to be.
    pub(super) fn name_of(&self, target: &Target) -> Result<String, Failure> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        match target.host() {
            Some(Host::Ip { ip, .. }) => Ok(ip.to_string()),
            Some(Host::Name(name)) => ascii(name),
            None => {
                let message = format!("{target} has no name that a certificate could be for");
                let failure = Failure::new(Stage::Tls, Kind::Invalid, message);
                Err(failure.by(Who::Netkit).hint("name one with --sni"))
            }
        }
    }
}

/// A name as certificates have it: without a final dot (RFC 6066 §3), in A-labels.
fn ascii(name: &str) -> Result<String, Failure> {
    let name = name.strip_suffix('.').unwrap_or(name);
    idna::domain_to_ascii(name).map_err(|_| {
        let message = format!("{name:?} is not a name that a certificate can be for");
        Failure::new(Stage::Tls, Kind::Invalid, message).by(Who::Netkit)
    })
}

/// What became of a connection that was to be encrypted.
pub(super) struct Secured {
    pub(super) result: Result<(Connected, Box<dyn Connection>), Failure>,
    pub(super) handshake: Handshake,
    /// The client that remembers the session.
    pub(super) session: Session,
}

/// What a second handshake needs of the first.
pub(super) struct Session {
    client: TlsClient,
    name: String,
    tickets: Option<u32>,
}

/// Asks for TLS where that is needed, and shakes hands.
pub(super) async fn secure(
    tls: &Tls,
    target: &Target,
    mut connection: Box<dyn Connection>,
    deadline: &Deadline,
) -> Secured {
    let client = tls.client.fresh();
    let mut handshake = Handshake::default();
    let name = match tls.name_of(target) {
        Ok(name) => name,
        Err(failure) => return Secured::failed(client, String::new(), handshake, failure),
    };
    let spoken = speak(tls, &mut *connection, &name, deadline).await;
    let starttls_ms = match spoken {
        Ok(took) => took.map(Millis),
        Err(failure) => {
            name.clone_into(&mut handshake.peer_name);
            handshake.starttls = tls.starttls.map(|protocol| protocol.name().to_owned());
            return Secured::failed(client, name, handshake, failure);
        }
    };
    let (mut handshake, met) = client.meet(connection, &name, tls.resume, deadline).await;
    handshake.starttls = tls.starttls.map(|protocol| protocol.name().to_owned());
    handshake.starttls_ms = starttls_ms;
    let tickets = met.as_ref().ok().and_then(|met| met.tickets);
    Secured {
        result: met.map(|met| (connected(&*met.connection), met.connection)),
        handshake,
        session: Session {
            client,
            name,
            tickets,
        },
    }
}

impl Secured {
    fn failed(client: TlsClient, name: String, handshake: Handshake, failure: Failure) -> Self {
        let tickets = None;
        let session = Session {
            client,
            name,
            tickets,
        };
        Self {
            result: Err(failure),
            handshake,
            session,
        }
    }
}

/// What is said before TLS: the preamble, then the dialogue, if there is one, and how long that took.
async fn speak(
    tls: &Tls,
    connection: &mut dyn Connection,
    name: &str,
    deadline: &Deadline,
) -> Result<Option<Duration>, Failure> {
    introduce(&tls.preamble, connection, name, deadline).await?;
    let Some(protocol) = tls.starttls else {
        return Ok(None);
    };
    let began = Instant::now();
    starttls::upgrade(connection, protocol, name, deadline).await?;
    Ok(Some(began.elapsed()))
}

/// Says the preamble.
async fn introduce(
    preamble: &[u8],
    connection: &mut dyn Connection,
    name: &str,
    deadline: &Deadline,
) -> Result<(), Failure> {
    if preamble.is_empty() {
        return Ok(());
    }
    let Ok(result) = deadline.bound(connection.write_all(preamble)).await else {
        let message = format!("{name} did not take what is said before TLS in time");
        return Err(Failure::new(Stage::Tls, Kind::Timeout, message));
    };
    result.map_err(|error| connection.explain(Stage::Tls, &error))
}

/// Connects to the same address a second time, to see whether the session goes on there.
pub(super) async fn resume<I: Io>(
    io: &I,
    addr: &PeerAddr,
    options: &SocketOptions,
    tls: &Tls,
    session: &Session,
    deadline: &Deadline,
) -> Resumption {
    let mut resumption = Resumption {
        resumed: None,
        tickets: session.tickets,
        handshake_ms: None,
        failure: None,
    };
    match again(io, addr, options, tls, session, deadline).await {
        Ok(handshake) => {
            resumption.resumed = handshake.kind.map(HandshakeKind::is_resumed);
            resumption.handshake_ms = handshake.handshake_ms;
        }
        Err(failure) => resumption.failure = Some(failure),
    }
    resumption
}

async fn again<I: Io>(
    io: &I,
    addr: &PeerAddr,
    options: &SocketOptions,
    tls: &Tls,
    session: &Session,
    deadline: &Deadline,
) -> Result<Handshake, Failure> {
    let mut connection = io.connect(addr, options, deadline).await?;
    let name = &session.name;
    speak(tls, &mut *connection, name, deadline).await?;
    let (handshake, met) = session.client.meet(connection, name, false, deadline).await;
    met.map(|_| handshake)
}
