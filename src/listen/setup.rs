//! From what a server is asked to do to what its workers do.

use std::sync::Arc;

use super::behaviours;
use super::config::{Behaviour, Config};
use crate::net::serve::{self, Datagrams, Plain, Reply, Work};
use crate::policy::fault::{Direction, Fault, Rule, faults_of};

/// The workers' part of a configuration.
pub(super) fn of_workers(config: &Config, tls: bool) -> serve::Config {
    let delays = config.faults.iter().filter_map(|rule| match rule.fault {
        Fault::AcceptDelay(delay) => Some(delay),
        _ => None,
    });
    let no_accept = |rule: &Rule| rule.fault == Fault::NoAccept;
    serve::Config {
        workers: config.workers,
        work: match config.behaviour {
            Behaviour::Discard => Work::Discard,
            _ => Work::Echo,
        },
        plain: plain(config, tls),
        datagrams: datagrams(config),
        limits: config.limits.clone(),
        idle_timeout: config.idle_timeout,
        max_lifetime: config.max_lifetime,
        max_bytes: config.max_bytes,
        accept_delay: delays.sum(),
        no_accept: config.faults.iter().any(no_accept),
        telling: config.telling,
    }
}

/// A worker serves what is echo or discard and has no fault.
fn plain(config: &Config, tls: bool) -> Plain {
    let layered = tls || config.accept_proxy || config.record || config.controlled;
    if layered || !matches!(config.behaviour, Behaviour::Echo | Behaviour::Discard) {
        return Arc::new(|_| false);
    }
    let applies = |rule: &&Rule| rule.fault.fits_streams() && !rule.fault.is_for_all();
    let rules: Vec<_> = config.faults.iter().filter(applies).cloned().collect();
    if rules.is_empty() {
        return Arc::new(|_| true);
    }
    let (rules, seed) = (config.faults.clone(), config.seed);
    Arc::new(move |id| {
        let mut faults = faults_of(&rules, Direction::Down, seed, id).into_iter();
        !faults.any(|fault| fault.fits_streams() && !fault.is_for_all())
    })
}

fn datagrams(config: &Config) -> Datagrams {
    let behaviour = config.behaviour.clone();
    let reply: Option<Reply> = match behaviour {
        Behaviour::Echo => None,
        behaviour => Some(Arc::new(move |question, answer| {
            behaviours::reply(&behaviour, question, answer)
        })),
    };
    let mut datagrams = Datagrams {
        reply,
        allow_amplification: config.allow_amplification,
        seed: config.seed,
        ..Datagrams::default()
    };
    let down = |rule: &&Rule| rule.direction == Direction::Down;
    for Rule { share, fault, .. } in config.faults.iter().filter(down) {
        match fault {
            Fault::Drop(part) => datagrams.drop = part * share,
            Fault::Duplicate(part) => datagrams.duplicate = part * share,
            Fault::Reorder(part) => datagrams.reorder = part * share,
            Fault::Corrupt(part) => datagrams.corrupt = part * share,
            Fault::Delay(time) => (datagrams.delay, datagrams.delayed) = (*time, *share),
            Fault::Jitter(time) => (datagrams.jitter, datagrams.jittered) = (*time, *share),
            _ => {}
        }
    }
    datagrams
}
