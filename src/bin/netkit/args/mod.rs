//! What was typed, and nothing else: clap definitions.
//!
//! No I/O, no environment, no rule between two flags; those are `plan`'s. Groups of flags that
//! several subcommands share are one struct each, flattened where they apply.

mod bytes;
mod complaint;
mod dial;
mod dns;
pub(crate) mod faults;
mod forwarding;
mod groups;
mod heartbeat;
mod listen;
mod parse_addr;
mod policy;
mod resolve;
mod tls;
pub(crate) mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::help;

pub(crate) use complaint::complaint;
pub(crate) use dial::DialArgs;
pub(crate) use forwarding::{ForwardArgs, ProxyArg, ServeTlsArgs, ServeVersionArg};
pub(crate) use groups::{
    CloseArg, ColorArg, ExchangeArgs, KeepaliveArgs, OnlyArg, OutputArgs, ProgressArg, RaceArgs,
    RepeatArgs, SocketArgs, StrategyArg, TargetArgs, UntilArg, WaitArgs,
};

pub(crate) use heartbeat::{
    DetectorArg, GateArgs, HealthArgs, HeartbeatArgs, ProbeArg, ProbeArgs, ReconnectArgs,
};
pub(crate) use listen::{BehaviourArgs, DumpArg, ListenArgs, OverloadArg, ThenArg};
pub(crate) use parse_addr::{AddrOutputArgs, ComputeArgs, FilterArgs, ParseAddrArgs, ParseArgs};
pub(crate) use policy::PolicyArgs;
pub(crate) use tls::{Sni, TlsArgs};

pub(crate) use resolve::{
    AgainArgs, ClientArgs, DnssecArgs, JsonForm, MessageArgs, NsModeArg, QueryArgs, ResolveArgs,
    ResolveOutputArgs, SystemArgs, TransportArgs,
};

/// Answers the questions that people ask a network.
#[derive(Debug, Parser)]
#[command(
    name = "netkit",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The whole definition, with examples and exit codes: what help, man pages and completions show.
pub(crate) fn command() -> clap::Command {
    let mut cli = Cli::command().after_help(help::overview());
    if let Some(listen) = cli.find_subcommand_mut("listen") {
        let (short, long) = (help::listen_short(), help::listen_long());
        *listen = std::mem::take(listen)
            .after_help(short)
            .after_long_help(long);
    }
    if let Some(heartbeat) = cli.find_subcommand_mut("heartbeat") {
        let (short, long) = (help::heartbeat_short(), help::heartbeat_long());
        *heartbeat = std::mem::take(heartbeat)
            .after_help(short)
            .after_long_help(long);
    }
    if let Some(dial) = cli.find_subcommand_mut("dial") {
        let (short, long) = (help::dial_short(), help::dial_long());
        *dial = std::mem::take(dial).after_help(short).after_long_help(long);
    }
    cli
}

/// Parses a command line.
///
/// Most runs never show help, and a dial is over in a millisecond: the words of help and the other
/// subcommands are put together only when somebody asks for them or has mistyped something.
pub(crate) fn parse(argv: &[OsString]) -> Result<Cli, clap::Error> {
    if let Some(cli) = parse_lean(argv) {
        return Ok(cli);
    }
    Cli::try_parse_from(argv).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            command().try_get_matches_from(argv).err().unwrap_or(error)
        }
        _ => error,
    })
}

/// Reads a right command line with the definition of its subcommand alone; `None` leaves it, and any
/// complaint, to the whole definition.
fn parse_lean(argv: &[OsString]) -> Option<Cli> {
    let subcommand = lean_subcommand(argv.get(1)?.to_str()?)?;
    let netkit = clap::Command::new("netkit").subcommand(subcommand);
    let matches = netkit.try_get_matches_from(argv).ok()?;
    Cli::from_arg_matches(&matches).ok()
}

/// One subcommand of those that scripts start again and again.
fn lean_subcommand(name: &str) -> Option<clap::Command> {
    match name {
        "dial" => Some(DialArgs::augment_args(clap::Command::new("dial"))),
        "heartbeat" => Some(HeartbeatArgs::augment_args(clap::Command::new("heartbeat"))),
        "listen" => Some(ListenArgs::augment_args(clap::Command::new("listen"))),
        "parse-addr" => Some(ParseAddrArgs::augment_args(clap::Command::new(
            "parse-addr",
        ))),
        "resolve" => Some(ResolveArgs::augment_args(clap::Command::new("resolve"))),
        _ => None,
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connect to a target: which address answers, how long each stage takes, and who said no.
    ///
    /// A target is `host:port`, `host port`, `[v6]:port`, `udp://host:port` or `unix:/path`. Ports may
    /// be names, lists and ranges (`host:22,80,8000-8010`), hosts may be blocks (`192.0.2.0/24:443`).
    Dial(Box<DialArgs>),
    /// Watch targets: when one fails, why, how soon that was noticed, and how it came back.
    ///
    /// Beats are due on a schedule that waits for nothing, so an outage shows as long as it was. A
    /// target is written as for `dial`; several are watched at once, each with a state of its own.
    Heartbeat(Box<HeartbeatArgs>),
    /// Be the other end: an echo server, or one that behaves as badly as asked, and tell what comes.
    ///
    /// One process serves several addresses. `:8080` is all addresses of both families, as in Go;
    /// port 0 is chosen by the kernel and printed before the first connection is accepted.
    Listen(Box<ListenArgs>),
    /// Say what an address is, compute with networks, find addresses in text.
    ParseAddr(Box<ParseAddrArgs>),
    Resolve(Box<ResolveArgs>),
    /// Run every subcommand against servers of its own on loopback and show what comes out.
    Demo(DemoArgs),
    /// Write completions, man pages, the JSON Schema or the README's help block.
    #[command(hide = true)]
    Generate(GenerateArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// When to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorArg,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    #[command(subcommand)]
    pub(crate) what: Generate,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Generate {
    /// A completion script.
    Completions {
        /// For which shell.
        shell: Shell,
    },
    /// The man pages: one file each into a directory, or the first to standard output.
    Man {
        /// Where to write them.
        dir: Option<PathBuf>,
    },
    /// The JSON Schema of every line that --json prints.
    Schema,
    /// The help block of README.md.
    ReadmeHelp,
}

/// The shells that completions exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        command().debug_assert();
    }

    #[test]
    fn the_lean_definitions_are_those_of_the_whole() {
        let whole = command();
        for name in ["dial", "heartbeat", "listen", "parse-addr", "resolve"] {
            let (lean, of_whole) = (lean_subcommand(name), whole.find_subcommand(name));
            let flags = |command: &clap::Command| {
                format!("{:#?}", command.get_arguments().collect::<Vec<_>>())
            };
            assert_eq!(flags(&lean.unwrap()), flags(of_whole.unwrap()), "{name}");
            let settings = |command: &clap::Command| {
                (
                    command.is_arg_required_else_help_set(),
                    command.is_subcommand_required_set(),
                    command.is_args_conflicts_with_subcommands_set(),
                )
            };
            assert_eq!(
                settings(&lean_subcommand(name).unwrap()),
                settings(of_whole.unwrap())
            );
        }
    }

    #[test]
    fn every_option_of_dial_has_a_heading_and_a_help_line() {
        let cli = command();
        let dial = cli.find_subcommand("dial").unwrap();
        for arg in dial.get_arguments().filter(|arg| !arg.is_positional()) {
            let name = arg.get_id();
            assert!(arg.get_help().is_some(), "{name} has no help");
            if name != "help" && name != "version" {
                assert!(arg.get_help_heading().is_some(), "{name} has no heading");
            }
        }
    }
}
