//! Where to listen, as typed: `:8080`, `127.0.0.1:0`, `udp://[::1]:53`, `unix:/run/x.sock`.
//!
//! Separate from [`super::TargetSpec`] because an empty host means something else here: all
//! addresses of this machine, as in Go's `net.Listen`.

use super::grammar::{self, Place};
use super::host::Hosts;
use super::piece::Piece;
use super::ports::{EXPECTED_PORT, PortList};
use super::{Host, Network, ParseError, Transport, UnixPath};

const EXPECTED: &str = "an address to listen at: :8080, 127.0.0.1:0, [::1]:53 or unix:/path";

/// One place to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddr {
    /// TCP or UDP.
    Inet {
        /// The network.
        network: Network,
        /// Whose addresses; `None` is all of this machine's.
        host: Option<Host>,
        /// The port; 0 lets the kernel choose.
        port: u16,
    },
    /// A Unix socket.
    Unix {
        /// `unix` or `unixgram`.
        network: Network,
        /// Its name.
        path: UnixPath,
    },
}

impl ListenAddr {
    /// The network.
    #[must_use]
    pub fn network(&self) -> Network {
        match self {
            Self::Inet { network, .. } | Self::Unix { network, .. } => *network,
        }
    }
}

/// Reads one argument; a port list gives several places. A bare port is as `:port`; `*` is an empty
/// host.
///
/// ```
/// use netkit::addr::{Network, listen::{ListenAddr, parse}};
/// let all = parse(":8080", Network::Tcp).unwrap();
/// assert_eq!(all, [ListenAddr::Inet { network: Network::Tcp, host: None, port: 8080 }]);
/// assert_eq!(parse("8080-8081", Network::Tcp).unwrap().len(), 2);
/// ```
pub fn parse(text: &str, default: Network) -> Result<Vec<ListenAddr>, ParseError> {
    all(text, default).map_err(|error| match error.expected.as_str() {
        // What is dialled has no port 0; here the kernel chooses for it.
        EXPECTED_PORT => ParseError {
            expected: EXPECTED_PORT_OR_ANY.to_owned(),
            ..error
        },
        _ => error,
    })
}

const EXPECTED_PORT_OR_ANY: &str = "a port from 1 to 65535, or 0 for one that the kernel chooses";

fn all(text: &str, default: Network) -> Result<Vec<ListenAddr>, ParseError> {
    let whole = Piece::new(text);
    let (network, rest) = grammar::split_network(whole, default)?;
    let inet = !matches!(network.transport(), Transport::Unix | Transport::Unixgram);
    if inet && let Some(ports) = ports_of_all(rest) {
        let (ports, _) = PortList::parse(ports, network.transport())?;
        return Ok(places(network, None, &ports));
    }
    match grammar::parse_joined(whole, default)?.place {
        Place::Unix(path) => Ok(vec![ListenAddr::Unix { network, path }]),
        Place::Inet { hosts, ports, .. } => match hosts {
            Hosts::One(host) => Ok(places(network, Some(&host), &ports)),
            Hosts::Block { .. } => {
                Err(rest.error("a block of addresses cannot be listened at", EXPECTED))
            }
        },
    }
}

/// The ports, if the host is empty, `*` or left out.
fn ports_of_all(rest: Piece<'_>) -> Option<Piece<'_>> {
    let text = rest.text();
    if let Some(ports) = text.strip_prefix(':').filter(|ports| !ports.is_empty()) {
        return (!ports.contains(':')).then(|| rest.after(1));
    }
    if text.starts_with("*:") && text.len() > 2 {
        return Some(rest.after(2));
    }
    let digits = |c: char| c.is_ascii_digit() || c == ',' || c == '-';
    (text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(digits)).then_some(rest)
}

fn places(network: Network, host: Option<&Host>, ports: &PortList) -> Vec<ListenAddr> {
    let ranges = (0..).map_while(|index| ports.range(index));
    ranges
        .flatten()
        .map(|port| ListenAddr::Inet {
            network,
            host: host.cloned(),
            port,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inet(network: Network, host: Option<&str>, port: u16) -> ListenAddr {
        let host = host.map(|host| match host.parse() {
            Ok(ip) => Host::Ip { ip, zone: None },
            Err(_) => Host::Name(host.into()),
        });
        ListenAddr::Inet {
            network,
            host,
            port,
        }
    }

    #[test]
    fn every_way_to_write_a_place_is_read() {
        let rows = [
            (":80", inet(Network::Tcp, None, 80)),
            ("80", inet(Network::Tcp, None, 80)),
            ("*:80", inet(Network::Tcp, None, 80)),
            (":http", inet(Network::Tcp, None, 80)),
            ("udp://:0", inet(Network::Udp, None, 0)),
            ("tcp6://:80", inet(Network::Tcp6, None, 80)),
            ("127.0.0.1:0", inet(Network::Tcp, Some("127.0.0.1"), 0)),
            ("[::1]:53", inet(Network::Tcp, Some("::1"), 53)),
            ("localhost:80", inet(Network::Tcp, Some("localhost"), 80)),
            (
                "unixgram:@x",
                ListenAddr::Unix {
                    network: Network::Unixgram,
                    path: UnixPath::Abstract(b"x".to_vec()),
                },
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(
                parse(text, Network::Tcp).as_deref(),
                Ok(&[expected][..]),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            ":",
            "host",
            "127.0.0.1",
            "192.0.2.0/24:80",
            ":99999",
            "::1",
            "unix:",
            "http://x",
        ] {
            assert!(parse(text, Network::Tcp).is_err(), "{text}");
        }
    }
}
