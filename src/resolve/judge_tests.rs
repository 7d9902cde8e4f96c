//! Verdicts over replies written as zone lines: `OWNER TYPE DATA TTL`.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::ledger::{Carrier, Received, Step, Trigger};
use super::super::rdata::Rdata;
use super::super::registry::Class;
use super::*;

fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

fn ask() -> Ask {
    Ask::new(name("a.example"), RecordType::A)
}

/// Reads lines such as `a.example A 192.0.2.1 60`.
fn records(lines: &[&str]) -> Vec<Record> {
    let record = |line: &&str| {
        let words: Vec<_> = line.split(' ').collect();
        let [owner, rtype, data, ttl] = words[..] else {
            panic!("{line}");
        };
        let (rtype, data) = match rtype {
            "A" => (RecordType::A, Data::Address(data.parse().unwrap())),
            "CNAME" => (RecordType::CNAME, Data::Alias(name(data))),
            "SOA" => (
                RecordType::SOA,
                Data::Soa {
                    minimum: data.parse().unwrap(),
                },
            ),
            _ => (RecordType(16), Data::Other),
        };
        let (name, ttl) = (name(owner), ttl.parse().unwrap());
        Record {
            name,
            rtype,
            class: Class::IN,
            ttl,
            data,
            rdata: Rdata::new(rtype, Class::IN, b""),
        }
    };
    lines.iter().map(record).collect()
}

fn reply(rcode: Rcode, answers: &[&str]) -> Reply {
    Reply {
        id: 1,
        response: true,
        authoritative: false,
        truncated: false,
        recursion_available: true,
        authentic_data: false,
        rcode,
        question: Some(ask()),
        answers: records(answers),
        authority: Vec::new(),
        edns: None,
        size: 100,
        packet: [].into(),
    }
}

fn judged(reply: &Reply) -> Finding {
    judge_reply(reply, &ask())
}

fn addresses(owner: &str, ttl: u32, list: &[&str]) -> Finding {
    Finding::Records(Found {
        count: list.len(),
        addresses: list.iter().map(|ip| ip.parse().unwrap()).collect(),
        name: name(owner),
        ttl,
    })
}

fn code(rcode: Rcode) -> Finding {
    let detail = None;
    Finding::Fault(Fault::Code { rcode, detail })
}

#[test]
fn addresses_are_taken_from_the_end_of_the_chain_each_once() {
    let rows: [(&[&str], Finding); 3] = [
        (
            &["A.Example A 192.0.2.1 9"],
            addresses("a.example", 9, &["192.0.2.1"]),
        ),
        (
            &[
                "a.example A 192.0.2.2 9",
                "a.example A 192.0.2.1 7",
                "a.example A 192.0.2.2 9",
            ],
            addresses("a.example", 7, &["192.0.2.2", "192.0.2.1"]),
        ),
        (
            &["b.example A 192.0.2.1 90", "a.example CNAME b.example 60"],
            addresses("b.example", 60, &["192.0.2.1"]),
        ),
    ];
    for (answers, expected) in rows {
        assert_eq!(
            judged(&reply(Rcode::NOERROR, answers)),
            expected,
            "{answers:?}"
        );
    }
}

#[test]
fn replies_without_addresses_mean_what_their_code_and_records_say() {
    let chain: &[&str] = &["a.example CNAME b.example 60"];
    let circle: &[&str] = &[
        "a.example CNAME b.example 60",
        "b.example CNAME a.example 60",
    ];
    let (a, b) = (name("a.example"), name("b.example"));
    let rows: [(Rcode, &[&str], Finding); 8] = [
        (Rcode::NOERROR, &[], Finding::NoData),
        (
            Rcode::NOERROR,
            &["b.example A 192.0.2.1 9"],
            Finding::NoData,
        ),
        (Rcode::NOERROR, &["a.example TXT x 9"], Finding::NoData),
        (
            Rcode::NOERROR,
            chain,
            Finding::Alias {
                target: b.clone(),
                ttl: 60,
            },
        ),
        (Rcode::NOERROR, circle, Finding::Loop { at: b.clone() }),
        (Rcode::NXDOMAIN, &[], Finding::Nxdomain { name: a }),
        (Rcode::NXDOMAIN, chain, Finding::Nxdomain { name: b }),
        (
            Rcode::REFUSED,
            &["a.example A 192.0.2.1 9"],
            code(Rcode::REFUSED),
        ),
    ];
    for (rcode, answers, expected) in rows {
        assert_eq!(
            judged(&reply(rcode, answers)),
            expected,
            "{rcode} {answers:?}"
        );
    }
}

#[test]
fn an_soa_ends_a_chain_and_its_absence_makes_a_referral() {
    let soa = || records(&["example SOA 5 60"]);
    let mut dangling = reply(Rcode::NOERROR, &["a.example CNAME b.example 60"]);
    dangling.authority = soa();
    assert_eq!(judged(&dangling), Finding::NoData);
    let mut referral = reply(Rcode::NOERROR, &[]);
    referral.recursion_available = false;
    assert_eq!(judged(&referral), Finding::Fault(Fault::Lame));
    referral.authority = soa();
    assert_eq!(judged(&referral), Finding::NoData);
}

#[test]
fn what_was_cut_off_proves_nothing_but_the_addresses_left() {
    let mut cut = reply(Rcode::NOERROR, &["a.example A 192.0.2.1 9"]);
    cut.truncated = true;
    assert_eq!(judged(&cut), addresses("a.example", 9, &["192.0.2.1"]));
    cut.answers.clear();
    assert_eq!(judged(&cut), Finding::Unusable);
    cut.rcode = Rcode::NXDOMAIN;
    assert_eq!(judged(&cut), Finding::Unusable);
}

fn outcome(ends: Vec<End>) -> Outcome {
    let attempts = ends.into_iter().map(|end| {
        let mut attempt = Attempt::open(Carrier::Udp, Trigger::First, Duration::ZERO, 30);
        attempt.end = end;
        attempt
    });
    Outcome {
        server: SocketAddr::from(([192, 0, 2, 53], 53)),
        received: None,
        attempts: attempts.collect(),
    }
}

#[test]
fn without_a_reply_the_ends_of_the_tries_decide() {
    let silent = || End::Silent {
        step: Step::Receive,
    };
    let error = |code| End::Failed {
        step: Step::Connect,
        errno: Some(crate::failure::Errno::from_code(code)),
        text: String::new(),
    };
    let refused = || error(libc::ECONNREFUSED);
    let closed = End::Closed { after_bytes: 0 };
    let rows = [
        (vec![silent(), silent()], Finding::Silent),
        (vec![refused(), silent()], Finding::Silent),
        (vec![refused(), End::Abandoned], Finding::Silent),
        (vec![refused(), refused()], Finding::Unreachable),
        (vec![silent(), closed], Finding::Unusable),
        (vec![silent(), error(libc::EMFILE)], Finding::OutOfFiles),
        (vec![], Finding::Unreachable),
    ];
    for (ends, expected) in rows {
        let text = format!("{ends:?}");
        assert_eq!(judge(&outcome(ends), &ask()), expected, "{text}");
    }
}

#[test]
fn a_usable_reply_is_judged_whatever_the_tries_before_it() {
    let mut outcome = outcome(vec![End::Abandoned]);
    outcome.received = Some(Received {
        packet: Box::default(),
        reply: reply(Rcode::NXDOMAIN, &[]),
        carrier: Carrier::Tcp,
        trigger: Trigger::UdpSilent,
    });
    assert!(matches!(judge(&outcome, &ask()), Finding::Nxdomain { .. }));
}

#[test]
fn findings_rank_by_what_they_tell_of_the_name() {
    let order = [
        Finding::Unreachable,
        Finding::Silent,
        Finding::Unusable,
        code(Rcode::REFUSED),
        code(Rcode::SERVFAIL),
        Finding::NoData,
        Finding::Nxdomain { name: name("a") },
    ];
    assert!(order.is_sorted_by(|a, b| a.rank() < b.rank()));
    let finals = order.iter().filter(|finding| finding.is_final());
    assert_eq!(finals.count(), 2);
}
