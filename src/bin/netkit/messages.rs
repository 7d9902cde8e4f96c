//! What netkit says about itself: errors on standard error, and their line in JSON.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, SystemTime};

use clap::error::ErrorKind;
use netkit::failure::{Failure, Kind, Stage, Who};

use crate::args::complaint;
use crate::exit::Exit;
use crate::output::Out;
use crate::output::json::{Line, lines};
use crate::output::text::escape;
use crate::usage::UsageError;

/// Answers a command line that clap did not take: help and version are answers, the rest errors.
pub(crate) fn parse_error(error: &clap::Error, argv: &[OsString]) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match error.print() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                local(&netkit::error::Error::local("writing help", &error), false)
            }
            _ => Exit::Success,
        },
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Nobody is left to tell if standard error is gone.
            let _ = error.print();
            Exit::Usage
        }
        _ => usage(&complaint(error, argv), wants_json(argv)),
    }
}

/// Whether `--json` was asked for, even on a command line that cannot be parsed.
pub(crate) fn wants_json(argv: &[OsString]) -> bool {
    let options = argv.iter().take_while(|word| *word != "--");
    options
        .into_iter()
        .filter_map(|word| word.to_str())
        .any(|word| word == "--json" || word == "--pretty" || word.starts_with("--json="))
}

/// Reports a usage error.
pub(crate) fn usage(error: &UsageError, json: bool) -> Exit {
    say(&error.to_string());
    if json {
        let failure = Failure::new(Stage::Parse, Kind::Invalid, error.sentence()).by(Who::Netkit);
        line("parsing the command line", &failure, Exit::Usage);
    }
    Exit::Usage
}

/// Reports that nothing could be measured.
pub(crate) fn local(error: &netkit::error::Error, json: bool) -> Exit {
    let exit = Exit::from(&error.failure);
    say(&escape(&format!("netkit: {error}")));
    if let Some(hint) = &error.failure.hint {
        say(&escape(&format!("hint: {hint}")));
    }
    if json {
        line(error.operation, &error.failure, exit);
    }
    exit
}

/// Writes a line to standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell if standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

fn line(operation: &str, failure: &Failure, exit: Exit) {
    let body = lines::Error {
        operation,
        failure,
        exit_code: exit.code(),
    };
    let line = Line::new("error", SystemTime::now(), Duration::ZERO, body);
    // The status tells it too.
    let _ = Out::default().write(&line.compact(io::stdout().is_terminal()));
}
