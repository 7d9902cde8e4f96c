//! The whole line of an address, written by hand: half a million of them a second.
//!
//! Separate from the types because it repeats them: a test writes every address both ways and holds
//! the two together. Only addresses without a zone take this road, whose text needs no escapes; the
//! rare groups are left to serde, and what few addresses differ in is written once and kept.

use std::io::Write as _;
use std::net::IpAddr;

use netkit::addr::describe::{As, ClassGroup};
use netkit::addr::format::{
    push_binary, push_expanded, push_hex, push_ip, push_literal, push_reverse_name,
};
use netkit::addr::forms::{Multicast, embedded, solicited_node};
use netkit::addr::groups::Big;
use netkit::addr::special::{self, Special};
use netkit::addr::{Family, Literal, Prefix};
use serde::Serialize;

/// Kinds of addresses whose text is kept; there are about ten, two of them frequent.
const KEPT: usize = 16;

/// Writes lines; keeps what many of them have in common.
#[derive(Debug, Default)]
pub(crate) struct AddrLines {
    classes: Vec<(ClassGroup, Vec<u8>)>,
    specials: Vec<(&'static Special, Vec<u8>)>,
}

impl AddrLines {
    /// Appends the line of an address without a zone; `nat64` are prefixes of translators.
    pub(crate) fn push(
        &mut self,
        out: &mut Vec<u8>,
        input: &str,
        kind: As,
        literal: Literal<'_>,
        nat64: &[Prefix],
    ) {
        let ip = literal.ip;
        out.extend_from_slice(b"{\"schema\":\"netkit/1\",\"type\":\"addr\",\"input\":\"");
        out.extend_from_slice(input.as_bytes());
        out.extend_from_slice(b"\",\"ok\":true,\"kind\":\"");
        out.extend_from_slice(kind.name().as_bytes());
        out.extend_from_slice(b"\",\"canonical\":\"");
        push_literal(out, literal);
        out.extend_from_slice(b"\",\"failure\":null,\"ip\":{");
        push_ip_group(out, ip, nat64);
        out.extend_from_slice(
            b"},\"cidr\":null,\"range\":null,\"endpoint\":null,\"mac\":null,\"class\":",
        );
        self.push_class(out, ClassGroup::of(literal));
        out.extend_from_slice(b",\"special\":");
        self.push_special(out, special::find(ip));
        out.extend_from_slice(b"}\n");
    }

    fn push_class(&mut self, out: &mut Vec<u8>, class: ClassGroup) {
        if let Some((_, text)) = self.classes.iter().find(|(kept, _)| *kept == class) {
            return out.extend_from_slice(text);
        }
        push_kept(out, &class, |text| {
            if self.classes.len() < KEPT {
                self.classes.push((class, text));
            }
        });
    }

    fn push_special(&mut self, out: &mut Vec<u8>, special: Option<&'static Special>) {
        let Some(special) = special else {
            return out.extend_from_slice(b"null");
        };
        let same = |(kept, _): &&(&Special, _)| std::ptr::eq(*kept, special);
        if let Some((_, text)) = self.specials.iter().find(same) {
            return out.extend_from_slice(text);
        }
        push_kept(out, special, |text| {
            if self.specials.len() < KEPT {
                self.specials.push((special, text));
            }
        });
    }
}

/// Appends a value and offers its text.
fn push_kept(out: &mut Vec<u8>, value: &impl Serialize, keep: impl FnOnce(Vec<u8>)) {
    let start = out.len();
    push_value(out, value);
    keep(out[start..].to_vec());
}

fn push_value(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("report types have string keys and a Vec takes all");
}

fn push_ip_group(out: &mut Vec<u8>, ip: IpAddr, nat64: &[Prefix]) {
    let family = match Family::of(ip) {
        Family::Ipv4 => "ipv4",
        Family::Ipv6 => "ipv6",
    };
    push_text(out, "\"family\":\"", |out| {
        out.extend_from_slice(family.as_bytes());
    });
    push_text(out, "\",\"address\":\"", |out| push_ip(out, ip));
    push_text(out, "\",\"expanded\":\"", |out| push_expanded(out, ip));
    push_text(out, "\",\"hex\":\"", |out| push_hex(out, ip));
    out.extend_from_slice(b"\",\"integer\":");
    push_integer(out, ip);
    push_text(out, ",\"binary\":\"", |out| push_binary(out, ip));
    push_text(out, "\",\"reverse\":\"", |out| push_reverse_name(out, ip));
    out.extend_from_slice(b"\",\"zone\":null,\"embedded\":");
    push_value(out, &embedded(ip, nat64));
    out.extend_from_slice(b",\"multicast\":");
    push_value(out, &Multicast::of(ip));
    out.extend_from_slice(b",\"solicited_node\":");
    match ip {
        IpAddr::V6(ip) => match solicited_node(ip) {
            Some(node) => {
                push_text(out, "\"", |out| push_ip(out, node.into()));
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        },
        IpAddr::V4(_) => out.extend_from_slice(b"null"),
    }
}

fn push_text(out: &mut Vec<u8>, before: &str, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(before.as_bytes());
    write(out);
}

/// IPv4 numbers are exact in every reader; IPv6 numbers are left to [`Big`], which knows which are.
fn push_integer(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        // Writing to a Vec cannot fail.
        IpAddr::V4(ip) => drop(write!(out, "{}", u32::from(ip))),
        IpAddr::V6(ip) => push_value(out, &Big(ip.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use netkit::addr::describe::{Options, describe};
    use netkit::addr::parse_addr;
    use proptest::prelude::*;

    use super::*;
    use crate::output::json::addr::push_report;

    /// Both roads for a text that is an address without a zone.
    fn both(text: &str, nat64: &[Prefix]) -> (String, String) {
        let (mut fast, mut slow) = (Vec::new(), Vec::new());
        let mut lines = AddrLines::default();
        // The second time finds what the first kept.
        for _ in 0..2 {
            for kind in [As::Ip, As::Addr] {
                let mut literal = parse_addr(text).unwrap();
                if kind == As::Ip {
                    literal.ip = literal.ip.to_canonical();
                }
                lines.push(&mut fast, text, kind, literal, nat64);
                let options = Options {
                    kind: Some(kind),
                    nat64: nat64.to_vec(),
                    ..Options::default()
                };
                push_report(&mut slow, &describe(text, &options), false);
            }
        }
        (
            String::from_utf8(fast).unwrap(),
            String::from_utf8(slow).unwrap(),
        )
    }

    #[test]
    fn writes_what_serde_writes_for_every_special_block() {
        let nat64 = ["2001:db8:122::/48".parse().unwrap()];
        let csv = include_str!("../../../../addr/iana-special.csv");
        let blocks = csv
            .lines()
            .skip(1)
            .map(|row| row.split(',').nth(1).unwrap());
        let more = [
            "224.0.0.1",
            "239.255.0.1",
            "255.255.255.255",
            "ff02::1:ff00:1",
            "ff7e::1",
            "ff11::1",
            "::",
            "::2",
            "::ffff:0.0.0.0",
            "::1.2.3.4",
            "FE80::200:5eff:fe00:5301",
            "8.8.8.8",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:db8:122:c000:2:2100::",
            "2606:4700::1",
            "fe80::5efe:c000:201",
            "::20:0:0:0",
            "::1f:ffff:ffff:ffff",
            "::20:0:0:1",
        ];
        let mut count = 0;
        for text in blocks
            .map(|block| block.split('/').next().unwrap())
            .chain(more)
        {
            let (fast, slow) = both(text, &nat64);
            assert_eq!(fast, slow);
            count += 1;
        }
        assert_eq!(count, 51 + more.len());
    }

    proptest! {
        #[test]
        fn writes_what_serde_writes_for_any_address(v4: u32, v6: u128, zeros: u128) {
            for ip in [
                IpAddr::from(Ipv4Addr::from(v4)),
                Ipv6Addr::from(v6).into(),
                Ipv6Addr::from(v6 & zeros).into(),
                Ipv6Addr::from(v6 >> 64).into(),
            ] {
                let (fast, slow) = both(&ip.to_string(), &[]);
                prop_assert_eq!(fast, slow);
            }
        }
    }
}
