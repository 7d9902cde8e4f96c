//! The body of a server: starts the workers, hears what they tell, attends to the connections that
//! are not theirs, and ends all in order.

use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::attend::{self, Attendance};
use super::config::Behaviour;
use super::config::Config;
use super::control::{Order, Orders, State};
use super::event::Event;
use super::forward::{Mirrors, dialler};
use super::report::{EndedBy, Report, Totals};
use super::setup;
use super::spared::spared;
use crate::error::Error;
use crate::event::{Observer, Stamped};
use crate::failure::Kind;
use crate::io::{Io, SystemIo};
use crate::net::listen::{Listener, Mailbox};
use crate::net::programs::Programs;
use crate::net::serve::{self, Count, Door, Newcomer, Server};
use crate::policy::fault::Direction;
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
    let means = Means::new(SystemIo::default());
    serve_through(listeners, config, means, cx, observer).await
}

/// What a server works with besides its configuration.
#[derive(Debug)]
pub struct Means<I> {
    /// Connects to the service and the shadow, where connections are forwarded.
    pub io: I,
    /// Where orders come from.
    pub orders: Option<Orders>,
    /// Each [`Notify::notify_one`] has the numbers told ([`Event::Stats`]), beside those that
    /// `config.stats_interval` asks for.
    pub look: Arc<Notify>,
    /// Where the door of the server is put once it stands, for who has to know how many are there when
    /// nothing of the server can be waited for.
    pub door: Arc<OnceLock<Door>>,
    /// The programs that have connections ([`Behaviour::Exec`]).
    pub programs: Programs,
    /// Shakes hands with clients before anything else is said; without it everything is plain text.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::net::tls::TlsServer>,
}

impl<I> Means<I> {
    /// Connects through `io`, and nothing more.
    pub fn new(io: I) -> Self {
        Self {
            io,
            orders: None,
            look: Arc::default(),
            door: Arc::default(),
            programs: Programs::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// The same by other means: connecting through `io` where connections are forwarded, taking orders
/// meanwhile, speaking TLS.
pub async fn serve_through<I: Io + 'static>(
    listeners: Vec<Listener>,
    config: &Config,
    means: Means<I>,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Result<Report, Error> {
    let failed = |error| Error::local("starting to serve", &error);
    let (io, orders, look) = (Arc::new(means.io), means.orders, means.look);
    let place_of_door = means.door;
    let means = attend::Means {
        dialler: dialler(Arc::clone(&io)),
        programs: means.programs,
        #[cfg(feature = "tls")]
        tls: means.tls,
    };
    let mut body = Body::new(config, look, means, cx, observer);
    body.orders = orders;
    body.mirror(config, io).map_err(failed)?;
    let facts: Vec<_> = listeners.iter().map(|of| of.facts().clone()).collect();
    let started = cx.elapsed();
    let (datagrams, listeners) = body.share_out(listeners);
    let config_of_workers = setup::of_workers(config, body.attendance.tls().is_some());
    // Only what can begin says so, and before anybody is accepted.
    let (server, outlet) = Server::start_after(listeners, config_of_workers, || {
        for facts in facts {
            body.tell(cx.elapsed(), Event::Listening(facts));
        }
    })
    .map_err(|error| unstarted(&error))?;
    // A server has one door.
    let _ = place_of_door.set(server.door());
    for (at, listener) in datagrams {
        let socket = listener.into_mailbox().map_err(failed)?;
        body.forward_datagrams(at, socket, server.door());
    }
    Ok(body.run(server, outlet, started).await)
}

/// Why the workers could not begin.
fn unstarted(error: &std::io::Error) -> Error {
    let mut unstarted = Error::local("starting to serve", error);
    if unstarted.failure.kind == Kind::TooManyFiles {
        unstarted.failure.message = "no descriptor is left for the threads that serve".into();
        unstarted.failure.hint = Some("raise the limit (`ulimit -n`) or lower --workers".into());
    }
    unstarted
}

/// How often it is looked whether everything has ended.
const LOOK: Duration = Duration::from_millis(20);

struct Body<'a> {
    config: &'a Config,
    look: Arc<Notify>,
    cx: &'a Cx,
    observer: &'a mut dyn Observer<Event>,
    report: Report,
    /// The observer wants no more.
    broken: bool,
    attendance: Rc<Attendance>,
    tasks: FuturesUnordered<Pin<Box<dyn Future<Output = Option<SocketAddr>>>>>,
    told: mpsc::UnboundedReceiver<(Instant, Event)>,
    /// Where orders come from.
    orders: Option<Orders>,
    /// Forwarders of datagrams, one a socket.
    forwarders: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>>,
    /// The places, among all listeners, of those that the workers have.
    places: Vec<usize>,
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
    Order(Order, oneshot::Sender<State>),
    Nothing,
}

impl<'a> Body<'a> {
    fn new(
        config: &'a Config,
        look: Arc<Notify>,
        means: attend::Means,
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
            attendance: Attendance::new(config, means, tell),
            tasks: FuturesUnordered::new(),
            told,
            orders: None,
            forwarders: FuturesUnordered::new(),
            places: Vec::new(),
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
            let cancel = self.cx.cancel();
            let clock = spared(async {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => News::End(EndedBy::Signal),
                    () = at(end) => News::End(EndedBy::Duration),
                    () = tick(&mut ticks) => News::Tick,
                }
            });
            let news = tokio::select! {
                biased;
                news = clock => news,
                news = self.news(server, outlet) => news,
                () = spared(server.finished()) => News::End(EndedBy::Count),
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
            let idle = self.forwarders.is_empty() && self.attendance.mirrors_have_ended();
            let nobody = outlet.newcomers.is_empty() && self.tasks.is_empty() && idle;
            if self.workers_ended && nobody && self.told.is_empty() {
                return;
            }
            // The thread of the shadow ends without a word.
            let news = tokio::time::timeout(LOOK, self.news(server, outlet)).await;
            if let Ok(news) = news {
                self.take(news, server);
            }
        }
    }

    /// Waits for the next thing to do. Cancel safe.
    async fn news(&mut self, server: &Server, outlet: &mut serve::Outlet) -> News {
        let Self {
            look,
            told,
            tasks,
            forwarders,
            orders,
            workers_ended,
            ..
        } = self;
        // What carries bytes is polled whenever some move, the rest when it has something to say.
        let rest = spared(async {
            tokio::select! {
                biased;
                () = look.notified() => News::Tick,
                event = outlet.events.recv(), if !*workers_ended => {
                    event.map_or(News::WorkersEnded, News::Worker)
                }
                Some((at, event)) = told.recv() => News::Attended(at, event),
                Some(new) = outlet.newcomers.recv() => News::Newcomer(new),
                () = server.eviction() => News::Evict,
                Some((order, reply)) = order(orders) => News::Order(order, reply),
            }
        });
        tokio::select! {
            biased;
            news = rest => news,
            Some(peer) = tasks.next() => News::Left(peer),
            Some(()) = forwarders.next() => News::Nothing,
        }
    }

    fn take(&mut self, news: News, server: &Server) {
        match news {
            News::Tick => self.stats(server),
            News::WorkersEnded => self.workers_ended = true,
            News::Worker(event) => {
                let (at, event) = told(event, &self.places);
                self.tell(self.started + at, event);
            }
            News::Attended(at, event) => {
                self.count_mirror(&event);
                self.tell(self.cx.at(at), event);
            }
            News::Newcomer(mut new) => {
                new.listener = self.places[new.listener];
                let attended = Rc::clone(&self.attendance).attend(new);
                self.tasks.push(Box::pin(attended));
            }
            News::Left(peer) => server.release(peer),
            News::Evict => self.attendance.evict(),
            News::Order(order, reply) => self.obey(order, reply),
            News::End(_) | News::Nothing => {}
        }
    }

    /// Starts the shadow, where one is asked for.
    fn mirror<I: Io + 'static>(&self, config: &Config, io: Arc<I>) -> std::io::Result<()> {
        if let Behaviour::Forward(forward) = &config.behaviour
            && let Some(mirror) = forward.mirror.clone()
        {
            let told = self.attendance.told.clone();
            let mirrors = Mirrors::start(mirror, forward.dial.clone(), io, told)?;
            *self.attendance.mirrors.borrow_mut() = Some(mirrors);
        }
        Ok(())
    }

    /// Which listeners are ours, because their datagrams are forwarded, and which the workers'.
    fn share_out(&mut self, listeners: Vec<Listener>) -> (Vec<(usize, Listener)>, Vec<Listener>) {
        let forwards = matches!(self.config.behaviour, Behaviour::Forward(_));
        let all = listeners.into_iter().enumerate();
        let (ours, theirs): (Vec<_>, Vec<_>) =
            all.partition(|(_, listener)| forwards && listener.transport().is_datagram());
        self.places = theirs.iter().map(|(at, _)| *at).collect();
        (
            ours,
            theirs.into_iter().map(|(_, listener)| listener).collect(),
        )
    }

    fn forward_datagrams(&self, at: usize, socket: Mailbox, door: Door) {
        if let Behaviour::Forward(forward) = &self.config.behaviour {
            let attendance = Rc::clone(&self.attendance);
            let forwarder = attendance.forward_datagrams((**forward).clone(), at, socket, door);
            self.forwarders.push(Box::pin(forwarder));
        }
    }

    fn obey(&mut self, order: Order, reply: oneshot::Sender<State>) {
        match order {
            Order::Faults(rules) => self.attendance.retox(rules),
            Order::Look => {}
        }
        // Who no longer waits for the answer does not want it.
        let _ = reply.send(self.attendance.state());
    }

    fn count_mirror(&self, event: &Event) {
        if let Event::Mirror(report) = event {
            let mut counts = self.attendance.counts.borrow_mut();
            counts.add(Count::MirrorDropped, report.dropped);
            let differs = report.compared.as_ref().is_some_and(|found| !found.equal);
            counts.add(Count::MirrorDiffered, u64::from(differs));
        }
    }

    fn stats(&mut self, server: &Server) {
        server.publish(&self.attendance.counts());
        let lasted = self.cx.elapsed();
        let totals = Totals {
            lasted_ms: lasted.into(),
            open: server.open(),
            breaker_opened: server.breaker_opened(),
            most_open_seen: server.most_open(),
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
fn told(event: serve::Event, places: &[usize]) -> (Duration, Event) {
    match event {
        serve::Event::Opened(at, mut opened) => {
            opened.listener = places[opened.listener];
            (at, Event::Opened(opened))
        }
        serve::Event::Closed(at, mut closed) => {
            closed.listener = places[closed.listener];
            (at, Event::Closed(closed))
        }
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
                listener: places[listener],
                peer,
                fault,
                direction: Direction::Down,
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
                listener: places[listener],
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
                listener: places[listener],
                peer,
                bytes,
                cut,
            };
            (at, event)
        }
    }
}

async fn order(orders: &mut Option<Orders>) -> Option<(Order, oneshot::Sender<State>)> {
    match orders {
        Some(orders) => orders.recv().await,
        None => None,
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
