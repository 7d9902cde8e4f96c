//! One question to a list of servers: order, shares of the time, and which error to report.
//!
//! A dead first server must not eat the deadline: whoever is asked gets an equal share of what is
//! left before the next one is asked as well. A slow one may still answer after that, so that its
//! late reply is not lost. Servers that stayed silent are asked last from then on.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::deadline::Deadline;

use super::client::Client;
use super::exchange::{Clock, Policy};
use super::judge::{Finding, judge};
use super::ledger::Outcome;
use super::upstream::Upstream;
use super::wire::Ask;

/// A server's share of the remaining time is never cut below this: one retransmission.
const LEAST_SHARE: Duration = Duration::from_millis(400);

/// The servers of one lookup, in the order in which they are asked next.
#[derive(Clone, Debug)]
pub(super) struct Servers {
    pub(super) client: Client,
    pub(super) list: Vec<Upstream>,
    /// The longest wait for one server.
    pub(super) timeout: Duration,
    /// How often silent servers are asked.
    pub(super) attempts: u8,
    /// Whether all are asked at once, instead of one after the other.
    pub(super) race: bool,
    /// How long one may take before the next is asked as well; `None`: its share.
    pub(super) patience: Option<Duration>,
    pub(super) policy: Policy,
}

/// One question, one server, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) upstream: Upstream,
    pub(super) ask: Ask,
    pub(super) outcome: Outcome,
    pub(super) finding: Finding,
}

impl Servers {
    /// Asks the servers until a finding is final; the best finding is the result.
    ///
    /// Every outcome is appended to `ledger`. The index of the best one is returned; `None` only
    /// when the deadline was over before anything could be asked.
    pub(super) async fn ask(
        &mut self,
        ask: &Ask,
        clock: &Clock,
        ledger: &mut Vec<Tried>,
    ) -> Option<usize> {
        let first = ledger.len();
        let mut round = self.list.clone();
        for _ in 0..self.attempts.max(1) {
            let tried = self.ask_each(&round, ask, clock).await;
            round.retain(|upstream| {
                let own = tried.iter().find(|tried| tried.upstream == *upstream);
                own.is_some_and(|tried| tried.finding == Finding::Silent)
            });
            ledger.extend(tried);
            self.ask_last(&round);
            let is_final = best(ledger, first).is_some_and(|at| ledger[at].finding.is_final());
            if is_final || round.is_empty() {
                break;
            }
        }
        best(ledger, first)
    }

    /// Goes through a list once. The next server is asked when one has failed, or has used up its
    /// share of the time; one that is merely slow may still win.
    async fn ask_each(&self, list: &[Upstream], ask: &Ask, clock: &Clock) -> Vec<Tried> {
        let winner = clock.deadline.cancel().child_token();
        let deadline = Deadline::new(clock.deadline.at(), winner.clone());
        let mut waiting = list.iter();
        let mut running = FuturesUnordered::new();
        let mut tried = Vec::new();
        let mut share_ends = Instant::now();
        loop {
            let now = Instant::now();
            let may_ask = waiting.len() > 0 && !deadline.is_over(now);
            if may_ask && (running.is_empty() || share_ends <= now || self.race) {
                share_ends = match self.patience {
                    Some(patience) => now + patience,
                    None => share(now, &deadline, waiting.len(), self.timeout),
                };
                let deadline = deadline.within(now, self.timeout);
                let origin = clock.origin;
                let asked = waiting
                    .next()
                    .map(|next| (next, Clock { origin, deadline }));
                running.extend(asked.map(|(next, clock)| self.ask_one(next, ask, clock)));
                if self.race {
                    continue;
                }
            }
            if running.is_empty() {
                break;
            }
            tokio::select! {
                Some(one) = running.next() => {
                    if one.finding.is_final() {
                        // The others come to an end at once, with what they have seen so far.
                        winner.cancel();
                    }
                    share_ends = Instant::now();
                    tried.push(one);
                }
                () = tokio::time::sleep_until(share_ends), if may_ask => {}
            }
        }
        tried.sort_by_key(Tried::started);
        tried
    }

    /// Asks one server of the list once more, in the same way; `None` when it is not in the list.
    pub(super) async fn ask_again(
        &self,
        server: std::net::SocketAddr,
        ask: &Ask,
        clock: &Clock,
    ) -> Option<Outcome> {
        let upstream = self.list.iter().find(|upstream| upstream.addr == server)?;
        let tried = self.ask_one(upstream, ask, clock.clone()).await;
        Some(tried.outcome)
    }

    async fn ask_one(&self, upstream: &Upstream, ask: &Ask, clock: Clock) -> Tried {
        let policy = Policy {
            transports: upstream.transports,
            ..self.policy.clone()
        };
        let outcome = self.client.exchange(upstream, ask, &policy, &clock).await;
        Tried {
            upstream: upstream.clone(),
            ask: ask.clone(),
            finding: judge(&outcome, ask),
            outcome,
        }
    }

    fn ask_last(&mut self, silent: &[Upstream]) {
        self.list.sort_by_key(|upstream| silent.contains(upstream));
    }
}

impl Tried {
    /// Whether the server simply answered over the first carrier tried.
    pub(super) fn is_ordinary(&self) -> bool {
        let attempts = &self.outcome.attempts;
        self.finding.is_final() && attempts.len() == 1 && attempts[0].ignored_count == 0
    }

    fn started(&self) -> Duration {
        let first = self.outcome.attempts.first();
        first.map_or(Duration::MAX, |attempt| attempt.started)
    }
}

/// The first of the most telling findings.
fn best(ledger: &[Tried], first: usize) -> Option<usize> {
    let tried = first..ledger.len();
    tried.rev().max_by_key(|&at| ledger[at].finding.rank())
}

/// When the next of `left` servers is to be asked: after an equal share of what is left at `now`,
/// within sane bounds.
fn share(now: Instant, deadline: &Deadline, left: usize, timeout: Duration) -> Instant {
    let left = u32::try_from(left.max(1)).unwrap_or(u32::MAX);
    let share = match deadline.remaining(now) {
        Some(remaining) => (remaining / left).max(LEAST_SHARE).min(timeout),
        None => timeout,
    };
    now + share
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_server_left_gets_an_equal_share_within_bounds() {
        let now = Instant::now();
        let ms = Duration::from_millis;
        let rows = [
            (Some(5_000), 1, 5_000),
            (Some(5_000), 2, 2_500),
            (Some(20_000), 2, 5_000),
            (Some(900), 3, 400),
            (Some(100), 3, 400),
            (None, 3, 5_000),
        ];
        for (limit, left, expected) in rows {
            let at = limit.map(|limit| now + ms(limit));
            let deadline = Deadline::new(at, CancellationToken::new());
            let ends = share(now, &deadline, left, ms(5_000));
            assert_eq!(ends - now, ms(expected), "{limit:?}/{left}");
        }
    }
}
