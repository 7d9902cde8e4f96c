//! Names to addresses for every subcommand.
//!
//! The seam is [`Lookup`]: one question for one family, answered or failed, by a deadline. AAAA and
//! A are asked separately so that a dial can race them (RFC 8305 §3). Below it, each layer knows
//! only the next:
//!
//! | layer | files | what it adds |
//! |---|---|---|
//! | [`StubResolver`] | `stub`, `setup`, `system`, `hosts`, `resolv_conf`, `cache` | hosts file, special names, the system's configuration, answers kept |
//! | search | `search`, `explain` | search list, aliases across replies, the typed failure |
//! | servers | `servers`, `judge` | failover, shares of the deadline, the best finding |
//! | [`Client::exchange`] | `exchange`, `ledger`, `query` | one server: retransmission, four reasons for TCP, no EDNS when refused |
//! | carriers | `client`, `link`, `conversation`, `stream`, `doh`, `https`, `h3` | connections that are kept: TCP, TLS, HTTP/2, QUIC, HTTP/3 |
//! | the wire | `udp`, `query`, `wire` | datagrams; what is asked, what came |
//! | messages | `message`, `rdata`, `edns`, `registry`, `name`, `idn` | our own codec, sans-I/O: bytes to records to text and fields |
//!
//! The engine's shape is `exchange(server, ask, policy, clock) -> Outcome`: the reply, if there is
//! one, and the ledger of every try that led to it or to nothing.

pub mod bulk;
mod cache;
pub mod check;
pub mod client;
pub mod command;
mod conversation;
pub mod dnssec;
#[cfg(feature = "tls")]
mod doh;
pub mod edns;
pub mod exchange;
mod explain;
#[cfg(feature = "quic")]
mod h3;
pub mod hosts;
#[cfg(feature = "tls")]
mod https;
mod idn;
pub mod judge;
pub mod ledger;
mod link;
pub mod lookup;
pub mod message;
pub mod name;
#[cfg(feature = "policy")]
pub mod policy;
pub mod query;
mod random;
pub mod rdata;
pub mod registry;
pub mod resolv_conf;
pub mod rfc8427;
mod search;
pub mod server;
mod servers;
mod setup;
mod stream;
pub mod stub;
pub mod system;
mod task;
pub mod trace;
pub mod transfer;
mod udp;
pub mod upstream;
pub mod wire;
pub mod zone_line;

pub use client::{Client, ClientConfig};
pub use exchange::{Policy, exchange};
pub use hosts::Hosts;
pub use ledger::Outcome;
pub use lookup::{Answer, Lookup, Question, Source};
pub use name::{DomainName, NameError};
pub use resolv_conf::ResolvConf;
pub use server::{NameServer, ServerHost, Transports};
pub use stub::{StubConfig, StubResolver};
pub use system::SystemFiles;
pub use upstream::Upstream;
