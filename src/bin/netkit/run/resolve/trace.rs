//! `netkit resolve --trace`: one trace after the other, each shown when it ends.

use netkit::resolve::DomainName;
use netkit::resolve::command::Verdict as Word;
use netkit::resolve::trace::{self, Config, Report};
use netkit::resolve::wire::Ask;

use super::Job;
use crate::exit::{Exit, Verdict};
use crate::output::json::Line;
use crate::output::json::trace as json;
use crate::output::{Out, tables};
use crate::plan::AnswerForm;

impl Job {
    /// Follows the delegations of every question.
    pub(super) async fn trace(&self, out: &mut Out) -> Exit {
        let config = self.plan.trace.clone().unwrap_or_default();
        let mut verdict = Verdict::default();
        for question in self.plan.groups.iter().flat_map(|group| &group.questions) {
            // The plan has parsed the name before.
            let Ok(name) = DomainName::parse(&question.text) else {
                continue;
            };
            let ask = Ask::new(name, question.rtype);
            let report = trace::run(&ask, &config, &self.cx).await;
            verdict.add(self.exit_of_trace(&report));
            let text = self.trace_text(&report, &config);
            if out.write(&text).is_break() || self.cx.cancel().is_cancelled() {
                break;
            }
        }
        self.signals.end_at_once();
        verdict.exit(self.signals.stopped())
    }

    fn trace_text(&self, report: &Report, config: &Config) -> String {
        let view = &self.output.view;
        let line = || {
            let body = json::Trace {
                report,
                config: json::TraceConfig::from(config),
            };
            Line::new("trace", self.cx.wall(), self.cx.elapsed(), body)
        };
        match self.plan.form {
            AnswerForm::Json => line().compact(view.rich),
            AnswerForm::Pretty => line().pretty(view.rich),
            AnswerForm::Quiet => String::new(),
            _ => tables::trace::render(report, view),
        }
    }

    fn exit_of_trace(&self, report: &Report) -> Exit {
        match report.verdict {
            Word::Interrupted => self.signals.stopped(),
            verdict => verdict.into(),
        }
    }
}
