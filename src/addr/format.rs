//! Canonical text of addresses, written into a buffer of bytes.
//!
//! Separate from `Display` because a batch writes millions of lines: std's formatting machinery
//! costs more than parsing. A test holds both to the same text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ip::Literal;

/// Appends the canonical text (RFC 5952), with the zone as written.
pub fn push_literal(out: &mut Vec<u8>, literal: Literal<'_>) {
    push_ip(out, literal.ip);
    if let Some(zone) = literal.zone {
        out.push(b'%');
        out.extend_from_slice(zone.as_bytes());
    }
}

/// Appends the canonical text of an address.
pub fn push_ip(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => push_ipv4(out, ip),
        IpAddr::V6(ip) => push_ipv6(out, ip),
    }
}

/// Appends a number of at most three digits.
fn push_octet(buffer: &mut [u8], at: usize, octet: u8) -> usize {
    let mut at = at;
    if octet >= 100 {
        buffer[at] = b'0' + octet / 100;
        at += 1;
    }
    if octet >= 10 {
        buffer[at] = b'0' + octet / 10 % 10;
        at += 1;
    }
    buffer[at] = b'0' + octet % 10;
    at + 1
}

fn push_ipv4(out: &mut Vec<u8>, ip: Ipv4Addr) {
    let mut buffer = [0u8; 16];
    let mut at = 0;
    for octet in ip.octets() {
        at = push_octet(&mut buffer, at, octet);
        buffer[at] = b'.';
        at += 1;
    }
    out.extend_from_slice(&buffer[..at - 1]);
}

fn push_ipv6(out: &mut Vec<u8>, ip: Ipv6Addr) {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        out.extend_from_slice(b"::ffff:");
        return push_ipv4(out, mapped);
    }
    let groups = ip.segments();
    let (start, len) = longest_zeros(groups);
    let mut buffer = [0u8; 40];
    let mut at = 0;
    let mut index = 0;
    while index < groups.len() {
        if index == start && len > 0 {
            buffer[at..at + 2].copy_from_slice(b"::");
            at += 2;
            index += len;
            continue;
        }
        if index > 0 && index != start + len {
            buffer[at] = b':';
            at += 1;
        }
        at = push_group(&mut buffer, at, groups[index]);
        index += 1;
    }
    out.extend_from_slice(&buffer[..at]);
}

/// A group in hexadecimal without leading zeros.
fn push_group(buffer: &mut [u8], at: usize, group: u16) -> usize {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (16 - group.leading_zeros()).div_ceil(4).max(1);
    let mut at = at;
    for place in (0..digits).rev() {
        buffer[at] = DIGITS[usize::from(group >> (4 * place) & 0xf)];
        at += 1;
    }
    at
}

/// Where `::` goes: the longest run of at least two zero groups, the first of several. A length of 0
/// means nowhere; the start is then beyond the address.
fn longest_zeros(groups: [u16; 8]) -> (usize, usize) {
    let (mut best, mut run) = ((usize::MAX / 2, 0), (0, 0));
    for (index, &group) in groups.iter().enumerate() {
        if group != 0 {
            run = (index + 1, 0);
            continue;
        }
        run.1 += 1;
        if run.1 > best.1 && run.1 > 1 {
            best = run;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(ip: IpAddr) -> String {
        let mut out = Vec::new();
        push_ip(&mut out, ip);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn compresses_as_rfc_5952_says() {
        for address in [
            "::",
            "::1",
            "1::",
            "2001:db8::1:0:0:1",
            "2001:db8:0:1:1:1:1:1",
            "::ffff:1.2.3.4",
            "::102:304",
            "0:1:2:3:4:5:6:7",
            "1:2:3:4:5:6:0:0",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            let ip: IpAddr = address.parse().unwrap();
            assert_eq!(text(ip), ip.to_string());
        }
    }

    proptest! {
        #[test]
        fn agrees_with_std_on_every_address(v4: u32, v6: u128, zeros: u128, more: u128) {
            let v4 = IpAddr::from(Ipv4Addr::from(v4));
            prop_assert_eq!(text(v4), v4.to_string());
            for bits in [v6, v6 & zeros, v6 & zeros & more, v6 >> 64, zeros & 0xffff << 48] {
                let ip = IpAddr::from(Ipv6Addr::from(bits));
                prop_assert_eq!(text(ip), ip.to_string());
            }
        }
    }
}
