//! Computing with networks: each input by itself, or all together.

use std::ops::ControlFlow;

use netkit::addr::describe::{AddrReport, Options, describe};
use netkit::addr::filter::parse_network;
use netkit::addr::set::IpSet;
use netkit::addr::{IpRange, Prefix, net, parse_range};

use super::input::Source;
use super::sink::Sink;
use super::{Job, Trouble, status};
use crate::exit::Exit;
use crate::messages;
use crate::output::json::addr::{Computed, push, push_report};
use crate::output::style::Tone;
use crate::plan::{Form, Input, Operation};
use crate::usage::{UsageError, around};

/// One input.
struct Item {
    text: String,
    /// The network, unless it is a range.
    network: Option<Prefix>,
    range: IpRange,
}

pub(super) fn run(
    job: &Job,
    input: &Input,
    operation: &Operation,
    sink: &mut Sink,
) -> Result<Exit, Trouble> {
    let mut work = Work {
        job,
        operation,
        sink,
        refused: false,
        denied: false,
    };
    let items = work.read(input)?;
    let _ = match operation {
        Operation::Aggregate | Operation::Exclude(_) | Operation::Intersect(_) => {
            work.together(&items)
        }
        Operation::List { sort, unique } => work.list(items, *sort, *unique),
        _ => items.iter().try_for_each(|item| work.single(item)),
    };
    Ok(status(work.refused || work.denied))
}

struct Work<'a> {
    job: &'a Job,
    operation: &'a Operation,
    sink: &'a mut Sink,
    /// An input was refused.
    refused: bool,
    /// A question was answered with no.
    denied: bool,
}

impl Work<'_> {
    /// The inputs that are networks or ranges; the others are told.
    fn read(&mut self, input: &Input) -> Result<Vec<Item>, Trouble> {
        let texts: Vec<String> = if let Input::Texts(texts) = input {
            texts.clone()
        } else {
            let all = Source::open(input)?.read_all(input)?;
            all.lines().map(str::to_owned).collect()
        };
        let numbered = !matches!(input, Input::Texts(_));
        let mut items = Vec::with_capacity(texts.len());
        for (text, number) in texts.into_iter().zip(1u64..) {
            match parse_network(&text) {
                Ok(network) => items.push(Item {
                    range: network.into(),
                    network: Some(network),
                    text,
                }),
                Err(_) => match parse_range(&text) {
                    Ok(range) => items.push(Item {
                        range,
                        network: None,
                        text,
                    }),
                    Err(_) => self.refuse(&text, numbered.then_some(number)),
                },
            }
        }
        Ok(items)
    }

    /// Tells that an input is neither a network nor a range.
    fn refuse(&mut self, text: &str, number: Option<u64>) {
        let report = describe(text, &Options::default());
        let fault = match &report.failure {
            Some(failure) => (failure.message.clone(), failure.span[0]..failure.span[1]),
            None => (
                format!("this is not a network but {}", report.kind.name()),
                0..text.len(),
            ),
        };
        self.complain(report, fault, number);
    }

    fn complain(
        &mut self,
        report: AddrReport,
        (message, span): (String, std::ops::Range<usize>),
        number: Option<u64>,
    ) {
        self.refused = true;
        if self.job.json() {
            push_report(
                self.sink.buffer(),
                &as_refusal(report, &message, &span),
                false,
            );
        } else if self.job.form != Form::Quiet {
            let place = number
                .map(|number| format!("line {number}: "))
                .unwrap_or_default();
            let error = UsageError {
                message: format!("{place}{message}"),
                typed: Some(around(&report.input, span)),
                expected: Some("a network, an address or a range".to_owned()),
                ..UsageError::default()
            };
            messages::say(&error.to_string());
        }
    }

    /// An input that the operation cannot take.
    fn cannot(&mut self, item: &Item, message: String) -> ControlFlow<()> {
        let report = describe(&item.text, &Options::default());
        self.complain(report, (message, 0..item.text.len()), None);
        ControlFlow::Continue(())
    }

    fn single(&mut self, item: &Item) -> ControlFlow<()> {
        if let Operation::Summarize = self.operation {
            return self.results(Some(&item.text), item.range.prefixes());
        }
        let Some(network) = item.network else {
            let message = "a range is no network: --summarize makes networks of it".to_owned();
            return self.cannot(item, message);
        };
        match *self.operation {
            Operation::Contains(ref operands) => self.contains(item, network, operands),
            Operation::Overlaps(other) => self.answer(item, other, network.overlaps(other)),
            Operation::Split(bits) => match net::split(network, bits) {
                Some(parts) => self.results(Some(&item.text), parts),
                None => self.cannot(item, format!("there are no parts of /{bits} in {network}")),
            },
            Operation::SplitInto(parts) => match net::split_into(network, parts) {
                Some(networks) => self.results(Some(&item.text), networks),
                None => self.cannot(item, format!("{network} has no {parts} parts")),
            },
            Operation::Supernet(bits) => match net::supernet(network, bits) {
                Some(around) => self.results(Some(&item.text), [around]),
                None => self.cannot(item, format!("/{bits} is not around {network} but within")),
            },
            Operation::Nth(index) => match net::nth(network, index) {
                Some(ip) => self.results(Some(&item.text), [ip]),
                None => self.cannot(item, format!("{network} has no address number {index}")),
            },
            Operation::Random { count, seed } => {
                let drawn = net::random(network, seed.unwrap_or_else(fresh_seed));
                self.results(
                    Some(&item.text),
                    drawn.take(usize::try_from(count).unwrap_or(usize::MAX)),
                )
            }
            Operation::Hosts => self.results(Some(&item.text), net::hosts(network)),
            // The rest is not done input by input.
            _ => ControlFlow::Continue(()),
        }
    }

    fn contains(&mut self, item: &Item, network: Prefix, operands: &[Prefix]) -> ControlFlow<()> {
        operands.iter().try_for_each(|&operand| {
            let holds = operand.bits() >= network.bits() && network.contains(operand.ip());
            self.answer(item, operand, holds)
        })
    }

    /// Yes or no.
    fn answer(&mut self, item: &Item, operand: Prefix, holds: bool) -> ControlFlow<()> {
        self.denied |= !holds;
        let verb = self.operation.name();
        match self.job.form {
            Form::Json { .. } | Form::Pretty => {
                let body = Computed {
                    operation: verb,
                    input: Some(&item.text),
                    operand: Some(operand),
                    result: None,
                    holds: Some(holds),
                };
                push(self.sink.buffer(), "addr_result", body);
            }
            Form::Human => {
                let operand = if operand.size_minus_one() == 0 {
                    operand.ip().to_string()
                } else {
                    operand.to_string()
                };
                let (word, tone) = if holds {
                    ("yes", Tone::Good)
                } else {
                    ("no", Tone::Bad)
                };
                let word = self.job.view.paint(tone, word);
                let line = format!(
                    "{} {verb} {operand}: {word}\n",
                    self.job.view.safe(&item.text)
                );
                self.sink.buffer().extend_from_slice(line.as_bytes());
            }
            Form::Short => {
                self.sink
                    .buffer()
                    .extend_from_slice(if holds { b"yes\n" } else { b"no\n" });
            }
            Form::Quiet => {}
        }
        self.sink.offer()
    }

    /// Networks or addresses, one a line, as they come.
    fn results<T: ToString>(
        &mut self,
        input: Option<&str>,
        results: impl IntoIterator<Item = T>,
    ) -> ControlFlow<()> {
        let operation = self.operation.name();
        for result in results {
            let text = result.to_string();
            let out = self.sink.buffer();
            match self.job.form {
                Form::Json { .. } | Form::Pretty => {
                    let body = Computed {
                        operation,
                        input,
                        operand: None,
                        result: Some(&text),
                        holds: None,
                    };
                    push(out, "addr_result", body);
                }
                Form::Human | Form::Short => {
                    out.extend_from_slice(text.as_bytes());
                    out.push(b'\n');
                }
                Form::Quiet => return ControlFlow::Continue(()),
            }
            self.sink.offer()?;
        }
        ControlFlow::Continue(())
    }

    /// All inputs as one set.
    fn together(&mut self, items: &[Item]) -> ControlFlow<()> {
        let all: IpSet = items.iter().map(|item| item.range).collect();
        let set = match self.operation {
            Operation::Exclude(networks) => all.without(&networks.iter().copied().collect()),
            Operation::Intersect(networks) => all.intersection(&networks.iter().copied().collect()),
            _ => all,
        };
        self.results(None, set.prefixes())
    }

    /// The inputs themselves.
    fn list(&mut self, mut items: Vec<Item>, sort: bool, unique: bool) -> ControlFlow<()> {
        if sort {
            items.sort_by_key(|item| {
                let first = item.range.first();
                (first.is_ipv6(), first, std::cmp::Reverse(item.range.last()))
            });
        }
        let mut seen = std::collections::HashSet::new();
        let fresh = |item: &&Item| !unique || seen.insert(item.range);
        let texts: Vec<String> = items.iter().filter(fresh).map(canonical).collect();
        self.results(None, texts)
    }
}

/// An address without its length, a network or a range.
fn canonical(item: &Item) -> String {
    match item.network {
        Some(network) if network.size_minus_one() == 0 && !item.text.contains('/') => {
            network.ip().to_string()
        }
        Some(network) => network.to_string(),
        None => item.range.to_string(),
    }
}

/// The report of an input that is something, but not what the operation takes.
fn as_refusal(report: AddrReport, message: &str, span: &std::ops::Range<usize>) -> AddrReport {
    use netkit::addr::describe::AddrFailure;
    if !report.ok {
        return report;
    }
    let failure = AddrFailure {
        kind: "not_for_this_operation".to_owned(),
        message: message.to_owned(),
        span: [span.start, span.end],
        expected: "a network, an address or a range".to_owned(),
        hint: None,
    };
    AddrReport {
        ok: false,
        canonical: None,
        failure: Some(failure),
        ip: None,
        cidr: None,
        range: None,
        endpoint: None,
        mac: None,
        class: None,
        special: None,
        ..report
    }
}

/// A seed nobody knows: the standard library draws one for its hash tables.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
