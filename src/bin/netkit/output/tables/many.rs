//! Many targets: the counts, and the targets of each outcome as ranges.

use netkit::dial::Report;
use netkit::dial::many::Summary;

use super::headline;
use crate::args::OnlyArg;
use crate::output::View;
use crate::output::facts::dial_facts;
use crate::output::groups::Groups;
use crate::output::style::Tone;
use crate::output::table::{Align, Table};

/// One result in a line, where results are shown one by one (in a pipe).
pub(crate) fn line(report: &Report, view: &View) -> String {
    headline(
        view,
        Some(report.ok),
        &report.target,
        &super::dial::verdict(report),
    )
}

/// One result with all that is known of it (`--verbose`): the line, and its facts below.
pub(crate) fn detailed(report: &Report, view: &View) -> String {
    let verdict = super::dial::verdict(report);
    let headline = headline(view, Some(report.ok), &report.target, &verdict);
    headline + &super::facts(view, &dial_facts(report, view))
}

/// The groups, and the summary.
pub(crate) fn render(summary: &Summary, groups: &Groups, only: &[OnlyArg], view: &View) -> String {
    let counts = counts(groups);
    let targets = summary.counts.dialled;
    let subject = super::super::facts::counted(targets, "target");
    let verdict = format!("{} in {}", counts.join(", "), summary.total_ms);
    let good =
        (targets > 0 && !summary.interrupted).then(|| groups.count(OnlyArg::Open) == targets);
    let good = if groups.count(OnlyArg::Open) > 0 && good == Some(false) {
        None
    } else {
        good
    };
    let mut text = String::new();
    if view.rich {
        text.push_str(&headline(view, good, &format!("{subject}:"), &verdict));
        text.push_str(&table(groups, only, view));
    } else {
        text.push_str(&plain(groups, only));
        text.push_str(&headline(view, good, &subject, &verdict));
    }
    if summary.interrupted {
        let left = summary.targets.map(|all| all.saturating_sub(targets));
        let left = left.map_or_else(|| "the rest".to_owned(), |left| format!("{left} targets"));
        put!(
            text,
            "{}\n",
            view.paint(
                Tone::Warn,
                &format!("interrupted: {left} without a verdict")
            )
        );
    }
    text
}

/// `10 open`, `990 refused`; outcomes that did not occur are left out.
pub(crate) fn counts(groups: &Groups) -> Vec<String> {
    groups
        .iter(&[])
        .map(|(of, group)| format!("{} {}", group.count, name(of)))
        .collect()
}

pub(crate) fn name(outcome: OnlyArg) -> &'static str {
    match outcome {
        OnlyArg::Open => "open",
        OnlyArg::Refused => "refused",
        OnlyArg::Filtered => "filtered",
        OnlyArg::Unreachable => "unreachable",
        OnlyArg::NoReply => "no reply",
        OnlyArg::Unresolved => "unresolved",
        OnlyArg::Failed => "failed",
    }
}

fn tone(outcome: OnlyArg) -> Tone {
    match outcome {
        OnlyArg::Open => Tone::Good,
        OnlyArg::Refused => Tone::Dim,
        OnlyArg::Filtered | OnlyArg::NoReply => Tone::Warn,
        OnlyArg::Unreachable | OnlyArg::Unresolved | OnlyArg::Failed => Tone::Bad,
    }
}

fn table(groups: &Groups, only: &[OnlyArg], view: &View) -> String {
    let columns = [
        ("outcome", Align::Left),
        ("host", Align::Left),
        ("ports", Align::Left),
        ("targets", Align::Right),
    ];
    let mut table = Table::new(*view, &columns);
    let mut empty = true;
    for (outcome, group) in groups.iter(only) {
        for row in group.rows() {
            empty = false;
            table.row(&[
                (name(outcome).to_owned(), tone(outcome)),
                // A list breaks at its commas only where a space invites it.
                (view.safe(&row.hosts).replace(',', ", "), Tone::Plain),
                (row.ports.replace(',', ", "), Tone::Plain),
                (row.count.to_string(), Tone::Plain),
            ]);
        }
    }
    let mut text = if empty {
        String::new()
    } else {
        table.to_string()
    };
    for (outcome, group) in groups.iter(only) {
        let explained = matches!(
            outcome,
            OnlyArg::Unreachable | OnlyArg::Unresolved | OnlyArg::Failed
        );
        if let Some(failure) = group.example.as_ref().filter(|_| explained) {
            let example = format!("  {}: for example, {}\n", name(outcome), failure.message);
            text.push_str(&view.paint(Tone::Dim, &view.safe(example.trim_end())));
            text.push('\n');
        }
    }
    text
}

/// Open targets were shown one by one; the rest is folded.
fn plain(groups: &Groups, only: &[OnlyArg]) -> String {
    let mut text = String::new();
    let folded = groups
        .iter(only)
        .filter(|(of, _)| only.is_empty() && *of != OnlyArg::Open);
    for (outcome, group) in folded {
        for row in group.rows() {
            let ports = if row.ports.is_empty() {
                String::new()
            } else {
                format!(" {}", row.ports)
            };
            put!(
                text,
                "{}: {}{ports} ({})\n",
                name(outcome),
                row.hosts,
                row.count
            );
        }
    }
    text
}
