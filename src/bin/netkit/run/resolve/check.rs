//! `netkit resolve --check-server`: every server tested, a table or a line each.

use netkit::error::Error;
use netkit::resolve::check::CheckReport;
use netkit::resolve::command::Question;

use super::{Asking, Job};
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::json::{Line, resolve as json};
use crate::output::{Out, tables};
use crate::plan::AnswerForm;

impl Job {
    /// Tests the servers as planned and says how netkit ends.
    pub(super) async fn check(&self, question: &Question, out: &mut Out) -> Exit {
        let mut verdict = Verdict::default();
        let asked = match &self.session {
            Asking::Plain(session) => session.check(question, &self.cx).await,
            // The plan has refused rules beside it.
            Asking::Steered(_) => Ok(Vec::new()),
        };
        match asked {
            Ok(reports) => {
                for report in &reports {
                    verdict.add(report.class().map_or(Exit::Success, Exit::from));
                    if out.write(&self.checked(report)).is_break() {
                        break;
                    }
                }
            }
            Err(failure) => {
                let error = Error::new("finding the name servers", failure);
                verdict.add(messages::local(&error, self.plan.form.is_json()));
            }
        }
        self.signals.end_at_once();
        verdict.exit(self.signals.stopped())
    }

    fn checked(&self, report: &CheckReport) -> String {
        let view = &self.output.view;
        let line = || {
            let config = Some(json::ResolveConfig::from(&self.plan));
            let body = json::Check { report, config };
            Line::new("check", self.cx.wall(), self.cx.elapsed(), body)
        };
        match self.plan.form {
            AnswerForm::Json => line().compact(view.rich),
            AnswerForm::Pretty => line().pretty(view.rich),
            AnswerForm::Quiet => String::new(),
            _ => tables::resolve::check::render(report, view),
        }
    }
}
