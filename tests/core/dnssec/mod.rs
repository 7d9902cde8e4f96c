//! The validator against a tree of zones that signs itself: what holds is secure, and whatever is
//! taken away or changed is found, and named.

mod broken;
mod hostile;
mod tree;

use netkit::resolve::dnssec::report::{DenialBy, Denies};
use netkit::resolve::dnssec::{Code, Report, Status};
use netkit::resolve::wire::Rcode;
use tree::{A, CNAME, Chained, DNAME, DNSKEY, DS, NS, NSEC, RRSIG, SOA, Tree, Zone};

/// Claims that all is secure.
fn secure(report: &Report) -> &Report {
    assert_eq!(report.status, Status::Secure, "{report:#?}");
    assert_eq!(report.reason, None);
    report
}

/// Claims how it fails, and words of the reason.
fn fails(report: &Report, code: Code, words: &str) {
    let reason = report.reason.as_ref();
    let reason = reason.unwrap_or_else(|| panic!("nothing fails: {report:#?}"));
    assert_eq!(reason.code, code, "{report:#?}");
    assert_eq!(report.status, code.status());
    assert!(reason.text.contains(words), "{}", reason.text);
}

const NSEC3: Chained = Chained::Nsec3 {
    iterations: 3,
    opt_out: false,
};
const OPT_OUT: Chained = Chained::Nsec3 {
    iterations: 0,
    opt_out: true,
};

/// The tree with each way to deny.
fn trees() -> [Tree; 2] {
    [Chained::Nsec, NSEC3].map(|chained| Tree::with(|zone| zone.chained = chained))
}

#[test]
fn an_answer_is_secure_down_from_the_anchor() {
    let report = Tree::new().validate("WWW.example", A);
    secure(&report);
    let zones: Vec<_> = report
        .chain
        .iter()
        .map(|link| (&*link.zone, link.anchor))
        .collect();
    assert_eq!(zones, [(".", true), ("example", false)]);
    assert!(
        report
            .chain
            .iter()
            .all(|link| link.ds[0].matches == Some(true))
    );
    assert!(report.chain[1].keys[0].signs_keys && report.chain[1].keys[0].trusted_by_ds);
    assert_eq!(
        report.questions, 3,
        "keys of the root, DS and keys of example"
    );
    let set = &report.rrsets[0];
    let signature = set.signature.as_ref().unwrap();
    assert_eq!(
        (&*signature.signer, signature.key.algorithm),
        ("example", 15)
    );
    assert_eq!(signature.expiration, "2025-12-08T16:00:00Z");
    assert_eq!(signature.expires_in_s, 14 * 86_400);
}

#[test]
fn keys_ds_soa_and_aliases_are_secure() {
    let tree = Tree::new();
    for (name, rtype) in [
        ("example", DNSKEY),
        ("example", DS),
        (".", DNSKEY),
        ("example", SOA),
        ("example", NS),
        ("alias.example", A),
        ("alias.example", CNAME),
        ("old.example", DNAME),
    ] {
        secure(&tree.validate(name, rtype));
    }
}

#[test]
fn what_does_not_exist_is_proven_by_either_chain() {
    for tree in trees() {
        let by = match tree.example().chained {
            Chained::Nsec => DenialBy::Nsec,
            Chained::Nsec3 { .. } => DenialBy::Nsec3,
        };
        for (name, rtype, denies) in [
            ("nope.example", A, Denies::Name),
            ("a.b.c.nope.example", A, Denies::Name),
            ("gone.www.example", A, Denies::Name),
            ("www.example", 28, Denies::Type),
            ("empty.example", A, Denies::Type),
            ("x.wild.example", 28, Denies::Type),
            ("www.example", DS, Denies::Type),
            ("away.example", A, Denies::Name),
        ] {
            let report = tree.validate(name, rtype);
            secure(&report);
            let denial = &report.denials[0];
            assert_eq!((denial.denies, denial.by), (denies, Some(by)), "{name}");
        }
    }
}

#[test]
fn a_wildcard_needs_the_proof_that_the_name_itself_is_not_there() {
    for tree in trees() {
        let report = tree.validate("a.b.wild.example", A);
        secure(&report);
        assert_eq!(report.rrsets[0].wildcard.as_deref(), Some("*.wild.example"));
        assert_eq!(report.denials[0].denies, Denies::CloserName);
        let itself = tree.validate("*.wild.example", A);
        assert_eq!(secure(&itself).rrsets[0].wildcard, None);
        let bare = tree.tampered(|_, evidence| {
            if !evidence.answers.is_empty() {
                evidence.authority.clear();
            }
        });
        let words = "a wildcard answered";
        fails(
            &bare.validate("a.wild.example", A),
            Code::NoWildcardProof,
            words,
        );
    }
}

#[test]
fn a_cname_made_from_a_dname_is_as_secure_as_the_dname() {
    let report = Tree::new().validate("x.old.example", A);
    let types: Vec<_> = secure(&report)
        .rrsets
        .iter()
        .map(|set| &*set.rtype)
        .collect();
    assert_eq!(types, [&RECORD(DNAME), "CNAME", "A"]);
    let forged = Tree::new().tampered(|_, evidence| {
        for rr in &mut evidence.answers {
            if rr.rtype.0 == CNAME {
                rr.rdata = tree::wire("elsewhere.example");
            }
        }
    });
    fails(
        &forged.validate("x.old.example", A),
        Code::NoSignature,
        "no signature",
    );
}

/// The name of a type as the library writes it.
#[expect(non_snake_case, reason = "it stands for a constant")]
fn RECORD(rtype: u16) -> String {
    netkit::resolve::wire::RecordType(rtype).to_string()
}

#[test]
fn below_a_delegation_without_ds_everything_is_insecure() {
    for chained in [Chained::Nsec, NSEC3] {
        let tree = Tree::with(|zone| zone.chained = chained);
        let report = tree.validate("host.open.example", A);
        fails(
            &report,
            Code::NoDs,
            "example proves that the delegation is unsigned",
        );
        assert_eq!(report.rrsets[0].status, Status::Insecure);
        assert_eq!(report.chain[2].zone, "open.example");
        assert_eq!(report.chain[2].status, Status::Insecure);
    }
    let tree = Tree::with(|zone| zone.chained = OPT_OUT);
    fails(
        &tree.validate("host.open.example", A),
        Code::OptOut,
        "opt-out span of example",
    );
    // A name that does not exist is no more certain there.
    fails(
        &tree.validate("nope.example", A),
        Code::OptOut,
        "opt-out span",
    );
    secure(&tree.validate("www.example", A));
    secure(&tree.validate("www.example", 28));
}

#[test]
fn many_iterations_leave_a_zone_insecure() {
    let chained = |iterations| Chained::Nsec3 {
        iterations,
        opt_out: false,
    };
    let most = Tree::with(|zone| zone.chained = chained(100));
    secure(&most.validate("nope.example", A));
    let more = Tree::with(|zone| zone.chained = chained(101));
    fails(
        &more.validate("nope.example", A),
        Code::IterationsTooHigh,
        "RFC 9276",
    );
    secure(&more.validate("www.example", A));
}

#[test]
fn an_algorithm_that_nobody_can_verify_leaves_a_zone_insecure() {
    let tree = Tree::with(|zone| zone.algorithm = 16);
    let report = tree.validate("www.example", A);
    fails(&report, Code::UnsupportedAlgorithm, "ED448");
    assert!(!report.chain[1].ds[0].supported);
    let digest = Tree::new().tampered(|question, evidence| {
        // A digest type of the future; signed anew by the root.
        if question.rtype.0 == DS {
            let root = Zone::new(".", 1);
            let mut ds = evidence.answers[0].rdata.clone();
            ds[3] = 9;
            evidence.answers = root.set("example", "example", DS, &[ds]);
        }
    });
    fails(
        &digest.validate("www.example", A),
        Code::UnsupportedAlgorithm,
        "with digest type 9",
    );
}

#[test]
fn an_anchor_may_be_a_zones_own_and_what_is_outside_is_indeterminate() {
    let mut tree = Tree::new();
    tree.anchors = tree::anchor(tree.example());
    let report = tree.validate("www.example", A);
    secure(&report);
    assert_eq!(report.chain.len(), 1);
    assert_eq!(report.questions, 1);
    fails(
        &tree.validate("example", DS),
        Code::NoTrustAnchor,
        "no trust anchor",
    );
}

#[test]
fn a_server_that_does_not_give_the_keys_leaves_it_indeterminate() {
    let tree = Tree::new().tampered(|question, evidence| {
        if question.rtype.0 == DNSKEY {
            evidence.rcode = Rcode::REFUSED;
        }
    });
    let report = tree.validate("www.example", A);
    fails(&report, Code::NotAnswered, "the server says REFUSED");
    assert_eq!(report.chain[0].status, Status::Indeterminate);
}

#[test]
fn signatures_that_end_soon_are_warned_of() {
    let mut tree = Tree::new();
    tree.now += 14 * 86_400 - 3 * 3_600;
    let report = tree.validate("www.example", A);
    let warning = &secure(&report).warnings[0];
    assert_eq!(warning, "www.example A: the signature expires in 3 h");
}

/// Takes away what has a type, and the signatures over it.
fn remove(evidence: &mut netkit::resolve::dnssec::Evidence, rtype: u16) {
    let covers = |rdata: &[u8]| rdata[..2] == rtype.to_be_bytes();
    for section in [&mut evidence.answers, &mut evidence.authority] {
        section.retain(|rr| rr.rtype.0 != rtype && !(rr.rtype.0 == RRSIG && covers(&rr.rdata)));
    }
}

#[test]
fn without_the_denial_a_negative_reply_is_bogus() {
    for (name, rtype) in [("nope.example", A), ("www.example", 28)] {
        let tree = Tree::new().tampered(|_, evidence| remove(evidence, NSEC));
        fails(
            &tree.validate(name, rtype),
            Code::NoDenial,
            "which nothing proves",
        );
        let bare = Tree::new().tampered(|question, evidence| {
            if question.rtype.0 != DS {
                evidence.authority.clear();
            }
        });
        fails(
            &bare.validate(name, rtype),
            Code::NoDenial,
            "which nothing proves",
        );
    }
}
