//! Dialling the same targets again and again, on an open-loop schedule (DESIGN §6).

mod tally;

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Report;
use super::run::Connections;
use crate::addr::Target;
use crate::event::{Ignore, Observer, Stamped};
use crate::io::Io;
use crate::net::pool;
use crate::policy::pace::{Pace, Slot};
use crate::run::Cx;
use crate::stats::Latency;
use crate::time::Millis;

pub use tally::{Tally, round_trip};

/// Time between probes when nothing else is said.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// Slots taken before the probes under way, the signals and the output get their turn.
const SLOTS_AT_ONCE: usize = 64;

/// When probes are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Probes per target; `None` goes on until cancelled.
    pub count: Option<u64>,
    /// Probe n is due at t0 + n · interval; timers tick once a millisecond, so less is of no use.
    /// Default 1 s.
    pub interval: Duration,
    /// Probes under way at once, per target; a probe that finds no place is skipped. Default 64.
    pub parallel: usize,
    /// Each probe is a request on a connection that an earlier one left, if there is one. Default: no;
    /// each makes its own.
    pub reuse: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            count: None,
            interval: INTERVAL,
            parallel: 64,
            reuse: false,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A probe is over.
    Probe(Box<Probe>),
    /// A probe could not be sent when it was due.
    Skipped {
        /// Index of the target.
        target: usize,
        /// Its number, from 0.
        seq: u64,
    },
    /// Nothing more will come.
    Done,
}

/// One probe.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Index of the target.
    pub target: usize,
    /// Its number, from 0.
    pub seq: u64,
    /// When it was due, since the start of the run.
    pub due: Duration,
    /// When it began.
    pub started: Duration,
    /// What it found.
    pub report: Report,
}

/// The statistics of one target over all its probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// The target, joined.
    pub target: String,
    /// Probes that were due.
    pub scheduled: u64,
    /// Probes that were sent.
    pub sent: u64,
    /// Probes that succeeded.
    pub succeeded: u64,
    /// Probes that did not.
    pub failed: u64,
    /// Probes that could not be sent when due.
    pub skipped: u64,
    /// Probes cut short by the end of the run; neither succeeded nor failed.
    pub interrupted: u64,
    /// Failures as a share of those sent and ended, in percent; `null` when none ended.
    pub loss_pct: Option<f64>,
    /// How often each failure kind (or other outcome) came.
    pub outcomes: std::collections::BTreeMap<String, u64>,
    /// Connect times of the probes that succeeded, with TLS to the end of the handshake; on UDP, and with
    /// reuse, the times of the exchange.
    pub rtt: Option<Latency>,
    /// Mean absolute difference of consecutive connect times (RFC 3550 style, without smoothing).
    pub jitter_ms: Option<Millis>,
    /// How late probes were sent.
    pub lateness: Option<Latency>,
    /// How often a connection was used again; `null` without reuse.
    pub reuse: Option<Reuse>,
    /// The whole run.
    pub total_ms: Millis,
}

/// How often a connection was used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reuse {
    /// Probes that got a connection that was open already.
    pub hits: u64,
    /// Probes that had to connect, whether or not they could.
    pub misses: u64,
}

/// Probes every target on the schedule until the count is reached or the run is stopped.
///
/// Open loop: probe n is due at t0 + n · interval whether or not the last one came back. Returns one
/// summary a target; interim ones come from folding the events with [`Tally`], as this does itself.
///
/// Cancel safety: dropping the future closes all sockets; cancel the token of `cx` to get the
/// summaries.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::{addr::Target, dial::{self, repeat}, event::Ignore, io::SystemIo, run::Cx};
/// use std::time::Duration;
/// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// let targets = [Target::from(listener.local_addr().unwrap())];
/// let interval = Duration::from_millis(1);
/// let schedule = repeat::Schedule { count: Some(3), interval, ..Default::default() };
/// let (config, io, cx) = (dial::Config::default(), SystemIo::default(), Cx::default());
/// let summaries = repeat::run(&targets, &config, &schedule, &io, &cx, &mut Ignore).await;
/// assert_eq!(summaries[0].scheduled, 3);
/// # });
/// ```
pub async fn run<I: Io>(
    targets: &[Target],
    config: &super::Config,
    schedule: &Schedule,
    io: &I,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Vec<Summary> {
    let mut record = Record::new(targets, cx, observer);
    let stop = record.stop.clone();
    let mut pace = Pace::new(cx.start(), schedule.interval, schedule.count);
    let mut busy = vec![0_usize; targets.len()];
    let pool = schedule.reuse.then(|| pool(targets.len(), schedule));
    let with = (config, pool.as_ref());
    let mut pending = FuturesUnordered::new();
    loop {
        let due = pace.next_due().filter(|_| !stop.is_cancelled());
        tokio::select! {
            biased;
            Some(probe) = pending.next() => {
                let probe: Probe = probe;
                busy[probe.target] -= 1;
                record.put(Event::Probe(Box::new(probe)));
            }
            () = stop.cancelled(), if due.is_some() => {}
            () = sleep_until(due), if due.is_some() => {
                for slot in pace.take_due(Instant::now()).take(SLOTS_AT_ONCE) {
                    for place in places(slot, &mut busy, schedule.parallel) {
                        match place {
                            Ok(slot) => pending.push(probe(targets, slot, with, io, cx, &stop)),
                            Err(skipped) => record.put(skipped),
                        }
                    }
                }
            }
            else => break,
        }
        // After a stop of this machine many slots are due at once: others must get their turn.
        tokio::task::yield_now().await;
    }
    record.finish()
}

/// A place for every probe under way: none ever waits for one. What is idle is closed by the peer, or
/// at the end.
fn pool(targets: usize, schedule: &Schedule) -> Connections {
    Connections::new(pool::Config {
        max_connections: schedule.parallel.saturating_mul(targets),
        max_per_key: schedule.parallel,
        idle_timeout: None,
        ..pool::Config::default()
    })
}

/// Which probe of which target, and when it was due.
struct Place {
    target: usize,
    seq: u64,
    due: Instant,
}

/// A place for each target's probe in a slot, or the event of its being skipped.
fn places(
    slot: Slot,
    busy: &mut [usize],
    parallel: usize,
) -> impl Iterator<Item = Result<Place, Event>> + '_ {
    let Slot {
        seq, due, missed, ..
    } = slot;
    busy.iter_mut().enumerate().map(move |(target, busy)| {
        if missed || *busy >= parallel {
            return Err(Event::Skipped { target, seq });
        }
        *busy += 1;
        Ok(Place { target, seq, due })
    })
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// One dial, with a clock of its own.
async fn probe<I: Io>(
    targets: &[Target],
    place: Place,
    (config, pool): (&super::Config, Option<&Connections>),
    io: &I,
    run: &Cx,
    stop: &CancellationToken,
) -> Probe {
    let cx = Cx::new(stop.clone());
    let (due, started) = (run.at(place.due), run.at(cx.start()));
    let target = &targets[place.target];
    let report = match pool {
        Some(pool) => super::run::request((place.target, target), config, io, pool, &cx).await,
        None => super::run(target, config, io, &cx, &mut Ignore).await,
    };
    Probe {
        target: place.target,
        seq: place.seq,
        due,
        started,
        report,
    }
}

/// The single writer of a run: events go to the tallies and to the observer here, in order.
struct Record<'a> {
    tallies: Vec<Tally>,
    cx: &'a Cx,
    stop: CancellationToken,
    observer: &'a mut dyn Observer<Event>,
}

impl<'a> Record<'a> {
    fn new(targets: &[Target], cx: &'a Cx, observer: &'a mut dyn Observer<Event>) -> Self {
        let tallies = targets
            .iter()
            .map(|target| Tally::new(target.to_string()))
            .collect();
        Self {
            tallies,
            cx,
            stop: cx.cancel().child_token(),
            observer,
        }
    }

    fn put(&mut self, event: Event) {
        if let Some(tally) = event.target().and_then(|index| self.tallies.get_mut(index)) {
            tally.apply(&event);
        }
        if self
            .observer
            .observe(&Stamped::new(self.cx.elapsed(), event))
            .is_break()
        {
            self.stop.cancel();
        }
    }

    fn finish(mut self) -> Vec<Summary> {
        self.put(Event::Done);
        let total = self.cx.elapsed();
        self.tallies
            .iter()
            .map(|tally| tally.summary(total))
            .collect()
    }
}

impl Event {
    /// The index of the target it is about.
    #[must_use]
    pub fn target(&self) -> Option<usize> {
        match self {
            Self::Probe(probe) => Some(probe.target),
            Self::Skipped { target, .. } => Some(*target),
            Self::Done => None,
        }
    }
}
