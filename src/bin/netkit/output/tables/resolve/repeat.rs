//! Repetition: a line a question, and the statistics.

use netkit::resolve::command::repeat::{Probe, Summary, TtlBehaviour};
use netkit::stats::Bar;

use crate::output::View;
use crate::output::style::Tone;
use crate::output::tables::headline;
use crate::output::tables::repeat::{distributions, histogram, latency_lines};

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
    let good = summary.loss_pct.map(|loss| loss == 0.0);
    let mut text = if view.rich {
        "\n".to_owned()
    } else {
        String::new()
    };
    let subject = format!("{} {}", summary.name, summary.qtype);
    text.push_str(&headline(view, good, &subject, &counts(summary)));
    let (rtt, lateness) = (summary.rtt.as_ref(), summary.lateness.as_ref());
    if view.rich {
        text.push_str(&distributions(rtt, lateness, summary.jitter_ms, view));
        text.push_str(&histogram(bars, view));
    } else {
        text.push_str(&latency_lines(rtt, lateness, summary.jitter_ms));
    }
    text.push_str(&ttl(summary, view));
    text
}

fn counts(summary: &Summary) -> String {
    let loss = summary.loss_pct.map_or_else(
        || "nothing ended".to_owned(),
        |loss| format!("{loss:.1}% lost"),
    );
    let mut text = format!(
        "{} sent, {} answered, {loss}",
        summary.sent, summary.answered
    );
    if summary.skipped > 0 {
        put!(text, ", {} skipped", summary.skipped);
    }
    if summary.interrupted > 0 {
        put!(text, ", {} interrupted", summary.interrupted);
    }
    let verdicts = summary
        .verdicts
        .iter()
        .filter(|(verdict, _)| *verdict != "answer");
    for (verdict, count) in verdicts {
        put!(text, ", {count} {}", verdict.replace('_', " "));
    }
    format!("{text} in {}", summary.total_ms)
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
