//! When names come from a file or standard input, and what then cannot be asked for.

use std::collections::HashSet;

use netkit::resolve::wire::RecordType;
use netkit::resolve::{NameServer, bulk};

use super::Group;
use super::words::Words;
use crate::args::{ClientArgs, MessageArgs, ResolveArgs};
use crate::plan::Input;
use crate::usage::UsageError;

/// Any number of names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BulkPlan {
    pub(crate) input: Input,
    /// The type of lines that name none.
    pub(crate) qtype: RecordType,
    pub(crate) ordered: bool,
    pub(crate) rate: Option<f64>,
    pub(crate) max_inflight: usize,
    /// Answers kept.
    pub(crate) cache: usize,
}

/// Answers kept for questions on the command line: as many as there are, if one of them comes
/// again and is not to be asked `anew`; a question that comes once is measured.
pub(super) fn cache(groups: &[Group], anew: bool) -> usize {
    let questions = || groups.iter().flat_map(|group| &group.questions);
    let folded = questions().map(|question| (question.text.to_ascii_lowercase(), question.rtype));
    let (mut seen, count) = (HashSet::new(), questions().count());
    let repeats = folded.into_iter().any(|question| !seen.insert(question));
    if repeats && !anew { count } else { 0 }
}

/// The plan, if names do come from elsewhere.
pub(super) fn plan(
    args: &ResolveArgs,
    words: &Words,
    stdin_tty: bool,
) -> Result<Option<BulkPlan>, UsageError> {
    let Some(input) = input(args, words, stdin_tty)? else {
        return needs_input(args).map(|()| None);
    };
    fits_lines(args)?;
    fits_sockets(&args.client)?;
    fits_message(&args.message)?;
    Ok(Some(BulkPlan {
        input,
        qtype: qtype(words)?,
        ordered: args.bulk.ordered,
        rate: args.bulk.rate,
        max_inflight: args.bulk.max_inflight.unwrap_or(bulk::MAX_INFLIGHT),
        cache: if args.bulk.no_cache { 0 } else { bulk::CACHE },
    }))
}

fn input(args: &ResolveArgs, words: &Words, stdin_tty: bool) -> Result<Option<Input>, UsageError> {
    let input = match &args.bulk.input {
        Some(path) if path.as_os_str() == "-" => Input::Stdin,
        Some(path) => Input::File(path.clone()),
        None if words.subjects.is_empty() && !stdin_tty => Input::Stdin,
        None => return Ok(None),
    };
    if words.subjects.is_empty() {
        return Ok(Some(input));
    }
    let message = "names on the command line and --input cannot be asked for together";
    Err(UsageError::new(message, "one of the two"))
}

/// Flags that are about many names only.
fn needs_input(args: &ResolveArgs) -> Result<(), UsageError> {
    let bulk = &args.bulk;
    let given = [
        ("--ordered", bulk.ordered),
        ("--rate", bulk.rate.is_some()),
        ("--max-inflight", bulk.max_inflight.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(UsageError::new(
            format!("{flag} is about many names"),
            "names from --input or standard input",
        )),
        None => Ok(()),
    }
}

/// What a line a name cannot do.
fn fits_lines(args: &ResolveArgs) -> Result<(), UsageError> {
    let given = [
        ("--ns-mode", args.query.ns_mode.is_some()),
        ("--strict-errors", args.query.strict_errors),
        ("--policy", args.policy.policy.is_some()),
        ("--region", args.policy.region.is_some()),
        ("--dnssec", args.dnssec.dnssec),
        ("--trace", args.dnssec.trace),
        ("--check-server", args.check.check_server),
        ("--compare", args.again.compare),
        ("--count", args.again.count.is_some()),
        ("--watch", args.again.watch),
        ("--interval", args.again.interval.is_some()),
        ("--compare-system", args.system.compare_system),
        ("--zone-format", args.output.zone_format),
        ("--hosts", args.system.hosts),
        ("--hosts-file", args.system.hosts_file.is_some()),
        ("--pretty", args.output.pretty),
        ("--verbose", args.output.verbose),
    ];
    refuse(&given, "give a line each")
}

/// A run has several sockets for each server, and changes them now and then.
fn fits_sockets(args: &ClientArgs) -> Result<(), UsageError> {
    let port = args.local_addr.is_some_and(|local| local.port != 0);
    let given = [
        ("--local-addr with a port", port),
        ("--source-port", args.source_port.is_some()),
    ];
    refuse(&given, "are asked for from many ports")?;
    let given = [
        ("--ca", args.ca.is_some()),
        ("--anti-spoof", args.anti_spoof),
    ];
    refuse(&given, "are asked for in plain UDP and TCP")
}

/// All questions of a run are one message with another name in it.
fn fits_message(args: &MessageArgs) -> Result<(), UsageError> {
    let given = [
        ("--class", args.class.is_some()),
        ("--opcode", args.opcode.is_some()),
        ("--random-case", args.random_case),
        ("--edns-version", args.edns_version.is_some()),
        ("--cookie", args.cookie.is_some()),
        ("--padding", args.padding.is_some()),
    ];
    refuse(&given, "are ordinary questions of class IN")?;
    let longest = bulk::MAX_DATAGRAM;
    match args.bufsize {
        Some(size) if usize::from(size) > longest => Err(UsageError::new(
            format!("--bufsize {size} is more than names from a list have room for"),
            format!("{longest} octets at most"),
        )),
        _ => Ok(()),
    }
}

/// The servers of a list must speak plain DNS.
pub(super) fn fits_servers(
    bulk: Option<&BulkPlan>,
    servers: &[NameServer],
) -> Result<(), UsageError> {
    let mut servers = servers.iter().filter(|_| bulk.is_some());
    match servers.find(|server| server.transports.is_secure()) {
        Some(server) => Err(UsageError::new(
            format!(
                "--ns {server} is asked over TLS or QUIC, and names from a list over UDP and TCP"
            ),
            "--ns ADDRESS, udp://ADDRESS or tcp://ADDRESS",
        )),
        None => Ok(()),
    }
}

/// Refuses the first flag that was given; `why` says what names from a list do.
fn refuse(given: &[(&str, bool)], why: &str) -> Result<(), UsageError> {
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(UsageError::new(
            format!("{flag} does not apply to names from a list, which {why}"),
            format!("no {flag}, or the names on the command line"),
        )),
        None => Ok(()),
    }
}

/// The one type of names that come without.
fn qtype(words: &Words) -> Result<RecordType, UsageError> {
    let types = if words.types.is_empty() {
        // A and AAAA would be two lines.
        &words.defaults[..1]
    } else {
        &words.types
    };
    match types {
        [RecordType::AXFR | RecordType::IXFR] => Err(UsageError::new(
            "a transfer is more than the line that each name of a list gives",
            "the zone on the command line",
        )),
        [only] => Ok(*only),
        _ => Err(UsageError::new(
            "several types were given, and each line of a list is one question",
            "one type, or `name TYPE` in the list",
        )),
    }
}
