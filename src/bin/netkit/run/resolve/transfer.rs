//! A zone transfer: every record as it comes, then what became of it.

use netkit::resolve::command::{Question, Record, Session, Verdict as Found, transfer};

use super::Job;
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::json::resolve as json;
use crate::output::{Out, tables};
use crate::plan::AnswerForm;

impl Job {
    /// Transfers the zones, one after the other.
    pub(super) async fn transfer(&self, session: &Session, out: &mut Out) -> Exit {
        let mut verdict = Verdict::default();
        let questions = self.plan.groups.iter().flat_map(|group| &group.questions);
        for question in questions {
            verdict.add(self.zone(session, question, out).await);
            if out.is_closed() || self.cx.cancel().is_cancelled() {
                break;
            }
        }
        verdict.exit(self.signals.stopped())
    }

    async fn zone(&self, session: &Session, question: &Question, out: &mut Out) -> Exit {
        let mut show = |record: &Record| out.write(&self.record(question, record));
        let done = transfer::run(session, question, &self.cx, &mut show).await;
        let transfer = match done {
            Ok(transfer) => transfer,
            Err(failure) => {
                let error = netkit::error::Error {
                    operation: "transferring a zone",
                    failure,
                };
                return messages::local(&error, self.plan.form.is_json());
            }
        };
        match self.plan.form {
            AnswerForm::Json | AnswerForm::Pretty => {
                let body = json::Transferred {
                    transfer: &transfer,
                    config: super::config(&self.plan),
                };
                let _ = out.write(&self.line("resolve_transfer", self.cx.elapsed(), body));
            }
            // The data is for standard output, what became of it for people.
            _ => messages::say(
                tables::resolve::transfer(&transfer, &self.output.messages).trim_end(),
            ),
        }
        match transfer.verdict {
            Found::Interrupted => self.signals.stopped(),
            verdict => verdict.into(),
        }
    }

    /// One record in the form that was asked for.
    fn record(&self, question: &Question, record: &Record) -> String {
        match self.plan.form {
            AnswerForm::Json | AnswerForm::Pretty => {
                let body = json::Transferring {
                    zone: &question.typed,
                    record,
                };
                self.line("resolve_record", self.cx.elapsed(), body)
            }
            AnswerForm::Quiet | AnswerForm::Rfc8427 => String::new(),
            AnswerForm::Short => format!("{}\n", record.data),
            AnswerForm::Human | AnswerForm::Zone => format!("{}\n", record.zone_line()),
        }
    }
}
