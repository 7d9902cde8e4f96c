//! The line of `resolve`: the report, and what was asked for.

use netkit::resolve::command::{Report, ServerMode};
use netkit::resolve::{NameServer, Transports};
use netkit::time::Millis;
use serde::Serialize;

use crate::plan::QueryPlan;

/// `"type":"resolve"`: the report on one question.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Resolve<'a> {
    #[serde(flatten)]
    pub(crate) report: &'a Report,
    /// What was asked for; in a stream it is in the `summary` instead.
    pub(crate) config: Option<ResolveConfig>,
}

/// What was asked for, with every default in force.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ResolveConfig {
    /// Servers that were named; empty: the system's.
    name_servers: Vec<String>,
    /// `first`, `race`, `all`.
    ns_mode: &'static str,
    timeout_ms: Millis,
    /// `null`: what resolv.conf says.
    tries: Option<u8>,
    /// `both`, `udp`, `tcp`.
    transports: &'static str,
    strict_errors: bool,
    hosts: bool,
    hosts_file: String,
    resolv_conf: String,
    /// Where the rules for names come from.
    policy: Option<String>,
}

impl From<&QueryPlan> for ResolveConfig {
    fn from(plan: &QueryPlan) -> Self {
        let config = &plan.config;
        Self {
            name_servers: config
                .stub
                .servers
                .iter()
                .map(NameServer::to_string)
                .collect(),
            ns_mode: match config.mode {
                ServerMode::First => "first",
                ServerMode::Race => "race",
                ServerMode::All => "all",
            },
            timeout_ms: config.timeout.into(),
            tries: config.tries,
            transports: match config.policy.transports {
                Transports::Both => "both",
                Transports::UdpOnly => "udp",
                Transports::TcpOnly => "tcp",
            },
            strict_errors: config.strict_errors,
            hosts: config.uses_hosts(),
            hosts_file: config.stub.files.hosts.display().to_string(),
            resolv_conf: config.stub.files.resolv_conf.display().to_string(),
            policy: plan.policy.as_ref().map(|policy| policy.place.to_string()),
        }
    }
}
