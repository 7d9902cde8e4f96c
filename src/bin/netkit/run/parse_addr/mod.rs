//! `netkit parse-addr`: reads the inputs, by blocks and on several threads where they are many, and
//! writes what the plan asks for.
//!
//! Nothing here waits for a network, so there is no runtime.

mod compute;
mod describe;
mod filter;
pub(super) mod input;
mod resolve;
mod sink;

use netkit::error::Error;

use super::Trouble;
use crate::exit::Exit;
use crate::messages;
use crate::output::View;
use crate::plan::{AddrPlan, Form, OutputSettings, Task};
use sink::Sink;

/// What every task needs.
struct Job {
    form: Form,
    view: View,
}

/// Carries the plan out and says how netkit ends.
pub(crate) fn parse_addr(plan: &AddrPlan, output: OutputSettings) -> Exit {
    let job = Job {
        form: plan.form,
        view: output.view,
    };
    let mut sink = Sink::default();
    let done = match &plan.task {
        Task::Describe(describe) => describe::run(&job, &plan.input, describe, &mut sink),
        Task::Filter(filter) => filter::run(&job, &plan.input, filter, &mut sink),
        Task::Compute(operation) => compute::run(&job, &plan.input, operation, &mut sink),
    };
    let json = matches!(plan.form, Form::Json { .. } | Form::Pretty);
    let exit = done.unwrap_or_else(|trouble| trouble.tell(json));
    let _ = sink.flush();
    match sink.failure() {
        Some(error) => messages::local(&Error::local("writing to standard output", error), false),
        None if sink.is_closed() => Exit::Success,
        None => exit,
    }
}

impl Job {
    fn json(&self) -> bool {
        matches!(self.form, Form::Json { .. } | Form::Pretty)
    }
}

/// The status of inputs of which some may have been refused.
fn status(refused: bool) -> Exit {
    if refused { Exit::Peer } else { Exit::Success }
}
