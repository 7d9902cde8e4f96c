//! What flags ask of the network of a target: no TCP option on UDP, no family on a Unix socket.
//!
//! Separate from the other rules because it is asked again for every target of a list, long after
//! the flags were read.

use netkit::addr::{Family, Network, Transport};

use super::rules::{self, Checked};
use crate::args::{DialArgs, KeepaliveArgs, SocketArgs, TargetArgs, TlsArgs};
use crate::usage::UsageError;

/// What the flags ask of the network of every target.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NetworkNeeds {
    /// Flags that only TCP has.
    tcp: Vec<&'static str>,
    /// Flags that only streams have.
    stream: Vec<&'static str>,
    /// Flags that only the Internet protocols have.
    inet: Vec<&'static str>,
    family: Option<Family>,
}

impl NetworkNeeds {
    pub(super) fn new(args: &DialArgs) -> Self {
        let mut needs = Self::shared(&args.target, &args.socket, &args.keepalive);
        needs.stream.extend(given(&[
            (args.exchange.banner, "--banner"),
            (args.exchange.shutdown_write, "--shutdown-write"),
            (args.hold.is_some(), "--hold"),
            (args.repeat.reuse, "--reuse"),
            (args.exchange.replay.is_some(), "--replay"),
        ]));
        needs.tls(&args.tls);
        needs.inet.extend(given(&[
            (args.race.strategy.is_some(), "--strategy"),
            (args.race.attempt_delay.is_some(), "--attempt-delay"),
            (args.race.race_all, "--race-all"),
        ]));
        needs
    }

    /// What the flags of TLS ask.
    pub(super) fn tls(&mut self, args: &TlsArgs) {
        self.stream.extend(given(&[
            (args.tls, "--tls"),
            (args.starttls.is_some(), "--starttls"),
        ]));
    }

    /// What the groups ask that several subcommands share.
    pub(super) fn shared(
        target: &TargetArgs,
        socket: &SocketArgs,
        keepalive: &KeepaliveArgs,
    ) -> Self {
        Self {
            tcp: given(&[
                (keepalive.keepalive.is_some(), "--keepalive"),
                (
                    keepalive.keepalive_interval.is_some(),
                    "--keepalive-interval",
                ),
                (keepalive.keepalive_count.is_some(), "--keepalive-count"),
                (keepalive.no_keepalive, "--no-keepalive"),
                (keepalive.user_timeout.is_some(), "--user-timeout"),
                (socket.mss.is_some(), "--mss"),
                (socket.congestion.is_some(), "--congestion"),
                (socket.nodelay.is_some(), "--nodelay"),
                (socket.fastopen, "--fastopen"),
                (socket.mptcp, "--mptcp"),
                (socket.close.is_some(), "--close"),
            ]),
            stream: Vec::new(),
            inet: given(&[
                (target.ipv4, "-4"),
                (target.ipv6, "-6"),
                (socket.local_addr.is_some(), "--local-addr"),
                (socket.interface.is_some(), "--interface"),
                (socket.mark.is_some(), "--mark"),
                (socket.tos.is_some(), "--tos"),
                (socket.dscp.is_some(), "--dscp"),
                (socket.ttl.is_some(), "--ttl"),
                (!target.ns.is_empty(), "--ns"),
            ]),
            family: rules::family(target),
        }
    }

    /// Refuses a network that has no use for a flag.
    pub(crate) fn check(&self, target: &str, network: Network) -> Checked {
        let transport = network.transport();
        let refuse = |flags: &[&str], of: &str| match flags.first() {
            Some(flag) => Err(UsageError::new(
                format!("{flag} has no effect on {target}: its network is {network}"),
                format!("{of}, or no {flag}"),
            )),
            None => Ok(()),
        };
        if transport != Transport::Tcp {
            refuse(&self.tcp, "a tcp target")?;
        }
        if transport.is_datagram() {
            refuse(&self.stream, "a stream (tcp or unix)")?;
        }
        if matches!(transport, Transport::Unix | Transport::Unixgram) {
            refuse(&self.inet, "a tcp or udp target")?;
        }
        match self.family {
            Some(family) if network.restricted_to(family).is_none() => {
                let flag = if family == Family::Ipv4 { "-4" } else { "-6" };
                refuse(&[flag], &format!("a network with {family}"))
            }
            _ => Ok(()),
        }
    }
}

/// The flags of those that were given.
fn given(rows: &[(bool, &'static str)]) -> Vec<&'static str> {
    let given = rows.iter().filter(|(given, _)| *given);
    given.map(|(_, flag)| *flag).collect()
}
