//! What becomes of the addresses of an answer.
//!
//! Rules act one after the other, each on what the ones before it left: `keep` and `drop`, then
//! `replace`, then `order`, then `prefer` and `avoid`. Moves are stable: addresses that a rule does not tell
//! apart keep their order.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::addr::{Family, Prefix};

use super::choose::trouble;
use super::measured::Measured;
use super::rules::{Action, Fired, Order, Rule, Rules, Subject, within};

impl Rules {
    /// Arranges the addresses of an answer; returns what was done and by which rule. The result may be
    /// empty when rules leave nothing.
    #[must_use]
    pub fn arrange(
        &self,
        subject: &Subject<'_>,
        addresses: &mut Vec<IpAddr>,
        measured: &Measured,
        now: Instant,
    ) -> Vec<Fired> {
        let mut fired = Vec::new();
        for rule in self.meant_for(subject) {
            if !rule.likes(addresses) {
                continue;
            }
            rule.arrange(addresses, measured, now, &mut fired);
            if rule.last {
                break;
            }
        }
        fired
    }

    /// The port by which unknown addresses of an answer are to be measured, if a rule wants that.
    #[must_use]
    pub fn measures(&self, subject: &Subject<'_>, addresses: &[IpAddr]) -> Option<u16> {
        let mut rules = self.meant_for(subject);
        rules.find_map(|rule| rule.measure_port.filter(|_| rule.likes(addresses)))
    }
}

impl Rule {
    fn arrange(
        &self,
        addresses: &mut Vec<IpAddr>,
        measured: &Measured,
        now: Instant,
        fired: &mut Vec<Fired>,
    ) {
        let done = [
            self.leave_out(addresses),
            self.put_in_place(addresses),
            self.sort(addresses, measured, now),
        ];
        fired.extend(done.into_iter().flatten());
        fired.extend(self.move_forward(addresses, measured, now));
        fired.extend(self.move_back(addresses));
    }

    fn leave_out(&self, addresses: &mut Vec<IpAddr>) -> Option<Fired> {
        let stays = |ip: &IpAddr| {
            (self.keep.is_empty() || within(&self.keep, *ip)) && !within(&self.drop, *ip)
        };
        let gone: Vec<_> = addresses.extract_if(.., |ip| !stays(ip)).collect();
        (!gone.is_empty()).then(|| self.fired(Action::Drop, listed(&gone)))
    }

    /// Replaces the addresses of those families that the rule has addresses for.
    fn put_in_place(&self, addresses: &mut Vec<IpAddr>) -> Option<Fired> {
        let families: Vec<_> = addresses.iter().map(|ip| Family::of(*ip)).collect();
        let new = self.replace.iter().copied();
        let new: Vec<_> = new
            .filter(|ip| families.contains(&Family::of(*ip)))
            .collect();
        let has = |family| new.iter().any(|ip| Family::of(*ip) == family);
        let old: Vec<_> = addresses
            .extract_if(.., |ip| has(Family::of(*ip)))
            .collect();
        if old.is_empty() || old == new {
            addresses.extend(old);
            return None;
        }
        let detail = format!("{} for {}", listed(&new), listed(&old));
        addresses.extend(new);
        Some(self.fired(Action::Replace, detail))
    }

    fn sort(&self, addresses: &mut [IpAddr], measured: &Measured, now: Instant) -> Option<Fired> {
        let key = |ip: &IpAddr| match measured.address(*ip, now) {
            Some(state) if state.failures > 0 => (2, Duration::ZERO),
            Some(state) => (0, state.latency.unwrap_or_default()),
            None => (1, Duration::ZERO),
        };
        let moves = self.order == Order::Latency && moved(addresses, |all| all.sort_by_key(key));
        moves.then(|| self.fired(Action::Order, listed(addresses)))
    }

    /// Moves preferred networks to the front. A network whose best address is slow or ill gives way
    /// to the next one.
    fn move_forward(
        &self,
        addresses: &mut [IpAddr],
        measured: &Measured,
        now: Instant,
    ) -> Vec<Fired> {
        let troubles: Vec<_> = self
            .prefer
            .iter()
            .map(|network| self.network_trouble(*network, addresses, measured, now))
            .collect();
        let place = |ip: &IpAddr| {
            let network = self.prefer.iter().position(|network| network.contains(*ip));
            match network {
                Some(at) if troubles[at].is_none() => (0, at),
                Some(at) => (1, at),
                None => (2, 0),
            }
        };
        let mut fired = Vec::new();
        if moved(addresses, |all| all.sort_by_key(place)) {
            fired.push(self.fired(Action::Prefer, listed(addresses)));
        }
        let switched = troubles.iter().position(Option::is_some).and_then(|at| {
            let first = addresses.first()?;
            let other = !self.prefer[at].contains(*first) && within(&self.prefer, *first);
            other.then_some((at, *first))
        });
        if let Some((at, first)) = switched {
            let because = troubles[at].as_deref().unwrap_or_default();
            let detail = format!("{first} for {}: {because}", self.prefer[at]);
            fired.push(self.fired(Action::Switch, detail));
        }
        fired
    }

    /// Why none of the addresses in a network is good enough to prefer it.
    fn network_trouble(
        &self,
        network: Prefix,
        addresses: &[IpAddr],
        measured: &Measured,
        now: Instant,
    ) -> Option<String> {
        let inside = addresses.iter().filter(|ip| network.contains(**ip));
        let mut first = None;
        for ip in inside {
            let trouble = trouble(self, measured.address(*ip, now))?;
            first.get_or_insert(trouble);
        }
        first
    }

    fn move_back(&self, addresses: &mut [IpAddr]) -> Option<Fired> {
        let last = |ip: &IpAddr| within(&self.avoid, *ip);
        moved(addresses, |all| all.sort_by_key(last))
            .then(|| self.fired(Action::Avoid, listed(addresses)))
    }
}

/// Whether a change of order changed the order.
fn moved(addresses: &mut [IpAddr], change: impl FnOnce(&mut [IpAddr])) -> bool {
    let before = addresses.to_vec();
    change(addresses);
    before != addresses
}

fn listed(addresses: &[IpAddr]) -> String {
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
