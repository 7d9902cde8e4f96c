//! How a session comes to stand, and to stand again: attempts, pauses between them, and the account
//! of both.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use super::config::Config;
use super::event::{Attempt, Cause, Certificate, Disconnect, Reconnect};
use crate::addr::Target;
use crate::dial;
use crate::event::Ignore;
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::io::Io;
use crate::net::Connection;
use crate::policy::backoff::Backoff;
use crate::run::Cx;

/// Attempts that are kept whole.
const KEPT: usize = 16;

/// A future that a driver polls.
pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How an attempt ended.
pub(super) struct Tried {
    pub(super) result: Result<Box<dyn Connection>, Box<Failure>>,
    /// What the peer showed, whether or not that would do.
    pub(super) certificate: Option<Box<Certificate>>,
}

/// The way to a session.
pub(super) struct Link<'a> {
    /// The attempt under way.
    pub(super) attempt: Option<Boxed<'a, Tried>>,
    /// When the next one begins.
    next: Option<Instant>,
    began: Instant,
    pause: Duration,
    backoff: Backoff,
    limit: Option<Duration>,
    /// Since when there has been no session.
    since: Instant,
    lost: Option<(Cause, Duration)>,
    previous: Option<String>,
    attempts: Vec<Attempt>,
    total: u64,
    /// Why there is no session.
    pub(super) failure: Option<Box<Failure>>,
    /// The silence after which the peer closed the last session.
    silence: Option<Duration>,
}

impl<'a> Link<'a> {
    /// Ready for the first attempt, at once.
    pub(super) fn new(config: &Config, now: Instant) -> Self {
        let again = &config.reconnect;
        Self {
            attempt: None,
            next: Some(now),
            began: now,
            pause: Duration::ZERO,
            backoff: Backoff::new(again.min, again.max),
            limit: again.give_up_after,
            since: now,
            lost: None,
            previous: None,
            attempts: Vec::new(),
            total: 0,
            failure: None,
            silence: None,
        }
    }

    /// When the next attempt begins, if none is under way.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Not before then.
    pub(super) fn hold_until(&mut self, at: Instant) {
        self.next = self.next.map(|next| next.max(at));
    }

    /// At once, if no attempt is under way.
    pub(super) fn hurry(&mut self, now: Instant) {
        if self.attempt.is_none() {
            self.next = Some(now);
        }
    }

    /// Begins an attempt; the name is looked up again.
    pub(super) fn begin<I: Io>(
        &mut self,
        target: &'a Target,
        config: &'a Config,
        io: &'a I,
        now: Instant,
    ) {
        (self.next, self.began) = (None, now);
        self.attempt = Some(Box::pin(async move {
            let dial = dial::Config {
                timeout: config.reconnect.timeout,
                ..config.dial.clone()
            };
            let (report, connection) =
                dial::open(target, &dial, io, &Cx::default(), &mut Ignore).await;
            let certificate = report.tls.as_ref().and_then(Certificate::of);
            let failure = || Box::new(report.failure.unwrap_or_else(|| interrupted(target)));
            let result = connection.ok_or_else(failure);
            Tried {
                result,
                certificate,
            }
        }));
    }

    /// An attempt is over that was not begun here.
    pub(super) fn attempted(&mut self, began: Instant) {
        self.began = began;
    }

    /// An attempt failed: a pause, unless the target is given up.
    pub(super) fn failed(&mut self, failure: Box<Failure>, now: Instant) -> Option<Reconnect> {
        self.note(Some(failure.kind), now);
        self.attempt = None;
        if let Some((cause @ Cause::Fin, _)) = &mut self.lost
            && failure.kind == Kind::Refused
        {
            *cause = Cause::Exit;
        }
        self.failure = Some(failure);
        self.pause = self.backoff.next_pause();
        let gone = now.saturating_duration_since(self.since);
        if self.limit.is_some_and(|limit| gone >= limit) {
            return Some(self.account(None, None));
        }
        self.next = now.checked_add(self.pause);
        None
    }

    /// A session stands.
    pub(super) fn stands(&mut self, peer: Option<String>, now: Instant) -> Reconnect {
        self.note(None, now);
        (self.attempt, self.failure) = (None, None);
        let took = now.saturating_duration_since(self.since);
        self.account(peer, Some(took))
    }

    /// A reply came: the next loss begins with the shortest pause.
    pub(super) fn answered(&mut self) {
        self.backoff.reset();
    }

    /// A session ended: the next attempt begins at once, unless this one has not worked at all.
    pub(super) fn lost(&mut self, end: &Ending<'_>, now: Instant) -> Disconnect {
        let noticed = now.saturating_duration_since(end.heard);
        let cause = self.cause(end, noticed);
        self.since = now;
        self.lost = Some((cause, noticed));
        self.previous = end.peer.map(str::to_owned);
        self.failure = Some(Box::new(end.failure.clone()));
        self.pause = if end.worked {
            Duration::ZERO
        } else {
            self.backoff.next_pause()
        };
        self.next = now.checked_add(self.pause);
        Disconnect {
            cause,
            noticed_ms: noticed.into(),
            peer: self.previous.clone(),
            failure: Box::new(end.failure.clone()),
        }
    }

    /// A peer that closes twice after the same silence has an idle limit.
    fn cause(&mut self, end: &Ending<'_>, silence: Duration) -> Cause {
        let cause = cause(end.failure);
        if cause != Cause::Fin || !end.quiet || silence < LEAST_IDLE {
            return cause;
        }
        let before = self.silence.replace(silence);
        let same = before.is_some_and(|before| before.abs_diff(silence) < before / 10);
        if same { Cause::Idle } else { cause }
    }

    fn note(&mut self, failed: Option<Kind>, now: Instant) {
        if self.attempts.len() == KEPT {
            self.attempts.remove(0);
        }
        self.total += 1;
        self.attempts.push(Attempt {
            pause_ms: self.pause.into(),
            took_ms: now.saturating_duration_since(self.began).into(),
            failed,
        });
    }

    fn account(&mut self, peer: Option<String>, recovered: Option<Duration>) -> Reconnect {
        let lost = self.lost.take();
        Reconnect {
            cause: lost.map(|(cause, _)| cause),
            noticed_ms: lost.map(|(_, noticed)| noticed.into()),
            attempts: std::mem::take(&mut self.attempts),
            attempts_total: std::mem::take(&mut self.total),
            recovered_ms: recovered.map(Into::into),
            peer,
            previous_peer: self.previous.take(),
        }
    }
}

/// A silence that an idle limit could have.
const LEAST_IDLE: Duration = Duration::from_secs(1);

/// The end of a session.
pub(super) struct Ending<'a> {
    pub(super) failure: &'a Failure,
    /// The last sign of life.
    pub(super) heard: Instant,
    pub(super) peer: Option<&'a str>,
    /// Whether it ever answered.
    pub(super) worked: bool,
    /// Whether nothing was waited for.
    pub(super) quiet: bool,
}

/// What a failure says about the end.
fn cause(failure: &Failure) -> Cause {
    let icmp = |fact: &Evidence| matches!(fact, Evidence::Icmp { .. });
    match failure.kind {
        _ if failure.evidence.iter().any(icmp) => Cause::Icmp,
        Kind::Reset | Kind::Refused => Cause::Rst,
        Kind::ClosedEarly => Cause::Fin,
        Kind::Timeout | Kind::HalfOpen | Kind::NoReply | Kind::Filtered => Cause::Timeout,
        _ => Cause::Local,
    }
}

fn interrupted(target: &Target) -> Failure {
    let message = format!("connecting to {target} was interrupted");
    Failure::new(Stage::Connect, Kind::Timeout, message).by(Who::Netkit)
}

impl std::fmt::Debug for Link<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("connecting", &self.attempt.is_some())
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: Kind) -> Failure {
        Failure::new(Stage::Connect, kind, "of a test").by(Who::Peer)
    }

    /// What a session that ended with `end`, and whose next attempt failed with `next`, ended of.
    fn turned_out(end: Kind, next: Kind) -> Option<Cause> {
        let now = Instant::now();
        let mut link = Link::new(&Config::default(), now);
        link.lost(
            &Ending {
                failure: &failure(end),
                heard: now,
                peer: None,
                worked: true,
                quiet: false,
            },
            now,
        );
        let given_up = link.failed(Box::new(failure(next)), now);
        assert!(given_up.is_none());
        link.stands(None, now).cause
    }

    #[test]
    fn a_peer_that_closes_and_is_refused_since_has_ended() {
        let rows = [
            (Kind::ClosedEarly, Kind::Refused, Cause::Exit),
            (Kind::ClosedEarly, Kind::Timeout, Cause::Fin),
            (Kind::Reset, Kind::Refused, Cause::Rst),
            (Kind::Timeout, Kind::Refused, Cause::Timeout),
        ];
        for (end, next, cause) in rows {
            assert_eq!(turned_out(end, next), Some(cause), "{end:?} {next:?}");
        }
    }
}
