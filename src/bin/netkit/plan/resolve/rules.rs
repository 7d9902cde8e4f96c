//! What two flags of `netkit resolve` may not say together.

use netkit::resolve::{NameServer, Transports};

use crate::args::{NsModeArg, TransportArgs};
use crate::usage::UsageError;

/// Refuses what could not be honoured.
pub(super) fn check(
    transport: &TransportArgs,
    servers: &[NameServer],
    mode: Option<NsModeArg>,
) -> Result<(), UsageError> {
    one_transport(transport, servers)?;
    mode_needs_servers(servers, mode)
}

/// A server that names its transport keeps it.
fn one_transport(args: &TransportArgs, servers: &[NameServer]) -> Result<(), UsageError> {
    let clash = |flag: &str, own: Transports| {
        let server = servers.iter().find(|server| server.transports == own);
        server.map(|server| {
            let message = format!("{flag} contradicts the server {server}");
            UsageError::new(
                message,
                format!("the server without its scheme, or no {flag}"),
            )
        })
    };
    let found = match (args.tcp, args.udp_only) {
        (true, _) => clash("--tcp", Transports::UdpOnly),
        (_, true) => clash("--udp-only", Transports::TcpOnly),
        _ => None,
    };
    found.map_or(Ok(()), Err)
}

fn mode_needs_servers(servers: &[NameServer], mode: Option<NsModeArg>) -> Result<(), UsageError> {
    match mode {
        Some(_) if servers.len() == 1 => Err(UsageError::new(
            "--ns-mode is about several servers, and one was given",
            "more --ns, or no --ns-mode",
        )),
        _ => Ok(()),
    }
}
