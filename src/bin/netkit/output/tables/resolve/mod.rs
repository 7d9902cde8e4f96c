//! What name servers said: the records in one table, and below it whatever was out of the ordinary.

pub(crate) mod check;
pub(crate) mod compare;
mod dnssec;
mod facts;
mod ledger;
pub(crate) mod repeat;
pub(crate) mod watch;

use netkit::resolve::command::transfer::Transfer;
use netkit::resolve::command::{Record, Report};

use super::{facts as fact_lines, headline};
use crate::output::View;
use crate::output::facts::counted;
use crate::output::style::Tone;
use crate::output::table::{Align, Table};

/// All reports on a terminal: a table of the records, then a block for every report that has more
/// to say.
pub(crate) fn render(reports: &[Report], view: &View) -> String {
    let mut text = String::new();
    if reports.iter().any(|report| !report.answers.is_empty()) {
        text.push_str(&records(reports, view));
    }
    for report in reports {
        text.push_str(&block(report, view));
    }
    text
}

/// A report in a pipe: a record a line, its fields separated by tabs, or why there is none; where all
/// is to be shown, what a terminal shows below the table.
pub(crate) fn plain(report: &Report, view: &View) -> String {
    let mut text: String = dnssec::shown(report, view)
        .map(|record| plain_line(record, report))
        .collect();
    if view.verbose {
        return text + &block(report, view);
    }
    text.push_str(&dnssec::plain(report, view));
    if !report.ok {
        let subject = format!("{} {}", report.name, report.qtype);
        text.push_str(&headline(view, Some(false), &subject, &verdict(report)));
    }
    let mut told: Vec<_> = report.system.iter().flat_map(facts::system_facts).collect();
    if !report.ok {
        told.extend(facts::why(report, view));
        told.extend(facts::hint(report));
    }
    text + &fact_lines(view, &told)
}

/// The data of the records of the type asked for, one a line.
pub(crate) fn short(report: &Report, view: &View) -> String {
    let mut text = String::new();
    for record in own_answers(report) {
        put!(text, "{}\n", view.safe(&record.data));
    }
    text
}

/// Why a report has no answer, in one line.
pub(crate) fn failed(report: &Report, view: &View) -> String {
    let why = report.failure.as_ref();
    let why = why.map(|failure| format!(": {}", failure.message));
    let text = format!(
        "{} {}: {}{}",
        report.name,
        report.qtype,
        report.verdict,
        why.unwrap_or_default()
    );
    view.safe(&text)
}

/// Records that came and records that went, one a line.
fn changes(added: &[String], missing: &[String], view: &View) -> String {
    let added = added.iter().map(|record| (Tone::Good, '+', record));
    let missing = missing.iter().map(|record| (Tone::Bad, '-', record));
    let lines = added.chain(missing).map(|(tone, sign, record)| {
        let text = format!("{sign} {}", view.safe(record));
        format!("  {}\n", view.paint(tone, &text))
    });
    lines.collect()
}

/// The answers in the form of a zone file.
pub(crate) fn zone(report: &Report) -> String {
    let mut text = String::new();
    for record in &report.answers {
        put!(text, "{}\n", record.zone_line());
    }
    text
}

/// The answers without the aliases that lead to them.
fn own_answers(report: &Report) -> impl Iterator<Item = &Record> {
    let any = report.qtype == "ANY";
    let own = move |record: &&Record| any || record.rtype == report.qtype;
    report.answers.iter().filter(own)
}

/// What became of a transfer.
pub(crate) fn transfer(transfer: &Transfer, view: &View) -> String {
    let subject = format!("{} AXFR", transfer.name);
    let records = counted(transfer.records, "record");
    let mut verdict = if transfer.ok {
        format!("whole, {records}")
    } else {
        format!("{} after {records}", transfer.verdict)
    };
    put!(
        verdict,
        " in {}, {} B, {}",
        counted(transfer.messages, "message"),
        transfer.bytes,
        transfer.total_ms
    );
    if let Some(serial) = transfer.serial {
        put!(verdict, ", serial {serial}");
    }
    let mut text = headline(view, Some(transfer.ok), &subject, &verdict);
    if let Some(failure) = &transfer.failure {
        put!(
            text,
            "  {}\n",
            view.paint(Tone::Bad, &view.safe(&failure.message))
        );
    }
    if let Some(advice) = &transfer.advice {
        put!(text, "  {}\n", view.paint(Tone::Dim, advice));
    }
    text
}

fn plain_line(record: &Record, report: &Report) -> String {
    let ttl = record
        .ttl
        .map_or_else(|| "-".to_owned(), |ttl| ttl.to_string());
    let data = &record.data;
    format!(
        "{}\t{}\t{ttl}\t{data}\t{}\n",
        record.name,
        record.rtype,
        facts::origin(report)
    )
}

fn records(reports: &[Report], view: &View) -> String {
    let mut table = Table::new(
        *view,
        &[
            ("name", Align::Left),
            ("type", Align::Left),
            ("ttl", Align::Right),
            ("data", Align::Left),
            ("server", Align::Left),
            ("time", Align::Right),
        ],
    );
    for report in reports {
        for (at, record) in dnssec::shown(report, view).enumerate() {
            table.row(&row(record, report, at == 0));
        }
    }
    table.to_string()
}

/// One record; server and time stand beside the first of a reply.
fn row(record: &Record, report: &Report, first: bool) -> Vec<(String, Tone)> {
    let ttl = record
        .ttl
        .map_or_else(|| "-".to_owned(), |ttl| ttl.to_string());
    let once = |text: String| if first { text } else { String::new() };
    vec![
        (record.name.clone(), Tone::Plain),
        (record.rtype.clone(), tone(&record.rtype)),
        (ttl, Tone::Dim),
        (record.data.clone(), Tone::Strong),
        (once(facts::origin(report)), Tone::Dim),
        (
            once(report.rtt_ms.map(|rtt| rtt.to_string()).unwrap_or_default()),
            Tone::Dim,
        ),
    ]
}

/// A colour for the types that one looks for.
fn tone(rtype: &str) -> Tone {
    match rtype {
        "A" | "AAAA" => Tone::Good,
        "CNAME" | "DNAME" => Tone::Warn,
        _ => Tone::Plain,
    }
}

/// What a report has to say beside its records.
fn block(report: &Report, view: &View) -> String {
    let quiet = report.ok
        && report.remarks.is_empty()
        && report.dnssec.is_none()
        && report.system.is_none()
        && report.unicode.is_none()
        && !view.verbose;
    if quiet {
        return String::new();
    }
    let good = if report.ok { None } else { Some(false) };
    let good = if report.ok && report.remarks.is_empty() {
        Some(true)
    } else {
        good
    };
    let subject = format!("{} {}", report.name, report.qtype);
    let mut text = headline(view, good, &subject, &verdict(report));
    text.push_str(&fact_lines(view, &facts::facts(report, view)));
    let told = !report.remarks.is_empty() || !report.ok;
    if view.verbose || told {
        text.push_str(&ledger::render(report, view));
    }
    text
}

/// The verdict with the code that led to it.
fn verdict(report: &Report) -> String {
    match &report.rcode {
        Some(rcode) if !report.ok => format!("{} ({rcode})", report.verdict),
        _ => report.verdict.to_string(),
    }
}
