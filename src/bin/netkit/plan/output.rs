//! How output looks: decided once, from the flags and the environment, and passed down.

use super::Environment;
use crate::args::{ColorArg, OutputArgs, ProgressArg};
use crate::output::View;
use crate::usage::UsageError;

/// Columns when nobody says how many there are.
pub(crate) const DEFAULT_WIDTH: usize = 80;
/// Fewer columns than this cannot hold a report; it is then as wide and the terminal wraps it.
const LEAST_WIDTH: usize = 40;

/// The form of what goes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people: a table on a terminal, a fact a line in a pipe.
    Human,
    /// JSON Lines.
    Json,
    /// One indented JSON value.
    Pretty,
    /// Nothing.
    Quiet,
}

/// Everything that decides about output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutputSettings {
    pub(crate) format: Format,
    /// For reports on standard output.
    pub(crate) view: View,
    /// For messages on standard error.
    pub(crate) messages: View,
    /// Whether progress is shown on standard error.
    pub(crate) progress: bool,
    /// Whether a person types at standard input.
    pub(crate) stdin_tty: bool,
}

impl OutputSettings {
    /// Decides from flags and surroundings.
    pub(crate) fn new(args: &OutputArgs, environment: &Environment) -> Result<Self, UsageError> {
        let format = match (args.json, args.pretty, args.quiet) {
            (true, _, true) | (_, true, true) => {
                let (message, expected) = ("--quiet with --json leaves nothing", "one of the two");
                return Err(UsageError::new(message, expected));
            }
            (_, true, _) => Format::Pretty,
            (true, _, _) => Format::Json,
            (_, _, true) => Format::Quiet,
            _ => Format::Human,
        };
        if args.quiet && args.verbose {
            let message = "--quiet and --verbose contradict each other";
            return Err(UsageError::new(message, "one of the two"));
        }
        Ok(Self {
            format,
            view: view(
                args.color,
                args.verbose,
                environment.stdout_tty,
                environment,
            ),
            messages: view(
                args.color,
                args.verbose,
                environment.stderr_tty,
                environment,
            ),
            progress: progress(args, format, environment)?,
            stdin_tty: environment.stdin_tty,
        })
    }

    /// The settings of a subcommand that has only `--color`.
    pub(crate) fn plain(color: ColorArg, environment: &Environment) -> Self {
        Self {
            format: Format::Human,
            view: view(color, false, environment.stdout_tty, environment),
            messages: view(color, false, environment.stderr_tty, environment),
            progress: false,
            stdin_tty: environment.stdin_tty,
        }
    }
}

fn view(color: ColorArg, verbose: bool, tty: bool, environment: &Environment) -> View {
    let forced = match color {
        ColorArg::Always => true,
        ColorArg::Auto => environment.clicolor_force && !environment.no_color,
        ColorArg::Never => false,
    };
    let wanted = color == ColorArg::Auto && !environment.no_color && !environment.term_dumb;
    View {
        width: environment.width.unwrap_or(DEFAULT_WIDTH).max(LEAST_WIDTH),
        colour: forced || wanted && tty,
        // Who forces colours into a pipe (`| less -R`) wants the terminal's form there.
        rich: tty || forced,
        verbose,
    }
}

fn progress(
    args: &OutputArgs,
    format: Format,
    environment: &Environment,
) -> Result<bool, UsageError> {
    match args.progress {
        ProgressArg::Always if format != Format::Human => {
            let message = "--progress always does not go with --json or --quiet";
            Err(UsageError::new(message, "--progress auto or never"))
        }
        ProgressArg::Always => Ok(true),
        ProgressArg::Never => Ok(false),
        ProgressArg::Auto => {
            Ok(format == Format::Human && environment.stderr_tty && !environment.term_dumb)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> Environment {
        let (stdin_tty, stdout_tty, stderr_tty) = (true, true, true);
        Environment {
            stdin_tty,
            stdout_tty,
            stderr_tty,
            width: Some(100),
            ..Environment::default()
        }
    }

    fn args() -> OutputArgs {
        OutputArgs {
            json: false,
            pretty: false,
            color: ColorArg::Auto,
            quiet: false,
            verbose: false,
            progress: ProgressArg::Auto,
        }
    }

    #[test]
    fn a_terminal_gets_colours_line_art_and_its_width() {
        let settings = OutputSettings::new(&args(), &terminal()).unwrap();
        assert_eq!(
            settings.view,
            View {
                width: 100,
                colour: true,
                rich: true,
                verbose: false
            }
        );
        assert!(settings.progress);
    }

    #[test]
    fn a_pipe_gets_none_of_them() {
        let settings = OutputSettings::new(&args(), &Environment::default()).unwrap();
        assert_eq!(
            settings.view,
            View {
                width: 80,
                colour: false,
                rich: false,
                verbose: false
            }
        );
        assert!(!settings.progress);
    }

    #[test]
    fn each_stream_decides_for_itself() {
        let piped = Environment {
            stdout_tty: false,
            ..terminal()
        };
        let settings = OutputSettings::new(&args(), &piped).unwrap();
        assert!(!settings.view.rich && settings.messages.colour && settings.progress);
    }

    #[test]
    fn the_variables_of_colour_rank_below_the_flag() {
        let rows = [
            // colour flag, NO_COLOR, CLICOLOR_FORCE, dumb, tty -> colour
            (ColorArg::Auto, false, false, false, true, true),
            (ColorArg::Auto, true, false, false, true, false),
            (ColorArg::Auto, false, false, true, true, false),
            (ColorArg::Auto, false, true, false, false, true),
            (ColorArg::Auto, true, true, false, false, false),
            (ColorArg::Always, true, false, true, false, true),
            (ColorArg::Never, false, true, false, true, false),
        ];
        for (color, no_color, clicolor_force, term_dumb, stdout_tty, expected) in rows {
            let environment = Environment {
                stdout_tty,
                no_color,
                clicolor_force,
                term_dumb,
                ..terminal()
            };
            let settings = OutputSettings::new(&OutputArgs { color, ..args() }, &environment);
            assert_eq!(
                settings.unwrap().view.colour,
                expected,
                "{color:?} {environment:?}"
            );
        }
    }

    #[test]
    fn json_and_quiet_never_show_progress() {
        for (json, quiet) in [(true, false), (false, true)] {
            let args = OutputArgs {
                json,
                quiet,
                ..args()
            };
            assert!(!OutputSettings::new(&args, &terminal()).unwrap().progress);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let quiet_json = OutputArgs {
            json: true,
            quiet: true,
            ..args()
        };
        let quiet_verbose = OutputArgs {
            quiet: true,
            verbose: true,
            ..args()
        };
        let loud_json = OutputArgs {
            json: true,
            progress: ProgressArg::Always,
            ..args()
        };
        for args in [quiet_json, quiet_verbose, loud_json] {
            assert!(OutputSettings::new(&args, &terminal()).is_err(), "{args:?}");
        }
    }
}
