//! The targets again and again: a line a probe, then the statistics.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use netkit::addr::Target;
use netkit::dial::repeat::{self, Event, Probe, Schedule, Summary, Tally};
use netkit::event::Stamped;

use super::{Session, lock};
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::json::lines;
use crate::output::{Out, tables};
use crate::plan::Format;

/// What the events are folded into, for the lines and for interim statistics.
struct Fold<'a> {
    session: &'a Session,
    targets: &'a [Target],
    tallies: Vec<Tally>,
    verdict: Verdict,
    out: &'a mut Out,
}

pub(super) async fn run(
    session: &Session,
    targets: &[Target],
    schedule: &Schedule,
    out: &mut Out,
) -> Exit {
    let tallies = targets
        .iter()
        .map(|target| Tally::new(target.to_string()))
        .collect();
    let verdict = Verdict::default();
    let fold = Mutex::new(Fold {
        session,
        targets,
        tallies,
        verdict,
        out,
    });
    let mut observer = |event: &Stamped<Event>| lock(&fold).event(event);
    let run = repeat::run(
        targets,
        &session.dial,
        schedule,
        &session.io,
        &session.cx,
        &mut observer,
    );
    let summaries = session.drive(run, || lock(&fold).interim()).await;
    let mut fold = lock(&fold);
    let exit = fold.verdict.exit(session.signals.stopped());
    fold.finish(&summaries, exit);
    exit
}

impl Fold<'_> {
    fn event(&mut self, event: &Stamped<Event>) -> ControlFlow<()> {
        if let Some(tally) = event
            .event
            .target()
            .and_then(|index| self.tallies.get_mut(index))
        {
            tally.apply(&event.event);
        }
        let text = match &event.event {
            Event::Probe(probe) => self.probe(probe, event.at),
            Event::Skipped { target, seq } => self.skipped(*target, *seq, event.at),
            _ => String::new(),
        };
        self.out.write(&text)
    }

    fn probe(&mut self, probe: &Probe, at: Duration) -> String {
        if !probe.report.is_interrupted() {
            self.verdict
                .add(Exit::of_report(&probe.report, Exit::Interrupted));
        }
        match self.session.output.format {
            Format::Json | Format::Pretty => self.session.line("dial", at, line(probe)),
            Format::Human => {
                let several = self.targets.len() > 1;
                tables::repeat::probe(probe, several, &self.session.output.view)
            }
            Format::Quiet => String::new(),
        }
    }

    fn skipped(&self, target: usize, seq: u64, at: Duration) -> String {
        let target = self
            .targets
            .get(target)
            .map(ToString::to_string)
            .unwrap_or_default();
        match self.session.output.format {
            Format::Json | Format::Pretty => self.session.line(
                "skipped",
                at,
                lines::Skipped {
                    target: &target,
                    seq,
                },
            ),
            Format::Human => tables::repeat::skipped(seq, &self.session.output.view),
            Format::Quiet => String::new(),
        }
    }

    /// SIGQUIT: what is known so far. In JSON a line like the others, else beside the data.
    fn interim(&mut self) {
        let total = self.session.cx.elapsed();
        let summaries: Vec<_> = self
            .tallies
            .iter()
            .map(|tally| tally.summary(total))
            .collect();
        match self.session.output.format {
            Format::Json | Format::Pretty => {
                let _ = self.out.write(&self.summary_line(&summaries, None));
            }
            Format::Human | Format::Quiet => {
                messages::say(
                    self.tables(&summaries, &self.session.output.messages)
                        .trim_end(),
                );
            }
        }
    }

    fn finish(&mut self, summaries: &[Summary], exit: Exit) {
        let text = match self.session.output.format {
            Format::Json | Format::Pretty => self.summary_line(summaries, Some(exit)),
            Format::Human => self.tables(summaries, &self.session.output.view),
            Format::Quiet => String::new(),
        };
        // What is wrong with standard output is told at the end.
        let _ = self.out.write_last(&text);
    }

    fn tables(&self, summaries: &[Summary], view: &crate::output::View) -> String {
        let table = |(summary, tally): (&Summary, &Tally)| {
            tables::repeat::summary(summary, &tally.latencies().bars(BARS), view)
        };
        summaries.iter().zip(&self.tallies).map(table).collect()
    }

    fn summary_line(&self, summaries: &[Summary], exit: Option<Exit>) -> String {
        let body = lines::Summary {
            of: lines::SummaryOf::Repeat { probes: summaries },
            interrupted: self.session.cx.cancel().is_cancelled(),
            exit_code: exit.map(Exit::code),
            config: &self.session.config,
        };
        self.session
            .line("summary", self.session.cx.elapsed(), body)
    }
}

/// Lines of the histogram.
const BARS: usize = 8;

fn line(probe: &Probe) -> lines::Dial<'_> {
    lines::Dial {
        seq: Some(probe.seq),
        due_ms: Some(probe.due.into()),
        lateness_ms: Some(probe.started.saturating_sub(probe.due).into()),
        ..lines::Dial::in_stream(&probe.report)
    }
}
