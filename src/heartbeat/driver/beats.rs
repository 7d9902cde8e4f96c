//! Beats: sent, answered, failed.

use std::time::Duration;

use tokio::time::Instant;

use super::Driver;
use crate::failure::{Evidence, Failure, Kind, Stage};
use crate::heartbeat::config::{MOST_CONNECTS, MOST_WAITING};
use crate::heartbeat::connects::{Connected, connect};
use crate::heartbeat::event::{Beat, Fact, Late, SkipReason, Skipped};
use crate::heartbeat::health::Failed;
use crate::heartbeat::liveness::{self, Kernel};
use crate::heartbeat::waiting::{Owner, Pending, Place, Shell, Waiting, What};
use crate::io::Io;
use crate::policy::breaker::{Answer, Permit, State as BreakerState};
use crate::policy::pace::Slot;
use crate::time::Millis;

/// What became of a beat.
pub(super) struct Outcome {
    pub(super) beat: Pending,
    pub(super) sent: Option<Instant>,
    pub(super) at: Instant,
    /// The round trip; `None` within when this machine stood still meanwhile.
    pub(super) result: Result<Option<Duration>, Box<Failure>>,
    pub(super) kernel: Kernel,
    /// How long the peer's kernel took to acknowledge it, where that is known.
    pub(super) acknowledged: Option<Duration>,
    /// With shared connections: whether it had one that was open already.
    pub(super) reused: Option<bool>,
}

impl<I: Io> Driver<'_, I> {
    /// A beat is due.
    pub(super) fn beat(&mut self, slot: Slot, now: Instant) {
        let seq = slot.seq;
        if slot.missed {
            return self.skip(seq, SkipReason::Late, now);
        }
        let connects = !self.config.probe.is_persistent();
        let shared = self.sharing.as_ref().map_or(0, |sharing| sharing.beats);
        let connecting = self.dials.len().max(shared);
        if connecting >= MOST_CONNECTS || self.queue.open() >= MOST_WAITING {
            return self.skip(seq, SkipReason::Busy, now);
        }
        let Ok(permit) = self.admit(now) else {
            return self.skip(seq, SkipReason::BreakerOpen, now);
        };
        let due = slot.due;
        let beat = Pending { seq, due, permit };
        if self.sharing.is_some() {
            return self.share(beat, now);
        }
        self.health.sent(self.log.at(now));
        if connects {
            let (target, config, io) = (self.target, self.config, self.io);
            self.dials
                .push(connect(target, config, io, beat, self.stalled));
        } else {
            let message = self.codec.message(seq);
            self.say(What::Beat(beat), message, now, now + self.config.timeout());
        }
    }

    pub(super) fn skip(&self, seq: u64, reason: SkipReason, now: Instant) {
        self.put(now, Fact::Skipped(Skipped { seq, reason }));
    }

    /// Asks the breaker, if there is one.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Option<Permit>, ()> {
        let at = self.log.at(now);
        let Some(breaker) = &mut self.breaker else {
            return Ok(None);
        };
        let (answer, change) = breaker.admit(at);
        let trial = breaker.state() == BreakerState::HalfOpen;
        if let Some(change) = change {
            self.put(now, Fact::Breaker(change));
        }
        match answer {
            Answer::Admitted(permit) => {
                if trial {
                    self.link.hurry(now);
                }
                if trial && self.wants_session() {
                    self.begin_attempt(now);
                }
                Ok(Some(permit))
            }
            Answer::Refused(_) => Err(()),
        }
    }

    /// Gives leave back: what became of the try, or `None` where it tells nothing of the target.
    pub(super) fn give_back(&mut self, permit: Option<Permit>, ok: Option<bool>, now: Instant) {
        let at = self.log.at(now);
        let (Some(permit), Some(breaker)) = (permit, &mut self.breaker) else {
            return;
        };
        let Some(ok) = ok else {
            return breaker.cancel(permit);
        };
        if let Some(change) = breaker.done(permit, ok, at) {
            self.put(now, Fact::Breaker(change));
        }
    }

    /// A connect probe is over.
    pub(super) fn connected(&mut self, connected: Connected, now: Instant) {
        let Connected {
            beat,
            sent,
            at,
            stalled,
            result,
            certificate,
        } = connected;
        self.shown(certificate.as_deref(), at);
        let stood_still = stalled != self.stalled;
        let silent = |failure: &Failure| failure.kind.class() == crate::failure::Class::Silence;
        if stood_still && result.as_ref().is_err_and(|failure| silent(failure)) {
            self.health.forget();
            self.skip(beat.seq, SkipReason::LocalStall, now);
            return self.give_back(beat.permit, None, now);
        }
        let result = result.map(|rtt| (!stood_still).then_some(rtt));
        self.outcome(Outcome {
            beat,
            sent: Some(sent),
            at,
            result,
            kernel: Kernel::Unknown,
            acknowledged: None,
            reused: None,
        });
    }

    /// A beat has its verdict.
    pub(super) fn outcome(&mut self, outcome: Outcome) {
        let Outcome {
            beat,
            sent,
            at,
            result,
            kernel,
            acknowledged,
            reused,
        } = outcome;
        let (now, due) = (self.log.at(at), self.log.at(beat.due));
        let lateness = sent.map(|sent| sent.saturating_duration_since(beat.due));
        let (ok, rtt) = (result.is_ok(), result.as_ref().ok().copied().flatten());
        let change = match &result {
            Ok(rtt) => self.health.answered(now, beat.seq, rtt.unwrap_or_default()),
            Err(failure) => self.health.failed(
                now,
                &Failed {
                    seq: beat.seq,
                    due,
                    failure,
                    kernel,
                },
            ),
        };
        let fact = Beat {
            seq: beat.seq,
            ok,
            due_ms: due.into(),
            sent_ms: sent.map(|sent| self.log.at(sent).into()),
            lateness_ms: lateness.map(Millis),
            rtt_ms: rtt.map(Millis),
            kernel_ack_ms: acknowledged.map(Millis),
            reused,
            failure: result.err(),
        };
        self.put(at, Fact::Beat(fact));
        let known = !self.health.is_old_news(beat.seq);
        self.give_back(beat.permit, known.then_some(ok), at);
        let fell = change.as_ref().is_some_and(|change| change.to.is_down());
        if let Some(change) = change {
            self.changed(change, at);
        }
        if !ok {
            self.consider_redial(fell, kernel, at);
        }
    }

    /// Beats and requests that have run out of time.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((what, shell)) = self.queue.expire(now) {
            match what {
                What::Beat(beat) => self.timed_out(beat, shell, now),
                What::Request(answer) => {
                    let _ = answer.send(Err(self.no_reply(shell, Kernel::Unknown)));
                }
            }
        }
    }

    fn timed_out(&mut self, beat: Pending, shell: Shell, now: Instant) {
        let (kernel, acknowledged) = self.kernel(shell, now);
        if let (Some(session), Some(_)) = (&mut self.session, shell.sent) {
            session.failures += u32::from(session.number == shell.session);
        }
        let suspended = self.log.suspended(now);
        if shell
            .sent
            .zip(suspended)
            .is_some_and(|(sent, until)| sent < until)
        {
            // Its reply came while nobody was there to take it. After a mere stop of this process
            // the kernel would have kept it.
            self.health.forget();
            self.skip(beat.seq, SkipReason::LocalStall, now);
            return self.give_back(beat.permit, None, now);
        }
        let failure = Box::new(self.no_reply(shell, kernel));
        self.outcome(Outcome {
            beat,
            sent: shell.sent,
            at: now,
            result: Err(failure),
            kernel,
            acknowledged,
            reused: None,
        });
    }

    /// What the peer's kernel says of a message that was not answered.
    fn kernel(&self, shell: Shell, now: Instant) -> (Kernel, Option<Duration>) {
        let Some(sent) = shell.sent else {
            return (Kernel::Silent, None);
        };
        let session = self.session.as_ref();
        match session.filter(|session| session.number == shell.session) {
            // Both ends of a Unix socket have one kernel, and it took the message.
            Some(session) if !session.is_datagram() && self.is_unix() => {
                (Kernel::Acknowledges, None)
            }
            Some(session) => liveness::ask(&*session.connection, (sent, shell.last), now),
            None => (Kernel::Unknown, None),
        }
    }

    fn is_unix(&self) -> bool {
        self.target.host().is_none()
    }

    pub(super) fn no_reply(&self, shell: Shell, kernel: Kernel) -> Failure {
        if shell.sent.is_none()
            && let Some(failure) = &self.link.failure
        {
            return failure.as_ref().clone();
        }
        let within = Millis(self.config.timeout());
        let target = self.target;
        let kind = match shell.sent {
            Some(_) if target.network.transport().is_datagram() => Kind::NoReply,
            _ => Kind::Timeout,
        };
        let message = match shell.sent {
            Some(_) => format!("{target} sent no reply within {within}"),
            None => format!("no session with {target} within {within}"),
        };
        let failure = Failure::new(Stage::Receive, kind, message);
        match kernel {
            Kernel::Acknowledges => failure.because(Evidence::Note {
                text: ACKNOWLEDGED.to_owned(),
            }),
            Kernel::Silent if shell.sent.is_some() => failure.because(Evidence::Note {
                text: UNACKNOWLEDGED.to_owned(),
            }),
            _ => failure,
        }
    }

    /// A reply to the message at that place in the queue.
    pub(super) fn replied(&mut self, place: Place, reply: &[u8], now: Instant) {
        let Some(owner) = self.queue.take(place) else {
            return;
        };
        let verdict = self.codec.judge(owner.seq(), reply);
        if let Some(session) = &mut self.session {
            (session.heard, session.failures, session.worked) = (now, 0, true);
        }
        self.link.answered();
        match owner {
            Owner::Open(entry) => self.answered(entry, verdict, reply, now),
            Owner::Failed { seq, sent } => {
                self.health.answered_late(self.log.at(now));
                let rtt_ms = now.saturating_duration_since(sent).into();
                self.put(now, Fact::Late(Late { seq, rtt_ms }));
            }
            Owner::Forgotten => self.health.answered_late(self.log.at(now)),
        }
    }

    /// A reply to somebody who waits for it.
    fn answered(
        &mut self,
        entry: Waiting,
        verdict: Result<(), Box<Failure>>,
        reply: &[u8],
        now: Instant,
    ) {
        let Waiting {
            what,
            sent,
            stalled,
            ..
        } = entry;
        let rtt = sent.map_or(Duration::ZERO, |sent| now.saturating_duration_since(sent));
        match what {
            What::Beat(beat) => self.outcome(Outcome {
                beat,
                sent,
                at: now,
                result: verdict.map(|()| (stalled == self.stalled).then_some(rtt)),
                // Who answers, if wrongly, does not hang.
                kernel: Kernel::Unknown,
                acknowledged: None,
                reused: None,
            }),
            What::Request(answer) => {
                let _ = answer.send(Ok(reply.to_vec()));
            }
        }
    }
}

const ACKNOWLEDGED: &str =
    "the peer's kernel acknowledged what was sent; its application did not answer";
const UNACKNOWLEDGED: &str = "the peer's kernel acknowledged nothing";
