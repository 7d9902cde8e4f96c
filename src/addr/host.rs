//! Hosts as people write them: literals, blocks of addresses, and names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::explain::literal_error;
use super::ip::{Literal, parse_addr};
use super::piece::{Piece, excerpt};
use super::prefix::{bit_len, host_mask, to_bits};
use super::{Family, Host, Network, ParseError};

/// A label of a name (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;
/// A name without its final dot (RFC 1035 §2.3.4: 255 bytes on the wire).
const MAX_NAME: usize = 253;

const EXPECTED_NAME: &str = "a host name such as example.com";

/// The hosts of a spec: one, or all addresses of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// One host.
    One(Host),
    /// Every address from the first to the last.
    Block {
        family: Family,
        first: u128,
        last: u128,
    },
}

/// Reads what stands before the port.
pub(super) fn parse_hosts(host: Piece<'_>, network: Network) -> Result<Hosts, ParseError> {
    let text = host.text();
    if text.is_empty() {
        return Ok(Hosts::One(this_machine(network).into()));
    }
    if let Some(slash) = text.find('/') {
        return parse_block(host, slash, network);
    }
    if !looks_like_literal(text) {
        return parse_name(host).map(Hosts::One);
    }
    let literal = parse_addr(text).map_err(|error| literal_error(host, error))?;
    let ip = in_family(host, literal, network)?;
    let zone = literal.zone.filter(|_| ip.is_ipv6()).map(Arc::from);
    Ok(Hosts::One(Host::Ip { ip, zone }))
}

/// An empty host is this machine: Go dials 127.0.0.1, and `::1` on an IPv6 network.
fn this_machine(network: Network) -> IpAddr {
    match network.family() {
        Some(Family::Ipv6) => Ipv6Addr::LOCALHOST.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

/// Digits and dots alone are never a name, whatever they are (RFC 3696 §2).
fn looks_like_literal(text: &str) -> bool {
    text.contains([':', '%']) || text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// The address on the family of the network; an IPv4-mapped one counts as IPv4 there, as in Go.
fn in_family(
    host: Piece<'_>,
    literal: Literal<'_>,
    network: Network,
) -> Result<IpAddr, ParseError> {
    let Some(family) = network.family() else {
        return Ok(literal.ip);
    };
    let canonical = literal.ip.to_canonical();
    if Family::of(canonical) == family {
        Ok(canonical)
    } else {
        Err(wrong_family(host, family, network))
    }
}

fn wrong_family(host: Piece<'_>, family: Family, network: Network) -> ParseError {
    let message = format!("{} is not an {family} address", excerpt(host.text()));
    host.error(message, format!("an {family} address on {network}"))
}

/// `10.0.0.0/30`: all addresses, the network's and the broadcast's among them.
fn parse_block(host: Piece<'_>, slash: usize, network: Network) -> Result<Hosts, ParseError> {
    let (address, length) = host.split(slash, 1);
    if !looks_like_literal(address.text()) {
        return Err(host.after(slash).error(
            "a name cannot have a prefix length",
            "host:port, without a path",
        ));
    }
    let literal = parse_addr(address.text()).map_err(|error| literal_error(address, error))?;
    if let Some(zone) = literal.zone {
        let at = address.after(address.text().len() - zone.len() - 1);
        return Err(at
            .error("a block of addresses cannot have a zone", "address/length")
            .suggest(at.replaced("")));
    }
    let family = Family::of(literal.ip);
    if network.family().is_some_and(|wanted| wanted != family) {
        return Err(wrong_family(
            host,
            network.family().unwrap_or(family),
            network,
        ));
    }
    let length = parse_length(length, bit_len(literal.ip))?;
    let (value, mask) = (to_bits(literal.ip), host_mask(family, length));
    Ok(Hosts::Block {
        family,
        first: value & !mask,
        last: value | mask,
    })
}

fn parse_length(length: Piece<'_>, bits: u8) -> Result<u8, ParseError> {
    let text = length.text();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(value) if digits && value <= bits => Ok(value),
        _ => {
            let message = match text {
                "" => "the prefix length is missing".to_owned(),
                _ => format!("{} is not a prefix length", excerpt(text)),
            };
            Err(length.error(message, format!("a prefix length from 0 to {bits}")))
        }
    }
}

/// A name for the resolver, kept as written.
///
/// Letters of any script pass: turning them into the `xn--` form is the resolver's business.
fn parse_name(host: Piece<'_>) -> Result<Host, ParseError> {
    let name = host.text();
    let labels = name.strip_suffix('.').unwrap_or(name);
    if labels.chars().count() > MAX_NAME {
        let expected = format!("a name of at most {MAX_NAME} characters");
        return Err(host.error("the host name is too long", expected));
    }
    let mut start = 0;
    for label in labels.split('.') {
        check_label(host.slice(start..start + label.len()))?;
        start += label.len() + 1;
    }
    Ok(Host::Name(name.into()))
}

fn check_label(label: Piece<'_>) -> Result<(), ParseError> {
    let text = label.text();
    if text.is_empty() {
        return Err(label.error("the host name has an empty label", EXPECTED_NAME));
    }
    if text.chars().count() > MAX_LABEL {
        let expected = format!("labels of at most {MAX_LABEL} characters");
        return Err(label.error("a label of the host name is too long", expected));
    }
    if let Some((at, bad)) = text.char_indices().find(|&(_, c)| !in_name(c)) {
        let at = label.slice(at..at + bad.len_utf8());
        return Err(at.error(format!("{bad:?} cannot be in a host name"), EXPECTED_NAME));
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(label.error("a label cannot begin or end with a hyphen", EXPECTED_NAME));
    }
    Ok(())
}

/// Letters, digits, `-`, `_`; outside ASCII everything that can be seen or joins what is seen
/// (RFC 5892 appendix A: zero-width joiners are part of some scripts).
fn in_name(c: char) -> bool {
    match c {
        '\u{200c}' | '\u{200d}' => true,
        '\u{80}'.. => !is_invisible(c),
        _ => c.is_ascii_alphanumeric() || c == '-' || c == '_',
    }
}

/// Spaces, controls, and the marks that reorder or hide text.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}
