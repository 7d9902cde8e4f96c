//! The body of a server: starts the workers, hears what they tell, and ends them in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::config::{Behaviour, Config};
use super::event::Event;
use super::report::{EndedBy, Report, Totals};
use crate::error::Error;
use crate::event::{Observer, Stamped};
use crate::net::listen::Listener;
use crate::net::serve::{self, Datagrams, Server, Work};
use crate::run::Cx;

/// Serves until it is cancelled, its time is over or its connections have come and gone.
///
/// Errs when the system has no thread or descriptor to begin with. Whatever ends it, connections
/// then have `config.grace` to end by themselves; what is left is reset. Cancel safety: dropping
/// the future stops the workers and resets their connections.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::{addr::Network, event::Ignore, listen, net::listen::{BindAddr, bind}, run::Cx};
/// let addr = BindAddr::Inet {
///     network: Network::Tcp, ip: Some([127, 0, 0, 1].into()), scope: 0, port: 0,
/// };
/// let listener = bind(&addr, &Default::default()).unwrap();
/// let config = listen::Config {
///     duration: Some(std::time::Duration::from_millis(1)),
///     ..listen::Config::default()
/// };
/// let report = listen::serve(vec![listener], &config, &Cx::default(), &mut Ignore).await.unwrap();
/// assert_eq!(report.totals.accepted, 0);
/// # });
/// ```
pub async fn serve(
    listeners: Vec<Listener>,
    config: &Config,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Result<Report, Error> {
    let mut body = Body {
        config,
        cx,
        observer,
        report: Report::default(),
        broken: false,
    };
    for listener in &listeners {
        body.tell(cx.elapsed(), Event::Listening(listener.facts().clone()));
    }
    let started = cx.elapsed();
    let (server, outlet) = Server::start(listeners, server_config(config))
        .map_err(|error| Error::local("starting to serve", &error))?;
    Ok(body.run(server, outlet, started).await)
}

struct Body<'a> {
    config: &'a Config,
    cx: &'a Cx,
    observer: &'a mut dyn Observer<Event>,
    report: Report,
    /// The observer wants no more.
    broken: bool,
}

impl Body<'_> {
    async fn run(
        mut self,
        mut server: Server,
        mut outlet: serve::Outlet,
        started: Duration,
    ) -> Report {
        let by = self.until_stopped(&server, &mut outlet, started).await;
        server.drain();
        self.tell(
            self.cx.elapsed(),
            Event::Draining {
                by,
                open: server.open(),
            },
        );
        let deadline = Instant::now() + self.config.grace;
        let drained = tokio::time::timeout_at(deadline, self.hear_all(&mut outlet, started)).await;
        if drained.is_err() {
            server.stop();
            self.hear_all(&mut outlet, started).await;
        }
        server.join();
        self.stats(&server);
        self.tell(self.cx.elapsed(), Event::Ended);
        self.report
    }

    /// Hears until something ends the serving, and says what.
    async fn until_stopped(
        &mut self,
        server: &Server,
        outlet: &mut serve::Outlet,
        started: Duration,
    ) -> EndedBy {
        let end = self
            .config
            .duration
            .map(|limit| self.cx.start() + started + limit);
        let mut ticks = self.config.stats_interval.map(ticks);
        while !self.broken {
            tokio::select! {
                biased;
                () = self.cx.cancel().cancelled() => return EndedBy::Signal,
                () = at(end) => return EndedBy::Duration,
                () = tick(&mut ticks) => self.stats(server),
                Some(event) = outlet.events.recv() => self.hear(event, started),
                () = server.finished() => return EndedBy::Count,
            }
        }
        EndedBy::Observer
    }

    /// Hears until the workers have ended.
    async fn hear_all(&mut self, outlet: &mut serve::Outlet, started: Duration) {
        while let Some(event) = outlet.events.recv().await {
            self.hear(event, started);
        }
    }

    /// Tells what a worker has told; its clock began when the server started.
    fn hear(&mut self, event: serve::Event, started: Duration) {
        let (at, event) = told(event);
        self.tell(started + at, event);
    }

    fn stats(&mut self, server: &Server) {
        let lasted = self.cx.elapsed();
        let totals = Totals {
            lasted_ms: lasted.into(),
            open: server.open(),
            breaker_opened: server.breaker_opened(),
            most_open_seen: self.report.totals.most_open_seen.max(server.open()),
            ..Totals::new(&server.counts())
        };
        self.tell(lasted, Event::Stats(Box::new(totals)));
    }

    fn tell(&mut self, at: Duration, event: Event) {
        let stamped = Stamped::new(at, event);
        self.report.apply(&stamped);
        self.broken |= self.observer.observe(&stamped).is_break();
    }
}

fn server_config(config: &Config) -> serve::Config {
    let cpus = || std::thread::available_parallelism().map_or(1, usize::from);
    let work = match config.behaviour {
        Behaviour::Echo => Work::Echo,
        Behaviour::Discard => Work::Discard,
    };
    let reply: Option<serve::Reply> = match config.behaviour {
        Behaviour::Echo => None,
        Behaviour::Discard => Some(Arc::new(|_, _| false)),
    };
    serve::Config {
        workers: config.workers.unwrap_or_else(cpus),
        work,
        plain: Arc::new(|_| true),
        datagrams: Datagrams {
            reply,
            allow_amplification: config.allow_amplification,
            ..Datagrams::default()
        },
        limits: config.limits.clone(),
        idle_timeout: config.idle_timeout,
        max_lifetime: config.max_lifetime,
        max_bytes: config.max_bytes,
        accept_delay: Duration::ZERO,
        no_accept: false,
        telling: config.telling,
    }
}

/// Splits a worker's event into its time and what it means here.
fn told(event: serve::Event) -> (Duration, Event) {
    match event {
        serve::Event::Opened(at, opened) => (at, Event::Opened(opened)),
        serve::Event::Closed(at, closed) => (at, Event::Closed(closed)),
        serve::Event::Exhausted { at, errno } => (at, Event::Exhausted { errno }),
        serve::Event::Rejected {
            at,
            listener,
            peer,
            reason,
            reset,
        } => {
            let event = Event::Rejected {
                listener,
                peer,
                reason,
                reset,
            };
            (at, event)
        }
        serve::Event::Data {
            at,
            id,
            listener,
            peer,
            bytes,
            cut,
        } => {
            let event = Event::Data {
                id,
                listener,
                peer,
                bytes,
                cut,
            };
            (at, event)
        }
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

async fn tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}

async fn at(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}
