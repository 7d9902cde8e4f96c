//! Sessions: made, used, lost, made again.

use std::net::SocketAddr;

use tokio::time::Instant;

use super::Driver;
use super::beats::Outcome;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::heartbeat::client::Request;
use crate::heartbeat::event::Fact;
use crate::heartbeat::link::{Ending, Tried};
use crate::heartbeat::liveness::Kernel;
use crate::heartbeat::session::{Heard, Session};
use crate::heartbeat::waiting::{Waiting, What};
use crate::io::Io;
use crate::policy::breaker::Breaker;
use crate::policy::detector::Method;

/// Beats without a reply on a session after which it is made anew, where the detector counts none.
const REDIAL_AFTER: u32 = 3;

impl<I: Io> Driver<'_, I> {
    /// Begins an attempt, unless the breaker is open.
    pub(super) fn begin_attempt(&mut self, now: Instant) {
        let until = self.breaker.as_ref().and_then(Breaker::open_until);
        if let Some(until) = until.map(|at| self.log.instant(at)).filter(|at| *at > now) {
            return self.link.hold_until(until);
        }
        if self.link.attempt.is_none() {
            self.link.begin(self.target, self.config, self.io, now);
        }
    }

    /// An attempt is over.
    pub(super) fn tried(&mut self, tried: Tried, now: Instant) {
        self.shown(tried.certificate.as_deref(), now);
        match tried.result {
            Ok(connection) => self.stands(connection, now),
            Err(failure) => {
                let given_up = self.link.failed(failure.clone(), now);
                self.fail_all(&failure, now, |entry| entry.sent.is_none());
                if let Some(reconnect) = given_up {
                    self.put(now, Fact::Reconnect(reconnect));
                    self.gave_up = true;
                }
            }
        }
    }

    fn stands(&mut self, connection: Box<dyn crate::net::Connection>, now: Instant) {
        let session = Session::new(connection, self.sessions, now);
        self.sessions += 1;
        let reconnect = self.link.stands(session.peer.clone(), now);
        self.session = Some(session);
        self.put(now, Fact::Reconnect(reconnect));
        self.flush(now);
    }

    /// Sends what waited for the session.
    fn flush(&mut self, now: Instant) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut ended = None;
        for entry in self.queue.unsent() {
            let message = entry.unsent.take().unwrap_or_default();
            if let Err(failure) = session.send(&message) {
                ended = Some(failure);
                break;
            }
            (entry.sent, entry.session) = (Some(Instant::now()), session.number);
        }
        if let Some(failure) = ended {
            self.trouble(&failure, now);
        }
    }

    /// Says something on the session, now or as soon as it stands.
    pub(super) fn say(&mut self, what: What, message: Vec<u8>, now: Instant, deadline: Instant) {
        let entry = Waiting {
            what,
            len: message.len(),
            session: 0,
            sent: None,
            unsent: None,
            deadline,
            stalled: self.stalled,
        };
        let Some(session) = &mut self.session else {
            return self.wait_for_session(entry, message, now);
        };
        let sent = session.send(&message);
        let entry = Waiting {
            session: session.number,
            sent: Some(Instant::now()),
            ..entry
        };
        self.queue.push(entry);
        if let Err(failure) = sent {
            self.trouble(&failure, now);
        }
    }

    /// Nobody knows yet that the target does not answer: then it waits; else it has failed.
    fn wait_for_session(&mut self, entry: Waiting, message: Vec<u8>, now: Instant) {
        match self
            .link
            .failure
            .clone()
            .filter(|_| self.link.attempt.is_none())
        {
            Some(failure) => self.fail(entry, &failure, now),
            None => self.queue.push(Waiting {
                unsent: Some(message),
                ..entry
            }),
        }
    }

    /// Something came.
    pub(super) fn heard(&mut self, heard: Heard, now: Instant) {
        match heard {
            Heard::Bytes => self.read(now),
            Heard::Datagram(bytes) => {
                let number = self.session.as_ref().map_or(0, |session| session.number);
                if let Some(place) = self.codec.owner(&bytes, &self.queue, number) {
                    self.replied(place, &bytes, now);
                }
            }
            Heard::Refused(failure) | Heard::Ended(failure) => self.trouble(&failure, now),
        }
    }

    /// Takes whole replies off the stream.
    fn read(&mut self, now: Instant) {
        loop {
            let Some(session) = &mut self.session else {
                return;
            };
            let Some((place, sent)) = self.queue.front(session.number) else {
                // Nobody asked for it: a greeting.
                session.input.clear();
                return;
            };
            let Some(len) = self.codec.reply_len(&session.input, sent) else {
                return;
            };
            let reply: Vec<u8> = session.input.drain(..len).collect();
            self.replied(place, &reply, now);
        }
    }

    /// The session failed: a stream is over, a datagram socket lives on.
    fn trouble(&mut self, failure: &Failure, now: Instant) {
        let Some(session) = &self.session else {
            return;
        };
        let number = session.number;
        let datagram = session.is_datagram();
        if !datagram {
            self.lose(failure, now);
        }
        self.fail_all(failure, now, |entry| {
            entry.session == number && entry.sent.is_some()
        });
        let at = self.log.at(now);
        if let Some(change) = self.health.sign(at, failure) {
            self.changed(change, now);
        }
    }

    /// Ends the session; the next attempt is the link's to time.
    fn lose(&mut self, failure: &Failure, now: Instant) {
        let Some(session) = self.session.take() else {
            return;
        };
        let end = Ending {
            failure,
            heard: session.heard,
            peer: session.peer.as_deref(),
            worked: session.worked,
            quiet: self.queue.first_open(session.number).is_none(),
        };
        self.queue.forget(session.number);
        let disconnect = self.link.lost(&end, now);
        self.put(now, Fact::Disconnect(disconnect));
    }

    /// After enough failures the session is made anew: it may be the connection that is dead, or the
    /// name may lead elsewhere now. A hung application that got a fresh session keeps it, since each
    /// further one would only fill its accept queue.
    pub(super) fn consider_redial(&mut self, fell: bool, kernel: Kernel, now: Instant) {
        let Some(session) = &self.session else {
            return;
        };
        let named = self.target.host().is_some_and(|host| host.ip().is_none());
        if session.is_datagram() && !named {
            return;
        }
        let limit = match self.config.detector.method {
            Method::Consecutive { fall } => fall,
            Method::Window(_) | Method::Phi(_) => REDIAL_AFTER,
        };
        let down = fell || (self.health.state().is_down() && session.failures >= limit);
        let hopeless = !session.worked && kernel == Kernel::Acknowledges;
        if !down || session.failures == 0 || hopeless {
            return;
        }
        let failure = self.silence(session.peer.as_deref());
        self.lose(&failure, now);
    }

    /// Why a session is silent: TCP sends again without a word when its route is gone, so the routes
    /// are asked.
    fn silence(&self, peer: Option<&str>) -> Failure {
        let peer: Option<SocketAddr> = peer.and_then(|peer| peer.parse().ok());
        if let Some(peer) = peer.filter(|peer| self.io.source_for(*peer).is_none()) {
            let message = format!("there is no route to {peer} any more");
            Failure::new(Stage::Send, Kind::NetUnreachable, message).by(Who::OwnKernel)
        } else {
            let message = format!("{} did not answer any more", self.target);
            Failure::new(Stage::Receive, Kind::Timeout, message)
        }
    }

    /// Fails all of these that wait for a verdict.
    fn fail_all(&mut self, failure: &Failure, now: Instant, is: impl Fn(&Waiting) -> bool) {
        for entry in self.queue.drain(is) {
            self.fail(entry, failure, now);
        }
    }

    fn fail(&mut self, entry: Waiting, failure: &Failure, now: Instant) {
        match entry.what {
            What::Beat(beat) => self.outcome(Outcome {
                beat,
                sent: entry.sent,
                at: now,
                result: Err(Box::new(failure.clone())),
                kernel: Kernel::Silent,
                acknowledged: None,
                reused: None,
            }),
            What::Request(answer) => {
                let _ = answer.send(Err(failure.clone()));
            }
        }
    }

    /// Somebody wants to say something.
    pub(super) fn ask(&mut self, request: Request, now: Instant) {
        let Request {
            message,
            deadline,
            answer,
        } = request;
        if self.breaker.as_ref().is_some_and(|breaker| {
            breaker
                .open_until()
                .is_some_and(|until| until > self.log.at(now))
        }) {
            let text = format!("the circuit breaker of {} is open", self.target);
            let failure = Failure::new(Stage::Local, Kind::BreakerOpen, text);
            let _ = answer.send(Err(failure));
            return;
        }
        self.say(What::Request(answer), message, now, deadline);
    }
}
