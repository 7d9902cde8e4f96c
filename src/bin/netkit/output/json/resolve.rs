//! The line of `resolve`: the report, and what was asked for.

use std::net::IpAddr;

use netkit::net::tls::Roots;
use netkit::resolve::NameServer;
use netkit::resolve::check::CheckReport;
use netkit::resolve::command::{Report, ServerMode};
use netkit::resolve::edns::EdnsAsk;
use netkit::resolve::registry::OptionCode;
use netkit::resolve::wire::AskOptions;
use netkit::time::Millis;
use serde::Serialize;

use crate::plan::{AnchorSource, QueryPlan};

/// `"type":"resolve"`: the report on one question.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Resolve<'a> {
    #[serde(flatten)]
    pub(crate) report: &'a Report,
    /// What was asked for; in a stream it is in the `summary` instead.
    pub(crate) config: Option<ResolveConfig>,
}

/// `"type":"check"`: what a server did with the tests.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Check<'a> {
    #[serde(flatten)]
    pub(crate) report: &'a CheckReport,
    /// What was asked for.
    pub(crate) config: Option<ResolveConfig>,
}

/// What was asked for, with every default in force.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
pub(crate) struct ResolveConfig {
    /// Servers that were named; empty: the system's.
    name_servers: Vec<String>,
    /// `first`, `race`, `all`.
    ns_mode: &'static str,
    timeout_ms: Millis,
    /// `null`: what resolv.conf says.
    tries: Option<u8>,
    /// Of servers that do not say: `both`, `udp`, `tcp`.
    transports: &'static str,
    /// The source address; `null`: the kernel's choice.
    local_addr: Option<IpAddr>,
    source_port: Option<u16>,
    interface: Option<String>,
    mark: Option<u32>,
    /// Whom to trust over TLS and QUIC; `null`: the system's roots.
    ca: Option<String>,
    anti_spoof: bool,
    strict_errors: bool,
    /// Whether answers were to be validated.
    dnssec: bool,
    /// The file that proof begins at; `null`: the root's keys.
    trust_anchor: Option<String>,
    hosts: bool,
    hosts_file: String,
    resolv_conf: String,
    /// Where the rules for names come from.
    policy: Option<String>,
    message: MessageConfig,
}

/// What is sent with every question.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the bits of the header")]
pub(crate) struct MessageConfig {
    class: String,
    opcode: String,
    rd: bool,
    ad: bool,
    cd: bool,
    z: bool,
    random_case: bool,
    /// `null`: no EDNS.
    edns: Option<EdnsConfig>,
}

/// What is said by EDNS.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct EdnsConfig {
    version: u8,
    payload: u16,
    r#do: bool,
    /// Octets of the blocks that questions are padded to; `null`: not padded.
    padding: Option<u16>,
    /// Options by name or `OPTn`, the cookie and the padding among them.
    options: Vec<String>,
}

impl From<&AskOptions> for MessageConfig {
    fn from(options: &AskOptions) -> Self {
        Self {
            class: options.class.to_string(),
            opcode: options.opcode.to_string(),
            rd: options.recursion_desired,
            ad: options.authentic_data,
            cd: options.checking_disabled,
            z: options.z,
            random_case: options.random_case,
            edns: options.edns.as_ref().map(EdnsConfig::from),
        }
    }
}

impl From<&EdnsAsk> for EdnsConfig {
    fn from(edns: &EdnsAsk) -> Self {
        let cookie = edns.cookie.as_ref().map(|_| OptionCode::COOKIE);
        let others = edns.options.iter().map(|option| option.code);
        let padding = edns.padding.map(|_| OptionCode::PADDING);
        let codes = cookie.into_iter().chain(others).chain(padding);
        Self {
            version: edns.version,
            payload: edns.payload,
            r#do: edns.dnssec_ok,
            padding: edns.padding,
            options: codes.map(|code| code.to_string()).collect(),
        }
    }
}

impl From<&QueryPlan> for ResolveConfig {
    fn from(plan: &QueryPlan) -> Self {
        let config = &plan.config;
        let client = &config.stub.client;
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
            transports: config.policy.transports.scheme().unwrap_or("both"),
            local_addr: client.local_addr,
            source_port: client.source_port,
            interface: client.interface.clone(),
            mark: client.mark,
            ca: match &client.roots {
                Roots::Platform => None,
                Roots::Path(path) => Some(path.display().to_string()),
            },
            anti_spoof: config.policy.second_answer.is_some(),
            strict_errors: config.strict_errors,
            dnssec: plan.anchors.is_some(),
            trust_anchor: match &plan.anchors {
                Some(AnchorSource::File(file)) => Some(file.display().to_string()),
                _ => None,
            },
            hosts: config.uses_hosts(),
            hosts_file: config.stub.files.hosts.display().to_string(),
            resolv_conf: config.stub.files.resolv_conf.display().to_string(),
            policy: plan.policy.as_ref().map(|policy| policy.place.to_string()),
            message: MessageConfig::from(&config.policy.options),
        }
    }
}
