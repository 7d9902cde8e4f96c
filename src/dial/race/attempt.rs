//! One attempt: the address it goes to, and its future.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::pin::Pin;

use tokio::time::Instant;

use crate::addr::{Target, Transport, UnixPath};
use crate::deadline::Deadline;
use crate::dial::tls::{Session, Tls, secure};
use crate::failure::Failure;
use crate::io::Io;
use crate::net::tls::Handshake;
use crate::net::{Connected, Connection, PeerAddr, SocketOptions};

/// A future of a race.
pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A step of an attempt that is over, stamped when it was.
pub(super) struct Ended {
    pub(super) index: usize,
    pub(super) at: Instant,
    pub(super) outcome: Outcome,
}

/// What a step came to.
pub(super) enum Outcome {
    /// The transport stands, and TLS is to follow by this deadline.
    Stood(Connected, Box<dyn Connection>, Deadline),
    /// The attempt is over.
    Over {
        result: Result<(Connected, Box<dyn Connection>), Failure>,
        /// What was learned of the handshake, if it came to that.
        tls: Option<Box<Handshake>>,
        /// What a second handshake needs.
        session: Option<Session>,
    },
}

/// Connects one address and reads back what came of it; `more` means that TLS follows.
pub(super) async fn attempt<I: Io>(
    io: &I,
    index: usize,
    addr: PeerAddr,
    options: &SocketOptions,
    deadline: Deadline,
    more: bool,
) -> Ended {
    let result = io.connect(&addr, options, &deadline).await;
    let at = Instant::now();
    let result = result.map(|connection| (connected(&*connection), connection));
    let outcome = match result {
        Ok((connected, connection)) if more => Outcome::Stood(connected, connection, deadline),
        result => Outcome::Over {
            result,
            tls: None,
            session: None,
        },
    };
    Ended { index, at, outcome }
}

/// Goes on with TLS where the transport of an attempt stands.
pub(super) async fn encrypt(
    index: usize,
    tls: &Tls,
    target: &Target,
    connection: Box<dyn Connection>,
    deadline: Deadline,
) -> Ended {
    let secured = secure(tls, target, connection, &deadline).await;
    let outcome = Outcome::Over {
        result: secured.result,
        tls: Some(Box::new(secured.handshake)),
        session: Some(secured.session),
    };
    let at = Instant::now();
    Ended { index, at, outcome }
}

/// What is known of a connection now.
pub(in crate::dial) fn connected(connection: &dyn Connection) -> Connected {
    Connected {
        facts: connection.facts(),
        tcp_info: connection.tcp_info(),
    }
}

/// Where an attempt at one address of a target goes.
pub(in crate::dial) fn inet_addr(target: &Target, ip: IpAddr, scope_id: u32) -> PeerAddr {
    let port = target.port().unwrap_or(0);
    let socket = match ip {
        IpAddr::V6(v6) => SocketAddrV6::new(v6, port, 0, scope_id).into(),
        IpAddr::V4(_) => SocketAddr::new(ip, port),
    };
    match target.network.transport() {
        Transport::Udp => PeerAddr::Udp(socket),
        _ => PeerAddr::Tcp(socket),
    }
}

/// Where the attempt at a Unix socket goes.
pub(in crate::dial) fn unix_addr(target: &Target, path: &UnixPath) -> PeerAddr {
    match target.network.transport() {
        Transport::Unixgram => PeerAddr::Unixgram(path.clone()),
        _ => PeerAddr::Unix(path.clone()),
    }
}
