//! From what was typed to what will be done: pure, so that hundreds of command lines are tested
//! without a process, a terminal or a file.
//!
//! The only place where flags meet the environment and each other. Files named on the command line
//! are opened later, by `run`.

mod dial;
mod environment;
mod heartbeat;
mod listen;
mod needs;
mod output;
mod parse_addr;
mod policy;
mod recorded;
mod resolve;
mod rules;
#[cfg(test)]
mod tests;
mod tls;
mod workload;

pub(crate) use dial::{DialPlan, ListSource, MOST_WATCHED, Mode, check_network, total};
pub(crate) use environment::Environment;
pub(crate) use heartbeat::{HeartbeatPlan, Hooks, MOST as MOST_BEATEN, ReplayPlan, check_probe};
#[cfg(feature = "tls")]
pub(crate) use listen::ServeTls;
pub(crate) use listen::{Content, ListenPlan};
pub(crate) use needs::NetworkNeeds;
pub(crate) use output::{Format, OutputSettings};
pub(crate) use parse_addr::{
    AddrPlan, DescribePlan, FilterPlan, Form, Input, Operation, ResolvePlan, Task,
};
pub(crate) use policy::PolicyPlan;
pub(crate) use recorded::RecordPlan;
pub(crate) use resolve::{AnchorSource, AnswerForm, BulkPlan, Group, QueryPlan, QueryTask};
pub(crate) use tls::{TlsPlan, named as named_by_flag};
use workload::choosing;
pub(crate) use workload::{FORMS as WORKLOAD_FORMS, WorkloadSocket};

use crate::args::{Cli, Command, Generate};
use crate::usage::UsageError;

/// What will be done, and how it will look.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) action: Action,
    pub(crate) output: OutputSettings,
}

/// The things netkit does.
#[derive(Debug)]
pub(crate) enum Action {
    Dial(Box<DialPlan>),
    Heartbeat(Box<HeartbeatPlan>),
    Replay(ReplayPlan),
    Listen(Box<ListenPlan>),
    ParseAddr(Box<AddrPlan>),
    Resolve(Box<QueryPlan>),
    Demo,
    Generate(Generate),
}

/// Makes the plan, or says which flag contradicts what.
pub(crate) fn plan(cli: Cli, environment: &Environment) -> Result<Plan, UsageError> {
    match cli.command {
        Command::Dial(args) => {
            let output = OutputSettings::new(&args.output, environment)?;
            let action = Action::Dial(Box::new(dial::plan(*args, environment)?));
            Ok(Plan { action, output })
        }
        Command::Heartbeat(args) => {
            let output = OutputSettings::new(&args.output, environment)?;
            let action = match heartbeat::replay(&args)? {
                Some(replay) => Action::Replay(replay),
                None => Action::Heartbeat(Box::new(heartbeat::plan(*args, environment)?)),
            };
            Ok(Plan { action, output })
        }
        Command::Listen(args) => {
            let output = OutputSettings::new(&args.output, environment)?;
            let action = Action::Listen(Box::new(listen::plan(&args, environment)?));
            Ok(Plan { action, output })
        }
        Command::ParseAddr(args) => {
            let output = OutputSettings::new(&parse_addr::output_args(&args.output), environment)?;
            let action = Action::ParseAddr(Box::new(parse_addr::plan(*args)?));
            Ok(Plan { action, output })
        }
        Command::Resolve(args) => {
            let output = OutputSettings::new(&resolve::output_args(&args.output), environment)?;
            let action = Action::Resolve(Box::new(resolve::plan(*args, environment.stdin_tty)?));
            Ok(Plan { action, output })
        }
        Command::Demo(args) => {
            let output = OutputSettings::plain(args.color, environment);
            Ok(Plan {
                action: Action::Demo,
                output,
            })
        }
        Command::Generate(args) => {
            let output = OutputSettings::plain(crate::args::ColorArg::Never, environment);
            Ok(Plan {
                action: Action::Generate(args.what),
                output,
            })
        }
    }
}
