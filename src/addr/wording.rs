//! One sentence for each class of refusal, and the likely meaning.

use super::class::{AddrError, Class};
use super::describe::{As, Options, parse_as};
use super::explain::{likely_meaning, literal_error};
use super::ip::{Fault, LiteralError};
use super::nearest::nearest;
use super::piece::{Piece, excerpt};
use super::{ParseError, Transport};

/// Words a refusal.
pub(super) fn explain(text: &str, kind: As, error: AddrError, options: &Options) -> ParseError {
    let span = error.span();
    let part = text.get(span.clone()).unwrap_or_default();
    let explained = match error.class {
        Class::Literal(fault) => literal(text, error, fault),
        class => {
            let message = message(class, part, kind, options);
            ParseError::new(text, span, message, expected(class))
        }
    };
    match (&explained.suggestion, hint(text, kind, error, options)) {
        (_, Some(hint)) => explained.suggest(hint),
        (Some(meant), None) => {
            let meant = format!("did you mean {meant}?");
            explained.suggest(meant)
        }
        (None, None) => explained,
    }
}

/// The fault of a literal: worded at the literal around it, which is the longest run of characters
/// that stand in literals.
fn literal(text: &str, error: AddrError, fault: Fault) -> ParseError {
    let (start, end) = literal_bounds(text, error);
    let piece = Piece::new(text).slice(start..end);
    let inner = LiteralError {
        fault,
        at: error.start.saturating_sub(start).min(end - start),
    };
    let mut explained = literal_error(piece, inner);
    explained.span = error.span();
    if fault == Fault::NotAnIp {
        explained.message = match text {
            "" => "there is nothing here".to_owned(),
            _ => format!("{} is not an address", excerpt(piece.text())),
        };
    }
    explained
}

fn literal_bounds(text: &str, error: AddrError) -> (usize, usize) {
    let outside = |c: char| matches!(c, '[' | ']' | '/') || c.is_whitespace();
    let start = text[..error.start].rfind(outside).map_or(0, |at| {
        at + text[at..].chars().next().map_or(1, char::len_utf8)
    });
    let end = text[error.end..]
        .find(outside)
        .map_or(text.len(), |at| error.end + at);
    (start, end)
}

fn message(class: Class, part: &str, kind: As, options: &Options) -> String {
    let part = excerpt(part);
    match class {
        Class::Literal(fault) => fault.message().to_owned(),
        Class::MissingPort | Class::EmptyPort | Class::NoColon => "the port is missing".into(),
        Class::TooManyColons => "there are too many colons outside brackets".into(),
        Class::MissingBracket => "this bracket is never closed".into(),
        Class::UnexpectedOpenBracket | Class::UnexpectedCloseBracket => {
            format!("unexpected {part}")
        }
        Class::InvalidPort => format!("{part} is not a port number"),
        Class::UnknownPort => format!("{part} is not a known service"),
        Class::UnknownNetwork => {
            format!("{} is no network for {}", options.network, kind.name())
        }
        Class::UnknownProtocol => {
            let protocol = options.network.rsplit(':').next().unwrap_or_default();
            format!("{} is not a known IP protocol", excerpt(protocol))
        }
        Class::NoSuchHost => format!("{part:?} is neither an address nor a possible name"),
        Class::NoSuitableAddress => {
            format!(
                "{part} is not of the family that {} asks for",
                options.network
            )
        }
        Class::EmptyIp => "the address is missing".into(),
        Class::BracketsOnV4 => "an IPv4 address has no brackets here".into(),
        Class::V6WithoutBrackets => "an IPv6 address with a port needs brackets".into(),
        Class::NoSlash => "the prefix length is missing".into(),
        Class::ZoneInPrefix => "a zone cannot stand here".into(),
        Class::BadBits if part.is_empty() => "the prefix length is missing".into(),
        Class::BadBits => format!("{part:?} is not a plain prefix length"),
        Class::BitsRange => format!("the prefix length {part} exceeds the address"),
        Class::InvalidMac => "this is not a hardware address of 6, 8 or 20 bytes".into(),
        Class::NoRange => "the hyphen between first and last is missing".into(),
        Class::MixedFamilies => "first and last are of different families".into(),
        Class::ReversedRange => "the last address lies before the first".into(),
        Class::Unrecognised => "this is no address, network, endpoint or port".into(),
        Class::NotUtf8 => "these bytes are not UTF-8".into(),
    }
}

fn expected(class: Class) -> &'static str {
    match class {
        Class::Literal(_) | Class::Unrecognised | Class::EmptyIp | Class::NoSuchHost => {
            "an address such as 192.0.2.1 or 2001:db8::1"
        }
        Class::NoSuitableAddress => "an address of that family",
        Class::MissingPort
        | Class::TooManyColons
        | Class::MissingBracket
        | Class::UnexpectedOpenBracket
        | Class::UnexpectedCloseBracket
        | Class::NoColon
        | Class::EmptyPort
        | Class::BracketsOnV4
        | Class::V6WithoutBrackets => "host:port or [ipv6]:port",
        Class::InvalidPort => "a port from 0 to 65535",
        Class::UnknownPort => "a port number or a service name",
        Class::UnknownNetwork => "tcp, tcp4, tcp6, udp, udp4, udp6, ip, ip4 or ip6",
        Class::UnknownProtocol => "a protocol such as icmp, or its number",
        Class::NoSlash | Class::ZoneInPrefix => "address/length, without a zone",
        Class::BadBits => "decimal digits without sign or leading zero",
        Class::BitsRange => "a length of at most 32 (IPv4) or 128 (IPv6)",
        Class::InvalidMac => "such as 00:00:5e:00:53:01, 00-00-…, 0000.5e00.5301 or 00005e005301",
        Class::NoRange | Class::MixedFamilies | Class::ReversedRange => "first-last of one family",
        Class::NotUtf8 => "text",
    }
}

/// What to try: the nearest right text, or another kind.
fn hint(text: &str, kind: As, error: AddrError, options: &Options) -> Option<String> {
    match error.class {
        Class::Literal(Fault::LeadingZero) => {
            let meant = literal_meaning(text, error)?;
            return Some(format!(
                "leading zero: Go and most modern parsers refuse it, older ones read it as octal; \
                 did you mean {meant}?"
            ));
        }
        Class::UnknownPort => {
            let name = text.get(error.span())?;
            let table = (options.names.services)();
            let transport = if kind == As::Udp || options.network.starts_with("udp") {
                Transport::Udp
            } else {
                Transport::Tcp
            };
            let meant = table.nearest(name, transport)?;
            return Some(format!("did you mean {}?", replaced(text, error, meant)));
        }
        Class::UnknownNetwork => {
            const NETWORKS: [&str; 9] = [
                "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "ip", "ip4", "ip6",
            ];
            return nearest(&options.network, NETWORKS)
                .map(|meant| format!("try --network {meant}"));
        }
        Class::V6WithoutBrackets => {
            let (address, port) = text.rsplit_once(':')?;
            return Some(format!("did you mean [{address}]:{port}?"));
        }
        Class::BracketsOnV4 => {
            let meant = text.replace(['[', ']'], "");
            return Some(format!("did you mean {meant}?"));
        }
        Class::ZoneInPrefix => {
            return Some(format!("did you mean {}?", replaced(text, error, "")));
        }
        Class::ReversedRange => {
            let (first, last) = text.split_once('-')?;
            return Some(format!("did you mean {}-{}?", last.trim(), first.trim()));
        }
        Class::BadBits => {
            let digits = text.get(error.span())?.trim_start_matches('0');
            if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
                return Some(format!("did you mean {}?", replaced(text, error, digits)));
            }
        }
        _ => {}
    }
    trimmed(text, kind, options).or_else(|| other_kind(text, kind, options))
}

fn literal_meaning(text: &str, error: AddrError) -> Option<String> {
    let (start, end) = literal_bounds(text, error);
    let meant = likely_meaning(&text[start..end], Fault::LeadingZero)?;
    Some(format!("{}{meant}{}", &text[..start], &text[end..]))
}

fn replaced(text: &str, error: AddrError, by: &str) -> String {
    format!("{}{by}{}", &text[..error.start], &text[error.end..])
}

/// Right but for white space around it.
fn trimmed(text: &str, kind: As, options: &Options) -> Option<String> {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let fits = trimmed != text && parse_as(trimmed, kind, options).is_ok();
    let what = if text.trim() == trimmed {
        "white space"
    } else {
        "something invisible"
    };
    fits.then(|| format!("there is {what} around it; did you mean {trimmed}?"))
}

/// Right as something else.
fn other_kind(text: &str, kind: As, options: &Options) -> Option<String> {
    const OTHERS: [As; 7] = [
        As::Addr,
        As::Prefix,
        As::AddrPort,
        As::Mac,
        As::Range,
        As::HostPort,
        As::IpAddr,
    ];
    let plain = Options {
        names: options.names,
        ..Options::default()
    };
    let other = OTHERS
        .into_iter()
        .filter(|&other| other != kind)
        // These have split it already.
        .filter(|&other| other != As::HostPort || !matches!(kind, As::Tcp | As::Udp))
        .find(|&other| parse_as(text, other, &plain).is_ok())?;
    Some(match other {
        As::HostPort => "it looks like host:port; use --as hostport".to_owned(),
        As::IpAddr if text.is_empty() => return None,
        As::IpAddr => {
            "it could be a host name; use --as ip-addr, with --resolve to look it up".to_owned()
        }
        other => format!("it looks like {}; use --as {0}", other.name()),
    })
}
