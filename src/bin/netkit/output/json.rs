//! The JSON contract: the envelope of every line, and the type of every kind of line.
//!
//! Separate from the core's types on purpose: a line is an envelope around a report, and a change
//! here is a change of what scripts read (DESIGN §4).

pub(crate) mod addr;
pub(crate) mod addr_line;
pub(crate) mod config;
pub(crate) mod forward;
pub(crate) mod heartbeat;
pub(crate) mod identity;
pub(crate) mod lines;
pub(crate) mod listen;
pub(crate) mod resolve;
pub(crate) mod rfc8427;
pub(crate) mod trace;

use std::time::{Duration, SystemTime};

use serde::Serialize;

use netkit::time::Millis;

use super::text::is_invisible;

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

    /// The line, with its end; on a terminal nothing in it is invisible.
    pub(crate) fn compact(&self, terminal: bool) -> String {
        written(serde_json::to_string(self), terminal)
    }

    /// The same over several lines.
    pub(crate) fn pretty(&self, terminal: bool) -> String {
        written(serde_json::to_string_pretty(self), terminal)
    }
}

fn written(json: serde_json::Result<String>, terminal: bool) -> String {
    let mut json = json.expect("report types have string keys and infallible serializers");
    json.push('\n');
    if terminal { visible(&json) } else { json }
}

/// Escapes what could drive a terminal or hide on it. The value stays the same: outside ASCII there
/// is nothing but the content of strings, and the C0 controls in those are escaped already.
fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\x7f' || is_invisible(c) {
            let units = &mut [0; 2];
            for unit in c.encode_utf16(units) {
                put!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_terminal_nothing_invisible_is_left_and_the_value_is_the_same() {
        let text = "a\u{9b}31m \u{202e}b\u{200b} \x7f \u{e0041} naïve ✓ \"q\" \\u0041 \x1b";
        let line = Line::new(
            "dial",
            SystemTime::UNIX_EPOCH,
            Duration::ZERO,
            [("text", text)]
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>(),
        );
        for shown in [line.compact(true), line.pretty(true)] {
            let hidden = |c: char| is_invisible(c) || (c.is_control() && c != '\n');
            assert!(!shown.contains(hidden), "{shown}");
            assert!(shown.contains("\\u009b31m \\u202eb"), "{shown}");
            let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(value["text"], text);
        }
        // In a pipe text is left as it came.
        assert!(line.compact(false).contains("\u{202e}b"));
    }
}
