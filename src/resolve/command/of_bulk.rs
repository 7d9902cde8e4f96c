//! A result of a bulk run as the report on one question, so that both say the same in the same
//! words. Pure.
//!
//! A bulk run keeps no ledger; the tries shown are what it counted: all datagrams in one entry, and
//! TCP in another.

use std::time::Duration;

use tokio::time::Instant;

use super::build;
use super::question::Question;
use super::report::{CacheFacts, Report};
use crate::deadline::Deadline;
use crate::failure::{Errno, Failure, Kind, Stage, Who};
use crate::resolve::bulk::{Cached, Ending, Finished, Reply};
use crate::resolve::exchange::Clock;
use crate::resolve::judge::judge;
use crate::resolve::ledger::{Attempt, Carrier, End, Outcome, Received, Step, Trigger, Unusable};
use crate::resolve::name::DomainName;
use crate::resolve::search::{self, Stop, Walk};
use crate::resolve::servers::Tried;
use crate::resolve::wire::{self, Ask};

/// Octets of a message header.
const HEADER: usize = 12;

impl From<&Finished<'_>> for Report {
    fn from(finished: &Finished<'_>) -> Self {
        report(finished)
    }
}

fn report(finished: &Finished<'_>) -> Report {
    let question = Question {
        typed: finished.text.to_owned(),
        text: finished.text.to_owned(),
        rtype: finished.qtype,
    };
    let clock = Clock {
        origin: Instant::now(),
        deadline: Deadline::after(Duration::ZERO),
    };
    let mut report = match (finished.ending, asked(finished)) {
        (Ending::Invalid(error), _) => {
            let message = format!("{:?}: {error}", finished.text);
            let failure = Failure::new(Stage::Parse, Kind::Invalid, message).by(Who::Netkit);
            build::failed(&question, failure, &clock)
        }
        (_, Some(ask)) => {
            let walk = walk(finished, ask);
            let names: Vec<_> = walk.steps.iter().map(|step| step.name.clone()).collect();
            build::report(&question, &names, &walk, &clock)
        }
        (_, None) => build::report(&question, &[], &nothing(), &clock),
    };
    report.total_ms = finished.took.into();
    if let Ending::Reply(reply) = finished.ending {
        report.rtt_ms = Some(reply.rtt.into());
    }
    cached(&mut report, finished.cache);
    report
}

/// The question as it was sent.
fn asked(finished: &Finished<'_>) -> Option<Ask> {
    let mut rest = finished.query.get(HEADER..)?;
    let mut labels = Vec::new();
    while let Some((&length, tail)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let (label, tail) = tail.split_at_checked(length.into())?;
        labels.push(label);
        rest = tail;
    }
    let name = DomainName::from_labels(labels).ok()?;
    let rtype = finished.qtype;
    Some(Ask::new(name, rtype))
}

fn nothing() -> Walk {
    Walk {
        ledger: Vec::new(),
        steps: Vec::new(),
        best: None,
        stopped: Stop::OutOfTime,
    }
}

/// The ledger that would have led here.
fn walk(finished: &Finished<'_>, ask: Ask) -> Walk {
    let reply = match finished.ending {
        Ending::Reply(reply) => Some(reply),
        _ => None,
    };
    let Some(server) = reply.map(|reply| reply.server).or(finished.server) else {
        return nothing();
    };
    let mut outcome = Outcome {
        server,
        received: reply.and_then(|reply| received(finished, &reply)),
        attempts: attempts(finished),
    };
    let malformed = reply.is_some() && outcome.received.is_none();
    if let (true, Some(last)) = (malformed, outcome.attempts.last_mut()) {
        unusable(last);
    }
    let finding = judge(&outcome, &ask);
    let stopped = if matches!(finding, crate::resolve::judge::Finding::Records(_)) {
        Stop::Found
    } else {
        Stop::Exhausted
    };
    let name = ask.name.clone();
    let tried = Tried {
        upstream: server.into(),
        ask,
        outcome,
        finding,
    };
    Walk {
        ledger: vec![tried],
        steps: vec![search::Step {
            name,
            tried: 0..1,
            best: Some(0),
        }],
        best: Some(0),
        stopped,
    }
}

fn received(finished: &Finished<'_>, reply: &Reply<'_>) -> Option<Received> {
    Some(Received {
        reply: wire::decode(reply.bytes).ok()?,
        packet: reply.bytes.into(),
        carrier: reply.carrier,
        trigger: match reply.carrier {
            Carrier::Tcp => finished.tcp.unwrap_or(Trigger::First),
            _ => Trigger::First,
        },
    })
}

/// The datagrams in one entry, and TCP in another.
fn attempts(finished: &Finished<'_>) -> Vec<Attempt> {
    let carrier = match finished.ending {
        Ending::Reply(reply) => Some((reply.carrier, reply)),
        _ => None,
    };
    let udp = (finished.sent > 0 || finished.tcp.is_none()).then(|| {
        let mut udp = attempt(finished, Carrier::Udp, Trigger::First);
        udp.sent = finished.sent;
        udp
    });
    let tcp = finished.tcp.map(|trigger| {
        let mut tcp = attempt(finished, Carrier::Tcp, trigger);
        tcp.sent = 1;
        tcp
    });
    let mut all: Vec<_> = udp.into_iter().chain(tcp).collect();
    for attempt in &mut all {
        match carrier {
            Some((carrier, reply)) if carrier == attempt.carrier => {
                attempt.received_bytes = reply.bytes.len() as u64;
                attempt.end = replied(&reply);
            }
            Some(_)
                if finished.tcp == Some(Trigger::Truncated) && attempt.carrier == Carrier::Udp =>
            {
                attempt.end = End::Truncated;
            }
            _ => attempt.end = unanswered(finished, attempt),
        }
    }
    all
}

fn attempt(finished: &Finished<'_>, carrier: Carrier, trigger: Trigger) -> Attempt {
    let bytes = finished.query.len();
    let mut attempt = Attempt::open(carrier, trigger, Duration::ZERO, bytes);
    attempt.asked = Some(Duration::ZERO);
    attempt.ended = finished.took;
    attempt
}

fn replied(reply: &Reply<'_>) -> End {
    match wire::peek(reply.bytes) {
        Some(peek) if peek.truncated => End::Truncated,
        _ => {
            let rcode = wire::decode(reply.bytes).map(|reply| reply.rcode);
            rcode.map_or(End::Unusable, End::Replied)
        }
    }
}

/// How a carrier ended that brought nothing.
fn unanswered(finished: &Finished<'_>, attempt: &mut Attempt) -> End {
    let system = |code| {
        let errno = Errno::from_code(code);
        End::Failed {
            step: Step::Send,
            text: std::io::Error::from_raw_os_error(code).to_string(),
            errno: Some(errno),
        }
    };
    match finished.ending {
        Ending::PortClosed => system(libc::ECONNREFUSED),
        Ending::Unsent(code) => system(code),
        Ending::Malformed => {
            unusable(attempt);
            End::Unusable
        }
        _ => End::Silent {
            step: Step::Receive,
        },
    }
}

fn unusable(attempt: &mut Attempt) {
    attempt.end = End::Unusable;
    let reason = "the records do not end where they should".to_owned();
    let truncated = false;
    attempt.ignore(
        attempt.ended,
        &[],
        Unusable::Malformed {
            fault: None,
            reason,
            truncated,
        },
    );
}

/// Says what the cache knew, and takes its age off what the answer has left.
fn cached(report: &mut Report, cache: Cached) {
    let age = match cache {
        Cached::Unused => return,
        Cached::Miss => None,
        Cached::Hit(age) => Some(age),
    };
    report.cache = Some(CacheFacts {
        hit: age.is_some(),
        age_s: age.map(|age| (age.as_secs_f64() * 1e6).round() / 1e6),
    });
    let Some(age) = age else {
        return;
    };
    report.attempts.clear();
    report.rtt_ms = None;
    let age = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
    for record in report.answers.iter_mut().chain(&mut report.authority) {
        record.ttl = record.ttl.map(|ttl| ttl.saturating_sub(age));
    }
}
