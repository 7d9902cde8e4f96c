//! What a person needs to hear about a text that is no address, and what was likely meant.

use std::net::Ipv4Addr;

use super::ParseError;
use super::ip::{Fault, LiteralError, parse_addr};
use super::piece::{Piece, excerpt};

const IPV4_FORM: &str = "four decimal octets such as 192.0.2.1";
const IPV6_FORM: &str = "an IPv6 address such as 2001:db8::1";

/// Words the fault of a literal, with the likely meaning where there is one.
pub(super) fn literal_error(literal: Piece<'_>, error: LiteralError) -> ParseError {
    let text = literal.text();
    let span = error.span(text);
    let at_fault = literal.slice(span.clone());
    let part = excerpt(at_fault.text());
    let (message, expected) = match error.fault {
        Fault::NotAnIp => ("a bare number is not a host".into(), IPV4_FORM),
        Fault::MissingIpv6 => ("there is no IPv6 address before the zone".into(), IPV6_FORM),
        Fault::LeadingZero => (format!("the octet {part} has a leading zero"), IPV4_FORM),
        Fault::OctetTooBig => (format!("the octet {part} is above 255"), IPV4_FORM),
        Fault::EmptyOctet => ("an octet is missing".into(), IPV4_FORM),
        Fault::Ipv4TooLong => ("there are more than four octets".into(), IPV4_FORM),
        Fault::Ipv4TooShort => ("there are fewer than four octets".into(), IPV4_FORM),
        Fault::UnexpectedCharacter if part == "%" => {
            ("an IPv4 address has no zone".into(), IPV4_FORM)
        }
        Fault::EmptyZone => ("the zone is empty".into(), "an interface after %"),
        Fault::GroupTooLong => (
            format!("the group {part} has more than four digits"),
            IPV6_FORM,
        ),
        Fault::EmptyGroup => ("a group of digits is missing".into(), IPV6_FORM),
        Fault::EmbeddedIpv4NotLast | Fault::EmbeddedIpv4NoRoom => (
            "an IPv4 part can only be the last 32 bits".into(),
            IPV6_FORM,
        ),
        Fault::UnexpectedCharacter | Fault::WantColon => (
            format!("unexpected {part:?} in an address"),
            if text.contains(':') {
                IPV6_FORM
            } else {
                IPV4_FORM
            },
        ),
        Fault::TrailingColon => ("a single colon ends the address".into(), IPV6_FORM),
        Fault::SecondEllipsis => (":: stands more than once".into(), IPV6_FORM),
        Fault::TrailingGarbage => ("there are more than eight groups".into(), IPV6_FORM),
        Fault::Ipv6TooShort => ("there are fewer than eight groups".into(), IPV6_FORM),
        Fault::EllipsisForNothing => (":: stands for no group at all".into(), IPV6_FORM),
    };
    let explained = at_fault.error(message, expected);
    match likely_meaning(text, error.fault) {
        Some(meaning) => explained.suggest(literal.replaced(&meaning)),
        None => explained,
    }
}

/// The literal that was probably meant.
pub(super) fn likely_meaning(text: &str, fault: Fault) -> Option<String> {
    let guess = match fault {
        Fault::LeadingZero => without_leading_zeros(text),
        Fault::UnexpectedCharacter | Fault::EmptyZone => text.split('%').next()?.to_owned(),
        Fault::Ipv4TooShort | Fault::NotAnIp if !text.contains(':') => {
            classic_ipv4(text)?.to_string()
        }
        Fault::EmptyOctet => text.trim_matches('.').replace("..", "."),
        Fault::TrailingColon => text.trim_end_matches(':').to_owned(),
        Fault::EllipsisForNothing => text.replacen("::", ":", 1),
        _ => return None,
    };
    (guess != text && parse_addr(&guess).is_ok()).then_some(guess)
}

/// `010.1.02.3` as decimal: `10.1.2.3`.
fn without_leading_zeros(text: &str) -> String {
    let shorten = |octet: &str| match octet.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    };
    match text.rsplit_once(':') {
        Some((groups, dotted)) => format!("{groups}:{}", without_leading_zeros(dotted)),
        None => text.split('.').map(shorten).collect::<Vec<_>>().join("."),
    }
}

/// What `inet_aton(3)` makes of one to three numbers: the last fills the bytes left over.
fn classic_ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut numbers = Vec::with_capacity(4);
    for part in text.split('.') {
        if part.is_empty() || numbers.len() == 4 {
            return None;
        }
        numbers.push(part.parse::<u32>().ok()?);
    }
    let last = numbers.pop()?;
    let rest_bits = 32 - 8 * u32::try_from(numbers.len()).ok()?;
    if u64::from(last) >> rest_bits != 0 || numbers.iter().any(|&octet| octet > 255) {
        return None;
    }
    let head = numbers
        .iter()
        .fold(0u64, |value, &octet| value << 8 | u64::from(octet));
    u32::try_from(head << rest_bits | u64::from(last))
        .ok()
        .map(Ipv4Addr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_short_forms_as_inet_aton_does() {
        for (text, meant) in [
            ("127.1", "127.0.0.1"),
            ("1.2.3", "1.2.0.3"),
            ("2130706433", "127.0.0.1"),
            ("10.65535", "10.0.255.255"),
            ("1.2.256", "1.2.1.0"),
        ] {
            assert_eq!(classic_ipv4(text).unwrap().to_string(), meant);
        }
        for text in ["1.2.65536", "256.1", "4294967296", "1.", "", "a"] {
            assert_eq!(classic_ipv4(text), None, "{text}");
        }
    }

    #[test]
    fn strips_leading_zeros_only() {
        assert_eq!(without_leading_zeros("010.00.1.09"), "10.0.1.9");
        assert_eq!(without_leading_zeros("::ffff:01.2.3.4"), "::ffff:1.2.3.4");
    }
}
