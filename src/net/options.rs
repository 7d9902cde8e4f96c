//! What a socket is asked to be. Pure values; `sockopt` applies them and reads them back.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// TCP keepalive as asked for. The defaults are those of Go's `net.Dialer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Whether probes are sent at all. Default: yes.
    pub enabled: bool,
    /// Idle time before the first probe; whole seconds, at least 1 s. Default 15 s.
    pub idle: Duration,
    /// Time between probes; whole seconds, at least 1 s. Default 15 s.
    pub interval: Duration,
    /// Unanswered probes until the connection is given up, 1 to 127. Default 9.
    pub count: u32,
}

impl Default for Keepalive {
    fn default() -> Self {
        let (idle, interval) = (Duration::from_secs(15), Duration::from_secs(15));
        Self {
            enabled: true,
            idle,
            interval,
            count: 9,
        }
    }
}

/// How a connection is ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Close {
    /// FIN: kind to servers that log resets. The default.
    #[default]
    Fin,
    /// RST (`SO_LINGER` 0): leaves no `TIME_WAIT` behind.
    Rst,
}

/// The local end of an outgoing socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalAddr {
    /// The source address.
    pub ip: IpAddr,
    /// The source port; 0 lets the kernel choose.
    pub port: u16,
}

/// Everything that can be asked of an outgoing socket. `None` leaves the system's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// Source address and port (`bind`).
    pub local_addr: Option<LocalAddr>,
    /// Network interface (`SO_BINDTODEVICE`).
    pub interface: Option<String>,
    /// Firewall mark (`SO_MARK`); needs `CAP_NET_ADMIN`.
    pub mark: Option<u32>,
    /// Type-of-service byte or traffic class (`IP_TOS`, `IPV6_TCLASS`): DSCP shifted left by two.
    pub tos: Option<u8>,
    /// Time to live or hop limit (`IP_TTL`, `IPV6_UNICAST_HOPS`), 1 to 255.
    pub ttl: Option<u8>,
    /// Maximum segment size announced (`TCP_MAXSEG`), bytes.
    pub mss: Option<u16>,
    /// Congestion control algorithm (`TCP_CONGESTION`).
    pub congestion: Option<String>,
    /// Disables Nagle's algorithm (`TCP_NODELAY`). `None` means on, as in Go.
    pub nodelay: Option<bool>,
    /// Data in the SYN where the server allows it (`TCP_FASTOPEN_CONNECT`, RFC 7413).
    pub fastopen: bool,
    /// Multipath TCP (RFC 8684), falling back to TCP where the peer does not speak it.
    pub mptcp: bool,
    /// Keepalive probes.
    pub keepalive: Keepalive,
    /// How long data may stay unacknowledged (`TCP_USER_TIMEOUT`, RFC 5482), milliseconds precision.
    pub user_timeout: Option<Duration>,
    /// How the connection is ended.
    pub close: Close,
}
