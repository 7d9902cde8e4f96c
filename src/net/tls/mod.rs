//! TLS on a connection that stands: what is asked of it, what it came to, and how it fails.
//!
//! The values are always here, so that reports have one shape; the handshake needs the feature
//! `tls`.

#[cfg(feature = "tls")]
mod client;
mod options;
#[cfg(feature = "tls")]
mod sniff;

#[cfg(feature = "quic")]
pub(in crate::net) use self::client::quic;
#[cfg(feature = "tls")]
pub use self::client::{TlsClient, TlsConnection};
pub use self::options::{Roots, TlsFacts, TlsOptions, TlsVersion};
