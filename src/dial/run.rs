//! One dial from the target to the report: resolve, race, exchange, hold.
//!
//! The stages are in files of their own; here is only their order, and what their results add up to.

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::config::{Config, Exchange};
use super::event::Event;
use super::exchange::{Ended, exchange};
use super::hold::hold;
use super::race::{self, Raced, Winner};
use super::recorder::Recorder;
use super::replay::replay;
use super::report::Report;
use super::tls::{self, Tls};
use crate::addr::Target;
use crate::deadline::Deadline;
use crate::event::{Ignore, Observer};
use crate::failure::Failure;
use crate::io::Io;
use crate::net::detection::{Detection, Sysctls};
use crate::net::pool::Pool;
use crate::net::{Connected, Connection, Keepalive};
use crate::run::Cx;

/// Dials a target and says what it was asked to say.
///
/// Returns by `config.timeout` (plus the hold, or the length of a recording), whatever hangs; a refusal, silence or a cancelled
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
    if let Some(mut winner) = connect(target, config, io, &deadline, &mut recorder).await {
        let connection = &mut *winner.connection;
        let ended = converse(connection, target, config, &deadline, &mut recorder).await;
        resume(winner, target, config, io, &deadline, &mut recorder).await;
        conclude(judged(ended, config, &recorder), &mut recorder);
    }
    recorder.report
}

/// Dials a target and hands over the connection instead of talking on it; the exchange, the hold
/// and the second handshake of `config` are not used.
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
    let winner = connect(target, config, io, &deadline, &mut recorder).await;
    let connection = winner.map(|winner| winner.connection);
    if connection.is_some() {
        conclude(judged(Ended::Well, config, &recorder), &mut recorder);
    }
    (recorder.report, connection)
}

/// Connections that are used again, by the index of their target.
pub(super) type Connections = Pool<usize, Box<dyn Connection>>;

/// Says what `config` asks for on a connection of the pool, or on a new one, which then goes there.
/// The hold and the second handshake of `config` are not used.
pub(super) async fn request<I: Io>(
    (key, target): (usize, &Target),
    config: &Config,
    io: &I,
    pool: &Connections,
    cx: &Cx,
) -> Report {
    let mut observer = Ignore;
    let mut recorder = Recorder::new(target, cx, &mut observer);
    let deadline = recorder.deadline(config.timeout);
    let connect = {
        let (recorder, deadline) = (&mut recorder, &deadline);
        move || async move {
            recorder.now(Event::Taken { reused: None });
            let winner = connect(target, config, io, deadline, recorder).await;
            winner.map(|winner| winner.connection).ok_or(())
        }
    };
    // The report says why there is none: bounded by its own deadline, and never by the pool's.
    let Ok(mut pooled) = pool.get(key, &cx.deadline(None), connect).await else {
        return recorder.report;
    };
    if pooled.is_reused() {
        let (facts, tcp_info) = (pooled.facts(), pooled.tcp_info());
        let reused = Some(Connected { facts, tcp_info });
        recorder.now(Event::Taken { reused });
    }
    pooled.begin();
    let ended = converse(&mut **pooled, target, config, &deadline, &mut recorder).await;
    if matches!(ended, Ended::Well) {
        pooled.end();
    }
    drop(pooled);
    conclude(judged(ended, config, &recorder), &mut recorder);
    recorder.report
}

/// Resolves and races; on failure the report is concluded here.
async fn connect<I: Io>(
    target: &Target,
    config: &Config,
    io: &I,
    deadline: &Deadline,
    recorder: &mut Recorder<'_>,
) -> Option<Winner> {
    let tls = config.tls.as_ref().filter(|tls| tls.applies_to(target));
    for warning in tls.iter().flat_map(|tls| tls.client.warnings()) {
        recorder.now(Event::Warning(warning.clone()));
    }
    match race::race(target, config, io, deadline, recorder).await {
        Raced::Won(winner) => {
            warn_of_unsent_syn(recorder);
            warn_of_tls(tls, recorder);
            predict(config, recorder);
            Some(winner)
        }
        Raced::Failed(failure) => {
            conclude(Ended::Badly(failure), recorder);
            None
        }
        Raced::Interrupted => None,
    }
}

/// Shakes hands a second time where that was asked for, once the first connection is over: some
/// servers serve one at a time.
async fn resume<I: Io>(
    winner: Winner,
    target: &Target,
    config: &Config,
    io: &I,
    deadline: &Deadline,
    recorder: &mut Recorder<'_>,
) {
    let tls = config.tls.as_ref().filter(|tls| tls.applies_to(target));
    let Winner {
        mut connection,
        addr,
        session,
    } = winner;
    let (Some(tls), Some(session)) = (tls.filter(|tls| tls.resume), &session) else {
        return;
    };
    // A session whose end was not announced may not be resumed (RFC 5246 §7.2.1).
    let _ = deadline.bound(connection.shutdown()).await;
    drop(connection);
    let (addr, options) = (&addr, &config.socket);
    // Seldom wanted, and large.
    let resumption = Box::pin(tls::resume(io, addr, options, tls, session, deadline)).await;
    recorder.now(Event::Resumed(resumption));
}

/// What is worth knowing of a handshake that succeeded.
fn warn_of_tls(tls: Option<&Tls>, recorder: &mut Recorder<'_>) {
    let (Some(tls), Some(handshake)) = (tls, &recorder.report.tls) else {
        return;
    };
    let mut warnings = Vec::new();
    if let Some(verification) = handshake.verification.as_ref().filter(|one| one.ignored) {
        let reason = verification.reason.as_deref().unwrap_or_default();
        warnings.push(format!("not verified, because of --insecure: {reason}"));
    }
    if tls.client.offers_protocols() && handshake.alpn.is_none() {
        let warning = "the server chose none of the protocols that were offered (ALPN)";
        warnings.push(warning.to_owned());
    }
    for warning in warnings {
        recorder.now(Event::Warning(warning));
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
    match speak(connection, target, config, deadline, recorder).await {
        Ended::Well => {}
        other => return other,
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

/// Says what is to be said: what was recorded, or else what the plan asks for.
async fn speak(
    connection: &mut dyn Connection,
    target: &Target,
    config: &Config,
    deadline: &Deadline,
    recorder: &mut Recorder<'_>,
) -> Ended {
    if let Some(recorded) = &config.replay {
        let limit = config.timeout.saturating_add(recorded.recording.length());
        let deadline = recorder.deadline(limit);
        return replay(connection, recorded, &deadline, recorder).await;
    }
    let plan = effective_exchange(target, &config.exchange);
    if plan.is_empty() {
        return Ended::Well;
    }
    exchange(connection, &plan, deadline, recorder).await
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

/// The conditions of the user, once all went well.
fn judged(ended: Ended, config: &Config, recorder: &Recorder<'_>) -> Ended {
    let Ended::Well = ended else {
        return ended;
    };
    let mut failures = config
        .fail_if
        .iter()
        .filter_map(|gate| gate.judge(&recorder.report));
    failures.next().map_or(Ended::Well, Ended::Badly)
}

fn conclude(ended: Ended, recorder: &mut Recorder<'_>) {
    let failure: Option<Failure> = match ended {
        Ended::Well => None,
        Ended::Badly(failure) => Some(failure),
        Ended::Interrupted => return,
    };
    recorder.at(Instant::now(), Event::Done { failure });
}
