//! The ledger: what was tried, when, and what came of it.

use netkit::resolve::command::{AttemptReport, Report};

use crate::output::View;
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

fn plain(attempt: &AttemptReport) -> String {
    format!(
        "try: {} over {} at {}: {}\n",
        attempt.server,
        attempt.transport,
        attempt.started_ms,
        outcome(attempt)
    )
}
