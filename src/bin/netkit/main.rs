//! The netkit binary: parse, plan, run, render, exit. No logic lives here.

mod args;
mod exit;
mod help;
mod messages;
mod output;
mod plan;
mod usage;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    let cli = match args::Cli::try_parse_from(&argv) {
        Ok(cli) => cli,
        Err(error) => return messages::parse_error(&error, &argv).into(),
    };
    let json = messages::wants_json(&argv);
    match plan::plan(cli, &plan::Environment::detect()) {
        Ok(plan) => exit::Exit::Success.into(),
        Err(error) => messages::usage(&error, json).into(),
    }
}
