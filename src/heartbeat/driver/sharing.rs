//! Beats on connections that are shared with other targets: what their steps mean for this one.
//!
//! The target has a session from its first connection until a beat of its own breaks one, or finds
//! that an idle one has ended; what becomes of the others' is theirs.

use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::Driver;
use super::beats::Outcome;
use crate::failure::{Class, Failure, Kind, Stage};
use crate::heartbeat::event::{Fact, Opened, SkipReason};
use crate::heartbeat::link::{Boxed, Ending};
use crate::heartbeat::liveness::Kernel;
use crate::heartbeat::shared::{Checked, Denied, Ended, Exchange, Exchanged, Said, Shared};
use crate::heartbeat::shared::{Step, Way};
use crate::heartbeat::waiting::{Pending, Shell};
use crate::io::Io;
use crate::net::PeerAddr;
use crate::time::Millis;

/// What a driver keeps of connections that are not its own.
pub(super) struct Sharing<'a> {
    shared: &'a Shared,
    /// Where the target was found last.
    known: Option<PeerAddr>,
    /// Whether it has had a connection since it last lost one.
    stands: bool,
    /// The last sign of life.
    heard: Instant,
    pub(super) steps: FuturesUnordered<Boxed<'a, Step<'a>>>,
    /// Beats among them.
    pub(super) beats: usize,
}

impl<'a> Sharing<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            known: None,
            stands: false,
            heard: Instant::now(),
            steps: FuturesUnordered::new(),
            beats: 0,
        }
    }
}

/// What a beat had that got no further.
struct Unsent {
    beat: Pending,
    /// Whether it tried to make a connection.
    tried: bool,
    kernel: Kernel,
}

impl<'a, I: Io> Driver<'a, I> {
    /// A beat is due: it takes a connection, unless the last attempt to make one was just now.
    pub(super) fn share(&mut self, beat: Pending, now: Instant) {
        let paused = self.link.next().is_some_and(|next| next > now);
        if let Some(failure) = self.link.failure.clone().filter(|_| paused) {
            let unsent = Unsent {
                beat,
                tried: false,
                kernel: Kernel::Silent,
            };
            return self.unsent(unsent, failure, now);
        }
        let (target, config, io) = (self.target, self.config, self.io);
        let Some(sharing) = &mut self.sharing else {
            return;
        };
        let way = Way {
            shared: sharing.shared,
            target,
            config,
            io,
            known: sharing.known.clone(),
            heard: sharing.heard,
        };
        let deadline = now + config.timeout();
        sharing.beats += 1;
        sharing.steps.push(way.go(beat, self.stalled, deadline));
    }

    /// A beat has come further.
    pub(super) fn stepped(&mut self, step: Step<'a>, now: Instant) {
        match step {
            Step::Checked(checked) => self.checked(*checked, now),
            Step::Exchanged(exchanged) => self.exchanged(*exchanged),
            Step::Opened { began, result } => {
                self.link.attempted(began);
                match result {
                    Ok(Some(peer)) => self.opened(peer, began, now),
                    Ok(None) => {}
                    Err(failure) => self.not_opened(&failure, now),
                }
            }
        }
    }

    fn checked(&mut self, checked: Checked<'a>, now: Instant) {
        let Checked {
            beat,
            began,
            stalled,
            ended,
            result,
        } = checked;
        self.link.attempted(began);
        if let Some(ended) = ended {
            self.lose_shared(&ended, now);
        }
        let denied = match result {
            Ok(taken) => {
                if !taken.is_reused() {
                    self.opened(taken.peer(), began, now);
                }
                self.shown(taken.certificate(), now);
                self.taken(taken.peer(), taken.addr().clone(), now);
                let exchange = Exchange {
                    beat,
                    taken,
                    codec: self.codec.clone(),
                    // Who had to wait must not be called silent for it.
                    deadline: now + self.config.timeout(),
                    stalled,
                    unix: self.target.host().is_none(),
                };
                self.health.sent(self.log.at(now));
                if let Some(sharing) = &mut self.sharing {
                    let shared = sharing.shared;
                    let run = async move { Step::Exchanged(Box::new(exchange.run(shared).await)) };
                    sharing.steps.push(Box::pin(run));
                }
                return;
            }
            Err(denied) => denied,
        };
        if let Some(sharing) = &mut self.sharing {
            sharing.beats -= 1;
        }
        let stood_still = stalled != self.stalled;
        self.denied(beat, denied, stood_still, now);
    }

    /// A beat got no connection.
    fn denied(&mut self, beat: Pending, denied: Denied<'a>, stood_still: bool, now: Instant) {
        let (failure, tried) = match denied {
            Denied::Failed(failure) => {
                self.not_opened(&failure, now);
                (failure, true)
            }
            Denied::Slow(rest) => {
                if let Some(sharing) = &mut self.sharing {
                    sharing.steps.push(rest);
                }
                let shell = Shell {
                    sent: None,
                    session: 0,
                    last: false,
                };
                (Box::new(self.no_reply(shell, Kernel::Silent)), true)
            }
            Denied::Busy => {
                self.skip(beat.seq, SkipReason::PoolBusy, now);
                return self.give_back(beat.permit, None, now);
            }
            Denied::Unanswered(addr) => (Box::new(self.unanswered(&addr)), false),
        };
        if stood_still && failure.kind.class() == Class::Silence {
            self.skip(beat.seq, SkipReason::LocalStall, now);
            return self.give_back(beat.permit, None, now);
        }
        // Who waited for a place knows nothing of the peer's kernel.
        let kernel = if tried {
            Kernel::Silent
        } else {
            Kernel::Unknown
        };
        let unsent = Unsent {
            beat,
            tried,
            kernel,
        };
        self.unsent(unsent, failure, now);
    }

    fn unanswered(&self, addr: &PeerAddr) -> Failure {
        let within = Millis(self.config.timeout());
        let message = format!(
            "no connection to {addr} came free within {within}, and nobody was answered on one"
        );
        Failure::new(Stage::Receive, Kind::Timeout, message)
    }

    /// A beat failed before it was said.
    fn unsent(&mut self, unsent: Unsent, failure: Box<Failure>, now: Instant) {
        let Unsent {
            beat,
            tried,
            kernel,
        } = unsent;
        self.health.sent(self.log.at(now));
        self.outcome(Outcome {
            beat,
            sent: None,
            at: now,
            result: Err(failure),
            kernel,
            acknowledged: None,
            reused: tried.then_some(false),
        });
    }

    /// A beat was said.
    fn exchanged(&mut self, exchanged: Exchanged) {
        let Exchanged {
            beat,
            sent,
            at,
            stalled,
            reused,
            said,
        } = exchanged;
        let stood_still = stalled != self.stalled;
        if let Some(sharing) = &mut self.sharing {
            sharing.beats -= 1;
        }
        let (result, kernel, acknowledged) = match said {
            Said::Answered(rtt, verdict) => {
                self.link.answered();
                if let Some(sharing) = &mut self.sharing {
                    sharing.heard = at;
                }
                let rtt = (!stood_still).then_some(rtt);
                (verdict.map(|()| rtt), Kernel::Unknown, None)
            }
            Said::Silent(..) if stood_still => {
                self.health.forget();
                self.skip(beat.seq, SkipReason::LocalStall, at);
                return self.give_back(beat.permit, None, at);
            }
            Said::Silent(ended, kernel, acknowledged) => {
                self.lose_shared(&ended, at);
                let shell = Shell {
                    sent: Some(sent),
                    session: 0,
                    last: true,
                };
                let failure = Box::new(self.no_reply(shell, kernel));
                (Err(failure), kernel, acknowledged)
            }
            Said::Ended(ended) => {
                self.lose_shared(&ended, at);
                (Err(Box::new(ended.failure)), Kernel::Silent, None)
            }
        };
        self.outcome(Outcome {
            beat,
            sent: Some(sent),
            at,
            result,
            kernel,
            acknowledged,
            reused: Some(reused),
        });
    }

    /// A connection was made.
    fn opened(&mut self, peer: String, began: Instant, now: Instant) {
        let took_ms = now.saturating_duration_since(began).into();
        self.put(now, Fact::Opened(Opened { peer, took_ms }));
    }

    /// The target has a connection; that is news after it had lost one.
    fn taken(&mut self, peer: String, addr: PeerAddr, now: Instant) {
        let Some(sharing) = &mut self.sharing else {
            return;
        };
        sharing.known = Some(addr);
        sharing.heard = sharing.heard.max(now);
        if !std::mem::replace(&mut sharing.stands, true) {
            let reconnect = self.link.stands(Some(peer), now);
            self.put(now, Fact::Reconnect(reconnect));
        }
    }

    /// No connection could be made: a pause, unless the target is given up.
    fn not_opened(&mut self, failure: &Failure, now: Instant) {
        if let Some(sharing) = &self.sharing {
            let ended = Ended {
                failure: failure.clone(),
                heard: sharing.heard,
                peer: sharing.known.as_ref().map(ToString::to_string),
                worked: true,
            };
            self.lose_shared(&ended, now);
        }
        if let Some(reconnect) = self.link.failed(Box::new(failure.clone()), now) {
            self.put(now, Fact::Reconnect(reconnect));
            self.gave_up = true;
        }
    }

    /// The target has lost its connection, if it had one. The next beat looks its name up again.
    fn lose_shared(&mut self, ended: &Ended, now: Instant) {
        let Some(sharing) = &mut self.sharing else {
            return;
        };
        sharing.known = None;
        if !std::mem::replace(&mut sharing.stands, false) {
            return;
        }
        let end = Ending {
            failure: &ended.failure,
            heard: ended.heard,
            peer: ended.peer.as_deref(),
            worked: ended.worked,
            quiet: false,
        };
        let disconnect = self.link.lost(&end, now);
        self.put(now, Fact::Disconnect(disconnect));
    }
}
