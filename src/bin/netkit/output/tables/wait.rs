//! Waiting: a line a try, and how it ended.

use std::time::Duration;

use netkit::dial::Report;
use netkit::dial::wait::{Summary, Until, Waited};
use netkit::time::Millis;

use super::dial::phrase;
use super::{facts, headline};
use crate::output::View;
use crate::output::facts::{counted, failure_facts};
use crate::output::style::Tone;

/// A try that was not yet as wanted.
pub(crate) fn retry(report: &Report, tries: u64, pause: Duration, view: &View) -> String {
    let why = match &report.failure {
        Some(failure) => phrase(failure.kind),
        None => report.outcome.replace('_', " "),
    };
    let next = match pause {
        Duration::ZERO => String::new(),
        pause => format!("; next in {}", Millis(pause)),
    };
    let verdict = format!("{why}, try {tries}{next}");
    let subject = view.safe(&report.target);
    if view.rich {
        view.paint(Tone::Dim, &format!("· {subject} {verdict}")) + "\n"
    } else {
        format!("{subject}: {verdict}\n")
    }
}

/// A target that is as wanted.
pub(crate) fn ready(report: &Report, tries: u64, at: Duration, view: &View) -> String {
    let outcome = report.outcome.replace('_', " ");
    let verdict = format!("{outcome} at try {tries}, after {}", Millis(at));
    headline(view, Some(true), &report.target, &verdict)
}

/// The targets that are not as wanted, when the wait failed.
pub(crate) fn failed(summary: &Summary, view: &View) -> String {
    let wanted = match summary.until {
        Until::Open => "not open",
        Until::Closed => "not closed",
    };
    let line = |waited: &Waited| {
        let tries = counted(waited.tries, "try").replace("trys", "tries");
        let verdict = format!("{wanted} after {}, {tries}", summary.total_ms);
        let last = waited.last_failure.as_ref();
        let last = last.map_or_else(Vec::new, |failure| failure_facts(failure, view));
        headline(view, Some(false), &waited.target, &verdict) + &facts(view, &last)
    };
    summary
        .targets
        .iter()
        .filter(|waited| !waited.ok)
        .map(line)
        .collect()
}
