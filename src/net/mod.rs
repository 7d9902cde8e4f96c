//! The wire: sockets, their options, and what the kernel knows about them.
//!
//! The only module that opens sockets, and (`sys`) the only one with `unsafe`. It classifies every
//! error where it is born and never decides what to try next; that is `policy`'s.

pub mod addr;
pub mod facts;
pub mod options;
pub mod stream;
pub mod sweep;
pub mod tcp_info;

pub use addr::PeerAddr;
pub use facts::{Connected, KeepaliveFacts, OptionFact, SocketFacts};
pub use options::{Close, Keepalive, LocalAddr, SocketOptions};
pub use stream::Connection;
pub use tcp_info::TcpInfo;
