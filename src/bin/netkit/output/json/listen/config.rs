//! What a server was asked to do, as its summary repeats it.

use netkit::dial::report::Bytes;
use netkit::listen::Behaviour;
use netkit::net::facts::KeepaliveValues;
use netkit::policy::admission::Overload;
use netkit::policy::fault::{After, Rule};
use netkit::time::Millis;
use serde::Serialize;

use crate::plan::ListenPlan;

/// What a server was asked to do.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "keys of the contract")]
pub(crate) struct ListenConfig {
    pub(crate) behaviour: &'static str,
    /// The service that connections are forwarded to; `null` if they are not.
    pub(crate) forward: Option<String>,
    /// Bounds the dial to it; `null` if there is none.
    pub(crate) timeout_ms: Option<Millis>,
    /// The service that gets a copy; `null` if there is none.
    pub(crate) mirror: Option<String>,
    pub(crate) mirror_compare: bool,
    /// The version of the PROXY header that the service is sent; `null` if it is not.
    pub(crate) proxy_protocol: Option<&'static str>,
    pub(crate) accept_proxy_protocol: bool,
    /// Whether TLS is spoken with clients.
    pub(crate) tls: bool,
    /// The file that pieces are written to; `null` if they are not.
    pub(crate) record: Option<String>,
    /// The socket that orders are taken on; `null` if they are not.
    pub(crate) control: Option<String>,
    pub(crate) faults: Vec<FaultConfig>,
    pub(crate) seed: u64,
    pub(crate) max_connections: Option<u64>,
    pub(crate) max_per_ip: Option<u64>,
    pub(crate) accept_rate: Option<f64>,
    /// Connections in all; `null`: no end.
    pub(crate) count: Option<u64>,
    pub(crate) overload: Overload,
    pub(crate) shed_above: Option<u64>,
    pub(crate) idle_timeout_ms: Option<Millis>,
    pub(crate) max_lifetime_ms: Option<Millis>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) grace_ms: Millis,
    pub(crate) duration_ms: Option<Millis>,
    /// `null`: one a processor.
    pub(crate) workers: Option<usize>,
    pub(crate) allow_amplification: bool,
    pub(crate) keepalive: KeepaliveValues,
    pub(crate) user_timeout_ms: Option<Millis>,
    pub(crate) interface: Option<String>,
    pub(crate) reuse_port: bool,
    /// `null`: the kernel's maximum.
    pub(crate) backlog: Option<u32>,
    pub(crate) fastopen: bool,
    pub(crate) mptcp: bool,
}

/// A fault that was asked for.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct FaultConfig {
    /// Its word.
    pub(crate) fault: &'static str,
    /// `down`, towards the client, or `up`, towards the service that is forwarded to.
    pub(crate) direction: &'static str,
    /// The share of connections that get it, 0 to 1.
    pub(crate) share: f64,
    /// When it strikes, or how long it lasts; `null` where it has no time.
    pub(crate) time_ms: Option<Millis>,
    /// After how many bytes it strikes, or how many at once or a second; `null` where it has none.
    pub(crate) bytes: Option<u64>,
    /// The share of bytes or datagrams, 0 to 1; `null` where it has none.
    pub(crate) part: Option<f64>,
    /// The text that it waits for, or the name of a distribution; `null` where it has none.
    pub(crate) text: Option<Bytes>,
}

impl From<&Rule> for FaultConfig {
    fn from(rule: &Rule) -> Self {
        use netkit::policy::fault::Fault as Of;
        let (mut time_ms, mut bytes, mut part, mut text) = (None, None, None, None);
        match &rule.fault {
            Of::Delay(time) | Of::Jitter(time) | Of::AcceptDelay(time) | Of::SlowClose(time) => {
                time_ms = Some(Millis(*time));
            }
            Of::StallAfter(after) | Of::RstAfter(after) | Of::FinAfter(after) => match after {
                After::Time(time) => time_ms = Some(Millis(*time)),
                After::Bytes(count) => bytes = Some(*count),
            },
            Of::Throttle(rate) | Of::Burst(rate) => bytes = Some(*rate),
            Of::Distribution(shape) => text = Some(shape.word().as_bytes().to_vec().into()),
            Of::Slice(size) => bytes = Some(*size as u64),
            Of::Corrupt(share) | Of::Drop(share) | Of::Duplicate(share) | Of::Reorder(share) => {
                part = Some(*share);
            }
            Of::HangUpOn(wanted) => text = Some(wanted.clone().into()),
            _ => {}
        }
        Self {
            fault: rule.fault.word(),
            direction: rule.direction.word(),
            share: rule.share,
            time_ms,
            bytes,
            part,
            text,
        }
    }
}

impl From<&ListenPlan> for ListenConfig {
    fn from(plan: &ListenPlan) -> Self {
        let (config, options) = (&plan.config, &plan.options);
        let limits = &config.limits;
        let forward = match &config.behaviour {
            Behaviour::Forward(forward) => Some(forward),
            _ => None,
        };
        let mirror = forward.and_then(|forward| forward.mirror.as_ref());
        Self {
            behaviour: if plan.stdio {
                "stdio"
            } else {
                config.behaviour.word()
            },
            forward: forward.map(|forward| forward.target.to_string()),
            timeout_ms: forward.map(|forward| Millis(forward.dial.timeout)),
            mirror: mirror.map(|mirror| mirror.target.to_string()),
            mirror_compare: mirror.is_some_and(|mirror| mirror.compare),
            proxy_protocol: forward.and_then(|forward| Some(forward.proxy?.word())),
            accept_proxy_protocol: config.accept_proxy,
            tls: plan.tls.is_some(),
            record: plan.record.as_ref().map(|path| path.display().to_string()),
            control: plan.control.as_ref().map(|path| path.display().to_string()),
            faults: config.faults.iter().map(FaultConfig::from).collect(),
            seed: config.seed,
            max_connections: limits.max_connections,
            max_per_ip: limits.max_per_ip,
            accept_rate: limits.accept_rate,
            count: limits.count,
            overload: limits.overload,
            shed_above: limits.breaker.rejects,
            idle_timeout_ms: config.idle_timeout.map(Millis),
            max_lifetime_ms: config.max_lifetime.map(Millis),
            max_bytes: config.max_bytes,
            grace_ms: config.grace.into(),
            duration_ms: config.duration.map(Millis),
            workers: config.workers,
            allow_amplification: config.allow_amplification,
            keepalive: options.keepalive.into(),
            user_timeout_ms: options.user_timeout.map(Millis),
            interface: options.interface.clone(),
            reuse_port: options.reuse_port,
            backlog: options.backlog,
            fastopen: options.fastopen,
            mptcp: options.mptcp,
        }
    }
}
