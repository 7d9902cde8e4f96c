//! The socket's error queue: the ICMP messages behind an error number.
//!
//! `IP_RECVERR` (ip(7)) makes the kernel keep, for this socket and without any privilege, who sent
//! which ICMP message. Separate because the parsing is pure and tables test it; what a message
//! means for a verdict is `classify`'s.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use super::sys::{self, parse_inet};

/// Messages taken off one queue at most; a flood of ICMP must not hold us up.
const MESSAGES_AT_MOST: usize = 16;
/// Room for the control messages of one entry: two of them with the longest address.
const CONTROL: usize = 256;
/// asm-generic/socket.h, `SO_SELECT_ERR_QUEUE`.
const SELECT_ERR_QUEUE: i32 = 45;
/// `struct sock_extended_err` (linux/errqueue.h), before the offender's address.
const EXTENDED_ERROR: usize = 16;

/// Who put an entry into the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Our own kernel, without ICMP.
    Local,
    /// ICMP for IPv4.
    Icmp,
    /// ICMP for IPv6.
    Icmp6,
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueuedError {
    pub(super) origin: Origin,
    pub(super) icmp_type: u8,
    pub(super) icmp_code: u8,
    /// Who signed the ICMP message.
    pub(super) offender: Option<IpAddr>,
    /// Whether the offender is an address of this machine.
    pub(super) own: bool,
}

/// Asks the kernel to keep the messages, or to stop and forget them.
///
/// On a TCP socket it belongs to the handshake only: left on, a single forged ICMP message ends an
/// established connection. Kernels or protocols without it (MPTCP) just leave no evidence.
pub(super) fn keep(fd: BorrowedFd<'_>, ip: IpAddr, on: bool) {
    let option = match ip {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_RECVERR),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVERR),
    };
    let _ = sys::set_int(fd, option, i32::from(on));
}

/// Lets a message in the queue wake a reader (socket(7), `SO_SELECT_ERR_QUEUE`).
pub(super) fn wake_reader(fd: BorrowedFd<'_>) {
    let _ = sys::set_int(fd, (libc::SOL_SOCKET, SELECT_ERR_QUEUE), 1);
}

/// Empties the queue, oldest first.
pub(super) fn drain(fd: BorrowedFd<'_>) -> Vec<QueuedError> {
    let mut entries = Vec::new();
    let mut control = [0; CONTROL];
    for _ in 0..MESSAGES_AT_MOST {
        let Ok(len) = sys::receive_error(fd, &mut control) else {
            break;
        };
        entries.extend(parse_control(&control[..len]).map(with_owner));
    }
    entries
}

fn with_owner(entry: QueuedError) -> QueuedError {
    let own = entry.offender.is_some_and(is_own);
    QueuedError { own, ..entry }
}

/// Whether an address belongs to this machine: only then a socket can be bound to it.
fn is_own(ip: IpAddr) -> bool {
    std::net::UdpSocket::bind((ip, 0)).is_ok()
}

/// Finds the extended error among control messages (cmsg(3): header, data, padding).
fn parse_control(mut bytes: &[u8]) -> Option<QueuedError> {
    const HEADER: usize = size_of::<libc::cmsghdr>();
    const LEN: usize = size_of::<usize>();
    while bytes.len() >= HEADER {
        let (len, rest) = bytes.split_first_chunk::<LEN>()?;
        let len = usize::from_ne_bytes(*len);
        let (level, rest) = rest.split_first_chunk::<4>()?;
        let kind = i32::from_ne_bytes(*rest.first_chunk::<4>()?);
        let data = bytes.get(HEADER..len)?;
        match (i32::from_ne_bytes(*level), kind) {
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                return parse_extended(data);
            }
            _ => bytes = bytes.get(len.next_multiple_of(LEN)..)?,
        }
    }
    None
}

/// Reads `struct sock_extended_err` and the offender behind it.
fn parse_extended(data: &[u8]) -> Option<QueuedError> {
    let (fixed, offender) = data.split_first_chunk::<EXTENDED_ERROR>()?;
    let origin = match fixed[4] {
        libc::SO_EE_ORIGIN_LOCAL => Origin::Local,
        libc::SO_EE_ORIGIN_ICMP => Origin::Icmp,
        libc::SO_EE_ORIGIN_ICMP6 => Origin::Icmp6,
        _ => return None,
    };
    let offender = parse_inet(offender).map(|addr| addr.ip().to_canonical());
    Some(QueuedError {
        origin,
        icmp_type: fixed[5],
        icmp_code: fixed[6],
        offender,
        own: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A control message as the kernel writes it on this machine.
    fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let len = size_of::<libc::cmsghdr>() + data.len();
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(len.next_multiple_of(size_of::<usize>()), 0);
        bytes
    }

    fn extended(origin: u8, icmp_type: u8, code: u8, offender: [u8; 4]) -> Vec<u8> {
        let mut data = libc::EHOSTUNREACH.to_ne_bytes().to_vec();
        data.extend([origin, icmp_type, code, 0]);
        data.extend([0; 8]);
        data.extend(
            libc::sa_family_t::try_from(libc::AF_INET)
                .unwrap()
                .to_ne_bytes(),
        );
        data.extend([0, 0]);
        data.extend(offender);
        data.extend([0; 8]);
        data
    }

    #[test]
    fn the_offender_is_read_behind_other_messages() {
        let data = extended(libc::SO_EE_ORIGIN_ICMP, 3, 13, [198, 51, 100, 1]);
        let mut bytes = message(libc::SOL_SOCKET, 29, &[1, 2, 3]);
        bytes.extend(message(libc::IPPROTO_IP, libc::IP_RECVERR, &data));
        let expected = QueuedError {
            origin: Origin::Icmp,
            icmp_type: 3,
            icmp_code: 13,
            offender: Some([198, 51, 100, 1].into()),
            own: false,
        };
        assert_eq!(parse_control(&bytes), Some(expected));
    }

    #[test]
    fn timestamps_and_other_origins_are_left_out() {
        let data = extended(libc::SO_EE_ORIGIN_TIMESTAMPING, 0, 0, [0; 4]);
        let bytes = message(libc::IPPROTO_IP, libc::IP_RECVERR, &data);
        assert_eq!(parse_control(&bytes), None);
    }

    #[test]
    fn only_addresses_of_this_machine_are_own() {
        assert!(is_own([127, 0, 0, 1].into()));
        assert!(!is_own([192, 0, 2, 1].into()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_control(&bytes);
        }
    }
}
