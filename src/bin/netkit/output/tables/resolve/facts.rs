//! What there is to say about a report, fact by fact.

use netkit::resolve::command::report::{ReportSource, Search, Stop};
use netkit::resolve::command::{Malformed, Report, SystemView};

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
    let mut facts = Vec::new();
    if let Some(failure) = &report.failure {
        facts.push(Fact::new("why", view.safe(&failure.message)).tone(Tone::Bad));
    }
    facts.extend(super::dnssec::facts(report, view));
    let remarks = report.remarks.iter();
    facts.extend(remarks.map(|remark| Fact::new("note", view.safe(&remark.text)).tone(Tone::Warn)));
    facts.extend(edns(report, view));
    if view.verbose {
        facts.extend(reply(report));
    }
    facts.extend(search(&report.search, view));
    if let Some(malformed) = report
        .malformed
        .as_ref()
        .filter(|_| !report.ok || view.verbose)
    {
        facts.extend(broken(malformed, view));
    }
    facts.extend(report.system.iter().flat_map(system_facts));
    if let Some(advice) = &report.advice {
        facts.push(Fact::new("hint", advice.clone()).tone(Tone::Dim));
    }
    facts
}

fn edns(report: &Report, view: &View) -> Option<Fact> {
    let edns = report.edns.as_ref()?;
    let ede = edns.ede.as_ref()?;
    let text = format!("EDE {} {}", ede.code, view.safe(&ede.text));
    Some(Fact::new("extended", text.trim_end()).tone(Tone::Warn))
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
        let bits = [
            (flags.aa, "aa"),
            (flags.tc, "tc"),
            (flags.ra, "ra"),
            (flags.ad, "ad"),
        ];
        let set: Vec<_> = bits
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| *name)
            .collect();
        if !set.is_empty() {
            put!(text, ", flags {}", set.join(" "));
        }
    }
    Some(Fact::new("reply", text))
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
    for record in &malformed.records {
        facts.push(Fact::new(
            "read",
            view.safe(&record.zone_line().replace('\t', " ")),
        ));
    }
    for line in &malformed.dump {
        let text = format!("{:04x} {:<47} {}", line.offset, line.hex, line.text);
        let tone = if line.marked.is_some() {
            Tone::Bad
        } else {
            Tone::Dim
        };
        facts.push(Fact::new("octets", text).tone(tone));
        if let Some(place) = line.marked {
            // No spaces to fold: the mark stands below its octet.
            let mark = format!("{}^^", "\u{b7}".repeat(5 + 3 * place));
            facts.push(Fact::new("", mark).tone(Tone::Bad));
        }
    }
    facts
}

/// What getaddrinfo says, and why it differs.
fn system_facts(system: &SystemView) -> Vec<Fact> {
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
