//! Waiting until targets answer, or until they no longer do.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Report;
use crate::addr::Target;
use crate::deadline::Deadline;
use crate::event::{Ignore, Observer, Stamped};
use crate::failure::{Class, Failure, Kind};
use crate::io::Io;
use crate::policy::backoff::Backoff;
use crate::run::Cx;
use crate::time::Millis;

/// First pause between tries.
pub const BACKOFF_MIN: Duration = Duration::from_millis(100);
/// Longest pause between tries.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// What is kept for the last try at least; with no more than this left, no further one begins.
const LAST_TRY: Duration = Duration::from_millis(40);

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// The dial succeeds.
    #[default]
    Open,
    /// The dial fails because the peer or the network says no, or nobody answers.
    Closed,
}

/// How to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Gives up after this long; `None` waits for ever.
    pub limit: Option<Duration>,
    /// What is waited for.
    pub until: Until,
    /// One target is enough. Default: all.
    pub any: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A try is over and was not yet what is waited for.
    Retry {
        /// Index of the target.
        target: usize,
        /// How many tries it has had.
        tries: u64,
        /// The last one.
        report: Box<Report>,
        /// The pause before the next.
        pause: Duration,
    },
    /// A target is as wanted.
    Ready {
        /// Index of the target.
        target: usize,
        /// How many tries it took.
        tries: u64,
        /// The last one.
        report: Box<Report>,
    },
    /// The wait is over.
    Done,
}

/// How the wait ended for one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Waited {
    /// The target, joined.
    pub target: String,
    /// Whether it is as wanted.
    pub ok: bool,
    /// How many tries were made.
    pub tries: u64,
    /// When it became as wanted, since the start; `null` if it did not.
    pub ready_ms: Option<Millis>,
    /// The failure of the last try.
    pub last_failure: Option<Failure>,
}

/// How the wait ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// Whether all (or any, as asked) are as wanted.
    pub ok: bool,
    /// What was waited for.
    pub until: Until,
    /// One entry a target.
    pub targets: Vec<Waited>,
    /// The whole wait.
    pub total_ms: Millis,
}

/// Tries every target until it is as wanted, all at once, with exponential backoff and full jitter.
///
/// Ends when all (or with `any`, one) are as wanted, when the limit has passed, or when the run is
/// stopped. Cancel safety: dropping the future closes all sockets.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::{addr::Target, dial, event::Ignore, io::SystemIo, run::Cx};
/// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// let targets = [Target::from(listener.local_addr().unwrap())];
/// let (config, io) = (dial::Config::default(), SystemIo::default());
/// let wait = dial::wait::Config { limit: None, ..Default::default() };
/// let summary = dial::wait::run(&targets, &config, &wait, &io, &Cx::default(), &mut Ignore).await;
/// assert!(summary.ok);
/// # });
/// ```
pub async fn run<I: Io>(
    targets: &[Target],
    config: &super::Config,
    wait: &Config,
    io: &I,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Summary {
    let stop = cx.cancel().child_token();
    let deadline = Deadline::new(cx.deadline(wait.limit).at(), stop.clone());
    let (events, mut inbox) = mpsc::channel(1);
    let mut waits: FuturesUnordered<_> = targets
        .iter()
        .enumerate()
        .map(|(index, target)| {
            let one = One {
                index,
                target,
                config,
                wait,
                deadline: &deadline,
                events: events.clone(),
            };
            one.wait(io, cx)
        })
        .collect();
    drop(events);
    let mut waited: Vec<_> = targets.iter().map(Waited::new).collect();
    loop {
        tokio::select! {
            biased;
            Some(event) = inbox.recv() => {
                note(&mut waited, &event);
                let flow = observer.observe(&event);
                if flow.is_break() || is_done(&waited, wait.any) {
                    stop.cancel();
                }
            }
            Some(()) = waits.next() => {}
            else => break,
        }
    }
    let (ok, total_ms) = (is_done(&waited, wait.any), cx.elapsed().into());
    let _ = observer.observe(&Stamped::new(cx.elapsed(), Event::Done));
    Summary {
        ok,
        until: wait.until,
        targets: waited,
        total_ms,
    }
}

impl Default for Config {
    /// Until open, all of them, without a limit.
    fn default() -> Self {
        Self {
            limit: None,
            until: Until::Open,
            any: false,
        }
    }
}

impl Waited {
    fn new(target: &Target) -> Self {
        let target = target.to_string();
        Self {
            target,
            ok: false,
            tries: 0,
            ready_ms: None,
            last_failure: None,
        }
    }
}

fn is_done(waited: &[Waited], any: bool) -> bool {
    if any {
        waited.iter().any(|one| one.ok)
    } else {
        waited.iter().all(|one| one.ok)
    }
}

/// Folds an event into the entry of its target.
fn note(waited: &mut [Waited], event: &Stamped<Event>) {
    let (target, tries, report, ready) = match &event.event {
        Event::Retry {
            target,
            tries,
            report,
            ..
        } => (*target, *tries, report, None),
        Event::Ready {
            target,
            tries,
            report,
        } => (*target, *tries, report, Some(event.at)),
        Event::Done => return,
    };
    let Some(one) = waited.get_mut(target) else {
        return;
    };
    one.tries = tries;
    one.ok = ready.is_some();
    one.ready_ms = ready.map(Millis);
    one.last_failure.clone_from(&report.failure);
}

/// The wait for one target.
struct One<'a> {
    index: usize,
    target: &'a Target,
    config: &'a super::Config,
    wait: &'a Config,
    deadline: &'a Deadline,
    events: mpsc::Sender<Stamped<Event>>,
}

impl One<'_> {
    async fn wait<I: Io>(self, io: &I, cx: &Cx) {
        let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
        for tries in 1.. {
            let began = Instant::now();
            let (report, cut) = self.try_once(io).await;
            let took = began.elapsed();
            let report = Box::new(report);
            let target = self.index;
            if report.is_interrupted() {
                return;
            }
            if self.is_as_wanted(&report, cut) {
                let ready = Event::Ready {
                    target,
                    tries,
                    report,
                };
                return self.tell(cx, ready).await;
            }
            let left = self.deadline.remaining(Instant::now());
            let pause = pause(&mut backoff, left, took);
            let retry = Event::Retry {
                target,
                tries,
                report,
                pause: pause.unwrap_or_default(),
            };
            self.tell(cx, retry).await;
            let Some(pause) = pause else { return };
            if self
                .deadline
                .bound(tokio::time::sleep(pause))
                .await
                .is_err()
            {
                return;
            }
        }
    }

    /// One dial, cut to what is left of the wait; says whether it was cut.
    async fn try_once<I: Io>(&self, io: &I) -> (Report, bool) {
        let mut config = self.config.clone();
        let left = self.deadline.remaining(Instant::now());
        let cut = left.filter(|left| *left < config.timeout);
        config.timeout = cut.unwrap_or(config.timeout);
        let cx = Cx::new(self.deadline.cancel().clone());
        let report = super::run(self.target, &config, io, &cx, &mut Ignore).await;
        (report, cut.is_some())
    }

    fn is_as_wanted(&self, report: &Report, cut: bool) -> bool {
        match self.wait.until {
            Until::Open => report.ok,
            Until::Closed => report
                .failure
                .as_ref()
                .is_some_and(|failure| says_closed(failure, cut)),
        }
    }

    async fn tell(&self, cx: &Cx, event: Event) {
        // The receiver lives as long as this future: the send cannot fail.
        let _ = self.events.send(Stamped::new(cx.elapsed(), event)).await;
    }
}

/// The pause before the next try: never so long that the limit passes in it, because a target that
/// comes up late would then be missed. A pause that would do so is cut once, so that the last try has
/// twice the time that the one before it `took`. `None` when there is no time for another try.
fn pause(backoff: &mut Backoff, left: Option<Duration>, took: Duration) -> Option<Duration> {
    let pause = backoff.next_pause();
    let Some(left) = left else { return Some(pause) };
    if left <= LAST_TRY {
        return None;
    }
    let kept = took
        .saturating_mul(2)
        .clamp(LAST_TRY, LAST_TRY.max(left / 2));
    Some(pause.min(left.saturating_sub(kept)))
}

/// Whether a failure means that nobody serves there. An error of this machine or of the name
/// server says nothing about the target, and neither does silence over UDP, or silence when the try
/// was `cut` short by the end of the wait.
fn says_closed(failure: &Failure, cut: bool) -> bool {
    match (failure.kind, failure.kind.class()) {
        (Kind::NoReply, _) => false,
        (_, Class::Silence) => !cut,
        (_, class) => class == Class::Peer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pauses of tries that each take `took`, until the limit.
    fn pauses(limit: Duration, took: Duration, seed: u64) -> (Vec<Duration>, Duration) {
        let mut backoff = Backoff::seeded(BACKOFF_MIN, BACKOFF_MAX, seed);
        let (mut left, mut pauses) = (limit, Vec::new());
        loop {
            left = left.saturating_sub(took);
            let Some(pause) = pause(&mut backoff, Some(left), took) else {
                return (pauses, left);
            };
            left = left.saturating_sub(pause);
            pauses.push(pause);
        }
    }

    #[test]
    fn near_the_limit_one_pause_is_cut_and_the_last_try_is_late() {
        for seed in 0..200 {
            for took in [0, 1, 15] {
                let took = Duration::from_millis(took);
                let (pauses, left) = pauses(Duration::from_secs(3), took, seed);
                let short = pauses.iter().filter(|pause| **pause < BACKOFF_MIN).count();
                assert!(short <= 1, "{pauses:?}");
                assert!(left <= LAST_TRY, "{left:?} after {pauses:?}");
            }
        }
    }

    #[test]
    fn slow_tries_get_their_time_and_come_to_an_end() {
        for took in [100, 400, 5_000] {
            let took = Duration::from_millis(took);
            let (pauses, left) = pauses(Duration::from_secs(3), took, 1);
            assert!(pauses.len() < 12 && left <= LAST_TRY, "{pauses:?}");
        }
    }
}
