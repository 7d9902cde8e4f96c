//! The examples of RFC 6724 §10.2, as in Go's `TestSortByRFC6724`, and the interleave.

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Destinations with their sources as given, and the order wanted.
type Row = (
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

#[test]
fn destinations_sort_as_in_the_examples_of_rfc_6724() {
    let rows: &[Row] = &[
        // Prefer matching scope.
        (
            &[
                ("2001:db8:1::1", "2001:db8:1::2"),
                ("198.51.100.121", "169.254.13.78"),
            ],
            &["2001:db8:1::1", "198.51.100.121"],
        ),
        (
            &[
                ("2001:db8:1::1", "fe80::1"),
                ("198.51.100.121", "198.51.100.117"),
            ],
            &["198.51.100.121", "2001:db8:1::1"],
        ),
        // Prefer higher precedence.
        (
            &[("10.1.2.3", "10.1.2.4"), ("2001:db8:1::1", "2001:db8:1::2")],
            &["2001:db8:1::1", "10.1.2.3"],
        ),
        // Prefer smaller scope.
        (
            &[("2001:db8:1::1", "2001:db8:1::2"), ("fe80::1", "fe80::2")],
            &["fe80::1", "2001:db8:1::1"],
        ),
        // Prefer matching label: 6to4 source and native destination.
        (
            &[
                ("2002:c633:6401::1", "2002:c633:6401::2"),
                ("2001:db8:1::1", "2002:c633:6401::2"),
            ],
            &["2002:c633:6401::1", "2001:db8:1::1"],
        ),
        // Longest matching prefix, IPv6 only.
        (
            &[
                ("2001:db8:2::1", "2001:db8:1::9"),
                ("2001:db8:1::1", "2001:db8:1::9"),
            ],
            &["2001:db8:1::1", "2001:db8:2::1"],
        ),
        (
            &[("192.0.2.200", "192.0.2.1"), ("192.0.2.2", "192.0.2.1")],
            &["192.0.2.200", "192.0.2.2"],
        ),
    ];
    for (given, wanted) in rows {
        let given = given.iter().map(|(d, s)| (ip(d), Some(ip(s)))).collect();
        let wanted: Vec<_> = wanted.iter().map(|text| ip(text)).collect();
        assert_eq!(sort(given), wanted);
    }
}

#[test]
fn a_destination_without_a_route_goes_last() {
    let given = vec![
        (ip("2001:db8::1"), None),
        (ip("192.0.2.1"), Some(ip("192.0.2.9"))),
    ];
    assert_eq!(sort(given), [ip("192.0.2.1"), ip("2001:db8::1")]);
}

#[test]
fn loopback_v6_goes_before_loopback_v4() {
    let given = vec![
        (ip("127.0.0.1"), Some(ip("127.0.0.1"))),
        (ip("::1"), Some(ip("::1"))),
    ];
    assert_eq!(sort(given), [ip("::1"), ip("127.0.0.1")]);
}

#[test]
fn families_alternate_and_keep_their_own_order() {
    let sorted = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"].map(ip);
    let wanted = ["2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"].map(ip);
    assert_eq!(interleave(&sorted, None), wanted);
    let after_v6 = ["192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8::3"].map(ip);
    assert_eq!(interleave(&sorted, Some(Family::Ipv6)), after_v6);
    assert_eq!(interleave(&sorted[..2], Some(Family::Ipv6)), sorted[..2]);
}

#[test]
fn the_order_does_not_depend_on_the_order_of_the_answer() {
    let given = [
        ("10.1.2.3", "10.1.2.4"),
        ("2001:db8:1::1", "2001:db8:1::2"),
        ("fe80::1", "fe80::2"),
        ("::1", "::1"),
        ("fd00::1", "2001:db8:1::2"),
    ]
    .map(|(destination, source)| (ip(destination), Some(ip(source))));
    let wanted = ["::1", "fe80::1", "2001:db8:1::1", "10.1.2.3", "fd00::1"].map(ip);
    let mut backwards = given.to_vec();
    backwards.reverse();
    assert_eq!(sort(given.to_vec()), wanted);
    assert_eq!(sort(backwards), wanted);
}

#[test]
fn addresses_have_the_precedence_and_label_of_their_longest_prefix() {
    let rows = [
        ("127.0.0.1", (35, 4)),
        ("2601:645:8002:a500:986f:1db8:c836:bd65", (40, 1)),
        ("::1", (50, 0)),
        ("2002::ab12", (30, 2)),
        ("2001::1", (5, 5)),
        ("fd00::1", (3, 13)),
    ];
    for (addr, wanted) in rows {
        assert_eq!(policy(ip(addr)), wanted, "{addr}");
    }
}

#[test]
fn scopes_are_those_of_rfc_6724_section_3() {
    let rows = [
        ("127.0.0.1", 0x2),
        ("::1", 0x2),
        ("169.254.1.2", 0x2),
        ("fec0::1", 0x5),
        ("8.8.8.8", 0xe),
        ("ff02::", 0x2),
        ("ff05::", 0x5),
        ("ff04::", 0x4),
        ("ff0e::", 0xe),
        ("224.0.0.0", 0xe),
        ("::ffff:169.254.1.2", 0x2),
    ];
    for (addr, wanted) in rows {
        assert_eq!(scope(ip(addr)), wanted, "{addr}");
    }
}
