//! A change of a watched answer.

use std::time::Duration;

use netkit::resolve::command::watch::Change;
use netkit::time::Millis;

use super::changes;
use crate::output::View;
use crate::output::style::Tone;

/// When it was seen, what came and what went.
pub(crate) fn change(change: &Change, at: Duration, view: &View) -> String {
    let report = &change.report;
    let when = format!("+{}", Millis(at));
    let subject = format!("{} {}", view.safe(&report.name), report.qtype);
    let verdict = match change.met {
        Some(true) => format!("{}, as waited for", report.verdict),
        _ => report.verdict.to_string(),
    };
    let tone = if report.ok { Tone::Good } else { Tone::Bad };
    let head = format!(
        "{} {subject}: {}\n",
        view.paint(Tone::Dim, &when),
        view.paint(tone, &verdict)
    );
    head + &changes(&change.added, &change.missing, view)
}
