//! Targets as typed: one text may mean many (port lists, ranges, CIDR blocks).
//!
//! A spec is parsed once and expanded lazily, so that a /8 costs nothing until it is dialled.

use std::iter::FusedIterator;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::grammar::{self, Parsed, Place};
use super::host::Hosts;
use super::piece::Piece;
use super::ports::PortList;
use super::prefix::from_bits;
use super::{Endpoint, Family, Host, Network, ParseError, Target, UnixPath};

/// What one argument means: a network, hosts (a name, a literal or a block) and ports.
///
/// Cheap to clone, whatever it expands to. An empty host (`:80`) is this machine, as Go dials it:
/// 127.0.0.1, or `::1` on `tcp6` and `udp6`. A block means all of its addresses, whether or not the
/// text has host bits set. Names keep their text; one in a script other than ASCII is for the
/// resolver to convert.
///
/// ```
/// use netkit::addr::TargetSpec;
/// let spec: TargetSpec = "192.0.2.0/31:22,8000-8001".parse().unwrap();
/// let targets: Vec<String> = spec.targets().map(|target| target.to_string()).collect();
/// assert_eq!(spec.len(), 6);
/// assert_eq!(targets[..4], ["192.0.2.0:22", "192.0.2.0:8000", "192.0.2.0:8001", "192.0.2.1:22"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSpec {
    network: Network,
    tls: bool,
    form: Form,
    /// The error that port 0 is to a dialler.
    zero: Option<Box<ParseError>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Inet { hosts: Hosts, ports: PortList },
    Unix(UnixPath),
}

impl TargetSpec {
    /// Parses a text such as `host:port`; `default` is the network when the text names none.
    pub fn parse(text: &str, default: Network) -> Result<Self, ParseError> {
        grammar::parse_joined(Piece::new(text), default).map(Self::from)
    }

    /// Parses a host and its port list given apart: `example.com`, `22,80`. IPv6 needs no brackets
    /// here.
    pub fn parse_pair(host: &str, ports: &str, default: Network) -> Result<Self, ParseError> {
        grammar::parse_pair(Piece::new(host), Piece::new(ports), default).map(Self::from)
    }

    /// The network of all its targets.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network
    }

    /// Whether it asks for TLS (`tls://`).
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Says no if one of the ports is 0, which can be listened on but not dialled.
    pub fn check_dialable(&self) -> Result<(), ParseError> {
        match &self.zero {
            Some(error) => Err(ParseError::clone(error)),
            None => Ok(()),
        }
    }

    /// How many targets it expands to; [`u128::MAX`] if more than that (`::/0`).
    #[must_use]
    pub fn len(&self) -> u128 {
        match &self.form {
            Form::Unix(_) => 1,
            Form::Inet { hosts, ports } => {
                let hosts = match hosts {
                    Hosts::One(_) => 1,
                    Hosts::Block { first, last, .. } => (last - first).saturating_add(1),
                };
                hosts.saturating_mul(u128::from(ports.len()))
            }
        }
    }

    /// Whether it expands to nothing. Never true for a parsed spec.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The targets, address by address, and within an address port by port.
    pub fn targets(&self) -> impl Iterator<Item = Target> + Clone + Send + use<> {
        Targets::new(self)
    }
}

impl FromStr for TargetSpec {
    type Err = ParseError;

    /// Parses with TCP as the default network.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, Network::Tcp)
    }
}

impl From<Parsed> for TargetSpec {
    fn from(parsed: Parsed) -> Self {
        let Parsed {
            network,
            tls,
            place,
        } = parsed;
        let (form, zero) = match place {
            Place::Unix(path) => (Form::Unix(path), None),
            Place::Inet { hosts, ports, zero } => (Form::Inet { hosts, ports }, zero),
        };
        let zero = zero.map(Box::new);
        Self {
            network,
            tls,
            form,
            zero,
        }
    }
}

/// The expansion of a spec.
#[derive(Clone, Debug)]
struct Targets {
    network: Network,
    tls: bool,
    hosts: HostCursor,
    /// The host whose ports are being handed out.
    host: Option<Host>,
    ports: PortCursor,
    unix: Option<UnixPath>,
}

impl Targets {
    fn new(spec: &TargetSpec) -> Self {
        let (hosts, ports, unix) = match &spec.form {
            Form::Unix(path) => (HostCursor::Done, None, Some(path.clone())),
            Form::Inet { hosts, ports } => (hosts.into(), Some(ports.clone()), None),
        };
        let (mut hosts, ports) = (hosts, PortCursor::new(ports));
        Self {
            network: spec.network,
            tls: spec.tls,
            host: hosts.next(),
            hosts,
            ports,
            unix,
        }
    }

    fn next_inet(&mut self) -> Option<Target> {
        let port = if let Some(port) = self.ports.next() {
            port
        } else {
            self.host = Some(self.hosts.next()?);
            self.ports.rewind();
            self.ports.next()?
        };
        let target = Target::inet(self.network, self.host.clone()?, port);
        Some(Target {
            tls: self.tls,
            ..target
        })
    }
}

impl Iterator for Targets {
    type Item = Target;

    fn next(&mut self) -> Option<Target> {
        match self.unix.take() {
            Some(path) => Some(Target {
                network: self.network,
                endpoint: Endpoint::Unix(path),
                tls: false,
            }),
            None => self.next_inet(),
        }
    }
}

impl FusedIterator for Targets {}

/// The hosts still to come.
#[derive(Clone, Debug)]
enum HostCursor {
    One(Host),
    Block {
        family: Family,
        rest: RangeInclusive<u128>,
    },
    Done,
}

impl From<&Hosts> for HostCursor {
    fn from(hosts: &Hosts) -> Self {
        match *hosts {
            Hosts::One(ref host) => Self::One(host.clone()),
            Hosts::Block {
                family,
                first,
                last,
            } => Self::Block {
                family,
                rest: first..=last,
            },
        }
    }
}

impl Iterator for HostCursor {
    type Item = Host;

    fn next(&mut self) -> Option<Host> {
        match self {
            Self::Done => None,
            Self::Block { family, rest } => {
                rest.next().map(|value| from_bits(*family, value).into())
            }
            Self::One(_) => match std::mem::replace(self, Self::Done) {
                Self::One(host) => Some(host),
                _ => None,
            },
        }
    }
}

/// The ports still to come of one host.
#[derive(Clone, Debug)]
struct PortCursor {
    list: Option<PortList>,
    index: usize,
    range: Option<RangeInclusive<u16>>,
}

impl PortCursor {
    fn new(list: Option<PortList>) -> Self {
        let mut cursor = Self {
            list,
            index: 0,
            range: None,
        };
        cursor.rewind();
        cursor
    }

    fn rewind(&mut self) {
        self.index = 0;
        self.range = self.list.as_ref().and_then(|list| list.range(0));
    }

    fn next(&mut self) -> Option<u16> {
        loop {
            if let Some(port) = self.range.as_mut()?.next() {
                return Some(port);
            }
            self.index += 1;
            self.range = self.list.as_ref()?.range(self.index);
        }
    }
}
