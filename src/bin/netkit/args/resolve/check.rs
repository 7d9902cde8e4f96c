//! Testing a server instead of asking it.

use clap::Args;

/// Testing a server instead of asking it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Test of a server")]
pub(crate) struct CheckArgs {
    /// Tests the servers with questions about a name that they know, a verdict a test: UDP, TCP, EDNS
    /// with options and versions that nobody knows, DO, cookies, payload sizes, whether TCP has what
    /// did not fit UDP, pipelining, the case of names, NSID, unknown types.
    #[arg(long)]
    pub(crate) check_server: bool,
}
