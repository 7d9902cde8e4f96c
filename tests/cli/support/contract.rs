//! The JSON contract, read a second time: by hand, with nothing unknown allowed.
//!
//! Independent of the program's own types on purpose. A key that is added, dropped or renamed fails
//! here until it is written down; absent and `null` are told apart.

#![expect(
    dead_code,
    reason = "the fields are the contract; reading them is the check"
)]

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::sync::LazyLock;

use super::contract_resolve::read_resolve;
use super::transcript::netkit;

/// A key that must be there and may be `null`.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

macro_rules! contract {
    ($($name:ident { $($plain:ident: $type:ty,)* $(; $($nullable:ident: $of:ty,)*)? })*) => {$(
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $(pub(crate) $plain: $type,)*
            $($(#[serde(deserialize_with = "present")] pub(crate) $nullable: Option<$of>,)*)?
        }
    )*};
}

pub(super) use contract;

/// The value of an option has the type that its name implies, which a test asserts.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum OptionValue {
    Switch(bool),
    Number(i64),
    Text(String),
}

contract! {
    DialLine {
        schema: String, r#type: String, ts: String, at_ms: f64,
        target: String, network: String, ok: bool, outcome: String,
        attempts: Vec<Attempt>, options: Vec<OptionFact>, warnings: Vec<String>,
        ; host: String, port: u16, path: String, failure: Failure, resolve: Resolve,
        local: String, peer: String, reused: bool, connect_ms: f64, tls_ms: f64, first_byte_ms: f64,
        total_ms: f64, tls: Tls,
        keepalive: Keepalive, mptcp: bool, fastopen: bool, detection: Detection,
        tcp_info: TcpInfo, exchange: Exchange, replay: Replay, hold: Hold,
        seq: u64, due_ms: f64, lateness_ms: f64, config: Config,
    }
    Attempt {
        addr: String, started_ms: f64, outcome: String,
        ; family: String, local: String, tls_started_ms: f64, ended_ms: f64, failure: Failure,
        handshake_rtt_ms: f64, syn_retransmits: u32,
    }
    Failure {
        stage: String, kind: String, message: String, who: Who, evidence: Vec<Value>,
        ; errno: Errno, hint: String,
    }
    Errno { code: i32, name: String, }
    Resolve {
        addresses: Vec<String>, questions: Vec<Question>,
        ; ms: f64, server: String, transport: String,
    }
    Question {
        family: String, started_ms: f64, evidence: Vec<Value>,
        ; ended_ms: f64, addresses: u64, failure: Failure,
    }
    OptionFact { name: String, requested: OptionValue, ; accepted: OptionValue, }
    Keepalive { requested: KeepaliveValues, ; accepted: KeepaliveValues, user_timeout_ms: f64, }
    KeepaliveValues { enabled: bool, idle_ms: f64, interval_ms: f64, count: u32, }
    Detection { idle_by: String, in_flight_by: String, ; idle_ms: f64, in_flight_ms: f64, }
    TcpInfo {
        state: String, rtt_ms: f64, rttvar_ms: f64, rto_ms: f64, total_retransmits: u32,
        unacked: u32, probes: u8, backoff: u8, snd_mss: u32, rcv_mss: u32, advmss: u32,
        pmtu: u32, snd_cwnd: u32, options: Vec<String>, last_ack_recv_ms: f64,
        ; min_rtt_ms: f64, syn_retransmits: u32, congestion: String, segs_out: u32, segs_in: u32,
        bytes_acked: u64, bytes_received: u64,
    }
    Exchange {
        sent_bytes: u64, received_bytes: u64, truncated: bool,
        ; received: Bytes, matched: bool, closed_by_peer: String, started_ms: f64, ended_ms: f64,
    }
    Replay {
        connection: u64, connections: u64, equal: bool, sent_bytes: u64, recorded_sent_bytes: u64,
        received_bytes: u64, recorded_received_bytes: u64, agreed_bytes: u64, closed_by_peer: bool,
        recorded_close: bool, answers: u64, recorded_ms: f64, started_ms: f64, ended_ms: f64,
        ; recorded: Bytes, received: Bytes, recorded_answer_ms: f64, answer_ms: f64,
        recorded_answer_max_ms: f64, answer_max_ms: f64,
    }
    Hold {
        held_ms: f64, received_bytes: u64, alive: bool,
        ; probes_sent: u32, probes_acked: u32, failure: Failure,
    }
    Config {
        timeout_ms: f64, strategy: String, resolution_delay_ms: f64, race_all: bool,
        name_servers: Vec<String>, fail_if: Vec<String>, socket: SocketConfig, exchange: ExchangeConfig,
        ; attempt_timeout_ms: f64, family: String, attempt_delay_ms: f64, hold_ms: f64,
        policy: String, region: String, parallel: u64, schedule: Schedule, wait: Wait,
        tls: TlsConfig, replay: ReplayConfig,
    }
    ReplayConfig { file: String, fast: bool, ; connection: u64, }
    TlsConfig {
        always: bool, sni: bool, alpn: Vec<String>, insecure: bool, min_version: String,
        max_version: String, session_resumption: bool, spiffe: Vec<String>,
        ; name: String, ca: String, cert: String, starttls: String, spiffe_socket: String, spiffe_svid: String,
    }
    Identity {
        schema: String, r#type: String, ts: String, at_ms: f64, change: String, spiffe_id: String,
        sha256: String, trust_domains: Vec<String>, svids: u64,
        ; serial: String, not_before: String, not_after: String, failure: Failure, retry_ms: f64,
    }
    Tls {
        peer_name: String, client_auth: ClientAuth, chain: Vec<Certificate>,
        ; sni: String, starttls: String, version: String, suite: String, group: String,
        alpn: String, kind: String, starttls_ms: f64, first_reply_ms: f64, verify_ms: f64,
        handshake_ms: f64, ocsp_stapled: bool, verification: Verification, spiffe_id: String,
        resumption: Resumption,
    }
    ClientAuth { requested: bool, sent: bool, authorities: Vec<String>, }
    Verification { ok: bool, ignored: bool, also: Vec<String>, unproven: bool, ; kind: String, reason: String, certificate: usize, }
    Certificate {
        names: Vec<String>, sha256: String,
        ; subject: String, issuer: String, key: String, signature: String, serial: String,
        not_before: String, not_after: String, days_left: i64, is_ca: bool, pem: String,
    }
    Resumption { ; resumed: bool, tickets: u32, handshake_ms: f64, failure: Failure, }
    SocketConfig {
        fastopen: bool, mptcp: bool, keepalive: KeepaliveValues, close: String,
        ; local_addr: String, interface: String, mark: u32, tos: u8, ttl: u8, mss: u16,
        congestion: String, nodelay: bool, user_timeout_ms: f64,
    }
    ExchangeConfig {
        banner: bool, shutdown_write: bool,
        ; send_bytes: u64, expect: String, expect_regex: String, read_bytes: u64,
    }
    Schedule { interval_ms: f64, parallel: u64, reuse: bool, ; count: u64, }
    Wait { until: String, any: bool, ; limit_ms: f64, }
}

contract! {
    AddrLine {
        schema: String, r#type: String, input: String, ok: bool, kind: String,
        ; canonical: String, failure: AddrFailure, ip: IpGroup, cidr: CidrGroup, range: RangeGroup,
        endpoint: EndpointGroup, mac: MacGroup, class: ClassGroup, special: SpecialGroup,
    }
    BriefAddrLine {
        schema: String, r#type: String, input: String, ok: bool, kind: String,
        ; canonical: String, failure: AddrFailure,
    }
    AddrFailure {
        kind: String, message: String, span: [usize; 2], expected: String,
        ; hint: String,
    }
    IpGroup {
        family: String, address: String, expanded: String, hex: String, integer: Whole,
        binary: String, reverse: String, embedded: Vec<Embedded>,
        ; zone: String, multicast: MulticastGroup, solicited_node: String,
    }
    MulticastGroup {
        scope: String, solicited_node: bool,
        ; scope_id: u8, transient: bool, prefix_based: bool, rendezvous: bool,
    }
    CidrGroup {
        network: String, prefix_len: u8, first: String, last: String, first_host: String,
        last_host: String, netmask: String, wildcard: String, size: Whole, hosts: Whole,
        host_bits_set: bool,
        ; broadcast: String, parent: String,
    }
    RangeGroup { first: String, last: String, size: Whole, prefixes: Vec<String>, }
    EndpointGroup {
        needs_dns: bool,
        ; host: String, port: u16, service: String, network: String, zone: String, ip: String,
        resolved: Vec<String>, resolve_failure: Failure,
    }
    MacGroup {
        len: usize, oui: String, local: bool, multicast: bool,
        ; eui64: String, link_local: String,
    }
    ClassGroup {
        is_unspecified: bool, is_loopback: bool, is_private: bool, is_multicast: bool,
        is_interface_local_multicast: bool, is_link_local_multicast: bool,
        is_link_local_unicast: bool, is_global_unicast: bool,
        ; net_ip: Predicates,
    }
    Predicates {
        is_unspecified: bool, is_loopback: bool, is_private: bool, is_multicast: bool,
        is_interface_local_multicast: bool, is_link_local_multicast: bool,
        is_link_local_unicast: bool, is_global_unicast: bool,
    }
    SpecialGroup {
        block: String, name: String, rfc: String, allocated: String,
        ; terminated: String, source: bool, destination: bool, forwardable: bool,
        globally_reachable: bool, reserved_by_protocol: bool, note: String,
    }
    AddrResultLine {
        schema: String, r#type: String, operation: String,
        ; input: String, operand: String, result: String, holds: bool,
    }
    AddrMatchLine {
        schema: String, r#type: String, line: u64, text: String,
        ; address: String, network: String,
    }
    AddrCountLine { schema: String, r#type: String, count: u64, }
}

/// A whole number: digits in a string where a double would lose some.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Whole {
    Number(u64),
    Digits(String),
}

impl Whole {
    /// The number, if it is written as it must be.
    pub(crate) fn checked(&self) -> Option<String> {
        const EXACT: u64 = 1 << 53;
        match self {
            Self::Number(number) => (*number <= EXACT).then(|| number.to_string()),
            Self::Digits(digits) => digits
                .parse::<u64>()
                .map_or(true, |number| number > EXACT)
                .then(|| digits.clone()),
        }
    }
}

/// An address within an address.
#[derive(Debug, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Embedded {
    Ipv4Mapped {
        ipv4: String,
    },
    Ipv4Compatible {
        ipv4: String,
    },
    #[serde(rename = "6to4")]
    SixToFour {
        ipv4: String,
    },
    Teredo {
        server: String,
        client: String,
        port: u16,
        cone: bool,
    },
    Nat64 {
        prefix: String,
        ipv4: String,
    },
    Isatap {
        ipv4: String,
    },
    Eui64 {
        mac: String,
    },
}

/// Who said no.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Who {
    pub(crate) party: String,
    #[serde(default)]
    pub(crate) addr: Option<String>,
}

/// Bytes: one of two keys.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bytes {
    Text(String),
    Base64(String),
}

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = netkit("generate schema").run().status(0).stdout;
    let schema = serde_json::from_str(&schema).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema")
});

/// Whether the generated schema takes a line.
pub(crate) fn schema_takes(line: &Value) -> bool {
    SCHEMA.is_valid(line)
}

/// Validates a line against the generated schema, and against the second reader if it is a dial or of
/// the resolver.
#[track_caller]
pub(crate) fn valid(line: &Value) {
    let errors: Vec<_> = SCHEMA
        .iter_errors(line)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{line:#}");
    let kind = line["type"].as_str().unwrap_or_default();
    if kind == "dial" {
        let read: Result<DialLine, _> = serde_json::from_value(line.clone());
        if let Err(error) = read {
            panic!("{error}\n{line:#}");
        }
    }
    let is_list = kind == "summary" && line["mode"] == "resolve";
    if is_list || kind.starts_with("resolve") || ["trace", "check"].contains(&kind) {
        read_resolve(line);
    }
}
