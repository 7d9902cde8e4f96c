//! The target grammar: what it accepts, and what it says when it does not.

mod laws;

use super::list::{Argument, pair_arguments, parse_line, parse_lines};
use super::*;

/// The targets of a text, joined; `…` after the eighth.
fn expand(text: &str) -> String {
    expand_on(text, Network::Tcp)
}

fn expand_on(text: &str, network: Network) -> String {
    let spec = TargetSpec::parse(text, network).unwrap_or_else(|error| panic!("{error:?}"));
    show(&spec)
}

fn show(spec: &TargetSpec) -> String {
    let mut targets: Vec<String> = spec.targets().take(9).map(|t| t.to_string()).collect();
    if targets.len() == 9 {
        targets[8] = "…".to_owned();
    }
    format!("{} {}", spec.network(), targets.join(" "))
}

#[test]
fn accepts_every_documented_form() {
    for (text, expected) in [
        ("example.com:443", "tcp example.com:443"),
        ("example.com.:443", "tcp example.com.:443"),
        ("Example_1-x.com:0080", "tcp Example_1-x.com:80"),
        ("bücher.example:80", "tcp bücher.example:80"),
        ("192.0.2.1:22", "tcp 192.0.2.1:22"),
        ("[2001:DB8::1]:53", "tcp [2001:db8::1]:53"),
        ("[fe80::1%eth0]:53", "tcp [fe80::1%eth0]:53"),
        ("[::ffff:192.0.2.1]:53", "tcp [::ffff:192.0.2.1]:53"),
        ("tcp4://[::ffff:192.0.2.1]:53", "tcp4 192.0.2.1:53"),
        ("tcp://example.com:443", "tcp example.com:443"),
        ("TCP6://[::1]:443", "tcp6 [::1]:443"),
        ("udp4://192.0.2.1:53", "udp4 192.0.2.1:53"),
        ("udp://192.0.2.1:domain", "udp 192.0.2.1:53"),
        ("example.com:https", "tcp example.com:443"),
        ("example.com:HTTP,443", "tcp example.com:80 example.com:443"),
        ("h:22,80,8000-8002", "tcp h:22 h:80 h:8000 h:8001 h:8002"),
        (
            "10.0.0.1/31:80,81",
            "tcp 10.0.0.0:80 10.0.0.0:81 10.0.0.1:80 10.0.0.1:81",
        ),
        (
            "[2001:db8::/127]:53",
            "tcp [2001:db8::]:53 [2001:db8::1]:53",
        ),
        ("0x7f.0.0.1:80", "tcp 0x7f.0.0.1:80"),
        (":80", "tcp 127.0.0.1:80"),
        ("tcp6://:80", "tcp6 [::1]:80"),
        ("udp4://:80", "udp4 127.0.0.1:80"),
        ("unix:/run/x.sock", "unix unix:/run/x.sock"),
        ("unix:///run/x.sock", "unix unix:/run/x.sock"),
        ("unix:relative name", "unix unix:relative name"),
        ("unixgram:/run/log", "unixgram unixgram:/run/log"),
        ("unix:@abstract", "unix unix:@abstract"),
        ("UNIX:@é", "unix unix:@é"),
    ] {
        assert_eq!(expand(text), expected, "{text}");
    }
    assert_eq!(expand_on("/run/x", Network::Unix), "unix unix:/run/x");
    assert_eq!(
        expand_on("udp://:1", Network::Unixgram),
        "unixgram unixgram:udp://:1"
    );
}

#[test]
fn expands_lazily_however_large_the_block() {
    let spec: TargetSpec = "[::/0]:1-65535".parse().unwrap();
    assert_eq!(spec.len(), u128::MAX);
    assert_eq!(spec.targets().next().unwrap().to_string(), "[::]:1");
    let spec: TargetSpec = "10.0.0.0/8:1-2".parse().unwrap();
    assert_eq!(spec.len(), 2 << 24);
    assert_eq!(spec.targets().nth(3).unwrap().to_string(), "10.0.0.1:2");
    let last: TargetSpec = "255.255.255.255/32:65535".parse().unwrap();
    assert_eq!(last.targets().count(), 1);
}

#[test]
fn targets_can_be_sent_to_another_thread() {
    fn check<T: Send + 'static>(_: T) {}
    let spec: TargetSpec = "h:1".parse().unwrap();
    check(spec.targets());
}

/// Input, what is underlined, message, suggestion (empty: none).
const REFUSED: &[(&str, &str, &str, &str)] = &[
    ("", "", "the target is empty", ""),
    ("example.com", "", "the port is missing", "example.com:443"),
    ("example.com:", "", "the port is missing", "example.com:443"),
    ("[::1]", "", "the port is missing", "[::1]:443"),
    ("[::1]:", "", "the port is missing", "[::1]:443"),
    ("::1", "", "the port is missing", "[::1]:443"),
    (
        "fe80::a%eth0",
        "",
        "the port is missing",
        "[fe80::a%eth0]:443",
    ),
    (
        "2001:db8::1:80",
        "2001:db8::1:80",
        "an IPv6 address with a port needs brackets",
        "[2001:db8::1]:80",
    ),
    (
        "2001:db8::/32",
        "",
        "the port is missing",
        "[2001:db8::/32]:443",
    ),
    ("h:80:90", ":80:90", "there are too many colons", ""),
    (
        "tcp:h:90",
        ":h:90",
        "there are too many colons",
        "tcp://h:90",
    ),
    ("localhost:99999", "99999", "port 99999 is out of range", ""),
    (
        "h:4294967376",
        "4294967376",
        "port 4294967376 is out of range",
        "",
    ),
    ("h:1,70000", "70000", "port 70000 is out of range", ""),
    ("h:1,,2", "", "a port is missing", ""),
    (
        "h:90-80",
        "90-80",
        "the port range 90-80 is reversed",
        "h:80-90",
    ),
    ("h:80-", "80-", "the range has no last port", "h:80-65535"),
    ("h:-80", "-80", "the range has no first port", "h:80"),
    ("h:-", "-", "a range without ports", ""),
    ("h:+80", "+80", "unknown tcp service +80", ""),
    ("h:htps", "htps", "unknown tcp service htps", "h:https"),
    (
        "udp://h:ssh",
        "ssh",
        "ssh is a service of tcp, not of udp",
        "udp://h:22",
    ),
    (
        "h:80/x",
        "/x",
        "a port ends the target, nothing may follow it",
        "h:80",
    ),
    ("10.0.0.0/33:80", "33", "33 is not a prefix length", ""),
    ("10.0.0.0/+8:80", "+8", "+8 is not a prefix length", ""),
    ("10.0.0.0/:80", "", "the prefix length is missing", ""),
    (
        "[2001:db8::/129]:80",
        "129",
        "129 is not a prefix length",
        "",
    ),
    (
        "[fe80::%eth0/64]:80",
        "%eth0",
        "a block of addresses cannot have a zone",
        "[fe80::/64]:80",
    ),
    ("h/24:80", "/24", "a name cannot have a prefix length", ""),
    ("[::1:80", "[", "this bracket is never closed", ""),
    (
        "[]:80",
        "[]",
        "there is no address between the brackets",
        "",
    ),
    (
        "[1.2.3.4]:80",
        "[1.2.3.4]",
        "brackets are for IPv6 addresses only",
        "1.2.3.4:80",
    ),
    (
        "[h]:80",
        "[h]",
        "brackets are for IPv6 addresses only",
        "h:80",
    ),
    ("[::1]80", "80", "only a port can follow the bracket", ""),
    ("::1]:80", "]", "unexpected ]", ""),
    ("[[::1]]:80", "[", "unexpected [", ""),
    (
        "1.2.3.4%eth0:80",
        "%",
        "an IPv4 address has no zone",
        "1.2.3.4:80",
    ),
    ("[fe80::1%]:80", "%", "the zone is empty", "[fe80::1]:80"),
    (
        "1.2.3:80",
        "1.2.3",
        "there are fewer than four octets",
        "1.2.0.3:80",
    ),
    (
        "127.1:80",
        "127.1",
        "there are fewer than four octets",
        "127.0.0.1:80",
    ),
    (
        "2130706433:80",
        "2130706433",
        "a bare number is not a host",
        "127.0.0.1:80",
    ),
    ("256.1.1.1:80", "256", "the octet 256 is above 255", ""),
    (
        "01.2.3.4:80",
        "01",
        "the octet 01 has a leading zero",
        "1.2.3.4:80",
    ),
    ("1..2.3:80", ".", "an octet is missing", ""),
    ("1.2.3.4.5:80", ".5", "there are more than four octets", ""),
    ("[1::2::3]:80", "::", ":: stands more than once", ""),
    (
        "[12345::]:80",
        "12345",
        "the group 12345 has more than four digits",
        "",
    ),
    ("[::g]:80", "g", "a group of digits is missing", ""),
    ("[1:2]:80", "1:2", "there are fewer than eight groups", ""),
    ("a b:80", " ", "a target cannot hold white space", ""),
    (" a:80 ", " ", "a target cannot hold white space", "a:80"),
    ("a : 80", " ", "a target cannot hold white space", "a:80"),
    ("a 80", " ", "a target cannot hold white space", "a:80"),
    (
        "127.0.0.1:80 81",
        " ",
        "a target cannot hold white space",
        "127.0.0.1:80,81",
    ),
    (
        "h:80, 81",
        " ",
        "a target cannot hold white space",
        "h:80,81",
    ),
    ("h:80 x:81", " ", "a target cannot hold white space", ""),
    ("::1 80", " ", "a target cannot hold white space", ""),
    (
        "[::1] 80",
        " ",
        "a target cannot hold white space",
        "[::1]:80",
    ),
    (
        "h:80\n",
        "\n",
        "the character \\u{a} cannot be in a target",
        "",
    ),
    (
        "h\0:80",
        "\0",
        "the character \\u{0} cannot be in a target",
        "",
    ),
    (
        "h\u{202e}:80",
        "\u{202e}",
        "the character \\u{202e} cannot be in a target",
        "",
    ),
    ("a..b:80", "", "the host name has an empty label", ""),
    (".:80", ".", "an octet is missing", ""),
    (
        "-a:80",
        "-a",
        "a label cannot begin or end with a hyphen",
        "",
    ),
    ("a!b:80", "!", "'!' cannot be in a host name", ""),
    ("tcp4://[::1]:80", "::1", "::1 is not an IPv4 address", ""),
    (
        "tcp6://1.2.3.4:80",
        "1.2.3.4",
        "1.2.3.4 is not an IPv6 address",
        "",
    ),
    (
        "tcp6://[::ffff:1.2.3.4]:80",
        "::ffff:1.2.3.4",
        "::ffff:1.2.3.4 is not an IPv6 address",
        "",
    ),
    ("tpc://h:80", "tpc", "unknown network tpc", "tcp://h:80"),
    ("gopher://h:80", "gopher", "unknown network gopher", ""),
    ("://h:80", "", "the network before :// is missing", ""),
    (
        "http://u@h/x?y",
        "http",
        "http://… is a URL, not a target",
        "h:80",
    ),
    (
        "https://h",
        "https",
        "https://… is a URL, not a target",
        "h:443",
    ),
    (
        "https://[::1]:8443/",
        "https",
        "https://… is a URL, not a target",
        "[::1]:8443",
    ),
    (
        "/run/x.sock",
        "/run/x.sock",
        "the network of this path is missing",
        "unix:/run/x.sock",
    ),
    ("unix:", "", "the name of the socket is missing", ""),
    ("unix:@", "@", "the name of the socket is missing", ""),
    (
        "unix:/a\0b",
        "\0",
        "a NUL cannot be in the name of a socket",
        "",
    ),
    (
        "unix://run/x",
        "run",
        "a Unix socket has no host",
        "unix:/run/x",
    ),
];

#[test]
fn every_refusal_points_at_the_fault_and_says_what_is_wrong() {
    for &(text, underlined, message, suggestion) in REFUSED {
        let error = TargetSpec::parse(text, Network::Tcp).expect_err(text);
        assert_eq!(error.input, text);
        assert_eq!(error.message, message, "{text:?}");
        assert_eq!(&text[error.span.clone()], underlined, "{text:?}");
        assert_eq!(
            error.suggestion.as_deref().unwrap_or(""),
            suggestion,
            "{text:?}"
        );
        assert!(!error.expected.is_empty());
    }
}

#[test]
fn every_suggestion_is_itself_accepted_or_refused_for_another_reason() {
    for &(text, _, message, suggestion) in REFUSED.iter().filter(|row| !row.3.is_empty()) {
        if let Err(error) = TargetSpec::parse(suggestion, Network::Tcp) {
            panic!("{text:?} ({message}) suggests {suggestion:?}: {error}");
        }
    }
}

#[test]
fn limits_the_length_of_names_and_paths() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    assert!(TargetSpec::parse(&format!("{longest}:1"), Network::Tcp).is_ok());
    assert!(TargetSpec::parse(&format!("{longest}.:1"), Network::Tcp).is_ok());
    for (text, message) in [
        (format!("{longest}b:1"), "the host name is too long"),
        (
            format!("{label}a.b:1"),
            "a label of the host name is too long",
        ),
        (
            format!("unix:/{}", "p".repeat(107)),
            "the name of the socket has 108 bytes",
        ),
        (
            format!("unix:@{}", "p".repeat(108)),
            "the name of the socket has 108 bytes",
        ),
    ] {
        assert_eq!(
            TargetSpec::parse(&text, Network::Tcp).unwrap_err().message,
            message
        );
    }
    assert!(TargetSpec::parse(&format!("unix:/{}", "p".repeat(106)), Network::Tcp).is_ok());
    assert!(TargetSpec::parse(&format!("unix:@{}", "p".repeat(107)), Network::Tcp).is_ok());
}

#[test]
fn port_zero_parses_but_cannot_be_dialled() {
    let spec: TargetSpec = "h:1,0".parse().unwrap();
    let error = spec.check_dialable().unwrap_err();
    assert_eq!(
        (error.message.as_str(), error.span),
        ("port 0 cannot be dialled", 4..5)
    );
    assert_eq!(
        "h:1".parse::<TargetSpec>().unwrap().check_dialable(),
        Ok(())
    );
}

#[test]
fn a_host_and_its_ports_may_come_apart() {
    for (host, ports, expected) in [
        ("example.com", "443", "tcp example.com:443"),
        ("udp://h", "domain", "udp h:53"),
        ("2001:db8::1", "1-2", "tcp [2001:db8::1]:1 [2001:db8::1]:2"),
        ("[2001:db8::1]", "1", "tcp [2001:db8::1]:1"),
        ("fe80::1%eth0", "22", "tcp [fe80::1%eth0]:22"),
        ("2001:db8::/127", "1", "tcp [2001:db8::]:1 [2001:db8::1]:1"),
    ] {
        let spec = TargetSpec::parse_pair(host, ports, Network::Tcp).unwrap();
        assert_eq!(show(&spec), expected);
    }
    for (host, ports, input, message) in [
        ("h", "70000", "70000", "port 70000 is out of range"),
        ("", "80", "", "the target is empty"),
        ("tcp://", "80", "tcp://", "the host is missing"),
        ("h", "", "", "the target is empty"),
        ("unix:/x", "80", "80", "a Unix socket has no port"),
        ("fe80::1%a]b", "80", "fe80::1%a]b", "unexpected ]"),
        (
            "[::1]x",
            "80",
            "[::1]x",
            "nothing can follow the bracket here",
        ),
    ] {
        let error = TargetSpec::parse_pair(host, ports, Network::Tcp).unwrap_err();
        assert_eq!(
            (error.input.as_str(), error.message.as_str()),
            (input, message)
        );
    }
}

#[test]
fn an_argument_without_a_port_takes_the_next_one() {
    use Argument::{Joined, Pair};
    let pairs = |arguments: &'static [&'static str]| pair_arguments(arguments, Network::Tcp);
    assert_eq!(
        pairs(&[
            "a.example",
            "443",
            "b:80",
            "unix:/x",
            "::1",
            "22,23",
            "[::1]",
            "5",
            "c"
        ]),
        [
            Pair("a.example", "443"),
            Joined("b:80"),
            Joined("unix:/x"),
            Pair("::1", "22,23"),
            Pair("[::1]", "5"),
            Joined("c"),
        ]
    );
    assert_eq!(pairs(&["a", "b:80"]), [Joined("a"), Joined("b:80")]);
    assert_eq!(
        pairs(&["10.0.0.0/8", "80", ""]),
        [Pair("10.0.0.0/8", "80"), Joined("")]
    );
}

#[test]
fn a_list_ignores_comments_and_numbers_its_errors() {
    let text = "\u{20}# first\r\nh:1 # one\r\n\r\n::1 80\nunix:/a b\nh#:2\nx y z\n[::1\nlast:9";
    let read: Vec<_> = parse_lines(text, Network::Tcp)
        .map(|line| match line {
            Ok(spec) => show(&spec),
            Err(error) => format!("{}: {}", error.line, error.error.message),
        })
        .collect();
    assert_eq!(
        read,
        [
            "tcp h:1",
            "tcp [::1]:80",
            "unix unix:/a b",
            "6: '#' cannot be in a host name",
            "7: a target cannot hold white space",
            "8: this bracket is never closed",
            "tcp last:9",
        ]
    );
    let error = parse_line("  h 99999 # x", Network::Tcp).unwrap_err();
    assert_eq!((error.input.as_str(), error.span), ("  h 99999 # x", 4..9));
}
