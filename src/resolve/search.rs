//! One lookup on the wire: the search list, and aliases that lead out of a reply.

use std::time::Duration;

use crate::addr::Family;
use crate::time::Millis;

use super::cache::Looked;
use super::exchange::Clock;
use super::explain::Case;
use super::judge::{Finding, Found};
use super::ledger::Carrier;
use super::lookup::{Answer, Question, Source};
use super::name::DomainName;
use super::servers::{Servers, Tried};
use super::wire::{Ask, RecordType};

/// Aliases followed by asking again; resolvers give up between 8 and 16.
const MAX_ALIASES: usize = 8;

/// Tries the names in order until one has addresses. The failure tells what is known best of them
/// all; names whose servers all stay silent end the search, as the others would fare no better.
pub(super) async fn search(
    question: &Question,
    names: &[DomainName],
    mut servers: Servers,
    clock: &Clock,
) -> Looked {
    let mut ledger = Vec::new();
    let mut best: Option<usize> = None;
    for name in names {
        let Some(at) = chase(name, question.family, &mut servers, clock, &mut ledger).await else {
            break;
        };
        match &ledger[at].finding {
            Finding::Records(found) => {
                return Looked {
                    keep: Duration::from_secs(found.ttl.into()),
                    result: Ok(answer(found, question, &ledger, at, clock)),
                };
            }
            finding => {
                let is_better =
                    best.is_none_or(|best| telling(finding) > telling(&ledger[best].finding));
                let ends_search = ends_search(finding);
                best = if is_better { Some(at) } else { best };
                if ends_search {
                    break;
                }
            }
        }
    }
    let ledger = &ledger[..];
    let case = Case { question, ledger };
    Looked {
        result: Err(best.map_or_else(|| case.out_of_time(), |at| case.failure(at))),
        keep: negative_ttl(ledger),
    }
}

/// How long it holds that none of the names has an address: zero when a server did not say so.
fn negative_ttl(ledger: &[Tried]) -> Duration {
    let ttls = ledger.iter().map(|tried| match tried.finding {
        Finding::NoData | Finding::Nxdomain { .. } => {
            let received = tried.outcome.received.as_ref();
            received.and_then(|received| received.reply.negative_ttl())
        }
        Finding::Alias { ttl, .. } => Some(ttl),
        _ => None,
    });
    let least = ttls.map(Option::unwrap_or_default).min();
    Duration::from_secs(least.unwrap_or_default().into())
}

/// Asks for a name, and for the end of its aliases as long as replies do not know it.
async fn chase(
    name: &DomainName,
    family: Family,
    servers: &mut Servers,
    clock: &Clock,
    ledger: &mut Vec<Tried>,
) -> Option<usize> {
    let rtype = match family {
        Family::Ipv4 => RecordType::A,
        Family::Ipv6 => RecordType::AAAA,
    };
    let mut seen = vec![name.clone()];
    let mut least_ttl = u32::MAX;
    loop {
        let name = seen.last()?.clone();
        let at = servers.ask(&Ask::new(name, rtype), clock, ledger).await?;
        match &mut ledger[at].finding {
            Finding::Alias { target, ttl } => {
                least_ttl = least_ttl.min(*ttl);
                let target = target.clone();
                if seen.contains(&target) {
                    ledger[at].finding = Finding::Loop { at: target };
                    return Some(at);
                }
                if seen.len() > MAX_ALIASES {
                    return Some(at);
                }
                seen.push(target);
            }
            Finding::Records(found) => {
                found.ttl = found.ttl.min(least_ttl);
                return Some(at);
            }
            _ => return Some(at),
        }
    }
}

/// Of the findings for several names, the one to report: that a name exists without an address,
/// then that a server failed (the name may exist), then that names do not exist.
fn telling(finding: &Finding) -> u8 {
    match finding {
        Finding::NoData | Finding::Loop { .. } | Finding::Alias { .. } => 3,
        Finding::Fault(_) => 2,
        Finding::Nxdomain { .. } => 1,
        _ => 0,
    }
}

/// Whether the other names would fare no better: nobody answers.
fn ends_search(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::Silent | Finding::Unreachable | Finding::OutOfFiles
    )
}

fn answer(
    found: &Found,
    question: &Question,
    ledger: &[Tried],
    at: usize,
    clock: &Clock,
) -> Answer {
    let is_ordinary = ledger.iter().all(Tried::is_ordinary);
    let case = Case { question, ledger };
    let outcome = &ledger[at].outcome;
    let over_tcp = outcome
        .received
        .as_ref()
        .is_some_and(|received| received.carrier == Carrier::Tcp);
    Answer {
        addresses: found.addresses.clone(),
        name: found.name.to_string(),
        source: if over_tcp { Source::Tcp } else { Source::Udp },
        server: Some(outcome.server),
        ttl: Some(found.ttl),
        took: Millis(clock.elapsed()),
        evidence: if is_ordinary {
            Vec::new()
        } else {
            case.evidence()
        },
    }
}
