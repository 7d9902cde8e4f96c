//! The life of one target: beats when they are due, verdicts when they are known, and a session that
//! is kept alive.
//!
//! One future a target, and no timer but one: everything that is to happen later has a moment, and
//! the driver wakes at the earliest of them.

mod beats;
mod sessions;
mod sharing;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::client::Request;
use super::codec::Codec;
use super::config::Config;
use super::connects::Connected;
use super::event::{Certificate, Fact, State};
use super::health::Health;
use super::link::{Boxed, Link, Tried};
use super::log::Log;
use super::schedule::Schedule;
use super::session::{Heard, Session};
use super::shared::{Shared, Step};
use super::waiting::Queue;
use crate::addr::Target;
use crate::io::Io;
use crate::policy::breaker::Breaker;
use sharing::Sharing;

/// Things done at one wake before others get their turn.
const TURNS: usize = 64;

/// One target under watch.
pub(super) struct Driver<'a, I> {
    index: usize,
    target: &'a Target,
    config: &'a Config,
    io: &'a I,
    log: &'a Log<'a>,
    schedule: Schedule,
    health: Health,
    breaker: Option<Breaker>,
    codec: Codec,
    queue: Queue,
    link: Link<'a>,
    session: Option<Session>,
    sessions: u64,
    /// The last that the peer showed.
    certificate: Option<Certificate>,
    dials: FuturesUnordered<Boxed<'a, Connected>>,
    /// Where the connections are those of several targets.
    sharing: Option<Sharing<'a>>,
    inbox: Option<mpsc::Receiver<Request>>,
    timer: Pin<Box<Sleep>>,
    /// All stalls of this machine that this driver knows of.
    stalled: Duration,
    gave_up: bool,
}

/// Why the driver woke.
enum Wake<'a> {
    Heard(Heard),
    Stepped(Step<'a>),
    Tried(Tried),
    Connected(Box<Connected>),
    Asked(Option<Request>),
    Timer,
}

impl<'a, I: Io> Driver<'a, I> {
    /// The first beat is due at `t0`.
    pub(super) fn new(
        (index, target): (usize, &'a Target),
        config: &'a Config,
        io: &'a I,
        log: &'a Log<'a>,
        t0: Instant,
    ) -> Self {
        let now = Instant::now();
        let at = log.at(now);
        let end = config.duration.and_then(|limit| t0.checked_add(limit));
        let datagram = target.network.transport().is_datagram();
        Self {
            index,
            target,
            config,
            io,
            log,
            schedule: Schedule::new(t0, config.interval, config.count, end),
            health: Health::new(config, at),
            breaker: config.breaker.map(|breaker| Breaker::new(breaker, at)),
            codec: Codec::new(&config.probe, datagram),
            queue: Queue::default(),
            link: Link::new(config, t0),
            session: None,
            sessions: 0,
            certificate: None,
            dials: FuturesUnordered::new(),
            sharing: None,
            inbox: None,
            timer: Box::pin(tokio::time::sleep_until(t0)),
            stalled: log.stalled(now),
            gave_up: false,
        }
    }

    /// Has no connections of its own, but those that it shares with others.
    pub(super) fn with_shared(mut self, shared: &'a Shared) -> Self {
        self.sharing = Some(Sharing::new(shared));
        self
    }

    /// Takes requests as well as beats, until nobody can make any more.
    pub(super) fn with_requests(mut self, inbox: mpsc::Receiver<Request>) -> Self {
        self.inbox = Some(inbox);
        self
    }

    /// Runs until every beat that was asked for has its verdict. Dropping it closes everything.
    pub(super) async fn run(mut self) {
        self.on_time(Instant::now());
        while !self.is_over() {
            self.set_timer();
            let wake = std::future::poll_fn(|cx| self.poll(cx)).await;
            let now = Instant::now();
            self.look_at_the_clock(now);
            match wake {
                Wake::Heard(heard) => self.heard(heard, now),
                Wake::Tried(tried) => self.tried(tried, now),
                Wake::Stepped(step) => self.stepped(step, now),
                Wake::Connected(connected) => self.connected(*connected, now),
                Wake::Asked(Some(request)) => self.ask(request, now),
                Wake::Asked(None) => return,
                Wake::Timer => {}
            }
            self.on_time(now);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Wake<'a>> {
        if let Some(session) = &mut self.session
            && let Poll::Ready(heard) = session.poll(cx)
        {
            return Poll::Ready(Wake::Heard(heard));
        }
        if let Some(attempt) = &mut self.link.attempt
            && let Poll::Ready(tried) = attempt.as_mut().poll(cx)
        {
            return Poll::Ready(Wake::Tried(tried));
        }
        if let Poll::Ready(Some(connected)) = self.dials.poll_next_unpin(cx) {
            return Poll::Ready(Wake::Connected(Box::new(connected)));
        }
        if let Some(sharing) = &mut self.sharing
            && let Poll::Ready(Some(step)) = sharing.steps.poll_next_unpin(cx)
        {
            return Poll::Ready(Wake::Stepped(step));
        }
        if let Some(inbox) = &mut self.inbox
            && let Poll::Ready(request) = inbox.poll_recv(cx)
        {
            return Poll::Ready(Wake::Asked(request));
        }
        self.timer.as_mut().poll(cx).map(|()| Wake::Timer)
    }

    fn is_over(&self) -> bool {
        if self.log.stop().is_cancelled() {
            // Whoever is behind its schedule would otherwise go on until its task has to rest.
            return true;
        }
        let shared = self.sharing.as_ref().map_or(0, |sharing| sharing.beats);
        let decided = self.queue.open() == 0 && self.dials.is_empty() && shared == 0;
        let all = self.schedule.next_due().is_none() && self.inbox.is_none();
        self.gave_up || (decided && all)
    }

    /// Wakes at the earliest moment at which something is to happen.
    fn set_timer(&mut self) {
        let tick = self.health.next_tick().map(|at| self.log.instant(at));
        let moments = [
            self.schedule.next_due(),
            self.queue.next_deadline(),
            self.link.next().filter(|_| self.wants_session()),
            tick,
        ];
        let far = || Instant::now() + Duration::from_secs(3_600);
        let wake = moments.into_iter().flatten().min().unwrap_or_else(far);
        if wake != self.timer.deadline() || self.timer.is_elapsed() {
            self.timer.as_mut().reset(wake);
        }
    }

    fn wants_session(&self) -> bool {
        self.sharing.is_none() && self.config.probe.is_persistent() && self.session.is_none()
    }

    /// Does what is due.
    fn on_time(&mut self, now: Instant) {
        self.expire(now);
        let at = self.log.at(now);
        if self.health.next_tick().is_some_and(|tick| tick <= at)
            && let Some(change) = self.health.tick(at)
        {
            self.changed(change, now);
        }
        if self.wants_session() && self.link.next().is_some_and(|next| next <= now) {
            self.begin_attempt(now);
        }
        for _ in 0..TURNS {
            let Some(slot) = self.schedule.take(now) else {
                break;
            };
            self.beat(slot, now);
        }
    }

    /// This machine stood still: everybody gets that time back.
    fn look_at_the_clock(&mut self, now: Instant) {
        let total = self.log.stalled(now);
        let stall = total.saturating_sub(self.stalled);
        if !stall.is_zero() {
            self.stalled = total;
            self.queue.stalled(stall);
            self.health.stalled(stall);
        }
    }

    fn put(&self, now: Instant, fact: Fact) {
        self.log.put(Some(self.index), now, fact);
    }

    /// The peer showed a certificate, if it has one: that is told when it is news.
    fn shown(&mut self, certificate: Option<&Certificate>, now: Instant) {
        let news = certificate.and_then(|one| one.news(self.certificate.as_ref()));
        if let Some(news) = news {
            self.certificate = Some(news.clone());
            self.put(now, Fact::Certificate(news));
        }
    }

    /// The state has changed, and with it the interval.
    fn changed(&mut self, change: super::event::Change, now: Instant) {
        let to = change.to;
        self.put(now, Fact::State(change));
        let config = self.config;
        let interval = match to {
            State::Suspect => config.interval_suspect,
            State::Down | State::AppHung => config.interval_down,
            State::Unknown | State::Up => None,
        };
        let interval = interval.unwrap_or(config.interval);
        self.schedule.change(interval, now);
    }
}
