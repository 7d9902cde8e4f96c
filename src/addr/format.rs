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

/// Both hexadecimal digits of every byte.
const HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [DIGITS[byte >> 4], DIGITS[byte & 0xf]];
        byte += 1;
    }
    table
};

/// The bits of every byte.
const BITS: [[u8; 8]; 256] = {
    let mut table = [[b'0'; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            if byte >> (7 - bit) & 1 == 1 {
                table[byte][bit] = b'1';
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// Appends all digits: `2001:0db8:0000:…`; IPv4 stays as it is.
pub fn push_expanded(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => push_ipv4(out, ip),
        IpAddr::V6(ip) => push_table(out, &ip.octets(), &HEX, Some((2, b':'))),
    }
}

/// Appends all bytes in hexadecimal.
pub fn push_hex(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => push_table(out, &ip.octets(), &HEX, None),
        IpAddr::V6(ip) => push_table(out, &ip.octets(), &HEX, None),
    }
}

/// Appends the bits, as `00001010.…` and `0010000000000001:…`.
pub fn push_binary(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => push_table(out, &ip.octets(), &BITS, Some((1, b'.'))),
        IpAddr::V6(ip) => push_table(out, &ip.octets(), &BITS, Some((2, b':'))),
    }
}

/// Appends the name of the PTR record, with its final dot (RFC 1035 §3.5, RFC 3596 §2.5).
pub fn push_reverse_name(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            push_ipv4(out, Ipv4Addr::new(d, c, b, a));
            out.extend_from_slice(b".in-addr.arpa.");
        }
        IpAddr::V6(ip) => {
            let mut name =
                *b"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.";
            for (index, &byte) in ip.octets().iter().rev().enumerate() {
                let [high, low] = HEX[usize::from(byte)];
                (name[4 * index], name[4 * index + 2]) = (low, high);
            }
            out.extend_from_slice(&name);
        }
    }
}

/// Appends what the table says of each byte, with a separator between groups of so many bytes.
fn push_table<const N: usize>(
    out: &mut Vec<u8>,
    bytes: &[u8],
    table: &[[u8; N]; 256],
    groups: Option<(usize, u8)>,
) {
    for (index, &byte) in bytes.iter().enumerate() {
        if let Some((size, separator)) = groups
            && index > 0
            && index.is_multiple_of(size)
        {
            out.push(separator);
        }
        out.extend_from_slice(&table[usize::from(byte)]);
    }
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

    fn written(write: fn(&mut Vec<u8>, IpAddr), ip: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, ip.parse().unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_the_other_notations() {
        assert_eq!(written(push_hex, "10.0.255.1"), "0a00ff01");
        assert_eq!(written(push_expanded, "10.0.255.1"), "10.0.255.1");
        let expanded = "2001:0db8:0000:0000:0000:0000:0000:00ff";
        assert_eq!(written(push_expanded, "2001:db8::ff"), expanded);
        assert_eq!(written(push_hex, "2001:db8::ff"), expanded.replace(':', ""));
        let binary = "00001010.00000000.11111111.00000001";
        assert_eq!(written(push_binary, "10.0.255.1"), binary);
        let binary = format!(
            "0010000000000001{}:1000000000000001",
            ":0000000000000000".repeat(6)
        );
        assert_eq!(written(push_binary, "2001::8001"), binary);
        assert_eq!(
            written(push_reverse_name, "10.0.255.1"),
            "1.255.0.10.in-addr.arpa."
        );
        let reverse = format!("f.f.{}8.b.d.0.1.0.0.2.ip6.arpa.", "0.".repeat(22));
        assert_eq!(written(push_reverse_name, "2001:db8::ff"), reverse);
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
