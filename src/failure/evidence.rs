//! The facts behind a failure: who said it, what ICMP said, which counters moved.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Who said no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "party", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Who {
    /// The machine that was dialled.
    Peer,
    /// A router or firewall on the way, by the address it signed its ICMP message with.
    Router {
        /// The offender's address.
        addr: IpAddr,
    },
    /// A name server.
    NameServer {
        /// The server's address.
        addr: SocketAddr,
    },
    /// The kernel of this machine: routing table, neighbour discovery, permissions.
    OwnKernel,
    /// netkit's own rules (an expectation, a limit, a breaker).
    Netkit,
    /// Nobody: the deadline passed in silence.
    Nobody,
}

/// A system error number with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Errno {
    /// The number on this system.
    pub code: i32,
    /// The symbolic name, such as `ECONNREFUSED`, or `E<number>` when unknown.
    pub name: String,
}

impl Errno {
    /// Names an error number.
    #[must_use]
    pub fn from_code(code: i32) -> Self {
        let name = NAMES.iter().find(|(number, _)| *number == code);
        let name = name.map_or_else(|| format!("E{code}"), |(_, name)| (*name).to_owned());
        Self { code, name }
    }
}

/// The errors that sockets and files give on Linux.
const NAMES: &[(i32, &str)] = &[
    (libc::EPERM, "EPERM"),
    (libc::ENOENT, "ENOENT"),
    (libc::EINTR, "EINTR"),
    (libc::EIO, "EIO"),
    (libc::EBADF, "EBADF"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::EACCES, "EACCES"),
    (libc::ENODEV, "ENODEV"),
    (libc::ENOTDIR, "ENOTDIR"),
    (libc::EISDIR, "EISDIR"),
    (libc::EINVAL, "EINVAL"),
    (libc::ENFILE, "ENFILE"),
    (libc::EMFILE, "EMFILE"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::EPIPE, "EPIPE"),
    (libc::EDESTADDRREQ, "EDESTADDRREQ"),
    (libc::EMSGSIZE, "EMSGSIZE"),
    (libc::EPROTOTYPE, "EPROTOTYPE"),
    (libc::ENOPROTOOPT, "ENOPROTOOPT"),
    (libc::EPROTONOSUPPORT, "EPROTONOSUPPORT"),
    (libc::EOPNOTSUPP, "EOPNOTSUPP"),
    (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
    (libc::EADDRINUSE, "EADDRINUSE"),
    (libc::EADDRNOTAVAIL, "EADDRNOTAVAIL"),
    (libc::ENETDOWN, "ENETDOWN"),
    (libc::ENETUNREACH, "ENETUNREACH"),
    (libc::ECONNABORTED, "ECONNABORTED"),
    (libc::ECONNRESET, "ECONNRESET"),
    (libc::ENOBUFS, "ENOBUFS"),
    (libc::EISCONN, "EISCONN"),
    (libc::ENOTCONN, "ENOTCONN"),
    (libc::ETIMEDOUT, "ETIMEDOUT"),
    (libc::ECONNREFUSED, "ECONNREFUSED"),
    (libc::EHOSTDOWN, "EHOSTDOWN"),
    (libc::EHOSTUNREACH, "EHOSTUNREACH"),
    (libc::EALREADY, "EALREADY"),
    (libc::EINPROGRESS, "EINPROGRESS"),
];

/// One fact that led to a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// An ICMP message that the kernel kept for this socket (`MSG_ERRQUEUE`).
    Icmp {
        /// 4 or 6.
        version: u8,
        /// ICMP type.
        icmp_type: u8,
        /// ICMP code.
        icmp_code: u8,
        /// What type and code mean, in the words of the RFC.
        meaning: String,
        /// Who sent it.
        offender: Option<IpAddr>,
    },
    /// A RST or an immediate refusal by the peer's kernel.
    Rst,
    /// The peer closed its side.
    Fin {
        /// Bytes received before.
        after_bytes: u64,
    },
    /// SYN segments that were sent again, from `TCP_INFO`.
    SynRetransmits {
        /// How many.
        count: u32,
    },
    /// Data that the peer's kernel did not acknowledge, from `TCP_INFO`.
    Unacknowledged {
        /// Segments in flight; `null` when the kernel has given up and dropped them.
        segments: Option<u32>,
        /// Retransmissions so far.
        retransmits: u32,
    },
    /// The path takes no packet above this size.
    PathMtu {
        /// Bytes.
        mtu: u32,
    },
    /// The answer of a name server.
    Dns {
        /// The server asked.
        server: Option<SocketAddr>,
        /// The response code or what happened instead, such as `NXDOMAIN` or `no reply`.
        outcome: String,
    },
    /// A rule of the policy for names that acted.
    Policy {
        /// The name of the rule.
        rule: String,
        /// What it did: `servers`, `switch`, `prefer`, `avoid`, `drop`, `replace` or `order`.
        action: String,
        /// The particulars, in words.
        detail: String,
    },
    /// What the peer sent first, at most 64 bytes, escaped.
    FirstBytes {
        /// Printable text; every other byte as `\xNN`.
        text: String,
    },
    /// An alert of TLS that the peer sent (RFC 8446 §6).
    TlsAlert {
        /// Its number.
        code: u8,
        /// Its name, such as `handshake_failure`.
        name: String,
    },
    /// Anything else worth knowing.
    Note {
        /// One sentence.
        text: String,
    },
}
