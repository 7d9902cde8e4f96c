//! What is said after connecting: sending and receiving at once, until the goal is reached.
//!
//! Both directions are polled together, so that a large upload to an echo server cannot block
//! itself. What is kept of the answer is bounded; the rest is searched and counted.

mod search;
mod talk;
mod verdict;

use super::config;
use super::event::Event;
use super::recorder::Recorder;
use crate::deadline::{Deadline, Expired};
use crate::failure::Failure;
use crate::net::Connection;

use talk::Talk;

/// How an exchange ended.
pub(super) enum Ended {
    /// As wanted.
    Well,
    /// Not as wanted.
    Badly(Failure),
    /// The run was stopped first.
    Interrupted,
}

/// Says what the plan asks for and waits for the answer it asks for.
pub(super) async fn exchange(
    connection: &mut dyn Connection,
    plan: &config::Exchange,
    deadline: &Deadline,
    recorder: &mut Recorder<'_>,
) -> Ended {
    recorder.now(Event::ExchangeStart);
    let mut talk = Talk::new(connection, plan);
    let result = deadline.bound(talk.converse()).await;
    talk.record_milestones(recorder);
    let interrupted = matches!(result, Err(Expired::Cancelled));
    let failure = match result {
        Ok(Ok(())) => verdict::unmet(&talk, &recorder.report),
        Ok(Err(broken)) => Some(verdict::broken(&talk, &broken)),
        Err(Expired::TimedOut) => Some(verdict::timed_out(&talk, &recorder.report)),
        Err(Expired::Cancelled) => None,
    };
    let exchange = talk.into_report(recorder);
    recorder.now(Event::ExchangeDone {
        exchange,
        failure: failure.clone(),
    });
    match failure {
        Some(failure) => Ended::Badly(failure),
        None if interrupted => Ended::Interrupted,
        None => Ended::Well,
    }
}
