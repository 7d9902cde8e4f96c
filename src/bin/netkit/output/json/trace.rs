//! The line of `resolve --trace`: the report, and how it was made.

use netkit::addr::Family;
use netkit::resolve::trace::{Config, Report};
use netkit::time::Millis;
use serde::Serialize;

/// `"type":"trace"`: the way from the root to one answer.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Trace<'a> {
    #[serde(flatten)]
    pub(crate) report: &'a Report,
    pub(crate) config: TraceConfig,
}

/// What was asked for, with every default in force.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct TraceConfig {
    /// Where it begins; empty: the built-in root servers.
    roots: Vec<String>,
    /// The port of every server.
    port: u16,
    timeout_ms: Millis,
    /// For each server.
    server_timeout_ms: Millis,
    /// `ipv4`, `ipv6`; `null`: IPv4 where a server has it.
    family: Option<&'static str>,
    tcp: bool,
}

impl From<&Config> for TraceConfig {
    fn from(config: &Config) -> Self {
        Self {
            roots: config.roots.iter().map(ToString::to_string).collect(),
            port: config.port(),
            timeout_ms: config.timeout.into(),
            server_timeout_ms: config.server_timeout.into(),
            family: config.family.map(|family| match family {
                Family::Ipv4 => "ipv4",
                Family::Ipv6 => "ipv6",
            }),
            tcp: config.tcp,
        }
    }
}
