//! The examples of RFC 6724 §10.2, as in Go's `TestSortByRFC6724`, and the interleave.

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn destinations_sort_as_in_the_examples_of_rfc_6724() {
    // (destination, source) in the order given, then the order wanted.
    let rows: &[(&[(&str, &str)], &[&str])] = &[
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
