//! `resolve --dnssec` and `--trace`: what they print, the JSON contract, and what is refused. How well
//! they judge is tested in the library and in the lab.

#![expect(
    dead_code,
    clippy::struct_field_names,
    reason = "the fields are the contract; reading them is the check"
)]

use serde::Deserialize;
use serde_json::Value;

use crate::dns::{Behaviour, DnsServer, Script};
use crate::support::{netkit, valid};

/// A key that must be there and may be `null`.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

macro_rules! contract {
    ($($name:ident { $($plain:ident: $type:ty,)* $(; $($nullable:ident: $of:ty,)*)? })*) => {$(
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name {
            $($plain: $type,)*
            $($(#[serde(deserialize_with = "present")] $nullable: Option<$of>,)*)?
        }
    )*};
}

contract! {
    TraceLine {
        schema: String, r#type: String, ts: String, at_ms: f64,
        name: String, qtype: String, ok: bool, verdict: String, steps: Vec<Step>,
        answers: Vec<Value>, questions: u32, total_ms: f64, config: TraceConfig,
        ; reason: String, advice: String,
    }
    Step {
        zone: String, name: String, qtype: String, servers: Vec<ServerStep>, outcome: String,
        ; for_server: String, agree: bool, referral: Referral, alias: String, ns: Ns,
    }
    ServerStep {
        addresses: Vec<String>, source: String, outcome: String,
        ; name: String, problem: String, server: String, detail: String, rcode: String,
        authoritative: bool, rtt_ms: f64, transport: String, size: u32,
    }
    Referral { zone: String, ds: Vec<Key>, }
    Ns { same: bool, only_parent: Vec<String>, only_child: Vec<String>, }
    Key { key_tag: u16, algorithm: u8, algorithm_name: String, }
    TraceConfig {
        roots: Vec<String>, port: u16, timeout_ms: f64, server_timeout_ms: f64, tcp: bool,
        ; family: String,
    }
    Proof {
        status: String, chain: Vec<Link>, rrsets: Vec<Rrset>, denials: Vec<Denial>,
        questions: u32, verifications: u32, warnings: Vec<String>,
        ; reason: Reason,
    }
    Link { zone: String, status: String, anchor: bool, ds: Vec<Ds>, keys: Vec<ZoneKey>, ; reason: Reason, }
    Ds { key: Key, supported: bool, ; digest_type: u8, matches: bool, }
    ZoneKey { key: Key, flags: u16, trusted_by_ds: bool, signs_keys: bool, }
    Rrset {
        name: String, r#type: String, status: String,
        ; reason: Reason, signature: Signature, wildcard: String,
    }
    Signature { signer: String, key: Key, inception: String, expiration: String, expires_in_s: i64, }
    Denial {
        denies: String, name: String, status: String,
        ; reason: Reason, by: String, closest_encloser: String,
    }
    Reason {
        code: String, text: String, name: String, r#type: String,
        ; zone: String, key: Key, inception: String, expiration: String,
    }
}

fn zone() -> DnsServer {
    let script = Script::new().address("www.example", "192.0.2.1");
    script.authoritative().start()
}

fn trace(line: &str, server: &DnsServer) -> TraceLine {
    let line = format!("resolve {line} --json --trace --roots {}", server.addr());
    let value = netkit(&line).run().one();
    valid(&value);
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn a_trace_is_one_line_of_json_with_its_steps() {
    let server = zone();
    let line = trace("www.example", &server);
    assert_eq!(
        (line.r#type.as_str(), line.verdict.as_str()),
        ("trace", "answer")
    );
    assert_eq!(line.qtype, "A", "without a type A alone is asked for");
    assert_eq!(line.steps.len(), 1);
    let step = &line.steps[0];
    assert_eq!((step.zone.as_str(), step.outcome.as_str()), (".", "answer"));
    assert_eq!(step.servers[0].server, Some(server.addr().to_string()));
    assert!(step.servers[0].rtt_ms.is_some_and(|rtt| rtt > 0.0));
    assert_eq!(line.config.port, server.addr().port());
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_trace_says_where_it_ends() {
    let line = trace("nope.example", &zone());
    assert_eq!(line.verdict, "nxdomain");
    assert_eq!(line.reason.as_deref(), Some(". does not have the name"));
    let lame = Script::new().both(Behaviour::Code(5)).start();
    let line = trace("www.example", &lame);
    assert_eq!(line.verdict, "lame");
    assert_eq!(line.steps[0].servers[0].outcome, "lame");
    let closed = Script::new().both(Behaviour::Closed).start();
    let line = trace("www.example", &closed);
    assert_eq!(line.verdict, "unreachable");
    assert_eq!(line.steps[0].servers[0].outcome, "unreachable");
}

#[test]
fn a_trace_in_a_pipe_has_a_block_for_each_zone() {
    let server = zone();
    let line = format!("resolve www.example --trace --roots {}", server.addr());
    let outcome = netkit(&line).run().status(0);
    outcome
        .says(". (the root)\n")
        .says(&format!("-\t{}\thint\t", server.addr()))
        .says("www.example\tA\t300\t192.0.2.1\n")
        .says("www.example A: answer after 1 question in ");
}

#[test]
fn proof_is_a_group_of_the_report_and_decides_the_status() {
    let server = zone();
    let line = format!("resolve www.example A --ns {} --dnssec", server.addr());
    let value = netkit(&format!("{line} --json")).run().status(5).one();
    valid(&value);
    assert_eq!(value["verdict"], "dnssec_bogus");
    assert_eq!(value["failure"]["kind"], "dnssec_bogus");
    let proof: Proof = serde_json::from_value(value["dnssec"].clone()).unwrap();
    assert_eq!(proof.status, "bogus");
    let reason = proof.reason.unwrap();
    assert_eq!(
        (reason.code.as_str(), reason.name.as_str()),
        ("no_dnskey", ".")
    );
    assert_eq!(proof.chain[0].ds.len(), 2, "both keys of the root");
    let outcome = netkit(&line).run().status(5);
    outcome.says("www.example A: dnssec bogus: . DNSKEY: none, though the trust anchor says");
    let plain = netkit(&format!(
        "resolve www.example A --ns {} --json",
        server.addr()
    ));
    assert_eq!(plain.run().status(0).one()["dnssec"], Value::Null);
}

#[test]
fn what_proof_and_trace_cannot_honour_is_refused() {
    for (line, says) in [
        (
            "x --trust-anchor f",
            "--trust-anchor says nothing without --dnssec",
        ),
        (
            "x --roots 127.0.0.1:53",
            "--roots says nothing without --trace",
        ),
        (
            "x --trace --dnssec --roots 127.0.0.1:53",
            "cannot be used with",
        ),
        ("x --trace --roots 127.0.0.1", "--roots"),
        (
            "x @127.0.0.1 --trace --roots 127.0.0.1:53",
            "--ns 127.0.0.1:53 does not go with --trace",
        ),
        (
            "x --trace --short --roots 127.0.0.1:53",
            "--short does not go with --trace",
        ),
        (
            "x --trace --tries 3 --roots 127.0.0.1:53",
            "--tries does not go with --trace",
        ),
        (
            "x --trace --roots 127.0.0.1:53,127.0.0.2:54",
            "--roots has more than one port",
        ),
    ] {
        let outcome = netkit(&format!("resolve {line}")).run().status(2);
        assert!(outcome.stderr.contains(says), "{line}: {}", outcome.stderr);
    }
}

#[test]
fn a_file_without_anchors_is_refused_with_its_line() {
    let file = std::env::temp_dir().join(format!("netkit-anchor-{}", std::process::id()));
    std::fs::write(&file, "; none\nexample. IN A 192.0.2.1\n").unwrap();
    let line = "resolve x --ns 127.0.0.1:1 --dnssec --trust-anchor";
    let outcome = netkit(line).arg(&file).run().status(2);
    let says = "line 2: A is neither DS nor DNSKEY";
    assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
    std::fs::remove_file(&file).unwrap();
    let outcome = netkit(line).arg(&file).run().status(6);
    assert!(
        outcome.stderr.contains("reading the trust anchors"),
        "{}",
        outcome.stderr
    );
}
