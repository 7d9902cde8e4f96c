//! Who agrees with whom.

use netkit::resolve::command::Report;
use netkit::resolve::command::compare::{Agreement, Comparison};

use super::changes;
use crate::output::View;
use crate::output::style::Tone;
use crate::output::tables::headline;

/// The groups of servers, the largest first, and how the others differ from it.
pub(crate) fn render(comparison: &Comparison, reports: &[Report], view: &View) -> String {
    let subject = format!("{} {}", comparison.name, comparison.qtype);
    let verdict = if comparison.agree {
        format!("{} servers agree", reports.len())
    } else {
        format!(
            "{} servers, {} different answers",
            reports.len(),
            comparison.groups.len()
        )
    };
    let mut text = headline(view, Some(comparison.agree), &subject, &verdict);
    for (at, group) in comparison.groups.iter().enumerate() {
        text.push_str(&self::group(group, at == 0, view));
    }
    text.push_str(&serials(comparison, view));
    text
}

fn group(group: &Agreement, first: bool, view: &View) -> String {
    let servers = group.servers.join(", ");
    let mut text = format!(
        "  {}: {}\n",
        view.paint(Tone::Strong, &servers),
        group.verdict
    );
    if first {
        for record in &group.records {
            put!(text, "    {}\n", view.safe(record));
        }
        return text;
    }
    text + &changes(&group.added, &group.missing, view)
}

fn serials(comparison: &Comparison, view: &View) -> String {
    let Some(skew) = comparison.serial_skew.filter(|skew| *skew > 0) else {
        return String::new();
    };
    let each = comparison
        .serials
        .iter()
        .map(|serial| format!("{} {}", serial.server, serial.serial));
    let each: Vec<_> = each.collect();
    let text = format!("serials differ by {skew}: {}", each.join(", "));
    format!("  {}\n", view.paint(Tone::Warn, &text))
}
