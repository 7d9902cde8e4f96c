//! `host:port` as Go's `net` splits and joins it, and `addr:port` as `net/netip` reads it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::ZonedAddr;
use super::class::{AddrError, Class};
use super::ip::{Literal, parse_addr};
use super::text::serde_as_text;

/// Splits at the last colon, as `net.SplitHostPort`: neither part is looked into.
///
/// ```
/// use netkit::addr::split_host_port;
/// assert_eq!(split_host_port("[fe80::1%lo]:http").unwrap(), ("fe80::1%lo", "http"));
/// assert_eq!(split_host_port(":80").unwrap(), ("", "80"));
/// assert_eq!(split_host_port("::1").unwrap_err().class.code(), "too_many_colons");
/// ```
pub fn split_host_port(text: &str) -> Result<(&str, &str), AddrError> {
    let error = |class, start, end| Err(AddrError::new(class, start..end));
    let len = text.len();
    let Some(colon) = text.rfind(':') else {
        return error(Class::MissingPort, len, len);
    };
    let (host, open_from, close_from) = if text.starts_with('[') {
        let Some(end) = text.find(']') else {
            return error(Class::MissingBracket, 0, 1);
        };
        if end + 1 != colon {
            return match text.as_bytes().get(end + 1) {
                Some(b':') => error(Class::TooManyColons, end + 1, len),
                _ => error(Class::MissingPort, end + 1, len),
            };
        }
        (&text[1..end], 1, end + 1)
    } else {
        if let Some(first) = text[..colon].find(':') {
            return error(Class::TooManyColons, first, len);
        }
        (&text[..colon], 0, 0)
    };
    if let Some(at) = text[open_from..].find('[') {
        let at = open_from + at;
        return error(Class::UnexpectedOpenBracket, at, at + 1);
    }
    if let Some(at) = text[close_from..].find(']') {
        let at = close_from + at;
        return error(Class::UnexpectedCloseBracket, at, at + 1);
    }
    Ok((host, &text[colon + 1..]))
}

/// Joins a host and a port, as `net.JoinHostPort`: brackets exactly when the host has a colon.
///
/// ```
/// use netkit::addr::join_host_port;
/// assert_eq!(join_host_port("::1", "80"), "[::1]:80");
/// ```
#[must_use]
pub fn join_host_port(host: &str, port: &str) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// A literal address and a port: `netip.AddrPort`.
///
/// ```
/// use netkit::addr::AddrPort;
/// let endpoint: AddrPort = "[fe80::1%eth0]:080".parse().unwrap();
/// assert_eq!(endpoint.to_string(), "[fe80::1%eth0]:80");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddrPort {
    /// The address.
    pub addr: ZonedAddr,
    /// The port.
    pub port: u16,
}

impl From<SocketAddr> for AddrPort {
    fn from(addr: SocketAddr) -> Self {
        let (addr, port) = (addr.ip().into(), addr.port());
        Self { addr, port }
    }
}

impl fmt::Display for AddrPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.addr.ip {
            IpAddr::V4(_) => write!(f, "{}:{}", self.addr, self.port),
            IpAddr::V6(_) => write!(f, "[{}]:{}", self.addr, self.port),
        }
    }
}

impl FromStr for AddrPort {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        let (literal, port) = parse_addr_port(text)?;
        let addr = literal.into();
        Ok(Self { addr, port })
    }
}

serde_as_text!(AddrPort, "AddrPort");

/// Parses as `netip.ParseAddrPort`: digits for the port, brackets for IPv6 and only for it. A bad
/// port is reported before a bad address.
pub fn parse_addr_port(text: &str) -> Result<(Literal<'_>, u16), AddrError> {
    let error = |class, start, end| AddrError::new(class, start..end);
    let len = text.len();
    let colon = text
        .rfind(':')
        .ok_or_else(|| error(Class::NoColon, len, len))?;
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    if host.is_empty() {
        return Err(error(Class::EmptyIp, 0, 0));
    }
    if port.is_empty() {
        return Err(error(Class::EmptyPort, len, len));
    }
    let (literal, offset) = match host.strip_prefix('[') {
        None => (host, 0),
        Some(inner) => {
            let inner = inner.strip_suffix(']');
            (inner.ok_or_else(|| error(Class::MissingBracket, 0, 1))?, 1)
        }
    };
    let port = decimal_port(port).ok_or_else(|| error(Class::InvalidPort, colon + 1, len))?;
    let parsed = parse_addr(literal).map_err(|fault| AddrError::literal(literal, fault, offset))?;
    match (parsed.ip, offset) {
        (IpAddr::V4(_), 1) => Err(error(Class::BracketsOnV4, 0, colon)),
        (IpAddr::V6(_), 0) => Err(error(Class::V6WithoutBrackets, 0, colon)),
        _ => Ok((parsed, port)),
    }
}

/// Digits alone, leading zeros allowed.
fn decimal_port(text: &str) -> Option<u16> {
    text.bytes().try_fold(0u16, |value, byte| {
        byte.is_ascii_digit().then_some(())?;
        value.checked_mul(10)?.checked_add(u16::from(byte - b'0'))
    })
}
