//! The line of `resolve`: the report, and what was asked for.

use std::net::IpAddr;

use netkit::net::tls::Roots;
use netkit::resolve::NameServer;
use netkit::resolve::bulk;
use netkit::resolve::check::CheckReport;
use netkit::resolve::command::repeat::{Probe, Summary};
use netkit::resolve::command::transfer::Transfer;
use netkit::resolve::command::watch::Change;
use netkit::resolve::command::{Record, Report, ServerMode};
use netkit::resolve::edns::EdnsAsk;
use netkit::resolve::registry::OptionCode;
use netkit::resolve::wire::AskOptions;
use netkit::time::Millis;
use serde::Serialize;

use crate::plan::{AnchorSource, BulkPlan, Input, QueryPlan};

/// `"type":"resolve"`: the report on one question.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Resolve<'a> {
    #[serde(flatten)]
    pub(crate) report: &'a Report,
    /// With `--count`: its number, from 0; `null` otherwise.
    seq: Option<u64>,
    /// With `--count`: when it was due, since the start of the run.
    due_ms: Option<Millis>,
    /// With `--count`: how much later it was put.
    lateness_ms: Option<Millis>,
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

impl<'a> Resolve<'a> {
    /// The one line of a question.
    pub(crate) fn alone(report: &'a Report, config: ResolveConfig) -> Self {
        Self {
            report,
            seq: None,
            due_ms: None,
            lateness_ms: None,
            config: Some(config),
        }
    }

    /// One line of a list.
    pub(crate) fn listed(report: &'a Report) -> Self {
        Self {
            report,
            seq: None,
            due_ms: None,
            lateness_ms: None,
            config: None,
        }
    }

    /// One line of a stream.
    pub(crate) fn in_stream(probe: &'a Probe) -> Self {
        Self {
            report: &probe.report,
            seq: Some(probe.seq),
            due_ms: Some(probe.due.into()),
            lateness_ms: Some(probe.started.saturating_sub(probe.due).into()),
            config: None,
        }
    }
}

/// `"type":"resolve_change"`: the first answer of a watch, or one that is not as the last.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Changed<'a> {
    /// How many questions were put so far.
    asked: u64,
    /// What is new; everything in the first answer.
    added: &'a [String],
    /// What is gone.
    missing: &'a [String],
    /// Whether it holds what `--until` waits for; `null` without.
    met: Option<bool>,
    /// The answer.
    report: &'a Report,
}

impl<'a> From<&'a Change> for Changed<'a> {
    fn from(change: &'a Change) -> Self {
        Self {
            asked: change.asked,
            added: &change.added,
            missing: &change.missing,
            met: change.met,
            report: &change.report,
        }
    }
}

/// `"type":"resolve_summary"`: the last line of `--count`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct RepeatSummary<'a> {
    /// One entry a question.
    pub(crate) questions: &'a [Summary],
    /// Whether the run was stopped before its end.
    pub(crate) interrupted: bool,
    /// The status netkit ends with; `null` in an interim summary.
    pub(crate) exit_code: Option<u8>,
    /// What was asked for.
    pub(crate) config: ResolveConfig,
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
    /// Octets of the blocks that questions are padded to; `null`: not padded,
    /// and to 128 over TLS, HTTPS and QUIC.
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
                Roots::Platform | Roots::Workload => None,
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

/// `"type":"resolve_record"`: one record of a transfer, as it comes.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Transferring<'a> {
    /// The zone as typed.
    pub(crate) zone: &'a str,
    /// The record.
    pub(crate) record: &'a Record,
}

/// `"type":"resolve_transfer"`: what became of a transfer.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Transferred<'a> {
    #[serde(flatten)]
    pub(crate) transfer: &'a Transfer,
    /// What was asked for.
    pub(crate) config: ResolveConfig,
}

/// `"type":"summary"`: the last line of a list of names.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct BulkSummary<'a> {
    /// `resolve`.
    #[schemars(extend("const" = "resolve"))]
    pub(crate) mode: &'static str,
    /// How many ended how.
    pub(crate) resolve: &'a bulk::Summary,
    /// The status netkit ends with; `null` in an interim summary.
    pub(crate) exit_code: Option<u8>,
    /// What was asked for.
    pub(crate) config: BulkConfig,
}

/// What was asked for of a list of names.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ResolveListConfig")]
pub(crate) struct BulkConfig {
    #[serde(flatten)]
    resolve: ResolveConfig,
    /// The file; `null` is standard input.
    input: Option<String>,
    /// The type of lines that name none.
    default_type: String,
    ordered: bool,
    /// Datagrams a second; `null`: what each server takes without loss.
    rate: Option<f64>,
    max_inflight: usize,
    /// Answers kept; 0 without a cache.
    cache_size: usize,
}

impl BulkConfig {
    pub(crate) fn new(plan: &QueryPlan, bulk: &BulkPlan) -> Self {
        Self {
            resolve: plan.into(),
            input: match &bulk.input {
                Input::File(path) => Some(path.display().to_string()),
                _ => None,
            },
            default_type: bulk.qtype.to_string(),
            ordered: bulk.ordered,
            rate: bulk.rate,
            max_inflight: bulk.max_inflight,
            cache_size: bulk.cache,
        }
    }
}
