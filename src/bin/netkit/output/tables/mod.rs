//! One file a report: how it looks on a terminal, and in a pipe.

pub(crate) mod addr;
pub(crate) mod bulk;
mod chain;
pub(crate) mod dial;
pub(crate) mod heartbeat;
pub(crate) mod interim;
pub(crate) mod many;
pub(crate) mod repeat;
pub(crate) mod replay;
pub(crate) mod resolve;
pub(crate) mod trace;
pub(crate) mod wait;

use super::View;
use super::facts::Fact;
use super::style::Tone;
use super::text::wrap;

/// Columns of the label of a fact, and the gap behind it.
const LABEL: usize = 11;

/// A verdict: the mark, what it is about, what became of it.
pub(in crate::output) fn headline(
    view: &View,
    good: Option<bool>,
    subject: &str,
    verdict: &str,
) -> String {
    let (mark, tone) = match good {
        Some(true) => ("✔", Tone::Good),
        Some(false) => ("✘", Tone::Bad),
        None => ("·", Tone::Warn),
    };
    let subject = view.safe(subject);
    if !view.rich {
        return format!("{subject}: {verdict}\n");
    }
    let (mark, verdict) = (view.paint(tone, mark), view.paint(tone, verdict));
    format!("{mark} {} {verdict}\n", view.paint(Tone::Strong, &subject))
}

/// Facts, aligned on a terminal, one a line in a pipe.
pub(super) fn facts(view: &View, facts: &[Fact]) -> String {
    facts.iter().map(|fact| fact_lines(view, fact)).collect()
}

fn fact_lines(view: &View, fact: &Fact) -> String {
    if !view.rich {
        let end = if fact.text.ends_with('\n') { "" } else { "\n" };
        return format!("{}: {}{end}", fact.label, fact.text);
    }
    let room = view.width.saturating_sub(LABEL + 2);
    let mut label = format!("{:<LABEL$}", fact.label);
    let mut text = String::new();
    for line in wrap(&fact.text, room) {
        put!(
            text,
            "  {}{}\n",
            view.paint(Tone::Dim, &label),
            view.paint(fact.tone, &line)
        );
        label = " ".repeat(LABEL);
    }
    text
}
