//! Port numbers and names as Go's `net.LookupPort` reads them: looser than the target grammar.

use super::Transport;
use super::class::{AddrError, Class};
use super::service::Services;

/// Which services a port name may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocols {
    Tcp,
    Udp,
    /// TCP first, then UDP.
    Either,
}

impl Protocols {
    fn of_network(network: &str) -> Option<Self> {
        match network {
            "tcp" | "tcp4" | "tcp6" => Some(Self::Tcp),
            "udp" | "udp4" | "udp6" => Some(Self::Udp),
            "ip" | "" => Some(Self::Either),
            _ => None,
        }
    }

    fn find(self, name: &str, services: &Services) -> Option<u16> {
        match self {
            Self::Tcp => services.port(name, Transport::Tcp),
            Self::Udp => services.port(name, Transport::Udp),
            Self::Either => services
                .port(name, Transport::Tcp)
                .or_else(|| services.port(name, Transport::Udp)),
        }
    }
}

/// Finds the port of a number or service name, as `net.LookupPort`: empty is 0, one sign is taken,
/// a number never checks the network. Unlike Go, a number beyond 32 bits is out of range and does
/// not wrap around.
///
/// ```
/// use netkit::addr::lookup_port;
/// assert_eq!(lookup_port("tcp", "https").unwrap(), 443);
/// assert_eq!(lookup_port("tcp", "4294967376").unwrap_err().class.code(), "invalid_port");
/// ```
pub fn lookup_port(network: &str, service: &str) -> Result<u16, AddrError> {
    lookup_port_in(network, service, Services::system)
}

/// As [`lookup_port`], with the table to look names up in; it is only asked for when a name is used.
pub fn lookup_port_in<'a>(
    network: &str,
    service: &str,
    services: impl FnOnce() -> &'a Services,
) -> Result<u16, AddrError> {
    let error = |class| AddrError::new(class, 0..service.len());
    match parse_number(service) {
        Number::Port(port) => Ok(port),
        Number::OutOfRange => Err(error(Class::InvalidPort)),
        Number::Name => Protocols::of_network(network)
            .ok_or_else(|| error(Class::UnknownNetwork))?
            .find(service, services())
            .ok_or_else(|| error(Class::UnknownPort)),
    }
}

enum Number {
    Port(u16),
    OutOfRange,
    Name,
}

/// Go's `parsePort`: whether a long number with letters behind it is a bad number or a name depends
/// on how far its 32-bit arithmetic reads, wrap-around included; only the verdict on wrapped values
/// differs here.
fn parse_number(service: &str) -> Number {
    /// From here on one more digit ends the reading.
    const CUTOFF: u32 = 1 << 30;
    let (negative, digits) = match service.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, service.strip_prefix('+').unwrap_or(service)),
    };
    let (mut value, mut overflowed) = (0u32, false);
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return Number::Name;
        }
        if value >= CUTOFF {
            return Number::OutOfRange;
        }
        let (tens, wrapped) = value.overflowing_mul(10);
        overflowed |= wrapped;
        let Some(next) = tens.checked_add(u32::from(byte - b'0')) else {
            return Number::OutOfRange;
        };
        value = next;
    }
    match u16::try_from(value) {
        Ok(port) if !overflowed && (port == 0 || !negative) => Number::Port(port),
        _ => Number::OutOfRange,
    }
}
