//! Repetition: a line a probe, and the statistics of each target.

use std::collections::BTreeMap;
use std::time::Duration;

use netkit::dial::Report;
use netkit::dial::repeat::{self, Probe, Reuse, Summary};
use netkit::stats::{Bar, Latency};
use netkit::time::Millis;

use super::headline;
use crate::output::View;
use crate::output::facts::counted;
use crate::output::style::Tone;
use crate::output::table::{Align, Table};
use crate::output::text::wrap;
use crate::output::waterfall::bar;

/// One probe. Its target is named only where there are several.
pub(crate) fn probe(probe: &Probe, several: bool, view: &View) -> String {
    let report = &probe.report;
    let mut text = format!("#{}", probe.seq);
    let name = if several {
        &report.target
    } else {
        report.peer.as_ref().unwrap_or(&report.target)
    };
    let mut verdict = verdict(report);
    if let Some(lost) = report
        .tcp_info
        .as_ref()
        .and_then(|info| info.syn_retransmits)
        .filter(|lost| *lost > 0)
        && let Some(connect) = report.connect_ms
    {
        put!(
            verdict,
            " ({})",
            crate::output::facts::connect_time(connect.0, lost)
        );
    }
    if let Some(failure) = &report.failure {
        put!(verdict, ": {}", view.safe(&failure.message));
    }
    if !view.rich {
        put!(text, " {name}: {verdict}\n");
        return text;
    }
    let tone = if report.ok { Tone::Good } else { Tone::Bad };
    lines_of(&text, &view.safe(name), (&verdict, tone), view)
}

/// The least room for a verdict beside the name; with less it begins on a line of its own.
const LEAST_ROOM: usize = 24;

/// A line, or as many as the verdict takes at this width, the further ones below its beginning.
fn lines_of(number: &str, name: &str, (verdict, tone): (&str, Tone), view: &View) -> String {
    let number = format!("  {number:>5} ");
    let beside = number.chars().count() + name.chars().count() + 2;
    let room = view.width.saturating_sub(beside);
    let mut text = view.paint(Tone::Dim, &number) + name;
    let (room, indent, mut gap) = if room >= LEAST_ROOM || verdict.chars().count() <= room {
        (room, beside, "  ".to_owned())
    } else {
        let indent = number.chars().count() + 2;
        let below = format!("\n{}", " ".repeat(indent));
        (view.width.saturating_sub(indent), indent, below)
    };
    for line in wrap(verdict, room) {
        put!(text, "{gap}{}", view.paint(tone, &line));
        gap = format!("\n{}", " ".repeat(indent));
    }
    text.push('\n');
    text
}

/// The outcome, with the time that the statistics are made of.
fn verdict(report: &Report) -> String {
    match repeat::round_trip(report) {
        Some(time) if report.ok => match (report.reused, report.connected_after().map(Millis)) {
            (Some(true), _) => format!("answered in {}, connection reused", Millis(time)),
            (Some(false), Some(connect)) => {
                format!("answered in {}, connected in {connect}", Millis(time))
            }
            _ => format!("{} in {}", report.outcome, Millis(time)),
        },
        _ => super::dial::verdict(report),
    }
}

/// A probe that found no place.
pub(crate) fn skipped(seq: u64, view: &View) -> String {
    if view.rich {
        format!(
            "  {}\n",
            view.paint(
                Tone::Warn,
                &format!(
                    "{:>5} skipped: could not be sent when it was due",
                    format!("#{seq}")
                )
            )
        )
    } else {
        format!("#{seq}: skipped, could not be sent when it was due\n")
    }
}

/// The statistics of one target; `bars` its histogram.
pub(crate) fn summary(summary: &Summary, bars: &[Bar], view: &View) -> String {
    let counts = Counts {
        sent: summary.sent,
        good: (summary.succeeded, "succeeded"),
        loss_pct: summary.loss_pct,
        skipped: summary.skipped,
        interrupted: summary.interrupted,
        outcomes: &summary.outcomes,
        plain: &["connected", "replied"],
        reuse: summary.reuse,
        total: summary.total_ms,
    };
    counts.headline(&summary.target, view)
        + &times(
            (summary.rtt.as_ref(), summary.lateness.as_ref()),
            summary.jitter_ms,
            bars,
            view,
        )
}

/// What became of the probes of a run.
pub(super) struct Counts<'a> {
    pub(super) sent: u64,
    /// Those that ended well, and the word for it.
    pub(super) good: (u64, &'a str),
    pub(super) loss_pct: Option<f64>,
    pub(super) skipped: u64,
    pub(super) interrupted: u64,
    pub(super) outcomes: &'a BTreeMap<String, u64>,
    /// Outcomes that need no mention.
    pub(super) plain: &'a [&'a str],
    /// How often a connection was used again, where one may be.
    pub(super) reuse: Option<Reuse>,
    pub(super) total: Millis,
}

impl Counts<'_> {
    pub(super) fn headline(&self, subject: &str, view: &View) -> String {
        let good = self.loss_pct.map(|loss| loss <= 0.0);
        let above = if view.rich { "\n" } else { "" };
        format!("{above}{}", headline(view, good, subject, &self.text()))
    }

    fn text(&self) -> String {
        let loss = self.loss_pct.map_or_else(
            || "nothing ended".to_owned(),
            |loss| format!("{loss:.1}% lost"),
        );
        let (good, word) = self.good;
        let mut text = format!("{} sent, {good} {word}, {loss}", self.sent);
        let rest = [(self.skipped, "skipped"), (self.interrupted, "interrupted")];
        for (count, word) in rest.into_iter().filter(|(count, _)| *count > 0) {
            put!(text, ", {count} {word}");
        }
        if let Some(reuse) = self.reuse {
            let hits = counted(reuse.hits, "hit");
            put!(text, ", {hits}, {}", misses(reuse.misses));
        }
        for (outcome, count) in self.outcomes {
            if !self.plain.contains(&outcome.as_str()) {
                put!(text, ", {count} {}", outcome.replace('_', " "));
            }
        }
        format!("{text} in {}", self.total)
    }
}

/// How long probes took and how late they were; on a terminal with a histogram.
pub(super) fn times(
    (time, late): (Option<&Latency>, Option<&Latency>),
    jitter: Option<Millis>,
    bars: &[Bar],
    view: &View,
) -> String {
    if view.rich {
        distributions(time, late, jitter, view) + &histogram(bars, view)
    } else {
        latency_lines(time, late, jitter)
    }
}

fn misses(misses: u64) -> String {
    match misses {
        1 => "1 miss".to_owned(),
        misses => format!("{misses} misses"),
    }
}

/// A row a distribution: its name and its figures.
fn figures(latency: &Latency) -> [(&'static str, String); 7] {
    [
        ("min", latency.min_ms.to_string()),
        ("mean", latency.mean_ms.to_string()),
        ("p50", latency.p50_ms.to_string()),
        ("p90", latency.p90_ms.to_string()),
        ("p99", latency.p99_ms.to_string()),
        ("max", latency.max_ms.to_string()),
        ("stddev", latency.stddev_ms.to_string()),
    ]
}

/// The table of both distributions; nothing when neither has a value.
fn distributions(
    time: Option<&Latency>,
    late: Option<&Latency>,
    jitter: Option<Millis>,
    view: &View,
) -> String {
    if time.is_none() && late.is_none() {
        return String::new();
    }
    let names = [
        "", "min", "mean", "p50", "p90", "p99", "max", "stddev", "jitter",
    ];
    let mut columns = vec![("", Align::Left)];
    columns.extend(names.iter().skip(1).map(|name| (*name, Align::Right)));
    let mut table = Table::new(*view, &columns);
    let jitter = jitter.map_or_else(|| "-".to_owned(), |jitter| jitter.to_string());
    for (name, latency, jitter) in [("time", time, jitter), ("late", late, "-".to_owned())] {
        let Some(latency) = latency else { continue };
        let mut cells = vec![(name.to_owned(), Tone::Dim)];
        cells.extend(figures(latency).map(|(_, value)| (value, Tone::Plain)));
        cells.push((jitter, Tone::Plain));
        table.row(&cells);
    }
    table.to_string()
}

/// The same for a pipe, a distribution a line.
fn latency_lines(time: Option<&Latency>, late: Option<&Latency>, jitter: Option<Millis>) -> String {
    let line = |name: &str, latency: &Latency| {
        let figures: Vec<_> = figures(latency)
            .map(|(name, value)| format!("{name} {value}"))
            .into();
        format!("{name}: {}", figures.join(", "))
    };
    let mut text = String::new();
    if let Some(latency) = time {
        let jitter = jitter
            .map(|jitter| format!(", jitter {jitter}"))
            .unwrap_or_default();
        put!(text, "{}{jitter}\n", line("time", latency));
    }
    if let Some(latency) = late {
        put!(text, "{}\n", line("lateness", latency));
    }
    text
}

/// Cells of the longest bar.
const BAR: usize = 40;

/// Fewer values than this have no shape to look at.
const WORTH_DRAWING: u64 = 10;

fn histogram(bars: &[Bar], view: &View) -> String {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0);
    let all: u64 = bars.iter().map(|bar| bar.count).sum();
    if all < WORTH_DRAWING || bars.len() < 2 {
        return String::new();
    }
    let width = BAR.min(view.width.saturating_sub(32));
    let line = |row: &Bar| {
        let filled = match row.count {
            0 => String::new(),
            count => bar(Duration::ZERO, share(count), share(most), width),
        };
        format!(
            "  {:>8} – {:<8} {} {}\n",
            Millis(row.low).to_string(),
            Millis(row.high).to_string(),
            view.paint(Tone::Good, filled.trim_end()),
            view.paint(Tone::Dim, &row.count.to_string()),
        )
    };
    bars.iter().map(line).collect()
}

/// A count as a length, for a bar to scale.
fn share(count: u64) -> Duration {
    Duration::from_micros(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_verdict_stays_within_the_width() {
        let view = |width| View {
            width,
            colour: false,
            rich: true,
            verbose: false,
        };
        let verdict = "refused after 120 µs: 127.0.0.1:65000 refused the connection, and more words \
                       follow that do not fit beside it";
        for (width, name) in [
            (80, "127.0.0.1:65000"),
            (80, "[2001:db8:1111:2222:3333:4444:5555:6666]:65000"),
            (40, "127.0.0.1:65000"),
        ] {
            let text = lines_of("#7", name, (verdict, Tone::Bad), &view(width));
            assert!(text.lines().count() > 1);
            for line in text.lines().filter(|line| !line.contains(name)) {
                assert!(line.chars().count() <= width, "{line:?}");
            }
            let words: Vec<_> = text.split_whitespace().skip(2).collect();
            assert_eq!(words.join(" "), verdict);
        }
        let short = lines_of(
            "#7",
            "127.0.0.1:80",
            ("connected in 20 µs", Tone::Good),
            &view(80),
        );
        assert_eq!(short, "     #7 127.0.0.1:80  connected in 20 µs\n");
    }
}
