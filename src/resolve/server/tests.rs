//! Every form of a server and every fault, and that what is written parses back.

use proptest::prelude::*;

use super::*;

#[test]
fn every_form_of_a_server_is_read() {
    let rows = [
        ("8.8.8.8", "8.8.8.8:53"),
        ("8.8.8.8:5353", "8.8.8.8:5353"),
        ("8.8.8.8#5353", "8.8.8.8:5353"),
        ("::1", "[::1]:53"),
        ("::1#54", "[::1]:54"),
        ("[::1]", "[::1]:53"),
        ("[::1]:54", "[::1]:54"),
        ("[::1]#54", "[::1]:54"),
        ("fe80::1%eth0", "[fe80::1%eth0]:53"),
        ("[fe80::1%eth0]:54", "[fe80::1%eth0]:54"),
        ("fe80::1%2", "[fe80::1%2]:53"),
        ("udp://192.0.2.1", "udp://192.0.2.1:53"),
        ("TCP://192.0.2.1:54", "tcp://192.0.2.1:54"),
        ("tcp://[::1]:54", "tcp://[::1]:54"),
        ("tcp://::1", "tcp://[::1]:53"),
        ("dns.example", "dns.example:53"),
        ("localhost:54", "localhost:54"),
        ("DNS.Example.", "dns.example:53"),
        ("dns.bücher.example", "dns.xn--bcher-kva.example:53"),
        ("udp://dns.example#54", "udp://dns.example:54"),
    ];
    for (text, expected) in rows {
        reads(text, expected);
    }
}

fn reads(text: &str, expected: &str) -> NameServer {
    let server: NameServer = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(server.to_string(), expected, "{text}");
    assert_eq!(expected.parse().as_ref(), Ok(&server), "{text}");
    server
}

#[cfg(feature = "quic")]
#[test]
fn every_form_of_a_secure_server_is_read() {
    let rows = [
        ("tls://1.1.1.1", "tls://1.1.1.1:853", "1.1.1.1"),
        ("tls://dns.example", "tls://dns.example:853", "dns.example"),
        (
            "tls://a.example@::1",
            "tls://a.example@[::1]:853",
            "a.example",
        ),
        (
            "tls://a.example@[::1]:53",
            "tls://a.example@[::1]:53",
            "a.example",
        ),
        ("tls://a@fe80::1%eth0", "tls://a@[fe80::1%eth0]:853", "a"),
        (
            "tls://a.example@b.example#8",
            "tls://a.example@b.example:8",
            "a.example",
        ),
        (
            "tls://192.0.2.9@192.0.2.1",
            "tls://192.0.2.9@192.0.2.1:853",
            "192.0.2.9",
        ),
        (
            "quic://Dns.Example",
            "quic://dns.example:853",
            "dns.example",
        ),
        (
            "https://dns.example",
            "https://dns.example:443/dns-query",
            "dns.example",
        ),
        (
            "https://a@192.0.2.1:8443/q",
            "https://a@192.0.2.1:8443/q",
            "a",
        ),
        ("https://[::1]/", "https://[::1]:443/", "::1"),
        (
            "h3://a.example/dns-query{?dns}",
            "h3://a.example:443/dns-query{?dns}",
            "a.example",
        ),
        ("https://a/x@y:z?k=v", "https://a:443/x@y:z?k=v", "a"),
    ];
    for (text, expected, certified) in rows {
        assert_eq!(reads(text, expected).certified(), certified, "{text}");
    }
}

#[test]
fn every_fault_is_pointed_at() {
    let rows = [
        ("", 0..0, "the address of the name server is missing"),
        (":53", 0..0, "the address of the name server is missing"),
        ("udp://", 6..6, "the address of the name server is missing"),
        ("1.2.3", 0..5, "\"1.2.3\" is not an IP address"),
        // An escape (`\055` is `7`) makes no number of it.
        (
            "\\0555",
            0..5,
            "\"\\\\0555\" is neither an IP address nor a host name",
        ),
        ("1.2.3.4:", 8..8, "\"\" is not a port number"),
        ("1.2.3.4:+5", 8..10, "\"+5\" is not a port number"),
        ("1.2.3.4:0", 8..9, "port 0 is out of range"),
        ("1.2.3.4:65536", 8..13, "port 65536 is out of range"),
        ("1.2.3.4#x", 8..9, "\"x\" is not a port number"),
        ("dns.example:x", 12..13, "\"x\" is not a port number"),
        ("[::1", 0..4, "the bracket is not closed"),
        ("[::1]53", 5..7, "text after the bracket"),
        ("::1%", 3..4, "\"\" is not an interface"),
        ("::1%a:b", 3..7, "\"a:b\" is not an interface"),
        ("::1%a]", 3..6, "\"a]\" is not an interface"),
        ("1.2.3.4%eth0", 7..12, "an IPv4 address has no zone"),
        (
            "ftp://1.1.1.1",
            0..3,
            "unknown scheme \"ftp\" of a name server",
        ),
        (
            "http://1.1.1.1",
            0..4,
            "DNS over HTTP is defined with TLS only",
        ),
        ("1.2.3.4/24", 7..10, "only https:// and h3:// have a path"),
        (
            "a@1.2.3.4",
            0..1,
            "a name can be verified over TLS and QUIC only",
        ),
        (
            "a..b",
            0..4,
            "\"a..b\" is neither an IP address nor a host name",
        ),
        (
            "a b",
            0..3,
            "\"a b\" is neither an IP address nor a host name",
        ),
        (".", 0..1, "\".\" is not an IP address"),
    ];
    for (text, span, message) in rows {
        faults(text, &span, message);
    }
}

fn faults(text: &str, span: &std::ops::Range<usize>, message: &str) {
    let error = text.parse::<NameServer>().unwrap_err();
    assert_eq!(
        (&error.span, error.message.as_str()),
        (span, message),
        "{text}"
    );
}

#[cfg(feature = "quic")]
#[test]
fn every_fault_of_a_secure_server_is_pointed_at() {
    let rows = [
        ("tls://@1.1.1.1", 6..6, "the name to verify is missing"),
        (
            "tls://a b@1.1.1.1",
            6..9,
            "\"a b\" is neither an IP address nor a host name",
        ),
        (
            "tls://a@",
            8..8,
            "the address of the name server is missing",
        ),
        (
            "tls://1.1.1.1/dns-query",
            13..23,
            "only https:// and h3:// have a path",
        ),
        ("https://a/dns query", 13..14, "' ' cannot stand in a path"),
        ("https://a/{?dns}x", 10..11, "'{' cannot stand in a path"),
        (
            "https:///dns-query",
            8..8,
            "the address of the name server is missing",
        ),
    ];
    for (text, span, message) in rows {
        faults(text, &span, message);
    }
}

/// Texts that are nearly servers.
fn server_like() -> impl Strategy<Value = String> {
    let part = |options: &'static [&'static str]| prop::sample::select(options);
    (
        part(&[
            "", "udp://", "tcp://", "tls://", "https://", "quic://", "h3://", "x://",
        ]),
        part(&["", "a@", "A.b@", "192.0.2.1@", "[::1]@", "@", "é@"]),
        part(&[
            "192.0.2.1",
            "::1",
            "[::1]",
            "fe80::1%eth0",
            "[fe80::1%3]",
            "a.example",
            "",
            "1.",
        ]),
        part(&["", ":53", "#53", ":0", ":x", ":65536", ":"]),
        part(&["", "/", "/dns-query", "/q{?dns}", "/{x", "/a@b:c#d"]),
    )
        .prop_map(|(scheme, name, host, port, path)| [scheme, name, host, port, path].concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_span_inside_it(text in prop_oneof!["\\PC{0,40}", server_like()]) {
        match text.parse::<NameServer>() {
            Ok(server) => prop_assert_eq!(server.to_string().parse(), Ok(server)),
            Err(error) => prop_assert!(text.get(error.span).is_some()),
        }
    }
}
