//! From zone to zone.

use std::net::SocketAddr;

use tokio::time::Instant;

use super::ask::{Asked, How, ask_all};
use super::config::Config;
use super::delegation::{NameServerEntry, Source, Zone};
use super::hints;
use super::judge::{Referral, Said, ns_names};
use super::report::{Report, Step};
use super::servers::Addresses;
use super::step;
use crate::deadline::Deadline;
use crate::resolve::DomainName;
use crate::resolve::command::{Record, Verdict};
use crate::resolve::dnssec::dnssec_ok;
use crate::resolve::exchange::{Clock, Policy};
use crate::resolve::server::Transports;
use crate::resolve::wire::{Ask, RecordType};
use crate::run::Cx;

/// Zones asked on the way to one name, aliases included.
const MAX_STEPS: usize = 40;
/// Aliases followed.
const MAX_ALIASES: usize = 12;
/// Questions sent in one trace.
const MAX_QUESTIONS: u32 = 400;

/// Follows the delegations from the root down to `ask`, by the timeout of `config`.
///
/// Always reports: whatever stops it is the report's verdict and reason. Cancel safe: dropping the
/// future closes its sockets; cancelling the token of `cx` ends it with what was seen so far.
pub async fn run(ask: &Ask, config: &Config, cx: &Cx) -> Report {
    let began = Instant::now();
    let clock = Clock {
        origin: began,
        deadline: Deadline::new(began.checked_add(config.timeout), cx.cancel().clone()),
    };
    let mut trace = Trace::new(config, clock);
    let ending = trace.follow(ask, None, 0).await;
    trace.report(ask, ending)
}

/// What a walk down came to.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) verdict: Verdict,
    pub(super) reason: Option<String>,
    /// The records on the way: aliases, and the answer.
    pub(super) answers: Vec<Record>,
    /// Addresses among them, for a name server.
    pub(super) addresses: Vec<std::net::IpAddr>,
}

impl Ending {
    pub(super) fn failed(verdict: Verdict, reason: String) -> Self {
        Self {
            verdict,
            reason: Some(reason),
            answers: Vec::new(),
            addresses: Vec::new(),
        }
    }
}

/// A trace while it runs.
pub(super) struct Trace<'a> {
    pub(super) config: &'a Config,
    how: How,
    /// The zones found so far, the root first.
    zones: Vec<Zone>,
    pub(super) addresses: Addresses,
    steps: Vec<Step>,
    questions: u32,
}

impl<'a> Trace<'a> {
    fn new(config: &'a Config, clock: Clock) -> Self {
        let mut policy = Policy::default();
        policy.options.recursion_desired = false;
        dnssec_ok(&mut policy.options);
        if config.tcp {
            policy.transports = Transports::TcpOnly;
        }
        Self {
            config,
            how: How {
                policy,
                limit: config.server_timeout,
                clock,
            },
            zones: vec![root(config)],
            addresses: Addresses::default(),
            steps: Vec::new(),
            questions: 0,
        }
    }

    fn report(self, ask: &Ask, ending: Ending) -> Report {
        let cancelled = self.how.clock.deadline.cancel().is_cancelled();
        let verdict = match ending.verdict {
            verdict if cancelled && !verdict.is_ok() => Verdict::Interrupted,
            verdict => verdict,
        };
        Report {
            name: ask.name.to_string(),
            qtype: ask.rtype.to_string(),
            ok: verdict.is_ok(),
            verdict,
            reason: ending.reason,
            advice: advice(verdict).map(str::to_owned),
            steps: self.steps,
            answers: ending.answers,
            questions: self.questions,
            total_ms: self.how.clock.elapsed().into(),
        }
    }

    /// Walks down to a name, and on to where its aliases lead.
    pub(super) async fn follow(
        &mut self,
        ask: &Ask,
        for_server: Option<&DomainName>,
        depth: usize,
    ) -> Ending {
        let mut ask = ask.clone();
        let mut seen = vec![ask.name.clone()];
        let mut on_the_way = Vec::new();
        let mut zone = self.nearest(&ask);
        for _ in 0..MAX_STEPS {
            if let Some(ending) = self.is_over() {
                return ending;
            }
            let asked = match self.ask_zone(&mut zone, &ask, depth).await {
                Ok(asked) => asked,
                Err(ending) => return ending,
            };
            let best = best(&asked);
            let said = best.and_then(Asked::said).cloned();
            self.note(&zone, &ask, for_server, &asked, said.as_ref())
                .await;
            on_the_way.extend(best.map(records).unwrap_or_default());
            match said {
                Some(Said::Referral(Referral { zone: next, .. })) => {
                    self.zones.push(next.clone());
                    zone = next;
                }
                Some(Said::Alias(target)) => {
                    if seen.contains(&target) || seen.len() > MAX_ALIASES {
                        return looped(&target, on_the_way);
                    }
                    seen.push(target.clone());
                    ask.name = target;
                    zone = self.nearest(&ask);
                }
                Some(Said::Loop(at)) => return looped(&at, on_the_way),
                said => {
                    let addresses = best.map(addresses).unwrap_or_default();
                    let is_alias = seen.len() > 1;
                    return end(
                        said.as_ref(),
                        &zone,
                        &asked,
                        on_the_way,
                        addresses,
                        is_alias,
                    );
                }
            }
        }
        let text = format!("ended after {MAX_STEPS} zones without an answer");
        Ending::failed(Verdict::Lame, text)
    }

    /// The deepest known zone that a name may be in; DS belongs to the parent.
    fn nearest(&self, ask: &Ask) -> Zone {
        let holds = |zone: &&Zone| {
            let is_own = ask.rtype == RecordType::DS && zone.name == ask.name;
            ask.name.is_within(&zone.name) && (!is_own || zone.name.labels().next().is_none())
        };
        let zones = self.zones.iter().filter(holds);
        let deepest = zones.max_by_key(|zone| zone.name.labels().count());
        deepest.unwrap_or(&self.zones[0]).clone()
    }

    fn is_over(&self) -> Option<Ending> {
        if self.how.clock.deadline.is_over(Instant::now()) {
            let text = format!("the time was over after {} questions", self.questions);
            return Some(Ending::failed(Verdict::Silent, text));
        }
        let text = || format!("ended after {MAX_QUESTIONS} questions");
        (self.questions >= MAX_QUESTIONS).then(|| Ending::failed(Verdict::Lame, text()))
    }

    /// Asks every server of a zone that has an address, or can be given one.
    async fn ask_zone(
        &mut self,
        zone: &mut Zone,
        ask: &Ask,
        depth: usize,
    ) -> Result<Vec<Asked>, Ending> {
        self.find_addresses(zone, depth).await;
        let servers = self.targets(zone);
        if servers.is_empty() {
            self.note(zone, ask, None, &[], None).await;
            let text = format!("no name server of {} has an address to ask", zone.name);
            return Err(Ending::failed(Verdict::Lame, text));
        }
        self.count(servers.len());
        let asked = ask_all(&servers, &zone.name, ask, &self.how).await;
        Ok(asked)
    }

    /// One address of each server.
    pub(super) fn targets(&self, zone: &Zone) -> Vec<SocketAddr> {
        let port = self.config.port();
        let mut targets: Vec<SocketAddr> = Vec::new();
        for entry in &zone.servers {
            if let Some(address) = self.addresses.pick(entry, self.config.family) {
                let target = SocketAddr::new(address, port);
                if !targets.contains(&target) {
                    targets.push(target);
                }
            }
        }
        targets
    }

    fn count(&mut self, questions: usize) {
        let more = u32::try_from(questions).unwrap_or(u32::MAX);
        self.questions = self.questions.saturating_add(more);
    }

    /// Adds a step to the report, with the zone's own view of its name servers.
    async fn note(
        &mut self,
        zone: &Zone,
        ask: &Ask,
        for_server: Option<&DomainName>,
        asked: &[Asked],
        said: Option<&Said>,
    ) {
        let mut step = step::step(zone, ask, for_server, asked, said);
        let is_root = zone.name.labels().next().is_none();
        let served = asked
            .iter()
            .find(|it| it.said().is_some_and(Said::is_useful));
        if let (false, Some(by)) = (is_root, served) {
            let own = self.own_servers(zone, by.server).await;
            step.ns = own.map(|own| step::compare(zone, &own));
        }
        self.steps.push(step);
    }

    /// What the zone itself says its name servers are.
    async fn own_servers(&mut self, zone: &Zone, server: SocketAddr) -> Option<Vec<DomainName>> {
        let ask = Ask::new(zone.name.clone(), RecordType::NS);
        self.count(1);
        let asked = ask_all(&[server], &zone.name, &ask, &self.how).await;
        let (sections, _) = asked.first()?.reply.as_ref()?;
        ns_names(sections, &zone.name)
    }
}

/// One next step, in terms of zones rather than of the server that was named.
fn advice(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Lame => Some(
            "the delegation leads nowhere: mend the NS records or the glue in the parent, or the servers",
        ),
        Verdict::Silent | Verdict::Unreachable => {
            Some("the name servers are down, or a firewall on the way here keeps port 53")
        }
        Verdict::Nxdomain => Some("check the spelling, or create the name in its zone"),
        Verdict::Servfail => Some("the name servers of that zone are broken; see what they log"),
        other => other.advice(),
    }
}

/// Where the trace begins.
fn root(config: &Config) -> Zone {
    if config.roots.is_empty() {
        return hints::root();
    }
    let entry = |root: &SocketAddr| NameServerEntry {
        name: None,
        addresses: vec![root.ip()],
        source: Source::Hint,
        problem: None,
    };
    Zone {
        name: DomainName::root(),
        servers: config.roots.iter().map(entry).collect(),
    }
}

/// The reply that leads furthest; the first of several.
fn best(asked: &[Asked]) -> Option<&Asked> {
    let rank = |it: &&Asked| it.said().map_or(0, Said::rank);
    asked
        .iter()
        .rev()
        .filter(|it| it.said().is_some())
        .max_by_key(rank)
}

/// The records of the answer section for the report.
fn records(asked: &Asked) -> Vec<Record> {
    let answers = asked.received().map(|it| &it.reply.answers[..]);
    answers
        .unwrap_or_default()
        .iter()
        .map(Record::from)
        .collect()
}

fn addresses(asked: &Asked) -> Vec<std::net::IpAddr> {
    let sections = asked.reply.as_ref().map(|(sections, _)| sections);
    let answers = sections.map(|it| &it.answers[..]).unwrap_or_default();
    answers
        .iter()
        .filter_map(super::sections::Rr::address)
        .collect()
}

fn looped(at: &DomainName, answers: Vec<Record>) -> Ending {
    Ending {
        answers,
        ..Ending::failed(
            Verdict::CnameLoop,
            format!("the aliases lead in a circle at {at}"),
        )
    }
}

fn end(
    said: Option<&Said>,
    zone: &Zone,
    asked: &[Asked],
    answers: Vec<Record>,
    addresses: Vec<std::net::IpAddr>,
    is_alias: bool,
) -> Ending {
    let zone = &zone.name;
    let (verdict, reason) = match said {
        Some(Said::Answer) => (Verdict::Answer, None),
        Some(Said::NoData) => (
            Verdict::NoData,
            Some(format!("{zone} has no such type there")),
        ),
        Some(Said::Nxdomain) if is_alias => (
            Verdict::CnameDangling,
            Some(format!("{zone} does not have the alias's target")),
        ),
        Some(Said::Nxdomain) => (
            Verdict::Nxdomain,
            Some(format!("{zone} does not have the name")),
        ),
        Some(Said::Lame(_)) => (
            Verdict::Lame,
            Some(format!("no server that is named for {zone} serves it")),
        ),
        Some(Said::Error(code)) => (
            Verdict::Servfail,
            Some(format!("the servers of {zone} answer {code}")),
        ),
        _ => unanswered(zone, asked),
    };
    Ending {
        verdict,
        reason,
        answers,
        addresses,
    }
}

fn unanswered(zone: &DomainName, asked: &[Asked]) -> (Verdict, Option<String>) {
    let any_malformed = asked.iter().any(|it| {
        it.received().is_some() || it.outcome.attempts.iter().any(|a| a.ignored_count > 0)
    });
    if any_malformed {
        let text = format!("what the servers of {zone} send cannot be used");
        return (Verdict::Malformed, Some(text));
    }
    if asked.iter().all(step::is_unreachable) {
        let text = format!("no server of {zone} can be reached");
        return (Verdict::Unreachable, Some(text));
    }
    let text = format!("no server of {zone} answers");
    (Verdict::Silent, Some(text))
}
