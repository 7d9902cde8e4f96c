//! Each way to break a chain has its code and names its link.

use netkit::resolve::dnssec::{Code, Status};

use super::tree::{A, DNSKEY, DS, NSEC, RRSIG, Tree, Zone, rr};
use super::{fails, remove};

#[test]
fn a_changed_record_does_not_fit_its_signature() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == A {
            evidence.answers[0].rdata[3] ^= 1;
        }
    });
    let report = tree.validate("www.example", A);
    fails(&report, Code::SignatureInvalid, "does not fit the records");
    let key = report.reason.unwrap().key.unwrap();
    assert_eq!((key.key_tag, key.algorithm), (tree.example().tag(), 15));
    let added = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == A {
            evidence
                .answers
                .push(rr("www.example", A, &[192, 0, 2, 66]));
        }
    });
    fails(
        &added.validate("www.example", A),
        Code::SignatureInvalid,
        "does not fit",
    );
}

#[test]
fn time_decides_and_is_told() {
    let mut tree = Tree::new();
    tree.now += 20 * 86_400;
    let report = tree.validate("www.example", A);
    // The keys of the root are signed for as long.
    fails(
        &report,
        Code::SignatureExpired,
        "expired 2025-12-08T16:00:00Z, 6 days ago",
    );
    assert_eq!(report.chain[0].status, Status::Bogus);

    let late = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == A {
            let mut zone = Zone::new("example", 2);
            zone.expiration = zone.inception + 60;
            let rdatas = [vec![192, 0, 2, 1]];
            evidence.answers = zone.set("www.example", "www.example", A, &rdatas);
        }
    });
    fails(
        &late.validate("www.example", A),
        Code::SignatureExpired,
        "59 min ago",
    );

    let mut early = Tree::new();
    early.now -= 7_200;
    let words = "is not valid before 2025-11-24T15:00:00Z, in 60 min";
    fails(
        &early.validate("www.example", A),
        Code::SignatureNotYetValid,
        words,
    );
}

#[test]
fn an_unsigned_set_of_a_signed_zone_is_bogus() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == A {
            evidence.answers.retain(|rr| rr.rtype.0 != RRSIG);
        }
    });
    let words = "no signature, and the zone example is signed";
    fails(&tree.validate("www.example", A), Code::NoSignature, words);
}

#[test]
fn a_ds_for_another_key_is_a_mismatch_with_both_named() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == DS {
            let (root, other) = (Zone::new(".", 1), Zone::new("example", 9));
            evidence.answers = root.set("example", "example", DS, &[other.ds()]);
        }
    });
    let report = tree.validate("www.example", A);
    let other = Zone::new("example", 9).tag();
    let own = tree.example().tag();
    let words = format!("DS has {other}/ED25519, the zone {own}/ED25519");
    let words = words.replace("DS", &netkit::resolve::wire::RecordType(DS).to_string());
    fails(&report, Code::DsMismatch, &words);
    assert_eq!(report.chain[1].ds[0].matches, Some(false));
}

#[test]
fn a_missing_ds_is_bogus_unless_it_is_denied() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == DS {
            remove(evidence, DS);
        }
    });
    let words = "none, and no proof of that";
    fails(&tree.validate("www.example", A), Code::NoDsDenial, words);
    let undenied = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == DS {
            remove(evidence, NSEC);
        }
    });
    let report = undenied.validate("host.open.example", A);
    fails(&report, Code::NoDsDenial, words);
}

#[test]
fn the_childs_own_nsec_does_not_deny_its_ds() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == DS {
            // The NSEC of the apex, from the child's side, under the root's signature.
            let (root, mut child) = (Zone::new(".", 1), Zone::new("example", 2));
            child.add("example", DNSKEY, child.dnskey());
            evidence.answers.clear();
            let nsec = child.denial("example").remove(0);
            evidence.authority = root.set("example", "example", NSEC, &[nsec.rdata]);
        }
    });
    let words = "from the child's side of the cut";
    fails(&tree.validate("www.example", A), Code::NoDsDenial, words);
}

#[test]
fn keys_that_are_missing_or_unsigned_are_named() {
    let none = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == DNSKEY && question.name.labels().count() > 0 {
            evidence.answers.clear();
        }
    });
    let words = "none, though its parent says that the zone is signed";
    fails(&none.validate("www.example", A), Code::NoDnskey, words);
    let unsigned = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == DNSKEY {
            evidence.answers.retain(|rr| rr.rtype.0 != RRSIG);
        }
    });
    let report = unsigned.validate("www.example", A);
    fails(&report, Code::NoSignature, "no signature");
    assert_eq!(report.reason.unwrap().name, ".");
}

#[test]
fn a_revoked_key_proves_nothing() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == DNSKEY && question.name.labels().count() > 0 {
            evidence.answers[0].rdata[1] |= 0x80;
        }
    });
    fails(
        &tree.validate("www.example", A),
        Code::DsMismatch,
        "no key is the one",
    );
}

#[test]
fn a_signature_in_another_zones_name_is_refused() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == A {
            let other = Zone::new("sub.www.example", 7);
            let rdatas = [vec![192, 0, 2, 1]];
            evidence.answers = other.set("www.example", "www.example", A, &rdatas);
        }
    });
    let words = "signed by sub.www.example, which is not the zone that holds it";
    fails(&tree.validate("www.example", A), Code::WrongSigner, words);
}

#[test]
fn a_key_that_the_zone_does_not_have_is_named() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == A {
            let other = Zone::new("example", 7);
            let rdatas = [vec![192, 0, 2, 1]];
            evidence.answers = other.set("www.example", "www.example", A, &rdatas);
        }
    });
    let tag = Zone::new("example", 7).tag();
    let words = format!("example has no key {tag}/ED25519");
    fails(&tree.validate("www.example", A), Code::NoKey, &words);
}

#[test]
fn a_denial_of_something_else_denies_nothing() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == A {
            // Proven for a name at the other end of the zone.
            evidence.authority = Zone::new("example", 2).denial("example");
            let zone = Tree::new();
            evidence.authority = zone.example().denial("zzz.example");
        }
    });
    fails(
        &tree.validate("nope.example", A),
        Code::NoDenial,
        "no NSEC record covers it",
    );
}

#[test]
fn one_good_signature_among_bad_ones_is_enough() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == A {
            let rdatas = [vec![192, 0, 2, 1], vec![192, 0, 2, 2]];
            for seed in [7, 8] {
                let other = Zone::new("example", seed);
                let signature = other.sign("www.example", A, &rdatas);
                evidence
                    .answers
                    .insert(0, rr("www.example", RRSIG, &signature));
            }
        }
    });
    super::secure(&tree.validate("www.example", A));
}
