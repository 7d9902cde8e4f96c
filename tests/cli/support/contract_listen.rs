//! The lines of `netkit listen --json`, read a second time: by hand, with nothing unknown allowed.

#![expect(
    dead_code,
    reason = "the fields are the contract; reading them is the check"
)]

use serde::Deserialize;
use serde_json::Value;

use super::contract::{Bytes, Failure, Identity, KeepaliveValues, TcpInfo, contract, present};

contract! {
    Listening {
        schema: String, r#type: String, ts: String, at_ms: f64,
        local: String, network: String, both_families: bool, inherited: bool,
        warnings: Vec<String>,
        ; ip: String, port: u16, path: String, backlog: u32,
    }
    Accept {
        schema: String, r#type: String, ts: String, at_ms: f64, id: u64, listener: usize,
        ; peer: String, peer_ip: String, peer_port: u16, syn: Syn,
    }
    Syn {
        ttl: u8, tos: u8, window: u16, sack: bool, timestamps: bool, mptcp: bool, fastopen: bool,
        ecn: bool, options: Vec<u8>,
        ; mss: u16, window_scale: u8,
    }
    DataLine {
        schema: String, r#type: String, ts: String, at_ms: f64, listener: usize, data: Bytes,
        truncated: bool,
        ; id: u64, peer: String, peer_ip: String, peer_port: u16,
    }
    FaultLine {
        schema: String, r#type: String, ts: String, at_ms: f64, listener: usize, fault: String,
        direction: String,
        ; id: u64, peer: String, peer_ip: String, peer_port: u16,
    }
    Reject {
        schema: String, r#type: String, ts: String, at_ms: f64, listener: usize, reason: String,
        how: String,
        ; peer: String, peer_ip: String, peer_port: u16,
    }
    Close {
        schema: String, r#type: String, ts: String, at_ms: f64, id: u64, listener: usize,
        duration_ms: f64, cause: String, by: String,
        ; peer: String, peer_ip: String, peer_port: u16, tcp_info: TcpInfo, bytes_up: u64,
        bytes_down: u64, error: String, bytes_in: u64, bytes_out: u64,
    }
    Upstream {
        schema: String, r#type: String, ts: String, at_ms: f64, id: u64, listener: usize,
        target: String, connect_ms: f64,
        ; peer: String, peer_ip: String, peer_port: u16, local: String, remote: String,
        failure: Failure,
    }
    Authority { schema: String, r#type: String, ts: String, at_ms: f64, pem: String, }
    Proxy {
        schema: String, r#type: String, ts: String, at_ms: f64, id: u64, listener: usize,
        ; peer: String, peer_ip: String, peer_port: u16, source: String, destination: String,
        failure: Failure,
    }
    TlsLine {
        schema: String, r#type: String, ts: String, at_ms: f64, id: u64, listener: usize,
        ; peer: String, peer_ip: String, peer_port: u16, tls: TlsAccepted, failure: Failure,
    }
    TlsAccepted {
        handshake_ms: f64,
        ; version: String, suite: String, group: String, alpn: String, sni: String, resumed: bool,
        client_fingerprint_sha256: String, client_spiffe_id: String,
    }
    Mirror {
        schema: String, r#type: String, ts: String, at_ms: f64, id: u64, listener: usize,
        target: String, bytes_sent: u64, bytes_dropped: u64,
        ; peer: String, peer_ip: String, peer_port: u16, equal: bool, agreed_bytes: u64,
        main: Bytes, shadow: Bytes, failure: Failure,
    }
    Piece {
        schema: String, r#type: String, ts: String, at_ms: f64, id: u64, listener: usize,
        direction: String, data: Bytes, end: bool,
        ; peer: String, peer_ip: String, peer_port: u16,
    }
    Draining {
        schema: String, r#type: String, ts: String, at_ms: f64, ended_by: String, open: u64,
    }
    Metrics {
        schema: String, r#type: String, ts: String, at_ms: f64, local: String, ip: String,
        port: u16,
    }
    Warning { schema: String, r#type: String, ts: String, at_ms: f64, message: String, }
    Stats {
        schema: String, r#type: String, ts: String, at_ms: f64,
        accepts_per_second: f64, bytes_in_per_second: f64, bytes_out_per_second: f64,
        lasted_ms: f64, accepted: u64, open: u64, most_open_seen: u64, bytes_in: u64,
        bytes_out: u64, datagrams_in: u64, datagrams_out: u64, datagrams_held_back: u64,
        datagrams_unsent: u64, rejected: Rejected, closed: ClosedBy, faults: u64, pauses: u64,
        accept_errors: u64, breaker_opened: u64, events_lost: u64, upstreams_connected: u64,
        upstreams_failed: u64, bytes_up: u64, bytes_down: u64, mirror_bytes_dropped: u64,
        mirror_differed: u64,
    }
    Totals {
        lasted_ms: f64, accepted: u64, open: u64, most_open_seen: u64, bytes_in: u64,
        bytes_out: u64, datagrams_in: u64, datagrams_out: u64, datagrams_held_back: u64,
        datagrams_unsent: u64, rejected: Rejected, closed: ClosedBy, faults: u64, pauses: u64,
        accept_errors: u64, breaker_opened: u64, events_lost: u64, upstreams_connected: u64,
        upstreams_failed: u64, bytes_up: u64, bytes_down: u64, mirror_bytes_dropped: u64,
        mirror_differed: u64,
    }
    Rejected {
        max_connections: u64, max_per_ip: u64, accept_rate: u64, breaker: u64, descriptors: u64,
    }
    ClosedBy {
        fin: u64, reset: u64, lost: u64, finished: u64, idle_timeout: u64, max_lifetime: u64,
        max_bytes: u64, made_room: u64, fault: u64, shutdown: u64, drained: u64, unexpected: u64, failed: u64,
        upstream_fin: u64, upstream_reset: u64, upstream_failed: u64, handshake: u64,
    }
    Facts {
        local: String, network: String, both_families: bool, inherited: bool,
        warnings: Vec<String>,
        ; ip: String, port: u16, path: String, backlog: u32,
    }
    Summary {
        schema: String, r#type: String, ts: String, at_ms: f64, mode: String,
        listeners: Vec<Facts>, totals: Totals, config: Config, exit_code: u8,
        ; ended_by: String, open_at_stop: u64,
    }
    Config {
        behaviour: String, faults: Vec<FaultConfig>, seed: u64, overload: String, grace_ms: f64,
        allow_amplification: bool, keepalive: KeepaliveValues, reuse_port: bool, fastopen: bool,
        mptcp: bool, mirror_compare: bool, accept_proxy_protocol: bool, tls: bool,
        ; mirror: String, proxy_protocol: String, record: String, control: String,
        max_connections: u64, max_per_ip: u64, accept_rate: f64, count: u64, shed_above: u64,
        idle_timeout_ms: f64, max_lifetime_ms: f64, max_bytes: u64, duration_ms: f64,
        workers: u64, user_timeout_ms: f64, interface: String, backlog: u32, forward: String,
        timeout_ms: f64,
    }
    FaultConfig {
        fault: String, direction: String, share: f64,
        ; time_ms: f64, bytes: u64, part: f64, text: Bytes,
    }
}

/// Reads a line of a server; panics where it is not as written here.
#[track_caller]
pub(crate) fn read_listen(line: &Value) {
    fn read<T: serde::de::DeserializeOwned>(line: &Value) -> Result<(), serde_json::Error> {
        serde_json::from_value::<T>(line.clone()).map(drop)
    }
    let result = match line["type"].as_str().unwrap_or_default() {
        "listening" => read::<Listening>(line),
        "accept" => read::<Accept>(line),
        "authority" => read::<Authority>(line),
        "identity" => read::<Identity>(line),
        "proxy" => read::<Proxy>(line),
        "tls" => read::<TlsLine>(line),
        "mirror" => read::<Mirror>(line),
        "piece" => read::<Piece>(line),
        "upstream" => read::<Upstream>(line),
        "data" => read::<DataLine>(line),
        "fault" => read::<FaultLine>(line),
        "reject" => read::<Reject>(line),
        "close" => read::<Close>(line),
        "metrics" => read::<Metrics>(line),
        "draining" => read::<Draining>(line),
        "warning" => read::<Warning>(line),
        "stats" => read::<Stats>(line),
        "summary" => read::<Summary>(line),
        other => panic!("a type that is not written down: {other}"),
    };
    if let Err(error) = result {
        panic!("{error}\n{line:#}");
    }
}
