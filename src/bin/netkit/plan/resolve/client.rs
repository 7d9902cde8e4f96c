//! Sockets, trust, and the guard against forged answers.

use std::time::Duration;

use netkit::net::tls::Roots;
use netkit::resolve::edns::Cookie;
use netkit::resolve::{ClientConfig, NameServer, Policy, Transports};

use crate::args::{ClientArgs, TransportArgs};
use crate::usage::UsageError;

/// How long a forger has to show himself after the first answer.
const SECOND_ANSWER: Duration = Duration::from_millis(50);

/// What sockets are made like.
pub(super) fn config(args: &ClientArgs) -> ClientConfig {
    let port = args
        .local_addr
        .map(|addr| addr.port)
        .filter(|&port| port > 0);
    ClientConfig {
        local_addr: args.local_addr.map(|addr| addr.ip),
        source_port: args.source_port.or(port),
        interface: args.interface.clone(),
        mark: args.mark,
        roots: args.ca.clone().map_or(Roots::Platform, Roots::Path),
    }
}

/// Adds what `--anti-spoof` asks for to what is sent.
pub(super) fn guard(args: &ClientArgs, policy: &mut Policy) {
    if !args.anti_spoof {
        return;
    }
    policy.second_answer = Some(SECOND_ANSWER);
    policy.options.random_case = true;
    if let Some(edns) = &mut policy.options.edns {
        edns.cookie.get_or_insert_with(Cookie::random);
    }
}

/// Refuses what could not be honoured.
pub(super) fn check(
    args: &ClientArgs,
    transport: &TransportArgs,
    servers: &[NameServer],
) -> Result<(), UsageError> {
    one_port(args)?;
    let is_secure = |server: &NameServer| server.transports.is_secure();
    if args.ca.is_some() && !servers.iter().any(is_secure) {
        return Err(UsageError::new(
            "--ca is about servers that are asked over TLS or QUIC, and none is",
            "--ns tls://…, https://…, quic://… or h3://…, or no --ca",
        ));
    }
    let over_udp =
        |server: &NameServer| matches!(server.transports, Transports::Both | Transports::UdpOnly);
    let udp = !transport.tcp && (servers.is_empty() || servers.iter().any(over_udp));
    if args.anti_spoof && !udp {
        return Err(UsageError::new(
            "--anti-spoof is about UDP, over which nobody is asked",
            "no --anti-spoof, or a server that is asked over UDP",
        ));
    }
    Ok(())
}

fn one_port(args: &ClientArgs) -> Result<(), UsageError> {
    let own = args
        .local_addr
        .map(|addr| addr.port)
        .filter(|&port| port > 0);
    match (own, args.source_port) {
        (Some(own), Some(port)) => Err(UsageError::new(
            format!("--local-addr says port {own} and --source-port {port}"),
            "one of them",
        )),
        _ => Ok(()),
    }
}
