//! The summary of a list of names, and how far it is.

use netkit::resolve::bulk::{ServerSummary, Summary};

use crate::output::View;
use crate::output::facts::counted;
use crate::output::style::Tone;
use crate::output::table::{Align, Table};

/// What became of all names, and what each server was asked and did.
pub(crate) fn render(summary: &Summary, view: &View) -> String {
    format!("{}\n{}", headline(summary), servers(&summary.servers, view))
}

fn headline(summary: &Summary) -> String {
    let parts = [
        (summary.answered, "answered"),
        (summary.negative, "negative"),
        (summary.failed, "failed"),
        (summary.unanswered, "unanswered"),
        (summary.invalid, "invalid"),
        (summary.cached, "known already"),
        (summary.unfinished, "unfinished"),
    ];
    let told = parts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let names = counted(summary.names, "name");
    let rate = summary
        .rate
        .map_or_else(String::new, |rate| format!(" ({rate:.0}/s)"));
    let head = format!("{names} in {}{rate}", summary.elapsed_ms);
    if told.is_empty() {
        return head;
    }
    format!("{head}: {}", told.join(", "))
}

fn servers(servers: &[ServerSummary], view: &View) -> String {
    let columns = [
        ("server", Align::Left),
        ("sent", Align::Right),
        ("lost", Align::Right),
        ("errors", Align::Right),
        ("tcp", Align::Right),
        ("p50", Align::Right),
        ("p99", Align::Right),
        ("window", Align::Right),
    ];
    let mut table = Table::new(*view, &columns);
    for server in servers {
        let rtt = server.rtt.as_ref();
        let time = |time: Option<netkit::time::Millis>| {
            time.map_or_else(|| "-".to_owned(), |time| time.to_string())
        };
        let lost = format!("{} ({})", server.lost, share(server.lost, server.sent));
        let cells = [
            server.server.clone(),
            server.sent.to_string(),
            lost,
            server.errors.to_string(),
            server.tcp.to_string(),
            time(rtt.map(|rtt| rtt.p50_ms)),
            time(rtt.map(|rtt| rtt.p99_ms)),
            server.window.to_string(),
        ];
        table.row(&cells.map(|cell| (cell, Tone::Plain)));
    }
    table.to_string()
}

/// Rate, names under way and loss, beside the bar.
pub(crate) fn progress(summary: &Summary) -> String {
    let rate = summary
        .rate
        .map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
    let lost = share(summary.lost, summary.sent);
    format!("{rate}/s, {} in flight, {lost} lost", summary.unfinished)
}

/// A share in per cent.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = part as f64 / whole as f64 * 100.0;
    format!("{share:.1} %")
}
