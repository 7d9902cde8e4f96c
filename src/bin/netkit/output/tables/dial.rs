//! One dial: the verdict, the stages to scale, the attempts, the facts.

use std::time::Duration;

use netkit::addr::Family;
use netkit::dial::Report;
use netkit::dial::report::{Attempt, AttemptOutcome, Replay};
use netkit::failure::Kind;
use netkit::time::Millis;

use super::chain::{chain, pem};
use super::{facts, headline};
use crate::output::View;
use crate::output::facts::{connect_time, describe_resolve, dial_facts};
use crate::output::style::Tone;
use crate::output::table::{Align, Table};
use crate::output::text::cut;
use crate::output::waterfall::bar;

/// Attempts drawn in the waterfall; a name with more addresses than this is in the table only.
const MOST_BARS: usize = 12;

/// The whole report of one dial.
pub(crate) fn render(report: &Report, view: &View) -> String {
    let mut text = headline(view, verdict_tone(report), &report.target, &verdict(report));
    if view.rich {
        text.push_str(&waterfall(report, view));
        if report.attempts.len() > 1 || view.verbose {
            text.push('\n');
            text.push_str(&attempts_table(report, view));
        }
        text.push('\n');
    } else {
        text.push_str(&plain_stages(report));
    }
    text.push_str(&facts(view, &dial_facts(report, view)));
    if let Some(tls) = &report.tls {
        text.push_str(&chain(tls, view));
        text.push_str(&pem(tls));
    }
    text
}

fn verdict_tone(report: &Report) -> Option<bool> {
    if report.failure.is_none() && !report.ok {
        None
    } else {
        Some(report.ok)
    }
}

/// How it ended, in a word or two.
fn ending(report: &Report) -> String {
    match report.failure.as_ref().map(|failure| failure.kind) {
        Some(kind) => phrase(kind),
        None => report.outcome.replace('_', " "),
    }
}

/// `connected in 1.2 ms`, `refused after 120 µs`.
pub(crate) fn verdict(report: &Report) -> String {
    let outcome = ending(report);
    let preposition = if report.ok { "in" } else { "after" };
    // The total is that of the dial: what ended a connection that was held has a time of its own.
    if let Some(hold) = report.hold.as_ref().filter(|hold| !hold.alive) {
        return format!("{outcome} after {} of the hold", hold.held_ms);
    }
    // Losers that were waited for cost the connection nothing.
    let took = match report.dialled_after() {
        Some(took) if report.ok => Some(Millis(took)),
        _ => report.total_ms,
    };
    match took {
        Some(took) => format!("{outcome} {preposition} {took}"),
        None => outcome,
    }
}

/// A kind of failure as people say it; most codes are words already.
pub(crate) fn phrase(kind: Kind) -> String {
    match kind {
        Kind::File => "not found".to_owned(),
        Kind::Nxdomain => "no such name".to_owned(),
        Kind::NoData => "no such address".to_owned(),
        Kind::Servfail => "name server failed".to_owned(),
        Kind::AddrNotAvailable => "no such source address".to_owned(),
        Kind::LocalError => "local failure".to_owned(),
        kind => kind.code().replace('_', " "),
    }
}

/// A stage: when it ran and what became of it.
struct Span {
    label: String,
    start: Duration,
    end: Duration,
    note: String,
    tone: Tone,
}

fn spans(report: &Report) -> Vec<Span> {
    let mut spans: Vec<_> = report.resolve.iter().filter_map(resolve_span).collect();
    let (end, datagram) = (end_of_all(report), report.network.transport().is_datagram());
    spans.extend(
        report
            .attempts
            .iter()
            .take(MOST_BARS)
            .map(|attempt| attempt_span(attempt, end, datagram)),
    );
    spans.extend(tls_span(report, end));
    spans.extend(exchange_span(report, end));
    spans.extend(report.replay.as_ref().map(replay_span));
    spans
}

fn resolve_span(resolve: &netkit::dial::report::Resolve) -> Option<Span> {
    let start = resolve
        .questions
        .iter()
        .map(|question| question.started_ms.0)
        .min()?;
    let end = start + resolve.ms.map_or(Duration::ZERO, |ms| ms.0);
    let failed = resolve.addresses.is_empty();
    Some(Span {
        label: "resolve".to_owned(),
        start,
        end,
        note: describe_resolve(resolve),
        tone: if failed { Tone::Bad } else { Tone::Plain },
    })
}

/// An attempt, up to where TLS begins if it is the one whose TLS has a bar of its own.
fn attempt_span(attempt: &Attempt, end: Duration, datagram: bool) -> Span {
    let over = attempt.ended_ms.map_or(end, |ended| ended.0);
    let stood = attempt
        .tls_started_ms
        .filter(|_| attempt.outcome == AttemptOutcome::Won);
    Span {
        label: attempt.addr.clone(),
        start: attempt.started_ms.0,
        end: stood.map_or(over, |stood| stood.0),
        note: attempt_note(attempt, datagram),
        tone: attempt_tone(attempt.outcome),
    }
}

/// The handshake of the attempt that won.
fn tls_span(report: &Report, end: Duration) -> Option<Span> {
    let won = |attempt: &&Attempt| attempt.outcome == AttemptOutcome::Won;
    let winner = report.attempts.iter().find(won)?;
    let handshake = report.tls.as_ref()?;
    let version = handshake.version.map_or("?", |version| version.as_str());
    let kind = handshake.kind.map_or("", |kind| kind.phrase());
    Some(Span {
        label: "tls".to_owned(),
        start: winner.tls_started_ms?.0,
        end: winner.ended_ms.map_or(end, |ended| ended.0),
        note: format!("TLS {version}, {kind}"),
        tone: Tone::Good,
    })
}

fn exchange_span(report: &Report, end: Duration) -> Option<Span> {
    let exchange = report.exchange.as_ref()?;
    let start = exchange.started_ms?.0;
    let note = match report.first_byte_ms {
        Some(time) => format!("first byte after {time}"),
        None if report.ok => "no reply".to_owned(),
        None => ending(report),
    };
    let end = exchange.ended_ms.map_or(end, |ended| ended.0);
    let tone = if exchange.received_bytes > 0 {
        Tone::Good
    } else {
        Tone::Warn
    };
    Some(Span {
        label: "exchange".to_owned(),
        start,
        end,
        note,
        tone,
    })
}

fn replay_span(replay: &Replay) -> Span {
    let (note, tone) = if replay.equal {
        ("as recorded", Tone::Good)
    } else {
        ("not as recorded", Tone::Bad)
    };
    Span {
        label: "replay".to_owned(),
        start: replay.started_ms.0,
        end: replay.ended_ms.0,
        note: note.to_owned(),
        tone,
    }
}

fn end_of_all(report: &Report) -> Duration {
    let attempts = report
        .attempts
        .iter()
        .filter_map(|attempt| attempt.ended_ms);
    attempts
        .chain(report.total_ms)
        .map(|millis| millis.0)
        .max()
        .unwrap_or_default()
}

/// How an attempt ended. On a datagram transport a socket is there at once and proves nothing.
fn attempt_note(attempt: &Attempt, datagram: bool) -> String {
    match (attempt.outcome, &attempt.failure) {
        (AttemptOutcome::Failed, Some(failure)) => phrase(failure.kind),
        (AttemptOutcome::Cancelled, _) => "another address won".to_owned(),
        (AttemptOutcome::Lost, _) => "connected second, closed".to_owned(),
        (AttemptOutcome::Pending, _) => "unfinished".to_owned(),
        (AttemptOutcome::Failed, None) => "failed".to_owned(),
        (AttemptOutcome::Won, _) if datagram => "no handshake".to_owned(),
        (AttemptOutcome::Won, _) => "connected".to_owned(),
    }
}

fn attempt_tone(outcome: AttemptOutcome) -> Tone {
    match outcome {
        AttemptOutcome::Won => Tone::Good,
        AttemptOutcome::Failed => Tone::Bad,
        AttemptOutcome::Lost | AttemptOutcome::Cancelled | AttemptOutcome::Pending => Tone::Dim,
    }
}

/// The widest label and note of the waterfall; longer ones are cut.
const MOST_LABEL: usize = 26;
const TOOK: usize = 8;

fn waterfall(report: &Report, view: &View) -> String {
    let (spans, end) = (spans(report), end_of_all(report));
    let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let label = widest(&mut spans.iter().map(|span| span.label.chars().count())).min(MOST_LABEL);
    let note = widest(&mut spans.iter().map(|span| span.note.chars().count())).min(view.width / 3);
    // Two columns of indent, two gaps of one and one of two.
    let width = view
        .width
        .saturating_sub(2 + label + 2 + TOOK + 2 + note)
        .max(8);
    let line = |span: &Span| {
        let took = Millis(span.end.saturating_sub(span.start)).to_string();
        format!(
            "  {:<label$} {} {took:>TOOK$}  {}\n",
            view.safe(&cut(&span.label, label)),
            view.paint(span.tone, &bar(span.start, span.end, end, width)),
            view.safe(&cut(&span.note, note)),
        )
    };
    let mut text: String = spans.iter().map(line).collect();
    if report.attempts.len() > MOST_BARS {
        put!(
            text,
            "  … and {} more attempts\n",
            report.attempts.len() - MOST_BARS
        );
    }
    text
}

fn attempts_table(report: &Report, view: &View) -> String {
    let columns = [
        ("address", Align::Left),
        ("family", Align::Left),
        ("source", Align::Left),
        ("started", Align::Right),
        ("took", Align::Right),
        ("outcome", Align::Left),
    ];
    let mut table = Table::new(*view, &columns);
    for attempt in &report.attempts {
        table.row(&[
            (view.safe(&attempt.addr), Tone::Plain),
            (
                attempt.family.map(family).unwrap_or_default().to_owned(),
                Tone::Plain,
            ),
            (
                attempt.local.clone().unwrap_or_else(|| "-".to_owned()),
                Tone::Plain,
            ),
            (attempt.started_ms.to_string(), Tone::Plain),
            (took(attempt), Tone::Plain),
            (why(report, attempt), attempt_tone(attempt.outcome)),
        ]);
    }
    table.to_string()
}

fn family(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}

fn took(attempt: &Attempt) -> String {
    let Some(ended) = attempt.ended_ms else {
        return "-".to_owned();
    };
    let took = ended.0.saturating_sub(attempt.started_ms.0);
    match attempt.syn_retransmits.unwrap_or(0) {
        0 => Millis(took).to_string(),
        lost => connect_time(took, lost),
    }
}

/// How an attempt ended and, if it lost, to whom.
fn why(report: &Report, attempt: &Attempt) -> String {
    let winner = report
        .attempts
        .iter()
        .find(|attempt| attempt.outcome == AttemptOutcome::Won);
    match (attempt.outcome, winner) {
        (AttemptOutcome::Won, _) if report.attempts.len() > 1 => "won".to_owned(),
        (AttemptOutcome::Cancelled, Some(winner)) => format!("cancelled: {} won", winner.addr),
        (AttemptOutcome::Lost, Some(winner)) => format!("connected after {}; closed", winner.addr),
        _ => attempt_note(attempt, report.network.transport().is_datagram()),
    }
}

/// The stages as lines that are easy to grep.
fn plain_stages(report: &Report) -> String {
    let mut text = String::new();
    if let Some(resolve) = &report.resolve {
        let took = resolve.ms.map(|ms| format!(" in {ms}")).unwrap_or_default();
        let addresses: Vec<_> = resolve.addresses.iter().map(ToString::to_string).collect();
        let list = if addresses.is_empty() {
            "none".to_owned()
        } else {
            addresses.join(" ")
        };
        put!(
            text,
            "resolve: {}{took}: {list}\n",
            describe_resolve(resolve)
        );
    }
    for attempt in &report.attempts {
        let family = attempt
            .family
            .map(|of| format!(" {}", family(of)))
            .unwrap_or_default();
        let local = attempt
            .local
            .as_ref()
            .map(|local| format!(" from {local}"))
            .unwrap_or_default();
        put!(
            text,
            "attempt: {}{family}{local} at {} took {}: {}\n",
            attempt.addr,
            attempt.started_ms,
            took(attempt),
            why(report, attempt)
        );
    }
    if let (Some(took), Some(tls)) = (report.tls_ms, &report.tls) {
        let kind = tls.kind.map_or("", |kind| kind.phrase());
        put!(text, "tls handshake: {took}, {kind}\n");
    }
    text
}
