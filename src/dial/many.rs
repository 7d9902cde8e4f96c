//! Dialling many targets at once: a port range, a network block, a list.
//!
//! Separate from a single dial because here the memory must not grow with the number of targets
//! that say no: every report is handed to the observer and only counts and ranges are kept.

mod lanes;
mod memo;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::addr::Target;
use crate::event::{Observer, Stamped};
use crate::failure::{Class, Kind, Stage};
use crate::io::Io;
use crate::run::Cx;
use crate::time::Millis;

use lanes::Lanes;

/// How a run over many targets goes about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// What each dial does.
    pub dial: super::Config,
    /// Dials under way at once; `None` fits the descriptor limit.
    pub parallel: Option<usize>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A target is done.
    Result(Box<Report>),
    /// Nothing more will come.
    Done,
}

/// How many targets ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// All that were dialled to an end.
    pub dialled: u64,
    /// Connected (or replied, on UDP).
    pub open: u64,
    /// Somebody refused: RST or ICMP port unreachable.
    pub refused: u64,
    /// Silence until the timeout.
    pub filtered: u64,
    /// Unreachable or rejected, by a router or our own kernel.
    pub unreachable: u64,
    /// UDP: sent, and nothing came back.
    pub no_reply: u64,
    /// The name did not resolve.
    pub unresolved: u64,
    /// Everything else.
    pub failed: u64,
}

/// The result of a run over many targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// How many were asked for; `null` if more than a u64 holds.
    pub targets: Option<u64>,
    /// How they ended.
    #[serde(flatten)]
    pub counts: Counts,
    /// Dials under way at once, at most.
    pub parallel: usize,
    /// The whole run.
    pub total_ms: Millis,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
}

impl Counts {
    /// Counts one report. An interrupted one is not counted: it has no verdict.
    pub fn add(&mut self, report: &Report) {
        if report.is_interrupted() {
            return;
        }
        self.dialled += 1;
        *self.of(report) += 1;
    }

    fn of(&mut self, report: &Report) -> &mut u64 {
        match Outcome::of(report) {
            Outcome::Open => &mut self.open,
            Outcome::Refused => &mut self.refused,
            Outcome::Filtered => &mut self.filtered,
            Outcome::Unreachable => &mut self.unreachable,
            Outcome::NoReply => &mut self.no_reply,
            Outcome::Unresolved => &mut self.unresolved,
            Outcome::Failed => &mut self.failed,
        }
    }
}

/// What became of one of many targets, coarsely: see [`Counts`] for what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields of Counts have the same names, with their meaning"
)]
pub enum Outcome {
    Open,
    Refused,
    Filtered,
    Unreachable,
    NoReply,
    Unresolved,
    Failed,
}

impl Outcome {
    /// The outcome that a report counts as.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let Some(failure) = &report.failure else {
            return Self::Open;
        };
        match failure.kind {
            Kind::Refused => Self::Refused,
            Kind::Filtered => Self::Filtered,
            // Whoever accepts and then stays silent is not filtered.
            Kind::Timeout if failure.stage == Stage::Connect => Self::Filtered,
            Kind::NoReply => Self::NoReply,
            Kind::Rejected | Kind::HostUnreachable | Kind::NetUnreachable | Kind::LocalPolicy => {
                Self::Unreachable
            }
            kind if kind.class() == Class::Resolve => Self::Unresolved,
            _ => Self::Failed,
        }
    }
}

/// Dials every target once, `parallel` at a time, and hands over each report as it comes.
///
/// Literal TCP addresses that are only to be connected go through one epoll loop
/// ([`crate::net::sweep`]); everything else is a dial of its own. The iterator is cloned and walked
/// lazily, so a /8 costs nothing before it is dialled. Reports come in the order in which they are
/// ready. Ends early, with what there is, when the run is stopped.
///
/// Cancel safety: dropping the future closes all sockets.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::{addr::TargetSpec, dial::many, event::Ignore, io::SystemIo, run::Cx};
/// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// let spec: TargetSpec = listener.local_addr().unwrap().to_string().parse().unwrap();
/// let (config, io, cx) = (many::Config::default(), SystemIo::default(), Cx::default());
/// let summary = many::run(spec.targets(), None, &config, &io, &cx, &mut Ignore).await;
/// assert_eq!((summary.counts.dialled, summary.counts.open), (1, 1));
/// # });
/// ```
pub async fn run<I: Io>(
    targets: impl Iterator<Item = Target> + Clone + Send,
    total: Option<u64>,
    config: &Config,
    io: &I,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Summary {
    let lanes = Lanes::new(config, io, cx, observer);
    let (mut summary, observer) = lanes.drive(targets).await;
    summary.targets = total;
    summary.total_ms = cx.elapsed().into();
    let _ = observer.observe(&Stamped::new(cx.elapsed(), Event::Done));
    summary
}
