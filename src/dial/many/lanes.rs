//! The two ways a target takes: one epoll loop for literal addresses that are only to be
//! connected, and a dial of its own for everything else.
//!
//! Both lanes walk the same lazy iterator and put their reports into one collector.

use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::memo::Memo;
use super::{Config, Event, Summary};
use crate::addr::Target;
use crate::dial::{self, Report};
use crate::event::{Ignore, Observer, Stamped};
use crate::io::Io;
use crate::run::Cx;

/// Dials under way at once in the lane of whole dials, unless the user says otherwise: enough to
/// hide the silence of most targets, few enough for a name server.
const PARALLEL_DIALS: usize = 1024;

/// A run over many targets.
pub(super) struct Lanes<'a, I> {
    config: &'a Config,
    io: Memo<'a, I>,
    cx: &'a Cx,
    stop: CancellationToken,
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
        let collector = Mutex::new(Collector {
            summary: Summary::default(),
            observer,
        });
        Self {
            config,
            io: Memo::new(io),
            cx,
            stop: cx.cancel().child_token(),
            collector,
        }
    }

    /// Dials all targets and gives back the summary, with the observer for the last word.
    pub(super) async fn drive(
        self,
        targets: impl Iterator<Item = Target> + Clone + Send,
    ) -> (Summary, &'a mut dyn Observer<Event>) {
        self.dial_all(targets).await;
        let interrupted = self.stop.is_cancelled();
        let collector = self
            .collector
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut summary = collector.summary;
        summary.interrupted = interrupted;
        (summary, collector.observer)
    }

    async fn dial_all(&self, targets: impl Iterator<Item = Target>) {
        let parallel = self.config.parallel.unwrap_or(PARALLEL_DIALS);
        let mut targets = targets.fuse();
        let mut pending = FuturesUnordered::new();
        loop {
            while pending.len() < parallel && !self.stop.is_cancelled() {
                let Some(target) = targets.next() else { break };
                pending.push(self.dial(target));
            }
            let Some(report) = pending.next().await else {
                break;
            };
            self.collect(report);
        }
    }

    async fn dial(&self, target: Target) -> Report {
        let cx = Cx::new(self.stop.clone());
        dial::run(&target, &self.config.dial, &self.io, &cx, &mut Ignore).await
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
