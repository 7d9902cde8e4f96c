//! The loop of a bulk run: sockets, the clock and the engine on one thread.
//!
//! Each turn reads what has come, does what is due, sends what there is room for, and only waits
//! when nothing was to be done.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Sleep;

use super::Config;
use super::engine::Engine;
use super::report::{Finished, Summary};
use super::tcp::Pool;
use super::udp::Udp;
use crate::error::Error;
use crate::failure::Stage;
use crate::net::datagram;
use crate::resolve::client::Client;
use crate::run::Cx;

/// Datagrams sent before what has come is read again, and read before the same.
const AT_ONCE: usize = 64;
/// Turns before the runtime gets its own: signals, standard input and TCP are its.
const TURNS: usize = 16;
/// How often somebody who waits looks up, so that progress is shown and questions are heard.
const LOOK_UP: Duration = Duration::from_millis(100);
/// Until datagrams that the system had no room for are tried again.
const NO_ROOM: Duration = Duration::from_millis(1);

/// Where the names come from.
pub trait Source {
    /// Waits until [`Source::next`] has a line or is at the end. Cancel safe.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// The next line; `None` at the end. Called only when it is ready.
    fn next(&mut self) -> Option<&[u8]>;
}

/// Where the results go.
pub trait Sink {
    /// Takes a result, `at` since the start. Never refuses: what is under way has its place.
    fn finished(&mut self, finished: &Finished<'_>, at: Duration);

    /// Waits until new names may be taken in, because the results of those before are gone.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Called after some results and at least every 100 ms; `summary` says how the run stands.
    /// `Break` ends the run.
    fn flush(&mut self, summary: &dyn Fn() -> Summary) -> ControlFlow<()>;
}

/// Resolves every name of `source` and hands each result to `sink`, in no particular order.
///
/// Takes a name only when it can be asked soon, so an endless source is fine, and none while the
/// sink is not ready, so a slow reader slows the run and loses nothing. Memory does not depend on
/// the number of names. Returns when all are done; at once when the run is cancelled: names under
/// way are then counted and not reported.
///
/// Errs when no socket can be watched at all, or none be had as the configuration wants it. Cancel safe: dropping the future closes all sockets.
///
/// ```no_run
/// # use std::ops::ControlFlow;
/// # use std::task::{Context, Poll};
/// # use netkit::resolve::{Transports, bulk};
/// struct Names(Vec<&'static str>);
/// impl bulk::Source for Names {
///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
///         Poll::Ready(())
///     }
///     fn next(&mut self) -> Option<&[u8]> {
///         self.0.pop().map(str::as_bytes)
///     }
/// }
/// struct Print;
/// impl bulk::Sink for Print {
///     fn finished(&mut self, finished: &bulk::Finished<'_>, _: std::time::Duration) {
///         println!("{}: {:?}", finished.text, finished.ending);
///     }
///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
///         Poll::Ready(())
///     }
///     fn flush(&mut self, _: &dyn Fn() -> bulk::Summary) -> ControlFlow<()> {
///         ControlFlow::Continue(())
///     }
/// }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = bulk::Server {
///     addr: "192.0.2.53:53".parse()?,
///     transports: Transports::Both,
/// };
/// let config = bulk::Config { servers: vec![server], ..bulk::Config::default() };
/// let names = Names(vec!["www.example", "mail.example MX"]);
/// let summary = bulk::run(&config, &Default::default(), names, &mut Print).await?;
/// assert_eq!(summary.names, 2);
/// # Ok(())
/// # }
/// ```
pub async fn run(
    config: &Config,
    cx: &Cx,
    source: impl Source,
    sink: &mut impl Sink,
) -> Result<Summary, Error> {
    let client = Client::new(config.client.clone());
    for server in &config.servers {
        // What cannot be had is this machine's fault, and the same for every name.
        let options = client.socket_options(server.addr);
        match datagram::open(server.addr, &options) {
            Err(failure) if failure.stage == Stage::Local => {
                return Err(Error::new("opening a socket", failure));
            }
            _ => {}
        }
    }
    let udp = Udp::new(client.clone())
        .map_err(|error| Error::local("making an epoll instance", &error))?;
    let mut run = Run {
        engine: Engine::new(config.clone()),
        udp,
        tcp: Pool::new(client, config.timeout),
        cx,
        source,
        sink,
        exhausted: false,
        blocked: false,
        unread: 0,
    };
    let interrupted = run.drive().await.is_break();
    Ok(run.engine.summary(cx.elapsed(), interrupted))
}

struct Run<'a, S, K> {
    engine: Engine,
    udp: Udp,
    tcp: Pool,
    cx: &'a Cx,
    source: S,
    sink: &'a mut K,
    /// Whether the source has come to its end.
    exhausted: bool,
    /// Whether the system had no room for a datagram.
    blocked: bool,
    /// Turns that left something to be read.
    unread: usize,
}

impl<S: Source, K: Sink> Run<'_, S, K> {
    /// `Break` when the run was stopped.
    async fn drive(&mut self) -> ControlFlow<()> {
        let mut alarm = pin!(tokio::time::sleep(Duration::ZERO));
        loop {
            for _ in 0..TURNS {
                let did = self.turn();
                let engine = &self.engine;
                let summary = || engine.summary(self.cx.elapsed(), false);
                self.sink.flush(&summary)?;
                if self.cx.cancel().is_cancelled() {
                    return ControlFlow::Break(());
                }
                if self.exhausted && self.engine.inflight() == 0 {
                    return ControlFlow::Continue(());
                }
                if !did {
                    self.wait(alarm.as_mut()).await;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// One turn; `false` when there was nothing to do.
    fn turn(&mut self) -> bool {
        let cx = self.cx;
        let now = || cx.elapsed();
        let (engine, sink) = (&mut self.engine, &mut *self.sink);
        let mut stamp = now();
        let mut out = |finished: &Finished<'_>| sink.finished(finished, stamp);
        let came = self.udp.receive(engine, now, &mut out);
        stamp = now();
        let mut out = |finished: &Finished<'_>| sink.finished(finished, stamp);
        let mut ended = 0;
        while let Some(end) = self.tcp.next() {
            ended += 1;
            let asked = (end.key, end.lane);
            engine.tcp_ended(asked, end.reply.as_ref(), stamp, &mut out);
        }
        // What is still to be read is not lost: this process may just have been put aside.
        self.unread = if came < AT_ONCE { 0 } else { self.unread + 1 };
        if self.unread.is_multiple_of(TURNS) {
            engine.tick(stamp, &mut out);
        }
        let sent = self.send(stamp);
        self.udp.retire(&mut self.engine);
        came + ended + sent > 0
    }

    /// Sends what there is room for; returns how many datagrams and new names.
    fn send(&mut self, now: Duration) -> usize {
        let mut sent = 0;
        while !self.blocked && sent < AT_ONCE {
            if let Some(datagram) = self.engine.send(now) {
                self.udp.push(&datagram);
            } else if !self.admit(now) {
                break;
            }
            sent += 1;
        }
        let sink = &mut *self.sink;
        let mut out = |finished: &Finished<'_>| sink.finished(finished, now);
        self.blocked = !self.udp.flush(&mut self.engine, now, &mut out);
        while let Some(ask) = self.engine.next_tcp() {
            let addr = self.engine.server(ask.lane).addr;
            self.tcp.ask(ask, addr);
        }
        sent
    }

    /// Takes in one more name, if there is one and room for it.
    fn admit(&mut self, now: Duration) -> bool {
        if self.exhausted || !self.engine.wants_more(now) {
            return false;
        }
        // Whoever is not ready is asked again, with a real waker, before the run waits.
        let mut cx = Context::from_waker(Waker::noop());
        if self.sink.poll_ready(&mut cx).is_pending()
            || self.source.poll_ready(&mut cx).is_pending()
        {
            return false;
        }
        let sink = &mut *self.sink;
        let mut out = |finished: &Finished<'_>| sink.finished(finished, now);
        match self.source.next() {
            Some(line) => drop(self.engine.admit(line, now, &mut out)),
            None => self.exhausted = true,
        }
        !self.exhausted
    }

    /// Waits for news of any kind.
    async fn wait(&mut self, mut alarm: Pin<&mut Sleep>) {
        let now = self.cx.elapsed();
        let next = self.engine.next().filter(|next| *next > now);
        let latest = now + if self.blocked { NO_ROOM } else { LOOK_UP };
        let until = next.map_or(latest, |next| next.min(latest));
        alarm.as_mut().reset(self.cx.start() + until);
        let mut stopped = pin!(self.cx.cancel().cancelled());
        let wants_more = !self.exhausted && self.engine.wants_more(now);
        poll_fn(|cx| {
            let woken = self.udp.poll_ready(cx).is_ready()
                || self.tcp.poll_ready(cx).is_ready()
                || alarm.as_mut().poll(cx).is_ready()
                || stopped.as_mut().poll(cx).is_ready()
                || wants_more
                    && self.sink.poll_ready(cx).is_ready()
                    && self.source.poll_ready(cx).is_ready();
            if woken {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}
