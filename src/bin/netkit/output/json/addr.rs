//! The lines of `parse-addr`: no time stamps, because an address is not an event, and a hand-written
//! road for the brief form, which is printed by the million. A test holds both roads together.

use netkit::addr::describe::{AddrFailure, AddrReport, As};
use netkit::addr::format::push_literal;
use netkit::addr::{Literal, Prefix};
use serde::Serialize;

use super::SCHEMA;

/// A line that is not an event.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Plain<T> {
    /// The version of the contract.
    schema: &'static str,
    /// What kind of line this is.
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    body: T,
}

/// `"type":"addr"` with everything.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Addr<'a> {
    #[serde(flatten)]
    pub(crate) report: &'a AddrReport,
}

/// `"type":"addr"` with --brief: the first group.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Brief<'a> {
    schema: &'static str,
    #[serde(rename = "type")]
    line: &'static str,
    input: &'a str,
    ok: bool,
    kind: As,
    canonical: Option<&'a str>,
    failure: Option<&'a AddrFailure>,
}

impl<'a> From<&'a AddrReport> for Brief<'a> {
    fn from(report: &'a AddrReport) -> Self {
        Self {
            schema: SCHEMA,
            line: "addr",
            input: &report.input,
            ok: report.ok,
            kind: report.kind,
            canonical: report.canonical.as_deref(),
            failure: report.failure.as_ref(),
        }
    }
}

/// `"type":"addr_result"`: one result of computing.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Computed<'a> {
    /// The flag, in snake case.
    pub(crate) operation: &'static str,
    /// What it was computed from; null where it was all inputs together.
    pub(crate) input: Option<&'a str>,
    /// The other operand of `contains` and `overlaps`.
    pub(crate) operand: Option<Prefix>,
    /// A network or an address.
    pub(crate) result: Option<&'a str>,
    /// Yes or no, of `contains` and `overlaps`.
    pub(crate) holds: Option<bool>,
}

/// `"type":"addr_match"`: one line that a filter let through.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Matched<'a> {
    /// The number of the line, from 1.
    pub(crate) line: u64,
    /// The line; bytes that are not UTF-8 are replaced.
    pub(crate) text: &'a str,
    /// The address that matched; null for a line that holds none (`-v`).
    pub(crate) address: Option<std::net::IpAddr>,
    /// The longest network that holds it.
    pub(crate) network: Option<Prefix>,
}

/// `"type":"addr_count"`: how many lines a filter let through.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Counted {
    pub(crate) count: u64,
}

/// Appends a line.
pub(crate) fn push<T: Serialize>(out: &mut Vec<u8>, kind: &'static str, body: T) {
    let schema = SCHEMA;
    push_json(out, &Plain { schema, kind, body });
}

/// Appends a full description, indented if asked for.
pub(crate) fn push_report(out: &mut Vec<u8>, report: &AddrReport, pretty: bool) {
    let (schema, kind) = (SCHEMA, "addr");
    let body = Addr { report };
    let line = Plain { schema, kind, body };
    if pretty {
        serde_json::to_writer_pretty(&mut *out, &line)
            .expect("report types have string keys and a Vec takes everything");
        out.push(b'\n');
    } else {
        push_json(out, &line);
    }
}

/// Appends the brief form of a description.
pub(crate) fn push_brief(out: &mut Vec<u8>, report: &AddrReport) {
    push_json(out, &Brief::from(report));
}

fn push_json<T: Serialize>(out: &mut Vec<u8>, line: &T) {
    serde_json::to_writer(&mut *out, line)
        .expect("line types have string keys and a Vec takes everything");
    out.push(b'\n');
}

/// Appends the brief form of an address without a zone, whose text needs no escapes.
pub(crate) fn push_brief_literal(out: &mut Vec<u8>, input: &str, kind: As, literal: Literal<'_>) {
    out.extend_from_slice(b"{\"schema\":\"netkit/1\",\"type\":\"addr\",\"input\":\"");
    out.extend_from_slice(input.as_bytes());
    out.extend_from_slice(b"\",\"ok\":true,\"kind\":\"");
    out.extend_from_slice(kind.name().as_bytes());
    out.extend_from_slice(b"\",\"canonical\":\"");
    push_literal(out, literal);
    out.extend_from_slice(b"\",\"failure\":null}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkit::addr::describe::{Options, describe};

    #[test]
    fn both_roads_to_the_brief_form_write_the_same() {
        for text in ["192.0.2.1", "2001:DB8::1", "::ffff:1.2.3.4"] {
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            let literal = netkit::addr::parse_addr(text).unwrap();
            push_brief_literal(&mut fast, text, As::Addr, literal);
            push_brief(&mut slow, &describe(text, &Options::default()));
            assert_eq!(String::from_utf8(fast), String::from_utf8(slow));
        }
    }
}
