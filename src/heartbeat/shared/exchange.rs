//! The second step of a beat: said on a connection of its own, and answered there.

use std::time::Duration;

use tokio::time::Instant;

use super::{Ended, Shared, Taken};
use crate::failure::{Failure, Kind, Stage};
use crate::heartbeat::codec::Codec;
use crate::heartbeat::liveness::{self, Kernel};
use crate::heartbeat::session::Heard;
use crate::heartbeat::waiting::Pending;

/// A beat that has a connection.
pub(in crate::heartbeat) struct Exchange {
    pub(in crate::heartbeat) beat: Pending,
    pub(in crate::heartbeat) taken: Taken,
    pub(in crate::heartbeat) codec: Codec,
    pub(in crate::heartbeat) deadline: Instant,
    /// All stalls of this machine when it began.
    pub(in crate::heartbeat) stalled: Duration,
    /// Whether both ends have one kernel.
    pub(in crate::heartbeat) unix: bool,
}

/// A beat that was said.
pub(in crate::heartbeat) struct Exchanged {
    pub(in crate::heartbeat) beat: Pending,
    pub(in crate::heartbeat) sent: Instant,
    pub(in crate::heartbeat) at: Instant,
    pub(in crate::heartbeat) stalled: Duration,
    pub(in crate::heartbeat) reused: bool,
    pub(in crate::heartbeat) said: Said,
}

/// What became of what was said. But for an answer the connection is closed: a late one must not be
/// taken for that of another beat.
pub(in crate::heartbeat) enum Said {
    /// The answer, after that long.
    Answered(Duration, Result<(), Box<Failure>>),
    /// None in time.
    Silent(Ended, Kernel, Option<Duration>),
    /// The connection ended first.
    Ended(Ended),
}

impl Exchange {
    /// Says it and waits for the answer. Cancel safety: dropping the future closes the connection.
    pub(in crate::heartbeat) async fn run(mut self, shared: &Shared) -> Exchanged {
        let (beat, stalled) = (self.beat, self.stalled);
        let sent = Instant::now();
        let reused = self.taken.is_reused();
        let message = self.codec.message(beat.seq);
        self.taken.begin();
        let answer = tokio::select! {
            biased;
            answer = answer(&mut self.taken, &message, &self.codec) => Some(answer),
            () = tokio::time::sleep_until(self.deadline) => None,
        };
        let at = Instant::now();
        let said = match answer {
            Some(Ok(reply)) => {
                shared.heard(&self.taken.key, at);
                let verdict = self.codec.judge(Some(beat.seq), &reply);
                if verdict.is_ok() || self.codec.stays_in_step() {
                    self.taken.end();
                }
                let session = &mut self.taken.session;
                (session.heard, session.worked) = (at, true);
                Said::Answered(at.saturating_duration_since(sent), verdict)
            }
            Some(Err(failure)) => {
                let ended = Ended::of(&self.taken.session, failure);
                shared.met_end(&self.taken.key, &ended);
                Said::Ended(ended)
            }
            None => silence(&self.taken, self.unix, sent, at),
        };
        Exchanged {
            beat,
            sent,
            at,
            stalled,
            reused,
            said,
        }
    }
}

/// Says it and takes the whole answer; what comes behind it is left, and makes the connection unfit.
async fn answer(taken: &mut Taken, message: &[u8], codec: &Codec) -> Result<Vec<u8>, Failure> {
    let session = &mut taken.session;
    session.send(message)?;
    loop {
        if let Some(len) = codec.reply_len(&session.input, message.len()) {
            return Ok(session.input.drain(..len).collect());
        }
        match std::future::poll_fn(|cx| session.poll(cx)).await {
            Heard::Bytes | Heard::Datagram(_) => {}
            Heard::Ended(failure) | Heard::Refused(failure) => return Err(failure),
        }
    }
}

/// Nothing came in time: what the peer's kernel says of it.
fn silence(taken: &Taken, unix: bool, sent: Instant, now: Instant) -> Said {
    let session = &taken.session;
    let (kernel, acknowledged) = if unix {
        (Kernel::Acknowledges, None)
    } else {
        liveness::ask(&*session.connection, (sent, true), now)
    };
    let message = format!("{} did not answer any more", taken.peer());
    let failure = Failure::new(Stage::Receive, Kind::Timeout, message);
    Said::Silent(Ended::of(session, failure), kernel, acknowledged)
}
