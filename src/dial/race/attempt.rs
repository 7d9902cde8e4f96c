//! One attempt: the address it goes to, and its future.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::pin::Pin;

use tokio::time::Instant;

use crate::addr::{Target, Transport, UnixPath};
use crate::deadline::Deadline;
use crate::failure::Failure;
use crate::io::Io;
use crate::net::{Connected, Connection, PeerAddr, SocketOptions};

/// A future of a race.
pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An attempt that has ended, stamped when it did.
pub(super) struct Ended {
    pub(super) index: usize,
    pub(super) at: Instant,
    pub(super) result: Result<(Connected, Box<dyn Connection>), Failure>,
}

/// Connects one address and reads back what came of it.
pub(super) async fn attempt<I: Io>(
    io: &I,
    index: usize,
    addr: PeerAddr,
    options: &SocketOptions,
    deadline: Deadline,
) -> Ended {
    let result = io.connect(&addr, options, &deadline).await;
    let at = Instant::now();
    let result = result.map(|connection| {
        let connected = Connected {
            facts: connection.facts(),
            tcp_info: connection.tcp_info(),
        };
        (connected, connection)
    });
    Ended { index, at, result }
}

/// Where an attempt at one address of a target goes.
pub(super) fn inet_addr(target: &Target, ip: IpAddr, scope_id: u32) -> PeerAddr {
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
pub(super) fn unix_addr(target: &Target, path: &UnixPath) -> PeerAddr {
    match target.network.transport() {
        Transport::Unixgram => PeerAddr::Unixgram(path.clone()),
        _ => PeerAddr::Unix(path.clone()),
    }
}
