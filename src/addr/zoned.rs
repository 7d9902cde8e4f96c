//! An owned address with its zone: what `netip.Addr` is in Go.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use super::class::AddrError;
use super::ip::{Literal, parse_addr};
use super::text::serde_as_text;

/// An address and, on IPv6, perhaps a zone.
///
/// ```
/// use netkit::addr::ZonedAddr;
/// let addr: ZonedAddr = "FE80:0::1%eth0".parse().unwrap();
/// assert_eq!(addr.to_string(), "fe80::1%eth0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZonedAddr {
    /// The address.
    pub ip: IpAddr,
    /// What stands after `%`.
    pub zone: Option<Arc<str>>,
}

impl ZonedAddr {
    /// The borrowed form.
    #[must_use]
    pub fn as_literal(&self) -> Literal<'_> {
        let zone = self.zone.as_deref();
        Literal { ip: self.ip, zone }
    }
}

impl From<Literal<'_>> for ZonedAddr {
    fn from(literal: Literal<'_>) -> Self {
        let zone = literal.zone.map(Arc::from);
        Self {
            ip: literal.ip,
            zone,
        }
    }
}

impl From<IpAddr> for ZonedAddr {
    fn from(ip: IpAddr) -> Self {
        Self { ip, zone: None }
    }
}

impl fmt::Display for ZonedAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_literal().fmt(f)
    }
}

impl FromStr for ZonedAddr {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        parse_addr(text)
            .map(Self::from)
            .map_err(|error| AddrError::literal(text, error, 0))
    }
}

serde_as_text!(ZonedAddr, "ZonedAddr");

/// Parses an address as Go's `net.ParseIP`: no zone, and an IPv4-mapped one is its IPv4 address.
///
/// ```
/// use netkit::addr::parse_ip;
/// assert_eq!(parse_ip("::ffff:192.0.2.1").unwrap().to_string(), "192.0.2.1");
/// assert!(parse_ip("fe80::1%eth0").is_err());
/// ```
pub fn parse_ip(text: &str) -> Result<IpAddr, AddrError> {
    use super::class::Class;
    use super::ip::Fault;

    let literal = parse_addr(text).map_err(|error| AddrError::literal(text, error, 0))?;
    match literal.zone {
        None => Ok(literal.ip.to_canonical()),
        Some(zone) => {
            let start = text.len() - zone.len() - 1;
            Err(AddrError::new(
                Class::Literal(Fault::WantColon),
                start..text.len(),
            ))
        }
    }
}
