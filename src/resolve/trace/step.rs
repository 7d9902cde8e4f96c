//! One step as the report shows it.

use super::ask::Asked;
use super::delegation::{NameServerEntry, Zone};
use super::judge::{Referral, Said};
use super::report::{NsComparison, ReferralFacts, ServerOutcome, ServerStep, Step, StepOutcome};
use super::sections::Sections;
use crate::resolve::DomainName;
use crate::resolve::ledger::{End, Outcome};
use crate::resolve::wire::{Ask, RecordType};

/// The step of asking the servers of a zone.
pub(super) fn step(
    zone: &Zone,
    ask: &Ask,
    for_server: Option<&DomainName>,
    asked: &[Asked],
    best: Option<&Said>,
) -> Step {
    let server = |entry: &NameServerEntry| {
        let reply = asked
            .iter()
            .find(|it| entry.addresses.contains(&it.server.ip()));
        server(entry, reply)
    };
    Step {
        zone: zone.name.to_string(),
        name: ask.name.to_string(),
        qtype: ask.rtype.to_string(),
        for_server: for_server.map(ToString::to_string),
        servers: zone.servers.iter().map(server).collect(),
        outcome: outcome(best),
        agree: agree(asked),
        referral: match best {
            Some(Said::Referral(referral)) => Some(ReferralFacts {
                zone: referral.zone.name.to_string(),
                ds: referral.ds.clone(),
            }),
            _ => None,
        },
        alias: match best {
            Some(Said::Alias(target) | Said::Loop(target)) => Some(target.to_string()),
            _ => None,
        },
        ns: None,
    }
}

fn outcome(best: Option<&Said>) -> StepOutcome {
    match best {
        Some(Said::Referral(_)) => StepOutcome::Referral,
        Some(Said::Answer) => StepOutcome::Answer,
        Some(Said::Alias(_) | Said::Loop(_)) => StepOutcome::Alias,
        Some(Said::NoData) => StepOutcome::NoData,
        Some(Said::Nxdomain) => StepOutcome::Nxdomain,
        Some(Said::Lame(_) | Said::Error(_)) | None => StepOutcome::Failed,
    }
}

/// Whether the servers that serve the zone say the same: the same kind of reply, the same zone, the
/// same records, whatever their order and TTL.
fn agree(asked: &[Asked]) -> Option<bool> {
    let useful = asked
        .iter()
        .filter(|it| it.said().is_some_and(Said::is_useful));
    let mut views = useful.filter_map(view);
    let first = views.next()?;
    let rest: Vec<_> = views.collect();
    (!rest.is_empty()).then(|| rest.iter().all(|view| *view == first))
}

/// What is compared of a reply: what it leads to, and whom it names or what it answers.
fn view(asked: &Asked) -> Option<(u8, Vec<String>)> {
    let (sections, said) = asked.reply.as_ref()?;
    let mut facts = if let Said::Referral(referral) = said {
        named(referral)
    } else {
        answered(sections)
    };
    facts.sort_unstable();
    facts.dedup();
    let kind = match said {
        Said::Nxdomain => 1,
        Said::NoData => 2,
        other => 10 + other.rank(),
    };
    Some((kind, facts))
}

fn named(referral: &Referral) -> Vec<String> {
    let servers = referral.zone.servers.iter();
    let names = servers.filter_map(|it| it.name.as_ref());
    let names = names.map(|name| name.to_string().to_ascii_lowercase());
    names.collect()
}

fn answered(sections: &Sections) -> Vec<String> {
    let answers = sections.answers.iter();
    let answers = answers.filter(|rr| rr.rtype != RecordType::RRSIG);
    let answers = answers.map(|rr| {
        let name = rr.name.to_string().to_ascii_lowercase();
        format!("{name} {} {:?}", rr.rtype, rr.rdata)
    });
    answers.collect()
}

fn server(entry: &NameServerEntry, asked: Option<&Asked>) -> ServerStep {
    let reply = asked.and_then(|it| it.reply.as_ref());
    let received = asked.and_then(Asked::received);
    let (outcome, detail) = asked.map_or((ServerOutcome::NotAsked, None), describe);
    let problem = entry.problem.filter(|_| asked.is_none());
    ServerStep {
        name: entry.name.as_ref().map(ToString::to_string),
        addresses: entry.addresses.clone(),
        source: entry.source,
        problem,
        server: asked.map(|it| it.server),
        outcome,
        detail: detail.or_else(|| problem.map(|it| it.text().to_owned())),
        rcode: reply.map(|(sections, _)| sections.rcode.to_string()),
        authoritative: reply.map(|(sections, _)| sections.authoritative),
        rtt_ms: asked.and_then(|it| rtt(&it.outcome)).map(Into::into),
        transport: received.map(|it| it.carrier.to_string().to_lowercase()),
        size: received.map(|it| it.reply.size),
    }
}

/// From the first sending to the reply, of the try that brought it.
fn rtt(outcome: &Outcome) -> Option<std::time::Duration> {
    let replied = |end: &End| matches!(end, End::Replied(_) | End::Truncated);
    let attempts = outcome.attempts.iter();
    attempts
        .filter(|attempt| replied(&attempt.end))
        .filter_map(crate::resolve::ledger::Attempt::waited)
        .next_back()
}

fn describe(asked: &Asked) -> (ServerOutcome, Option<String>) {
    match asked.said() {
        Some(Said::Answer) => (ServerOutcome::Answer, None),
        Some(Said::Alias(target)) => (ServerOutcome::Alias, Some(format!("alias of {target}"))),
        Some(Said::Loop(at)) => (
            ServerOutcome::Alias,
            Some(format!("aliases in a circle at {at}")),
        ),
        Some(Said::NoData) => (ServerOutcome::NoData, None),
        Some(Said::Nxdomain) => (ServerOutcome::Nxdomain, None),
        Some(Said::Referral(referral)) => (
            ServerOutcome::Referral,
            Some(format!("to {}", referral.zone.name)),
        ),
        Some(Said::Lame(why)) => (ServerOutcome::Lame, Some(why.clone())),
        Some(Said::Error(code)) => (ServerOutcome::Error, Some(code.to_string())),
        None if asked.not_awaited => (ServerOutcome::NotAwaited, None),
        None => unanswered(&asked.outcome),
    }
}

/// Whether the system said that there is no way to the server, or that nobody listens.
pub(super) fn is_unreachable(asked: &Asked) -> bool {
    describe(asked).0 == ServerOutcome::Unreachable
}

fn unanswered(outcome: &Outcome) -> (ServerOutcome, Option<String>) {
    let attempts = || outcome.attempts.iter();
    let ignored = attempts().find_map(|attempt| attempt.ignored.first());
    if let Some(ignored) = ignored {
        return (ServerOutcome::Malformed, Some(ignored.why.to_string()));
    }
    if outcome.received.is_some() {
        let text = "the records cannot be read".to_owned();
        return (ServerOutcome::Malformed, Some(text));
    }
    let failed = attempts().find_map(|attempt| match &attempt.end {
        End::Failed { text, .. } => Some(text.clone()),
        _ => None,
    });
    let silent = attempts().any(|attempt| matches!(attempt.end, End::Silent { .. }));
    match failed {
        Some(text) if !silent => (ServerOutcome::Unreachable, Some(text)),
        _ => (ServerOutcome::Silent, None),
    }
}

/// Both sides of a cut.
pub(super) fn compare(parent: &Zone, child: &[DomainName]) -> NsComparison {
    let parent: Vec<_> = parent
        .servers
        .iter()
        .filter_map(|it| it.name.as_ref())
        .collect();
    let only = |list: Vec<&DomainName>, other: &dyn Fn(&DomainName) -> bool| -> Vec<String> {
        let mut names: Vec<_> = list
            .into_iter()
            .filter(|name| !other(name))
            .map(ToString::to_string)
            .collect();
        names.sort_unstable();
        names
    };
    let only_parent = only(parent.clone(), &|name| child.contains(name));
    let only_child = only(child.iter().collect(), &|name| parent.contains(&name));
    NsComparison {
        same: only_parent.is_empty() && only_child.is_empty(),
        only_parent,
        only_child,
    }
}
