//! One dial from the target to the report: resolve, race, exchange, hold.
//!
//! The stages are in files of their own; here is only their order, and what their results add up to.

use tokio::time::Instant;

use super::config::{Config, Exchange};
use super::event::Event;
use super::exchange::{Ended, exchange};
use super::hold::hold;
use super::race::{self, Raced};
use super::recorder::Recorder;
use super::report::Report;
use crate::addr::Target;
use crate::deadline::Deadline;
use crate::event::Observer;
use crate::failure::Failure;
use crate::io::Io;
use crate::net::detection::{Detection, Sysctls};
use crate::net::{Connected, Connection, Keepalive};
use crate::run::Cx;

/// Dials a target and says what it was asked to say.
///
/// Returns by `config.timeout` (plus the hold), whatever hangs; a refusal, silence or a cancelled
/// run is a report, not an error. Every socket but none is closed on return: a dial leaves nothing
/// behind.
///
/// Cancel safety: dropping the future closes all sockets. To get the partial report, cancel the
/// token of `cx` instead.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::{addr::Target, dial, event::Ignore, io::SystemIo, run::Cx};
/// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// let target = Target::from(listener.local_addr().unwrap());
/// let (config, io) = (dial::Config::default(), SystemIo::default());
/// let report = dial::run(&target, &config, &io, &Cx::default(), &mut Ignore).await;
/// assert_eq!(report.outcome, "connected");
/// # });
/// ```
pub async fn run<I: Io>(
    target: &Target,
    config: &Config,
    io: &I,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Report {
    let mut recorder = Recorder::new(target, cx, observer);
    let deadline = recorder.deadline(config.timeout);
    if let Some(mut connection) = connect(target, config, io, &deadline, &mut recorder).await {
        let ended = converse(&mut *connection, target, config, &deadline, &mut recorder).await;
        conclude(ended, &mut recorder);
    }
    recorder.report
}

/// Dials a target and hands over the connection instead of talking on it; the exchange and the
/// hold of `config` are not used.
///
/// Cancel safety: as [`run`].
pub async fn open<I: Io>(
    target: &Target,
    config: &Config,
    io: &I,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> (Report, Option<Box<dyn Connection>>) {
    let mut recorder = Recorder::new(target, cx, observer);
    let deadline = recorder.deadline(config.timeout);
    let connection = connect(target, config, io, &deadline, &mut recorder).await;
    if connection.is_some() {
        conclude(Ended::Well, &mut recorder);
    }
    (recorder.report, connection)
}

/// Resolves and races; on failure the report is concluded here.
async fn connect<I: Io>(
    target: &Target,
    config: &Config,
    io: &I,
    deadline: &Deadline,
    recorder: &mut Recorder<'_>,
) -> Option<Box<dyn Connection>> {
    match race::race(target, config, io, deadline, recorder).await {
        Raced::Won(connection) => {
            warn_of_unsent_syn(recorder);
            predict(config, recorder);
            Some(connection)
        }
        Raced::Failed(failure) => {
            conclude(Ended::Badly(failure), recorder);
            None
        }
        Raced::Interrupted => None,
    }
}

/// With a Fast Open cookie the kernel says "connected" before it has sent anything (RFC 7413 §4.1):
/// only what follows shows whether somebody is there.
fn warn_of_unsent_syn(recorder: &mut Recorder<'_>) {
    let state = recorder
        .report
        .tcp_info
        .as_ref()
        .map(|info| info.state.as_ref());
    if state == Some("syn_sent") {
        let warning = "Fast Open: the SYN waits for the first data, so the connect time is not a \
                       round trip and the network has not chosen among the addresses";
        recorder.now(Event::Warning(warning.to_owned()));
    }
}

/// Predicts when a dead peer would be noticed, and warns a user who relies on keepalive for it.
fn predict(config: &Config, recorder: &mut Recorder<'_>) {
    let Some(facts) = recorder.report.keepalive else {
        return;
    };
    let info = recorder.report.tcp_info.as_ref();
    let Some(detection) = Detection::of(&facts, info, &Sysctls::read()) else {
        return;
    };
    let relies = config.hold.is_some() || config.socket.keepalive != Keepalive::default();
    let unbounded = facts.requested.enabled && facts.user_timeout_ms.is_none();
    let in_flight = detection.in_flight_ms.filter(|_| relies && unbounded);
    recorder.now(Event::Detection(detection));
    if let Some(in_flight) = in_flight {
        let warning = format!(
            "keepalive does not fire while sent data is unacknowledged: a dead peer would then be \
             noticed after {in_flight}; --user-timeout bounds that"
        );
        recorder.now(Event::Warning(warning));
    }
}

/// Says what is to be said on the connection, and holds it.
async fn converse(
    connection: &mut dyn Connection,
    target: &Target,
    config: &Config,
    deadline: &Deadline,
    recorder: &mut Recorder<'_>,
) -> Ended {
    let plan = effective_exchange(target, &config.exchange);
    if !plan.is_empty() {
        match exchange(connection, &plan, deadline, recorder).await {
            Ended::Well => {}
            other => return other,
        }
    }
    if config.socket.fastopen {
        let (facts, tcp_info) = (connection.facts(), connection.tcp_info());
        recorder.now(Event::HandshakeDone(Connected { facts, tcp_info }));
    }
    recorder.now(Event::Dialled);
    let Some(duration) = config.hold else {
        return Ended::Well;
    };
    hold(connection, duration, deadline, recorder)
        .await
        .map_or(Ended::Well, Ended::Badly)
}

/// On a datagram transport nothing is learned without a datagram: an empty one is sent where the
/// user gave none.
fn effective_exchange(target: &Target, asked: &Exchange) -> Exchange {
    let mut plan = asked.clone();
    if target.network.transport().is_datagram() && plan.send.is_none() && !plan.banner {
        plan.send = Some(Vec::new());
    }
    plan
}

fn conclude(ended: Ended, recorder: &mut Recorder<'_>) {
    let failure: Option<Failure> = match ended {
        Ended::Well => None,
        Ended::Badly(failure) => Some(failure),
        Ended::Interrupted => return,
    };
    recorder.at(Instant::now(), Event::Done { failure });
}
