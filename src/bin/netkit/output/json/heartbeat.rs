//! The bodies of the lines of `netkit heartbeat`: the library's facts, with the target's name.

use netkit::heartbeat::replay::Score;
use netkit::heartbeat::{Config, Report};
use netkit::policy::detector::{Method, PhiConfig, WindowConfig};
use netkit::time::Millis;
use serde::Serialize;

use super::config::{SocketConfig, TlsConfig};
use crate::plan::HeartbeatPlan;

/// A fact of one target.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Of{T}")]
pub(crate) struct Of<'a, T> {
    pub(crate) target: &'a str,
    #[serde(flatten)]
    pub(crate) fact: &'a T,
}

/// `"type":"summary"`: the last line.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "HeartbeatSummary")]
pub(crate) struct Summary<'a> {
    pub(crate) mode: &'static str,
    #[serde(flatten)]
    pub(crate) report: &'a Report,
    /// The `--fail-if` condition, if it holds of any target.
    pub(crate) failed: Option<String>,
    /// Whether the run was stopped before its end.
    pub(crate) interrupted: bool,
    /// The status netkit ends with; `null` in an interim summary.
    pub(crate) exit_code: Option<u8>,
    /// What was asked.
    pub(crate) config: &'a HeartbeatConfig,
}

/// `"type":"replay"`: how detectors would have done on a recorded run.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Replay {
    /// Beats in the record.
    pub(crate) beats: u64,
    /// Targets in it.
    pub(crate) targets: u64,
    /// Outages in it, by hindsight.
    pub(crate) outages: u64,
    /// A silence of at least that was an outage.
    pub(crate) outage_min_ms: Millis,
    /// The schedule of the record.
    pub(crate) interval_ms: Millis,
    pub(crate) timeout_ms: Millis,
    pub(crate) detectors: Vec<Score>,
    /// The fastest that missed nothing and was never wrong, as flags; `null` when none was.
    pub(crate) best: Option<String>,
}

/// What a heartbeat was asked to do.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct HeartbeatConfig {
    /// `connect`, `echo`, `line` or `dns`.
    pub(crate) probe: &'static str,
    /// With `dns`: what is asked for, as it was typed.
    pub(crate) query: Option<String>,
    pub(crate) interval_ms: Millis,
    pub(crate) interval_suspect_ms: Millis,
    pub(crate) interval_down_ms: Millis,
    pub(crate) timeout_ms: Millis,
    /// `null`: until interrupted.
    pub(crate) count: Option<u64>,
    pub(crate) duration_ms: Option<Millis>,
    pub(crate) detector: DetectorConfig,
    pub(crate) rise: u32,
    /// `null`: only early signs make it suspect.
    pub(crate) suspect_after_ms: Option<Millis>,
    /// How long after its death a target is down at the latest.
    pub(crate) detection_ms: Millis,
    pub(crate) backoff_min_ms: Millis,
    pub(crate) backoff_max_ms: Millis,
    /// `null`: never.
    pub(crate) give_up_after_ms: Option<Millis>,
    pub(crate) connect_timeout_ms: Millis,
    pub(crate) breaker: Option<BreakerConfig>,
    /// Connections an address that targets share; `null`: each keeps its own.
    pub(crate) pool: Option<usize>,
    pub(crate) fail_if: Option<String>,
    pub(crate) until: Option<String>,
    /// Empty: the system's.
    pub(crate) name_servers: Vec<String>,
    pub(crate) tls: Option<TlsConfig>,
    pub(crate) socket: SocketConfig,
}

/// What makes a target down.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "method", rename_all = "snake_case")]
pub(crate) enum DetectorConfig {
    Consecutive {
        fall: u32,
    },
    Window {
        size: u32,
        min_beats: u32,
        failure_pct: f64,
        slow_ms: Option<Millis>,
        slow_pct: f64,
    },
    Phi {
        threshold: f64,
        acceptable_pause_ms: Millis,
    },
}

/// The circuit breaker.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct BreakerConfig {
    pub(crate) failures: u32,
    pub(crate) open_ms: Millis,
    pub(crate) half_open: u32,
}

impl From<Method> for DetectorConfig {
    fn from(method: Method) -> Self {
        match method {
            Method::Consecutive { fall } => Self::Consecutive { fall },
            Method::Window(WindowConfig {
                size,
                min_beats,
                failure_pct,
                slow,
                slow_pct,
            }) => Self::Window {
                size,
                min_beats,
                failure_pct,
                slow_ms: slow.map(Millis),
                slow_pct,
            },
            Method::Phi(PhiConfig {
                threshold,
                acceptable_pause,
                ..
            }) => Self::Phi {
                threshold,
                acceptable_pause_ms: acceptable_pause.into(),
            },
        }
    }
}

impl From<&HeartbeatPlan> for HeartbeatConfig {
    fn from(plan: &HeartbeatPlan) -> Self {
        let config: &Config = &plan.config;
        let (interval, again) = (config.interval, &config.reconnect);
        Self {
            probe: config.probe.name(),
            query: plan.query.clone(),
            interval_ms: interval.into(),
            interval_suspect_ms: config.interval_suspect.unwrap_or(interval).into(),
            interval_down_ms: config.interval_down.unwrap_or(interval).into(),
            timeout_ms: config.timeout().into(),
            count: config.count,
            duration_ms: config.duration.map(Millis),
            detector: config.detector.method.into(),
            rise: config.detector.rise,
            suspect_after_ms: config.detector.suspect_after.map(Millis),
            detection_ms: config.detector.detection_time(config.timing()).into(),
            backoff_min_ms: again.min.into(),
            backoff_max_ms: again.max.into(),
            give_up_after_ms: again.give_up_after.map(Millis),
            connect_timeout_ms: again.timeout.into(),
            breaker: config.breaker.map(|breaker| BreakerConfig {
                failures: breaker.failures,
                open_ms: breaker.open.into(),
                half_open: breaker.half_open,
            }),
            pool: config.pool,
            fail_if: plan.fail_if.as_ref().map(ToString::to_string),
            until: plan.until.as_ref().map(ToString::to_string),
            name_servers: plan.name_servers.iter().map(ToString::to_string).collect(),
            tls: plan.tls.as_ref().map(TlsConfig::from),
            socket: (&config.dial.socket).into(),
        }
    }
}
