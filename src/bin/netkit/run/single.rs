//! One target, one dial.

use std::sync::Mutex;
use std::time::Duration;

use netkit::addr::Target;
use netkit::dial::{self, Report};
use netkit::event::Stamped;

use super::{Session, lock};
use crate::exit::Exit;
use crate::output::json::{Line, lines};
use crate::output::progress::Progress;
use crate::output::{Out, tables};
use crate::plan::Format;

/// A dial that is over sooner shows no progress: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(400);

pub(super) async fn run(session: &Session, target: &Target, out: &mut Out) -> Exit {
    let so_far = Mutex::new(Report::new(target));
    let mut observer = |event: &Stamped<dial::Event>| lock(&so_far).apply(event);
    let (io, cx) = (&session.io, &session.cx);
    let dial = dial::run(target, &session.dial, io, cx, &mut observer);
    let report = with_spinner(session, target, dial, &so_far).await;
    let dialled = lines::Dial {
        config: Some(&session.config),
        ..lines::Dial::in_stream(&report)
    };
    let line = || Line::new("dial", session.cx.wall(), session.cx.elapsed(), dialled);
    let text = match session.output.format {
        Format::Human => tables::dial::render(&report, &session.output.view),
        Format::Json => line().compact(session.output.view.rich),
        Format::Pretty => line().pretty(session.output.view.rich),
        Format::Quiet => String::new(),
    };
    session.signals.end_at_once();
    // What is wrong with standard output is told at the end.
    let _ = out.write(&text);
    Exit::of_report(&report, session.signals.stopped())
}

/// Shows that something is going on once it takes long enough to wonder; SIGQUIT shows what.
async fn with_spinner<T>(
    session: &Session,
    target: &Target,
    run: impl Future<Output = T>,
    so_far: &Mutex<Report>,
) -> T {
    let mut run = std::pin::pin!(run);
    let interim = || {
        let (at, view) = (session.cx.elapsed(), &session.output.messages);
        tables::interim::dial(&lock(so_far), at, view)
    };
    if !session.output.progress {
        return session.drive(run, || session.say_interim(&interim())).await;
    }
    tokio::select! {
        biased;
        result = &mut run => result,
        () = tokio::time::sleep(PATIENCE) => {
            let spinner = Progress::spinner(true, &format!("dialling {target}"));
            let say = || spinner.suspend(|| session.say_interim(&interim()));
            let result = session.drive(run, say).await;
            spinner.finish();
            result
        }
    }
}
