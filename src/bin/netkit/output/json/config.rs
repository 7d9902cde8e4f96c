//! The configuration in force, as it is echoed in JSON: every time in milliseconds, every default
//! filled in.

use netkit::addr::Family;
use netkit::dial::{self, Expect, Strategy, repeat, wait};
use netkit::net::facts::KeepaliveValues;
use netkit::net::tls::{Roots, SvidChoice, TlsVersion};
use netkit::net::{Close, SocketOptions};
use netkit::time::Millis;
use serde::Serialize;

use crate::plan::{DialPlan, Mode, RecordPlan, TlsPlan};

/// What a dial was asked to do.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct DialConfig {
    pub(crate) timeout_ms: Millis,
    pub(crate) attempt_timeout_ms: Option<Millis>,
    pub(crate) strategy: Strategy,
    pub(crate) family: Option<Family>,
    /// `null`: the strategy's own.
    pub(crate) attempt_delay_ms: Option<Millis>,
    pub(crate) resolution_delay_ms: Millis,
    pub(crate) race_all: bool,
    /// Empty: the system's.
    pub(crate) name_servers: Vec<String>,
    /// Where the rules for names come from.
    pub(crate) policy: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) socket: SocketConfig,
    pub(crate) exchange: ExchangeConfig,
    /// The recording that is played; `null`: none.
    pub(crate) replay: Option<ReplayConfig>,
    /// `null`: no TLS.
    pub(crate) tls: Option<TlsConfig>,
    pub(crate) fail_if: Vec<String>,
    pub(crate) hold_ms: Option<Millis>,
    /// Dials at once, as asked for (`-P`); `null`: not asked for.
    pub(crate) parallel: Option<usize>,
    /// With `--count`.
    pub(crate) schedule: Option<ScheduleConfig>,
    /// With `--wait`.
    pub(crate) wait: Option<WaitConfig>,
}

/// What the sockets were asked to be.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct SocketConfig {
    pub(crate) local_addr: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) mark: Option<u32>,
    pub(crate) tos: Option<u8>,
    pub(crate) ttl: Option<u8>,
    pub(crate) mss: Option<u16>,
    pub(crate) congestion: Option<String>,
    pub(crate) nodelay: Option<bool>,
    pub(crate) fastopen: bool,
    pub(crate) mptcp: bool,
    pub(crate) keepalive: KeepaliveValues,
    pub(crate) user_timeout_ms: Option<Millis>,
    pub(crate) close: Close,
}

/// How connections were to be encrypted.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
pub(crate) struct TlsConfig {
    /// On every target; otherwise on those that ask for it themselves.
    pub(crate) always: bool,
    /// Whether a name is asked for (SNI).
    pub(crate) sni: bool,
    /// The name asked for and verified; `null`: the target's.
    pub(crate) name: Option<String>,
    pub(crate) alpn: Vec<String>,
    /// `null`: the roots of the system, or with `spiffe` and `spiffe_socket` those that are sent there.
    pub(crate) ca: Option<String>,
    pub(crate) insecure: bool,
    pub(crate) min_version: TlsVersion,
    pub(crate) max_version: TlsVersion,
    /// The file of our own certificate.
    pub(crate) cert: Option<String>,
    /// The socket of the Workload API that says who we are; `null`: it is not asked.
    pub(crate) spiffe_socket: Option<String>,
    /// The identity that is chosen among those it offers, by hint or ID; `null`: the first.
    pub(crate) spiffe_svid: Option<String>,
    /// The workloads that the peer may be.
    pub(crate) spiffe: Vec<String>,
    pub(crate) starttls: Option<String>,
    pub(crate) session_resumption: bool,
}

impl From<&TlsPlan> for TlsConfig {
    fn from(plan: &TlsPlan) -> Self {
        let options = &plan.options;
        let path = |path: &std::path::Path| path.display().to_string();
        let socket = plan.workload.as_ref();
        Self {
            always: plan.always,
            sni: options.sni,
            name: plan.name.clone(),
            alpn: options.alpn.clone(),
            ca: match &options.roots {
                Roots::Path(file) => Some(path(file)),
                Roots::Platform | Roots::Workload => None,
            },
            insecure: options.insecure,
            min_version: options.min_version,
            max_version: options.max_version,
            cert: options
                .identity
                .as_ref()
                .map(|files| path(&files.certificate)),
            spiffe_socket: socket.map(|socket| socket.endpoint.to_string()),
            spiffe_svid: socket
                .filter(|socket| socket.choice != SvidChoice::First)
                .map(|socket| socket.choice.to_string()),
            spiffe: options.spiffe.iter().map(ToString::to_string).collect(),
            starttls: plan.starttls.map(|protocol| protocol.name().to_owned()),
            session_resumption: plan.resume,
        }
    }
}

/// What was to be said.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ExchangeConfig {
    pub(crate) send_bytes: Option<usize>,
    /// The expected text, with C escapes where it is not plain.
    pub(crate) expect: Option<String>,
    pub(crate) expect_regex: Option<String>,
    pub(crate) read_bytes: Option<u64>,
    pub(crate) banner: bool,
    pub(crate) shutdown_write: bool,
}

/// What was to be played.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ReplayConfig {
    pub(crate) file: String,
    /// The number of the connection in the record; `null`: the first.
    pub(crate) connection: Option<u64>,
    /// Without the recorded pauses.
    pub(crate) fast: bool,
}

/// When probes were due.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ScheduleConfig {
    /// `null`: until interrupted.
    pub(crate) count: Option<u64>,
    pub(crate) interval_ms: Millis,
    pub(crate) parallel: usize,
    pub(crate) reuse: bool,
}

/// What was waited for.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct WaitConfig {
    pub(crate) limit_ms: Option<Millis>,
    pub(crate) until: wait::Until,
    pub(crate) any: bool,
}

impl From<&DialPlan> for DialConfig {
    fn from(plan: &DialPlan) -> Self {
        let config = &plan.config;
        Self {
            timeout_ms: config.timeout.into(),
            attempt_timeout_ms: config.attempt_timeout.map(Millis),
            strategy: config.strategy,
            family: config.family,
            attempt_delay_ms: config.attempt_delay.map(Millis),
            resolution_delay_ms: config.resolution_delay.into(),
            race_all: config.race_all,
            name_servers: plan.name_servers.iter().map(ToString::to_string).collect(),
            policy: plan.policy.as_ref().map(|policy| policy.place.to_string()),
            region: plan
                .policy
                .as_ref()
                .and_then(|policy| policy.region.clone()),
            socket: (&config.socket).into(),
            exchange: (&config.exchange).into(),
            replay: plan.replay.as_ref().map(ReplayConfig::from),
            tls: plan.tls.as_ref().map(TlsConfig::from),
            fail_if: config.fail_if.iter().map(ToString::to_string).collect(),
            hold_ms: config.hold.map(Millis),
            parallel: plan.parallel,
            schedule: match &plan.mode {
                Mode::Repeat(schedule) => Some(schedule.into()),
                _ => None,
            },
            wait: match &plan.mode {
                Mode::Wait { wait, .. } => Some(wait.into()),
                _ => None,
            },
        }
    }
}

impl From<&SocketOptions> for SocketConfig {
    fn from(options: &SocketOptions) -> Self {
        Self {
            local_addr: options.local_addr.map(|addr| match addr.port {
                0 => addr.ip.to_string(),
                port => std::net::SocketAddr::new(addr.ip, port).to_string(),
            }),
            interface: options.interface.clone(),
            mark: options.mark,
            tos: options.tos,
            ttl: options.ttl,
            mss: options.mss,
            congestion: options.congestion.clone(),
            nodelay: options.nodelay,
            fastopen: options.fastopen,
            mptcp: options.mptcp,
            keepalive: options.keepalive.into(),
            user_timeout_ms: options.user_timeout.map(Millis),
            close: options.close,
        }
    }
}

impl From<&dial::Exchange> for ExchangeConfig {
    fn from(exchange: &dial::Exchange) -> Self {
        let (mut expect, mut expect_regex) = (None, None);
        match &exchange.expect {
            Some(Expect::Bytes(bytes)) => expect = Some(bytes.escape_ascii().to_string()),
            Some(Expect::Regex(regex)) => expect_regex = Some(regex.as_str().to_owned()),
            None => {}
        }
        Self {
            send_bytes: exchange.send.as_ref().map(Vec::len),
            expect,
            expect_regex,
            read_bytes: exchange.read,
            banner: exchange.banner,
            shutdown_write: exchange.shutdown_write,
        }
    }
}

impl From<&RecordPlan> for ReplayConfig {
    fn from(plan: &RecordPlan) -> Self {
        Self {
            file: plan.file.display().to_string(),
            connection: plan.connection,
            fast: plan.fast,
        }
    }
}

impl From<&repeat::Schedule> for ScheduleConfig {
    fn from(schedule: &repeat::Schedule) -> Self {
        Self {
            count: schedule.count,
            interval_ms: schedule.interval.into(),
            parallel: schedule.parallel,
            reuse: schedule.reuse,
        }
    }
}

impl From<&wait::Config> for WaitConfig {
    fn from(wait: &wait::Config) -> Self {
        Self {
            limit_ms: wait.limit.map(Millis),
            until: wait.until,
            any: wait.any,
        }
    }
}
