//! What is asked, and of whom.

use std::net::IpAddr;

use clap::{Args, ValueEnum};
use netkit::resolve::NameServer;

/// What is asked, and of whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Question")]
pub(crate) struct QueryArgs {
    /// Names, addresses (reverse), record types, classes and @servers, in any order.
    #[arg(value_name = "NAME|TYPE|@SERVER", help_heading = None)]
    pub(crate) words: Vec<String>,
    /// A record type: a name, any case, or TYPE65280 (may be given more than once).
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<String>,
    /// A name, even if it looks like a type (may be given more than once).
    #[arg(long = "name", value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// The name of an address: its PTR records (may be given more than once).
    #[arg(short = 'x', long = "reverse", value_name = "ADDR")]
    pub(crate) reverse: Vec<IpAddr>,
    /// Asks for A only, or over IPv4 only where the server is a name.
    #[arg(short = '4', long)]
    pub(crate) ipv4: bool,
    /// Asks for AAAA only, or over IPv6 only where the server is a name.
    #[arg(short = '6', long, conflicts_with = "ipv4")]
    pub(crate) ipv6: bool,
    /// Asks this name server instead of the system's, as @SERVER (may be given more than once).
    #[arg(long, value_name = "SERVER")]
    pub(crate) ns: Vec<NameServer>,
    /// What is done with several servers [default: first].
    #[arg(long, value_name = "MODE")]
    pub(crate) ns_mode: Option<NsModeArg>,
    /// Ends at the first error that may pass, as Go's `StrictErrors`: no further name of the search
    /// list, and a failed AAAA fails a name whose A was found.
    #[arg(long)]
    pub(crate) strict_errors: bool,
}

/// What is done with several servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NsModeArg {
    /// One after the other, until one knows.
    First,
    /// All at once, the first that knows.
    Race,
    /// All at once, a result each.
    All,
}
