//! Where questions leave from, and whom is trusted.

use std::path::PathBuf;

use clap::Args;
use netkit::net::LocalAddr;

use crate::args::values;

/// Where questions leave from, and whom is trusted.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sockets and trust")]
pub(crate) struct ClientArgs {
    /// Source address of every question, with a port if it matters.
    #[arg(long, value_name = "IP[:PORT]", value_parser = values::local_addr)]
    pub(crate) local_addr: Option<LocalAddr>,
    /// Source port of every question; they then go one after the other.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) source_port: Option<u16>,
    /// Network interface to leave by (`SO_BINDTODEVICE`).
    #[arg(long, value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// Firewall mark (`SO_MARK`).
    #[arg(long, value_name = "N", value_parser = values::mark)]
    pub(crate) mark: Option<u32>,
    /// Certificates to trust over TLS and QUIC instead of the system's: a file (PEM), or a folder of
    /// them.
    #[arg(long, value_name = "PATH")]
    pub(crate) ca: Option<PathBuf>,
    /// Guards UDP against forged answers: random case in the name, a cookie, and a wait of 50 ms
    /// for a second answer that says something else.
    #[arg(long)]
    pub(crate) anti_spoof: bool,
}
