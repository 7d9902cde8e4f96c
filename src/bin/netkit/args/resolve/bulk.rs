//! Any number of names: where they come from, and how fast they are asked.

use std::path::PathBuf;

use clap::Args;
use netkit::resolve::bulk;

use crate::args::values;

/// Any number of names.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many names")]
pub(crate) struct BulkArgs {
    /// Asks for every name of a file, `name` or `name TYPE` a line; `-` is standard input.
    ///
    /// The default when no name is given and standard input is no terminal. Each line is one question,
    /// for A where neither it nor --type says otherwise (PTR of an address), and gives one line of
    /// output; names are asked as they are written, without search list and hosts file.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Prints the results in the order of the input.
    #[arg(long)]
    pub(crate) ordered: bool,
    /// Datagrams a second, all servers together [default: what each server takes without loss].
    #[arg(long, value_name = "N", value_parser = values::rate_of_datagrams)]
    pub(crate) rate: Option<f64>,
    /// Names under way at once.
    #[arg(long, value_name = "N", value_parser = values::inflight)]
    #[arg(help = format!("Names under way at once [default: {}]", bulk::MAX_INFLIGHT))]
    pub(crate) max_inflight: Option<usize>,
    /// Asks again for what was answered before and still holds.
    #[arg(long)]
    pub(crate) no_cache: bool,
}
