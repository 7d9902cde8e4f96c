//! Which address is tried when: Happy Eyeballs v2 (RFC 8305) and the algorithms of its peers.
//!
//! Sans-I/O, after the shape of mozilla/happy-eyeballs: the caller tells what happened and when,
//! and does what [`Race::next`] says. It knows nothing of sockets, names or reports, so every
//! timeline of every strategy is a table test.

mod lane;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::order;
use crate::addr::Family;
use lane::{Lane, Pace};

/// Connection Attempt Delay (RFC 8305 §5 recommends 250 ms).
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// The least Connection Attempt Delay (RFC 8305 §5: MUST NOT be below 10 ms).
pub const MIN_ATTEMPT_DELAY: Duration = Duration::from_millis(10);
/// How long an A answer waits for AAAA (RFC 8305 §3, Resolution Delay).
pub const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// Go's `Dialer.FallbackDelay`: the head start of the first family.
pub const GO_FALLBACK_DELAY: Duration = Duration::from_millis(300);
/// curl's `CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS`: the head start of the first family.
pub const CURL_DELAY: Duration = Duration::from_millis(200);
/// Stands in for a moment that the clock cannot hold.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Whose algorithm orders and races the addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// Happy Eyeballs v2, RFC 8305.
    #[default]
    Rfc8305,
    /// Go's `net.Dialer`: two families 300 ms apart, serial inside each, `partialDeadline`.
    Go,
    /// curl up to 8.15: the family of the first address, the other one 200 ms later, serial inside
    /// each, where an address may take half of the remaining time while more of it follow (as
    /// curl 7.88 was seen to do; that it polls and so notices up to a second late is not imitated).
    /// Later curls interleave the families and let attempts overlap.
    Curl,
    /// One address after the other in the order of RFC 6724, as `nc`.
    Serial,
}

impl Strategy {
    /// The delay between attempts (RFC 8305) or families (Go, curl) when none is configured.
    #[must_use]
    pub fn attempt_delay(self) -> Duration {
        match self {
            Self::Rfc8305 | Self::Serial => ATTEMPT_DELAY,
            Self::Go => GO_FALLBACK_DELAY,
            Self::Curl => CURL_DELAY,
        }
    }
}

/// How to race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whose algorithm.
    pub strategy: Strategy,
    /// Delay between attempts or families; `None` is the strategy's own. RFC 8305 takes at least
    /// [`MIN_ATTEMPT_DELAY`].
    pub attempt_delay: Option<Duration>,
    /// How long an A answer waits for AAAA; only RFC 8305 waits.
    pub resolution_delay: Duration,
    /// The limit of one attempt, beside what the strategy itself gives it.
    pub attempt_timeout: Option<Duration>,
    /// Goes on after a win, to learn what the other addresses would have cost.
    pub race_all: bool,
    /// When the whole race is over.
    pub deadline: Option<Instant>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start this attempt now, and ask again.
    Start {
        /// Its number, counting from 0.
        attempt: usize,
        /// Where it goes.
        addr: IpAddr,
        /// When it is to be given up.
        until: Option<Instant>,
    },
    /// Wait for an answer or an attempt, or until this moment if there is one.
    Wait(Option<Instant>),
    /// Nothing is running and nothing is left to start.
    Over,
}

/// What became of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Question {
    NotAsked,
    Open,
    Answered { at: Instant, addresses: Vec<IpAddr> },
}

impl Question {
    fn addresses(&self) -> &[IpAddr] {
        match self {
            Self::Answered { addresses, .. } => addresses,
            _ => &[],
        }
    }
}

/// The state of one race.
///
/// ```
/// use netkit::addr::Family;
/// use netkit::policy::race::{Config, Race, Step};
/// use tokio::time::Instant;
///
/// let now = Instant::now();
/// let mut race = Race::new(Config::default(), &[Family::Ipv6, Family::Ipv4]);
/// let (v6, v4) = ("2001:db8::1".parse().unwrap(), "192.0.2.1".parse().unwrap());
/// let sources = |_| Some(v4);
/// race.answered(Family::Ipv4, vec![v4], now, sources);
/// let resolution_delay = Config::default().resolution_delay;
/// assert_eq!(race.next(now), Step::Wait(Some(now + resolution_delay)), "AAAA may still come");
/// race.answered(Family::Ipv6, vec![v6], now, |_| Some(v6));
/// assert!(matches!(race.next(now), Step::Start { attempt: 0, addr, .. } if addr == v6));
/// ```
#[derive(Clone, Debug)]
pub struct Race {
    config: Config,
    v6: Question,
    v4: Question,
    /// One lane for RFC 8305 and serial; one a family for Go and curl. Filled when ready.
    lanes: Vec<Lane>,
    ready: bool,
    tried: Vec<IpAddr>,
    /// The lane of each attempt.
    attempts: Vec<usize>,
    won: bool,
}

impl Race {
    /// A race over the families that were asked for.
    #[must_use]
    pub fn new(config: Config, asked: &[Family]) -> Self {
        let question = |family| {
            if asked.contains(&family) {
                Question::Open
            } else {
                Question::NotAsked
            }
        };
        let (v6, v4) = (question(Family::Ipv6), question(Family::Ipv4));
        let (lanes, tried, attempts) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            config,
            v6,
            v4,
            lanes,
            ready: false,
            tried,
            attempts,
            won: false,
        }
    }

    /// Takes the answer of one family; no addresses means that there are none. `source_for` tells
    /// the source address towards a destination, if there is a route (RFC 6724 §2).
    pub fn answered(
        &mut self,
        family: Family,
        addresses: Vec<IpAddr>,
        now: Instant,
        source_for: impl Fn(IpAddr) -> Option<IpAddr>,
    ) {
        let addresses = distinct(addresses);
        let answered = Question::Answered { at: now, addresses };
        match family {
            Family::Ipv6 => self.v6 = answered,
            Family::Ipv4 => self.v4 = answered,
        }
        let known = [self.v6.addresses(), self.v4.addresses()].concat();
        let untried = known.into_iter().filter(|addr| !self.tried.contains(addr));
        let with_source = untried.map(|addr| (addr, source_for(addr))).collect();
        self.fill(order::sort(with_source));
    }

    /// All addresses that are known, in the order in which they are or will be tried.
    #[must_use]
    pub fn order(&self) -> Vec<IpAddr> {
        let waiting = self.lanes.iter().flat_map(Lane::waiting);
        self.tried.iter().copied().chain(waiting).collect()
    }

    /// An attempt failed.
    pub fn failed(&mut self, attempt: usize) {
        if let Some(lane) = self.attempts.get(attempt) {
            self.lanes[*lane].ended(true);
        }
    }

    /// An attempt connected.
    pub fn won(&mut self, attempt: usize) {
        self.won = true;
        if let Some(lane) = self.attempts.get(attempt) {
            self.lanes[*lane].ended(false);
        }
    }

    /// Says what to do at `now`. Ask again after every `Start`, event and timer.
    pub fn next(&mut self, now: Instant) -> Step {
        if self.won && !self.config.race_all {
            return Step::Over;
        }
        if !self.ready {
            match self.ready_at() {
                Some(at) if at <= now => self.ready = true,
                Some(at) => return Step::Wait(Some(at)),
                None if self.is_answered() => return Step::Over,
                None => return Step::Wait(None),
            }
        }
        self.next_start(now)
    }

    fn next_start(&mut self, now: Instant) -> Step {
        let mut wake: Option<Instant> = None;
        // What is still waiting when the time is over has lost its turn.
        let in_time = self.config.deadline.is_none_or(|deadline| now < deadline);
        for index in 0..if in_time { self.lanes.len() } else { 0 } {
            let Some(opens) = self.lane_opens(index, now) else {
                continue;
            };
            match self.lanes[index].due(opens) {
                Some(due) if due <= now => return self.start(index, now),
                Some(due) => wake = Some(wake.map_or(due, |wake| wake.min(due))),
                None => {}
            }
        }
        let busy = self.lanes.iter().any(Lane::is_running);
        if wake.is_none() && !busy && self.is_answered() {
            Step::Over
        } else {
            Step::Wait(wake)
        }
    }

    fn start(&mut self, index: usize, now: Instant) -> Step {
        let (delay, attempt) = (self.delay(), self.attempts.len());
        let lane = &mut self.lanes[index];
        let left = lane.len();
        let addr = lane.start(now, delay);
        self.attempts.push(index);
        self.tried.push(addr);
        Step::Start {
            attempt,
            addr,
            until: self.limit(now, left),
        }
    }

    /// When the attempt that starts at `now` is given up, with `left` addresses in its lane.
    fn limit(&self, now: Instant, left: usize) -> Option<Instant> {
        let own = self
            .config
            .attempt_timeout
            .and_then(|limit| now.checked_add(limit));
        let half = |deadline: Instant| now + deadline.saturating_duration_since(now) / 2;
        let share = self
            .config
            .deadline
            .map(|deadline| match self.config.strategy {
                Strategy::Go => crate::deadline::share(now, deadline, left),
                Strategy::Curl if left > 1 => half(deadline),
                _ => deadline,
            });
        match (own, share) {
            (Some(own), Some(share)) => Some(own.min(share)),
            (own, share) => own.or(share),
        }
    }

    fn delay(&self) -> Duration {
        let strategy = self.config.strategy;
        let least = match strategy {
            Strategy::Rfc8305 => MIN_ATTEMPT_DELAY,
            _ => Duration::ZERO,
        };
        let delay = self.config.attempt_delay;
        delay.unwrap_or_else(|| strategy.attempt_delay()).max(least)
    }

    /// Puts sorted, untried addresses into the lanes.
    fn fill(&mut self, sorted: Vec<IpAddr>) {
        match self.config.strategy {
            Strategy::Rfc8305 => {
                let last = self.tried.last().map(|addr| Family::of(*addr));
                self.lane(0, Pace::Staggered)
                    .fill(order::interleave(&sorted, last));
            }
            Strategy::Serial => self.lane(0, Pace::Serial).fill(sorted),
            Strategy::Go | Strategy::Curl => self.fill_families(sorted),
        }
    }

    /// The family of the first address leads.
    fn fill_families(&mut self, sorted: Vec<IpAddr>) {
        let leads = sorted.first().is_some_and(IpAddr::is_ipv6);
        let (primary, fallback): (Vec<IpAddr>, Vec<IpAddr>) =
            sorted.into_iter().partition(|addr| addr.is_ipv6() == leads);
        self.lane(0, Pace::Serial).fill(primary);
        self.lane(1, Pace::Serial).fill(fallback);
    }

    fn lane(&mut self, index: usize, pace: Pace) -> &mut Lane {
        while self.lanes.len() <= index {
            self.lanes.push(Lane::new(pace));
        }
        &mut self.lanes[index]
    }

    /// When a lane may start at all, `now` if it may: the second one after the head start of the
    /// first, or as soon as the first has nothing left.
    fn lane_opens(&self, index: usize, now: Instant) -> Option<Instant> {
        if index == 0 || self.lanes[0].is_exhausted() {
            return Some(now);
        }
        self.lanes[0]
            .first_start()
            .map(|first| later(first, self.delay()))
    }

    fn is_answered(&self) -> bool {
        self.v6 != Question::Open && self.v4 != Question::Open
    }

    /// When the first attempt may start: for all but RFC 8305, when everything is answered.
    fn ready_at(&self) -> Option<Instant> {
        let at = |question: &Question| match question {
            Question::Answered { at, .. } => Some(*at),
            _ => None,
        };
        let has_any = |question: &Question| !question.addresses().is_empty();
        if !has_any(&self.v6) && !has_any(&self.v4) {
            return None;
        }
        if self.is_answered() {
            return at(&self.v6).max(at(&self.v4));
        }
        match self.config.strategy {
            Strategy::Rfc8305 if has_any(&self.v6) => at(&self.v6),
            Strategy::Rfc8305 if has_any(&self.v4) => {
                at(&self.v4).map(|at| later(at, self.config.resolution_delay))
            }
            _ => None,
        }
    }
}

/// An answer may name an address twice; it is tried once.
fn distinct(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut seen = HashSet::new();
    addresses.retain(|addr| seen.insert(*addr));
    addresses
}

/// `delay` after `moment`, or very late when the clock cannot hold that.
fn later(moment: Instant, delay: Duration) -> Instant {
    moment.checked_add(delay).unwrap_or_else(|| moment + FAR)
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            attempt_delay: None,
            resolution_delay: RESOLUTION_DELAY,
            attempt_timeout: None,
            race_all: false,
            deadline: None,
        }
    }
}
