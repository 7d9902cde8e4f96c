//! TLS on a connection that stands: what is asked of it, what it came to, and how it fails.
//!
//! The values are always here, so that reports have one shape; the handshake needs the feature
//! `tls`.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod blame;
#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod client;
#[cfg(feature = "tls")]
mod connection;
#[cfg(feature = "tls")]
mod explain;
#[cfg(feature = "tls")]
mod facts;
pub mod handshake;
#[cfg(feature = "tls")]
mod library;
mod options;
#[cfg(feature = "tls")]
mod pem;
#[cfg(feature = "quic")]
pub(in crate::net) mod quic;
#[cfg(feature = "tls")]
mod roots;
#[cfg(feature = "tls")]
mod server;
mod serving;
#[cfg(feature = "tls")]
mod sniff;
#[cfg(feature = "tls")]
mod spiffe;
pub mod spiffe_id;
pub mod starttls;
mod svid_choice;
mod unprepared;
#[cfg(feature = "tls")]
pub mod workload;
pub mod workload_endpoint;
mod workload_facts;

/// What is to be known of a connection that was closed while TLS on it was not.
pub(crate) const UNANNOUNCED: &str = "without TLS close_notify: what it said may be cut short";

#[cfg(not(feature = "tls"))]
pub use self::absent::{Met, TlsClient};
#[cfg(feature = "tls")]
pub use self::client::{Met, TlsClient};
#[cfg(feature = "tls")]
pub use self::connection::TlsConnection;
pub use self::handshake::Handshake;
pub use self::options::{IdentityFiles, Roots, TlsFacts, TlsOptions, TlsVersion};
#[cfg(feature = "tls")]
pub use self::pem::Identity;
#[cfg(feature = "tls")]
pub use self::server::{TlsServer, TlsServerStream};
pub use self::serving::{TlsAccepted, TlsServerOptions};
pub use self::spiffe_id::{SpiffeId, SpiffePeer};
pub use self::svid_choice::SvidChoice;
pub use self::unprepared::{Part, Unprepared};
#[cfg(feature = "tls")]
pub use self::workload::WorkloadIdentity;
pub use self::workload_endpoint::WorkloadEndpoint;
pub use self::workload_facts::IdentityFacts;
