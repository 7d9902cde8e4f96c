//! What comes out of `netkit resolve`, and how.

use clap::{Args, ValueEnum};

use crate::args::{ColorArg, ProgressArg};

/// What comes out, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
pub(crate) struct ResolveOutputArgs {
    /// Prints the data of the answers and nothing else, one a line.
    #[arg(long)]
    pub(crate) short: bool,
    /// Prints the answers as lines of a zone file.
    #[arg(long)]
    pub(crate) zone_format: bool,
    /// Prints JSON Lines, one a question; `--json=rfc8427` prints the reply alone, in the form of
    /// RFC 8427.
    #[arg(
        long,
        value_name = "FORM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "netkit"
    )]
    pub(crate) json: Option<JsonForm>,
    /// Prints indented JSON.
    #[arg(long)]
    pub(crate) pretty: bool,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorArg,
    /// Prints nothing but errors.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Prints more: every try, all sections, what was sent and what came back.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// When to show progress on standard error.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) progress: ProgressArg,
}

/// The form of the JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JsonForm {
    /// The report.
    Netkit,
    /// The reply alone, as RFC 8427 has it.
    Rfc8427,
}
