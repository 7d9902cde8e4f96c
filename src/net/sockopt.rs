//! Applying [`SocketOptions`] to a socket, and reading back what the kernel made of them.
//!
//! One table ([`settings`]) serves both directions, so that nothing can be asked for and not
//! reported. A refusal names the flag, the option and what it needs.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use libc::c_int;

use super::classify::{self, describe};
use super::facts::KeepaliveValues;
use super::sys::{self, RawAddr};
use super::{Close, Keepalive, KeepaliveFacts, LocalAddr, OptionFact, PeerAddr, SocketOptions};
use crate::failure::{Failure, Kind, Stage, Who};
use crate::time::Millis;

/// Level and name, as `getsockopt(2)` takes them.
type Name = (c_int, c_int);

const REUSE_ADDR: Name = (libc::SOL_SOCKET, libc::SO_REUSEADDR);
const KEEPALIVE: Name = (libc::SOL_SOCKET, libc::SO_KEEPALIVE);
const LINGER: Name = (libc::SOL_SOCKET, libc::SO_LINGER);
const DEVICE: Name = (libc::SOL_SOCKET, libc::SO_BINDTODEVICE);
const MARK: Name = (libc::SOL_SOCKET, libc::SO_MARK);
const NODELAY: Name = (libc::IPPROTO_TCP, libc::TCP_NODELAY);
const KEEPIDLE: Name = (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE);
const KEEPINTVL: Name = (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL);
const KEEPCNT: Name = (libc::IPPROTO_TCP, libc::TCP_KEEPCNT);
const USER_TIMEOUT: Name = (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT);
const FASTOPEN_CONNECT: Name = (libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT);
const MAXSEG: Name = (libc::IPPROTO_TCP, libc::TCP_MAXSEG);
const CONGESTION: Name = (libc::IPPROTO_TCP, libc::TCP_CONGESTION);
const BIND_NO_PORT: Name = (libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT);
/// linux/socket.h and linux/mptcp.h.
const MPTCP_INFO: Name = (284, 1);

/// Room for the longest option that is text: an interface's or an algorithm's name.
const TEXT: usize = 64;

/// One option that was asked for.
struct Setting {
    /// The flag without dashes.
    flag: &'static str,
    requested: String,
    /// The option's name in the manual pages.
    symbol: &'static str,
    name: Name,
    value: Value,
}

enum Value {
    Int(c_int),
    Text(Vec<u8>),
}

impl Setting {
    fn int(
        flag: &'static str,
        (symbol, name): (&'static str, Name),
        value: impl Into<u32>,
    ) -> Self {
        let value = value.into();
        // SO_MARK takes 32 bits in an int: the pattern counts, not the sign.
        let (requested, value) = (value.to_string(), Value::Int(value.cast_signed()));
        Self {
            flag,
            requested,
            symbol,
            name,
            value,
        }
    }

    fn text(flag: &'static str, (symbol, name): (&'static str, Name), value: &str) -> Self {
        let (requested, value) = (value.to_owned(), Value::Text(value.as_bytes().to_vec()));
        Self {
            flag,
            requested,
            symbol,
            name,
            value,
        }
    }

    fn apply(&self, fd: BorrowedFd<'_>) -> Result<(), Failure> {
        let result = match &self.value {
            Value::Int(value) => sys::set_int(fd, self.name, *value),
            Value::Text(text) => sys::set_bytes(fd, self.name, text),
        };
        let asked = format_args!("--{} {}", self.flag, self.requested);
        result.map_err(|error| refused(asked, self.symbol, &error))
    }

    fn fact(&self, fd: BorrowedFd<'_>) -> OptionFact {
        OptionFact {
            name: self.flag.to_owned(),
            requested: self.requested.clone(),
            accepted: match self.value {
                Value::Int(_) => sys::get_int(fd, self.name)
                    .ok()
                    .map(|value| self.show(value)),
                Value::Text(_) => read_text(fd, self.name),
            },
        }
    }

    fn show(&self, value: c_int) -> String {
        if self.name == MARK {
            value.cast_unsigned().to_string()
        } else {
            value.to_string()
        }
    }
}

fn read_text(fd: BorrowedFd<'_>, name: Name) -> Option<String> {
    let mut buffer = [0; TEXT];
    let len = sys::get_bytes(fd, name, &mut buffer).ok()?;
    let text = buffer[..len].split(|&byte| byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// What has to be set before the first packet.
fn settings(ip: IpAddr, asked: &SocketOptions) -> Vec<Setting> {
    let (tos, ttl): ((_, Name), (_, Name)) = match ip {
        IpAddr::V4(_) => (
            ("IP_TOS", (libc::IPPROTO_IP, libc::IP_TOS)),
            ("IP_TTL", (libc::IPPROTO_IP, libc::IP_TTL)),
        ),
        IpAddr::V6(_) => (
            ("IPV6_TCLASS", (libc::IPPROTO_IPV6, libc::IPV6_TCLASS)),
            (
                "IPV6_UNICAST_HOPS",
                (libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS),
            ),
        ),
    };
    let interface = asked.interface.as_deref();
    let congestion = asked.congestion.as_deref();
    let list = [
        interface.map(|name| Setting::text("interface", ("SO_BINDTODEVICE", DEVICE), name)),
        asked
            .mark
            .map(|mark| Setting::int("mark", ("SO_MARK", MARK), mark)),
        asked.tos.map(|value| Setting::int("tos", tos, value)),
        asked.ttl.map(|value| Setting::int("ttl", ttl, value)),
        asked
            .mss
            .map(|bytes| Setting::int("mss", ("TCP_MAXSEG", MAXSEG), bytes)),
        congestion.map(|name| Setting::text("congestion", ("TCP_CONGESTION", CONGESTION), name)),
    ];
    list.into_iter().flatten().collect()
}

/// Sets everything that shapes the handshake, and the source address.
pub(super) fn before_connect(
    fd: BorrowedFd<'_>,
    peer: &PeerAddr,
    to: SocketAddr,
    asked: &SocketOptions,
) -> Result<(), Failure> {
    for setting in settings(to.ip(), asked) {
        setting.apply(fd)?;
    }
    if let Some(limit) = asked.user_timeout {
        let millis = c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX);
        set(
            fd,
            USER_TIMEOUT,
            millis,
            "TCP_USER_TIMEOUT",
            &format!("--user-timeout {millis}ms"),
        )?;
    }
    if asked.fastopen {
        set(
            fd,
            FASTOPEN_CONNECT,
            1,
            "TCP_FASTOPEN_CONNECT",
            "--fastopen",
        )?;
    }
    match asked.local_addr {
        Some(local) => bind(fd, peer, to, local),
        None => Ok(()),
    }
}

/// Sets what matters only on a connection that stands.
pub(super) fn after_connect(fd: BorrowedFd<'_>, asked: &SocketOptions) -> Result<(), Failure> {
    let nodelay = asked.nodelay.unwrap_or(true);
    set(fd, NODELAY, nodelay.into(), "TCP_NODELAY", "--nodelay")?;
    if asked.keepalive.enabled {
        set_keepalive(fd, &asked.keepalive)?;
    }
    if asked.close == Close::Rst {
        set_close(fd, Close::Rst)
    } else {
        Ok(())
    }
}

/// Sets the same on a connection that is closed at once: only what somebody asked for, so that its
/// acceptance can be reported.
pub(super) fn after_brief_connect(
    fd: BorrowedFd<'_>,
    asked: &SocketOptions,
) -> Result<(), Failure> {
    if let Some(nodelay) = asked.nodelay {
        set(fd, NODELAY, nodelay.into(), "TCP_NODELAY", "--nodelay")?;
    }
    if asked.keepalive.enabled && asks_keepalive(asked) {
        set_keepalive(fd, &asked.keepalive)?;
    }
    if asked.close == Close::Rst {
        set_close(fd, Close::Rst)
    } else {
        Ok(())
    }
}

/// Whether anything about keepalive differs from what every connection gets.
pub(super) fn asks_keepalive(asked: &SocketOptions) -> bool {
    asked.keepalive != Keepalive::default() || asked.user_timeout.is_some()
}

fn set_keepalive(fd: BorrowedFd<'_>, asked: &Keepalive) -> Result<(), Failure> {
    let (idle, interval) = (seconds(asked.idle), seconds(asked.interval));
    let count = c_int::try_from(asked.count).unwrap_or(c_int::MAX);
    set(
        fd,
        KEEPIDLE,
        idle,
        "TCP_KEEPIDLE",
        &format!("--keepalive {idle}s"),
    )?;
    set(
        fd,
        KEEPINTVL,
        interval,
        "TCP_KEEPINTVL",
        &format!("--keepalive-interval {interval}s"),
    )?;
    set(
        fd,
        KEEPCNT,
        count,
        "TCP_KEEPCNT",
        &format!("--keepalive-count {count}"),
    )?;
    set(fd, KEEPALIVE, 1, "SO_KEEPALIVE", "--keepalive")
}

/// Whole seconds, rounded up: the kernel takes no fraction, and zero means an error.
fn seconds(duration: Duration) -> c_int {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    c_int::try_from(whole.max(1)).unwrap_or(c_int::MAX)
}

/// Chooses between FIN and RST for the moment of closing (`struct linger`: on, seconds).
pub(super) fn set_close(fd: BorrowedFd<'_>, close: Close) -> Result<(), Failure> {
    let on = c_int::from(close == Close::Rst);
    let linger = [on.to_ne_bytes(), 0_i32.to_ne_bytes()].concat();
    let result = sys::set_bytes(fd, LINGER, &linger);
    result.map_err(|error| refused(format_args!("--close rst"), "SO_LINGER", &error))
}

fn set(
    fd: BorrowedFd<'_>,
    name: Name,
    value: c_int,
    symbol: &str,
    asked: &str,
) -> Result<(), Failure> {
    sys::set_int(fd, name, value).map_err(|error| refused(format_args!("{asked}"), symbol, &error))
}

fn bind(
    fd: BorrowedFd<'_>,
    peer: &PeerAddr,
    to: SocketAddr,
    local: LocalAddr,
) -> Result<(), Failure> {
    let ip = local.ip.to_canonical();
    if ip.is_ipv4() != to.is_ipv4() {
        return Err(classify::wrong_family(local.ip, peer));
    }
    if local.port == 0 {
        // The port is chosen at connect, when the kernel knows which four-tuples are free.
        let _ = sys::set_int(fd, BIND_NO_PORT, 1);
    } else if matches!(peer, PeerAddr::Tcp(_)) {
        // A connection of the last run in TIME_WAIT must not block its port.
        let _ = sys::set_int(fd, REUSE_ADDR, 1);
    }
    let from = match (ip, to) {
        (IpAddr::V6(ip), SocketAddr::V6(to)) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, local.port, 0, to.scope_id()).into()
        }
        _ => SocketAddr::new(ip, local.port),
    };
    sys::bind(fd, &RawAddr::from(from)).map_err(|error| bind_refused(from, &error))
}

fn bind_refused(from: SocketAddr, error: &io::Error) -> Failure {
    let asked = super::addr::display_socket_addr(from);
    let (kind, text) = match error.raw_os_error() {
        Some(libc::EADDRNOTAVAIL) => (Kind::AddrNotAvailable, "this machine has no such address"),
        Some(libc::EADDRINUSE) => (Kind::AddrInUse, "another socket has that address and port"),
        Some(libc::EACCES) => (
            Kind::Permission,
            "ports below 1024 need CAP_NET_BIND_SERVICE",
        ),
        _ => return refused(format_args!("--local-addr {asked}"), "bind", error),
    };
    Failure::new(Stage::Local, kind, format!("--local-addr {asked}: {text}"))
        .by(Who::OwnKernel)
        .with_errno(error)
}

/// Says which option was refused and why.
fn refused(asked: std::fmt::Arguments<'_>, symbol: &str, error: &io::Error) -> Failure {
    let code = error.raw_os_error().unwrap_or_default();
    let (kind, why) = match code {
        libc::EPERM | libc::EACCES => (Kind::Permission, needs(symbol)),
        libc::ENODEV => (
            Kind::NoSuchInterface,
            "there is no such interface".to_owned(),
        ),
        libc::ENOENT => (Kind::Unsupported, unknown_algorithm(symbol)),
        libc::EINVAL => (Kind::Invalid, format!("{symbol} does not take this value")),
        libc::ENOPROTOOPT | libc::EOPNOTSUPP | libc::EAFNOSUPPORT => (
            Kind::Unsupported,
            format!("this kind of socket has no {symbol}"),
        ),
        code => (Kind::LocalError, format!("{symbol}: {}", describe(code))),
    };
    Failure::new(Stage::Local, kind, format!("{asked}: {why}"))
        .by(Who::OwnKernel)
        .with_errno(error)
}

fn needs(symbol: &str) -> String {
    let capability = match symbol {
        "SO_BINDTODEVICE" => "CAP_NET_RAW",
        _ => "CAP_NET_ADMIN",
    };
    format!("{symbol} needs {capability}")
}

/// Lists what there is: the name alone would leave the user guessing.
fn unknown_algorithm(symbol: &str) -> String {
    let known = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
    match known {
        Ok(known) => format!("{symbol} knows only: {}", known.trim().replace(' ', ", ")),
        Err(_) => format!("{symbol} does not know it"),
    }
}

/// Refuses what this transport does not have, so that no flag is accepted and ignored.
pub(super) fn only_fitting(peer: &PeerAddr, asked: &SocketOptions) -> Result<(), Failure> {
    let inet = peer.socket_addr().is_some();
    let tcp = matches!(peer, PeerAddr::Tcp(_));
    let rows = [
        (tcp, asked.mss.is_some(), "mss"),
        (tcp, asked.congestion.is_some(), "congestion"),
        (tcp, asked.nodelay.is_some(), "nodelay"),
        (tcp, asked.fastopen, "fastopen"),
        (tcp, asked.mptcp, "mptcp"),
        (tcp, asked.user_timeout.is_some(), "user-timeout"),
        (inet, asked.local_addr.is_some(), "local-addr"),
        (inet, asked.interface.is_some(), "interface"),
        (inet, asked.mark.is_some(), "mark"),
        (inet, asked.tos.is_some(), "tos"),
        (inet, asked.ttl.is_some(), "ttl"),
    ];
    match rows.into_iter().find(|(fits, asked, _)| *asked && !fits) {
        Some((_, _, flag)) => {
            let socket = if inet { "UDP" } else { "Unix" };
            let message = format!("--{flag}: a {socket} socket has no such option");
            Err(Failure::new(Stage::Local, Kind::Unsupported, message).by(Who::OwnKernel))
        }
        None => Ok(()),
    }
}

/// Every option that was asked for, as the kernel has it now.
pub(super) fn option_facts(
    fd: BorrowedFd<'_>,
    ip: IpAddr,
    asked: &SocketOptions,
) -> Vec<OptionFact> {
    let mut facts: Vec<_> = settings(ip, asked)
        .iter()
        .map(|setting| setting.fact(fd))
        .collect();
    if let Some(on) = asked.nodelay {
        let accepted = sys::get_int(fd, NODELAY)
            .ok()
            .map(|value| (value != 0).to_string());
        facts.push(fact("nodelay", on.to_string(), accepted));
    }
    if let Some(local) = asked.local_addr {
        let accepted = sys::local_addr(fd).ok().and_then(|raw| raw.inet());
        let accepted = accepted.map(super::addr::display_socket_addr);
        let requested = super::addr::display_socket_addr(SocketAddr::new(local.ip, local.port));
        facts.push(fact("local-addr", requested, accepted));
    }
    if asked.close == Close::Rst {
        facts.push(fact("close", "rst".to_owned(), close_in_force(fd)));
    }
    facts
}

fn fact(name: &str, requested: String, accepted: Option<String>) -> OptionFact {
    OptionFact {
        name: name.to_owned(),
        requested,
        accepted,
    }
}

fn close_in_force(fd: BorrowedFd<'_>) -> Option<String> {
    let mut linger = [0; 8];
    sys::get_bytes(fd, LINGER, &mut linger).ok()?;
    let on = linger.first_chunk::<4>().is_some_and(|on| *on != [0; 4]);
    Some(if on { "rst" } else { "fin" }.to_owned())
}

/// Keepalive as asked for and in force.
pub(super) fn keepalive_facts(fd: BorrowedFd<'_>, asked: &SocketOptions) -> KeepaliveFacts {
    let user_timeout = sys::get_int(fd, USER_TIMEOUT).ok();
    let user_timeout = user_timeout.and_then(|millis| u64::try_from(millis).ok());
    KeepaliveFacts {
        requested: asked.keepalive.into(),
        accepted: keepalive_in_force(fd).ok(),
        user_timeout_ms: user_timeout
            .filter(|&millis| millis != 0)
            .map(|millis| Millis(Duration::from_millis(millis))),
    }
}

fn keepalive_in_force(fd: BorrowedFd<'_>) -> io::Result<KeepaliveValues> {
    let seconds = |name| {
        let seconds = sys::get_int(fd, name)?;
        Ok::<_, io::Error>(Millis(Duration::from_secs(seconds.unsigned_abs().into())))
    };
    Ok(KeepaliveValues {
        enabled: sys::get_int(fd, KEEPALIVE)? != 0,
        idle_ms: seconds(KEEPIDLE)?,
        interval_ms: seconds(KEEPINTVL)?,
        count: sys::get_int(fd, KEEPCNT)?.unsigned_abs(),
    })
}

/// Whether the peer speaks MPTCP; after a fallback the kernel has nothing to say of it.
pub(super) fn speaks_mptcp(fd: BorrowedFd<'_>) -> bool {
    sys::get_bytes(fd, MPTCP_INFO, &mut [0; 128]).is_ok()
}

/// What the kernel knows of the path's MTU (ip(7), `IP_MTU`).
pub(super) fn path_mtu(fd: BorrowedFd<'_>, ip: IpAddr) -> Option<u32> {
    let name = match ip {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_MTU),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_MTU),
    };
    sys::get_int(fd, name)
        .ok()
        .and_then(|mtu| u32::try_from(mtu).ok())
}
