//! Any number of names: lines in, lines out, and neither end ever holds up the engine.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use netkit::error::Error;
use netkit::resolve::bulk::{self, Finished, Summary};
use tokio::sync::mpsc;

use super::super::Trouble;
use super::super::parse_addr::input::{Source, unreadable};
use super::Job;
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::bulk::Lines;
use crate::output::json::{Line, resolve as json};
use crate::output::progress::Progress;
use crate::output::{Out, WhenFull, tables};
use crate::plan::{AnswerForm, BulkPlan, Input};

/// What is read at once.
const BLOCK: usize = 64 << 10;
/// Octets of a line at most; the rest of a longer one is skipped, and what is left is refused.
const LINE: usize = 4 << 10;
/// Blocks that wait to be asked for.
const BLOCKS: usize = 2;
/// Octets that wait for a slow reader before no more names are taken in.
const WAITING: usize = 1 << 20;
/// Lines that wait for one before them (`--ordered`) before no more names are taken in.
const AHEAD: usize = 16_384;
/// How often progress is drawn.
const REDRAW: Duration = Duration::from_millis(100);

/// Resolves the list and says how netkit ends.
pub(super) async fn run(job: &Job, plan: &BulkPlan, out: &mut Out) -> Result<Exit, Trouble> {
    let config = config(job, plan).await?;
    let total = job
        .output
        .progress
        .then(|| count_lines(&plan.input))
        .flatten();
    let mut names = Names::open(&plan.input)?;
    // A bar that is on the same terminal has to stand aside until a line is really written.
    let shares_terminal = job.output.progress && job.output.view.rich;
    if !shares_terminal {
        out.queue(WhenFull::Keep, job.signals.asked())
            .map_err(|error| Error::local("starting to write", &error))?;
    }
    let interim = AtomicBool::new(false);
    let mut fold = Fold {
        job,
        plan,
        lines: Lines::new(job.plan.form, job.output.view, job.cx.wall(), plan.ordered),
        verdict: Verdict::default(),
        out,
        progress: Progress::bar(job.output.progress, total),
        shares_terminal,
        drawn: None,
        interim: &interim,
    };
    let summary = {
        let run = bulk::run(&config, &job.cx, &mut names, &mut fold);
        let mut run = std::pin::pin!(run);
        loop {
            tokio::select! {
                biased;
                summary = &mut run => break summary?,
                () = job.signals.interim() => interim.store(true, Ordering::Relaxed),
            }
        }
    };
    let exit = fold.finish(&summary);
    match names.error {
        Some(error) => Err(unreadable(&plan.input, &error)),
        None => Ok(exit),
    }
}

async fn config(job: &Job, plan: &BulkPlan) -> Result<bulk::Config, Trouble> {
    let asked = &job.plan.config;
    let deadline = job.cx.deadline(Some(asked.timeout));
    let servers = bulk::servers(&asked.stub, asked.policy.transports, &deadline)
        .await
        .map_err(|failure| Error::new("finding the name servers", failure))?;
    let default = bulk::Config::default();
    Ok(bulk::Config {
        servers,
        qtype: plan.qtype,
        timeout: asked.timeout,
        tries: asked.tries.map_or(default.tries, u32::from),
        rate: plan.rate,
        max_inflight: plan.max_inflight,
        client: asked.stub.client.clone(),
        options: asked.policy.options.clone(),
        cache: plan.cache,
    })
}

/// Lines of a file that have a name, for the bar; standard input does not say.
fn count_lines(input: &Input) -> Option<u64> {
    let mut source = match input {
        Input::File(_) => Source::open(input).ok()?.read,
        _ => return None,
    };
    let (mut block, mut count) = (vec![0; BLOCK], 0);
    loop {
        match source.read(&mut block).ok()? {
            0 => return Some(count),
            length => {
                let ends = block[..length].iter().filter(|byte| **byte == b'\n');
                count += ends.count() as u64;
            }
        }
    }
}

/// The lines of the input, read by a thread of their own.
struct Names {
    blocks: mpsc::Receiver<io::Result<Vec<u8>>>,
    /// Whole lines, and how far they are taken.
    block: Vec<u8>,
    taken: usize,
    ended: bool,
    /// Why it ended early.
    error: Option<io::Error>,
}

impl Names {
    fn open(input: &Input) -> Result<Self, Trouble> {
        let source = Source::open(input)?.read;
        let (to, blocks) = mpsc::channel(BLOCKS);
        std::thread::Builder::new()
            .name("names".into())
            .spawn(move || read(source, &to))
            .map_err(|error| Error::local("starting to read", &error))?;
        Ok(Self {
            blocks,
            block: Vec::new(),
            taken: 0,
            ended: false,
            error: None,
        })
    }
}

/// Reads blocks of whole lines until the end, an error, or until nobody wants more.
fn read(mut source: impl Read, to: &mpsc::Sender<io::Result<Vec<u8>>>) {
    let (mut block, mut skipping) = (Vec::with_capacity(BLOCK), false);
    loop {
        let held = block.len();
        block.resize(held + BLOCK, 0);
        let length = match source.read(&mut block[held..]) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                block.truncate(held);
                continue;
            }
            Err(error) => {
                let _ = to.blocking_send(Err(error));
                return;
            }
        };
        block.truncate(held + length);
        let rest = if length == 0 {
            Vec::new()
        } else {
            cut(&mut block, &mut skipping)
        };
        let is_wanted = block.is_empty() || to.blocking_send(Ok(block)).is_ok();
        if length == 0 || !is_wanted {
            return;
        }
        block = rest;
    }
}

/// Leaves the whole lines in `block` and returns what follows them. Of a line that is too long its
/// beginning counts as a line, and the rest is skipped.
fn cut(block: &mut Vec<u8>, skipping: &mut bool) -> Vec<u8> {
    let line_end = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n');
    if *skipping {
        let end = line_end(block);
        block.drain(..end.map_or(block.len(), |end| end + 1));
        *skipping = end.is_none();
    }
    let whole = block
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let mut rest = block.split_off(whole);
    if rest.len() > LINE {
        rest.truncate(LINE);
        block.append(&mut rest);
        block.push(b'\n');
        *skipping = true;
    }
    rest
}

impl bulk::Source for &mut Names {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.taken == self.block.len() && !self.ended {
            match ready!(self.blocks.poll_recv(cx)) {
                Some(Ok(block)) => {
                    self.block = block;
                    self.taken = 0;
                }
                other => {
                    self.ended = true;
                    self.error = other.and_then(Result::err);
                }
            }
        }
        Poll::Ready(())
    }

    fn next(&mut self) -> Option<&[u8]> {
        let rest = &self.block[self.taken..];
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
        self.taken = (self.taken + end + 1).min(self.block.len());
        Some(&rest[..end])
    }
}

/// What the results are folded into.
struct Fold<'a> {
    job: &'a Job,
    plan: &'a BulkPlan,
    lines: Lines,
    verdict: Verdict,
    out: &'a mut Out,
    progress: Progress,
    /// Whether the bar and the lines are on one terminal.
    shares_terminal: bool,
    drawn: Option<Instant>,
    /// Set by SIGQUIT.
    interim: &'a AtomicBool,
}

impl bulk::Sink for Fold<'_> {
    fn finished(&mut self, finished: &Finished<'_>, at: Duration) {
        self.verdict.add(self.lines.add(finished, at));
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.lines.held() > AHEAD {
            return Poll::Pending; // looked at again after the next result
        }
        self.out.poll_room(cx, WAITING)
    }

    fn flush(&mut self, summary: &dyn Fn() -> Summary) -> ControlFlow<()> {
        self.draw(summary);
        if self.interim.swap(false, Ordering::Relaxed) {
            self.tell_interim(&summary());
        }
        self.write()
    }
}

impl Fold<'_> {
    fn write(&mut self) -> ControlFlow<()> {
        if !self.lines.has_ready() {
            return ControlFlow::Continue(());
        }
        let ready = self.lines.take_ready();
        if self.shares_terminal {
            self.progress.suspend(|| self.out.write_block(ready))
        } else {
            self.out.write_block(ready)
        }
    }

    fn draw(&mut self, summary: &dyn Fn() -> Summary) {
        let is_due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAW);
        if self.job.output.progress && is_due {
            self.drawn = Some(Instant::now());
            let summary = summary();
            self.progress
                .set(summary.names, || tables::bulk::progress(&summary));
        }
    }

    /// SIGQUIT: in JSON a line like the others, else beside the data.
    fn tell_interim(&mut self, summary: &Summary) {
        let text = self.summary_text(summary, None);
        if self.job.plan.form.is_json() {
            // What is wrong with standard output is told at the end.
            let _ = self.out.write(&text);
        } else {
            self.progress.suspend(|| messages::say(text.trim_end()));
        }
    }

    fn finish(&mut self, summary: &Summary) -> Exit {
        let exit = match self.verdict.exit(Exit::Success) {
            Exit::Success if summary.interrupted && summary.names == 0 => {
                self.job.signals.stopped()
            }
            exit => exit,
        };
        self.lines.release();
        let _ = self.write();
        self.progress.finish();
        let text = self.summary_text(summary, Some(exit));
        match self.job.plan.form {
            AnswerForm::Json | AnswerForm::Pretty => drop(self.out.write_last(&text)),
            AnswerForm::Human => messages::say(text.trim_end()),
            AnswerForm::Short if summary.interrupted => messages::say(text.trim_end()),
            // A list has no zone format; the plan refuses it.
            AnswerForm::Short | AnswerForm::Quiet | AnswerForm::Zone | AnswerForm::Rfc8427 => {}
        }
        exit
    }

    fn summary_text(&self, summary: &Summary, exit: Option<Exit>) -> String {
        if !self.job.plan.form.is_json() {
            return tables::bulk::render(summary, &self.job.output.messages);
        }
        let body = json::BulkSummary {
            mode: "resolve",
            resolve: summary,
            exit_code: exit.map(Exit::code),
            config: json::BulkConfig::new(&self.job.plan, self.plan),
        };
        let cx = &self.job.cx;
        Line::new("summary", cx.wall(), cx.elapsed(), body).compact(self.job.output.view.rich)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives its parts one a call.
    struct Parts(Vec<Vec<u8>>);

    impl Read for Parts {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let part = self.0.pop().unwrap_or_default();
            into[..part.len()].copy_from_slice(&part);
            Ok(part.len())
        }
    }

    proptest! {
        #[test]
        fn lines_come_whole_however_they_are_cut_up(
            lines in prop::collection::vec(prop::collection::vec(97_u8..123, 0..6_000), 0..8),
            cuts in prop::collection::vec(1_usize..3_000, 1..20),
        ) {
            let text = lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect::<Vec<u8>>();
            let (mut parts, mut rest, mut cut) = (Vec::new(), text.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (part, more) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
                parts.push(part.to_vec());
                rest = more;
            }
            parts.reverse();
            let (to, mut blocks) = mpsc::channel(1_000);
            read(Parts(parts), &to);
            drop(to);
            let mut all = Vec::new();
            while let Some(block) = blocks.blocking_recv() {
                all.extend(block.unwrap());
            }
            let found: Vec<_> = all.split(|byte| *byte == b'\n').collect();
            prop_assert_eq!(found.len(), lines.len() + 1);
            for (found, line) in found.iter().zip(&lines) {
                prop_assert!(*found == line.as_slice() || line.len() > LINE && found.len() >= LINE && line.starts_with(found));
            }
        }
    }
}
