//! One question until its answer changes to what is wanted: asked again when the TTL is over, and
//! reported only when something is different.

use std::time::Duration;

use tokio::time::Instant;

use super::compare::{Agreement, Comparison};
use super::question::Question;
use super::repeat::least_ttl;
use super::report::Report;
use super::session::Session;
use crate::event::{Observer, Stamped};
use crate::run::Cx;

/// The shortest pause: a TTL of zero must not become a flood.
pub const SHORTEST: Duration = Duration::from_secs(1);
/// The longest pause without an interval of one's own.
pub const LONGEST: Duration = Duration::from_secs(3600);
/// The pause after a failure, and where there is no TTL.
pub const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What is waited for: one record of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Until {
    /// The type's mnemonic.
    pub rtype: String,
    /// The data as the report has it.
    pub data: String,
}

impl Until {
    /// Whether the answer holds it.
    #[must_use]
    pub fn is_met(&self, report: &Report) -> bool {
        report.answers.iter().any(|record| {
            record.rtype.eq_ignore_ascii_case(&self.rtype) && same(&record.data, &self.data)
        })
    }
}

/// Names with and without their final dot are the same, and case does not matter.
fn same(data: &str, wanted: &str) -> bool {
    let plain = |text: &str| text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    plain(data) == plain(wanted) || data.trim_matches('"') == wanted
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The first answer, or one that is not as the last.
    Changed(Box<Change>),
}

/// An answer that is not as the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// How many questions were put so far.
    pub asked: u64,
    /// The answer.
    pub report: Report,
    /// What is new; everything in the first answer.
    pub added: Vec<String>,
    /// What is gone.
    pub missing: Vec<String>,
    /// Whether it holds what is waited for; `None` without `until`.
    pub met: Option<bool>,
}

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The answer holds what was waited for.
    Met,
    /// It was stopped.
    Stopped,
}

/// Asks until the answer holds what is wanted, or for ever.
///
/// The next question is put when the TTL of the answer is over, or every `interval`. Cancel safe.
pub async fn run(
    session: &Session,
    question: &Question,
    until: Option<&Until>,
    interval: Option<Duration>,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Ended {
    let mut last: Option<Report> = None;
    let mut asked = 0;
    while !cx.cancel().is_cancelled() {
        let put = Instant::now();
        let report = session.ask(question, &cx.restarted()).await.swap_remove(0);
        if cx.cancel().is_cancelled() {
            break;
        }
        asked += 1;
        let met = until.map(|until| until.is_met(&report));
        if let Some(change) = change(last.as_ref(), &report, asked, met) {
            let event = Event::Changed(Box::new(change));
            if observer
                .observe(&Stamped::new(cx.elapsed(), event))
                .is_break()
            {
                break;
            }
        }
        if met == Some(true) {
            return Ended::Met;
        }
        let next = put + interval.unwrap_or_else(|| pause(&report));
        last = Some(report);
        tokio::select! {
            () = cx.cancel().cancelled() => break,
            () = tokio::time::sleep_until(next) => {}
        }
    }
    Ended::Stopped
}

/// How long the answer holds.
fn pause(report: &Report) -> Duration {
    match least_ttl(report) {
        // One more: at the end of its last second a cache may still hold it.
        Some(ttl) => Duration::from_secs(u64::from(ttl) + 1).clamp(SHORTEST, LONGEST),
        None => AFTER_FAILURE,
    }
}

/// What is different, if anything is.
fn change(last: Option<&Report>, report: &Report, asked: u64, met: Option<bool>) -> Option<Change> {
    let (added, missing) = match last {
        None => (records(report), Vec::new()),
        Some(last) => difference(last, report)?,
    };
    Some(Change {
        asked,
        report: report.clone(),
        added,
        missing,
        met,
    })
}

fn records(report: &Report) -> Vec<String> {
    let alone = Comparison::of(std::slice::from_ref(report));
    alone
        .and_then(|mut one| one.groups.pop())
        .map(|group| group.records)
        .unwrap_or_default()
}

/// What came and what went; `None` when nothing did.
fn difference(last: &Report, report: &Report) -> Option<(Vec<String>, Vec<String>)> {
    let both = Comparison::of(&[last.clone(), report.clone()])?;
    let [_, Agreement { added, missing, .. }] = &both.groups[..] else {
        return None;
    };
    Some((added.clone(), missing.clone()))
}
