//! Repetition: a line a question, and the statistics.

use netkit::resolve::command::repeat::{Probe, Summary, TtlBehaviour};
use netkit::stats::Bar;

use crate::output::View;
use crate::output::style::Tone;
use crate::output::tables::repeat::{Counts, times};

/// One question of the schedule.
pub(crate) fn probe(probe: &Probe, view: &View) -> String {
    let report = &probe.report;
    let number = format!("#{}", probe.seq);
    let mut verdict = report.verdict.to_string();
    if let Some(rtt) = report.rtt_ms {
        put!(verdict, " in {rtt}");
    }
    if let Some(ttl) = report.answers.iter().filter_map(|record| record.ttl).min() {
        put!(verdict, ", ttl {ttl}");
    }
    for remark in &report.remarks {
        put!(verdict, "; {}", view.safe(&remark.text));
    }
    let subject = format!("{} {}", view.safe(&report.name), report.qtype);
    if !view.rich {
        return format!("{number} {subject}: {verdict}\n");
    }
    let tone = if report.ok { Tone::Good } else { Tone::Bad };
    let number = view.paint(Tone::Dim, &format!("{number:>5}"));
    format!("  {number} {subject}  {}\n", view.paint(tone, &verdict))
}

/// The statistics of one question; `bars` its histogram.
pub(crate) fn summary(summary: &Summary, bars: &[Bar], view: &View) -> String {
    let counts = Counts {
        sent: summary.sent,
        good: (summary.answered, "answered"),
        loss_pct: summary.loss_pct,
        skipped: summary.skipped,
        interrupted: summary.interrupted,
        outcomes: &summary.verdicts,
        plain: &["answer"],
        reuse: None,
        total: summary.total_ms,
    };
    let subject = format!("{} {}", summary.name, summary.qtype);
    let both = (summary.rtt.as_ref(), summary.lateness.as_ref());
    counts.headline(&subject, view)
        + &times(both, summary.jitter_ms, bars, view)
        + &ttl(summary, view)
}

fn ttl(summary: &Summary, view: &View) -> String {
    let (Some(min), Some(max)) = (summary.ttl.min, summary.ttl.max) else {
        return String::new();
    };
    let meaning = match summary.ttl.behaviour {
        TtlBehaviour::Constant => "constant: an authoritative server, or a cache that rewrites it",
        TtlBehaviour::CountsDown => "counts down: answers come from a cache",
        TtlBehaviour::Jumps => {
            "jumps: several caches behind the address, or one that was filled again"
        }
        TtlBehaviour::Unknown => return String::new(),
    };
    let range = if min == max {
        min.to_string()
    } else {
        format!("{min}–{max}")
    };
    let text = format!("ttl {range}, {meaning}");
    if view.rich {
        format!("  {}\n", view.paint(Tone::Dim, &text))
    } else {
        format!("{text}\n")
    }
}
