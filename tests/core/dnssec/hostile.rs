//! Zones that ask for work: what they get is bounded, and the verdict says so.

use std::time::{Duration, Instant};

use netkit::resolve::dnssec::{Anchors, Code, Evidence, Rr, Step, Validator};
use netkit::resolve::wire::{Rcode, RecordType};
use proptest::prelude::*;

use super::fails;
use super::tree::{A, DNSKEY, NOW, RRSIG, Tree, ask, name, rr};

/// Many signatures that each name a key that fits and does not verify.
#[test]
fn signatures_times_keys_are_bounded() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == A {
            let good = evidence.answers.pop().unwrap();
            for octet in 0..60_u8 {
                let mut bad = good.rdata.clone();
                *bad.last_mut().unwrap() ^= octet + 1;
                evidence.answers.push(rr("www.example", RRSIG, &bad));
            }
        }
    });
    let report = tree.validate("www.example", A);
    fails(
        &report,
        Code::TooMuchWork,
        "more signatures, keys or hashes",
    );
    assert!(report.verifications <= 8 + 16, "{}", report.verifications);
}

/// Keys with one tag: swapping two 16-bit words of a key keeps the sum.
#[test]
fn keys_of_one_tag_are_bounded() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == DNSKEY && question.name.labels().count() > 0 {
            let key = evidence.answers[0].rdata.clone();
            for word in 0..15 {
                let mut twin = key.clone();
                let at = 4 + 2 * word;
                twin.swap(at, at + 2);
                twin.swap(at + 1, at + 3);
                evidence.answers.insert(0, rr("example", DNSKEY, &twin));
            }
        }
    });
    let report = tree.validate("www.example", A);
    assert_eq!(report.status, netkit::resolve::dnssec::Status::Bogus);
    assert!(report.verifications <= 8 + 16, "{}", report.verifications);
}

#[test]
fn a_name_of_many_labels_asks_a_bounded_number_of_questions() {
    let labels = vec!["a"; 120].join(".");
    let tree = Tree::new();
    let began = Instant::now();
    let report = tree.validate(&format!("{labels}.open.example"), A);
    assert!(report.questions <= 60, "{}", report.questions);
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// A reply out of any records, and any answers to what is asked for it.
fn records() -> impl Strategy<Value = Vec<Rr>> {
    let owners = prop::sample::select(vec![
        ".",
        "example",
        "www.example",
        "*.example",
        "x.y.example",
    ]);
    let types = prop::sample::select(vec![1_u16, 2, 5, 6, 39, 43, 46, 47, 48, 50]);
    let rdata = prop::collection::vec(any::<u8>(), 0..80);
    let record = (owners, types, rdata).prop_map(|(owner, rtype, rdata)| rr(owner, rtype, &rdata));
    prop::collection::vec(record, 0..8)
}

fn evidence() -> impl Strategy<Value = Evidence> {
    (prop::bool::ANY, records(), records()).prop_map(|(exists, answers, authority)| Evidence {
        rcode: if exists {
            Rcode::NOERROR
        } else {
            Rcode::NXDOMAIN
        },
        answers,
        authority,
    })
}

proptest! {
    #[test]
    fn nothing_unsigned_is_ever_secure(
        reply in evidence(), more in prop::collection::vec(evidence(), 1..6),
    ) {
        let question = netkit::resolve::wire::Ask::new(name("www.example"), RecordType::A);
        let mut validator = Validator::new(Anchors::root(), NOW);
        let mut given = more.iter().cycle();
        let mut asked = 0;
        loop {
            match validator.validate(&question, &reply) {
                Step::Need(needed) => validator.supply(needed, Ok(given.next().unwrap().clone())),
                Step::Done(report) => {
                    prop_assert_ne!(report.status, netkit::resolve::dnssec::Status::Secure);
                    break;
                }
            }
            asked += 1;
            prop_assert!(asked <= 60);
        }
    }

    /// One changed octet anywhere in what was signed is never secure any more.
    #[test]
    fn a_changed_octet_is_found(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let tree = Tree::new();
        let question = ask("www.example", A);
        let mut reply = tree.answer(&question);
        let sizes: Vec<_> = reply.answers.iter().map(|rr| rr.rdata.len()).collect();
        let mut offset = at.index(sizes.iter().sum());
        for record in &mut reply.answers {
            if offset < record.rdata.len() {
                record.rdata[offset] ^= flip;
                break;
            }
            offset -= record.rdata.len();
        }
        let mut validator = Validator::new(tree.anchors.clone(), NOW);
        let report = loop {
            match validator.validate(&question, &reply) {
                Step::Need(needed) => {
                    let answer = tree.answer(&needed);
                    validator.supply(needed, Ok(answer));
                }
                Step::Done(report) => break report,
            }
        };
        // Only the case of letters in the signer's name is not signed.
        let changed_case = flip == 0x20;
        prop_assert!(changed_case || report.status != netkit::resolve::dnssec::Status::Secure);
    }
}
