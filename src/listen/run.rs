//! The body of a server: starts the workers, hears what they tell, attends to the connections that
//! are not theirs, and ends all in order.

use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::attend::Attendance;
use super::config::Config;
use super::event::Event;
use super::report::{EndedBy, Report, Totals};
use super::setup;
use crate::error::Error;
use crate::event::{Observer, Stamped};
use crate::net::listen::Listener;
use crate::net::serve::{self, Newcomer, Server};
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
    serve_and_look(listeners, config, &Notify::new(), cx, observer).await
}

/// The same; each [`Notify::notify_one`] of `look` has the numbers told ([`Event::Stats`]), beside those
/// that `config.stats_interval` asks for.
pub async fn serve_and_look(
    listeners: Vec<Listener>,
    config: &Config,
    look: &Notify,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Result<Report, Error> {
    let mut body = Body::new(config, look, cx, observer);
    for listener in &listeners {
        body.tell(cx.elapsed(), Event::Listening(listener.facts().clone()));
    }
    let started = cx.elapsed();
    let (server, outlet) = Server::start(listeners, setup::of_workers(config))
        .map_err(|error| Error::local("starting to serve", &error))?;
    Ok(body.run(server, outlet, started).await)
}

struct Body<'a> {
    config: &'a Config,
    look: &'a Notify,
    cx: &'a Cx,
    observer: &'a mut dyn Observer<Event>,
    report: Report,
    /// The observer wants no more.
    broken: bool,
    attendance: Rc<Attendance>,
    tasks: FuturesUnordered<Pin<Box<dyn Future<Output = Option<SocketAddr>>>>>,
    told: mpsc::UnboundedReceiver<(Instant, Event)>,
    /// When the workers' clock began.
    started: Duration,
    workers_ended: bool,
}

/// Something to do.
enum News {
    End(EndedBy),
    Tick,
    Worker(serve::Event),
    WorkersEnded,
    Attended(Instant, Event),
    Newcomer(Newcomer),
    Left(Option<SocketAddr>),
    Evict,
}

impl<'a> Body<'a> {
    fn new(
        config: &'a Config,
        look: &'a Notify,
        cx: &'a Cx,
        observer: &'a mut dyn Observer<Event>,
    ) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self {
            config,
            look,
            cx,
            observer,
            report: Report::default(),
            broken: false,
            attendance: Attendance::new(config, tell),
            tasks: FuturesUnordered::new(),
            told,
            started: Duration::ZERO,
            workers_ended: false,
        }
    }

    async fn run(
        mut self,
        mut server: Server,
        mut outlet: serve::Outlet,
        started: Duration,
    ) -> Report {
        self.started = started;
        let by = self.until_stopped(&server, &mut outlet).await;
        server.drain();
        self.attendance.drain.cancel();
        let open = server.open();
        self.tell(self.cx.elapsed(), Event::Draining { by, open });
        let grace = Instant::now() + self.config.grace;
        let drained = tokio::time::timeout_at(grace, self.until_empty(&server, &mut outlet)).await;
        if drained.is_err() {
            server.stop();
            self.attendance.stop.cancel();
            self.until_empty(&server, &mut outlet).await;
        }
        server.join();
        self.stats(&server);
        self.tell(self.cx.elapsed(), Event::Ended);
        self.report
    }

    /// Works until something ends the serving, and says what.
    async fn until_stopped(&mut self, server: &Server, outlet: &mut serve::Outlet) -> EndedBy {
        let limit = self.config.duration;
        let end = limit.map(|limit| self.cx.start() + self.started + limit);
        let mut ticks = self.config.stats_interval.map(ticks);
        while !self.broken {
            let news = tokio::select! {
                biased;
                () = self.cx.cancel().cancelled() => News::End(EndedBy::Signal),
                () = at(end) => News::End(EndedBy::Duration),
                () = tick(&mut ticks) => News::Tick,
                news = self.news(server, outlet) => news,
                () = server.finished() => News::End(EndedBy::Count),
            };
            if let News::End(by) = news {
                return by;
            }
            self.take(news, server);
        }
        EndedBy::Observer
    }

    /// Works until the workers have ended and nobody is attended to any more.
    async fn until_empty(&mut self, server: &Server, outlet: &mut serve::Outlet) {
        loop {
            let nobody = outlet.newcomers.is_empty() && self.tasks.is_empty();
            if self.workers_ended && nobody && self.told.is_empty() {
                return;
            }
            let news = self.news(server, outlet).await;
            self.take(news, server);
        }
    }

    /// Waits for the next thing to do. Cancel safe.
    async fn news(&mut self, server: &Server, outlet: &mut serve::Outlet) -> News {
        tokio::select! {
            biased;
            () = self.look.notified() => News::Tick,
            event = outlet.events.recv(), if !self.workers_ended => {
                event.map_or(News::WorkersEnded, News::Worker)
            }
            Some((at, event)) = self.told.recv() => News::Attended(at, event),
            Some(new) = outlet.newcomers.recv() => News::Newcomer(new),
            Some(peer) = self.tasks.next() => News::Left(peer),
            () = server.eviction() => News::Evict,
        }
    }

    fn take(&mut self, news: News, server: &Server) {
        match news {
            News::End(_) => {}
            News::Tick => self.stats(server),
            News::WorkersEnded => self.workers_ended = true,
            News::Worker(event) => {
                let (at, event) = told(event);
                self.tell(self.started + at, event);
            }
            News::Attended(at, event) => self.tell(self.cx.at(at), event),
            News::Newcomer(new) => {
                let attended = Rc::clone(&self.attendance).attend(new);
                self.tasks.push(Box::pin(attended));
            }
            News::Left(peer) => server.release(peer),
            News::Evict => self.attendance.evict(),
        }
    }

    fn stats(&mut self, server: &Server) {
        server.publish(&self.attendance.counts());
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
/// Splits a worker's event into its time and what it means here.
fn told(event: serve::Event) -> (Duration, Event) {
    match event {
        serve::Event::Opened(at, opened) => (at, Event::Opened(opened)),
        serve::Event::Closed(at, closed) => (at, Event::Closed(closed)),
        serve::Event::Exhausted { at, errno } => (at, Event::Exhausted { errno }),
        serve::Event::Fault {
            at,
            id,
            listener,
            peer,
            fault,
        } => {
            let event = Event::Fault {
                id,
                listener,
                peer,
                fault,
            };
            (at, event)
        }
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

pub(super) async fn at(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}
