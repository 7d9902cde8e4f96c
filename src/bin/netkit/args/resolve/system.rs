//! What this machine knows about names, and whether it is used.

use std::path::PathBuf;

use clap::Args;

/// What this machine knows about names, and whether it is used.
#[derive(Debug, Args)]
#[command(next_help_heading = "System")]
pub(crate) struct SystemArgs {
    /// Looks into the hosts file first, with --ns too.
    #[arg(long)]
    pub(crate) hosts: bool,
    /// Does not look into the hosts file.
    #[arg(long, conflicts_with = "hosts")]
    pub(crate) no_hosts: bool,
    /// Asks getaddrinfo too, as every other program does, and shows why it differs.
    #[arg(long)]
    pub(crate) compare_system: bool,
    /// The hosts file [default: /etc/hosts].
    #[arg(long, value_name = "FILE")]
    pub(crate) hosts_file: Option<PathBuf>,
    /// The system's configuration [default: /etc/resolv.conf].
    #[arg(long, value_name = "FILE")]
    pub(crate) resolv_conf: Option<PathBuf>,
}
