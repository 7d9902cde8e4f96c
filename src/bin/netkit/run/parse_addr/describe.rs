//! Describing: every input in its place, valid or not.

use std::fmt::Write as _;
use std::io;
use std::ops::ControlFlow;

use netkit::addr::batch::{self, BLOCK, Block, Settings, lines};
use netkit::addr::describe::{AddrReport, As, Options, describe, describe_bytes, parse};
use netkit::addr::format::push_literal;
use netkit::addr::{Literal, parse_addr};

use super::input::{Source, unreadable};
use super::resolve::{self, Resolver};
use super::sink::Sink;
use super::{Job, Trouble};
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::json::addr::{push_brief, push_brief_literal, push_report};
use crate::output::json::addr_line::AddrLines;
use crate::output::tables;
use crate::plan::{DescribePlan, Form, Input};
use crate::usage::{UsageError, around};

/// Bytes read at once where each line becomes a kilobyte: the results stay in the cache.
const VERBOSE_BLOCK: usize = 16 * 1024;

/// What became of a block.
#[derive(Default)]
struct Done {
    out: Vec<u8>,
    /// For standard error.
    complaints: String,
    verdict: Verdict,
    lines: AddrLines,
}

/// Why a batch ended before its end.
enum End {
    Unreadable(io::Error),
    Closed,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

pub(super) fn run(
    job: &Job,
    input: &Input,
    plan: &DescribePlan,
    sink: &mut Sink,
) -> Result<Exit, Trouble> {
    let options = &plan.options;
    let resolver = plan
        .resolve
        .as_ref()
        .map(|resolve| Resolver::new(resolve, &options.network))
        .transpose()?;
    let work = Work {
        job,
        options,
        resolver,
    };
    match input {
        Input::Texts(texts) => Ok(work.texts(texts, sink)),
        _ => work.batch(input, sink),
    }
}

struct Work<'a> {
    job: &'a Job,
    options: &'a Options,
    resolver: Option<Resolver>,
}

impl Work<'_> {
    /// The texts of the command line; a refusal of one is told in its form, a table among tables.
    fn texts(&self, texts: &[String], sink: &mut Sink) -> Exit {
        let mut verdict = Verdict::default();
        for (index, text) in texts.iter().enumerate() {
            let report = self.look_up(describe(text, self.options));
            verdict.add(status(&report));
            if index > 0 && self.job.form == Form::Human {
                sink.buffer().push(b'\n');
            }
            self.one_text(&report, sink);
            if sink.offer().is_break() {
                break;
            }
        }
        verdict.exit(Exit::Success)
    }

    /// Asks the name servers where that was asked for.
    fn look_up(&self, mut report: AddrReport) -> AddrReport {
        if let Some(resolver) = &self.resolver {
            resolver.resolve(&mut report);
        }
        report
    }

    fn one_text(&self, report: &AddrReport, sink: &mut Sink) {
        if report.ok || self.job.json() {
            self.push(report, sink.buffer());
        } else if self.job.form != Form::Quiet {
            messages::say(&complaint(report).to_string());
        }
    }

    fn batch(&self, input: &Input, sink: &mut Sink) -> Result<Exit, Trouble> {
        let source = Source::open(input)?;
        let block = match self.job.form {
            Form::Short | Form::Quiet | Form::Json { brief: true } => BLOCK,
            _ => VERBOSE_BLOCK,
        };
        let settings = Settings {
            block,
            ..source.settings(!self.job.json())
        };
        let mut verdict = Verdict::default();
        let ended = batch::run(
            source.read,
            settings,
            |block, done: &mut Done| self.block(block, done),
            |done| {
                verdict.add(done.verdict.exit(Exit::Success));
                if !done.complaints.is_empty() {
                    messages::say(done.complaints.trim_end());
                }
                match sink.write(&done.out) {
                    ControlFlow::Continue(()) => Ok(()),
                    ControlFlow::Break(()) => Err(End::Closed),
                }
            },
        );
        match ended {
            Err(End::Unreadable(error)) => Err(unreadable(input, &error)),
            Ok(()) | Err(End::Closed) => Ok(verdict.exit(Exit::Success)),
        }
    }

    fn block(&self, block: Block<'_>, done: &mut Done) {
        done.out.clear();
        done.complaints.clear();
        done.verdict = Verdict::default();
        let plain = self.plain_kind();
        for (line, number) in lines(block.bytes).zip(block.first_line..) {
            if !plain.is_some_and(|kind| self.plain_address(line, kind, done)) {
                self.line(line, number, done);
            }
        }
    }

    /// What an address without a zone is taken for, in the forms that are printed by the million.
    fn plain_kind(&self) -> Option<As> {
        match (self.job.form, self.options.kind) {
            (Form::Human | Form::Pretty | Form::Quiet, _) => None,
            (_, Some(kind @ (As::Ip | As::Addr))) => Some(kind),
            (_, Some(_)) => None,
            (_, None) => Some(As::Addr),
        }
    }

    /// The short road of an address without a zone; false if the line is anything else.
    fn plain_address(&self, line: &[u8], kind: As, done: &mut Done) -> bool {
        let Some((text, literal)) = plain_literal(line, kind) else {
            return false;
        };
        let out = &mut done.out;
        match self.job.form {
            Form::Json { brief: true } => push_brief_literal(out, text, kind, literal),
            Form::Json { brief: false } => {
                let nat64 = &self.options.nat64;
                done.lines.push(out, text, kind, literal, nat64);
            }
            _ => {
                push_literal(out, literal);
                out.push(b'\n');
            }
        }
        true
    }

    fn line(&self, line: &[u8], number: u64, done: &mut Done) {
        if self.canonical_suffices() && self.canonical(line, &mut done.out) {
            return;
        }
        let report = self.look_up(describe_bytes(line, self.options));
        done.verdict.add(status(&report));
        if report.ok || self.job.json() {
            if self.job.form == Form::Human && (number > 1 || !done.out.is_empty()) {
                done.out.push(b'\n');
            }
            self.push(&report, &mut done.out);
        } else if self.job.form != Form::Quiet {
            let complaint = complaint(&report).to_string();
            let complaint = complaint.strip_prefix("netkit: ").unwrap_or(&complaint);
            // Writing to a string cannot fail.
            let _ = writeln!(done.complaints, "netkit: line {number}: {complaint}");
        }
    }

    fn canonical_suffices(&self) -> bool {
        self.resolver.is_none() && matches!(self.job.form, Form::Short | Form::Quiet)
    }

    /// Canonical text without a description; false if the line is refused.
    fn canonical(&self, line: &[u8], out: &mut Vec<u8>) -> bool {
        let parsed = std::str::from_utf8(line)
            .ok()
            .and_then(|text| parse(text, self.options).ok());
        let Some((_, value)) = parsed else {
            return false;
        };
        if self.job.form == Form::Short {
            out.extend_from_slice(value.canonical().as_bytes());
            out.push(b'\n');
        }
        true
    }

    fn push(&self, report: &AddrReport, out: &mut Vec<u8>) {
        match self.job.form {
            Form::Human => {
                out.extend_from_slice(tables::addr::render(report, &self.job.view).as_bytes());
            }
            Form::Short => {
                let canonical = report.canonical.as_deref().unwrap_or_default();
                out.extend_from_slice(canonical.as_bytes());
                out.push(b'\n');
            }
            Form::Json { brief: true } => push_brief(out, report),
            Form::Json { brief: false } => push_report(out, report, false),
            Form::Pretty => push_report(out, report, true),
            Form::Quiet => {}
        }
    }
}

/// An address without a zone, whose text is ASCII.
fn plain_literal(line: &[u8], kind: As) -> Option<(&str, Literal<'_>)> {
    let text = std::str::from_utf8(line).ok()?;
    let Ok(literal @ Literal { ip, zone: None }) = parse_addr(text) else {
        return None;
    };
    let ip = match kind {
        As::Ip => ip.to_canonical(),
        _ => ip,
    };
    Some((text, Literal { ip, ..literal }))
}

/// The status of one input: refused, or a name that did not resolve.
fn status(report: &AddrReport) -> Exit {
    if report.ok {
        resolve::status(report.endpoint.as_ref())
    } else {
        Exit::Peer
    }
}

/// A refusal in the house form, for standard error.
fn complaint(report: &AddrReport) -> UsageError {
    let Some(failure) = &report.failure else {
        return UsageError::default();
    };
    UsageError {
        hint: failure.hint.clone(),
        message: failure.message.clone(),
        typed: Some(around(&report.input, failure.span[0]..failure.span[1])),
        expected: Some(failure.expected.clone()),
        ..UsageError::default()
    }
}
