//! The seam between whoever needs an address and whoever knows one.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::addr::Family;
use crate::deadline::Deadline;
use crate::failure::{Evidence, Failure};
use crate::time::Millis;

/// One question: the addresses of a name in one family.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name as typed; a final dot means that the search list does not apply.
    pub name: Arc<str>,
    /// A or AAAA.
    pub family: Family,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The host was a literal address.
    Literal,
    /// The hosts file.
    Hosts,
    /// A name server over UDP.
    Udp,
    /// A name server over TCP.
    Tcp,
    /// Known without asking (RFC 6761: `localhost`).
    Special,
    /// An earlier answer that still holds; its TTL is what is left.
    Cache,
}

/// The addresses of one family, and how they were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// In the order of the answer; never empty.
    pub addresses: Vec<IpAddr>,
    /// The name at the end of the CNAME chain or search list, as asked on the wire.
    pub name: String,
    /// Where they came from.
    pub source: Source,
    /// The server that answered, if one did, now or earlier.
    pub server: Option<SocketAddr>,
    /// The smallest TTL of the answer, seconds.
    pub ttl: Option<u32>,
    /// Time from the question to this answer.
    pub took: Millis,
    /// What each server did, where that was not simply to answer over the first carrier tried:
    /// why it took as long as it did. Empty otherwise.
    pub evidence: Vec<Evidence>,
}

/// Answers questions. Implementations are cheap to clone or share and are used concurrently.
pub trait Lookup: Send + Sync {
    /// Asks one question and answers by the deadline, or says why not (kinds `nxdomain`, `no_data`,
    /// `servfail`, `dns_*`, `timeout`). Cancel safe: dropping the future closes its sockets.
    fn lookup(
        &self,
        question: &Question,
        deadline: &Deadline,
    ) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Hears how long connecting to an address took, or that it failed (`None`). Whoever orders addresses
    /// by what was measured wants to know; nobody else does.
    fn saw(&self, _ip: IpAddr, _latency: Option<Duration>) {}
}
