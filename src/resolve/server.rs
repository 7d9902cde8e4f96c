//! Name servers as people write them.
//!
//! Pure: a zone stays text here and becomes a scope id where the socket is made.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use crate::addr::ParseError;

/// The port of DNS over UDP and TCP (RFC 1035 §4.2).
pub const DNS_PORT: u16 = 53;

/// What the error of a wrong server text says would be right.
const EXPECTED: &str = "an address such as 8.8.8.8, 8.8.8.8:5353, [::1]:53 or tcp://8.8.8.8";

/// Over what a server may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transports {
    /// UDP first, and TCP when UDP does not do.
    #[default]
    Both,
    /// UDP and nothing else.
    UdpOnly,
    /// TCP from the start.
    TcpOnly,
}

/// A name server as the user named it.
///
/// ```
/// use netkit::resolve::NameServer;
/// let server: NameServer = "tcp://[2001:db8::53]".parse().unwrap();
/// assert_eq!(server.to_string(), "tcp://[2001:db8::53]:53");
/// let error = "tls://192.0.2.53".parse::<NameServer>().unwrap_err();
/// assert_eq!(error.message, "DNS over TLS is not supported by this version");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameServer {
    /// Address and port; the port defaults to 53.
    pub addr: SocketAddr,
    /// The IPv6 zone when it was written as a name: an interface.
    pub zone: Option<Arc<str>>,
    /// Over what it is asked.
    pub transports: Transports,
}

impl From<SocketAddr> for NameServer {
    fn from(addr: SocketAddr) -> Self {
        Self {
            addr,
            zone: None,
            transports: Transports::default(),
        }
    }
}

impl fmt::Display for NameServer {
    /// Writes the form that parses back: `192.0.2.53:53`, `tcp://[fe80::1%eth0]:53`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.transports {
            Transports::Both => "",
            Transports::UdpOnly => "udp://",
            Transports::TcpOnly => "tcp://",
        })?;
        match &self.zone {
            Some(zone) => write!(f, "[{}%{zone}]:{}", self.addr.ip(), self.addr.port()),
            None => write!(f, "{}", self.addr),
        }
    }
}

impl FromStr for NameServer {
    type Err = ParseError;

    /// Reads `ip`, `ip:port`, `ip#port`, `[ip]:port`, with `udp://` or `tcp://` before it.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (transports, start) = scheme(text)?;
        let (host, port) = split(text, start)?;
        let port = port.map_or(Ok(DNS_PORT), |at| parse_port(text, at))?;
        let (addr, zone) = parse_host(text, host, port)?;
        Ok(Self {
            addr,
            zone,
            transports,
        })
    }
}

/// Bytes of the whole text.
type Span = std::ops::Range<usize>;

/// Reads the scheme; the second value is where the rest begins.
fn scheme(text: &str) -> Result<(Transports, usize), ParseError> {
    let Some(end) = text.find("://") else {
        return Ok((Transports::Both, 0));
    };
    let transport = match text[..end].to_ascii_lowercase().as_str() {
        "udp" => return Ok((Transports::UdpOnly, end + 3)),
        "tcp" => return Ok((Transports::TcpOnly, end + 3)),
        "tls" => "DNS over TLS",
        "https" => "DNS over HTTPS",
        "quic" => "DNS over QUIC",
        "h3" => "DNS over HTTP/3",
        other => {
            let message = format!("unknown scheme {other:?} of a name server");
            return Err(ParseError::new(text, 0..end, message, "udp:// or tcp://"));
        }
    };
    let message = format!("{transport} is not supported by this version");
    Err(ParseError::new(text, 0..end, message, "udp:// or tcp://"))
}

/// Separates host and port.
fn split(text: &str, start: usize) -> Result<(Span, Option<Span>), ParseError> {
    let rest = &text[start..];
    let end = text.len();
    if rest.starts_with('[') {
        return split_brackets(text, start);
    }
    if let Some(at) = rest.find('#') {
        return Ok((start..start + at, Some(start + at + 1..end)));
    }
    match rest.match_indices(':').collect::<Vec<_>>()[..] {
        [(at, _)] => Ok((start..start + at, Some(start + at + 1..end))),
        // No colon, or an IPv6 address without a port.
        _ => Ok((start..end, None)),
    }
}

fn split_brackets(text: &str, start: usize) -> Result<(Span, Option<Span>), ParseError> {
    let Some(close) = text[start..].find(']').map(|at| start + at) else {
        let end = text.len();
        return Err(ParseError::new(
            text,
            start..end,
            "the bracket is not closed",
            EXPECTED,
        ));
    };
    let host = start + 1..close;
    match text[close + 1..].chars().next() {
        None => Ok((host, None)),
        Some(':' | '#') => Ok((host, Some(close + 2..text.len()))),
        Some(_) => {
            let span = close + 1..text.len();
            Err(ParseError::new(
                text,
                span,
                "text after the bracket",
                "a colon and a port",
            ))
        }
    }
}

fn parse_port(text: &str, at: Span) -> Result<u16, ParseError> {
    let digits = &text[at.clone()];
    let expected = "a port from 1 to 65535";
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("{digits:?} is not a port number");
        return Err(ParseError::new(text, at, message, expected));
    }
    match digits.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => {
            let message = format!("port {digits} is out of range");
            Err(ParseError::new(text, at, message, expected))
        }
    }
}

/// An address with its port, and the zone that is a name.
type Host = (SocketAddr, Option<Arc<str>>);

fn parse_host(text: &str, at: Span, port: u16) -> Result<Host, ParseError> {
    let host = &text[at.clone()];
    let (literal, zone) = match host.split_once('%') {
        Some((literal, zone)) => (literal, Some(zone)),
        None => (host, None),
    };
    let Ok(ip) = literal.parse::<IpAddr>() else {
        return Err(not_an_address(text, at));
    };
    let zone_span = at.start + literal.len()..at.end;
    match (ip, zone) {
        (_, None) => Ok((SocketAddr::new(ip, port), None)),
        (IpAddr::V4(_), Some(_)) => {
            let message = "an IPv4 address has no zone";
            Err(ParseError::new(text, zone_span, message, EXPECTED))
        }
        (IpAddr::V6(_), Some(zone)) if zone.is_empty() || !is_interface_name(zone) => {
            let message = format!("{zone:?} is not an interface");
            let expected = "an interface after %";
            Err(ParseError::new(text, zone_span, message, expected))
        }
        (IpAddr::V6(ip), Some(zone)) => Ok(match zone.parse() {
            Ok(scope) => (std::net::SocketAddrV6::new(ip, port, 0, scope).into(), None),
            Err(_) => (SocketAddr::new(ip.into(), port), Some(zone.into())),
        }),
    }
}

/// What Linux allows in the name of an interface (`dev_valid_name`), less what ends a zone in text.
fn is_interface_name(zone: &str) -> bool {
    let allowed = |ch: char| !ch.is_whitespace() && !ch.is_control() && !"/:[]#%".contains(ch);
    zone.chars().all(allowed)
}

/// Tells a missing address, a host name and a garbled address apart.
fn not_an_address(text: &str, at: Span) -> ParseError {
    let host = &text[at.clone()];
    if host.is_empty() {
        return ParseError::new(
            text,
            at,
            "the address of the name server is missing",
            EXPECTED,
        );
    }
    let name_like = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_name =
        host.bytes().all(name_like) && host.bytes().any(|byte| byte.is_ascii_alphabetic());
    if is_name {
        let message = "a host name as name server is not supported by this version";
        return ParseError::new(text, at, message, EXPECTED);
    }
    let message = format!("{host:?} is not an IP address");
    ParseError::new(text, at, message, EXPECTED)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_a_server_is_read() {
        let rows = [
            ("8.8.8.8", "8.8.8.8:53"),
            ("8.8.8.8:5353", "8.8.8.8:5353"),
            ("8.8.8.8#5353", "8.8.8.8:5353"),
            ("::1", "[::1]:53"),
            ("::1#54", "[::1]:54"),
            ("[::1]", "[::1]:53"),
            ("[::1]:54", "[::1]:54"),
            ("[::1]#54", "[::1]:54"),
            ("fe80::1%eth0", "[fe80::1%eth0]:53"),
            ("[fe80::1%eth0]:54", "[fe80::1%eth0]:54"),
            ("fe80::1%2", "[fe80::1%2]:53"),
            ("udp://192.0.2.1", "udp://192.0.2.1:53"),
            ("TCP://192.0.2.1:54", "tcp://192.0.2.1:54"),
            ("tcp://[::1]:54", "tcp://[::1]:54"),
            ("tcp://::1", "tcp://[::1]:53"),
        ];
        for (text, expected) in rows {
            let server: NameServer = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(server.to_string(), expected, "{text}");
            assert_eq!(expected.parse(), Ok(server), "{text}");
        }
    }

    #[test]
    fn every_fault_is_pointed_at() {
        let rows = [
            ("", 0..0, "the address of the name server is missing"),
            (":53", 0..0, "the address of the name server is missing"),
            ("1.2.3", 0..5, "\"1.2.3\" is not an IP address"),
            ("1.2.3.4:", 8..8, "\"\" is not a port number"),
            ("1.2.3.4:+5", 8..10, "\"+5\" is not a port number"),
            ("1.2.3.4:0", 8..9, "port 0 is out of range"),
            ("1.2.3.4:65536", 8..13, "port 65536 is out of range"),
            ("1.2.3.4#x", 8..9, "\"x\" is not a port number"),
            ("[::1", 0..4, "the bracket is not closed"),
            ("[::1]53", 5..7, "text after the bracket"),
            ("::1%", 3..4, "\"\" is not an interface"),
            ("::1%a:b", 3..7, "\"a:b\" is not an interface"),
            ("::1%a]", 3..6, "\"a]\" is not an interface"),
            ("1.2.3.4%eth0", 7..12, "an IPv4 address has no zone"),
            (
                "tls://1.1.1.1",
                0..3,
                "DNS over TLS is not supported by this version",
            ),
            (
                "https://dns.example/dns-query",
                0..5,
                "DNS over HTTPS is not supported by this version",
            ),
            (
                "quic://1.1.1.1",
                0..4,
                "DNS over QUIC is not supported by this version",
            ),
            (
                "h3://1.1.1.1",
                0..2,
                "DNS over HTTP/3 is not supported by this version",
            ),
            (
                "ftp://1.1.1.1",
                0..3,
                "unknown scheme \"ftp\" of a name server",
            ),
            (
                "dns.example:53",
                0..11,
                "a host name as name server is not supported by this version",
            ),
            (
                "udp://dns.example",
                6..17,
                "a host name as name server is not supported by this version",
            ),
        ];
        for (text, span, message) in rows {
            let error = text.parse::<NameServer>().unwrap_err();
            assert_eq!(
                (error.span, error.message.as_str()),
                (span, message),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_with_a_span_inside_it(text in "\\PC{0,40}") {
            match text.parse::<NameServer>() {
                Ok(server) => prop_assert_eq!(server.to_string().parse(), Ok(server)),
                Err(error) => prop_assert!(text.get(error.span).is_some()),
            }
        }
    }
}
