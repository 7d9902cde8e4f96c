//! One target, one dial.

use std::time::Duration;

use netkit::addr::Target;
use netkit::dial;
use netkit::event::Ignore;

use super::Session;
use crate::exit::Exit;
use crate::output::json::{Line, lines};
use crate::output::progress::Progress;
use crate::output::{Out, tables};
use crate::plan::Format;

/// A dial that is over sooner shows no progress: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(400);

pub(super) async fn run(session: &Session, target: &Target, out: &mut Out) -> Exit {
    let mut ignore = Ignore;
    let dial = dial::run(target, &session.dial, &session.io, &session.cx, &mut ignore);
    let report = with_spinner(session, target, dial).await;
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

/// Shows that something is going on once it takes long enough to wonder.
async fn with_spinner<T>(session: &Session, target: &Target, run: impl Future<Output = T>) -> T {
    let mut run = std::pin::pin!(run);
    if !session.output.progress {
        return session.drive(run, || ()).await;
    }
    tokio::select! {
        biased;
        result = &mut run => result,
        () = tokio::time::sleep(PATIENCE) => {
            let spinner = Progress::spinner(true, &format!("dialling {target}"));
            let result = session.drive(run, || ()).await;
            spinner.finish();
            result
        }
    }
}
