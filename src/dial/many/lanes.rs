//! The two ways a target takes: one epoll loop for literal addresses that are only to be
//! connected, and a dial of its own for everything else.
//!
//! Both lanes walk the same lazy iterator and put their reports into one collector.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::memo::Memo;
use super::{Config, Event, Summary};
use crate::addr::{Family, Target, Transport};
use crate::dial::{self, Report};
use crate::event::{Ignore, Observer, Stamped};
use crate::io::Io;
use crate::net::sweep::{self, Swept};
use crate::net::{PeerAddr, limits};
use crate::run::Cx;

/// Whole dials under way at once at most, unless the user says otherwise: enough to hide the silence
/// of most targets, few enough for a name server.
const DIALS_AT_MOST: usize = 1024;
/// Descriptors of one whole dial: two racing attempts, two questions over UDP, and one over TCP.
const DESCRIPTORS_OF_A_DIAL: usize = 5;

/// How many of each lane may be under way at once.
#[derive(Clone, Copy, Debug)]
struct Room {
    sweep: usize,
    dial: usize,
}

impl Room {
    /// What the user says, or what fits the descriptor limit, a half of it for whole dials at most
    /// while the other lane is in use.
    fn new(parallel: Option<usize>, sweeps: bool) -> Self {
        let sockets = limits::parallel_sockets();
        let share = if sweeps { sockets / 2 } else { sockets };
        let dial = (share / DESCRIPTORS_OF_A_DIAL).clamp(1, DIALS_AT_MOST);
        let sweep = sockets.saturating_sub(dial * DESCRIPTORS_OF_A_DIAL).max(1);
        match parallel {
            Some(parallel) => Self {
                sweep: if sweeps { parallel } else { 0 },
                dial: parallel,
            },
            None => Self {
                sweep: if sweeps { sweep } else { 0 },
                dial,
            },
        }
    }

    /// Dials under way at once at most; with a limit of the user the lanes take turns.
    fn in_all(self) -> usize {
        if self.sweep == self.dial {
            self.dial
        } else {
            self.sweep + self.dial
        }
    }
}

/// Targets of the other lane that are passed over before the runtime gets its turn.
const PASSED_OVER: usize = 4096;

/// A run over many targets.
pub(super) struct Lanes<'a, I> {
    config: &'a Config,
    io: Memo<'a, I>,
    cx: &'a Cx,
    stop: CancellationToken,
    /// Whether literal addresses take a lane of their own.
    sweeps: bool,
    room: Room,
    collector: Mutex<Collector<'a>>,
}

/// The single writer: counts, then hands over.
struct Collector<'a> {
    summary: Summary,
    observer: &'a mut dyn Observer<Event>,
}

impl<'a, I: Io> Lanes<'a, I> {
    pub(super) fn new(
        config: &'a Config,
        io: &'a I,
        cx: &'a Cx,
        observer: &'a mut dyn Observer<Event>,
    ) -> Self {
        let (stop, sweeps) = (
            cx.cancel().child_token(),
            io.sweeps() && config.dial.only_connects(),
        );
        let room = Room::new(config.parallel, sweeps);
        let summary = Summary {
            parallel: room.in_all(),
            ..Summary::default()
        };
        let collector = Mutex::new(Collector { summary, observer });
        Self {
            config,
            io: Memo::new(io),
            cx,
            stop,
            sweeps,
            room,
            collector,
        }
    }

    /// Dials all targets and gives back the summary, with the observer for the last word.
    pub(super) async fn drive(
        self,
        targets: impl Iterator<Item = Target> + Clone + Send,
    ) -> (Summary, &'a mut dyn Observer<Event>) {
        let (sweep, dial) = (self.sweep_all(targets.clone()), self.dial_all(targets));
        if self.config.parallel.is_some() {
            // The user's limit is for both: one lane after the other.
            sweep.await;
            dial.await;
        } else {
            tokio::join!(sweep, dial);
        }
        let interrupted = self.stop.is_cancelled();
        let collector = self
            .collector
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut summary = collector.summary;
        summary.interrupted = interrupted;
        (summary, collector.observer)
    }

    /// The lane of literal addresses that are only to be connected.
    async fn sweep_all(&self, targets: impl Iterator<Item = Target> + Send) {
        if !self.sweeps {
            return;
        }
        let config = sweep::Config {
            timeout: self.config.dial.limit_of_one(),
            parallel: Some(self.room.sweep),
            options: &self.config.dial.socket,
        };
        let literals = targets.filter_map(|target| self.swept(&target).map(|addr| (addr, target)));
        let collect = |swept: sweep::Swept<Target>| self.collect(report_of(swept));
        sweep::sweep_while(literals, &config, &self.stop, collect, || self.has_room()).await;
    }

    /// The lane of whole dials.
    async fn dial_all(&self, mut targets: impl Iterator<Item = Target>) {
        let (mut pending, mut more) = (FuturesUnordered::new(), true);
        loop {
            let wanted = more && pending.len() < self.room.dial && !self.stop.is_cancelled();
            let room = wanted && self.has_room();
            tokio::select! {
                biased;
                Some(report) = pending.next() => self.collect(report),
                next = self.next_dialled(&mut targets), if room => match next {
                    Some(target) => pending.push(self.dial(target)),
                    None => more = false,
                },
                () = tokio::time::sleep(sweep::PATIENCE), if wanted && !room => {}
                else => break,
            }
        }
    }

    /// The next target that is not swept. Cancel safe: what is passed over belongs to the other
    /// lane.
    async fn next_dialled(&self, targets: &mut impl Iterator<Item = Target>) -> Option<Target> {
        for passed in 1_usize.. {
            let target = targets.next()?;
            if self.swept(&target).is_none() {
                return Some(target);
            }
            if passed % PASSED_OVER == 0 {
                tokio::task::yield_now().await;
            }
        }
        None
    }

    /// The address of a target that takes the sweep's lane.
    fn swept(&self, target: &Target) -> Option<SocketAddr> {
        let tcp = target.network.transport() == Transport::Tcp;
        let addr = target.socket_addr().filter(|_| self.sweeps && tcp)?;
        let family = Family::of(addr.ip());
        let allowed = |only: Option<Family>| only.is_none_or(|only| only == family);
        (allowed(target.network.family()) && allowed(self.config.dial.family)).then_some(addr)
    }

    async fn dial(&self, target: Target) -> Report {
        let cx = Cx::new(self.stop.clone());
        dial::run(&target, &self.config.dial, &self.io, &cx, &mut Ignore).await
    }

    /// Whether the observer can take more.
    fn has_room(&self) -> bool {
        let mut collector = self
            .collector
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        collector.observer.has_room()
    }

    /// Counts a report and hands it over; one that was cut short has nothing to say.
    fn collect(&self, report: Report) {
        if report.is_interrupted() {
            return;
        }
        let mut collector = self
            .collector
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        collector.summary.counts.add(&report);
        let event = Stamped::new(self.cx.elapsed(), Event::Result(Box::new(report)));
        if collector.observer.observe(&event).is_break() {
            self.stop.cancel();
        }
    }
}

/// The report of a swept target, by the same fold as that of a dial.
fn report_of(swept: Swept<Target>) -> Report {
    let mut report = Report::new(&swept.token);
    let took = swept.ended.saturating_duration_since(swept.started);
    let mut apply = |at, event| report.apply(&Stamped::new(at, event));
    let addr = PeerAddr::Tcp(swept.addr);
    apply(
        Duration::ZERO,
        dial::Event::ConnectStart { attempt: 0, addr },
    );
    let failure = swept.result.as_ref().err().cloned();
    apply(
        took,
        dial::Event::ConnectDone {
            attempt: 0,
            result: swept.result,
            tls: None,
        },
    );
    apply(took, dial::Event::Done { failure });
    report
}
