//! Every target once: results as they come, then the groups.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use netkit::addr::TargetSpec;
use netkit::dial::Report;
use netkit::dial::many::{self, Counts, Event, Summary};
use netkit::event::{Observer, Stamped};

use super::{Session, lock};
use crate::args::OnlyArg;
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::groups::{Groups, outcome};
use crate::output::json::lines;
use crate::output::progress::Progress;
use crate::output::{Out, tables};
use crate::plan::Format;

/// What the events are folded into.
struct Fold<'a> {
    session: &'a Session,
    only: &'a [OnlyArg],
    groups: Groups,
    counts: Counts,
    verdict: Verdict,
    progress: Progress,
    out: &'a mut Out,
}

pub(super) async fn run(
    session: &Session,
    specs: &[TargetSpec],
    parallel: Option<usize>,
    only: &[OnlyArg],
    out: &mut Out,
) -> Exit {
    let total = u64::try_from(crate::plan::total(specs)).ok();
    let fold = Mutex::new(Fold {
        session,
        only,
        groups: Groups::default(),
        counts: Counts::default(),
        verdict: Verdict::default(),
        progress: Progress::bar(session.output.progress, total),
        out,
    });
    let config = many::Config {
        dial: session.dial.clone(),
        parallel,
    };
    let mut observer = Shared(&fold);
    let targets = specs.iter().flat_map(TargetSpec::targets);
    let run = many::run(
        targets,
        total,
        &config,
        &session.io,
        &session.cx,
        &mut observer,
    );
    let summary = session.drive(run, || lock(&fold).interim()).await;
    let mut fold = lock(&fold);
    let exit = fold.verdict.exit(session.signals.stopped());
    fold.finish(&summary, exit);
    exit
}

/// The fold as the run's observer; SIGQUIT looks into it too.
struct Shared<'a, 'b>(&'a Mutex<Fold<'b>>);

impl Observer<Event> for Shared<'_, '_> {
    fn observe(&mut self, event: &Stamped<Event>) -> ControlFlow<()> {
        lock(self.0).event(event)
    }

    fn has_room(&mut self) -> bool {
        lock(self.0).out.has_room()
    }
}

impl Fold<'_> {
    fn event(&mut self, event: &Stamped<Event>) -> ControlFlow<()> {
        match &event.event {
            Event::Result(report) if !report.is_interrupted() => self.result(report, event.at),
            _ => ControlFlow::Continue(()),
        }
    }

    fn result(&mut self, report: &Report, at: Duration) -> ControlFlow<()> {
        self.verdict.add(Exit::of_report(report, Exit::Interrupted));
        self.counts.add(report);
        let counts = self.counts;
        self.progress.advance(|| format!("{} open", counts.open));
        if self.session.output.format == Format::Human {
            self.groups.add(report);
        }
        match self.line(report, at) {
            Some(line) => self.progress.suspend(|| self.out.write(&line)),
            None => ControlFlow::Continue(()),
        }
    }

    /// The line of one result, if it is shown by itself.
    fn line(&self, report: &Report, at: Duration) -> Option<String> {
        let (output, outcome) = (&self.session.output, outcome(report));
        let wanted = self.only.is_empty() || self.only.contains(&outcome);
        match output.format {
            Format::Json | Format::Pretty => wanted.then(|| {
                self.session
                    .line("dial", at, lines::Dial::in_stream(report))
            }),
            Format::Human if output.view.verbose => {
                wanted.then(|| tables::many::detailed(report, &output.view))
            }
            // In a pipe each target that was asked for has its line; on a terminal all are grouped.
            Format::Human if !output.view.rich => {
                let shown = if self.only.is_empty() {
                    outcome == OnlyArg::Open
                } else {
                    wanted
                };
                shown.then(|| tables::many::line(report, &output.view))
            }
            Format::Human | Format::Quiet => None,
        }
    }

    /// SIGQUIT: how far it is.
    fn interim(&mut self) {
        let counts = self.counts;
        let text = format!(
            "netkit: {} dialled, {} open so far",
            counts.dialled, counts.open
        );
        self.progress.suspend(|| messages::say(&text));
    }

    fn finish(&mut self, summary: &Summary, exit: Exit) {
        self.progress.finish();
        let output = &self.session.output;
        let text = match output.format {
            Format::Json | Format::Pretty => self.summary_line(summary, exit),
            Format::Human => tables::many::render(summary, &self.groups, self.only, &output.view),
            Format::Quiet => String::new(),
        };
        // What is wrong with standard output is told at the end.
        let _ = self.out.write_last(&text);
    }

    fn summary_line(&self, summary: &Summary, exit: Exit) -> String {
        let body = lines::Summary {
            of: lines::SummaryOf::Many { many: summary },
            interrupted: summary.interrupted,
            exit_code: Some(exit.code()),
            config: &self.session.config,
        };
        self.session
            .line("summary", self.session.cx.elapsed(), body)
    }
}
