//! What two flags of `netkit resolve` may not say together.

use netkit::resolve::{NameServer, Transports};

use netkit::resolve::wire::RecordType;

use super::task::Task;
use super::{AnswerForm, Group};
use crate::args::{NsModeArg, SystemArgs, TransportArgs};
use crate::usage::UsageError;

/// Refuses what could not be honoured.
pub(super) fn check(
    transport: &TransportArgs,
    servers: &[NameServer],
    mode: Option<NsModeArg>,
) -> Result<(), UsageError> {
    one_transport(transport, servers)?;
    mode_needs_servers(servers, mode)
}

/// A server that names its transport keeps it.
fn one_transport(args: &TransportArgs, servers: &[NameServer]) -> Result<(), UsageError> {
    let clash = |flag: &str, own: Transports| {
        let server = servers.iter().find(|server| server.transports == own);
        server.map(|server| {
            let message = format!("{flag} contradicts the server {server}");
            UsageError::new(
                message,
                format!("the server without its scheme, or no {flag}"),
            )
        })
    };
    let found = match (args.tcp, args.udp_only) {
        (true, _) => clash("--tcp", Transports::UdpOnly),
        (_, true) => clash("--udp-only", Transports::TcpOnly),
        _ => None,
    };
    found.map_or(Ok(()), Err)
}

fn mode_needs_servers(servers: &[NameServer], mode: Option<NsModeArg>) -> Result<(), UsageError> {
    match mode {
        Some(_) if servers.len() == 1 => Err(UsageError::new(
            "--ns-mode is about several servers, and one was given",
            "more --ns, or no --ns-mode",
        )),
        _ => Ok(()),
    }
}

/// getaddrinfo knows addresses and nothing else.
pub(super) fn system_of_addresses(args: &SystemArgs, groups: &[Group]) -> Result<(), UsageError> {
    let mut types = groups
        .iter()
        .flat_map(|group| &group.questions)
        .map(|question| question.rtype);
    let other = types.find(|rtype| ![RecordType::A, RecordType::AAAA].contains(rtype));
    match other {
        Some(rtype) if args.compare_system => Err(UsageError::new(
            format!("--compare-system knows nothing of {rtype}: getaddrinfo gives addresses"),
            "A or AAAA with it",
        )),
        _ => Ok(()),
    }
}

/// A transfer is no question with one reply: it goes with other questions as little as with the
/// ways of asking again.
pub(super) fn transfer(
    task: Task,
    groups: &[Group],
    servers: &[NameServer],
) -> Result<Task, UsageError> {
    let types = || {
        let questions = groups.iter().flat_map(|group| &group.questions);
        questions.map(|question| question.rtype)
    };
    if types().any(|rtype| rtype == RecordType::IXFR) {
        let message = "IXFR needs a serial to begin with, and is not supported";
        return Err(UsageError::new(message, "AXFR for the whole zone"));
    }
    if types().all(|rtype| rtype != RecordType::AXFR) {
        return Ok(task);
    }
    if types().any(|rtype| rtype != RecordType::AXFR) {
        let message = "AXFR does not go with other types";
        return Err(UsageError::new(message, "AXFR alone"));
    }
    let plain = [Transports::Both, Transports::UdpOnly, Transports::TcpOnly];
    let mut others = servers.iter();
    if let Some(server) = others.find(|server| !plain.contains(&server.transports)) {
        let message = format!("AXFR goes over TCP, and {server} is asked otherwise");
        return Err(UsageError::new(message, "the server without its scheme"));
    }
    match task {
        Task::Once => Ok(Task::Transfer),
        _ => Err(UsageError::new(
            "AXFR does not go with --compare, --count and --watch",
            "AXFR alone",
        )),
    }
}

/// RFC 8427 has a form for a message, and none for what netkit makes of several.
pub(super) fn whole_messages(
    form: AnswerForm,
    task: &Task,
    check: bool,
    bulk: bool,
) -> Result<(), UsageError> {
    if form != AnswerForm::Rfc8427 || (*task == Task::Once && !check && !bulk) {
        return Ok(());
    }
    let message = "--json=rfc8427 is the form of one reply to one question";
    let accepted =
        "--json with AXFR, --compare, --count, --watch, --check-server and names from a list";
    Err(UsageError::new(message, accepted))
}

/// Rules steer single questions, and a trace is a walk of its own.
pub(super) fn once(policy: bool, trace: bool, check: bool, task: &Task) -> Result<(), UsageError> {
    let flags = [
        (policy, "--policy"),
        (trace, "--trace"),
        (check, "--check-server"),
    ];
    let given = flags.into_iter().find(|(given, _)| *given);
    let Some((_, flag)) = given.filter(|_| *task != Task::Once) else {
        return Ok(());
    };
    let message = format!("{flag} does not go with --compare, --count, --watch and AXFR");
    Err(UsageError::new(message, "one of the two"))
}
