//! The two seams through which operations reach the world, and the real ones.
//!
//! Tests replace [`Io`] by a fake with paused time; the binary uses `SystemIo`.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};

use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::failure::Failure;
use crate::net::{self, Connection, PeerAddr, SocketOptions};
use crate::resolve::{Answer, Lookup, Question, StubResolver};

/// Connects and looks up.
pub trait Io: Send + Sync {
    /// Connects one address. On failure (the deadline included) the result is already classified,
    /// with evidence. Cancel safe: dropping the future closes the socket.
    fn connect(
        &self,
        addr: &PeerAddr,
        options: &SocketOptions,
        deadline: &Deadline,
    ) -> impl Future<Output = Result<Box<dyn Connection>, Failure>> + Send;

    /// Asks for the addresses of one family; see [`crate::resolve::Lookup`].
    fn lookup(
        &self,
        question: &Question,
        deadline: &Deadline,
    ) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// The source address the kernel would choose towards `destination`, without sending a packet
    /// (RFC 6724 needs it); `None` when there is no route.
    fn source_for(&self, destination: SocketAddr) -> Option<IpAddr>;

    /// Whether [`crate::net::sweep`] reaches the same world as `connect`, so that many literal
    /// addresses may go through one loop. Fakes say no.
    fn sweeps(&self) -> bool {
        false
    }

    /// The scope id of an IPv6 zone: an interface name or number.
    fn scope_id(&self, zone: &str) -> Result<u32, Failure>;
}

/// The real world: sockets of this machine, and names from the [`Lookup`] it is given.
///
/// Making one costs nothing; a lookup that reads files or opens sockets should do so when first
/// asked, because a dial of a literal address never asks.
#[derive(Clone, Debug)]
pub struct SystemIo<L = StubResolver> {
    lookup: L,
}

impl<L: Lookup> SystemIo<L> {
    /// Takes the source of names.
    #[must_use]
    pub fn new(lookup: L) -> Self {
        Self { lookup }
    }

    /// The source of names.
    #[must_use]
    pub fn names(&self) -> &L {
        &self.lookup
    }
}

impl Default for SystemIo {
    /// With the names of the system's own resolver configuration.
    fn default() -> Self {
        Self::new(StubResolver::default())
    }
}

impl<L: Lookup> Io for SystemIo<L> {
    async fn connect(
        &self,
        addr: &PeerAddr,
        options: &SocketOptions,
        deadline: &Deadline,
    ) -> Result<Box<dyn Connection>, Failure> {
        let began = Instant::now();
        let connected = net::connect(addr, options, deadline).await;
        if let PeerAddr::Tcp(to) = addr {
            let latency = connected.as_ref().ok().map(|_| began.elapsed());
            self.lookup.saw(to.ip(), latency);
        }
        connected
    }

    async fn lookup(&self, question: &Question, deadline: &Deadline) -> Result<Answer, Failure> {
        self.lookup.lookup(question, deadline).await
    }

    fn source_for(&self, destination: SocketAddr) -> Option<IpAddr> {
        net::source_for(destination)
    }

    fn sweeps(&self) -> bool {
        true
    }

    fn scope_id(&self, zone: &str) -> Result<u32, Failure> {
        net::interface::scope_id(zone)
    }
}
