//! Socket addresses as the kernel lays them out.
//!
//! Built and read byte by byte, so that no pointer cast is needed outside the calls themselves.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;

use crate::addr::UnixPath;

/// Room for every address family (`sizeof(struct sockaddr_storage)`).
const CAPACITY: usize = size_of::<libc::sockaddr_storage>();
/// Bytes of the family, which every address begins with.
const FAMILY: usize = size_of::<libc::sa_family_t>();
/// The longest name of a Unix socket (unix(7)): `sun_path`.
const UNIX_NAME: usize = size_of::<libc::sockaddr_un>() - FAMILY;

/// An address in the kernel's layout, aligned as the kernel's own type.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(in crate::net) struct RawAddr {
    pub(super) bytes: [u8; CAPACITY],
    pub(super) len: libc::socklen_t,
}

impl RawAddr {
    /// Room for an address that a call will write.
    pub(super) fn empty() -> Self {
        let len = libc::socklen_t::try_from(CAPACITY).unwrap_or(libc::socklen_t::MAX);
        Self {
            bytes: [0; CAPACITY],
            len,
        }
    }

    fn of_family(family: libc::c_int) -> Self {
        let mut raw = Self {
            bytes: [0; CAPACITY],
            len: 0,
        };
        let family = libc::sa_family_t::try_from(family).unwrap_or_default();
        raw.push(&family.to_ne_bytes());
        raw
    }

    fn push(&mut self, part: &[u8]) {
        let start = self.len as usize;
        self.bytes[start..start + part.len()].copy_from_slice(part);
        self.len += libc::socklen_t::try_from(part.len()).unwrap_or_default();
    }

    /// The family alone: `bind` then chooses an abstract name (unix(7), "Autobind feature").
    pub(in crate::net) fn unix_autobind() -> Self {
        Self::of_family(libc::AF_UNIX)
    }

    /// The name of a Unix socket; `None` if it is too long or holds a zero byte.
    pub(in crate::net) fn unix(path: &UnixPath) -> Option<Self> {
        let mut raw = Self::of_family(libc::AF_UNIX);
        let (lead, name): (&[u8], &[u8]) = match path {
            UnixPath::File(path) => (&[], path.as_os_str().as_bytes()),
            UnixPath::Abstract(name) => (&[0], name),
        };
        let is_file = lead.is_empty();
        if lead.len() + name.len() > UNIX_NAME
            || (is_file && (name.is_empty() || name.contains(&0)))
        {
            return None;
        }
        raw.push(lead);
        raw.push(name);
        if is_file && name.len() < UNIX_NAME {
            raw.push(&[0]);
        }
        Some(raw)
    }

    fn written(&self) -> &[u8] {
        &self.bytes[..(self.len as usize).min(CAPACITY)]
    }

    /// Reads an Internet address.
    pub(in crate::net) fn inet(&self) -> Option<SocketAddr> {
        parse_inet(self.written())
    }

    /// Reads the name of a Unix socket; `None` when it has none.
    pub(in crate::net) fn unix_name(&self) -> Option<UnixPath> {
        let (family, name) = self.written().split_first_chunk::<FAMILY>()?;
        if libc::c_int::from(libc::sa_family_t::from_ne_bytes(*family)) != libc::AF_UNIX {
            return None;
        }
        match name.split_first()? {
            (0, []) => None,
            (0, rest) => Some(UnixPath::Abstract(rest.to_vec())),
            _ => {
                let end = name
                    .iter()
                    .position(|&byte| byte == 0)
                    .unwrap_or(name.len());
                Some(UnixPath::File(
                    std::ffi::OsStr::from_bytes(&name[..end]).into(),
                ))
            }
        }
    }
}

impl From<SocketAddr> for RawAddr {
    fn from(addr: SocketAddr) -> Self {
        match addr {
            SocketAddr::V4(v4) => {
                let mut raw = Self::of_family(libc::AF_INET);
                raw.push(&v4.port().to_be_bytes());
                raw.push(&v4.ip().octets());
                raw.push(&[0; 8]);
                raw
            }
            SocketAddr::V6(v6) => {
                let mut raw = Self::of_family(libc::AF_INET6);
                raw.push(&v6.port().to_be_bytes());
                raw.push(&v6.flowinfo().to_be_bytes());
                raw.push(&v6.ip().octets());
                raw.push(&v6.scope_id().to_ne_bytes());
                raw
            }
        }
    }
}

/// Reads `sockaddr_in` or `sockaddr_in6` from bytes; also those inside a control message.
pub(in crate::net) fn parse_inet(bytes: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = bytes.split_first_chunk::<FAMILY>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let port = u16::from_be_bytes(*port);
    match libc::c_int::from(libc::sa_family_t::from_ne_bytes(*family)) {
        libc::AF_INET => {
            let ip = Ipv4Addr::from(*rest.first_chunk::<4>()?);
            Some(SocketAddrV4::new(ip, port).into())
        }
        libc::AF_INET6 => {
            let (flow, rest) = rest.split_first_chunk::<4>()?;
            let (ip, rest) = rest.split_first_chunk::<16>()?;
            let scope = u32::from_ne_bytes(*rest.first_chunk::<4>()?);
            let ip = Ipv6Addr::from(*ip);
            Some(SocketAddrV6::new(ip, port, u32::from_be_bytes(*flow), scope).into())
        }
        _ => None,
    }
}

impl std::fmt::Debug for RawAddr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.inet(), self.unix_name()) {
            (Some(addr), _) => write!(f, "{addr}"),
            (_, Some(path)) => write!(f, "{path}"),
            _ => f.write_str("unnamed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internet_addresses_survive_the_round_trip() {
        let scoped = SocketAddrV6::new("fe80::1".parse().unwrap(), 53, 7, 3);
        let addrs = [
            "192.0.2.1:80".parse().unwrap(),
            "[2001:db8::1]:443".parse().unwrap(),
        ];
        for addr in addrs.into_iter().chain([SocketAddr::V6(scoped)]) {
            assert_eq!(RawAddr::from(addr).inet(), Some(addr));
        }
    }

    #[test]
    fn unix_names_survive_the_round_trip_and_too_long_ones_are_refused() {
        for path in [
            UnixPath::File("/run/x.sock".into()),
            UnixPath::Abstract(b"a\0b".to_vec()),
        ] {
            assert_eq!(
                RawAddr::unix(&path).and_then(|raw| raw.unix_name()),
                Some(path)
            );
        }
        let longest = UnixPath::File("x".repeat(UNIX_NAME).into());
        assert_eq!(
            RawAddr::unix(&longest).and_then(|raw| raw.unix_name()),
            Some(longest)
        );
        assert!(RawAddr::unix(&UnixPath::File("x".repeat(UNIX_NAME + 1).into())).is_none());
        assert!(RawAddr::unix(&UnixPath::Abstract(vec![b'x'; UNIX_NAME])).is_none());
        assert!(RawAddr::unix(&UnixPath::File("".into())).is_none());
    }

    #[test]
    fn half_an_address_is_none() {
        let full = RawAddr::from(SocketAddr::from(([192, 0, 2, 1], 80)));
        for len in 0..8 {
            assert_eq!(parse_inet(&full.bytes[..len]), None);
        }
    }
}
