//! The plan of `netkit resolve`: which questions, of whom, how, and in which form they are answered.

mod bulk;
mod check;
mod client;
mod message;
mod rules;
mod task;
#[cfg(test)]
mod tests;
mod trace;
mod words;

use std::path::PathBuf;

pub(crate) use bulk::BulkPlan;
use netkit::resolve::command::{Config, Question, ServerMode};
use netkit::resolve::{NameServer, StubConfig, SystemFiles, Transports};

use super::PolicyPlan;
use crate::args::{
    DnssecArgs, JsonForm, NsModeArg, OutputArgs, ResolveArgs, ResolveOutputArgs, SystemArgs,
    TransportArgs,
};
use crate::usage::UsageError;

pub(crate) use task::Task as QueryTask;
use task::Task;

/// What will be done.
#[derive(Debug)]
pub(crate) struct QueryPlan {
    /// What is asked: the questions for one name together.
    pub(crate) groups: Vec<Group>,
    pub(crate) config: Config,
    /// Rules for names.
    pub(crate) policy: Option<PolicyPlan>,
    pub(crate) task: Task,
    pub(crate) form: AnswerForm,
    /// Where proof begins; `None` asks for none.
    pub(crate) anchors: Option<AnchorSource>,
    /// How delegations are followed; `None` asks name servers as usual.
    pub(crate) trace: Option<netkit::resolve::trace::Config>,
    /// The question to test the servers with, instead of asking them.
    pub(crate) check: Option<Question>,
    /// Any number of names instead.
    pub(crate) bulk: Option<BulkPlan>,
}

/// Where the keys are that proof begins at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AnchorSource {
    /// The root's, built in.
    Root,
    /// A file with others.
    File(PathBuf),
}

/// The questions for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) questions: Vec<Question>,
    /// Whether one answer is enough: A and AAAA that nobody named.
    pub(crate) any: bool,
}

/// The form of what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerForm {
    /// A table on a terminal, a record a line in a pipe.
    Human,
    /// Data only.
    Short,
    /// Lines of a zone file.
    Zone,
    /// JSON Lines.
    Json,
    /// Indented JSON.
    Pretty,
    /// The reply as RFC 8427 has it.
    Rfc8427,
    /// Nothing.
    Quiet,
}

impl AnswerForm {
    /// Whether standard output is for programs that read netkit's JSON.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Pretty)
    }
}

/// Checks the flags against each other and translates them.
pub(super) fn plan(mut args: ResolveArgs, stdin_tty: bool) -> Result<QueryPlan, UsageError> {
    let form = form(&args.output)?;
    let mut words = words::sort(&args.query, args.bulk.input.is_some())?;
    if let Some(class) = args.message.class {
        words.set_class(class)?;
    }
    args.message.class = words.class;
    let trace = trace::config(&args, form)?;
    let bulk = bulk::plan(&args, &words, stdin_tty)?;
    let groups = match bulk {
        Some(_) => Vec::new(),
        None => words::groups(&words)?,
    };
    let policy = PolicyPlan::new(&args.policy);
    let mut servers = args.query.ns.clone();
    servers.extend(words.servers);
    bulk::fits_servers(bulk.as_ref(), &servers)?;
    let (mut groups, anchors) = match &trace {
        Some(_) => (trace::groups(groups, &servers)?, None),
        None => (groups, anchors(&args.dnssec)),
    };
    rules::check(&args.transport, &servers, args.query.ns_mode)?;
    client::check(&args.client, &args.transport, &servers)?;
    let check = check::question(&args, &servers, &groups)?;
    if check.is_some() && (policy.is_some() || trace.is_some() || anchors.is_some()) {
        let message = "--check-server tests every server in its own way";
        return Err(UsageError::new(message, "no --policy, --trace or --dnssec"));
    }
    let task = task::task(&args.again, servers.len(), args.query.ns_mode)?;
    let task = rules::transfer(task, &groups, &servers)?;
    rules::whole_messages(form, &task, check.is_some(), bulk.is_some())?;
    rules::once(policy.is_some(), trace.is_some(), check.is_some(), &task)?;
    if let Task::Watch { until, .. } = &task {
        task::watched(&mut groups, until.as_ref())?;
    }
    rules::system_of_addresses(&args.system, &groups)?;
    let anew = args.bulk.no_cache || policy.is_some() || task != Task::Once;
    let cache = bulk::cache(&groups, anew);
    let config = config(args, servers, &task, cache)?;
    Ok(QueryPlan {
        groups,
        config,
        policy,
        task,
        form,
        anchors,
        trace,
        check,
        bulk,
    })
}

/// What the flags say of every lookup.
fn config(
    args: ResolveArgs,
    servers: Vec<NameServer>,
    task: &Task,
    cache: usize,
) -> Result<Config, UsageError> {
    let mut config = Config {
        compare_system: args.system.compare_system,
        mode: if *task == Task::Compare {
            ServerMode::All
        } else {
            mode(args.query.ns_mode)
        },
        strict_errors: args.query.strict_errors,
        tries: args.transport.tries,
        hosts: hosts(&args.system),
        ..Config::default()
    };
    config.timeout = args.transport.timeout.unwrap_or(config.timeout);
    config.policy.transports = transports(&args.transport);
    config.policy.options = message::options(args.message)?;
    client::guard(&args.client, &mut config.policy);
    config.stub = stub(servers, args.system, cache);
    config.stub.client = client::config(&args.client);
    Ok(config)
}

/// The settings that are shared with the other subcommands.
pub(super) fn output_args(args: &ResolveOutputArgs) -> OutputArgs {
    OutputArgs {
        json: args.json.is_some(),
        pretty: args.pretty,
        color: args.color,
        quiet: args.quiet,
        verbose: args.verbose,
        progress: args.progress,
    }
}

fn form(args: &ResolveOutputArgs) -> Result<AnswerForm, UsageError> {
    let asked = [
        (args.quiet, AnswerForm::Quiet),
        (args.short, AnswerForm::Short),
        (args.zone_format, AnswerForm::Zone),
        (args.pretty, AnswerForm::Pretty),
        (args.json == Some(JsonForm::Rfc8427), AnswerForm::Rfc8427),
        (
            args.json == Some(JsonForm::Netkit) && !args.pretty,
            AnswerForm::Json,
        ),
    ];
    let mut asked = asked.into_iter().filter(|(given, _)| *given);
    let form = asked.next().map_or(AnswerForm::Human, |(_, form)| form);
    if asked.next().is_some() {
        let message = "several forms of output were asked for";
        return Err(UsageError::new(
            message,
            "one of --short, --zone-format, --json, --pretty and --quiet",
        ));
    }
    Ok(form)
}

fn anchors(args: &DnssecArgs) -> Option<AnchorSource> {
    let file = args.trust_anchor.clone().map(AnchorSource::File);
    args.dnssec.then(|| file.unwrap_or(AnchorSource::Root))
}

fn mode(mode: Option<NsModeArg>) -> ServerMode {
    match mode {
        None | Some(NsModeArg::First) => ServerMode::First,
        Some(NsModeArg::Race) => ServerMode::Race,
        Some(NsModeArg::All) => ServerMode::All,
    }
}

fn transports(args: &TransportArgs) -> Transports {
    if args.tcp {
        Transports::TcpOnly
    } else if args.udp_only || args.no_tcp_fallback {
        Transports::UdpOnly
    } else {
        Transports::Both
    }
}

fn hosts(args: &SystemArgs) -> Option<bool> {
    (args.hosts || args.no_hosts).then_some(args.hosts)
}

fn stub(servers: Vec<NameServer>, args: SystemArgs, cache: usize) -> StubConfig {
    let mut files = SystemFiles::default();
    files.hosts = args.hosts_file.unwrap_or(files.hosts);
    files.resolv_conf = args.resolv_conf.unwrap_or(files.resolv_conf);
    StubConfig {
        servers,
        files,
        cache,
        ..StubConfig::default()
    }
}
