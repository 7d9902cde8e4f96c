//! The plan of `netkit parse-addr`: what is read, what is done with it, in which form it comes out.

use std::path::PathBuf;
use std::time::Duration;

use netkit::addr::Prefix;
use netkit::addr::describe::{As, Options};
use netkit::addr::filter::Which;
use netkit::resolve::NameServer;

use super::PolicyPlan;
use crate::args::{
    AddrOutputArgs, ComputeArgs, FilterArgs, OutputArgs, ParseAddrArgs, ParseArgs, ProgressArg,
};
use crate::usage::UsageError;

/// What will be done.
#[derive(Debug)]
pub(crate) struct AddrPlan {
    pub(crate) input: Input,
    pub(crate) task: Task,
    pub(crate) form: Form,
}

/// Where the inputs come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Texts(Vec<String>),
    File(PathBuf),
    Stdin,
}

/// What is done with them.
#[derive(Debug)]
pub(crate) enum Task {
    Describe(DescribePlan),
    Filter(FilterPlan),
    Compute(Operation),
}

/// How inputs are described.
#[derive(Debug)]
pub(crate) struct DescribePlan {
    pub(crate) options: Options,
    /// Whether names are looked up.
    pub(crate) resolve: Option<ResolvePlan>,
}

/// How names are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResolvePlan {
    /// Whom to ask; empty means the system's servers.
    pub(crate) servers: Vec<NameServer>,
    /// Bounds one host.
    pub(crate) timeout: Duration,
    /// Rules for names.
    pub(crate) policy: Option<PolicyPlan>,
}

/// The lines that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterPlan {
    /// Networks, and names of files of them.
    pub(crate) networks: Vec<String>,
    pub(crate) which: Which,
    pub(crate) invert: bool,
    pub(crate) count: bool,
}

/// Arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Contains(Vec<Prefix>),
    Overlaps(Prefix),
    Split(u8),
    SplitInto(u128),
    Supernet(u8),
    Nth(i128),
    Random { count: u64, seed: Option<u64> },
    Hosts,
    Summarize,
    Aggregate,
    Exclude(Vec<Prefix>),
    Intersect(Vec<Prefix>),
    List { sort: bool, unique: bool },
}

impl Operation {
    /// Its flag, and its name in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Contains(_) => "contains",
            Self::Overlaps(_) => "overlaps",
            Self::Split(_) => "split",
            Self::SplitInto(_) => "split_into",
            Self::Supernet(_) => "supernet",
            Self::Nth(_) => "nth",
            Self::Random { .. } => "random",
            Self::Hosts => "hosts",
            Self::Summarize => "summarize",
            Self::Aggregate => "aggregate",
            Self::Exclude(_) => "exclude",
            Self::Intersect(_) => "intersect",
            Self::List { sort: true, .. } => "sort",
            Self::List { .. } => "unique",
        }
    }
}

/// The form of what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Human,
    /// Canonical text, one a line.
    Short,
    /// JSON Lines; brief: the first group only.
    Json { brief: bool },
    /// Indented JSON.
    Pretty,
    /// Nothing.
    Quiet,
}

/// Checks the flags against each other and translates them.
pub(super) fn plan(args: ParseAddrArgs) -> Result<AddrPlan, UsageError> {
    let form = form(&args.output)?;
    let input = input(args.texts, args.input)?;
    let parses = args.parse.kind.0.is_some()
        || args.parse.network.is_some()
        || !args.parse.nat64.is_empty()
        || args.parse.resolve;
    let task = match (filter(args.filter), operation(args.compute)?) {
        (Some(_), Some(_)) => {
            let message = "--sort and --unique do not go with --in";
            return Err(UsageError::new(message, "one of the two"));
        }
        (Some(filter), None) => Task::Filter(filter),
        (None, Some(operation)) => Task::Compute(operation),
        (None, None) => Task::Describe(describe(args.parse)?),
    };
    if parses && !matches!(task, Task::Describe(_)) {
        let message =
            "--as, --network, --nat64 and --resolve do not go with computing or filtering";
        return Err(UsageError::new(message, "one of the two"));
    }
    check_form(&task, form)?;
    Ok(AddrPlan { input, task, form })
}

/// The settings that are shared with the other subcommands.
pub(super) fn output_args(args: &AddrOutputArgs) -> OutputArgs {
    OutputArgs {
        json: args.json,
        pretty: args.pretty,
        color: args.color,
        quiet: args.quiet,
        verbose: false,
        progress: ProgressArg::Never,
    }
}

fn form(args: &AddrOutputArgs) -> Result<Form, UsageError> {
    if args.short && (args.json || args.pretty || args.quiet) {
        let message = "--short is a form of its own";
        return Err(UsageError::new(
            message,
            "one of --short, --json, --pretty and --quiet",
        ));
    }
    Ok(match args {
        _ if args.quiet => Form::Quiet,
        _ if args.pretty && args.brief => {
            let message = "--pretty shows everything, --brief does not";
            return Err(UsageError::new(message, "--json --brief"));
        }
        _ if args.pretty => Form::Pretty,
        _ if args.json => Form::Json { brief: args.brief },
        _ if args.short => Form::Short,
        _ => Form::Human,
    })
}

/// Forms that a task does not have.
fn check_form(task: &Task, form: Form) -> Result<(), UsageError> {
    match (task, form) {
        (Task::Describe(_), _) | (_, Form::Human | Form::Json { brief: false } | Form::Quiet) => {
            Ok(())
        }
        (Task::Compute(_), Form::Short) => Ok(()),
        (_, Form::Pretty | Form::Json { brief: true }) => Err(UsageError::new(
            "--pretty and --brief are forms of a description",
            "--json with computing and filtering",
        )),
        (Task::Filter(_), Form::Short) => Err(UsageError::new(
            "--short does not go with --in, which prints lines as they are",
            "--in alone, --count or --json",
        )),
    }
}

fn input(texts: Vec<String>, file: Option<PathBuf>) -> Result<Input, UsageError> {
    let dash = texts.iter().any(|text| text == "-");
    match file {
        Some(_) if !texts.is_empty() => Err(UsageError::new(
            "both texts and --input were given",
            "one of the two",
        )),
        Some(path) if path.as_os_str() == "-" => Ok(Input::Stdin),
        Some(path) => Ok(Input::File(path)),
        None if dash && texts.len() > 1 => Err(UsageError::new(
            "`-` reads standard input and stands alone",
            "texts or `-`",
        )),
        None if texts.is_empty() || dash => Ok(Input::Stdin),
        None => Ok(Input::Texts(texts)),
    }
}

fn filter(args: FilterArgs) -> Option<FilterPlan> {
    let which = if args.first { Which::First } else { Which::Any };
    (!args.networks.is_empty()).then_some(FilterPlan {
        networks: args.networks,
        which,
        invert: args.invert,
        count: args.count,
    })
}

/// The one operation that clap's group let through.
fn operation(args: ComputeArgs) -> Result<Option<Operation>, UsageError> {
    let listing = args.sort || args.unique;
    let (sort, unique) = (args.sort, args.unique);
    let operation = single_network(&args).or_else(|| all_networks(args));
    match operation {
        Some(_) if listing => Err(UsageError::new(
            "--sort and --unique are an operation of their own",
            "one operation",
        )),
        None if listing => Ok(Some(Operation::List { sort, unique })),
        operation => Ok(operation),
    }
}

/// Operations on each input by itself.
fn single_network(args: &ComputeArgs) -> Option<Operation> {
    let seed = args.seed;
    None.or_else(|| args.overlaps.map(Operation::Overlaps))
        .or_else(|| args.split.map(Operation::Split))
        .or_else(|| args.split_into.map(Operation::SplitInto))
        .or_else(|| args.supernet.map(Operation::Supernet))
        .or_else(|| args.nth.map(Operation::Nth))
        .or_else(|| args.random.map(|count| Operation::Random { count, seed }))
        .or_else(|| args.hosts.then_some(Operation::Hosts))
        .or_else(|| args.summarize.then_some(Operation::Summarize))
}

/// Operations that take lists of networks, or all inputs together.
fn all_networks(args: ComputeArgs) -> Option<Operation> {
    let some = |networks: Vec<Prefix>| (!networks.is_empty()).then_some(networks);
    None.or_else(|| some(args.contains).map(Operation::Contains))
        .or_else(|| some(args.exclude).map(Operation::Exclude))
        .or_else(|| some(args.intersect).map(Operation::Intersect))
        .or_else(|| args.aggregate.then_some(Operation::Aggregate))
}

fn describe(args: ParseArgs) -> Result<DescribePlan, UsageError> {
    let policy = PolicyPlan::new(&args.policy);
    if policy.is_some() && !args.resolve {
        let message = "--policy is about names that are looked up";
        return Err(UsageError::new(message, "--resolve with it"));
    }
    let resolve = args.resolve.then(|| ResolvePlan {
        servers: args.ns.clone(),
        timeout: args.timeout.unwrap_or(netkit::dial::config::TIMEOUT),
        policy,
    });
    let options = options(args)?;
    Ok(DescribePlan { options, resolve })
}

fn options(args: ParseArgs) -> Result<Options, UsageError> {
    if let Some(network) = &args.network {
        check_network(network, args.kind.0)?;
    }
    Ok(Options {
        kind: args.kind.0,
        network: args.network.unwrap_or_default(),
        nat64: args.nat64,
        ..Options::default()
    })
}

/// Networks that the kind takes.
fn check_network(network: &str, kind: Option<As>) -> Result<(), UsageError> {
    let base = network.split(':').next().unwrap_or_default();
    let (known, expected) = match kind {
        Some(As::Tcp) => (
            matches!(network, "tcp" | "tcp4" | "tcp6"),
            "tcp, tcp4 or tcp6",
        ),
        Some(As::Udp) => (
            matches!(network, "udp" | "udp4" | "udp6"),
            "udp, udp4 or udp6",
        ),
        Some(As::IpAddr) => (
            matches!(base, "ip" | "ip4" | "ip6"),
            "ip, ip4 or ip6, perhaps with a protocol (ip4:icmp)",
        ),
        Some(As::Port) => (
            matches!(
                network,
                "tcp" | "tcp4" | "tcp6" | "udp" | "udp4" | "udp6" | "ip"
            ),
            "tcp, tcp4, tcp6, udp, udp4, udp6 or ip",
        ),
        _ => {
            let message = "--network needs a kind that takes one";
            return Err(UsageError::new(message, "--as tcp, udp, ip-addr or port"));
        }
    };
    if known {
        return Ok(());
    }
    let message = "no such network for this kind";
    Err(UsageError::value("--network", network, message, expected))
}
