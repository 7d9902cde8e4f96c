//! From the ledger of a question to its report. Pure.

use std::net::IpAddr;

use super::attempt::attempts;
use super::malformed::malformed;
use super::question::Question;
use super::record::Record;
use super::remark::{Remark, RemarkCode, remarks};
use super::report::{Edns, Report, ReportSource, Search, SearchStep};
use super::verdict::Verdict;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::resolve::exchange::Clock;
use crate::resolve::explain::Case;
use crate::resolve::judge::Finding;
use crate::resolve::ledger::{Attempt, Received};
use crate::resolve::message::Section;
use crate::resolve::name::DomainName;
use crate::resolve::registry::Class;
use crate::resolve::search::{Step, Walk};
use crate::resolve::servers::Tried;
use crate::resolve::setup::Setup;
use crate::resolve::wire::{RecordType, Reply};

/// The report on what servers were asked for.
pub(super) fn report(
    question: &Question,
    names: &[DomainName],
    walk: &Walk,
    clock: &Clock,
) -> Report {
    let mut report = empty(question, clock);
    report.attempts = attempts(&walk.ledger);
    report.search = search(names, walk);
    let Some(best) = walk.best else {
        report.verdict = unasked(clock);
        report.failure = Some(case(question, &walk.ledger).out_of_time());
        return report;
    };
    let tried = &walk.ledger[best];
    report.verdict = match Verdict::of(tried, &walk.ledger) {
        Verdict::Silent if clock.deadline.cancel().is_cancelled() => Verdict::Interrupted,
        verdict => verdict,
    };
    report.ok = report.verdict.is_ok();
    report.advice = report.verdict.advice().map(str::to_owned);
    report.server = Some(tried.outcome.server);
    report.asked = Some(tried.ask.name.to_string());
    report.qclass = tried.ask.class.to_string();
    report.unicode = tried.ask.name.to_unicode();
    report.remarks = remarks(&walk.ledger, best);
    (report.malformed, report.packet) = malformed(tried).unzip();
    if !matches!(tried.finding, Finding::Records(_)) {
        report.failure = Some(case(question, &walk.ledger).failure(best));
    }
    if let Some(received) = &tried.outcome.received {
        fill(&mut report, received, carried(tried, received));
        report.answers = chain(walk, best, &received.reply);
    }
    report
}

/// The report on what this machine knows.
pub(super) fn known(
    question: &Question,
    (addresses, source): (Vec<IpAddr>, ReportSource),
    clock: &Clock,
) -> Report {
    let mut report = empty(question, clock);
    report.source = source;
    let record = |ip: &IpAddr| Record {
        name: question.text.trim_end_matches('.').to_owned(),
        rtype: question.rtype.to_string(),
        type_code: question.rtype.0,
        class: "IN".to_owned(),
        ttl: None,
        data: ip.to_string(),
        rdata: None,
    };
    report.answers = addresses.iter().map(record).collect();
    report.ok = !addresses.is_empty();
    report.verdict = match source {
        _ if report.ok => Verdict::Answer,
        // RFC 7686 §2: such a name does not exist in the DNS, whatever a server may say.
        ReportSource::Special => Verdict::Nxdomain,
        _ => Verdict::NoData,
    };
    if report.verdict == Verdict::Nxdomain {
        let message = format!(
            "{} is a name of Tor's: the system's servers are never asked for it (RFC 7686)",
            question.typed
        );
        let failure = Failure::new(Stage::Resolve, Kind::Nxdomain, message).by(Who::Netkit);
        report.failure = Some(failure);
    }
    report.advice = report.verdict.advice().map(str::to_owned);
    report
}

/// The report on a question that could not be put.
pub(super) fn failed(question: &Question, failure: Failure, clock: &Clock) -> Report {
    let mut report = empty(question, clock);
    report.verdict = Verdict::LocalError;
    report.advice.clone_from(&failure.hint);
    report.failure = Some(failure);
    report
}

/// What was not understood in resolv.conf.
pub(super) fn warnings(setup: &Setup) -> impl Iterator<Item = Remark> {
    setup.conf.warnings.iter().map(|warning| {
        Remark::new(
            RemarkCode::ResolvConf,
            format!("{} {warning}", setup.source),
        )
    })
}

fn empty(question: &Question, clock: &Clock) -> Report {
    Report {
        name: question.typed.clone(),
        asked: None,
        unicode: None,
        qtype: question.rtype.to_string(),
        qclass: Class::IN.to_string(),
        ok: false,
        verdict: Verdict::Interrupted,
        advice: None,
        failure: None,
        source: ReportSource::Server,
        rcode: None,
        flags: None,
        answers: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        edns: None,
        server: None,
        transport: None,
        rtt_ms: None,
        size: None,
        remarks: Vec::new(),
        search: Search {
            names: Vec::new(),
            untried: Vec::new(),
            stopped: None,
        },
        attempts: Vec::new(),
        total_ms: clock.elapsed().into(),
        packet: None,
        dnssec: None,
        malformed: None,
        system: None,
        cache: None,
        #[cfg(feature = "policy")]
        policy: None,
    }
}

/// The verdict when the time was over before anybody could be asked.
fn unasked(clock: &Clock) -> Verdict {
    if clock.deadline.cancel().is_cancelled() {
        Verdict::Interrupted
    } else {
        Verdict::Silent
    }
}

fn case<'a>(question: &'a Question, ledger: &'a [Tried]) -> Case<'a> {
    let wanted = match question.rtype {
        RecordType::A => "IPv4 address".to_owned(),
        RecordType::AAAA => "IPv6 address".to_owned(),
        other => format!("{other} record"),
    };
    Case {
        name: &question.typed,
        wanted,
        ledger,
    }
}

/// The try that brought the reply.
fn carried<'a>(tried: &'a Tried, received: &Received) -> Option<&'a Attempt> {
    let mut attempts = tried.outcome.attempts.iter().rev();
    attempts
        .find(|attempt| attempt.carrier == received.carrier && attempt.trigger == received.trigger)
}

fn fill(report: &mut Report, received: &Received, attempt: Option<&Attempt>) {
    let reply = &received.reply;
    report.transport = Some(received.carrier.code().to_owned());
    report.rtt_ms = attempt.and_then(Attempt::waited).map(Into::into);
    report.size = Some(reply.size);
    report.rcode = Some(reply.rcode.to_string());
    report.flags = Some(reply.message().header().into());
    report.packet = Some(reply.packet.clone());
    report.authority = section(reply, Section::Authority);
    report.additional = section(reply, Section::Additional);
    report.edns = reply.edns.as_ref().map(Edns::from);
}

/// The answers of the reply that counts, after the aliases of earlier replies that led to it.
fn chain(walk: &Walk, best: usize, reply: &Reply) -> Vec<Record> {
    let step = walk.steps.iter().find(|step| step.tried.contains(&best));
    let earlier = step.map_or(best..best, |step| step.tried.start..best);
    let earlier = walk.ledger[earlier]
        .iter()
        .filter(|tried| matches!(tried.finding, Finding::Alias { .. }));
    let earlier = earlier.filter_map(|tried| tried.outcome.received.as_ref());
    let replies = earlier.map(|received| &received.reply).chain([reply]);
    replies
        .flat_map(|reply| section(reply, Section::Answer))
        .collect()
}

/// The records of a section, whatever their class.
fn section(reply: &Reply, section: Section) -> Vec<Record> {
    let records = reply.records(section);
    records.iter().map(Record::from).collect()
}

fn search(names: &[DomainName], walk: &Walk) -> Search {
    let untried = names.iter().skip(walk.steps.len());
    Search {
        names: walk
            .steps
            .iter()
            .map(|step| search_step(step, walk))
            .collect(),
        untried: untried.map(ToString::to_string).collect(),
        stopped: Some(walk.stopped),
    }
}

fn search_step(step: &Step, walk: &Walk) -> SearchStep {
    let tried = &walk.ledger[step.tried.clone()];
    let attempts = || tried.iter().flat_map(|tried| &tried.outcome.attempts);
    let begun = attempts()
        .map(|attempt| attempt.started)
        .min()
        .unwrap_or_default();
    let ended = attempts()
        .map(|attempt| attempt.ended)
        .max()
        .unwrap_or_default();
    let best = step.best.map(|best| &walk.ledger[best]);
    SearchStep {
        name: step.name.to_string(),
        verdict: best.map_or(Verdict::Interrupted, |best| Verdict::of(best, &walk.ledger)),
        took_ms: ended.saturating_sub(begun).into(),
    }
}
