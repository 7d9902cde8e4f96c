//! What there is to say about a report, fact by fact.

use netkit::resolve::command::report::{ReportSource, Search, Stop};
use netkit::resolve::command::{Malformed, Record, Report, SystemView};
use netkit::resolve::registry::OptionCode;

use crate::output::View;
use crate::output::facts::Fact;
use crate::output::style::Tone;

/// Where the records come from, for a table.
pub(super) fn origin(report: &Report) -> String {
    match (report.source, report.server) {
        (ReportSource::Hosts, _) => "hosts file".to_owned(),
        (ReportSource::Special, _) => "special name".to_owned(),
        (ReportSource::Server, Some(server)) => match report.transport.as_deref() {
            Some("udp") | None => server.to_string(),
            Some(transport) => format!("{server} {transport}"),
        },
        (ReportSource::Server, None) => "-".to_owned(),
    }
}

/// Everything below the headline.
pub(super) fn facts(report: &Report, view: &View) -> Vec<Fact> {
    let mut facts: Vec<_> = why(report, view).into_iter().collect();
    if let (Some(asked), Some(unicode)) = (&report.asked, &report.unicode) {
        let text = format!("{asked}, which stands for {unicode}");
        facts.push(Fact::new("asked", view.safe(&text)));
    }
    facts.extend(super::dnssec::facts(report, view));
    let remarks = report.remarks.iter();
    facts.extend(remarks.map(|remark| Fact::new("note", view.safe(&remark.text)).tone(Tone::Warn)));
    facts.extend(edns(report, view));
    if view.verbose {
        facts.extend(reply(report));
        facts.extend(section("authority", &report.authority, view));
        facts.extend(section("additional", &report.additional, view));
    }
    facts.extend(search(&report.search, view));
    if view.verbose {
        facts.extend(super::ledger::traffic(report));
    }
    if let Some(malformed) = report
        .malformed
        .as_ref()
        .filter(|_| !report.ok || view.verbose)
    {
        facts.extend(broken(malformed, view));
    }
    facts.extend(report.system.iter().flat_map(system_facts));
    facts.extend(hint(report));
    facts
}

/// What went wrong.
pub(super) fn why(report: &Report, view: &View) -> Option<Fact> {
    let failure = report.failure.as_ref()?;
    Some(Fact::new("why", view.safe(&failure.message)).tone(Tone::Bad))
}

/// What to try next.
pub(super) fn hint(report: &Report) -> Option<Fact> {
    let advice = report.advice.as_ref()?;
    Some(Fact::new("hint", advice.clone()).tone(Tone::Dim))
}

/// What was said by EDNS: extended errors always, the rest where all is shown.
fn edns(report: &Report, view: &View) -> Vec<Fact> {
    let Some(edns) = &report.edns else {
        return Vec::new();
    };
    let mut facts = Vec::new();
    if view.verbose {
        let dnssec_ok = if edns.r#do { ", DO" } else { "" };
        let mut text = format!("version {}, {} B{dnssec_ok}", edns.version, edns.payload);
        if edns.z != 0 {
            put!(text, ", z 0x{:04x}", edns.z);
        }
        facts.push(Fact::new("edns", text));
    }
    for option in &edns.options {
        let text = view.safe(&option.to_string());
        if option.code == OptionCode::EXTENDED_ERROR {
            facts.push(Fact::new("extended", text).tone(Tone::Warn));
        } else if view.verbose {
            facts.push(Fact::new("option", text));
        }
    }
    facts
}

/// What the reply was.
fn reply(report: &Report) -> Option<Fact> {
    let (server, rcode) = (report.server?, report.rcode.as_ref()?);
    let mut text = format!("{rcode} from {server}");
    if let Some(transport) = &report.transport {
        put!(text, " over {}", transport.to_ascii_uppercase());
    }
    if let Some(rtt) = report.rtt_ms {
        put!(text, " in {rtt}");
    }
    if let Some(size) = report.size {
        put!(text, ", {size} B");
    }
    if let Some(flags) = &report.flags {
        let set: Vec<_> = flags.set().collect();
        if !set.is_empty() {
            put!(text, ", flags {}", set.join(" "));
        }
    }
    Some(Fact::new("reply", text))
}

/// The records of a section that is no answer.
fn section<'a>(
    label: &'static str,
    records: &'a [Record],
    view: &'a View,
) -> impl Iterator<Item = Fact> + 'a {
    let line = |record: &Record| record.zone_line().replace('\t', " ");
    records
        .iter()
        .map(move |record| Fact::new(label, view.safe(&line(record))))
}

/// The names that were tried, where there was more than one.
fn search(search: &Search, view: &View) -> Vec<Fact> {
    if search.names.len() + search.untried.len() < 2 {
        return Vec::new();
    }
    let names = search.names.iter().map(|step| {
        let text = format!(
            "{}: {}, {}",
            view.safe(&step.name),
            step.verdict,
            step.took_ms
        );
        Fact::new("tried", text)
    });
    let mut facts: Vec<_> = names.collect();
    let untried = search.untried.len();
    if let Some(stop) = search.stopped {
        let rest = if untried == 0 {
            String::new()
        } else {
            format!("; not tried: {}", search.untried.join(", "))
        };
        facts.push(Fact::new(
            "stopped",
            format!("{}{}", stop_words(stop), view.safe(&rest)),
        ));
    }
    facts
}

/// Why a search ended.
fn stop_words(stop: Stop) -> &'static str {
    match stop {
        Stop::Found => "the name was found",
        Stop::Exhausted => "there was no other name to try",
        Stop::NobodyAnswers => "nobody answers, other names would fare no better",
        Stop::StrictErrors => "the error may pass, and --strict-errors ends the search there",
        Stop::OutOfTime => "the time was over",
    }
}

/// Where the reply breaks, what could be read, and the octets around the fault.
fn broken(malformed: &Malformed, view: &View) -> Vec<Fact> {
    let mut facts = vec![Fact::new("fault", view.safe(&malformed.reason)).tone(Tone::Bad)];
    facts.extend(section("read", &malformed.records, view));
    for line in &malformed.dump {
        let text = format!(
            "{:04x} {:<39} {}",
            line.offset,
            paired(&line.hex),
            line.text
        );
        let tone = if line.marked.is_some() {
            Tone::Bad
        } else {
            Tone::Dim
        };
        facts.push(Fact::new("octets", text).tone(tone));
        if let Some(place) = line.marked {
            // No spaces to fold: the mark stands below its octet.
            let before = 5 + 2 * place + place / 2;
            let mark = format!("{}^^", "\u{b7}".repeat(before));
            facts.push(Fact::new("", mark).tone(Tone::Bad));
        }
    }
    facts
}

/// Octets two by two, so that sixteen and their text fit a terminal of 80 columns.
fn paired(hex: &str) -> String {
    let octets: Vec<_> = hex.split(' ').collect();
    let pairs: Vec<_> = octets.chunks(2).map(<[&str]>::concat).collect();
    pairs.join(" ")
}

/// What getaddrinfo says, and why it differs.
pub(super) fn system_facts(system: &SystemView) -> Vec<Fact> {
    let list: Vec<_> = system.addresses.iter().map(ToString::to_string).collect();
    let said = system.error.clone().unwrap_or_else(|| list.join(", "));
    let (word, tone) = if system.agrees {
        ("the same", Tone::Good)
    } else {
        ("different", Tone::Warn)
    };
    let text = format!("getaddrinfo: {said} ({word}, {})", system.took_ms);
    let mut facts = vec![Fact::new("system", text).tone(tone)];
    facts.extend(
        system
            .reasons
            .iter()
            .map(|why| Fact::new("because", why.clone())),
    );
    facts
}
