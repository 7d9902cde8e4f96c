//! The lines of `netkit heartbeat --json`, read a second time: by hand, with nothing unknown allowed.

#![expect(
    dead_code,
    reason = "the fields are the contract; reading them is the check"
)]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::contract::{Failure, Identity, contract, present};

contract! {
    Beat {
        schema: String, r#type: String, ts: String, at_ms: f64, target: String,
        seq: u64, ok: bool, due_ms: f64,
        ; sent_ms: f64, lateness_ms: f64, rtt_ms: f64, kernel_ack_ms: f64, reused: bool,
        failure: Failure,
    }
    Opened {
        schema: String, r#type: String, ts: String, at_ms: f64, target: String, peer: String,
        took_ms: f64,
    }
    Late {
        schema: String, r#type: String, ts: String, at_ms: f64, target: String, seq: u64, rtt_ms: f64,
    }
    Skipped {
        schema: String, r#type: String, ts: String, at_ms: f64, target: String, seq: u64,
        reason: String,
    }
    State {
        schema: String, r#type: String, ts: String, at_ms: f64, target: String,
        from: String, to: String, reason: String, lasted_ms: f64, began_ms: f64,
        ; evidence: Value, failure: Failure,
    }
    Breaker {
        schema: String, r#type: String, ts: String, at_ms: f64, target: String,
        from: String, to: String, reason: String, lasted_ms: f64,
    }
    Certificate {
        schema: String, r#type: String, ts: String, at_ms: f64, target: String, sha256: String,
        ; version: String, previous_sha256: String, cert_days: i64,
    }
    Disconnect {
        schema: String, r#type: String, ts: String, at_ms: f64, target: String,
        cause: String, noticed_ms: f64, failure: Failure,
        ; peer: String,
    }
    Reconnect {
        schema: String, r#type: String, ts: String, at_ms: f64, target: String,
        attempts: Vec<Attempt>, attempts_total: u64,
        ; cause: String, noticed_ms: f64, recovered_ms: f64, peer: String, previous_peer: String,
    }
    Attempt { pause_ms: f64, took_ms: f64, ; failed: String, }
    Stall {
        schema: String, r#type: String, ts: String, at_ms: f64, kind: String, ms: f64,
    }
    HeartbeatSummary {
        schema: String, r#type: String, ts: String, at_ms: f64, mode: String,
        targets: Vec<TargetSummary>, stalls: u64, stalled_ms: f64, total_ms: f64,
        interrupted: bool, config: HeartbeatConfig,
        ; lateness: Lateness, pool: Pool, failed: String, exit_code: u8,
    }
    Lateness {
        count: u64, min_ms: f64, mean_ms: f64, p50_ms: f64, p90_ms: f64, p99_ms: f64, max_ms: f64,
        stddev_ms: f64,
    }
    TargetSummary {
        target: String, state: String, state_ms: f64, scheduled: u64, sent: u64, received: u64,
        lost: u64, late: u64, skipped: u64, refused: u64, streak: i64,
        failures: BTreeMap<String, u64>, outages_total: u64, outages: Vec<Outage>,
        disconnects: u64, reconnects: u64,
        ; loss_pct: f64, loss_1m_pct: f64, loss_5m_pct: f64, rtt_ms: Spread, jitter_ms: f64,
        availability_pct: f64, longest_up_ms: f64, longest_down_ms: f64, mtbf_ms: f64, mttr_ms: f64,
        breaker: String, pool: Pool, cert_days: i64,
    }
    Pool { hits: u64, misses: u64, connections: u64, }
    Spread { min: f64, mean: f64, p50: f64, p90: f64, p99: f64, max: f64, stddev: f64, }
    Outage {
        start_ms: f64, noticed_ms: f64, lasted_ms: f64, state: String,
        ; end_ms: f64, failure: String, cause: String,
    }
    HeartbeatConfig {
        probe: String, interval_ms: f64, interval_suspect_ms: f64, interval_down_ms: f64,
        timeout_ms: f64, detector: Value, rise: u32, detection_ms: f64,
        backoff_min_ms: f64, backoff_max_ms: f64, connect_timeout_ms: f64,
        name_servers: Vec<String>, socket: Value,
        ; tls: Value, query: String, count: u64, duration_ms: f64, suspect_after_ms: f64,
        give_up_after_ms: f64, breaker: BreakerConfig, pool: u64, fail_if: String, until: String,
    }
    BreakerConfig { failures: u32, open_ms: f64, half_open: u32, }
    Replay {
        schema: String, r#type: String, ts: String, at_ms: f64, beats: u64, targets: u64,
        outages: u64, outage_min_ms: f64, interval_ms: f64, timeout_ms: f64, detectors: Vec<Score>,
        ; best: String,
    }
    Score {
        flags: String, detected: u64, missed: u64, false_alarms: u64,
        ; detection_mean_ms: f64, detection_max_ms: f64,
    }
}

/// Reads a line by its type, strictly.
#[track_caller]
pub(crate) fn read(line: &Value) {
    fn as_a<T: serde::de::DeserializeOwned>(line: &Value) -> Result<(), serde_json::Error> {
        serde_json::from_value::<T>(line.clone()).map(drop)
    }
    let result = match line["type"].as_str().unwrap_or_default() {
        "beat" => as_a::<Beat>(line),
        "late" => as_a::<Late>(line),
        "skipped" => as_a::<Skipped>(line),
        "state" => as_a::<State>(line),
        "breaker" => as_a::<Breaker>(line),
        "opened" => as_a::<Opened>(line),
        "certificate" => as_a::<Certificate>(line),
        "disconnect" => as_a::<Disconnect>(line),
        "reconnect" => as_a::<Reconnect>(line),
        "stall" => as_a::<Stall>(line),
        "identity" => as_a::<Identity>(line),
        "summary" => as_a::<HeartbeatSummary>(line),
        "replay" => as_a::<Replay>(line),
        other => panic!("a line of type {other}:\n{line:#}"),
    };
    if let Err(error) = result {
        panic!("{error}\n{line:#}");
    }
}
