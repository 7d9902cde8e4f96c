//! A reply that breaks the protocol, read as far as it goes.

use std::sync::Arc;

use serde::Serialize;

use super::record::Record;
use crate::resolve::ledger::{Ignored, Unusable};
use crate::resolve::message::{Dump, Message, Section};
use crate::resolve::servers::Tried;
use crate::resolve::wire;

/// Lines of the dump before and after the one with the fault.
const CONTEXT: usize = 4;

/// A reply that cannot be read whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Malformed {
    /// Where and why, in words.
    pub reason: String,
    /// The octet at fault, from 0; the length of the message when octets are missing.
    pub offset: usize,
    /// The rule that is broken: a stable word.
    pub rule: String,
    /// The standard that says so.
    pub reference: String,
    /// The records before the fault.
    pub records: Vec<Record>,
    /// The octets around the fault.
    pub dump: Vec<DumpLine>,
    /// Octets of the message.
    pub bytes: usize,
}

/// Up to sixteen octets of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DumpLine {
    /// Where they begin.
    pub offset: usize,
    /// In hexadecimal, separated by spaces.
    pub hex: String,
    /// As text, a dot for what is not printable ASCII.
    pub text: String,
    /// Which of them is at fault, from 0.
    pub marked: Option<usize>,
}

/// The first malformed reply of a server, and its octets.
pub(super) fn malformed(tried: &Tried) -> Option<(Malformed, Arc<[u8]>)> {
    let mut attempts = tried.outcome.attempts.iter();
    attempts.find_map(|attempt| attempt.ignored.iter().find_map(of))
}

fn of(ignored: &Ignored) -> Option<(Malformed, Arc<[u8]>)> {
    let Unusable::Malformed {
        fault: Some(fault), ..
    } = &ignored.why
    else {
        return None;
    };
    let packet = &ignored.packet[..];
    let malformed = Malformed {
        reason: fault.to_string(),
        offset: fault.offset,
        rule: fault.rule.code().to_owned(),
        reference: fault.rule.reference().to_owned(),
        records: records(packet),
        dump: dump(packet, fault.offset),
        bytes: ignored.bytes,
    };
    Some((malformed, packet.into()))
}

/// Everything that can be read before the fault.
fn records(packet: &[u8]) -> Vec<Record> {
    let Ok(message) = Message::new(packet) else {
        return Vec::new();
    };
    let sections = [Section::Answer, Section::Authority, Section::Additional];
    let records = sections
        .into_iter()
        .flat_map(|section| wire::records(&message, section));
    records.map(|record| Record::from(&record)).collect()
}

fn dump(packet: &[u8], offset: usize) -> Vec<DumpLine> {
    let lines = Dump::around(packet, offset, CONTEXT).lines;
    let line = |line: crate::resolve::message::DumpLine| DumpLine {
        offset: line.offset,
        hex: line.hex(),
        text: line.text(),
        marked: line.marked,
    };
    lines.into_iter().map(line).collect()
}
