//! The library through fakes and paused time, and the rules of its sources.

mod addr_laws;
mod dial;
#[path = "../support/dns.rs"]
mod dns;
mod dnssec;
mod fakes;
mod heartbeat;
mod layering;
mod layers;
mod messages;
mod net;
mod pool;
mod resolve;
#[cfg(feature = "quic")]
mod resolve_deadline;
mod resolve_exchange;
mod resolve_misbehaviour;
#[cfg(feature = "policy")]
mod resolve_policy;
#[cfg(feature = "quic")]
mod resolve_secure;
mod resolve_system;
mod resolve_transfer;
#[cfg(feature = "quic")]
#[path = "../support/secure.rs"]
mod secure;
#[path = "../support/stopwatch.rs"]
mod stopwatch;
#[cfg(feature = "tls")]
#[path = "../support/tls.rs"]
mod tls_server;
mod vectors;
#[cfg(feature = "tls")]
#[path = "../support/workload.rs"]
mod workload;
#[cfg(feature = "tls")]
mod workload_api;
