//! What holds for every text: no panic, spans within it, and what was read is read again.

use proptest::prelude::*;

use crate::addr::list::{pair_arguments, parse_line};
use crate::addr::*;

/// Texts that are near to targets, so that the laws see more than the first check.
fn near_target() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("tcp"),
        Just("udp6"),
        Just("://"),
        Just("unix:"),
        Just(":"),
        Just("["),
        Just("]"),
        Just("/"),
        Just("%"),
        Just("."),
        Just(","),
        Just("-"),
        Just("@"),
        Just("#"),
        Just(" "),
        Just("::"),
        Just("fe80"),
        Just("eth0"),
        Just("1"),
        Just("255"),
        Just("0"),
        Just("443"),
        Just("65536"),
        Just("https"),
        Just("example"),
        Just("é"),
        Just("\0"),
        Just("ffff"),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Small specs of every form.
fn small_spec() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        "[a-z]([a-z0-9-]{0,6}[a-z0-9])?(\\.[a-z]{1,5}){0,2}\\.?",
        any::<[u8; 4]>().prop_map(|o| format!("{}.{}.{}.{}", o[0], o[1], o[2], o[3])),
        (any::<[u8; 4]>(), 28..=32u8)
            .prop_map(|(o, n)| format!("{}.{}.{}.{}/{n}", o[0], o[1], o[2], o[3])),
        any::<u128>().prop_map(|v| format!("[{}]", std::net::Ipv6Addr::from(v))),
        any::<u128>().prop_map(|v| format!("[{}%eth0]", std::net::Ipv6Addr::from(v))),
        (any::<u128>(), 124..=128u8)
            .prop_map(|(v, n)| format!("[{}/{n}]", std::net::Ipv6Addr::from(v))),
        Just(String::new()),
    ];
    let item = prop_oneof![
        any::<u16>().prop_map(|p| p.to_string()),
        (any::<u16>(), 0..20u16).prop_map(|(p, n)| format!("{p}-{}", p.saturating_add(n))),
        Just("http".to_owned()),
    ];
    let ports = proptest::collection::vec(item, 1..4).prop_map(|items| items.join(","));
    let inet = (host, ports).prop_map(|(host, ports)| format!("{host}:{ports}"));
    prop_oneof![4 => inet, 1 => "unix(gram)?:(//)?/[a-z][a-z /@:%]{0,20}", 1 => "unix:@?[a-zé .:]{1,20}"]
}

fn check_span(text: &str, error: &ParseError) {
    assert_eq!(error.input, text);
    assert!(
        error.span.start <= error.span.end && error.span.end <= text.len(),
        "{error:?}"
    );
    assert!(text.is_char_boundary(error.span.start), "{error:?}");
    assert!(text.is_char_boundary(error.span.end), "{error:?}");
}

fn check_any(text: &str, network: Network) {
    match TargetSpec::parse(text, network) {
        Err(error) => check_span(text, &error),
        Ok(spec) => {
            assert!(!spec.is_empty());
            for target in spec.targets().take(5) {
                check_reparses(&target);
            }
        }
    }
    if let Err(error) = parse_line(text, network) {
        check_span(text, &error);
    }
    let _ = pair_arguments(&[text, text], network);
    if let Err(error) = TargetSpec::parse_pair(text, text, network) {
        check_span(text, &error);
    }
}

fn check_reparses(target: &Target) {
    let text = target.to_string();
    let again = TargetSpec::parse(&text, target.network);
    let again: Vec<_> = again
        .unwrap_or_else(|e| panic!("{text:?}: {e:?}"))
        .targets()
        .collect();
    assert_eq!(again, std::slice::from_ref(target), "{text:?}");
}

proptest! {
    #[test]
    fn no_text_panics_and_every_span_lies_within_it(text in ".{0,40}", index in 0..8usize) {
        check_any(&text, Network::ALL[index]);
    }

    #[test]
    fn no_near_target_panics_and_what_is_accepted_reads_back(text in near_target(), index in 0..8usize) {
        check_any(&text, Network::ALL[index]);
    }

    #[test]
    fn a_spec_has_as_many_targets_as_it_says_and_each_reads_back(text in small_spec()) {
        let spec = TargetSpec::parse(&text, Network::Tcp).unwrap();
        let targets: Vec<_> = spec.targets().collect();
        prop_assert_eq!(targets.len() as u128, spec.len());
        for target in targets.iter().step_by(targets.len() / 8 + 1) {
            check_reparses(target);
        }
        let mut unique = targets.clone();
        unique.sort_by_key(ToString::to_string);
        unique.dedup();
        prop_assert_eq!(unique.len(), targets.len());
    }
}
