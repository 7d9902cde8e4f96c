//! The bodies of the lines: a type each, borrowed from the reports they show.

use netkit::dial::{Report, many, repeat, wait};
use netkit::failure::Failure;
use netkit::time::Millis;
use serde::Serialize;

use super::config::DialConfig;

/// `"type":"dial"`: one result.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Dial<'a> {
    #[serde(flatten)]
    pub(crate) report: &'a Report,
    /// With `--count`: its number, from 0; `null` otherwise.
    pub(crate) seq: Option<u64>,
    /// With `--count`: when it was due, since the start of the run.
    pub(crate) due_ms: Option<Millis>,
    /// With `--count`: how much later it began.
    pub(crate) lateness_ms: Option<Millis>,
    /// What was asked; in a stream it is in the `summary` instead.
    pub(crate) config: Option<&'a DialConfig>,
}

impl<'a> Dial<'a> {
    /// One line of a stream.
    pub(crate) fn in_stream(report: &'a Report) -> Self {
        Self {
            report,
            seq: None,
            due_ms: None,
            lateness_ms: None,
            config: None,
        }
    }
}

/// `"type":"skipped"`: a probe that could not be sent when it was due.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Skipped<'a> {
    pub(crate) target: &'a str,
    pub(crate) seq: u64,
}

/// `"type":"retry"`: not yet as wanted.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Retry<'a> {
    pub(crate) target: &'a str,
    /// How many tries it has had.
    pub(crate) tries: u64,
    /// How the last one ended.
    pub(crate) outcome: &'a str,
    /// Why, if it failed.
    pub(crate) failure: Option<&'a Failure>,
    /// Until the next.
    pub(crate) pause_ms: Millis,
}

/// `"type":"ready"`: as wanted.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Ready<'a> {
    pub(crate) target: &'a str,
    /// How many tries it took.
    pub(crate) tries: u64,
    /// How the last one ended.
    pub(crate) outcome: &'a str,
    /// The failure that was waited for, with `--wait-for closed`.
    pub(crate) failure: Option<&'a Failure>,
}

/// `"type":"summary"`: the last line of a stream.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Summary<'a> {
    #[serde(flatten)]
    pub(crate) of: SummaryOf<'a>,
    /// Whether the run was stopped before its end.
    pub(crate) interrupted: bool,
    /// The status netkit ends with; `null` in an interim summary.
    pub(crate) exit_code: Option<u8>,
    /// What was asked.
    pub(crate) config: &'a DialConfig,
}

/// What is summed up.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(crate) enum SummaryOf<'a> {
    /// `--count`.
    Repeat {
        /// One entry a target.
        probes: &'a [repeat::Summary],
    },
    /// Many targets.
    Many {
        /// How many ended how.
        many: &'a many::Summary,
    },
    /// `--wait`.
    Wait {
        /// One entry a target.
        wait: &'a wait::Summary,
    },
}

/// `"type":"error"`: nothing could be measured.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Error<'a> {
    /// What was being done.
    pub(crate) operation: &'a str,
    /// What went wrong.
    pub(crate) failure: &'a Failure,
    /// The status netkit ends with.
    pub(crate) exit_code: u8,
}
