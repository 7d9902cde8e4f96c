//! Addresses as people write them: networks, hosts, ports, and the targets made of them.
//!
//! Parsed once, here, for every subcommand. No I/O except the one read of `/etc/services` that a
//! port name asks for; no names are looked up.

pub mod error;
mod explain;
mod grammar;
mod host;
pub mod ip;
pub mod list;
mod nearest;
pub mod network;
mod piece;
mod ports;
pub mod service;
pub mod spec;
pub mod target;
#[cfg(test)]
mod tests;
mod unix;

pub use error::ParseError;
pub use network::{Family, Network, Transport};
pub use spec::TargetSpec;
pub use target::{Endpoint, Host, Target, UnixPath};
