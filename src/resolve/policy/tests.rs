//! The pure parts of a policy: what is read, whom it means, what it does.

use std::net::IpAddr;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::measured::{FRESH, Measured};
use super::rules::{Action, Rules, Subject};
use crate::resolve::{DomainName, NameServer};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn rules(text: &str) -> Rules {
    text.parse()
        .unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

fn ips(text: &str) -> Vec<IpAddr> {
    text.split_whitespace()
        .map(|ip| ip.parse().unwrap())
        .collect()
}

fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

/// What a policy makes of an answer, and which rules did what.
fn arranged(text: &str, region: &str, before: &str) -> (Vec<IpAddr>, Vec<(String, Action)>) {
    let name = name("www.shop.test");
    let region = (!region.is_empty()).then_some(region);
    let subject = Subject {
        name: &name,
        region,
    };
    let mut addresses = ips(before);
    let measured = Measured::default();
    let now = Instant::now();
    let fired = rules(text).arrange(&subject, &mut addresses, &measured, now);
    let fired = fired.into_iter().map(|fired| (fired.rule, fired.action));
    (addresses, fired.collect())
}

/// Rules, a region, an answer, what becomes of it, and which rule did what.
type Arranging = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, Action)],
);

const ARRANGING: &[Arranging] = &[
    (
        "[[rule]]\nname='east'\nregions=['east']\nprefer=['10.1.0.0/16']",
        "east",
        "203.0.113.7 10.1.0.5 198.51.100.1 10.1.0.4",
        "10.1.0.5 10.1.0.4 203.0.113.7 198.51.100.1",
        &[("east", Action::Prefer)],
    ),
    (
        "[[rule]]\nname='east'\nregions=['east']\nprefer=['10.1.0.0/16']",
        "west",
        "203.0.113.7 10.1.0.5",
        "203.0.113.7 10.1.0.5",
        &[],
    ),
    (
        "[[rule]]\nname='nothing to do'\nprefer=['10.0.0.0/8']",
        "",
        "10.1.0.5 203.0.113.7",
        "10.1.0.5 203.0.113.7",
        &[],
    ),
    (
        "[[rule]]\nname='a'\ndrop=['10.0.0.0/8']\n[[rule]]\nname='b'\navoid=['203.0.113.0/24']",
        "",
        "203.0.113.7 10.1.0.5 198.51.100.1",
        "198.51.100.1 203.0.113.7",
        &[("a", Action::Drop), ("b", Action::Avoid)],
    ),
    (
        "[[rule]]\nname='a'\nkeep=['10.0.0.0/8', '2001:db8::/32']",
        "",
        "203.0.113.7 10.1.0.5 2001:db8::1",
        "10.1.0.5 2001:db8::1",
        &[("a", Action::Drop)],
    ),
    (
        "[[rule]]\nname='a'\nreplace=['192.0.2.1', '192.0.2.2', '2001:db8::1']",
        "",
        "203.0.113.7",
        "192.0.2.1 192.0.2.2",
        &[("a", Action::Replace)],
    ),
    (
        "[[rule]]\nname='a'\nanswers_in=['10.0.0.0/8']\nreplace=['192.0.2.1']\nlast=true\n[[rule]]\nname='b'\ndrop=['0.0.0.0/0']",
        "",
        "10.1.0.5",
        "192.0.2.1",
        &[("a", Action::Replace)],
    ),
    (
        "[[rule]]\nname='a'\nanswers_in=['10.0.0.0/8']\nlast=true\n[[rule]]\nname='b'\ndrop=['203.0.113.0/24']",
        "",
        "203.0.113.7 198.51.100.1",
        "198.51.100.1",
        &[("b", Action::Drop)],
    ),
];

#[test]
fn rules_act_on_what_those_before_them_left() {
    for (text, region, before, after, did) in ARRANGING {
        let (addresses, fired) = arranged(text, region, before);
        let did: Vec<_> = did
            .iter()
            .map(|(rule, what)| ((*rule).to_owned(), *what))
            .collect();
        assert_eq!((addresses, fired), (ips(after), did), "{text}");
    }
}

#[test]
fn names_are_meant_whole_or_with_all_below_them() {
    let rows = [
        ("www.shop.test", "WWW.shop.test.", true),
        ("www.shop.test", "a.www.shop.test", false),
        ("*.shop.test", "www.shop.test", true),
        ("*.shop.test", "a.b.shop.test", true),
        ("*.shop.test", "shop.test", false),
        ("*.shop.test", "xshop.test", false),
        ("*", "anything.at.all", true),
    ];
    for (pattern, asked, expected) in rows {
        let text = format!("[[rule]]\nname='a'\nnames=['{pattern}']\ndrop=['::/0']");
        let rules = rules(&text);
        assert_eq!(
            rules.rules[0].names[0].matches(&name(asked)),
            expected,
            "{pattern} {asked}"
        );
    }
}

#[test]
fn the_first_server_gives_way_while_it_is_slow_or_fails_and_comes_back() {
    let text = "[[rule]]\nname='overseas'\nregions=['overseas']\nservers=['192.0.2.1','192.0.2.2']\nswitch_above='80ms'";
    let (rules, measured, now) = (rules(text), Measured::default(), Instant::now());
    let [first, backup]: [NameServer; 2] =
        ["192.0.2.1", "192.0.2.2"].map(|server| server.parse().unwrap());
    let name = name("www.shop.test");
    let chosen = |now: Instant, region| {
        let subject = Subject {
            name: &name,
            region,
        };
        let choice = rules.servers_for(&subject, &measured, now)?;
        let switched = choice.fired.iter().any(|f| f.action == Action::Switch);
        Some((choice.servers[0].clone(), switched))
    };
    let here = Some("overseas");
    assert_eq!(chosen(now, None), None, "the rule is for one region");
    assert_eq!(chosen(now, here), Some((first.clone(), false)));
    measured.saw_server(&first, Some(MS(79)), now);
    assert_eq!(chosen(now, here), Some((first.clone(), false)));
    measured.saw_server(&first, Some(MS(120)), now);
    assert_eq!(chosen(now, here), Some((backup.clone(), true)), "84 ms");
    // What is forgotten is tried again.
    assert_eq!(chosen(now + FRESH, here), Some((first.clone(), false)));
    let now = now + FRESH;
    for failures in 0..3 {
        assert!(!chosen(now, here).unwrap().1, "{failures} failures");
        measured.saw_server(&first, None, now);
    }
    assert_eq!(chosen(now, here), Some((backup.clone(), true)));
    for _ in 0..3 {
        measured.saw_server(&backup, None, now);
    }
    let both_ill = chosen(now, here).unwrap();
    assert_eq!(both_ill, (first.clone(), false), "no worse than the other");
    measured.saw_server(&backup, Some(MS(10)), now);
    measured.saw_server(&first, Some(MS(10)), now);
    assert_eq!(chosen(now, here), Some((first, false)));
}

#[test]
fn a_preferred_network_gives_way_by_measured_latency() {
    let text = "[[rule]]\nname='line'\nprefer=['10.1.0.0/16','10.2.0.0/16']\nswitch_above='80ms'\nmeasure_port=443\n[[rule]]\nname='fast'\nnames=['none.test']\norder='latency'";
    let (rules, measured, now) = (rules(text), Measured::default(), Instant::now());
    let name = name("www.shop.test");
    let subject = Subject {
        name: &name,
        region: None,
    };
    let arrange = || {
        let mut addresses = ips("10.2.0.1 10.1.0.1");
        let fired = rules.arrange(&subject, &mut addresses, &measured, now);
        (addresses[0].to_string(), fired.last().map(|f| f.action))
    };
    assert_eq!(rules.measures(&subject, &ips("10.1.0.1")), Some(443));
    assert_eq!(arrange(), ("10.1.0.1".to_owned(), Some(Action::Prefer)));
    measured.saw_address("10.1.0.1".parse().unwrap(), Some(MS(200)), now);
    assert_eq!(arrange(), ("10.2.0.1".to_owned(), Some(Action::Switch)));
    measured.saw_address("10.2.0.1".parse().unwrap(), Some(MS(300)), now);
    assert_eq!(arrange().0, "10.1.0.1", "neither is better than the other");
}

#[test]
fn latency_orders_the_measured_before_the_unknown_before_the_ill() {
    let rules = rules("[[rule]]\nname='fast'\norder='latency'");
    let (measured, now, name) = (Measured::default(), Instant::now(), name("a.test"));
    let all = ips("192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4");
    measured.saw_address(all[0], None, now);
    measured.saw_address(all[2], Some(MS(45)), now);
    measured.saw_address(all[3], Some(MS(12)), now);
    let subject = Subject {
        name: &name,
        region: None,
    };
    let mut addresses = all.clone();
    let fired = rules.arrange(&subject, &mut addresses, &measured, now);
    assert_eq!(addresses, [all[3], all[2], all[1], all[0]]);
    assert_eq!(fired[0].action, Action::Order);
}

/// A text, the line of its fault, and a part of what is said of it.
const FAULTS: &[(&str, usize, &str)] = &[
    ("[[rule]\nname='a'", 1, "unclosed"),
    ("[[rule]]\nprefer=['10.0.0.0/8']", 1, "missing field `name`"),
    (
        "[[rule]]\nname='a'\npreffer=['10.0.0.0/8']",
        3,
        "unknown field `preffer`",
    ),
    ("[[rule]]\nname='a'", 2, "does nothing"),
    ("[[rule]]\nname=''\norder='latency'", 2, "needs a name"),
    ("[[rule]]\nname='a'\nprefer=['10.1/16']", 3, "10.1/16"),
    (
        "[[rule]]\nname='a'\nprefer=['10.1.2.3/16']",
        3,
        "did you mean 10.1.0.0/16?",
    ),
    (
        "[[rule]]\nname='a'\nprefer=[\n  '10.0.0.0/8',\n  'x',\n]",
        5,
        "\"x\"",
    ),
    ("[[rule]]\nname='a'\nservers=['300.1.1.1']", 3, "300.1.1.1"),
    (
        "[[rule]]\nname='a'\nservers=['192.0.2.1']\nanswers_in=['10.0.0.0/8']",
        3,
        "before there is an answer",
    ),
    (
        "[[rule]]\nname='a'\nservers=['192.0.2.1']\nswitch_above='80ms'",
        4,
        "nothing to switch to",
    ),
    (
        "[[rule]]\nname='a'\nservers=['192.0.2.1','192.0.2.2']\nswitch_above='fast'",
        4,
        "\"80ms\"",
    ),
    (
        "[[rule]]\nname='a'\nservers=['192.0.2.1','192.0.2.2']\nswitch_after=0",
        4,
        "at least 1",
    ),
    ("[[rule]]\nname='a'\norder='speed'", 3, "latency"),
    (
        "[[rule]]\nname='a'\ndrop=['::/0']\nmeasure_port=443",
        4,
        "nothing uses the measurement",
    ),
    (
        "[[rule]]\nname='a'\norder='latency'\nmeasure_port=0",
        4,
        "port 0",
    ),
    (
        "[[rule]]\nname='a'\nnames=['*x.test']\ndrop=['::/0']",
        3,
        "whole labels",
    ),
    (
        "[[rule]]\nname='a'\nnames=['a..test']\ndrop=['::/0']",
        3,
        "a..test",
    ),
    (
        "[[rule]]\nname='a'\ndrop=['::/0']\n\n[[rule]]\nname='a'\ndrop=['::/0']",
        6,
        "two rules",
    ),
];

#[test]
fn every_fault_has_its_line_and_says_what_would_be_right() {
    for (text, line, part) in FAULTS {
        let fault = text.parse::<Rules>().expect_err(text);
        assert_eq!(fault.line, *line, "{text}\n{fault}");
        assert!(fault.message.contains(part), "{text}\n{fault}");
        assert!(!fault.message.contains('\n'), "{fault}");
    }
}

#[test]
fn what_is_remembered_is_bounded() {
    let (measured, now) = (Measured::default(), Instant::now());
    for n in 0..20_000_u32 {
        measured.saw_address(std::net::Ipv4Addr::from(n).into(), Some(MS(1)), now);
    }
    assert!(measured.len() <= 4_096);
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_a_fault_inside_it(text in "\\PC{0,80}(\n\\PC{0,20}){0,4}") {
        if let Err(fault) = text.parse::<Rules>() {
            prop_assert!(fault.line <= text.matches('\n').count() + 1);
        }
    }

    #[test]
    fn preferring_and_avoiding_lose_no_address(
        addresses in proptest::collection::vec(any::<u32>(), 0..20),
        bits in 0_u8..=32,
        base in any::<u32>(),
    ) {
        let network = crate::addr::Prefix::new(std::net::Ipv4Addr::from(base).into(), bits);
        let network = network.unwrap().masked();
        let rules = rules(&format!("[[rule]]\nname='a'\nprefer=['{network}']\n[[rule]]\nname='b'\navoid=['{network}']"));
        let before: Vec<IpAddr> = addresses.iter().map(|n| std::net::Ipv4Addr::from(*n).into()).collect();
        let mut after = before.clone();
        let name = name("a.test");
        let subject = Subject { name: &name, region: None };
        let _ = rules.arrange(&subject, &mut after, &Measured::default(), Instant::now());
        let inside = |ip: &IpAddr| network.contains(*ip);
        prop_assert!(after.is_sorted_by_key(inside));
        let (mut before, mut sorted) = (before, after);
        before.sort();
        sorted.sort();
        prop_assert_eq!(before, sorted);
    }
}
