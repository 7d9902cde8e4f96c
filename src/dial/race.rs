//! Drives the race: asks the resolver, starts attempts when `policy::race` says so, closes losers.
//!
//! Every decision (which address, when, for how long) is the policy's; here are only the futures.

pub(super) mod attempt;

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::config::Config;
use super::event::Event;
use super::lookups::{Looked, families, headline, look_up};
use super::recorder::Recorder;
use super::tls::{Session, Tls};
use crate::addr::{Endpoint, Family, Host, Target};
use crate::deadline::{Deadline, Expired};
use crate::failure::{Failure, Kind, Stage, Who};
use crate::io::Io;
use crate::net::{Connected, Connection, PeerAddr};
use crate::policy::race::{self, Race, Step};

use attempt::{Ended, Outcome, attempt, encrypt, inet_addr, unix_addr};

/// What is left to the layer below to notice the deadline itself, with its evidence, before the
/// race is cut off: well within the 50 ms that a dial may outlive its timeout.
const GRACE: Duration = Duration::from_millis(20);

/// How a race ended.
pub(super) enum Raced {
    /// With a connection.
    Won(Winner),
    /// Without one.
    Failed(Failure),
    /// The run was stopped first.
    Interrupted,
}

/// The attempt that won.
pub(super) struct Winner {
    pub(super) connection: Box<dyn Connection>,
    pub(super) addr: PeerAddr,
    /// With TLS: what a second handshake needs.
    pub(super) session: Option<Session>,
}

/// Resolves the target where it needs it, and connects by the configured strategy. All sockets but
/// the winner's are closed on return.
pub(super) async fn race<I: Io>(
    target: &Target,
    config: &Config,
    io: &I,
    deadline: &Deadline,
    recorder: &mut Recorder<'_>,
) -> Raced {
    let mut run = Run::new(target, config, io, deadline, recorder);
    if let Err(failure) = run.prepare() {
        return Raced::Failed(failure);
    }
    let patience = deadline.at().and_then(|at| at.checked_add(GRACE));
    let patience = Deadline::new(patience, deadline.cancel().clone());
    match patience.bound(run.drive()).await {
        Err(Expired::Cancelled) => run.interrupted(),
        // Cut off: the layer below let the deadline pass.
        Err(Expired::TimedOut) | Ok(()) => run.finish(),
    }
}

/// The futures of one race and what is known so far.
struct Run<'a, 'r, I> {
    target: &'a Target,
    config: &'a Config,
    io: &'a I,
    deadline: &'a Deadline,
    recorder: &'a mut Recorder<'r>,
    race: Race,
    scope_id: u32,
    lookups: FuturesUnordered<attempt::Boxed<'a, Looked>>,
    attempts: FuturesUnordered<attempt::Boxed<'a, Ended>>,
    winner: Option<Winner>,
    /// Where each attempt goes.
    addrs: Vec<PeerAddr>,
    /// How connections to this target are encrypted, if they are.
    tls: Option<&'a Tls>,
    lookup_failures: Vec<Failure>,
}

impl<'a, 'r, I: Io> Run<'a, 'r, I> {
    fn new(
        target: &'a Target,
        config: &'a Config,
        io: &'a I,
        deadline: &'a Deadline,
        recorder: &'a mut Recorder<'r>,
    ) -> Self {
        let policy = race::Config {
            strategy: config.strategy,
            attempt_delay: config.attempt_delay,
            resolution_delay: config.resolution_delay,
            attempt_timeout: config.attempt_timeout,
            race_all: config.race_all,
            deadline: deadline.at(),
        };
        let race = Race::new(policy, &families(target, config.family));
        let (lookups, attempts) = (FuturesUnordered::new(), FuturesUnordered::new());
        let (winner, lookup_failures, scope_id) = (None, Vec::new(), 0);
        Self {
            target,
            config,
            io,
            deadline,
            recorder,
            race,
            scope_id,
            lookups,
            attempts,
            winner,
            addrs: Vec::new(),
            tls: config.tls.as_ref().filter(|tls| tls.applies_to(target)),
            lookup_failures,
        }
    }

    /// Asks the questions, or takes the literal as the answer.
    fn prepare(&mut self) -> Result<(), Failure> {
        let families = families(self.target, self.config.family);
        match &self.target.endpoint {
            Endpoint::Unix(path) => {
                let limit = self.config.attempt_timeout;
                let until = limit.and_then(|limit| Instant::now().checked_add(limit));
                self.start(0, unix_addr(self.target, path), until);
            }
            Endpoint::Inet {
                host: Host::Ip { ip, zone },
                ..
            } => {
                if !families.contains(&Family::of(*ip)) {
                    return Err(wrong_family(self.target, *ip));
                }
                self.scope_id = zone.as_ref().map_or(Ok(0), |zone| self.io.scope_id(zone))?;
                for family in families {
                    let addrs = Vec::from_iter((family == Family::of(*ip)).then_some(*ip));
                    // One address: there is nothing to order, so no source is asked for.
                    self.race.answered(family, addrs, Instant::now(), |_| None);
                }
            }
            Endpoint::Inet {
                host: Host::Name(name),
                ..
            } => {
                for family in families {
                    self.recorder.now(Event::ResolveStart { family });
                    self.lookups
                        .push(Box::pin(look_up(self.io, name, family, self.deadline)));
                }
            }
        }
        Ok(())
    }

    /// Runs until the race is won (and with `race_all`, run to its end) or lost.
    async fn drive(&mut self) {
        loop {
            let wake = match self.race.next(Instant::now()) {
                Step::Start {
                    attempt,
                    addr,
                    until,
                } => {
                    let addr = inet_addr(self.target, addr, self.scope_id);
                    self.start(attempt, addr, until);
                    continue;
                }
                Step::Over if self.attempts.is_empty() => return,
                Step::Over if self.winner.is_some() && !self.config.race_all => return,
                Step::Over => None,
                Step::Wait(wake) => wake,
            };
            tokio::select! {
                biased;
                Some(ended) = self.attempts.next() => self.ended(ended),
                Some(looked) = self.lookups.next() => self.looked(looked),
                () = sleep_until(wake), if wake.is_some() => {}
                else => return,
            }
        }
    }

    fn start(&mut self, index: usize, addr: PeerAddr, until: Option<Instant>) {
        let deadline = self.deadline.by(until);
        self.recorder.now(Event::ConnectStart {
            attempt: index,
            addr: addr.clone(),
        });
        self.addrs.push(addr.clone());
        let (options, more) = (&self.config.socket, self.tls.is_some());
        let attempt = attempt(self.io, index, addr, options, deadline, more);
        self.attempts.push(Box::pin(attempt));
    }

    fn ended(&mut self, ended: Ended) {
        let Ended { index, at, outcome } = ended;
        match outcome {
            Outcome::Stood(connected, connection, deadline) => {
                self.stood(index, at, connected, connection, deadline);
            }
            Outcome::Over { result: Err(_), .. } if self.deadline.cancel().is_cancelled() => {
                let event = Event::ConnectCancelled { attempt: index };
                self.recorder.at(at, event);
            }
            Outcome::Over {
                result,
                tls,
                session,
            } => {
                let result = self.judged(index, result, session);
                let event = Event::ConnectDone {
                    attempt: index,
                    result,
                    tls,
                };
                self.recorder.at(at, event);
            }
        }
    }

    /// The transport stands: the attempt goes on with TLS, and has not won before that is done.
    fn stood(
        &mut self,
        index: usize,
        at: Instant,
        connected: Connected,
        connection: Box<dyn Connection>,
        deadline: Deadline,
    ) {
        let event = Event::TlsStart {
            attempt: index,
            connected,
        };
        self.recorder.at(at, event);
        if let Some(tls) = self.tls {
            let encrypt = encrypt(index, tls, self.target, connection, deadline);
            self.attempts.push(Box::pin(encrypt));
        }
    }

    /// Tells the policy how an attempt ended, and keeps the first that connected.
    fn judged(
        &mut self,
        index: usize,
        result: Result<(Connected, Box<dyn Connection>), Failure>,
        session: Option<Session>,
    ) -> Result<Connected, Failure> {
        let (connected, connection) = result.inspect_err(|_| self.race.failed(index))?;
        self.race.won(index);
        if let (None, Some(addr)) = (&self.winner, self.addrs.get(index)) {
            let addr = addr.clone();
            self.winner = Some(Winner {
                connection,
                addr,
                session,
            });
        }
        // A later one is dropped, and so closed.
        Ok(connected)
    }

    fn looked(&mut self, looked: Looked) {
        let Looked { family, at, result } = looked;
        let addresses = result
            .as_ref()
            .map(|answer| answer.addresses.clone())
            .unwrap_or_default();
        self.lookup_failures.extend(result.as_ref().err().cloned());
        self.recorder.at(at, Event::ResolveDone { family, result });
        let (io, port) = (self.io, self.target.port().unwrap_or(0));
        self.race
            .answered(family, addresses, at, |ip| io.source_for((ip, port).into()));
        let addresses = self.race.order();
        if !addresses.is_empty() {
            self.recorder.now(Event::Ordered { addresses });
        }
    }

    /// The race has run its course.
    fn finish(mut self) -> Raced {
        self.cancel_the_rest();
        match self.winner.take() {
            Some(winner) => Raced::Won(winner),
            None if self.deadline.cancel().is_cancelled() => Raced::Interrupted,
            None => Raced::Failed(self.failure()),
        }
    }

    fn interrupted(mut self) -> Raced {
        self.cancel_the_rest();
        Raced::Interrupted
    }

    fn cancel_the_rest(&mut self) {
        self.attempts.clear();
        self.lookups.clear();
        let pending: Vec<_> = self.recorder.pending_attempts().collect();
        for attempt in pending {
            self.recorder.now(Event::ConnectCancelled { attempt });
        }
    }

    /// The headline: what a peer or a router said rather than what our own kernel said, and of
    /// those the first, because the first address is the one that was wanted most.
    fn failure(&mut self) -> Failure {
        let failures = self
            .recorder
            .report
            .attempts
            .iter()
            .filter_map(|a| a.failure.as_ref());
        let said =
            |failure: &&Failure| failure.who != Who::OwnKernel && failure.stage != Stage::Local;
        let first = failures
            .clone()
            .find(said)
            .or_else(|| failures.clone().next());
        if let Some(failure) = first {
            return failure.clone();
        }
        let lookups = std::mem::take(&mut self.lookup_failures);
        headline(lookups).unwrap_or_else(|| timed_out(self.recorder))
    }
}

async fn sleep_until(wake: Option<Instant>) {
    if let Some(wake) = wake {
        tokio::time::sleep_until(wake).await;
    }
}

/// The whole dial timed out although the layer below should have noticed first.
fn timed_out(recorder: &Recorder<'_>) -> Failure {
    let report = &recorder.report;
    let (stage, what) = if report.attempts.is_empty() && report.resolve.is_some() {
        (Stage::Resolve, "no answer from the resolver")
    } else {
        (Stage::Connect, "no answer")
    };
    Failure::new(
        stage,
        Kind::Timeout,
        format!("{}: {what} within the timeout", report.target),
    )
}

pub(super) fn wrong_family(target: &Target, ip: std::net::IpAddr) -> Failure {
    let family = Family::of(ip);
    let excluded = match family {
        Family::Ipv4 => "-6 or the network excludes: expected an IPv6 address",
        Family::Ipv6 => "-4 or the network excludes: expected an IPv4 address",
    };
    let message = format!("{target} is an {family} address, which {excluded}");
    Failure::new(Stage::Parse, Kind::Invalid, message).by(Who::Netkit)
}
