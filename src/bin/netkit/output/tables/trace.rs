//! A trace: one block a zone, a line for each of its name servers, and what the step leads to.

use netkit::resolve::command::Record;
use netkit::resolve::trace::Report;
use netkit::resolve::trace::report::{ServerOutcome, ServerStep, Source, Step, StepOutcome};

use super::{facts, headline};
use crate::output::View;
use crate::output::facts::{Fact, counted};
use crate::output::style::Tone;
use crate::output::table::{Align, Table};

/// The steps, the answer, the verdict.
pub(crate) fn render(report: &Report, view: &View) -> String {
    let mut text = String::new();
    for step in &report.steps {
        text.push_str(&block(step, report, view));
    }
    text.push_str(&answers(report, view));
    let subject = format!("{} {}", report.name, report.qtype);
    let questions = counted(report.questions.into(), "question");
    let verdict = format!(
        "{} after {questions} in {}",
        report.verdict, report.total_ms
    );
    text.push_str(&headline(view, Some(report.ok), &subject, &verdict));
    let mut said = Vec::new();
    if let Some(reason) = &report.reason {
        said.push(Fact::new("why", view.safe(reason)).tone(Tone::Bad));
    }
    if let Some(advice) = report.advice.as_ref().filter(|_| !report.ok) {
        said.push(Fact::new("hint", advice.clone()).tone(Tone::Dim));
    }
    text.push_str(&facts(view, &said));
    text
}

/// The records at the end; signatures only with --verbose.
fn answers(report: &Report, view: &View) -> String {
    let wanted =
        |record: &&Record| record.rtype != "RRSIG" || view.verbose || report.qtype == "RRSIG";
    let records: Vec<_> = report.answers.iter().filter(wanted).collect();
    if !view.rich || records.is_empty() {
        let line = |record: &&Record| format!("{}\n", cells(record, view).join("\t"));
        return records.iter().map(line).collect();
    }
    let columns = [
        ("name", Align::Left),
        ("type", Align::Left),
        ("ttl", Align::Right),
        ("data", Align::Left),
    ];
    let mut table = Table::new(*view, &columns);
    for record in records {
        table.row(&cells(record, view).map(|cell| (cell, Tone::Plain)));
    }
    table.to_string()
}

fn cells(record: &Record, view: &View) -> [String; 4] {
    let ttl = record
        .ttl
        .map_or_else(|| "-".to_owned(), |ttl| ttl.to_string());
    [
        view.safe(&record.name),
        record.rtype.clone(),
        ttl,
        view.safe(&record.data),
    ]
}

fn block(step: &Step, report: &Report, view: &View) -> String {
    let mut title = zone(&step.zone);
    if let Some(server) = &step.for_server {
        put!(title, ", for the address of {server}");
    } else if step.name != report.name {
        put!(title, ", for {} {}", step.name, step.qtype);
    }
    let title = view.safe(&title);
    let mut text = format!("{}\n", view.paint(Tone::Strong, &title));
    text.push_str(&servers(step, view));
    text.push_str(&facts(view, &conclusions(step, view)));
    text
}

fn zone(name: &str) -> String {
    match name {
        "." => ". (the root)".to_owned(),
        name => name.to_owned(),
    }
}

fn servers(step: &Step, view: &View) -> String {
    if !view.rich {
        return step
            .servers
            .iter()
            .map(|server| plain(server, view))
            .collect();
    }
    let mut table = Table::new(
        *view,
        &[
            ("name server", Align::Left),
            ("address", Align::Left),
            ("from", Align::Left),
            ("time", Align::Right),
            ("says", Align::Left),
        ],
    );
    for server in &step.servers {
        let time = server.rtt_ms.map(|rtt| rtt.to_string()).unwrap_or_default();
        table.row(&[
            (view.safe(name(server)), Tone::Plain),
            (address(server), Tone::Plain),
            (source(server.source).to_owned(), Tone::Dim),
            (time, Tone::Dim),
            (view.safe(&says(server)), tone(server.outcome)),
        ]);
    }
    table.to_string()
}

fn plain(server: &ServerStep, view: &View) -> String {
    let time = server
        .rtt_ms
        .map_or_else(|| "-".to_owned(), |rtt| rtt.to_string());
    let line = format!(
        "{}\t{}\t{}\t{time}\t{}",
        name(server),
        address(server),
        source(server.source),
        says(server)
    );
    format!("{}\n", view.safe(&line))
}

fn name(server: &ServerStep) -> &str {
    server.name.as_deref().unwrap_or("-")
}

fn address(server: &ServerStep) -> String {
    let asked = server.server.map(|server| server.to_string());
    let known = server.addresses.first().map(ToString::to_string);
    asked.or(known).unwrap_or_else(|| "-".to_owned())
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Hint => "hint",
        Source::Glue => "glue",
        Source::LookedUp => "lookup",
        Source::None => "-",
    }
}

fn says(server: &ServerStep) -> String {
    let word = match server.outcome {
        ServerOutcome::Answer => "answer",
        ServerOutcome::Alias => "alias",
        ServerOutcome::NoData => "no such type",
        ServerOutcome::Nxdomain => "no such name",
        ServerOutcome::Referral => "referral",
        ServerOutcome::Lame => "lame",
        ServerOutcome::Error => "error",
        ServerOutcome::Malformed => "malformed",
        ServerOutcome::Silent => "silent",
        ServerOutcome::Unreachable => "unreachable",
        ServerOutcome::NotAwaited => "slow, not waited for",
        ServerOutcome::NotAsked => "not asked",
    };
    let over = match server.transport.as_deref() {
        Some("tcp") => " (tcp)",
        _ => "",
    };
    match &server.detail {
        Some(detail) => format!("{word}: {detail}{over}"),
        None => format!("{word}{over}"),
    }
}

fn tone(outcome: ServerOutcome) -> Tone {
    match outcome {
        ServerOutcome::Answer
        | ServerOutcome::Alias
        | ServerOutcome::NoData
        | ServerOutcome::Nxdomain
        | ServerOutcome::Referral => Tone::Good,
        ServerOutcome::NotAsked | ServerOutcome::NotAwaited => Tone::Dim,
        _ => Tone::Bad,
    }
}

/// What is to be said of a step beside its servers.
fn conclusions(step: &Step, view: &View) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(referral) = &step.referral {
        let keys: Vec<_> = referral.ds.iter().map(ToString::to_string).collect();
        let ds = match &keys[..] {
            [] => "no DS: unsigned from here".to_owned(),
            keys => format!("DS {}", keys.join(", ")),
        };
        facts.push(Fact::new(
            "refers to",
            view.safe(&format!("{}, {ds}", referral.zone)),
        ));
    }
    if let Some(alias) = &step.alias {
        facts.push(Fact::new("alias of", view.safe(alias)));
    }
    if step.agree == Some(false) {
        let text = "its servers do not say the same";
        facts.push(Fact::new("differs", text).tone(Tone::Warn));
    }
    if let Some(ns) = step.ns.as_ref().filter(|ns| !ns.same) {
        let mut sides = Vec::new();
        if !ns.only_parent.is_empty() {
            sides.push(format!(
                "only the parent names {}",
                ns.only_parent.join(", ")
            ));
        }
        if !ns.only_child.is_empty() {
            sides.push(format!(
                "only the zone itself names {}",
                ns.only_child.join(", ")
            ));
        }
        facts.push(Fact::new("servers", view.safe(&sides.join("; "))).tone(Tone::Warn));
    }
    if step.outcome == StepOutcome::Failed {
        facts.push(Fact::new("ends here", "no server leads further").tone(Tone::Bad));
    }
    facts
}
