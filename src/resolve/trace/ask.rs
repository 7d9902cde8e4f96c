//! All servers of a zone at once, each with its own limit; those far slower than the first useful
//! one are not waited for.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::judge::{Said, judge};
use super::sections::Sections;
use crate::deadline::Deadline;
use crate::resolve::DomainName;
use crate::resolve::exchange::{Clock, Policy, exchange};
use crate::resolve::ledger::{Outcome, Received};
use crate::resolve::wire::Ask;

/// After the first useful reply the others get so many times as long as it took …
const PATIENCE: u32 = 4;
/// … and at least this, which covers one retransmission.
const LEAST_PATIENCE: Duration = Duration::from_millis(600);

/// What came of asking one server.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) server: SocketAddr,
    pub(super) outcome: Outcome,
    /// The reply in sections and what it says; `None` without a usable one.
    pub(super) reply: Option<(Sections, Said)>,
    /// Whether it was given up because others had answered.
    pub(super) not_awaited: bool,
}

impl Asked {
    /// The reply as it came.
    pub(super) fn received(&self) -> Option<&Received> {
        self.outcome.received.as_ref()
    }

    pub(super) fn said(&self) -> Option<&Said> {
        self.reply.as_ref().map(|(_, said)| said)
    }
}

/// How servers are asked, the same for all.
#[derive(Clone, Debug)]
pub(super) struct How {
    pub(super) policy: Policy,
    pub(super) limit: Duration,
    pub(super) clock: Clock,
}

/// Asks every server about `ask`, as servers of `zone`; in the order given.
pub(super) async fn ask_all(
    servers: &[SocketAddr],
    zone: &DomainName,
    ask: &Ask,
    how: &How,
) -> Vec<Asked> {
    let began = Instant::now();
    let enough = how.clock.deadline.cancel().child_token();
    let by = how.clock.deadline.within(began, how.limit);
    let clock = Clock {
        origin: how.clock.origin,
        deadline: Deadline::new(by.at(), enough.clone()),
    };
    let one = |(index, &server): (usize, &SocketAddr)| {
        let clock = clock.clone();
        async move { (index, exchange(server, ask, &how.policy, &clock).await) }
    };
    let mut pending: FuturesUnordered<_> = servers.iter().enumerate().map(one).collect();
    let mut done = Vec::new();
    let mut patience: Option<Instant> = None;
    loop {
        let until = patience.unwrap_or(began + how.limit);
        tokio::select! {
            biased;
            next = pending.next() => match next {
                Some((index, outcome)) => {
                    let asked = asked(outcome, zone, ask, enough.is_cancelled());
                    if asked.said().is_some_and(Said::is_useful) && patience.is_none() {
                        let more = (began.elapsed() * PATIENCE).max(LEAST_PATIENCE);
                        patience = Some(Instant::now() + more);
                    }
                    done.push((index, asked));
                }
                None => break,
            },
            () = sleep_until(until), if patience.is_some() && !enough.is_cancelled() => enough.cancel(),
        }
    }
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, asked)| asked).collect()
}

fn asked(outcome: Outcome, zone: &DomainName, ask: &Ask, late: bool) -> Asked {
    let sections = outcome.received.as_ref();
    let sections = sections.map(|received| Sections::of(&received.reply));
    let reply = sections.map(|sections| {
        let said = judge(&sections, zone, ask);
        (sections, said)
    });
    Asked {
        server: outcome.server,
        not_awaited: late && reply.is_none(),
        outcome,
        reply,
    }
}
