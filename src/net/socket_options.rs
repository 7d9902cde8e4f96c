//! Numbers of the options that only listening sockets need: level and name, as `getsockopt(2)`
//! takes them.

use libc::c_int;

/// Level and name.
pub(super) type Name = (c_int, c_int);

pub(super) const REUSE_ADDR: Name = (libc::SOL_SOCKET, libc::SO_REUSEADDR);
pub(super) const REUSE_PORT: Name = (libc::SOL_SOCKET, libc::SO_REUSEPORT);
pub(super) const DEVICE: Name = (libc::SOL_SOCKET, libc::SO_BINDTODEVICE);
pub(super) const DOMAIN: Name = (libc::SOL_SOCKET, libc::SO_DOMAIN);
pub(super) const TYPE: Name = (libc::SOL_SOCKET, libc::SO_TYPE);
pub(super) const LISTENS: Name = (libc::SOL_SOCKET, libc::SO_ACCEPTCONN);
pub(super) const V6ONLY: Name = (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY);
pub(super) const FASTOPEN: Name = (libc::IPPROTO_TCP, libc::TCP_FASTOPEN);
pub(super) const PACKET_INFO: Name = (libc::IPPROTO_IP, libc::IP_PKTINFO);
pub(super) const PACKET_INFO_V6: Name = (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO);
pub(super) const SAVE_SYN: Name = (libc::IPPROTO_TCP, TCP_SAVE_SYN);
pub(super) const SAVED_SYN: Name = (libc::IPPROTO_TCP, TCP_SAVED_SYN);

/// linux/tcp.h.
const TCP_SAVE_SYN: c_int = 27;
const TCP_SAVED_SYN: c_int = 28;
