//! The ledger: what was tried, when, and what came of it.

use netkit::net::tls::TlsFacts;
use netkit::resolve::command::{AttemptReport, ConnectionReport, Report};

use crate::output::View;
use crate::output::facts::Fact;
use crate::output::style::Tone;
use crate::output::table::{Align, Table};

/// Every try in the order in which they were begun.
pub(super) fn render(report: &Report, view: &View) -> String {
    if report.attempts.is_empty() {
        return String::new();
    }
    if !view.rich {
        return report.attempts.iter().map(plain).collect();
    }
    let mut table = Table::new(
        *view,
        &[
            ("at", Align::Right),
            ("server", Align::Left),
            ("over", Align::Left),
            ("sent", Align::Right),
            ("took", Align::Right),
            ("outcome", Align::Left),
        ],
    );
    for attempt in &report.attempts {
        table.row(&row(attempt, view));
    }
    table.to_string()
}

fn row(attempt: &AttemptReport, view: &View) -> Vec<(String, Tone)> {
    let took = attempt.ended_ms.0.saturating_sub(attempt.started_ms.0);
    let tone = match attempt.outcome.as_str() {
        "replied" => Tone::Good,
        "truncated" | "abandoned" => Tone::Warn,
        _ => Tone::Bad,
    };
    vec![
        (attempt.started_ms.to_string(), Tone::Dim),
        (attempt.server.to_string(), Tone::Plain),
        (attempt.transport.clone(), Tone::Plain),
        (attempt.sent.to_string(), Tone::Dim),
        (netkit::time::Millis(took).to_string(), Tone::Dim),
        (view.safe(&outcome(attempt)), tone),
    ]
}

fn outcome(attempt: &AttemptReport) -> String {
    let mut text = attempt.text.clone();
    if attempt.ignored_count > 0 {
        let first = attempt.ignored.first().map_or("", |ignored| &ignored.text);
        put!(text, "; {} ignored ({first})", attempt.ignored_count);
    }
    text
}

/// What every try sent and took in, from where, and over what kind of connection.
pub(super) fn traffic(report: &Report) -> impl Iterator<Item = Fact> + '_ {
    let tries = report.attempts.iter();
    tries.map(|attempt| Fact::new("traffic", octets(attempt)))
}

fn octets(attempt: &AttemptReport) -> String {
    let mut text = format!(
        "{} B to {} over {}",
        attempt.sent_bytes,
        attempt.server,
        attempt.transport.to_ascii_uppercase()
    );
    if let Some(local) = attempt.local {
        put!(text, " from {local}");
    }
    put!(text, ", {} B back", attempt.received_bytes);
    if let Some(link) = &attempt.connection {
        put!(text, "; {}", connection(link));
    }
    if let Some(http) = &attempt.http {
        put!(text, "; HTTP/{} status {}", http.version, http.status);
    }
    text
}

fn connection(link: &ConnectionReport) -> String {
    let mut text = match (link.reused, link.connect_ms) {
        (true, _) => format!("question {} on its connection", link.question),
        (false, Some(took)) => format!("connected in {took}"),
        (false, None) => "a new connection".to_owned(),
    };
    if let Some(tls) = link.tls.as_ref().filter(|_| !link.reused) {
        put!(text, "; {}", handshake(tls));
    }
    text
}

fn handshake(tls: &TlsFacts) -> String {
    let version = tls
        .version
        .map(|version| format!("TLS {}", version.as_str()));
    let words = [version, tls.suite.clone(), tls.group.clone()];
    let words: Vec<_> = words.into_iter().flatten().collect();
    let alpn = tls.alpn.as_ref().map(|alpn| format!(", ALPN {alpn}"));
    format!(
        "{} for {}{} in {}",
        words.join(" "),
        tls.peer_name,
        alpn.unwrap_or_default(),
        tls.handshake_ms
    )
}

fn plain(attempt: &AttemptReport) -> String {
    format!(
        "try: {} over {} at {}: {}\n",
        attempt.server,
        attempt.transport,
        attempt.started_ms,
        outcome(attempt)
    )
}
