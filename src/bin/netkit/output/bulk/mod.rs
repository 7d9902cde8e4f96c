//! The lines of a bulk run, one a name: in the form that was asked for, in the order that was.
//!
//! A hundred thousand a second go through here, nearly all of them alike: addresses and nothing
//! else. Those are written from the bytes of the reply; all others by way of the report, whose
//! words and keys both have.

mod order;
mod simple;
mod template;
mod word;

use std::time::{Duration, SystemTime};

use netkit::failure::Kind;
use netkit::resolve::bulk::Finished;
use netkit::resolve::command::{Report, Verdict};

use self::order::Order;
use self::simple::Simple;
use self::template::Templates;
use super::View;
use super::json::{Line, resolve::Resolve};
use crate::exit::Exit;
use crate::plan::AnswerForm;

/// Writes lines and keeps them until they are fetched.
#[derive(Debug)]
pub(crate) struct Lines {
    form: AnswerForm,
    view: View,
    wall: SystemTime,
    templates: Templates,
    /// With `--ordered`.
    order: Option<Order>,
    /// Lines that are ready.
    ready: Vec<u8>,
    /// The line at hand, when it has to wait for its turn.
    line: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(form: AnswerForm, view: View, wall: SystemTime, ordered: bool) -> Self {
        Self {
            form,
            view,
            wall,
            templates: Templates::new(wall),
            order: ordered.then(Order::default),
            ready: Vec::new(),
            line: Vec::new(),
        }
    }

    /// Writes the line of a result and says what it means for the exit status.
    pub(crate) fn add(&mut self, finished: &Finished<'_>, at: Duration) -> Exit {
        let mut line = match self.order {
            Some(_) => std::mem::take(&mut self.line),
            None => std::mem::take(&mut self.ready),
        };
        let exit = self.write(&mut line, finished, at);
        match &mut self.order {
            Some(order) => {
                order.add(finished.seq, &line, &mut self.ready);
                line.clear();
                self.line = line;
            }
            None => self.ready = line,
        }
        exit
    }

    fn write(&mut self, line: &mut Vec<u8>, finished: &Finished<'_>, at: Duration) -> Exit {
        if let Some(simple) = Simple::of(finished) {
            let is_json = self.form == AnswerForm::Json;
            if is_json && !self.view.rich && self.templates.write(line, finished, &simple, at) {
                return Exit::Success;
            }
            if !is_json {
                self.plain_simple(line, finished, &simple);
                return Exit::Success;
            }
        }
        let report = Report::from(finished);
        self.full(line, &report, at);
        match (report.verdict, &report.failure) {
            (Verdict::LocalError, Some(failure)) => failure.into(),
            (verdict, _) => verdict.into(),
        }
    }

    /// A line by way of the report.
    fn full(&self, line: &mut Vec<u8>, report: &Report, at: Duration) {
        let text = match self.form {
            // A list has no zone format; the plan refuses it.
            AnswerForm::Quiet | AnswerForm::Zone | AnswerForm::Rfc8427 => return,
            AnswerForm::Json | AnswerForm::Pretty => {
                json_line(report, self.wall, at, self.view.rich)
            }
            AnswerForm::Short => format!("{}\n", self.view.safe(&short(report))),
            AnswerForm::Human => {
                let text = columns(&report.name, &report.qtype, verdict(report), &data(report));
                format!("{}\n", self.view.safe(text.trim_end()))
            }
        };
        line.extend_from_slice(text.as_bytes());
    }

    fn plain_simple(&self, line: &mut Vec<u8>, finished: &Finished<'_>, simple: &Simple<'_>) {
        match self.form {
            AnswerForm::Human => {
                let qtype = simple.mnemonic();
                line.extend_from_slice(columns(finished.text, qtype, "answer", "").as_bytes());
            }
            AnswerForm::Short => {}
            _ => return,
        }
        for (place, record) in simple.records().enumerate() {
            if place > 0 {
                line.push(b' ');
            }
            line.extend_from_slice(record.address().as_bytes());
        }
        line.push(b'\n');
    }

    /// Whether there are lines to be written.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the lines that are ready to be written.
    pub(crate) fn take_ready(&mut self) -> Vec<u8> {
        // The next ones will be about as many.
        let room = Vec::with_capacity(self.ready.len());
        std::mem::replace(&mut self.ready, room)
    }

    /// Lines that wait for one before them.
    pub(crate) fn held(&self) -> usize {
        self.order.as_ref().map_or(0, Order::held)
    }

    /// Makes all that waits ready, in its order: what is missing does not come any more.
    pub(crate) fn release(&mut self) {
        if let Some(order) = &mut self.order {
            order.release(&mut self.ready);
        }
    }
}

/// The line as the single question has it, without what was asked for.
fn json_line(report: &Report, wall: SystemTime, at: Duration, rich: bool) -> String {
    Line::new("resolve", wall, at, Resolve::listed(report)).compact(rich)
}

/// Name, type and verdict in columns that fit most, then the data.
fn columns(name: &str, qtype: &str, verdict: &str, data: &str) -> String {
    format!("{name:<32} {qtype:<5} {verdict:<9} {data}")
}

/// The verdict in a word; of a line that asks nothing, that it does not.
fn verdict(report: &Report) -> &'static str {
    match &report.failure {
        Some(failure) if failure.kind == Kind::Invalid => "invalid",
        _ => report.verdict.code(),
    }
}

/// The data of the records that were asked for; for what failed, why.
fn data(report: &Report) -> String {
    let wanted = wanted(report).join(" ");
    match &report.failure {
        Some(failure) if wanted.is_empty() => failure.message.clone(),
        _ => wanted,
    }
}

fn short(report: &Report) -> String {
    let wanted = wanted(report);
    if wanted.is_empty() {
        format!("; {}", verdict(report))
    } else {
        wanted.join(" ")
    }
}

/// The data of the records of the type that was asked for, aliases left out.
fn wanted(report: &Report) -> Vec<&str> {
    let any = report.qtype == "ANY";
    let answers = report.answers.iter();
    let wanted = answers.filter(|record| any || record.rtype == report.qtype);
    wanted.map(|record| record.data.as_str()).collect()
}

#[cfg(test)]
mod tests;
