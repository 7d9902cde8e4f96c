//! Until the targets answer, or no longer do; then perhaps another command.

use std::ffi::OsString;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::process::CommandExt;
use std::sync::Mutex;
use std::time::Duration;

use netkit::addr::Target;
use netkit::dial::Report;
use netkit::dial::wait::{self, Event, Summary};
use netkit::event::Stamped;
use netkit::failure::Class;

use super::{Session, Trouble, lock};
use crate::exit::Exit;
use crate::messages;
use crate::output::json::lines;
use crate::output::text::escape;
use crate::output::{Out, tables};
use crate::plan::Format;

pub(super) async fn run(
    session: &Session,
    targets: &[Target],
    wait: &wait::Config,
    command: &[OsString],
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let show = Mutex::new(Show {
        session,
        targets,
        last: targets.iter().map(|_| None).collect(),
        aside: !command.is_empty(),
        out,
    });
    let mut observer = |event: &Stamped<Event>| lock(&show).event(event);
    let run = wait::run(
        targets,
        &session.dial,
        wait,
        &session.io,
        &session.cx,
        &mut observer,
    );
    let summary = session.drive(run, || lock(&show).interim()).await;
    let exit = exit(&summary, session);
    let mut show = lock(&show);
    show.finish(&summary, exit);
    match command.split_first() {
        // A signal in the last moment still keeps the command from running.
        Some(_) if session.signals.has_come() => Ok(session.signals.stopped()),
        Some((program, arguments)) if exit == Exit::Success => {
            show.out.close();
            session.restore_limit();
            Ok(become_command(program, arguments))
        }
        _ => Ok(exit),
    }
}

/// The status of a wait: its own time ran out (124), unless every last try failed for a reason that
/// waiting does not cure.
fn exit(summary: &Summary, session: &Session) -> Exit {
    if summary.ok {
        return Exit::Success;
    }
    if session.cx.cancel().is_cancelled() {
        return session.signals.stopped();
    }
    let unmet = summary.targets.iter().filter(|waited| !waited.ok);
    let last: Option<Vec<_>> = unmet.map(|waited| waited.last_failure.as_ref()).collect();
    let all = |class: Class| {
        last.as_ref()
            .is_some_and(|all| all.iter().all(|failure| failure.kind.class() == class))
    };
    if all(Class::Local) {
        Exit::Local
    } else if all(Class::Resolve) {
        Exit::Resolve
    } else {
        Exit::Silence
    }
}

/// Replaces netkit; returns only if that is impossible.
fn become_command(program: &OsString, arguments: &[OsString]) -> Exit {
    let error = std::process::Command::new(program).args(arguments).exec();
    let program = escape(&program.to_string_lossy());
    messages::say(&format!("netkit: running {program}: {error}"));
    match error.kind() {
        io::ErrorKind::NotFound => Exit::NotFound,
        _ => Exit::NotExecutable,
    }
}

/// Shows what happens.
struct Show<'a> {
    session: &'a Session,
    targets: &'a [Target],
    /// Of each target the number of tries, the last one, and whether it was as wanted.
    last: Vec<Option<(u64, Box<Report>, bool)>>,
    /// Standard output will be the command's: people read standard error instead.
    aside: bool,
    out: &'a mut Out,
}

impl Show<'_> {
    fn event(&mut self, event: &Stamped<Event>) -> ControlFlow<()> {
        self.remember(&event.event);
        match &event.event {
            Event::Retry {
                tries,
                report,
                pause,
                ..
            } => self.retry(report, *tries, *pause, event.at),
            Event::Ready { tries, report, .. } => self.ready(report, *tries, event.at),
            _ => ControlFlow::Continue(()),
        }
    }

    fn remember(&mut self, event: &Event) {
        let (target, entry) = match event {
            Event::Retry {
                target,
                tries,
                report,
                ..
            } => (*target, (*tries, report.clone(), false)),
            Event::Ready {
                target,
                tries,
                report,
            } => (*target, (*tries, report.clone(), true)),
            _ => return,
        };
        if let Some(last) = self.last.get_mut(target) {
            *last = Some(entry);
        }
    }

    /// SIGQUIT: how far each target is.
    fn interim(&self) {
        let at = self.session.cx.elapsed();
        for (target, last) in self.targets.iter().zip(&self.last) {
            let ready = matches!(last, Some((_, _, true)));
            let last = last.as_ref().map(|(tries, report, _)| (*tries, &**report));
            let text = tables::interim::wait(target, last, ready, at);
            self.session.say_interim(&text);
        }
    }

    fn retry(
        &mut self,
        report: &Report,
        tries: u64,
        pause: Duration,
        at: Duration,
    ) -> ControlFlow<()> {
        let (target, outcome) = (report.target.as_str(), report.outcome.as_str());
        let (failure, pause_ms) = (report.failure.as_ref(), pause.into());
        match self.session.output.format {
            Format::Json | Format::Pretty => {
                let body = lines::Retry {
                    target,
                    tries,
                    outcome,
                    failure,
                    pause_ms,
                };
                self.out.write(&self.session.line("retry", at, body))
            }
            Format::Human => self.human(|view| tables::wait::retry(report, tries, pause, view)),
            Format::Quiet => ControlFlow::Continue(()),
        }
    }

    fn ready(&mut self, report: &Report, tries: u64, at: Duration) -> ControlFlow<()> {
        let (target, outcome) = (report.target.as_str(), report.outcome.as_str());
        let failure = report.failure.as_ref();
        match self.session.output.format {
            Format::Json | Format::Pretty => {
                let body = lines::Ready {
                    target,
                    tries,
                    outcome,
                    failure,
                };
                self.out.write(&self.session.line("ready", at, body))
            }
            Format::Human => self.human(|view| tables::wait::ready(report, tries, at, view)),
            Format::Quiet => ControlFlow::Continue(()),
        }
    }

    fn finish(&mut self, summary: &Summary, exit: Exit) {
        // What is wrong with standard output is told at the end.
        let _ = match self.session.output.format {
            Format::Json | Format::Pretty => {
                let body = lines::Summary {
                    of: lines::SummaryOf::Wait { wait: summary },
                    interrupted: self.session.cx.cancel().is_cancelled(),
                    exit_code: Some(exit.code()),
                    config: &self.session.config,
                };
                let line = self
                    .session
                    .line("summary", self.session.cx.elapsed(), body);
                self.out.write_last(&line)
            }
            Format::Human if !summary.ok => self.human(|view| tables::wait::failed(summary, view)),
            Format::Human | Format::Quiet => ControlFlow::Continue(()),
        };
    }

    fn human(&mut self, text: impl FnOnce(&crate::output::View) -> String) -> ControlFlow<()> {
        if self.aside {
            messages::say(text(&self.session.output.messages).trim_end());
            return ControlFlow::Continue(());
        }
        self.out.write(&text(&self.session.output.view))
    }
}
