//! A name server that can be asked: its address is known, and what it must prove.
//!
//! Separate from `server`, which is what somebody wrote: one that is given by name stands for as
//! many upstreams as the name has addresses.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::ledger::Carrier;
use super::server::{NameServer, Transports};

/// Where and how to ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// The address to dial, with its scope.
    pub addr: SocketAddr,
    /// Over what.
    pub transports: Transports,
    /// What the server must prove, and where its HTTP resource is; `None` without TLS.
    pub secure: Option<Arc<Secure>>,
}

/// What belongs to a server that is asked over TLS or QUIC.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Secure {
    /// The name or address that its certificate must be for.
    pub name: String,
    /// The path of the HTTP resource; empty without HTTP.
    pub path: String,
}

impl Upstream {
    /// The server at this address; its host and zone are resolved already.
    #[must_use]
    pub fn new(server: &NameServer, addr: SocketAddr) -> Self {
        let secure = server.transports.is_secure().then(|| {
            let path = server.path.as_deref().unwrap_or_default().to_owned();
            let name = server.certified();
            Arc::new(Secure { name, path })
        });
        let transports = server.transports;
        Self {
            addr,
            transports,
            secure,
        }
    }

    /// What carries the first question.
    #[must_use]
    pub fn carrier(&self) -> Carrier {
        match self.transports {
            Transports::Both | Transports::UdpOnly => Carrier::Udp,
            Transports::TcpOnly => Carrier::Tcp,
            Transports::Tls => Carrier::Tls,
            Transports::Https => Carrier::Https,
            Transports::Quic => Carrier::Quic,
            Transports::H3 => Carrier::H3,
        }
    }
}

impl From<SocketAddr> for Upstream {
    /// Plain DNS: UDP, and TCP when UDP does not do.
    fn from(addr: SocketAddr) -> Self {
        Self {
            addr,
            transports: Transports::default(),
            secure: None,
        }
    }
}

impl fmt::Display for Upstream {
    /// Writes what is dialled in the words of [`NameServer`]: `tls://dns.example@192.0.2.53:853`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.transports.scheme() {
            write!(f, "{scheme}://")?;
        }
        match &self.secure {
            Some(secure) if secure.name != self.addr.ip().to_string() => {
                write!(f, "{}@{}{}", secure.name, self.addr, secure.path)
            }
            Some(secure) => write!(f, "{}{}", self.addr, secure.path),
            None => write!(f, "{}", self.addr),
        }
    }
}
