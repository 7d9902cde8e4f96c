//! The JSON contract: the envelope of every line, and the type of every kind of line.
//!
//! Separate from the core's types on purpose: a line is an envelope around a report, and a change
//! here is a change of what scripts read (DESIGN §4).

pub(crate) mod addr;
pub(crate) mod config;
pub(crate) mod lines;

use std::time::{Duration, SystemTime};

use serde::Serialize;

use netkit::time::Millis;

/// The version of the contract.
pub(crate) const SCHEMA: &str = "netkit/1";

/// What every line begins with.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "{T}Line")]
pub(crate) struct Line<T> {
    /// The version of the contract.
    schema: &'static str,
    /// What kind of line this is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it happened: RFC 3339, UTC, microseconds.
    ts: String,
    /// The same on the monotonic clock, since the start of the run.
    at_ms: Millis,
    #[serde(flatten)]
    body: T,
}

impl<T: Serialize> Line<T> {
    /// Puts a body into its envelope; `at` counts from `start`.
    pub(crate) fn new(kind: &'static str, start: SystemTime, at: Duration, body: T) -> Self {
        let ts = humantime::format_rfc3339_micros(start + at).to_string();
        Self {
            schema: SCHEMA,
            kind,
            ts,
            at_ms: at.into(),
            body,
        }
    }

    /// The line, with its end.
    pub(crate) fn compact(&self) -> String {
        written(serde_json::to_string(self))
    }

    /// The same over several lines.
    pub(crate) fn pretty(&self) -> String {
        written(serde_json::to_string_pretty(self))
    }
}

fn written(json: serde_json::Result<String>) -> String {
    let mut json = json.expect("report types have string keys and infallible serializers");
    json.push('\n');
    json
}
