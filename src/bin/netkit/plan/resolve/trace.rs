//! The plan of `netkit resolve --trace`: where to begin, and what does not go with it.

use netkit::addr::Family;
use netkit::resolve::NameServer;
use netkit::resolve::trace::Config;
use netkit::resolve::wire::Class;

use super::message::asked_of_edns;
use super::{AnswerForm, Group};
use crate::args::{DnssecArgs, MessageArgs, ResolveArgs};
use crate::usage::UsageError;

/// How the trace is made; `None` without `--trace`.
pub(super) fn config(args: &ResolveArgs, form: AnswerForm) -> Result<Option<Config>, UsageError> {
    needs(&args.dnssec)?;
    if args.dnssec.dnssec {
        provable(&args.message)?;
    }
    if !args.dnssec.trace {
        return Ok(None);
    }
    let other = match form {
        AnswerForm::Short => Some("--short"),
        AnswerForm::Rfc8427 => Some("--json=rfc8427"),
        _ => None,
    };
    if let Some(flag) = other {
        return Err(contradiction(flag, "a trace is its steps"));
    }
    foreign(args)?;
    own_message(&args.message)?;
    let roots = &args.dnssec.roots;
    if roots.iter().any(|root| root.port() != roots[0].port()) {
        return Err(UsageError::new(
            "--roots has more than one port",
            "one port, which is that of all servers of the trace",
        ));
    }
    let family = match (args.query.ipv4, args.query.ipv6) {
        (true, _) => Some(Family::Ipv4),
        (_, true) => Some(Family::Ipv6),
        _ => None,
    };
    let default = Config::default();
    Ok(Some(Config {
        roots: roots.clone(),
        timeout: args.transport.timeout.unwrap_or(default.timeout),
        family,
        tcp: args.transport.tcp,
        ..default
    }))
}

/// Refuses what says something about a thing that was not asked for.
fn needs(args: &DnssecArgs) -> Result<(), UsageError> {
    let lonely = [
        (!args.roots.is_empty() && !args.trace, "--roots", "--trace"),
        (
            args.trust_anchor.is_some() && !args.dnssec,
            "--trust-anchor",
            "--dnssec",
        ),
    ];
    match lonely.into_iter().find(|(given, ..)| *given) {
        Some((_, flag, needed)) => Err(UsageError::new(
            format!("{flag} says nothing without {needed}"),
            format!("{flag} together with {needed}"),
        )),
        None => Ok(()),
    }
}

/// Refuses what is about asking other servers than those on the way.
fn foreign(args: &ResolveArgs) -> Result<(), UsageError> {
    let (query, system, transport) = (&args.query, &args.system, &args.transport);
    let given = [
        (query.ns_mode.is_some(), "--ns-mode"),
        (query.strict_errors, "--strict-errors"),
        (system.hosts, "--hosts"),
        (system.no_hosts, "--no-hosts"),
        (system.hosts_file.is_some(), "--hosts-file"),
        (system.resolv_conf.is_some(), "--resolv-conf"),
        (args.policy.policy.is_some(), "--policy"),
        (args.policy.region.is_some(), "--region"),
        (transport.tries.is_some(), "--tries"),
        (transport.udp_only, "--udp-only"),
        (transport.no_tcp_fallback, "--no-tcp-fallback"),
    ];
    let why = "the servers are those of the zones on the way, each asked once";
    match given.into_iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(contradiction(flag, why)),
        None => Ok(()),
    }
}

/// A trace sends what a resolver sends on its way: RD clear, EDNS with DO, nothing else.
fn own_message(args: &MessageArgs) -> Result<(), UsageError> {
    let given = [
        (args.class.is_some(), "--class"),
        (args.opcode.is_some(), "--opcode"),
        (args.no_rd, "--no-rd"),
        (args.ad, "--ad"),
        (args.cd, "--cd"),
        (args.z, "--z"),
        (args.random_case, "--random-case"),
        (args.no_edns, "--no-edns"),
    ];
    let why = "it sends what a resolver sends on its way, RD clear and DO set";
    let given = given.into_iter().find(|(given, _)| *given);
    match given.map(|(_, flag)| flag).or_else(|| asked_of_edns(args)) {
        Some(flag) => Err(contradiction(flag, why)),
        None => Ok(()),
    }
}

/// Proof needs EDNS, class IN and ordinary questions.
fn provable(args: &MessageArgs) -> Result<(), UsageError> {
    let given = [
        (args.no_edns, "--no-edns"),
        (args.edns_version.is_some(), "--edns-version"),
        (args.opcode.is_some(), "--opcode"),
        (
            args.class.is_some_and(|class| class != Class::IN),
            "--class",
        ),
    ];
    match given.into_iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(UsageError::new(
            format!("{flag} does not go with --dnssec: signatures come by EDNS, in class IN"),
            format!("--dnssec without {flag}"),
        )),
        None => Ok(()),
    }
}

fn contradiction(flag: &str, why: &str) -> UsageError {
    UsageError::new(
        format!("{flag} does not go with --trace: {why}"),
        format!("--trace without {flag}"),
    )
}

/// The questions of a trace: where no type was named, A alone, or AAAA with -6.
pub(super) fn groups(groups: Vec<Group>, servers: &[NameServer]) -> Result<Vec<Group>, UsageError> {
    if let Some(server) = servers.first() {
        let flag = format!("--ns {server}");
        let why = "it begins at the root, or at --roots IP:PORT";
        return Err(contradiction(&flag, why));
    }
    let first = |mut group: Group| {
        if group.any {
            group.questions.truncate(1);
            group.any = false;
        }
        group
    };
    Ok(groups.into_iter().map(first).collect())
}
