//! The wire: sockets, their options, and what the kernel knows about them.
//!
//! The only module that opens sockets, and (`sys`) the only one with `unsafe`. It classifies every
//! error where it is born and never decides what to try next; that is `policy`'s.

pub mod addr;
pub mod addrinfo;
mod classify;
mod connect;
pub mod datagram;
pub(crate) mod datagrams;
pub mod detection;
mod errqueue;
pub mod facts;
#[cfg(feature = "tls")]
pub(crate) mod http2;
mod icmp;
pub mod interface;
#[macro_use]
pub mod layers;
pub mod limits;
pub mod listen;
pub mod options;
pub mod pool;
pub mod programs;
pub mod proxy_protocol;
#[cfg(feature = "quic")]
pub mod quic;
pub mod relay;
pub mod serve;
mod socket;
mod socket_options;
mod sockopt;
pub mod stream;
pub mod suspend;
pub mod sweep;
pub mod syn;
mod sys;
pub mod tcp_info;
pub mod tls;

pub use addr::PeerAddr;
pub use connect::{connect, source_for};
pub use detection::Detection;
pub use facts::{Connected, KeepaliveFacts, OptionFact, OptionValue, SocketFacts};
pub use options::{Close, Keepalive, LocalAddr, SocketOptions};
pub use stream::Connection;
pub use tcp_info::{Passed, TcpInfo};
