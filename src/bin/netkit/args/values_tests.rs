//! Tables of accepted and refused forms, and the laws behind them.

use proptest::prelude::*;

use super::*;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn durations_are_seconds_or_have_units() {
    let rows = [
        ("2", ms(2_000)),
        ("0.5", ms(500)),
        (".25", ms(250)),
        ("0", ms(0)),
        ("500ms", ms(500)),
        ("1m30s", ms(90_000)),
        ("1m 30s", ms(90_000)),
        ("2h", ms(7_200_000)),
    ];
    for (text, expected) in rows {
        assert_eq!(duration(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_duration_says_what_would_be() {
    for text in [
        "",
        ".",
        "-1",
        "1.2.3",
        "abc",
        "5x",
        "1e3",
        "inf",
        "NaN",
        "99999999999999999999999",
    ] {
        let error = duration(text).unwrap_err();
        assert!(error.to_string().contains("500ms"), "{text}: {error}");
    }
    assert!(positive_duration("0s").is_err());
    assert!(attempt_delay("9ms").is_err());
    assert_eq!(attempt_delay("10ms"), Ok(ms(10)));
    assert!(keepalive_time("1.5").is_err());
    assert!(keepalive_time("32768").is_err());
    assert_eq!(keepalive_time("32767"), Ok(ms(32_767_000)));
    assert!(user_timeout("25days").is_err());
}

#[test]
fn sizes_have_decimal_and_binary_units() {
    let rows = [
        ("512", 512),
        ("64KiB", 65_536),
        ("64 KiB", 65_536),
        ("1MB", 1_000_000),
        ("2k", 2_000),
        ("1GiB", 1 << 30),
        ("0", 0),
    ];
    for (text, expected) in rows {
        assert_eq!(size(text), Ok(expected), "{text}");
    }
    for text in [
        "",
        "KiB",
        "1.5k",
        "-1",
        "1TB",
        "1 2",
        "99999999999999999999",
        "18446744073709551615k",
    ] {
        assert!(size(text).is_err(), "{text}");
    }
}

#[test]
fn escapes_are_those_of_c() {
    let rows: [(&str, &[u8]); 8] = [
        (r"PING\r\n", b"PING\r\n"),
        (r"\x00\x7f\xff", b"\x00\x7f\xff"),
        (r"\xf", b"\x0f"),
        (r"\0\101\377", b"\0A\xff"),
        (r"\\n", b"\\n"),
        ("ä", "ä".as_bytes()),
        (r"\e[0m", b"\x1b[0m"),
        ("", b""),
    ];
    for (text, expected) in rows {
        assert_eq!(c_text(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn a_bad_escape_is_pointed_at() {
    let rows = [
        (r"ab\q", 2..4),
        (r"\", 0..1),
        (r"a\xg", 1..3),
        (r"\ä", 0..3),
        (r"\777", 0..2),
    ];
    for (text, span) in rows {
        assert_eq!(c_text(text).unwrap_err().span, Some(span), "{text}");
    }
}

#[test]
fn hex_takes_the_usual_separators() {
    for text in [
        "160301",
        "16 03 01",
        "16:03:01",
        "0x16,0x03,0x01",
        "16-03-01",
    ] {
        assert_eq!(hex(text).as_deref(), Ok(&[0x16, 3, 1][..]), "{text}");
    }
    assert_eq!(hex(""), Ok(Vec::new()));
    assert!(hex("123").is_err());
    assert_eq!(hex("12zz").unwrap_err().span, Some(2..3));
    assert!(hex("x1x2").is_err());
}

#[test]
fn code_points_have_names_and_numbers() {
    assert_eq!(dscp("EF"), Ok(46));
    assert_eq!(dscp("af41"), Ok(34));
    assert_eq!(dscp("63"), Ok(63));
    assert_eq!(tos("0xb8"), Ok(0xb8));
    assert_eq!(mark("0xffffffff"), Ok(u32::MAX));
    for text in ["64", "af44", "-1", "", "+1"] {
        assert!(dscp(text).is_err(), "{text}");
    }
    assert!(tos("256").is_err());
    assert!(mark("4294967296").is_err());
}

#[test]
fn numbers_have_bounds() {
    assert!(ttl("0").is_err());
    assert!(ttl("256").is_err());
    assert!(mss("87").is_err());
    assert!(keepalive_count("128").is_err());
    assert!(parallel("0").is_err());
    assert!(count("-1").is_err());
    assert_eq!(count("0"), Ok(0));
}

#[test]
fn a_broken_regex_says_why_in_one_line() {
    let error = regex("a(b").unwrap_err().to_string();
    assert!(error.contains("unclosed group"), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

proptest! {
    #[test]
    fn hex_round_trips(bytes: Vec<u8>) {
        let text = data_encoding::HEXLOWER.encode(&bytes);
        prop_assert_eq!(hex(&text), Ok(bytes));
    }

    #[test]
    fn escaped_text_round_trips(bytes: Vec<u8>) {
        let text = bytes.escape_ascii().to_string();
        prop_assert_eq!(c_text(&text), Ok(bytes));
    }

    #[test]
    fn no_input_makes_a_parser_panic(text in ".{0,20}") {
        let _ = (duration(&text), size(&text), c_text(&text), hex(&text), dscp(&text), regex(&text));
    }
}
