//! A client that survives its server: requests over a session that is watched by heartbeats, made
//! anew when it is lost, and spared by a breaker.
//!
//! The same driver as `netkit heartbeat`'s, with requests between the beats.

use std::fmt;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::config::{Config, GIVE_UP_AFTER};
use super::driver::Driver;
use super::event::{Event, Fact, State};
use super::log::Log;
use super::{Fold, Report};
use crate::addr::Target;
use crate::deadline::{Deadline, Expired};
use crate::event::{Observer, Stamped};
use crate::failure::{Failure, Kind, Stage, Who};
use crate::io::Io;
use crate::run::Cx;

/// Requests that wait for the driver at most; more wait for room.
const INBOX: usize = 64;

/// Something to say, and who waits for the answer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) message: Vec<u8>,
    pub(super) deadline: Instant,
    pub(super) answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
}

/// Dial, breaker, backoff and heartbeat behind one type.
///
/// Replies are told apart as the configuration's probe does: with [`super::Probe::Line`] a request is
/// a line and its reply the next line; with [`super::Probe::Echo`] a reply is as long as its request.
/// Cheap to clone; all clones share the session.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::{addr::Target, deadline::Deadline, event::Ignore, heartbeat, io::SystemIo};
/// use netkit::heartbeat::{Probe, ReliableClient, State};
/// use std::time::Duration;
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
/// # let addr = listener.local_addr().unwrap();
/// # let server = async move {
/// #     let (mut stream, _) = listener.accept().await.unwrap();
/// #     let (mut read, mut write) = stream.split();
/// #     tokio::io::copy(&mut read, &mut write).await.unwrap();
/// #     std::future::pending::<()>().await;
/// # };
/// let config = heartbeat::Config { probe: Probe::line(), ..ReliableClient::config() };
/// let (client, driver) = ReliableClient::new(Target::from(addr), config, SystemIo::default());
/// let work = async {
///     let reply = client.request(b"PING\n", &Deadline::after(Duration::from_secs(5))).await;
///     assert_eq!(reply.unwrap(), b"PING\n");
///     assert!(!client.state().is_down());
/// };
/// // A service spawns the driver; here it runs beside the one request.
/// tokio::select! {
///     _ = driver.run(Ignore) => unreachable!("the client still lives"),
/// #   () = server => {}
///     () = work => {}
/// }
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct ReliableClient {
    requests: mpsc::Sender<Request>,
    state: watch::Receiver<State>,
    target: String,
}

/// What keeps a [`ReliableClient`] alive: to be run beside it.
pub struct ClientDriver<I> {
    target: Target,
    config: Config,
    io: I,
    inbox: mpsc::Receiver<Request>,
    state: watch::Sender<State>,
}

impl ReliableClient {
    /// The defaults of a client: those of a heartbeat with line probes, but a target that stays lost
    /// for 30 s is given up.
    #[must_use]
    pub fn config() -> Config {
        let default = Config::default();
        Config {
            probe: super::Probe::line(),
            reconnect: super::Reconnect {
                give_up_after: Some(GIVE_UP_AFTER),
                ..default.reconnect
            },
            ..default
        }
    }

    /// A client of a target, and the driver that must run beside it. Nothing is connected before that
    /// runs.
    #[must_use]
    pub fn new<I: Io>(target: Target, config: Config, io: I) -> (Self, ClientDriver<I>) {
        let (requests, inbox) = mpsc::channel(INBOX);
        let (state, seen) = watch::channel(State::Unknown);
        let client = Self {
            requests,
            state: seen,
            target: target.to_string(),
        };
        let driver = ClientDriver {
            target,
            config,
            io,
            inbox,
            state,
        };
        (client, driver)
    }

    /// Says something and waits for its reply.
    ///
    /// # Errors
    ///
    /// Why there is none: no session and no hope of one, the breaker is open (`breaker_open`), the
    /// session was lost meanwhile, or the deadline. A request that failed may have been carried out;
    /// it is never repeated by itself.
    ///
    /// Cancel safety: dropping the future forgets the reply, not the request.
    pub async fn request(&self, message: &[u8], deadline: &Deadline) -> Result<Vec<u8>, Failure> {
        let (answer, answered) = oneshot::channel();
        let far = || Instant::now() + std::time::Duration::from_secs(3_600);
        let request = Request {
            message: message.to_vec(),
            deadline: deadline.at().unwrap_or_else(far),
            answer,
        };
        let exchange = async {
            self.requests.send(request).await.ok()?;
            answered.await.ok()
        };
        match deadline.bound(exchange).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(self.failure(Kind::ClosedEarly, "the target was given up")),
            Err(Expired::TimedOut) => Err(self.failure(Kind::Timeout, "no reply in time")),
            Err(Expired::Cancelled) => Err(self.failure(Kind::Timeout, "interrupted")),
        }
    }

    /// The state of the target now.
    #[must_use]
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Waits until the state changes, and says to what; `None` when the driver has ended. Cancel safe.
    pub async fn changed(&mut self) -> Option<State> {
        self.state.changed().await.ok()?;
        Some(self.state())
    }

    fn failure(&self, kind: Kind, text: &str) -> Failure {
        let message = format!("{}: {text}", self.target);
        Failure::new(Stage::Receive, kind, message).by(Who::Netkit)
    }
}

impl<I: Io> ClientDriver<I> {
    /// Keeps the client alive until it and its clones are dropped, or the target is given up.
    pub async fn run(self, mut observer: impl Observer<Event>) -> Report {
        let Self {
            target,
            config,
            io,
            inbox,
            state,
        } = self;
        let mut tell = |event: &Stamped<Event>| {
            if let Fact::State(change) = &event.event.fact {
                state.send_replace(change.to);
            }
            observer.observe(event)
        };
        let cx = Cx::default();
        let log = Log::new(Fold::new([target.to_string()]), &cx, &mut tell);
        let driver = Driver::new((0, &target), &config, &io, &log, Instant::now());
        tokio::select! {
            biased;
            () = log.stop().cancelled() => {}
            () = driver.with_requests(inbox).run() => {}
            () = log.tick() => {}
        }
        let now = Instant::now();
        log.put(None, now, Fact::Done);
        log.report(log.at(now))
    }
}

impl<I> fmt::Debug for ClientDriver<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientDriver")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
