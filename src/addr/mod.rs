//! Addresses as people write them: networks, hosts, ports, and the targets made of them.
//!
//! Parsed once, here, for every subcommand. No I/O except the one read of `/etc/services` that a
//! port name asks for; no names are looked up.

pub mod batch;
pub mod class;
pub mod classify;
pub mod describe;
pub mod endpoint;
pub mod error;
mod explain;
pub mod filter;
pub mod format;
pub mod forms;
mod grammar;
pub mod groups;
mod host;
pub mod hostport;
pub mod ip;
pub mod list;
pub mod listen;
mod lookup_port;
pub mod mac;
pub(crate) mod nearest;
pub mod net;
pub mod network;
mod piece;
mod ports;
pub mod prefix;
pub mod protocol;
pub mod range;
mod recognise;
pub mod scan;
pub mod service;
pub mod set;
pub mod spec;
pub mod special;
pub mod table;
pub mod target;
#[cfg(test)]
mod tests;
mod text;
mod unix;
mod wording;
mod zoned;

pub use class::{AddrError, Class};
pub use endpoint::{resolve_ip, resolve_tcp, resolve_udp};
pub use error::ParseError;
pub use hostport::{AddrPort, join_host_port, parse_addr_port, split_host_port};
pub use ip::{Literal, parse_addr};
pub use lookup_port::{lookup_port, lookup_port_in};
pub use mac::{Mac, parse_mac};
pub use network::{Family, Network, Transport};
pub use prefix::{Cidr, Prefix, parse_cidr, parse_prefix};
pub use range::{IpRange, parse_range};
pub use spec::TargetSpec;
pub use target::{Endpoint, Host, Target, UnixPath};
pub use zoned::{ZonedAddr, parse_ip};
