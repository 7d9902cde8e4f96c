//! The netkit binary: parse, plan, run, render, exit. No logic lives here.

mod args;
mod demo;
mod exit;
mod generate;
mod help;
mod messages;
mod output;
mod plan;
mod run;
mod signal;
mod usage;

use std::process::ExitCode;

use netkit::error::Error;

use exit::Exit;
use plan::{Action, Environment};

fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    if argv
        .get(1)
        .is_some_and(|word| word == "dial" || word == "heartbeat")
    {
        // If the system refuses, the run finds that out again and says so.
        let _ = signal::heed();
    }
    let cli = match args::parse(&argv) {
        Ok(cli) => cli,
        Err(error) => return messages::parse_error(&error, &argv).into(),
    };
    let plan = match plan::plan(cli, &Environment::detect()) {
        Ok(plan) => plan,
        Err(error) => return messages::usage(&error, messages::wants_json(&argv)).into(),
    };
    let done = match plan.action {
        Action::Dial(dial) => block_on(run::dial(*dial, plan.output)),
        Action::Heartbeat(plan_of) => block_on(run::heartbeat(*plan_of, plan.output)),
        Action::Replay(replay) => Ok(run::replay(&replay, plan.output)),
        Action::Listen(listen) => block_on(run::listen(*listen, plan.output)),
        Action::ParseAddr(parse) => Ok(run::parse_addr(&parse, plan.output)),
        Action::Resolve(query) => block_on(run::resolve(*query, plan.output)),
        Action::Demo => demo::run(&plan.output.view),
        Action::Generate(what) => generate::run(&what),
    };
    let failed = |error| messages::local(&Error::local("starting", &error), false);
    done.unwrap_or_else(failed).into()
}

/// One thread: a dial is waiting, not work. What still blocks on standard input is left behind.
fn block_on(run: impl Future<Output = Exit>) -> std::io::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let exit = runtime.block_on(run);
    runtime.shutdown_background();
    Ok(exit)
}
