//! The flags of `netkit dial`: shared groups, and the few of its own.

use std::ffi::OsString;

use clap::Args;

use super::{
    ExchangeArgs, KeepaliveArgs, OnlyArg, OutputArgs, PolicyArgs, RaceArgs, RepeatArgs, SocketArgs,
    TargetArgs, TlsArgs, WaitArgs,
};

/// Everything that can be said after `netkit dial`.
#[derive(Debug, Args)]
pub(crate) struct DialArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) race: RaceArgs,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// Fails if this holds in the end (`cert_days<14`, `tls_ms>200`; may be given more than once).
    #[arg(
        long,
        value_name = "CONDITION",
        help_heading = "Timing and racing",
        value_parser = super::tls::gate
    )]
    pub(crate) fail_if: Vec<netkit::dial::gate::Gate>,
    #[command(flatten)]
    pub(crate) exchange: ExchangeArgs,
    #[command(flatten)]
    pub(crate) keepalive: KeepaliveArgs,
    /// Keeps the connection open that long and counts the probes.
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = "Keepalive",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = super::values::positive_duration)]
    pub(crate) hold: Option<std::time::Duration>,
    #[command(flatten)]
    pub(crate) socket: SocketArgs,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// Of many targets, show only those that ended so (may be given more than once).
    #[arg(
        long,
        value_name = "OUTCOME",
        value_delimiter = ',',
        help_heading = "Many targets"
    )]
    pub(crate) only: Vec<OnlyArg>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Becomes this command once the wait has succeeded; nothing runs otherwise.
    #[arg(last = true, value_name = "CMD", help_heading = None)]
    pub(crate) command: Vec<OsString>,
}
