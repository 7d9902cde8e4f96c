//! Sockets that wait for others: bound as asked, with what the kernel granted.
//!
//! Separate from serving, which needs only the [`Listener`]: here the address is chosen, the
//! options are set, and every refusal is explained (who holds the port, what a privileged port
//! needs). The semantics of addresses are those of Go's `net.Listen`.

mod holder;
mod inherited;
mod mailbox;
mod refusal;
mod unix;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::inherited::inherited;
pub use self::mailbox::{Mailbox, Sender};
pub use self::refusal::refusal;
use self::refusal::refused;
pub use self::unix::Removal;
use super::socket_options as names;
use super::sys::{self, RawAddr};
use super::{Keepalive, sockopt};
use crate::addr::{Family, Network, Transport, UnixPath};
use crate::failure::{Failure, Kind, Stage, Who};

/// What a listening socket is asked to be. The defaults are those of Go's `net.ListenConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct ListenOptions {
    /// Network interface to accept from (`SO_BINDTODEVICE`).
    pub interface: Option<String>,
    /// Lets other sockets bind the same port; the kernel shares connections out (`SO_REUSEPORT`).
    pub reuse_port: bool,
    /// Connections that may wait to be accepted. `None` is the kernel's maximum.
    pub backlog: Option<u32>,
    /// Keepalive probes of accepted connections. Default: on, as in Go.
    pub keepalive: Keepalive,
    /// How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`, RFC 5482).
    pub user_timeout: Option<Duration>,
    /// Takes data in the SYN (`TCP_FASTOPEN`, RFC 7413).
    pub fastopen: bool,
    /// Multipath TCP (RFC 8684); peers without it fall back to TCP.
    pub mptcp: bool,
    /// Keeps the SYN of each connection (`TCP_SAVE_SYN`), for [`super::serve`] to read.
    pub save_syn: bool,
}

impl ListenOptions {
    /// What of them a socket of this network has: one command line may name several networks, and
    /// must say no only where none of them has an option.
    #[must_use]
    pub fn fitting(&self, network: Network) -> Self {
        let tcp = network.transport() == Transport::Tcp;
        let inet = tcp || network.transport() == Transport::Udp;
        Self {
            interface: self.interface.clone().filter(|_| inet),
            reuse_port: self.reuse_port && inet,
            backlog: self.backlog.filter(|_| !network.transport().is_datagram()),
            keepalive: self.keepalive,
            user_timeout: self.user_timeout.filter(|_| tcp),
            fastopen: self.fastopen && tcp,
            mptcp: self.mptcp && tcp,
            save_syn: self.save_syn && tcp,
        }
    }
}

/// Where to listen. Names are already addresses, zones scope ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindAddr {
    /// TCP or UDP.
    Inet {
        /// The network as asked for: it decides which families an unspecified address means.
        network: Network,
        /// The address; `None` is all of this machine's.
        ip: Option<IpAddr>,
        /// Scope id of a link-local IPv6 address, else 0.
        scope: u32,
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

/// What a listening socket turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListenFacts {
    /// The address, joined: `127.0.0.1:8080`, `[::]:8080`, `unix:/run/x.sock`.
    pub local: String,
    /// The network.
    pub network: Network,
    /// The address without the port; `null` for a Unix socket.
    pub ip: Option<IpAddr>,
    /// The port, chosen by the kernel where 0 was asked; `null` for a Unix socket.
    pub port: Option<u16>,
    /// The path of a Unix socket; `null` otherwise.
    pub path: Option<String>,
    /// Whether one socket serves IPv4 and IPv6.
    pub both_families: bool,
    /// Connections that may wait to be accepted, as granted; `null` for datagrams, or if unknown.
    pub backlog: Option<u32>,
    /// Whether it was opened by the service manager (`LISTEN_FDS`).
    pub inherited: bool,
    /// What is worth knowing: an option that will have no effect, a smaller backlog than asked.
    pub warnings: Vec<String>,
}

/// A socket that is bound and, unless it is for datagrams, listens.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    facts: ListenFacts,
    removal: Option<Removal>,
}

impl Listener {
    /// What it turned out to be.
    #[must_use]
    pub fn facts(&self) -> &ListenFacts {
        &self.facts
    }

    /// What carries the bytes.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.facts.network.transport()
    }
}

impl Listener {
    /// What removes its file, for who may have to end without dropping it; `None` if it has none of its
    /// own. The file goes with the first of the two that is dropped.
    #[must_use]
    pub fn removal(&self) -> Option<Removal> {
        self.removal.clone()
    }

    /// Its socket for datagrams, for the runtime to wait on. Errs when the runtime cannot watch it.
    pub fn into_mailbox(self) -> std::io::Result<Mailbox> {
        match self.transport() {
            Transport::Unixgram => Mailbox::unix(self.fd.into(), self.removal),
            _ => Mailbox::udp(self.fd.into()),
        }
    }

    /// Its socket, for who accepts connections without a server, and what removes its file once that is
    /// dropped; `None` if it is no Unix socket for connections. It does not block.
    #[must_use]
    pub fn into_unix(self) -> Option<(UnixListener, Option<Removal>)> {
        let is_unix = self.transport() == Transport::Unix;
        is_unix.then(|| (self.fd.into(), self.removal))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Binds and listens.
///
/// As in Go, an unspecified address on `tcp` or `udp` means all addresses of both families, on one
/// socket where the system allows it. A Unix socket's stale file is replaced only after trying that
/// nobody listens there; it is removed when the [`Listener`] is dropped.
///
/// Errs with a [`Failure`] of stage `local` that says what to do.
///
/// ```
/// use netkit::{addr::Network, net::listen::{BindAddr, ListenOptions, bind}};
/// let addr = BindAddr::Inet {
///     network: Network::Tcp, ip: Some([127, 0, 0, 1].into()), scope: 0, port: 0,
/// };
/// let listener = bind(&addr, &ListenOptions::default()).unwrap();
/// assert_ne!(listener.facts().port, Some(0));
/// ```
pub fn bind(addr: &BindAddr, options: &ListenOptions) -> Result<Listener, Failure> {
    only_fitting(addr, options)?;
    match addr {
        BindAddr::Unix { network, path } => unix::bind(*network, path, options),
        BindAddr::Inet {
            network,
            ip,
            scope,
            port,
        } => inet(*network, *ip, *scope, *port, options),
    }
}

/// Go's `favoriteAddrFamily`: an unspecified address means both families where the network allows.
fn inet(
    network: Network,
    ip: Option<IpAddr>,
    scope: u32,
    port: u16,
    options: &ListenOptions,
) -> Result<Listener, Failure> {
    let wildcard = ip.is_none_or(|ip| ip.is_unspecified());
    let any_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let any_v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    match (network.family(), ip) {
        (Some(Family::Ipv4), _) if wildcard => open(network, any_v4, false, options),
        (Some(Family::Ipv6), _) if wildcard => open(network, any_v6, false, options),
        (None, _) if wildcard => match open(network, any_v6, true, options) {
            Err(failure) if no_ipv6(&failure) => open(network, any_v4, false, options),
            result => result,
        },
        (_, Some(IpAddr::V6(ip))) => {
            let addr = SocketAddrV6::new(ip, port, 0, scope);
            open(network, addr.into(), false, options)
        }
        (_, ip) => {
            let ip = ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            open(network, SocketAddr::new(ip, port), false, options)
        }
    }
}

/// Whether this machine has no IPv6, so that IPv4 alone is "all addresses".
fn no_ipv6(failure: &Failure) -> bool {
    let code = failure.errno.as_ref().map(|errno| errno.code);
    matches!(code, Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

fn open(
    network: Network,
    addr: SocketAddr,
    both: bool,
    options: &ListenOptions,
) -> Result<Listener, Failure> {
    let datagram = network.transport().is_datagram();
    let kind = if datagram {
        libc::SOCK_DGRAM
    } else {
        libc::SOCK_STREAM
    };
    let (domain, protocol) = (
        if addr.is_ipv4() {
            libc::AF_INET
        } else {
            libc::AF_INET6
        },
        if options.mptcp {
            libc::IPPROTO_MPTCP
        } else {
            0
        },
    );
    let asked = format!("{network}://{}", super::addr::display_socket_addr(addr));
    let socket = sys::socket(domain, kind, protocol);
    let fd = socket.map_err(|error| refusal::no_socket(&asked, options.mptcp, &error))?;
    before_bind(fd.as_fd(), addr, both, datagram, options)?;
    let bound = sys::bind(fd.as_fd(), &RawAddr::from(addr));
    bound.map_err(|error| refused(&asked, network.transport(), addr, &error))?;
    let mut warnings = Vec::new();
    if !datagram {
        start(fd.as_fd(), options, &mut warnings)
            .map_err(|error| refused(&asked, network.transport(), addr, &error))?;
    }
    let local = sys::local_addr(fd.as_fd()).ok().and_then(|raw| raw.inet());
    let local = local.unwrap_or(addr);
    let facts = ListenFacts {
        local: super::addr::display_socket_addr(local),
        network,
        ip: Some(local.ip()),
        port: Some(local.port()),
        path: None,
        both_families: both,
        backlog: if datagram {
            None
        } else {
            backlog(fd.as_fd(), options)
        },
        inherited: false,
        warnings,
    };
    Ok(Listener {
        fd,
        facts,
        removal: None,
    })
}

fn before_bind(
    fd: BorrowedFd<'_>,
    addr: SocketAddr,
    both: bool,
    datagram: bool,
    options: &ListenOptions,
) -> Result<(), Failure> {
    let set = |name: names::Name, symbol, flag| {
        sys::enable(fd, name).map_err(|error| sockopt::refused_option(flag, symbol, &error))
    };
    if addr.is_ipv6() {
        let only = i32::from(!both);
        // A system without the option serves one family anyway.
        let _ = sys::set_int(fd, names::V6ONLY, only);
    }
    if options.reuse_port {
        set(names::REUSE_PORT, "SO_REUSEPORT", "--reuse-port")?;
    }
    if let Some(interface) = &options.interface {
        let result = sys::set_bytes(fd, names::DEVICE, interface.as_bytes());
        let asked = format!("--interface {interface}");
        result.map_err(|error| sockopt::refused_option(&asked, "SO_BINDTODEVICE", &error))?;
    }
    if datagram {
        if addr.ip().is_unspecified() {
            // An answer must leave from the address that was asked.
            let _ = sys::enable(fd, names::PACKET_INFO);
            let _ = sys::enable(fd, names::PACKET_INFO_V6);
        }
        return Ok(());
    }
    // Connections of the last run in TIME_WAIT must not block the port.
    set(names::REUSE_ADDR, "SO_REUSEADDR", "listen")?;
    sockopt::for_accepted(fd, options).map_err(|mut failure| {
        if options.mptcp {
            failure.message += " (a socket of --mptcp may lack it)";
        }
        failure
    })
}

/// Starts to listen.
fn start(
    fd: BorrowedFd<'_>,
    options: &ListenOptions,
    warnings: &mut Vec<String>,
) -> std::io::Result<()> {
    if options.fastopen {
        sys::set_int(fd, names::FASTOPEN, FASTOPEN_QUEUE)?;
        if !fastopen_allowed() {
            let text = "--fastopen has no effect: net.ipv4.tcp_fastopen lacks the server bit (2)";
            warnings.push(text.to_owned());
        }
    }
    let asked = options.backlog.map_or(i32::MAX, |backlog| {
        i32::try_from(backlog).unwrap_or(i32::MAX)
    });
    sys::listen(fd, asked)?;
    if let (Some(asked), Some(granted)) = (options.backlog, backlog(fd, options))
        && granted < asked
    {
        warnings.push(format!(
            "--backlog {asked}: the kernel granted {granted} (net.core.somaxconn)"
        ));
    }
    Ok(())
}

/// SYNs with data whose handshake may be under way at once.
const FASTOPEN_QUEUE: i32 = 1_024;

fn fastopen_allowed() -> bool {
    let bits = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_fastopen");
    let bits = bits.ok().and_then(|text| text.trim().parse::<u32>().ok());
    bits.is_none_or(|bits| bits & 2 != 0)
}

/// Where `TCP_INFO` of a listening socket has the length of its queue (`tcpi_sacked`).
const QUEUE_LIMIT: usize = 28;

/// The granted backlog: read from the socket, or else worked out from the system's limit.
fn backlog(fd: BorrowedFd<'_>, options: &ListenOptions) -> Option<u32> {
    let mut info = [0; 256];
    let read = sys::get_bytes(fd, (libc::IPPROTO_TCP, libc::TCP_INFO), &mut info).ok();
    let told = read
        .filter(|&len| len > QUEUE_LIMIT + 4)
        .and_then(|_| Some(u32::from_ne_bytes(*info.get(QUEUE_LIMIT..)?.first_chunk()?)))
        .filter(|&limit| limit > 0);
    told.or_else(|| {
        let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok()?;
        let limit: u32 = limit.trim().parse().ok()?;
        Some(options.backlog.map_or(limit, |asked| asked.min(limit)))
    })
}

/// Refuses what this kind of socket does not have, so that no flag is accepted and ignored.
fn only_fitting(addr: &BindAddr, options: &ListenOptions) -> Result<(), Failure> {
    let (network, inet) = match addr {
        BindAddr::Inet { network, .. } => (*network, true),
        BindAddr::Unix { network, .. } => (*network, false),
    };
    let tcp = inet && network.transport() == Transport::Tcp;
    let stream = !network.transport().is_datagram();
    let rows = [
        (inet, options.interface.is_some(), "--interface"),
        (inet, options.reuse_port, "--reuse-port"),
        (stream, options.backlog.is_some(), "--backlog"),
        (tcp, options.user_timeout.is_some(), "--user-timeout"),
        (tcp, options.fastopen, "--fastopen"),
        (tcp, options.mptcp, "--mptcp"),
        (tcp, options.save_syn, "--syn"),
    ];
    match rows.into_iter().find(|(fits, asked, _)| *asked && !fits) {
        Some((_, _, flag)) => {
            let message = format!("{flag}: a {network} socket has no such option");
            Err(Failure::new(Stage::Local, Kind::Unsupported, message).by(Who::OwnKernel))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
