//! Proof and delegation: what is asked beyond one answer.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Proof and delegation: what is asked beyond one answer.
#[derive(Debug, Args)]
#[command(next_help_heading = "DNSSEC and delegation")]
pub(crate) struct DnssecArgs {
    /// Validates what the server says, by the keys of the root: every RRset secure, insecure, bogus
    /// or indeterminate, with the link that breaks named. The server is asked for DS and DNSKEY
    /// records too, with CD set. Bogus and indeterminate answers end with status 5.
    #[arg(long)]
    pub(crate) dnssec: bool,
    /// Begins at the keys in this file instead: DS or DNSKEY records of the root or any zone, as in a
    /// zone file.
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_anchor: Option<PathBuf>,
    /// Follows the delegations from the root down, and asks every name server of every zone on the
    /// way: time, referral, glue, DS, servers that are lame or silent, name servers that parent and
    /// zone do not agree on. Without a type asks for A.
    #[arg(long, conflicts_with = "dnssec")]
    pub(crate) trace: bool,
    /// Begins the trace at this server instead of the root's (may be given more than once). Its port
    /// is that of all servers of the trace.
    #[arg(long, value_name = "IP:PORT", value_delimiter = ',')]
    pub(crate) roots: Vec<SocketAddr>,
}
