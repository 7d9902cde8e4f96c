//! Zones signed by other people's tools, served by other people's servers: every way a chain can
//! hold or break. `delv` says what it thinks beside us.

use std::process::Command;

use super::resolve;
use super::servers::Daemon;
use super::zones::{Folder, Signing, text};
use crate::bed::namespace::Namespace;
use crate::bed::skip::{self, Need};

const NEEDS: &[Need] = &[
    Need::Program("knotd"),
    Need::Program("unbound"),
    Need::Program("dnssec-keygen"),
    Need::Program("dnssec-signzone"),
    Need::Program("kzonesign"),
    Need::Program("delv"),
];

/// What every zone has.
const RECORDS: &str = "\
www IN A 192.0.2.1
alias IN CNAME www
*.wild IN A 192.0.2.3
a.empty IN A 192.0.2.4
unsigned IN NS ns.unsigned
ns.unsigned IN A 127.0.0.1";

/// A zone below `test`, how it is signed, and whether its parent has its DS record.
struct Child {
    origin: &'static str,
    signing: Signing<'static>,
    ds: Ds,
}

#[derive(Clone, Copy, PartialEq)]
enum Ds {
    Right,
    Wrong,
    Missing,
}

const fn child(origin: &'static str, algorithm: &'static str) -> Child {
    Child {
        origin,
        signing: Signing {
            algorithm,
            options: &[],
        },
        ds: Ds::Right,
    }
}

const fn with(mut child: Child, options: &'static [&'static str]) -> Child {
    child.signing.options = options;
    child
}

const fn having(mut child: Child, ds: Ds) -> Child {
    child.ds = ds;
    child
}

const P256: &str = "ECDSAP256SHA256";

const CHILDREN: [Child; 14] = [
    child("good.test", "ED25519"),
    child("rsa.test", "RSASHA512"),
    child("sha1.test", "RSASHA1"),
    with(child("nsec3.test", "ECDSAP384SHA384"), &["-3", "-"]),
    with(child("salted.test", P256), &["-3", "aabb", "-H", "5"]),
    with(child("optout.test", P256), &["-3", "-", "-A"]),
    with(
        child("expired.test", P256),
        &["-s", "20250101000000", "-e", "20250201000000"],
    ),
    with(
        child("early.test", P256),
        &["-s", "20500101000000", "-e", "20500201000000"],
    ),
    child("tampered.test", P256),
    child("nosig.test", P256),
    child("nonsec.test", P256),
    child("ed448.test", "ED448"),
    having(child("wrongds.test", P256), Ds::Wrong),
    having(child("nods.test", P256), Ds::Missing),
];

/// The root, `test` and its children, in one folder; the DS records of each zone in its parent.
fn tree() -> Folder {
    let folder = Folder::new();
    let mut test = String::from("plain IN NS ns.plain\nns.plain IN A 127.0.0.1\n");
    for Child {
        origin,
        signing,
        ds,
    } in &CHILDREN
    {
        let zone = text(origin, "127.0.0.1", RECORDS);
        let own = folder.sign(origin, &zone, *signing);
        test += &delegation(origin);
        match ds {
            Ds::Right => test += &own,
            Ds::Wrong => test += &spoiled(&own),
            Ds::Missing => {}
        }
    }
    folder.write("plain.testzone", &text("plain.test", "127.0.0.1", RECORDS));
    test += &signed_by_knot(&folder);
    spoil_zones(&folder);
    let ds = folder.sign("test", &text("test", "127.0.0.1", &test), Signing::PLAIN);
    let root = format!("test. IN NS ns.test.\nns.test. IN A 127.0.0.1\n{ds}");
    let signing = Signing {
        algorithm: "RSASHA256",
        options: &[],
    };
    folder.sign(".", &text(".", "127.0.0.1", &root), signing);
    folder
}

fn delegation(origin: &str) -> String {
    format!("{origin}. IN NS ns.{origin}.\nns.{origin}. IN A 127.0.0.1\n")
}

/// The DS record with another last digit.
fn spoiled(ds: &str) -> String {
    let ds = ds.trim_end();
    let (rest, last) = ds.split_at(ds.len() - 1);
    format!("{rest}{}\n", if last == "0" { "1" } else { "0" })
}

fn spoil_zones(folder: &Folder) {
    let is_www = |line: &str| line.starts_with("www.");
    folder.edit("tampered.test", |line| {
        Some(line.replace("192.0.2.1", "192.0.2.66"))
    });
    folder.edit("nosig.test", |line| {
        let is_signature = is_www(line) && line.contains("RRSIG\tA ");
        (!is_signature).then(|| line.to_owned())
    });
    folder.edit("nonsec.test", |line| {
        let denies = line.contains("IN NSEC\t") || line.contains("RRSIG\tNSEC ");
        (!denies).then(|| line.to_owned())
    });
}

/// `knot.test`, signed by Knot's own tool; returns what the parent says of it.
fn signed_by_knot(folder: &Folder) -> String {
    let path = folder.path().display();
    let conf = format!(
        "database:\n  storage: {path}\npolicy:\n- id: own\n  algorithm: ecdsap256sha256\n  single-type-signing: on\n  nsec3: on\n  nsec3-iterations: 0\n  nsec3-salt-length: 0\n\
         zone:\n- domain: knot.test\n  storage: {path}\n  file: knot.testzone\n  dnssec-signing: on\n  dnssec-policy: own\n  zonefile-load: whole\n  journal-content: none\n"
    );
    folder.write("knot.testzone", &text("knot.test", "127.0.0.1", RECORDS));
    folder.write("sign.conf", &conf);
    folder.run(
        "kzonesign",
        &["-c", "sign.conf", "-o", "signed", "knot.test"],
    );
    folder.run("mv", &["signed/knot.testzone", "knot.testzone"]);
    let ds = folder.run("keymgr", &["-c", "sign.conf", "knot.test", "ds"]);
    let ds = String::from_utf8_lossy(&ds.stdout);
    let sha256 = ds.lines().find(|line| line.split(' ').nth(4) == Some("2"));
    let ds = sha256
        .expect("keymgr prints a DS record")
        .replace(" DS ", " IN DS ");
    format!("{}{ds}\n", delegation("knot.test"))
}

fn origins() -> Vec<&'static str> {
    let own = CHILDREN.iter().map(|child| child.origin);
    [".", "test", "plain.test", "knot.test"]
        .into_iter()
        .chain(own)
        .collect()
}

/// What delv says, for the log: `secure`, `insecure`, `failed`.
fn delv(machine: &Namespace, folder: &Folder, name: &str, rtype: &str) -> String {
    let ds = std::fs::read_to_string(folder.file("dsset-.")).expect("the root is signed");
    let words: Vec<_> = ds.split_whitespace().collect();
    let at = words
        .iter()
        .position(|word| *word == "DS")
        .expect("it is a DS record");
    let [tag, algorithm, digest_type] = [1, 2, 3].map(|offset| words[at + offset]);
    let digest = words[at + 4..].concat();
    let conf =
        format!("trust-anchors {{ . initial-ds {tag} {algorithm} {digest_type} \"{digest}\"; }};");
    let conf = folder.write("delv.conf", &conf);
    let mut command = Command::new("delv");
    command
        .arg("-a")
        .arg(conf)
        .args(["@127.0.0.1", name, rtype]);
    let output = machine.output(&mut command);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let verdict = if said.contains("fully validated") {
        "secure"
    } else if said.contains("unsigned answer") || said.contains("negative response, unsigned") {
        "insecure"
    } else {
        "failed"
    };
    verdict.to_owned()
}

/// Name, type, status, code of the reason, words of it, and the exit status.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i32,
);

const ROWS: [Row; 33] = [
    ("www.good.test", "A", "secure", "", "", 0),
    ("alias.good.test", "A", "secure", "", "", 0),
    ("x.y.wild.good.test", "A", "secure", "", "", 0),
    ("nope.good.test", "A", "secure", "", "", 3),
    ("www.good.test", "TXT", "secure", "", "", 3),
    ("empty.good.test", "A", "secure", "", "", 3),
    ("good.test", "DNSKEY", "secure", "", "", 0),
    ("good.test", "DS", "secure", "", "", 0),
    ("www.rsa.test", "A", "secure", "", "", 0),
    ("www.sha1.test", "A", "secure", "", "", 0),
    ("www.nsec3.test", "A", "secure", "", "", 0),
    ("x.y.wild.nsec3.test", "A", "secure", "", "", 0),
    ("nope.nsec3.test", "A", "secure", "", "", 3),
    ("a.b.nope.salted.test", "A", "secure", "", "", 3),
    ("www.salted.test", "TXT", "secure", "", "", 3),
    ("empty.nsec3.test", "A", "secure", "", "", 3),
    ("www.optout.test", "A", "secure", "", "", 0),
    (
        "nope.optout.test",
        "A",
        "insecure",
        "opt_out",
        "opt-out span",
        3,
    ),
    ("www.knot.test", "A", "secure", "", "", 0),
    ("nope.knot.test", "A", "secure", "", "", 3),
    ("x.wild.knot.test", "A", "secure", "", "", 0),
    (
        "www.plain.test",
        "A",
        "insecure",
        "no_ds",
        "test proves that the delegation is unsigned",
        0,
    ),
    (
        "nope.plain.test",
        "A",
        "insecure",
        "no_ds",
        "test proves",
        3,
    ),
    (
        "www.nods.test",
        "A",
        "insecure",
        "no_ds",
        "test proves that the delegation is unsigned",
        0,
    ),
    (
        "www.ed448.test",
        "A",
        "insecure",
        "unsupported_algorithm",
        "ED448",
        0,
    ),
    (
        "www.expired.test",
        "A",
        "bogus",
        "signature_expired",
        "expired 2025-02-01T00:00:00Z",
        5,
    ),
    (
        "www.early.test",
        "A",
        "bogus",
        "signature_not_yet_valid",
        "not valid before 2050-01-01",
        5,
    ),
    (
        "www.tampered.test",
        "A",
        "bogus",
        "signature_invalid",
        "does not fit the records",
        5,
    ),
    (
        "www.nosig.test",
        "A",
        "bogus",
        "no_signature",
        "no signature, and the zone nosig.test is signed",
        5,
    ),
    (
        "www.nonsec.test",
        "TXT",
        "bogus",
        "no_denial",
        "which nothing proves",
        5,
    ),
    (
        "nope.nonsec.test",
        "A",
        "bogus",
        "no_denial",
        "which nothing proves",
        5,
    ),
    (
        "x.wild.nonsec.test",
        "A",
        "bogus",
        "no_wildcard_proof",
        "a wildcard answered",
        5,
    ),
    (
        "www.wrongds.test",
        "A",
        "bogus",
        "ds_mismatch",
        "no key is the one that the DS record names",
        5,
    ),
];

#[test]
fn every_way_a_chain_can_hold_or_break_over_an_authoritative_server() {
    if !skip::ready(NEEDS) {
        return;
    }
    let machine = Namespace::new().expect("namespaces can be made");
    let folder = tree();
    let _knot = Daemon::knot(&machine, &folder, "127.0.0.1", &origins());
    for row in ROWS {
        check(&machine, &folder, "127.0.0.1", row);
    }
}

#[test]
fn and_the_same_over_a_resolver_that_is_asked_not_to_judge() {
    if !skip::ready(NEEDS) {
        return;
    }
    let machine = Namespace::new().expect("namespaces can be made");
    let folder = tree();
    let _knot = Daemon::knot(&machine, &folder, "127.0.0.1", &origins());
    let _unbound = Daemon::unbound(&machine, &folder, "127.0.0.9", "127.0.0.1");
    for row in ROWS {
        check(&machine, &folder, "127.0.0.9", row);
    }
}

#[expect(clippy::print_stderr, reason = "the second opinion, beside ours")]
fn check(machine: &Namespace, folder: &Folder, server: &str, row: Row) {
    let (name, rtype, status, code, words, exit) = row;
    let anchor = folder.file("dsset-.");
    let run = resolve(
        machine,
        &format!(
            "{name} {rtype} --ns {server} --dnssec --trust-anchor {}",
            anchor.display()
        ),
    );
    assert_eq!(run.text("/dnssec/status"), status, "{run}");
    if code.is_empty() {
        assert!(run.at("/dnssec/reason").is_null(), "{run}");
    } else {
        assert_eq!(run.text("/dnssec/reason/code"), code, "{run}");
        assert!(run.text("/dnssec/reason/text").contains(words), "{run}");
    }
    if status == "bogus" {
        assert_eq!(run.text("/verdict"), "dnssec_bogus", "{run}");
    }
    let warnings = run.at("/dnssec/warnings").to_string();
    let is_deprecated = name.ends_with("sha1.test");
    assert_eq!(warnings.contains("SHA-1"), is_deprecated, "{run}");
    run.exits(exit);
    // A second opinion; only where delv takes the same view of what it may not know.
    let second = delv(machine, folder, name, rtype);
    eprintln!("{name} {rtype}: {status} {code} (delv: {second})");
    match status {
        "bogus" => assert_eq!(second, "failed", "delv says otherwise of {name}"),
        "secure" => assert_eq!(second, "secure", "delv says otherwise of {name}"),
        // delv calls a denial by an opt-out span validated; RFC 5155 §9.2 does not let a resolver
        // set AD for it. And it knows Ed448, which netkit does not.
        _ if ["opt_out", "unsupported_algorithm"].contains(&code) => {}
        _ => assert_ne!(second, "secure", "delv says otherwise of {name}"),
    }
}

#[test]
fn without_an_anchor_for_it_nothing_is_claimed() {
    if !skip::ready(NEEDS) {
        return;
    }
    let machine = Namespace::new().expect("namespaces can be made");
    let folder = tree();
    let _knot = Daemon::knot(&machine, &folder, "127.0.0.1", &origins());
    let own = folder.file("dsset-good.test.");
    let ask = |name: &str| {
        let anchor = own.display();
        resolve(
            &machine,
            &format!("{name} A --ns 127.0.0.1 --dnssec --trust-anchor {anchor}"),
        )
    };
    let inside = ask("www.good.test");
    assert_eq!(inside.text("/dnssec/status"), "secure", "{inside}");
    assert_eq!(inside.at("/dnssec/chain/0/anchor"), true, "{inside}");
    let outside = ask("www.nsec3.test");
    assert_eq!(
        outside.text("/dnssec/reason/code"),
        "no_trust_anchor",
        "{outside}"
    );
    outside.exits(5);
    // The root's real keys did not sign this root.
    let real = resolve(&machine, "www.good.test A --ns 127.0.0.1 --dnssec");
    assert_eq!(real.text("/dnssec/reason/code"), "ds_mismatch", "{real}");
    assert!(
        real.text("/dnssec/reason/text").contains("20326/RSASHA256"),
        "{real}"
    );
    real.exits(5);
}
