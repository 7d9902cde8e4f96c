//! One lookup on the wire: the search list, and aliases that lead out of a reply.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The name has records.
    Found,
    /// There was no other name.
    Exhausted,
    /// Nobody answers: other names would fare no better.
    NobodyAnswers,
    /// An error that may pass, and `strict_errors`.
    StrictErrors,
    /// The time was over, or the question was cancelled.
    OutOfTime,
}

/// One name that was tried: its part of the ledger, and the place of what is known best.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) name: DomainName,
    pub(super) tried: Range<usize>,
    pub(super) best: Option<usize>,
}

/// Everything that was tried for one question.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) ledger: Vec<Tried>,
    pub(super) steps: Vec<Step>,
    /// Where in the ledger the most telling finding of all names stands.
    pub(super) best: Option<usize>,
    pub(super) stopped: Stop,
}

/// Tries the names in order until one has records. What is known best of them all counts; names
/// whose servers all stay silent end the search, as the others would fare no better, and with
/// `strict` so does every error that may pass.
pub(super) async fn walk(
    names: &[DomainName],
    rtype: RecordType,
    servers: &mut Servers,
    clock: &Clock,
    strict: bool,
) -> Walk {
    let mut walk = Walk {
        ledger: Vec::new(),
        steps: Vec::new(),
        best: None,
        stopped: Stop::Exhausted,
    };
    for name in names {
        let first = walk.ledger.len();
        let best = chase(name, rtype, servers, clock, &mut walk.ledger).await;
        walk.steps.push(Step {
            name: name.clone(),
            tried: first..walk.ledger.len(),
            best,
        });
        if let Some(stop) = walk.judge(best, strict) {
            walk.stopped = stop;
            break;
        }
    }
    walk
}

impl Walk {
    /// Takes the finding for one more name; `Some` ends the search.
    fn judge(&mut self, at: Option<usize>, strict: bool) -> Option<Stop> {
        let Some(at) = at else {
            return Some(Stop::OutOfTime);
        };
        let finding = &self.ledger[at].finding;
        let is_better = |best: usize| telling(finding) > telling(&self.ledger[best].finding);
        if self.best.is_none_or(is_better) {
            self.best = Some(at);
        }
        match finding {
            Finding::Records(_) => Some(Stop::Found),
            Finding::Silent | Finding::Unreachable | Finding::OutOfFiles => {
                Some(Stop::NobodyAnswers)
            }
            Finding::Fault(_) | Finding::Unusable if strict => Some(Stop::StrictErrors),
            _ => None,
        }
    }
}

/// Tries the names in order until one has addresses.
pub(super) async fn search(
    question: &Question,
    names: &[DomainName],
    mut servers: Servers,
    clock: &Clock,
) -> Looked {
    let rtype = match question.family {
        Family::Ipv4 => RecordType::A,
        Family::Ipv6 => RecordType::AAAA,
    };
    let walk = walk(names, rtype, &mut servers, clock, false).await;
    let ledger = &walk.ledger[..];
    if let Some(at) = walk.best
        && let Finding::Records(found) = &ledger[at].finding
    {
        return Looked {
            keep: Duration::from_secs(found.ttl.into()),
            result: Ok(answer(found, question, ledger, at, clock)),
        };
    }
    let case = Case::of(question, ledger);
    Looked {
        result: Err(walk
            .best
            .map_or_else(|| case.out_of_time(), |at| case.failure(at))),
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
    rtype: RecordType,
    servers: &mut Servers,
    clock: &Clock,
    ledger: &mut Vec<Tried>,
) -> Option<usize> {
    let class = servers.policy.options.class;
    let ask = |name| Ask { name, rtype, class };
    let mut seen = vec![name.clone()];
    let mut least_ttl = u32::MAX;
    loop {
        let name = seen.last()?.clone();
        let at = servers.ask(&ask(name), clock, ledger).await?;
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
        Finding::Records(_) => 4,
        Finding::NoData | Finding::Loop { .. } | Finding::Alias { .. } => 3,
        Finding::Fault(_) => 2,
        Finding::Nxdomain { .. } => 1,
        _ => 0,
    }
}

fn answer(
    found: &Found,
    question: &Question,
    ledger: &[Tried],
    at: usize,
    clock: &Clock,
) -> Answer {
    let is_ordinary = ledger.iter().all(Tried::is_ordinary);
    let case = Case::of(question, ledger);
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
