//! Plays the client's side of a recorded connection again, and compares what the server says now
//! with what it said then.

mod player;
mod recording;

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use self::player::{Player, Step};
pub use self::recording::Recording;
use super::event::Event;
use super::exchange::Ended;
use super::recorder::Recorder;
use super::report;
use crate::deadline::{Deadline, Expired};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::net::Connection;
use crate::time::Millis;

/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// What is played, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Both sides of one connection.
    pub recording: Recording,
    /// Leaves out the recorded pauses: each piece is said as soon as the server has said what it
    /// had said before that piece. Default: each at its recorded time, if the server has.
    pub fast: bool,
    /// The number of the connection in its record, for the report. Default 0.
    pub connection: u64,
    /// How many connections the record holds, for the report. Default 0.
    pub connections: u64,
}

/// A system call that failed, and the stage it belongs to.
struct Broken(Stage, io::Error);

/// Plays until all has happened as recorded or cannot any more; bounded by `deadline`.
///
/// Cancel safe: the connection is the caller's, and what was said is only counted.
pub(super) async fn replay(
    connection: &mut dyn Connection,
    replay: &Replay,
    deadline: &Deadline,
    recorder: &mut Recorder<'_>,
) -> Ended {
    recorder.now(Event::ExchangeStart);
    let started = Instant::now();
    let mut player = Player::new(replay, started);
    let result = deadline.bound(play(connection, &mut player)).await;
    if let Some(at) = player.first_byte {
        let asked = player.first_said.filter(|said| *said <= at);
        let after = at
            .saturating_duration_since(asked.unwrap_or(started))
            .into();
        recorder.at(at, Event::FirstByte { after });
    }
    let failure = match &result {
        _ if player.is_equal() => None,
        Err(Expired::Cancelled) => None,
        _ if player.says_otherwise() => Some(otherwise(&player)),
        _ if player.closed => Some(closed_early(&player, replay)),
        Ok(Err(Broken(stage, error))) => Some(connection.explain(*stage, error)),
        Err(Expired::TimedOut) | Ok(Ok(())) => Some(timed_out(&player, replay)),
    };
    let interrupted = matches!(result, Err(Expired::Cancelled)) && !player.is_equal();
    let replay = report(&player, replay, started, recorder);
    recorder.now(Event::ReplayDone {
        replay,
        failure: failure.clone(),
    });
    match failure {
        Some(failure) => Ended::Badly(failure),
        None if interrupted => Ended::Interrupted,
        None => Ended::Well,
    }
}

/// Says and hears in turn, whichever can be done. What the peer had said before the connection broke
/// is still read.
async fn play(connection: &mut dyn Connection, player: &mut Player<'_>) -> Result<(), Broken> {
    let (mut reader, mut writer) = tokio::io::split(connection);
    let (mut chunk, mut broken) = (vec![0; CHUNK], None);
    while !player.is_over() {
        let step = player.step(Instant::now());
        tokio::select! {
            read = reader.read(&mut chunk), if !player.closed => match read {
                Ok(count) => player.hears(&chunk[..count], Instant::now()),
                Err(error) => return Err(broken.unwrap_or(Broken(Stage::Receive, error))),
            },
            went = take(&step, &mut writer) => match went {
                Ok(Some(count)) => player.went(count, Instant::now()),
                Ok(None) => {}
                Err(error) => {
                    player.mute();
                    broken.get_or_insert(Broken(Stage::Send, error));
                }
            },
        }
    }
    broken.map_or(Ok(()), Err)
}

/// Does what comes next; says how many bytes went, or that only time passed. Cancel safe.
async fn take<W: AsyncWriteExt + Unpin>(
    step: &Step<'_>,
    writer: &mut W,
) -> io::Result<Option<usize>> {
    match step {
        Step::Say(bytes) => match writer.write(bytes).await? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            count => Ok(Some(count)),
        },
        Step::Close => writer.shutdown().await.map(|()| Some(0)),
        Step::Until(due) => {
            tokio::time::sleep_until(*due).await;
            Ok(None)
        }
        Step::Listen => std::future::pending().await,
    }
}

fn differs(message: String) -> Failure {
    Failure::new(Stage::Receive, Kind::UnexpectedReply, message).by(Who::Netkit)
}

fn otherwise(player: &Player<'_>) -> Failure {
    let (recorded, came) = player.difference();
    let at = player.agreed();
    let message = match recorded {
        [] => format!("the server said more than the {at} bytes that were recorded"),
        _ => format!("the server said something else than was recorded, from byte {at} on"),
    };
    let text = came.escape_ascii().to_string();
    differs(message).because(Evidence::FirstBytes { text })
}

fn closed_early(player: &Player<'_>, replay: &Replay) -> Failure {
    let (came, all) = (player.received, replay.recording.heard.len());
    let message = if came < all as u64 {
        format!("the server closed the connection after {came} of {all} recorded bytes")
    } else {
        "the server closed the connection before all was said".to_owned()
    };
    differs(message).because(Evidence::Fin { after_bytes: came })
}

fn timed_out(player: &Player<'_>, replay: &Replay) -> Failure {
    let (came, all) = (player.received, replay.recording.heard.len());
    let (said, words) = (player.sent, replay.recording.said_bytes());
    if came == 0 && all > 0 {
        let message = format!("the server said nothing in time, where {all} bytes were recorded");
        return Failure::new(Stage::Receive, Kind::Timeout, message);
    }
    if came < all as u64 {
        let message = format!("the server said only {came} of {all} recorded bytes in time");
        return differs(message);
    }
    if said < words {
        let message = format!("the server took only {said} of {words} bytes in time");
        return Failure::new(Stage::Send, Kind::Timeout, message);
    }
    differs("the server did not close the connection in time, as it had when recorded".to_owned())
}

fn report(
    player: &Player<'_>,
    replay: &Replay,
    started: Instant,
    recorder: &Recorder<'_>,
) -> report::Replay {
    let (wanted, came) = player.difference();
    let shown = |bytes: &[u8]| (!bytes.is_empty()).then(|| bytes.to_vec().into());
    let (then, now): (Vec<_>, Vec<_>) = player.times.iter().copied().unzip();
    report::Replay {
        connection: replay.connection,
        connections: replay.connections,
        equal: player.is_equal(),
        sent_bytes: player.sent,
        recorded_sent_bytes: replay.recording.said_bytes(),
        received_bytes: player.received,
        recorded_received_bytes: replay.recording.heard.len() as u64,
        agreed_bytes: player.agreed(),
        recorded: shown(wanted),
        received: shown(came),
        closed_by_peer: player.closed,
        recorded_close: replay.recording.server_closed,
        answers: player.times.len() as u64,
        recorded_answer_ms: mean(&then),
        answer_ms: mean(&now),
        recorded_answer_max_ms: then.into_iter().max().map(Millis),
        answer_max_ms: now.into_iter().max().map(Millis),
        recorded_ms: replay.recording.length().into(),
        started_ms: recorder.since_start(started),
        ended_ms: recorder.since_start(Instant::now()),
    }
}

fn mean(times: &[Duration]) -> Option<Millis> {
    let count = u32::try_from(times.len()).ok().filter(|count| *count > 0)?;
    Some((times.iter().sum::<Duration>() / count).into())
}
