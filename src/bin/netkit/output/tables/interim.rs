//! What is known while something is still under way: the answer to SIGQUIT, a line on standard error.

use std::time::Duration;

use netkit::addr::Target;
use netkit::dial::Report;
use netkit::dial::report::{Attempt, AttemptOutcome};
use netkit::time::Millis;

use super::dial::phrase;
use crate::output::View;
use crate::output::facts::counted;

/// A dial, from the report as far as it has come.
pub(crate) fn dial(report: &Report, at: Duration, view: &View) -> String {
    let target = view.safe(&report.target);
    format!("{target}: {}; {} so far", stage(report), Millis(at))
}

fn stage(report: &Report) -> String {
    match (report.dialled_after().map(Millis), report.connect_ms) {
        (Some(total), _) => format!("connected in {total}, held open since"),
        (None, Some(connect)) => format!("connected after {connect}, exchanging"),
        (None, None) if report.attempts.is_empty() => "resolving".to_owned(),
        (None, None) => connecting(report),
    }
}

/// The addresses that have not answered yet, and what the others said.
fn connecting(report: &Report) -> String {
    let pending = report
        .attempts
        .iter()
        .filter(|attempt| attempt.outcome == AttemptOutcome::Pending);
    let pending: Vec<_> = pending.map(under_way).collect();
    let failed = report.attempts.iter().filter_map(|attempt| {
        let failure = attempt.failure.as_ref()?;
        Some(format!("{} {}", attempt.addr, phrase(failure.kind)))
    });
    let failed = failed.fold(String::new(), |all, one| all + ", " + &one);
    format!("connecting to {}{failed}", pending.join(" and "))
}

/// An attempt that goes on, and whether its transport stands already.
fn under_way(attempt: &Attempt) -> String {
    match attempt.tls_started_ms {
        Some(_) => format!("{} (TLS)", attempt.addr),
        None => attempt.addr.clone(),
    }
}

/// A connection that is relayed.
pub(crate) fn relay(target: &Target, sent: u64, received: u64, at: Duration) -> String {
    let (sent, received) = (counted(sent, "byte"), counted(received, "byte"));
    format!(
        "{target}: {sent} sent, {received} received; {} so far",
        Millis(at)
    )
}

/// A target that is waited for: its tries, and how the last one ended.
pub(crate) fn wait(
    target: &Target,
    last: Option<(u64, &Report)>,
    ready: bool,
    at: Duration,
) -> String {
    let state = match last {
        None => "no try is over yet".to_owned(),
        Some((tries, report)) => {
            let outcome = match &report.failure {
                Some(failure) => phrase(failure.kind),
                None => report.outcome.replace('_', " "),
            };
            let state = if ready { "as wanted" } else { "not yet" };
            format!("{state} at try {tries}, {outcome}")
        }
    };
    format!("{target}: {state}; {} so far", Millis(at))
}

#[cfg(test)]
mod tests {
    use netkit::dial::Event;
    use netkit::event::Stamped;
    use netkit::failure::{Failure, Kind, Stage};
    use netkit::net::PeerAddr;

    use super::*;

    const VIEW: View = View {
        width: 80,
        colour: false,
        rich: false,
        verbose: false,
    };

    /// What is said after each of these events.
    fn said(events: impl IntoIterator<Item = Event>) -> Vec<String> {
        let target: netkit::addr::TargetSpec = "localhost:80".parse().unwrap();
        let mut report = Report::new(&target.targets().next().unwrap());
        let at = Duration::from_millis(7);
        let say = |event| {
            report.apply(&Stamped::new(at, event));
            dial(&report, at, &VIEW)
        };
        events.into_iter().map(say).collect()
    }

    #[test]
    fn every_stage_has_its_words() {
        let peer = |port| PeerAddr::Tcp(([127, 0, 0, 1], port).into());
        let refused = Failure::new(Stage::Connect, Kind::Refused, "no");
        let lines = said([
            Event::ResolveStart {
                family: netkit::addr::Family::Ipv4,
            },
            Event::ConnectStart {
                attempt: 0,
                addr: peer(80),
            },
            Event::ConnectStart {
                attempt: 1,
                addr: peer(81),
            },
            Event::ConnectDone {
                attempt: 0,
                result: Err(refused),
                tls: None,
            },
        ]);
        assert_eq!(
            lines,
            [
                "localhost:80: resolving; 7.00 ms so far",
                "localhost:80: connecting to 127.0.0.1:80; 7.00 ms so far",
                "localhost:80: connecting to 127.0.0.1:80 and 127.0.0.1:81; 7.00 ms so far",
                "localhost:80: connecting to 127.0.0.1:81, 127.0.0.1:80 refused; 7.00 ms so far",
            ]
        );
    }
}
