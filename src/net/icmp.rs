//! What ICMP types and codes say, in the words of RFC 792, 1812 §5.2.7 and 4443 §3.
//!
//! A pure table. Who sent the message, and what follows from it for a verdict, is `classify`'s.

use super::errqueue::{Origin, QueuedError};
use crate::addr::Transport;
use crate::failure::Kind;

/// What a message is about, whatever its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// No route to the network.
    Network,
    /// The host does not answer, or is not known.
    Host,
    /// Nothing listens on the port.
    Port,
    /// A rule forbids it.
    Prohibited,
    /// The packet is too big.
    TooBig,
    /// The hop limit ran out on the way.
    Expired,
    /// Anything else.
    Other,
}

impl Says {
    /// The kind of failure. A closed TCP port answers with RST, so port unreachable over TCP is a
    /// firewall's word.
    pub(super) fn kind(self, transport: Transport) -> Kind {
        match self {
            Self::Network => Kind::NetUnreachable,
            Self::Host | Self::Expired => Kind::HostUnreachable,
            Self::Port if transport == Transport::Udp => Kind::Refused,
            Self::Port | Self::Prohibited | Self::Other => Kind::Rejected,
            Self::TooBig => Kind::MessageTooLong,
        }
    }
}

/// Reads the type and code of an entry; `None` when it was not ICMP.
pub(super) fn read(entry: &QueuedError) -> Option<(Says, &'static str)> {
    match entry.origin {
        Origin::Local => None,
        Origin::Icmp => Some(version_4(entry.icmp_type, entry.icmp_code)),
        Origin::Icmp6 => Some(version_6(entry.icmp_type, entry.icmp_code)),
    }
}

fn version_4(icmp_type: u8, code: u8) -> (Says, &'static str) {
    match (icmp_type, code) {
        (3, 0) => (Says::Network, "network unreachable"),
        (3, 1) => (Says::Host, "host unreachable"),
        (3, 2) => (Says::Other, "protocol unreachable"),
        (3, 3) => (Says::Port, "port unreachable"),
        (3, 4) => (Says::TooBig, "fragmentation needed"),
        (3, 5) => (Says::Host, "source route failed"),
        (3, 6) => (Says::Network, "destination network unknown"),
        (3, 7) => (Says::Host, "destination host unknown"),
        (3, 8) => (Says::Host, "source host isolated"),
        (3, 9) => (Says::Prohibited, "network administratively prohibited"),
        (3, 10) => (Says::Prohibited, "host administratively prohibited"),
        (3, 11) => (
            Says::Network,
            "network unreachable for this type of service",
        ),
        (3, 12) => (Says::Host, "host unreachable for this type of service"),
        (3, 13) => (
            Says::Prohibited,
            "communication administratively prohibited",
        ),
        (3, 14) => (Says::Prohibited, "host precedence violation"),
        (3, 15) => (Says::Prohibited, "precedence cutoff in effect"),
        (3, _) => (Says::Host, "destination unreachable"),
        (11, 0) => (Says::Expired, "time to live exceeded in transit"),
        (11, _) => (Says::Expired, "fragment reassembly time exceeded"),
        (12, _) => (Says::Other, "parameter problem"),
        _ => (Says::Other, "another ICMP message"),
    }
}

fn version_6(icmp_type: u8, code: u8) -> (Says, &'static str) {
    match (icmp_type, code) {
        (1, 0) => (Says::Network, "no route to destination"),
        (1, 1) => (
            Says::Prohibited,
            "communication administratively prohibited",
        ),
        (1, 2) => (Says::Network, "beyond scope of source address"),
        (1, 3) => (Says::Host, "address unreachable"),
        (1, 4) => (Says::Port, "port unreachable"),
        (1, 5) => (
            Says::Prohibited,
            "source address failed ingress/egress policy",
        ),
        (1, 6) => (Says::Prohibited, "reject route to destination"),
        (1, _) => (Says::Host, "destination unreachable"),
        (2, _) => (Says::TooBig, "packet too big"),
        (3, 0) => (Says::Expired, "hop limit exceeded in transit"),
        (3, _) => (Says::Expired, "fragment reassembly time exceeded"),
        (4, _) => (Says::Other, "parameter problem"),
        _ => (Says::Other, "another ICMP message"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_codes_lead_to_the_kinds_of_the_taxonomy() {
        let rows = [
            (Origin::Icmp, 3, 0, Transport::Tcp, Kind::NetUnreachable),
            (Origin::Icmp, 3, 1, Transport::Tcp, Kind::HostUnreachable),
            (Origin::Icmp, 3, 3, Transport::Udp, Kind::Refused),
            (Origin::Icmp, 3, 3, Transport::Tcp, Kind::Rejected),
            (Origin::Icmp, 3, 4, Transport::Udp, Kind::MessageTooLong),
            (Origin::Icmp, 3, 13, Transport::Tcp, Kind::Rejected),
            (Origin::Icmp, 11, 0, Transport::Tcp, Kind::HostUnreachable),
            (Origin::Icmp6, 1, 0, Transport::Tcp, Kind::NetUnreachable),
            (Origin::Icmp6, 1, 1, Transport::Tcp, Kind::Rejected),
            (Origin::Icmp6, 1, 3, Transport::Tcp, Kind::HostUnreachable),
            (Origin::Icmp6, 1, 4, Transport::Udp, Kind::Refused),
            (Origin::Icmp6, 2, 0, Transport::Udp, Kind::MessageTooLong),
        ];
        for (origin, icmp_type, icmp_code, transport, kind) in rows {
            let (offender, own) = (None, false);
            let entry = QueuedError {
                origin,
                icmp_type,
                icmp_code,
                offender,
                own,
            };
            let (says, _) = read(&entry).unwrap();
            assert_eq!(says.kind(transport), kind, "{entry:?}");
        }
    }
}
