//! One target, connected to standard input and output.

use std::io;
use std::sync::Mutex;

use netkit::addr::Target;
use netkit::dial::{self, Report, stdio};
use netkit::error::Error;
use netkit::event::Stamped;

use super::{Session, Trouble, lock};
use crate::exit::Exit;
use crate::messages;
use crate::output::tables;
use crate::output::text::escape;
use crate::plan::Format;

pub(super) async fn run(session: &Session, target: &Target) -> Result<Exit, Trouble> {
    let (io, cx) = (&session.io, &session.cx);
    let so_far = Mutex::new(Report::new(target));
    let mut observer = |event: &Stamped<dial::Event>| lock(&so_far).apply(event);
    let open = dial::open(target, &session.dial, io, cx, &mut observer);
    let view = &session.output.messages;
    let interim = || tables::interim::dial(&lock(&so_far), cx.elapsed(), view);
    let opened = session.drive(open, || session.say_interim(&interim()));
    let (report, connection) = opened.await;
    if connection.is_none() || session.output.view.verbose {
        say(session, &report);
    }
    let Some(connection) = connection else {
        return Ok(Exit::of_report(&report, session.signals.stopped()));
    };
    let config = stdio::Config {
        interactive: session.output.stdin_tty,
        ..stdio::Config::default()
    };
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    let (deadline, progress) = (cx.deadline(None), stdio::Progress::default());
    let relay = stdio::relay(connection, input, output, config, &progress, &deadline);
    let interim = || {
        let (sent, received) = (progress.sent_bytes(), progress.received_bytes());
        tables::interim::relay(target, sent, received, cx.elapsed())
    };
    match session
        .drive(relay, || session.say_interim(&interim()))
        .await
    {
        Ok(relayed) => Ok(ended(session, &relayed)),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Success),
        Err(error) => Err(Error::local("relaying standard input and output", &error).into()),
    }
}

fn ended(session: &Session, relayed: &stdio::Relayed) -> Exit {
    match &relayed.failure {
        Some(failure) => {
            messages::say(&escape(&format!("netkit: {failure}")));
            failure.into()
        }
        None if relayed.interrupted && relayed.sent_bytes + relayed.received_bytes == 0 => {
            session.signals.stopped()
        }
        None => Exit::Success,
    }
}

/// The report goes to standard error: standard output is the connection's.
fn say(session: &Session, report: &Report) {
    if session.output.format != Format::Quiet {
        messages::say(tables::dial::render(report, &session.output.messages).trim_end());
    }
}
