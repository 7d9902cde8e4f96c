//! What a report says, fact by fact, in words: the one source of the terminal's and the pipe's form.
//!
//! Separate from the layout so that the two forms cannot say different things.

pub(crate) mod addr;
mod connection;
mod failure;
mod replay;
mod tls;

use netkit::dial::Report;

pub(crate) use connection::{connect_time, describe_resolve};
pub(crate) use failure::failure_facts;

use super::View;
use super::style::Tone;

/// One fact: a word for what it is about, and a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) label: &'static str,
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

impl Fact {
    pub(crate) fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self {
            label,
            text: text.into(),
            tone: Tone::Plain,
        }
    }

    pub(crate) fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

/// All facts of a dial, the failure first, what was received last.
pub(crate) fn dial_facts(report: &Report, view: &View) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(failure) = &report.failure {
        facts.extend(failure_facts(failure, view));
    }
    facts.extend(failure::lookup_facts(report, view));
    facts.extend(connection::connection_facts(report, view));
    facts.extend(report.tls.iter().flat_map(|one| tls::tls_facts(one, view)));
    let warnings = report.warnings.iter();
    facts.extend(warnings.map(|text| Fact::new("warning", view.safe(text)).tone(Tone::Warn)));
    facts.extend(connection::exchange_facts(report, view));
    let replay = report.replay.iter();
    facts.extend(replay.flat_map(replay::replay_facts));
    facts
}

/// `1 probe`, `2 probes`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = match noun {
        _ if count == 1 => String::new(),
        "reply" => return format!("{count} replies"),
        "address" => "es".to_owned(),
        _ => "s".to_owned(),
    };
    format!("{count} {noun}{plural}")
}
