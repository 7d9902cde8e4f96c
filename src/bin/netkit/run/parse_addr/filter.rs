//! Filtering: the lines that hold an address of these networks.

use std::io;

use netkit::addr::batch::{self, Block, lines};
use netkit::addr::filter::{Filter, Match, parse_network};
use netkit::addr::table::PrefixTable;
use netkit::addr::{AddrError, Prefix};

use super::input::{Source, open, unreadable};
use super::sink::Sink;
use super::{Job, Trouble};
use crate::exit::Exit;
use crate::output::json::addr::{Counted, Matched, push};
use crate::plan::{FilterPlan, Form, Input};
use crate::usage::UsageError;

/// What became of a block.
#[derive(Default)]
struct Done {
    out: Vec<u8>,
    count: u64,
}

/// Why a filter ended before its end.
enum End {
    Unreadable(io::Error),
    /// The reader has gone, or (with --quiet) one line was enough.
    Enough,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Prints the lines, or counts them. As grep, it succeeds if there was one.
pub(super) fn run(
    job: &Job,
    input: &Input,
    plan: &FilterPlan,
    sink: &mut Sink,
) -> Result<Exit, Trouble> {
    let table = PrefixTable::new(&networks(&plan.networks)?);
    let which = plan.which;
    let work = Work {
        job,
        plan,
        filter: Filter { table, which },
    };
    let total = work.batch(input, sink)?;
    if plan.count && job.form != Form::Quiet {
        if job.json() {
            push(sink.buffer(), "addr_count", Counted { count: total });
        } else {
            sink.buffer()
                .extend_from_slice(format!("{total}\n").as_bytes());
        }
    }
    Ok(if total > 0 { Exit::Success } else { Exit::Peer })
}

/// Networks, and those in files. What can be read as a network is one.
fn networks(named: &[String]) -> Result<Vec<Prefix>, Trouble> {
    let mut networks = Vec::new();
    for name in named {
        match parse_network(name) {
            Ok(network) => networks.push(network),
            Err(error) => match std::fs::exists(name) {
                Ok(true) => read_networks(name, &mut networks)?,
                _ => return Err(not_a_network(name, error).into()),
            },
        }
    }
    Ok(networks)
}

fn not_a_network(name: &str, error: AddrError) -> UsageError {
    let expected = "a network such as 192.0.2.0/24, or a file of them";
    let message = format!(
        "no network and no file ({})",
        error.class.code().replace('_', " ")
    );
    UsageError::value_at("--in", name, error.span(), &message, expected)
}

/// A network a line; blank lines and what follows `#` are left out.
fn read_networks(name: &str, networks: &mut Vec<Prefix>) -> Result<(), Trouble> {
    let input = Input::File(name.into());
    let source = std::io::read_to_string(open(name.as_ref())?)
        .map_err(|error| unreadable(&input, &error))?;
    for (line, number) in source.lines().zip(1u64..) {
        let text = line.split('#').next().unwrap_or_default().trim();
        if text.is_empty() {
            continue;
        }
        let network = parse_network(text).map_err(|error| {
            let message = format!(
                "{name}: line {number} is not a network ({})",
                error.class.code().replace('_', " ")
            );
            UsageError {
                message,
                typed: Some((text.to_owned(), error.span())),
                expected: Some("a network such as 192.0.2.0/24".to_owned()),
                ..UsageError::default()
            }
        })?;
        networks.push(network);
    }
    Ok(())
}

struct Work<'a> {
    job: &'a Job,
    plan: &'a FilterPlan,
    filter: Filter,
}

impl Work<'_> {
    /// How many lines there were.
    fn batch(&self, input: &Input, sink: &mut Sink) -> Result<u64, Trouble> {
        let source = Source::open(input)?;
        let settings = source.settings(self.job.json());
        let mut total = 0;
        let ended = batch::run(
            source.read,
            settings,
            |block, done: &mut Done| self.block(block, done),
            |done| {
                total += done.count;
                let enough = self.job.form == Form::Quiet && total > 0;
                if enough || sink.write(&done.out).is_break() {
                    return Err(End::Enough);
                }
                Ok(())
            },
        );
        match ended {
            Err(End::Unreadable(error)) => Err(unreadable(input, &error)),
            Ok(()) | Err(End::Enough) => Ok(total),
        }
    }

    fn block(&self, block: Block<'_>, done: &mut Done) {
        done.out.clear();
        done.count = 0;
        let silent = self.plan.count || self.job.form == Form::Quiet;
        if self.job.json() && !silent {
            return self.json(block, done);
        }
        let done = std::cell::RefCell::new(done);
        let keep = |lines: &[u8], count: u64| {
            let mut guard = done.borrow_mut();
            let done = &mut **guard;
            done.count += count;
            if !silent {
                done.out.extend_from_slice(lines);
                if !lines.ends_with(b"\n") {
                    done.out.push(b'\n');
                }
            }
        };
        let invert = self.plan.invert;
        self.filter.split(
            block.bytes,
            |line, _| {
                if !invert {
                    keep(line, 1);
                }
            },
            |stretch| {
                if invert {
                    keep(stretch, lines(stretch).count() as u64);
                }
            },
        );
    }

    /// With line numbers: every stretch is walked line by line.
    fn json(&self, block: Block<'_>, done: &mut Done) {
        let state = std::cell::RefCell::new((block.first_line, done));
        let emit = |text: &[u8], hit: Option<Match>, wanted: bool| {
            let (number, done) = &mut *state.borrow_mut();
            if wanted {
                done.count += 1;
                let body = Matched {
                    line: *number,
                    text: &String::from_utf8_lossy(text),
                    address: hit.as_ref().map(|hit| hit.found.ip),
                    network: hit.map(|hit| hit.network),
                };
                push(&mut done.out, "addr_match", body);
            }
            *number += 1;
        };
        let invert = self.plan.invert;
        self.filter.split(
            block.bytes,
            |line, hit| lines(line).for_each(|text| emit(text, Some(hit.clone()), !invert)),
            |stretch| lines(stretch).for_each(|text| emit(text, None, invert)),
        );
    }
}
