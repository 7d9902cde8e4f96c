//! How questions travel, and for how long.

use std::time::Duration;

use clap::Args;
use netkit::resolve::command::config::TIMEOUT;

use crate::args::values;

/// How questions travel, and for how long.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transport and time")]
pub(crate) struct TransportArgs {
    /// Bounds each question: all servers, names, tries and handshakes together.
    #[arg(short, long, value_name = "DURATION", value_parser = values::positive_duration)]
    #[arg(help = format!(
        "Bounds each question: all servers, names, tries and handshakes together [default: {}]",
        humantime::format_duration(TIMEOUT)
    ))]
    pub(crate) timeout: Option<Duration>,
    /// How often silent servers are asked; the timeout is divided by it [default: resolv.conf's, or 2].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) tries: Option<u8>,
    /// TCP from the start.
    #[arg(long)]
    pub(crate) tcp: bool,
    /// UDP and nothing else, of any server.
    #[arg(long, conflicts_with = "tcp")]
    pub(crate) udp_only: bool,
    /// No TCP instead of UDP: a truncated reply stays one, a silent server stays silent.
    #[arg(long, conflicts_with_all = ["tcp", "udp_only"])]
    pub(crate) no_tcp_fallback: bool,
}
