//! One question to a list of servers: order, shares of the time, and which error to report.
//!
//! A dead first server must not eat the deadline: whoever is asked gets an equal share of what is
//! left. Servers that stayed silent are asked last from then on.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::deadline::Deadline;

use super::exchange::{Clock, Policy, exchange};
use super::judge::{Finding, judge};
use super::ledger::Outcome;
use super::server::Transports;
use super::wire::Ask;

/// A server's share of the remaining time is never cut below this: one retransmission.
const LEAST_SHARE: Duration = Duration::from_millis(400);

/// A server with its zone resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Upstream {
    pub(super) addr: SocketAddr,
    pub(super) transports: Transports,
}

/// The servers of one lookup, in the order in which they are asked next.
#[derive(Clone, Debug)]
pub(super) struct Servers {
    pub(super) list: Vec<Upstream>,
    /// The longest wait for one server.
    pub(super) timeout: Duration,
    /// How often silent servers are asked.
    pub(super) attempts: u8,
    pub(super) policy: Policy,
}

/// One question, one server, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) ask: Ask,
    pub(super) outcome: Outcome,
    pub(super) finding: Finding,
}

impl Servers {
    /// Asks one server after the other until a finding is final; the best finding is the result.
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
            let silent = self.ask_each(&round, ask, clock, ledger).await;
            self.ask_last(&silent);
            let is_final = best(ledger, first).is_some_and(|at| ledger[at].finding.is_final());
            if is_final || silent.is_empty() {
                break;
            }
            round = silent;
        }
        best(ledger, first)
    }

    /// Goes through a list once; the result is who stayed silent.
    async fn ask_each(
        &self,
        round: &[Upstream],
        ask: &Ask,
        clock: &Clock,
        ledger: &mut Vec<Tried>,
    ) -> Vec<Upstream> {
        let mut silent = Vec::new();
        for (index, upstream) in round.iter().enumerate() {
            if clock.deadline.is_over(Instant::now()) {
                break;
            }
            let clock = Clock {
                origin: clock.origin,
                deadline: share(
                    &clock.deadline,
                    Instant::now(),
                    round.len() - index,
                    self.timeout,
                ),
            };
            let policy = Policy {
                transports: upstream.transports,
                ..self.policy
            };
            let outcome = exchange(upstream.addr, ask, &policy, &clock).await;
            let finding = judge(&outcome, ask);
            let stop = finding.is_final();
            if finding == Finding::Silent {
                silent.push(*upstream);
            }
            ledger.push(Tried {
                ask: ask.clone(),
                outcome,
                finding,
            });
            if stop {
                break;
            }
        }
        silent
    }

    fn ask_last(&mut self, silent: &[Upstream]) {
        self.list.sort_by_key(|upstream| silent.contains(upstream));
    }
}

/// The first of the most telling findings.
fn best(ledger: &[Tried], first: usize) -> Option<usize> {
    let tried = first..ledger.len();
    tried.rev().max_by_key(|&at| ledger[at].finding.rank())
}

/// An equal share of what is left at `now` for each of `left` servers, within sane bounds.
fn share(deadline: &Deadline, now: Instant, left: usize, timeout: Duration) -> Deadline {
    let left = u32::try_from(left.max(1)).unwrap_or(u32::MAX);
    let share = match deadline.remaining(now) {
        Some(remaining) => (remaining / left).max(LEAST_SHARE).min(timeout),
        None => timeout,
    };
    deadline.within(now, share)
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
            (Some(100), 3, 100),
            (None, 3, 5_000),
        ];
        for (limit, left, expected) in rows {
            let at = limit.map(|limit| now + ms(limit));
            let deadline = Deadline::new(at, CancellationToken::new());
            let share = share(&deadline, now, left, ms(5_000));
            assert_eq!(share.remaining(now), Some(ms(expected)), "{limit:?}/{left}");
        }
    }
}
