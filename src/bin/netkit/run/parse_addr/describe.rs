//! Describing: every input in its place, valid or not.

use std::fmt::Write as _;
use std::io;
use std::ops::ControlFlow;

use netkit::addr::batch::{self, Block, lines};
use netkit::addr::describe::{AddrReport, As, Options, describe, describe_bytes, parse};
use netkit::addr::format::push_literal;
use netkit::addr::{Literal, parse_addr};
use netkit::error::Error;

use super::input::{Source, unreadable};
use super::resolve::{self, Resolver};
use super::sink::Sink;
use super::{Job, Trouble};
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::json::addr::{push_brief, push_brief_literal, push_report};
use crate::output::tables;
use crate::plan::{DescribePlan, Form, Input};
use crate::usage::UsageError;

/// What became of a block.
#[derive(Default)]
struct Done {
    out: Vec<u8>,
    /// For standard error.
    complaints: String,
    verdict: Verdict,
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
        .transpose()
        .map_err(|error| Error::local("starting", &error))?;
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
        let settings = source.settings(!self.job.json());
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
        for (line, number) in lines(block.bytes).zip(block.first_line..) {
            if !self.plain_address(line, &mut done.out) {
                self.line(line, number, done);
            }
        }
    }

    /// The short road of the two forms that are printed by the million: an address without a zone.
    fn plain_address(&self, line: &[u8], out: &mut Vec<u8>) -> bool {
        let kind = match (self.job.form, self.options.kind) {
            (Form::Short | Form::Json { brief: true }, Some(kind @ (As::Ip | As::Addr))) => kind,
            (Form::Short | Form::Json { brief: true }, None) => As::Addr,
            _ => return false,
        };
        let Ok(text) = std::str::from_utf8(line) else {
            return false;
        };
        let Ok(literal @ Literal { ip, zone: None }) = parse_addr(text) else {
            return false;
        };
        let ip = if kind == As::Ip {
            ip.to_canonical()
        } else {
            ip
        };
        let literal = Literal { ip, ..literal };
        if self.job.form == Form::Short {
            push_literal(out, literal);
            out.push(b'\n');
        } else {
            push_brief_literal(out, text, kind, literal);
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
        typed: Some((report.input.clone(), failure.span[0]..failure.span[1])),
        expected: Some(failure.expected.clone()),
        ..UsageError::default()
    }
}
