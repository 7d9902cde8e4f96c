//! Which servers are asked: the first rule with servers that considers the subject decides.
//!
//! The first server gives way to the next while it is measured as too slow or as failing; what was
//! measured is forgotten after a while, so that it gets its place back.

use std::time::Duration;

use tokio::time::Instant;

use crate::resolve::NameServer;
use crate::time::Millis;

use super::measured::{Measured, State};
use super::rules::{Action, Fired, Rule, Rules, Subject};

/// The servers that a rule wants asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// In the order in which they are asked.
    pub servers: Vec<NameServer>,
    /// How long the first may take before the next is asked as well; `None`: as usual.
    pub patience: Option<Duration>,
    /// Which rule decided, and what it did.
    pub fired: Vec<Fired>,
}

impl Rules {
    /// The servers for a subject; `None` when no rule has an opinion.
    #[must_use]
    pub fn servers_for(
        &self,
        subject: &Subject<'_>,
        measured: &Measured,
        now: Instant,
    ) -> Option<Choice> {
        // What an answer looks like is not known yet.
        let mut rules = self.meant_for(subject);
        let rule = rules.find(|rule| !rule.servers.is_empty() && rule.answers_in.is_empty())?;
        let troubles: Vec<_> = rule
            .servers
            .iter()
            .map(|server| trouble(rule, measured.server(server, now)))
            .collect();
        Some(rule.choice(&troubles))
    }
}

impl Rule {
    fn choice(&self, troubles: &[Option<String>]) -> Choice {
        let by_health = |well: bool| {
            let servers = self.servers.iter().zip(troubles);
            servers.filter(move |(_, trouble)| trouble.is_none() == well)
        };
        let ordered = by_health(true).chain(by_health(false));
        let servers: Vec<_> = ordered.map(|(server, _)| server.clone()).collect();
        let mut fired = vec![self.fired(Action::Servers, listed(&servers))];
        if let Some(because) = &troubles[0]
            && servers[0] != self.servers[0]
        {
            let detail = format!("{} for {}: {because}", servers[0], self.servers[0]);
            fired.push(self.fired(Action::Switch, detail));
        }
        Choice {
            patience: (servers.len() > 1).then_some(self.switch_above).flatten(),
            servers,
            fired,
        }
    }

    pub(super) fn fired(&self, action: Action, detail: String) -> Fired {
        Fired {
            rule: self.name.to_string(),
            action,
            detail,
        }
    }
}

/// Why a server or an address gives way to another, by the limits of a rule.
pub(super) fn trouble(rule: &Rule, state: Option<State>) -> Option<String> {
    let state = state?;
    if state.failures >= rule.switch_after {
        let times = if state.failures == 1 { "time" } else { "times" };
        return Some(format!("it failed {} {times} in a row", state.failures));
    }
    let (limit, latency) = (rule.switch_above?, state.latency?);
    (latency > limit).then(|| {
        let (latency, limit) = (Millis(latency), Millis(limit));
        format!("it takes {latency}, more than {limit}")
    })
}

fn listed(servers: &[NameServer]) -> String {
    let servers: Vec<_> = servers.iter().map(ToString::to_string).collect();
    servers.join(", ")
}
