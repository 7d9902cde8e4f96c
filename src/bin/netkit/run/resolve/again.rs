//! The same questions to several servers, or again and again.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use netkit::event::Stamped;
use netkit::resolve::command::compare::Comparison;
use netkit::resolve::command::repeat::{self, Event, Probe, Schedule, Summary, Tally};
use netkit::resolve::command::watch::{self, Ended, Until};
use netkit::resolve::command::{Question, Session};

use super::{Job, config};
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::json::{Line, resolve as json};
use crate::output::{Out, tables};
use crate::plan::AnswerForm;
use crate::run::lock;

impl Job {
    fn questions(&self) -> impl Iterator<Item = &Question> {
        self.plan.groups.iter().flat_map(|group| &group.questions)
    }

    pub(super) fn line<T: serde::Serialize>(
        &self,
        kind: &'static str,
        at: Duration,
        body: T,
    ) -> String {
        let line = Line::new(kind, self.cx.wall(), at, body);
        match self.plan.form {
            AnswerForm::Pretty => line.pretty(self.output.view.rich),
            _ => line.compact(self.output.view.rich),
        }
    }

    /// Asks all servers, question by question, and shows who differs.
    pub(super) async fn compare(&self, out: &mut Out) -> Exit {
        let mut verdict = Verdict::default();
        for question in self.questions() {
            let reports = self.session.ask(question, &self.cx.restarted()).await;
            let Some(comparison) = Comparison::of(&reports) else {
                continue;
            };
            let mut text = String::new();
            if self.plan.form.is_json() {
                for report in &reports {
                    text.push_str(&self.text(report));
                }
                text.push_str(&self.line("resolve_compare", self.cx.elapsed(), &comparison));
            } else if self.plan.form != AnswerForm::Quiet {
                text.push_str(&tables::resolve::compare::render(
                    &comparison,
                    &reports,
                    &self.output.view,
                ));
            }
            if comparison.agree {
                verdict.add(
                    reports
                        .first()
                        .map_or(Exit::Local, |report| self.exit_of(report)),
                );
            } else {
                verdict.add(Exit::Expectation);
            }
            if out.write(&text).is_break() || self.cx.cancel().is_cancelled() {
                break;
            }
        }
        verdict.exit(self.signals.stopped())
    }

    /// Asks each question on the schedule.
    pub(super) async fn repeat(
        &self,
        session: &Session,
        schedule: &Schedule,
        out: &mut Out,
    ) -> Exit {
        let questions: Vec<_> = self.questions().collect();
        let fold = Mutex::new(Fold {
            job: self,
            tallies: questions
                .iter()
                .map(|question| Tally::new(question))
                .collect(),
            verdict: Verdict::default(),
            out,
        });
        let runs = questions.iter().enumerate().map(|(index, question)| {
            let fold = &fold;
            async move {
                let mut observer =
                    move |event: &Stamped<Event>| lock(fold).event(index, question, event);
                repeat::run(session, question, schedule, &self.cx, &mut observer).await
            }
        });
        let runs = futures_util::future::join_all(runs);
        let summaries = self.drive(runs, || lock(&fold).interim()).await;
        let mut fold = lock(&fold);
        let exit = fold.verdict.exit(self.signals.stopped());
        fold.finish(&summaries, exit);
        exit
    }

    /// Follows one question.
    pub(super) async fn watch(
        &self,
        session: &Session,
        until: Option<&Until>,
        interval: Option<Duration>,
        out: &mut Out,
    ) -> Exit {
        let Some(question) = self.questions().next() else {
            return Exit::Usage;
        };
        let mut last = None;
        let mut observer = |event: &Stamped<watch::Event>| {
            let watch::Event::Changed(change) = &event.event else {
                return ControlFlow::Continue(());
            };
            last = Some(self.exit_of(&change.report));
            let text = match self.plan.form {
                AnswerForm::Json | AnswerForm::Pretty => {
                    self.line("resolve_change", event.at, json::Changed::from(&**change))
                }
                AnswerForm::Quiet => String::new(),
                _ => tables::resolve::watch::change(change, event.at, &self.output.view),
            };
            out.write(&text)
        };
        let run = watch::run(session, question, until, interval, &self.cx, &mut observer);
        let ended = self.drive(run, || ()).await;
        match (ended, until) {
            (Ended::Met, _) => Exit::Success,
            (Ended::Stopped, Some(_)) => Exit::Expectation,
            (Ended::Stopped, None) => last.unwrap_or_else(|| self.signals.stopped()),
        }
    }

    /// Waits for a run; SIGQUIT calls `interim` meanwhile.
    async fn drive<T>(&self, run: impl Future<Output = T>, mut interim: impl FnMut()) -> T {
        let mut run = std::pin::pin!(run);
        loop {
            tokio::select! {
                biased;
                result = &mut run => return result,
                () = self.signals.interim() => interim(),
            }
        }
    }
}

/// What the events are folded into, for the lines and for interim statistics.
struct Fold<'a> {
    job: &'a Job,
    tallies: Vec<Tally>,
    verdict: Verdict,
    out: &'a mut Out,
}

/// Lines of the histogram.
const BARS: usize = 8;

impl Fold<'_> {
    fn event(
        &mut self,
        index: usize,
        question: &Question,
        event: &Stamped<Event>,
    ) -> ControlFlow<()> {
        if let Some(tally) = self.tallies.get_mut(index) {
            tally.apply(&event.event);
        }
        let text = match &event.event {
            Event::Probe(probe) => self.probe(probe, event.at),
            Event::Skipped { seq } => self.skipped(question, *seq, event.at),
            _ => String::new(),
        };
        self.out.write(&text)
    }

    fn probe(&mut self, probe: &Probe, at: Duration) -> String {
        use netkit::resolve::command::Verdict as Found;
        if probe.report.verdict != Found::Interrupted {
            self.verdict.add(self.job.exit_of(&probe.report));
        }
        match self.job.plan.form {
            AnswerForm::Json | AnswerForm::Pretty => {
                self.job
                    .line("resolve", at, json::Resolve::in_stream(probe))
            }
            AnswerForm::Quiet => String::new(),
            _ => tables::resolve::repeat::probe(probe, &self.job.output.view),
        }
    }

    fn skipped(&self, question: &Question, seq: u64, at: Duration) -> String {
        let target = format!("{} {}", question.typed, question.rtype);
        match self.job.plan.form {
            AnswerForm::Json | AnswerForm::Pretty => {
                let body = crate::output::json::lines::Skipped {
                    target: &target,
                    seq,
                };
                self.job.line("skipped", at, body)
            }
            AnswerForm::Quiet => String::new(),
            _ => tables::repeat::skipped(seq, &self.job.output.view),
        }
    }

    /// SIGQUIT: what is known so far. In JSON a line like the others, else beside the data.
    fn interim(&mut self) {
        let total = self.job.cx.elapsed();
        let summaries: Vec<_> = self
            .tallies
            .iter()
            .map(|tally| tally.summary(total))
            .collect();
        if self.job.plan.form.is_json() {
            let text = self.lines(&summaries, None);
            let _ = self.out.write(&text);
        } else {
            messages::say(
                self.tables(&summaries, &self.job.output.messages)
                    .trim_end(),
            );
        }
    }

    fn finish(&mut self, summaries: &[Summary], exit: Exit) {
        let text = match self.job.plan.form {
            AnswerForm::Json | AnswerForm::Pretty => self.lines(summaries, Some(exit)),
            AnswerForm::Quiet => String::new(),
            _ => self.tables(summaries, &self.job.output.view),
        };
        // What is wrong with standard output is told at the end.
        let _ = self.out.write_last(&text);
    }

    fn lines(&self, summaries: &[Summary], exit: Option<Exit>) -> String {
        let body = json::RepeatSummary {
            questions: summaries,
            interrupted: self.job.cx.cancel().is_cancelled(),
            exit_code: exit.map(Exit::code),
            config: config(&self.job.plan),
        };
        self.job
            .line("resolve_summary", self.job.cx.elapsed(), body)
    }

    fn tables(&self, summaries: &[Summary], view: &crate::output::View) -> String {
        let table = |(summary, tally): (&Summary, &Tally)| {
            tables::resolve::repeat::summary(summary, &tally.latencies().bars(BARS), view)
        };
        summaries.iter().zip(&self.tallies).map(table).collect()
    }
}
