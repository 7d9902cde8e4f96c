//! A change of a watched answer.

use std::time::Duration;

use netkit::resolve::command::watch::Change;
use netkit::time::Millis;

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
    let mut text = format!(
        "{} {subject}: {}\n",
        view.paint(Tone::Dim, &when),
        view.paint(tone, &verdict)
    );
    for record in &change.added {
        put!(
            text,
            "  {}\n",
            view.paint(Tone::Good, &format!("+ {}", view.safe(record)))
        );
    }
    for record in &change.missing {
        put!(
            text,
            "  {}\n",
            view.paint(Tone::Bad, &format!("- {}", view.safe(record)))
        );
    }
    text
}
