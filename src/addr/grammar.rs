//! The grammar of targets: scheme, host, port list.
//!
//! Separate from [`TargetSpec`] because it only reads text: nothing is expanded here.

use super::host::{Hosts, is_invisible, parse_hosts};
use super::ip::parse_addr;
use super::nearest::nearest;
use super::piece::{Piece, excerpt};
use super::ports::PortList;
use super::unix::parse_unix;
use super::{Network, ParseError, Transport, UnixPath};

const EXPECTED_TARGET: &str = "host:port, [ipv6]:port or unix:/path";

/// What asks for TLS on TCP.
const TLS: &str = "tls://";

/// URLs people paste, and the port each would dial.
const URL_SCHEMES: [(&str, &str); 10] = [
    ("http", "80"),
    ("https", "443"),
    ("ws", "80"),
    ("wss", "443"),
    ("ftp", "21"),
    ("ssh", "22"),
    ("redis", "6379"),
    ("mysql", "3306"),
    ("postgres", "5432"),
    ("postgresql", "5432"),
];

/// What a text says.
pub(super) struct Parsed {
    pub(super) network: Network,
    /// `tls://` instead of `tcp://`.
    pub(super) tls: bool,
    pub(super) place: Place,
}

/// Where it says.
pub(super) enum Place {
    Unix(UnixPath),
    Inet {
        hosts: Hosts,
        ports: PortList,
        zero: Option<ParseError>,
    },
}

/// Reads one joined text: `tcp://host:port`.
pub(super) fn parse_joined(text: Piece<'_>, default: Network) -> Result<Parsed, ParseError> {
    if let Some(rest) = after_tls(text) {
        let parsed = parse_joined(rest, Network::Tcp)?;
        return secured(parsed, rest);
    }
    let (network, rest) = split_network(text, default)?;
    if is_unix(network) {
        return unix(network, rest);
    }
    check_visible(rest)?;
    let (host, ports) = split_ports(rest)?;
    inet(network, host, ports)
}

/// Reads a host and its ports given apart.
pub(super) fn parse_pair(
    host: Piece<'_>,
    ports: Piece<'_>,
    default: Network,
) -> Result<Parsed, ParseError> {
    if let Some(rest) = after_tls(host) {
        return secured(parse_pair(rest, ports, Network::Tcp)?, rest);
    }
    let (network, rest) = split_network(host, default)?;
    if is_unix(network) {
        return Err(ports.error("a Unix socket has no port", "unix:/path alone"));
    }
    check_visible(rest)?;
    check_visible(ports)?;
    if rest.text().is_empty() {
        return Err(rest.error("the host is missing", "a host name or an address"));
    }
    inet(network, unbracketed(rest)?, ports)
}

/// What follows `tls://`.
fn after_tls(text: Piece<'_>) -> Option<Piece<'_>> {
    let is_tls = |start: &str| start.eq_ignore_ascii_case(TLS);
    let found = text.text().get(..TLS.len()).is_some_and(is_tls);
    found.then(|| text.after(TLS.len()))
}

/// The same target over TLS, which is on TCP and nothing else here.
fn secured(parsed: Parsed, rest: Piece<'_>) -> Result<Parsed, ParseError> {
    let names_another = rest.text().contains("://");
    if names_another || parsed.network != Network::Tcp {
        return Err(rest.error("tls:// is followed by the target alone", "tls://host:port"));
    }
    Ok(Parsed {
        tls: true,
        ..parsed
    })
}

/// Whether a text needs no port list after it: it has a port, or none at all (Unix sockets).
pub(super) fn is_complete(text: &str, default: Network) -> bool {
    let (text, default) = match after_tls(Piece::new(text)) {
        Some(rest) => (rest, Network::Tcp),
        None => (Piece::new(text), default),
    };
    let Ok((network, rest)) = split_network(text, default) else {
        return true;
    };
    let rest = rest.text();
    if is_unix(network) || starts_like_unix(rest) {
        return true;
    }
    match rest.strip_prefix('[') {
        Some(inner) => !inner.ends_with(']'),
        None => rest.contains(':') && !is_literal_or_block(rest),
    }
}

fn is_literal_or_block(text: &str) -> bool {
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    parse_addr(address).is_ok()
}

fn is_unix(network: Network) -> bool {
    matches!(network.transport(), Transport::Unix | Transport::Unixgram)
}

fn starts_like_unix(text: &str) -> bool {
    text.starts_with(['/', '@']) || text.starts_with("./") || text.starts_with("../")
}

fn unix(network: Network, rest: Piece<'_>) -> Result<Parsed, ParseError> {
    let place = Place::Unix(parse_unix(rest)?);
    let tls = false;
    Ok(Parsed {
        network,
        tls,
        place,
    })
}

fn inet(network: Network, host: Piece<'_>, ports: Piece<'_>) -> Result<Parsed, ParseError> {
    let hosts = parse_hosts(host, network)?;
    let (ports, zero) = PortList::parse(ports, network.transport())?;
    let place = Place::Inet { hosts, ports, zero };
    let tls = false;
    Ok(Parsed {
        network,
        tls,
        place,
    })
}

/// Takes `tcp://`, `unix:` and their kin off the front.
pub(super) fn split_network(
    text: Piece<'_>,
    default: Network,
) -> Result<(Network, Piece<'_>), ParseError> {
    let whole = text.text();
    for network in [Network::Unix, Network::Unixgram] {
        let colon = network.name().len();
        if whole
            .get(..colon)
            .is_some_and(|s| s.eq_ignore_ascii_case(network.name()))
            && whole[colon..].starts_with(':')
        {
            return Ok((network, text.after(colon + 1)));
        }
    }
    match whole.find("://") {
        Some(at) if whole[..at].bytes().all(is_scheme_byte) && !is_unix(default) => {
            let (scheme, rest) = text.split(at, 3);
            match Network::from_name(&scheme.text().to_ascii_lowercase()) {
                Some(network) => Ok((network, rest)),
                None => Err(unknown_scheme(scheme, rest)),
            }
        }
        _ => Ok((default, text)),
    }
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn unknown_scheme(scheme: Piece<'_>, rest: Piece<'_>) -> ParseError {
    let name = scheme.text().to_ascii_lowercase();
    let expected = "tcp, tcp4, tcp6, udp, udp4, udp6, unix or unixgram";
    if let Some((_, port)) = URL_SCHEMES.iter().find(|(known, _)| *known == name) {
        let meant = url_target(rest.text(), port);
        return scheme
            .error(format!("{name}://… is a URL, not a target"), "host:port")
            .suggest(meant);
    }
    let message = match name.as_str() {
        "" => "the network before :// is missing".to_owned(),
        _ => format!("unknown network {}", excerpt(scheme.text())),
    };
    let error = scheme.error(message, expected);
    match nearest(&name, Network::ALL.map(Network::name)) {
        Some(meant) => error.suggest(scheme.replaced(meant)),
        None => error,
    }
}

/// `user@host/path` with the port its scheme implies.
fn url_target(rest: &str, port: &str) -> String {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let after_bracket = host.rsplit(']').next().unwrap_or_default();
    match after_bracket.rsplit_once(':') {
        Some((_, written)) if !written.is_empty() => host.to_owned(),
        _ => format!("{}:{port}", host.trim_end_matches(':')),
    }
}

/// Refuses spaces and characters that cannot be seen.
fn check_visible(text: Piece<'_>) -> Result<(), ParseError> {
    if text.is_whole() && text.text().is_empty() {
        return Err(text.error("the target is empty", EXPECTED_TARGET));
    }
    let hidden = |&(_, c): &(usize, char)| is_invisible(c) && !matches!(c, '\u{200c}' | '\u{200d}');
    let Some((at, bad)) = text.text().char_indices().find(hidden) else {
        return Ok(());
    };
    let at_fault = text.slice(at..at + bad.len_utf8());
    Err(match bad {
        ' ' | '\t' => {
            let error = at_fault.error("a target cannot hold white space", EXPECTED_TARGET);
            match without_spaces(text.text()) {
                Some(meant) => error.suggest(text.replaced(&meant)),
                None => error,
            }
        }
        _ => at_fault.error(
            format!(
                "the character {} cannot be in a target",
                bad.escape_unicode()
            ),
            EXPECTED_TARGET,
        ),
    })
}

/// What a text with white space in it was meant to be, where that can be told: spaces around it and
/// around its punctuation mean nothing, one before a port stands for the colon or the comma.
fn without_spaces(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let mut meant = words.next()?.to_owned();
    for word in words {
        let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let punctuated = meant.ends_with([':', ',', '-']) || word.starts_with([':', ',', '-']);
        if !punctuated {
            if !is_port(word) {
                return None;
            }
            meant.push(separator(&meant)?);
        }
        meant.push_str(word);
    }
    Some(meant)
}

/// What goes between a target and one more port: a comma where it has one already; `None` where the
/// colons leave that open.
fn separator(target: &str) -> Option<char> {
    let bare = target.rsplit("://").next().unwrap_or_default();
    match bare.rsplit_once(':') {
        None => Some(':'),
        Some(_) if bare.ends_with(']') => Some(':'),
        Some((host, _)) if !host.contains(':') || host.ends_with(']') => Some(','),
        Some(_) => None,
    }
}

/// Splits at the colon before the ports.
fn split_ports(text: Piece<'_>) -> Result<(Piece<'_>, Piece<'_>), ParseError> {
    let whole = text.text();
    if starts_like_unix(whole) {
        return Err(text
            .error("the network of this path is missing", EXPECTED_TARGET)
            .suggest(text.replaced(&format!("unix:{whole}"))));
    }
    if whole.starts_with('[') {
        return split_bracketed(text);
    }
    check_no_bracket(text)?;
    let Some(colon) = whole.rfind(':') else {
        return Err(missing_port(text, &format!("{whole}:443")));
    };
    let (host, ports) = text.split(colon, 1);
    if host.text().contains(':') {
        return Err(ambiguous_colons(text, host, ports));
    }
    if ports.text().is_empty() {
        return Err(missing_port(text, &format!("{whole}443")));
    }
    Ok((host, ports))
}

/// `[2001:db8::1]:80`
fn split_bracketed(text: Piece<'_>) -> Result<(Piece<'_>, Piece<'_>), ParseError> {
    let whole = text.text();
    let Some(close) = whole.find(']') else {
        return Err(text
            .before(1)
            .error("this bracket is never closed", "[ipv6]:port"));
    };
    let host = unbracketed(text.before(close + 1))?;
    let rest = text.after(close + 1);
    match rest.text() {
        "" => Err(missing_port(text, &format!("{whole}:443"))),
        ":" => Err(missing_port(text, &format!("{whole}443"))),
        ports if ports.starts_with(':') => Ok((host, rest.after(1))),
        _ => Err(rest.error("only a port can follow the bracket", "[ipv6]:port")),
    }
}

/// Takes the brackets off an IPv6 literal or block; other hosts must not have any.
fn unbracketed(host: Piece<'_>) -> Result<Piece<'_>, ParseError> {
    let text = host.text();
    if !text.starts_with('[') {
        check_no_bracket(host)?;
        return Ok(host);
    }
    let Some(close) = text.find(']') else {
        return Err(host
            .before(1)
            .error("this bracket is never closed", "[ipv6]:port"));
    };
    let (inner, rest) = (host.slice(1..close), host.after(close + 1));
    if !rest.text().is_empty() {
        return Err(rest.error("nothing can follow the bracket here", "[ipv6] alone"));
    }
    check_no_bracket(inner)?;
    match inner.text() {
        "" => Err(host.error("there is no address between the brackets", "[ipv6]:port")),
        address if !address.contains([':', '%']) => Err(host
            .error("brackets are for IPv6 addresses only", "host:port")
            .suggest(host.replaced(address))),
        _ => Ok(inner),
    }
}

fn check_no_bracket(text: Piece<'_>) -> Result<(), ParseError> {
    match text.text().find(['[', ']']) {
        Some(at) => {
            let bracket = text.slice(at..at + 1);
            let message = format!("unexpected {}", bracket.text());
            Err(bracket.error(message, "brackets around a whole IPv6 address: [ipv6]:port"))
        }
        None => Ok(()),
    }
}

fn missing_port(text: Piece<'_>, example: &str) -> ParseError {
    let error = text
        .after(text.text().len())
        .error("the port is missing", "host:port");
    match text.text() {
        "" | ":" => error,
        _ => error.suggest(text.replaced(example)),
    }
}

/// More than one colon without brackets: IPv6 with a port, without one, or two ports.
fn ambiguous_colons(text: Piece<'_>, host: Piece<'_>, ports: Piece<'_>) -> ParseError {
    let whole = text.text();
    let is_port = ports.text().len() > 4 || ports.text().parse::<u16>().is_ok();
    if is_literal_or_block(host.text()) && is_port && !ports.text().is_empty() {
        let meant = format!("[{}]:{}", host.text(), ports.text());
        return text
            .error("an IPv6 address with a port needs brackets", "[ipv6]:port")
            .suggest(text.replaced(&meant));
    }
    if is_literal_or_block(whole) {
        return missing_port(text, &format!("[{whole}]:443"));
    }
    let first = host.text().find(':').unwrap_or_else(|| host.text().len());
    let error = text
        .after(first)
        .error("there are too many colons", "host:port or [ipv6]:port");
    match Network::from_name(&whole[..first]) {
        Some(network) => {
            error.suggest(text.replaced(&format!("{network}://{}", &whole[first + 1..])))
        }
        None => error,
    }
}
