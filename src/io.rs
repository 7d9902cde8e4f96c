//! The two seams through which operations reach the world, and the real ones.
//!
//! Tests replace [`Io`] by a fake with paused time; the binary uses `SystemIo`.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};

use crate::deadline::Deadline;
use crate::failure::Failure;
use crate::net::{Connection, PeerAddr, SocketOptions};
use crate::resolve::{Answer, Question};

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
