//! The lines of `netkit resolve --json`, read a second time: by hand, with nothing unknown allowed.

#![expect(
    dead_code,
    reason = "the fields are the contract; reading them is the check"
)]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::contract::{Errno, Failure, contract, present};

contract! {
    BulkSummaryLine {
        schema: String, r#type: String, ts: String, at_ms: f64, mode: String,
        config: ResolveListConfig, resolve: ListSummary,
        ; exit_code: u8,
    }
    ListSummary {
        answered: u64, cached: u64, elapsed_ms: f64, failed: u64, interrupted: bool, invalid: u64,
        lost: u64, names: u64, negative: u64, sent: u64, servers: Vec<ServerSummary>, tcp: u64,
        unanswered: u64, unfinished: u64,
        ; rate: f64,
    }
    ServerSummary {
        server: String, answered: u64, errors: u64, ignored: u64, lost: u64, refused: u64,
        sent: u64, tcp: u64, window: u64,
        ; rtt: Latency,
    }
    ResolveListConfig {
        anti_spoof: bool, cache_size: u64, default_type: String, dnssec: bool, hosts: bool,
        hosts_file: String, max_inflight: u64, message: MessageConfig, name_servers: Vec<String>,
        ns_mode: String, ordered: bool, resolv_conf: String, strict_errors: bool, timeout_ms: f64,
        transports: String,
        ; ca: String, input: String, interface: String, local_addr: String, mark: u32,
        policy: String, rate: f64, source_port: u16, tries: u8, trust_anchor: String,
    }
    RepeatSummaryLine {
        schema: String, r#type: String, ts: String, at_ms: f64, config: ResolveConfig,
        interrupted: bool, questions: Vec<QuestionSummary>,
        ; exit_code: u8,
    }
    QuestionSummary {
        name: String, qtype: String, answered: u64, interrupted: u64, lost: u64, sent: u64,
        skipped: u64, total_ms: f64, ttl: TtlView, verdicts: BTreeMap<String, u64>,
        ; jitter_ms: f64, lateness: Latency, loss_pct: f64, rtt: Latency,
    }
    TtlView {
        behaviour: String,
        ; max: u32, min: u32,
    }
    Latency {
        count: u64, max_ms: f64, mean_ms: f64, min_ms: f64, p50_ms: f64, p90_ms: f64, p99_ms: f64,
        stddev_ms: f64,
    }
    ChangedLine {
        schema: String, r#type: String, ts: String, at_ms: f64, asked: u64, added: Vec<String>,
        missing: Vec<String>, report: Report,
        ; met: bool,
    }
    Report {
        name: String, qtype: String, qclass: String, ok: bool, verdict: String, source: String,
        answers: Vec<Record>, authority: Vec<Record>, additional: Vec<Record>,
        attempts: Vec<AttemptReport>, remarks: Vec<Remark>, search: Search, total_ms: f64,
        ; asked: String, unicode: String, server: String, advice: String, failure: Failure,
        rcode: String, flags: Flags, edns: Edns, cache: CacheFacts, dnssec: Proof,
        malformed: Malformed, policy: PolicyFacts, rtt_ms: f64, size: u64, system: SystemView,
        transport: String,
    }
    TransferredLine {
        schema: String, r#type: String, ts: String, at_ms: f64, name: String, server: String,
        ok: bool, verdict: String, bytes: u64, config: ResolveConfig, messages: u64, records: u64,
        total_ms: f64,
        ; advice: String, failure: Failure, rcode: String, connect_ms: f64, first_ms: f64,
        serial: u32,
    }
    TransferringLine {
        schema: String, r#type: String, ts: String, at_ms: f64, record: Record, zone: String,
    }
    ComparisonLine {
        schema: String, r#type: String, ts: String, at_ms: f64, name: String, qtype: String,
        agree: bool, groups: Vec<Agreement>, serials: Vec<Serial>,
        ; serial_skew: u32,
    }
    Serial {
        server: String, serial: u32,
    }
    Agreement {
        verdict: String, added: Vec<String>, missing: Vec<String>, records: Vec<String>,
        servers: Vec<String>,
    }
    CheckLine {
        schema: String, r#type: String, ts: String, at_ms: f64, name: String, qtype: String,
        server: String, addr: String, grade: String, rows: Vec<CheckRow>, total_ms: f64,
        ; config: ResolveConfig,
    }
    CheckRow {
        grade: String, test: String, text: String,
        ; rtt_ms: f64, rule: String,
    }
    TraceLine {
        schema: String, r#type: String, ts: String, at_ms: f64, name: String, qtype: String,
        ok: bool, verdict: String, answers: Vec<Record>, config: TraceConfig, questions: u32,
        steps: Vec<TraceStep>, total_ms: f64,
        ; advice: String, reason: String,
    }
    TraceStep {
        name: String, qtype: String, outcome: String, servers: Vec<ServerStep>, zone: String,
        ; agree: bool, alias: String, for_server: String, ns: NsComparison, referral: ReferralFacts,
    }
    ServerStep {
        source: String, addresses: Vec<String>, outcome: String,
        ; name: String, server: String, rcode: String, authoritative: bool, detail: String,
        problem: String, rtt_ms: f64, size: u64, transport: String,
    }
    ReferralFacts {
        ds: Vec<KeyRef>, zone: String,
    }
    NsComparison {
        only_child: Vec<String>, only_parent: Vec<String>, same: bool,
    }
    TraceConfig {
        port: u16, roots: Vec<String>, server_timeout_ms: f64, tcp: bool, timeout_ms: f64,
        ; family: String,
    }
    ResolveLine {
        schema: String, r#type: String, ts: String, at_ms: f64, name: String, qtype: String,
        qclass: String, ok: bool, verdict: String, source: String, answers: Vec<Record>,
        authority: Vec<Record>, additional: Vec<Record>, attempts: Vec<AttemptReport>,
        remarks: Vec<Remark>, search: Search, total_ms: f64,
        ; asked: String, unicode: String, server: String, advice: String, failure: Failure,
        rcode: String, flags: Flags, edns: Edns, cache: CacheFacts, config: ResolveConfig,
        dnssec: Proof, due_ms: f64, lateness_ms: f64, malformed: Malformed, policy: PolicyFacts,
        rtt_ms: f64, seq: u64, size: u64, system: SystemView, transport: String,
    }
    SystemView {
        addresses: Vec<String>, agrees: bool, reasons: Vec<String>, took_ms: f64,
        ; error: String,
    }
    Search {
        names: Vec<SearchStep>, untried: Vec<String>,
        ; stopped: String,
    }
    SearchStep {
        name: String, verdict: String, took_ms: f64,
    }
    Remark {
        code: String, text: String,
    }
    PolicyFacts {
        fired: Vec<Fired>,
        ; received: Vec<String>, region: String,
    }
    Fired {
        action: String, detail: String, rule: String,
    }
    Malformed {
        bytes: u64, dump: Vec<DumpLine>, offset: u64, reason: String, records: Vec<Record>,
        reference: String, rule: String,
    }
    DumpLine {
        hex: String, offset: u64, text: String,
        ; marked: u64,
    }
    Flags {
        aa: bool, ad: bool, cd: bool, ra: bool, rd: bool, tc: bool, z: bool,
    }
    Edns {
        r#do: bool, options: Vec<BTreeMap<String, Value>>, payload: u16, version: u8, z: u16,
        ; ede: ExtendedError,
    }
    ExtendedError {
        code: u16, text: String,
        ; name: String,
    }
    Proof {
        chain: Vec<ZoneLink>, denials: Vec<DenialProof>, questions: u32, rrsets: Vec<RrsetProof>,
        status: String, verifications: u32, warnings: Vec<String>,
        ; reason: Broken,
    }
    RrsetProof {
        r#type: String, name: String, status: String,
        ; reason: Broken, signature: SignatureFact, wildcard: String,
    }
    SignatureFact {
        expiration: String, expires_in_s: i64, inception: String, key: KeyRef, signer: String,
    }
    DenialProof {
        name: String, denies: String, status: String,
        ; by: String, closest_encloser: String, reason: Broken,
    }
    ZoneLink {
        anchor: bool, ds: Vec<DsFact>, keys: Vec<KeyFact>, status: String, zone: String,
        ; reason: Broken,
    }
    Broken {
        r#type: String, name: String, code: String, text: String,
        ; expiration: String, inception: String, key: KeyRef, zone: String,
    }
    KeyFact {
        flags: u16, key: KeyRef, signs_keys: bool, trusted_by_ds: bool,
    }
    DsFact {
        key: KeyRef, supported: bool,
        ; digest_type: u8, matches: bool,
    }
    KeyRef {
        algorithm: u8, algorithm_name: String, key_tag: u16,
    }
    ResolveConfig {
        anti_spoof: bool, dnssec: bool, hosts: bool, hosts_file: String, message: MessageConfig,
        name_servers: Vec<String>, ns_mode: String, resolv_conf: String, strict_errors: bool,
        timeout_ms: f64, transports: String,
        ; ca: String, interface: String, local_addr: String, mark: u32, policy: String,
        source_port: u16, tries: u8, trust_anchor: String,
    }
    MessageConfig {
        ad: bool, cd: bool, class: String, opcode: String, random_case: bool, rd: bool, z: bool,
        ; edns: EdnsConfig,
    }
    EdnsConfig {
        r#do: bool, options: Vec<String>, payload: u16, version: u8,
        ; padding: u16,
    }
    CacheFacts {
        hit: bool,
        ; age_s: f64,
    }
    AttemptReport {
        name: String, qtype: String, server: String, ended_ms: f64, ignored: Vec<IgnoredReport>,
        ignored_count: u32, outcome: String, reason: String, received_bytes: u64, sent: u32,
        sent_bytes: u64, started_ms: f64, text: String, transport: String,
        ; failure: Failure, rcode: String, connection: ConnectionReport, errno: Errno,
        http: HttpReport, local: String, step: String, waited_ms: f64,
    }
    IgnoredReport {
        at_ms: f64, bytes: u64, text: String, why: String,
    }
    HttpReport {
        status: u16, version: String,
        ; age_s: u32, content_type: String,
    }
    ConnectionReport {
        question: u32, reused: bool,
        ; connect_ms: f64, tls: TlsFacts,
    }
    TlsFacts {
        certificates: u64, handshake_ms: f64, peer_name: String,
        ; alpn: String, fingerprint_sha256: String, group: String, resumed: bool, suite: String,
        version: String,
    }
    Record {
        r#type: String, name: String, type_code: u16, class: String, data: String,
        ; fields: BTreeMap<String, Value>, ttl: u32,
    }
}

/// Reads a line of a resolver; panics where it is not as written here.
#[track_caller]
pub(crate) fn read_resolve(line: &Value) {
    fn read<T: serde::de::DeserializeOwned>(line: &Value) -> Result<(), serde_json::Error> {
        serde_json::from_value::<T>(line.clone()).map(drop)
    }
    let result = match line["type"].as_str().unwrap_or_default() {
        "resolve" => read::<ResolveLine>(line),
        "trace" => read::<TraceLine>(line),
        "check" => read::<CheckLine>(line),
        "resolve_compare" => read::<ComparisonLine>(line),
        "resolve_change" => read::<ChangedLine>(line),
        "resolve_record" => read::<TransferringLine>(line),
        "resolve_transfer" => read::<TransferredLine>(line),
        "resolve_summary" => read::<RepeatSummaryLine>(line),
        "summary" => read::<BulkSummaryLine>(line),
        other => panic!("a type that is not written down: {other}"),
    };
    if let Err(error) = result {
        panic!("{error}\n{line:#}");
    }
}
