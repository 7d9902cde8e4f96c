//! What is recognised, how it is described, and what is said to those who typed something else.

use super::*;
use crate::addr::forms::Embedded;

fn auto(text: &str) -> AddrReport {
    describe(text, &Options::default())
}

fn as_kind(text: &str, kind: As) -> AddrReport {
    let options = Options {
        kind: Some(kind),
        ..Options::default()
    };
    describe(text, &options)
}

#[test]
fn recognises_what_a_text_is() {
    for (text, kind, canonical) in [
        ("192.0.2.1", As::Addr, "192.0.2.1"),
        ("2001:DB8:0::1", As::Addr, "2001:db8::1"),
        ("fe80::1%eth0", As::Addr, "fe80::1%eth0"),
        ("::ffff:1.2.3.4", As::Addr, "::ffff:1.2.3.4"),
        ("01:02:03:04:05:06:07:08", As::Addr, "1:2:3:4:5:6:7:8"),
        ("10.1.2.3/8", As::Prefix, "10.1.2.3/8"),
        ("192.0.2.1:80", As::AddrPort, "192.0.2.1:80"),
        ("[::1]:443", As::AddrPort, "[::1]:443"),
        ("[::1]:http", As::Tcp, "[::1]:80"),
        ("example.com:443", As::Tcp, "example.com:443"),
        (":80", As::Tcp, ":80"),
        ("00:00:5e:00:53:01", As::Mac, "00:00:5e:00:53:01"),
        ("0000.5e00.5301", As::Mac, "00:00:5e:00:53:01"),
        ("10.0.0.1-10.0.0.9", As::Range, "10.0.0.1-10.0.0.9"),
        ("443", As::Port, "443"),
    ] {
        let report = auto(text);
        assert_eq!(
            (report.ok, report.kind),
            (true, kind),
            "{text}: {:?}",
            report.failure
        );
        assert_eq!(report.canonical.as_deref(), Some(canonical), "{text}");
    }
    assert!(auto("example.com:443").endpoint.unwrap().needs_dns);
}

/// Text, nearest kind, class, what is underlined, hint.
const REFUSED: &[(&str, As, &str, &str, &str)] = &[
    ("", As::Addr, "not_ip", "", ""),
    (
        "10.0.0.01",
        As::Addr,
        "v4_leading_zero",
        "01",
        "leading zero: Go and most modern parsers refuse it, older ones read it as octal; did you mean 10.0.0.1?",
    ),
    ("10.0.0.256", As::Addr, "v4_octet_range", "256", ""),
    (
        "127.1",
        As::Addr,
        "v4_too_few_octets",
        "127.1",
        "did you mean 127.0.0.1?",
    ),
    (
        "1.2.3.4%eth0",
        As::Addr,
        "v4_bad_char",
        "%",
        "did you mean 1.2.3.4?",
    ),
    ("2001:db8::1::", As::Addr, "v6_multiple_ellipsis", "::", ""),
    ("10.0.0.0/33", As::Prefix, "bits_range", "33", ""),
    (
        "10.0.0.0/08",
        As::Prefix,
        "bad_bits",
        "08",
        "did you mean 10.0.0.0/8?",
    ),
    (
        "fe80::%eth0/64",
        As::Prefix,
        "zone_in_prefix",
        "%eth0",
        "did you mean fe80::/64?",
    ),
    (
        "10.0.0.9-10.0.0.1",
        As::Range,
        "reversed_range",
        "10.0.0.9-10.0.0.1",
        "did you mean 10.0.0.1-10.0.0.9?",
    ),
    (
        "10.0.0.1-::1",
        As::Range,
        "mixed_families",
        "10.0.0.1-::1",
        "",
    ),
    (
        "00:00:5e:00:53",
        As::Mac,
        "invalid_mac",
        "00:00:5e:00:53",
        "",
    ),
    ("00:00:5e:00:53:0g", As::Mac, "invalid_mac", "0", ""),
    ("10.0.0.1:70000", As::Tcp, "invalid_port", "70000", ""),
    (
        "example.com:htps",
        As::Tcp,
        "unknown_port",
        "htps",
        "did you mean example.com:https?",
    ),
    ("[::1", As::Tcp, "missing_bracket", "[", ""),
    ("70000", As::Port, "invalid_port", "70000", ""),
    (
        " 10.0.0.1",
        As::Addr,
        "v4_bad_char",
        " ",
        "there is white space around it; did you mean 10.0.0.1?",
    ),
    (
        "example.com",
        As::Addr,
        "v4_bad_char",
        "e",
        "it could be a host name; use --as ip-addr, with --resolve to look it up",
    ),
];

#[test]
fn every_refusal_names_the_nearest_kind_the_fault_and_the_likely_meaning() {
    for &(text, kind, class, underlined, hint) in REFUSED {
        let report = auto(text);
        let failure = report.failure.unwrap_or_else(|| panic!("{text} is taken"));
        assert_eq!(
            (report.kind, failure.kind.as_str()),
            (kind, class),
            "{text}"
        );
        assert_eq!(
            &text[failure.span[0]..failure.span[1]],
            underlined,
            "{text}"
        );
        assert_eq!(failure.hint.as_deref().unwrap_or(""), hint, "{text}");
        assert!(!failure.message.is_empty() && !failure.expected.is_empty());
    }
    let failure = as_kind("127.0.0.1:80", As::Ip).failure.unwrap();
    assert_eq!(
        failure.hint.as_deref(),
        Some("it looks like addrport; use --as addrport")
    );
    let failure = as_kind("example.com:80", As::Ip).failure.unwrap();
    assert_eq!(
        failure.hint.as_deref(),
        Some("it looks like host:port; use --as hostport")
    );
}

#[test]
fn describes_an_address_in_all_its_notations() {
    let ip = auto("2001:db8::1").ip.unwrap();
    assert_eq!(ip.expanded, "2001:0db8:0000:0000:0000:0000:0000:0001");
    assert_eq!(ip.hex, "20010db8000000000000000000000001");
    assert_eq!(
        ip.integer.to_string(),
        "42540766411282592856903984951653826561"
    );
    assert_eq!(
        ip.reverse,
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
    );
    assert_eq!(ip.solicited_node.unwrap().to_string(), "ff02::1:ff00:1");
    let ip = auto("192.0.2.130").ip.unwrap();
    assert_eq!(ip.binary, "11000000.00000000.00000010.10000010");
    assert_eq!(ip.reverse, "130.2.0.192.in-addr.arpa.");
    assert_eq!(serde_json::to_string(&ip.integer).unwrap(), "3221226114");
    let mapped = auto("::ffff:10.0.0.1");
    assert!(matches!(
        mapped.ip.unwrap().embedded[..],
        [Embedded::Ipv4Mapped { .. }]
    ));
    assert!(mapped.class.unwrap().netip.is_private);
}

#[test]
fn describes_networks_at_both_ends() {
    let text = |text: &str| {
        let cidr = auto(text).cidr.unwrap();
        let broadcast = cidr.broadcast.map(|ip| ip.to_string()).unwrap_or_default();
        format!(
            "{} {}-{} {} {} {} {} {}",
            cidr.network,
            cidr.first_host,
            cidr.last_host,
            broadcast,
            cidr.netmask,
            cidr.wildcard,
            cidr.size,
            cidr.hosts
        )
    };
    assert_eq!(
        text("10.1.2.3/30"),
        "10.1.2.0/30 10.1.2.1-10.1.2.2 10.1.2.3 255.255.255.252 0.0.0.3 4 2"
    );
    assert_eq!(
        text("10.0.0.0/31"),
        "10.0.0.0/31 10.0.0.0-10.0.0.1  255.255.255.254 0.0.0.1 2 2"
    );
    assert_eq!(
        text("10.0.0.1/32"),
        "10.0.0.1/32 10.0.0.1-10.0.0.1  255.255.255.255 0.0.0.0 1 1"
    );
    assert_eq!(
        text("0.0.0.0/0"),
        "0.0.0.0/0 0.0.0.1-255.255.255.254 255.255.255.255 0.0.0.0 255.255.255.255 4294967296 4294967294"
    );
    let all = auto("::/0").cidr.unwrap();
    assert_eq!(
        all.size.to_string(),
        "340282366920938463463374607431768211456"
    );
    assert_eq!(all.parent, None);
    let json = serde_json::to_value(&all).unwrap();
    assert_eq!(json["size"], "340282366920938463463374607431768211456");
    assert_eq!(
        auto("10.0.0.0/16")
            .cidr
            .unwrap()
            .parent
            .unwrap()
            .to_string(),
        "10.0.0.0/15"
    );
    assert!(auto("10.1.2.3/8").cidr.unwrap().host_bits_set);
}

#[test]
fn describes_endpoints_and_hardware_addresses() {
    let endpoint = auto("[fe80::1%eth0]:443").endpoint.unwrap();
    assert_eq!(
        (endpoint.port, endpoint.zone.as_deref()),
        (Some(443), Some("eth0"))
    );
    assert_eq!(endpoint.service.as_deref(), Some("https"));
    let endpoint = as_kind(":53", As::Udp).endpoint.unwrap();
    assert_eq!(
        (endpoint.ip, endpoint.network.as_deref()),
        (None, Some("udp"))
    );
    let mac = auto("02-00-5e-10-00-00").mac.unwrap();
    assert_eq!(
        (mac.local, mac.multicast, mac.oui.as_str()),
        (true, false, "02:00:5e")
    );
    assert_eq!(mac.eui64.as_deref(), Some("00:00:5e:ff:fe:10:00:00"));
    assert_eq!(mac.link_local.unwrap().to_string(), "fe80::5eff:fe10:0");
}

#[test]
fn net_ip_is_shown_where_it_differs() {
    assert_eq!(auto("10.0.0.1").class.unwrap().net_ip, None);
    let class = auto("::ffff:0.0.0.0").class.unwrap();
    assert!(!class.netip.is_unspecified && class.net_ip.unwrap().is_unspecified);
}

#[test]
fn bytes_that_are_not_utf8_are_refused_where_they_stand() {
    let report = describe_bytes(b"10.0.\xff.1", &Options::default());
    let failure = report.failure.unwrap();
    assert_eq!((failure.kind.as_str(), failure.span), ("not_utf8", [5, 8]));
    assert_eq!(&report.input[5..8], "\u{fffd}");
}

#[test]
fn a_report_survives_json() {
    for text in [
        "10.1.2.3/8",
        "::/0",
        "fe80::1%eth0",
        "example.com:80",
        "x",
        "1.1.1.1-2.2.2.2",
    ] {
        let report = auto(text);
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(
            serde_json::from_str::<AddrReport>(&json).unwrap(),
            report,
            "{json}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic_and_every_span_lies_within(bytes: Vec<u8>, text in "[0-9a-f:.%/\\[\\]é -]{0,24}") {
        for kind in std::iter::once(None).chain(As::ALL.into_iter().map(Some)) {
            let options = Options { kind, ..Options::default() };
            for report in [describe_bytes(&bytes, &options), describe(&text, &options)] {
                if let Some(failure) = report.failure {
                    let [start, end] = failure.span;
                    assert!(report.input.get(start..end).is_some(), "{failure:?}");
                }
            }
        }
    }
}
