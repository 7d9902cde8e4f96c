//! Reading a name server from text: `[scheme://][name@]host[:port][/path]`.
//!
//! Every fault is pointed at, with the form that would be right.

use std::net::IpAddr;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use crate::addr::ParseError;
use crate::resolve::name::DomainName;

use super::{DOH_PATH, GET_TEMPLATE, NameServer, ServerHost, Transports};

/// What the error of a wrong server text says would be right.
const EXPECTED: &str = "an address such as 8.8.8.8, 8.8.8.8:5353, [::1]:53 or tcp://8.8.8.8";
const SCHEMES: &str = "udp://, tcp://, tls://, https://, quic:// or h3://";
const SECURE_SCHEMES: &str = "tls://, https://, quic:// or h3:// before a name to verify";
const NAME: &str = "a host name such as dns.example";

/// Bytes of the whole text.
type Span = Range<usize>;

impl FromStr for NameServer {
    type Err = ParseError;

    /// Reads `ip`, `ip:port`, `ip#port`, `[ip]:port` or a host name, with `udp://`, `tcp://`,
    /// `tls://`, `https://`, `quic://` or `h3://` before it; with the last four, `name@` before
    /// the host names whom the certificate must be for.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (transports, start) = scheme(text)?;
        let authority = text[start..].find('/').map_or(text.len(), |at| start + at);
        let path = path(text, transports, authority..text.len())?;
        let (identity, host) = identity(text, transports, start..authority)?;
        let (host, port) = split(text, host)?;
        let port = match port {
            Some(at) => parse_port(text, at)?,
            None => transports.default_port(),
        };
        Ok(Self {
            host: parse_host(text, host)?,
            port,
            transports,
            identity,
            path,
        })
    }
}

/// Reads the scheme; the second value is where the rest begins.
fn scheme(text: &str) -> Result<(Transports, usize), ParseError> {
    let Some(end) = text.find("://") else {
        return Ok((Transports::Both, 0));
    };
    let transports = match text[..end].to_ascii_lowercase().as_str() {
        "udp" => Transports::UdpOnly,
        "tcp" => Transports::TcpOnly,
        "tls" => Transports::Tls,
        "https" => Transports::Https,
        "quic" => Transports::Quic,
        "h3" => Transports::H3,
        "http" => {
            let message = "DNS over HTTP is defined with TLS only";
            return Err(ParseError::new(text, 0..end, message, "https://"));
        }
        other => {
            let message = format!("unknown scheme {other:?} of a name server");
            return Err(ParseError::new(text, 0..end, message, SCHEMES));
        }
    };
    built_in(transports)
        .map_err(|message| ParseError::new(text, 0..end, message, "udp:// or tcp://"))?;
    Ok((transports, end + 3))
}

/// Refuses what this build of the library was made without.
fn built_in(transports: Transports) -> Result<(), String> {
    let (feature, is_there) = match transports {
        Transports::Both | Transports::UdpOnly | Transports::TcpOnly => return Ok(()),
        Transports::Tls | Transports::Https => ("tls", cfg!(feature = "tls")),
        Transports::Quic | Transports::H3 => ("quic", cfg!(feature = "quic")),
    };
    if is_there {
        return Ok(());
    }
    Err(format!(
        "this netkit was built without the feature {feature:?}"
    ))
}

/// Reads what begins with the first slash; HTTP has one in any case, nothing else has.
fn path(text: &str, transports: Transports, at: Span) -> Result<Option<Arc<str>>, ParseError> {
    let path = &text[at.clone()];
    if !transports.is_http() {
        if path.is_empty() {
            return Ok(None);
        }
        let (message, expected) = (
            "only https:// and h3:// have a path",
            "nothing after the port",
        );
        return Err(ParseError::new(text, at, message, expected));
    }
    if path.is_empty() {
        return Ok(Some(DOH_PATH.into()));
    }
    let plain = path.strip_suffix(GET_TEMPLATE).unwrap_or(path);
    let is_bad = |ch: char| !ch.is_ascii_graphic() || "#{}\"<>\\^`|".contains(ch);
    if let Some((offset, bad)) = plain.char_indices().find(|(_, ch)| is_bad(*ch)) {
        let span = at.start + offset..at.start + offset + bad.len_utf8();
        let message = format!("{bad:?} cannot stand in a path");
        let expected = "a path such as /dns-query, or /dns-query{?dns} to ask by GET";
        return Err(ParseError::new(text, span, message, expected));
    }
    Ok(Some(path.into()))
}

/// Takes off `name@`; the second value is what it stands before.
fn identity(
    text: &str,
    transports: Transports,
    at: Span,
) -> Result<(Option<Arc<str>>, Span), ParseError> {
    let Some(end) = text[at.clone()].rfind('@').map(|end| at.start + end) else {
        return Ok((None, at));
    };
    let (name, host) = (at.start..end, end + 1..at.end);
    if !transports.is_secure() {
        let message = "a name can be verified over TLS and QUIC only";
        return Err(ParseError::new(text, name, message, SECURE_SCHEMES));
    }
    let written = &text[name.clone()];
    let bare = written
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Ok(ip) = bare.unwrap_or(written).parse::<IpAddr>() {
        return Ok((Some(ip.to_string().into()), host));
    }
    Ok((Some(host_name(text, name)?), host))
}

/// Separates host and port.
fn split(text: &str, at: Span) -> Result<(Span, Option<Span>), ParseError> {
    let Span { start, end } = at;
    let rest = &text[start..end];
    if rest.starts_with('[') {
        return split_brackets(text, at);
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

fn split_brackets(text: &str, at: Span) -> Result<(Span, Option<Span>), ParseError> {
    let Span { start, end } = at;
    let Some(close) = text[start..end].find(']').map(|at| start + at) else {
        let message = "the bracket is not closed";
        return Err(ParseError::new(text, at, message, EXPECTED));
    };
    let host = start + 1..close;
    match text[close + 1..end].chars().next() {
        None => Ok((host, None)),
        Some(':' | '#') => Ok((host, Some(close + 2..end))),
        Some(_) => {
            let (message, expected) = ("text after the bracket", "a colon and a port");
            Err(ParseError::new(text, close + 1..end, message, expected))
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

fn parse_host(text: &str, at: Span) -> Result<ServerHost, ParseError> {
    let host = &text[at.clone()];
    if host.is_empty() {
        let message = "the address of the name server is missing";
        return Err(ParseError::new(text, at, message, EXPECTED));
    }
    let (literal, zone) = match host.split_once('%') {
        Some((literal, zone)) => (literal, Some(zone)),
        None => (host, None),
    };
    let Ok(ip) = literal.parse::<IpAddr>() else {
        return host_name(text, at).map(ServerHost::Name);
    };
    let zone_span = at.start + literal.len()..at.end;
    match (ip, zone) {
        (_, None) => Ok(ServerHost::Ip { ip, zone: None }),
        (IpAddr::V4(_), Some(_)) => {
            let message = "an IPv4 address has no zone";
            Err(ParseError::new(text, zone_span, message, EXPECTED))
        }
        (IpAddr::V6(_), Some(zone)) if zone.is_empty() || !is_interface_name(zone) => {
            let message = format!("{zone:?} is not an interface");
            let expected = "an interface after %";
            Err(ParseError::new(text, zone_span, message, expected))
        }
        (IpAddr::V6(_), Some(zone)) => Ok(ServerHost::Ip {
            ip,
            zone: Some(zone.into()),
        }),
    }
}

/// What Linux allows in the name of an interface (`dev_valid_name`), less what ends a zone in text.
fn is_interface_name(zone: &str) -> bool {
    let allowed = |ch: char| !ch.is_whitespace() && !ch.is_control() && !"/:[]#%@".contains(ch);
    zone.chars().all(allowed)
}

/// Whether nothing but digits and dots is left: such a text is an address or nothing.
fn is_numeric(host: &str) -> bool {
    let mut bytes = host.bytes();
    bytes.all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Reads a host name, as A-labels in lower case; tells an empty one and a garbled address apart.
fn host_name(text: &str, at: Span) -> Result<Arc<str>, ParseError> {
    let host = &text[at.clone()];
    if host.is_empty() {
        return Err(ParseError::new(
            text,
            at,
            "the name to verify is missing",
            NAME,
        ));
    }
    if is_numeric(host) || host.contains([':', '%', '[', ']']) {
        let message = format!("{host:?} is not an IP address");
        return Err(ParseError::new(text, at, message, EXPECTED));
    }
    let label = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let name = DomainName::parse(host).ok();
    let name = name.filter(|name| name.labels().all(|part| part.iter().copied().all(label)));
    match name.map(|name| name.to_string().to_ascii_lowercase()) {
        // Escapes and digits of other scripts must not make a number of it.
        Some(name) if !is_numeric(&name) => Ok(name.into()),
        _ => {
            let message = format!("{host:?} is neither an IP address nor a host name");
            Err(ParseError::new(text, at, message, EXPECTED))
        }
    }
}
