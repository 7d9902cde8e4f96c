//! Why nobody can listen there, and what to do.

use std::io;
use std::net::SocketAddr;

use super::holder;
use crate::addr::Transport;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::net::classify::describe;

/// Explains why nobody can listen for TCP at an address, where something else than [`bind`](super::bind)
/// has tried: who holds the port, what a privileged one needs.
#[must_use]
pub fn refusal(addr: SocketAddr, error: &io::Error) -> Failure {
    refused(&addr.to_string(), Transport::Tcp, addr, error)
}

/// Explains a refused `bind` or `listen`.
pub(super) fn refused(
    asked: &str,
    transport: Transport,
    addr: SocketAddr,
    error: &io::Error,
) -> Failure {
    let failure = |kind, text: String| {
        Failure::new(Stage::Local, kind, format!("{asked}: {text}"))
            .by(Who::OwnKernel)
            .with_errno(error)
    };
    match error.raw_os_error() {
        Some(libc::EADDRINUSE) => {
            in_use(asked, holder::of_port(transport, addr).as_deref()).with_errno(error)
        }
        Some(libc::EACCES) => {
            let start = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
            let start = start.map_or_else(|_| "1024".to_owned(), |text| text.trim().to_owned());
            failure(
                Kind::Permission,
                format!("ports below {start} need CAP_NET_BIND_SERVICE"),
            )
            .hint(format!(
                "choose a port from {start} up, or run `setcap cap_net_bind_service+ep` on netkit, \
                 or lower net.ipv4.ip_unprivileged_port_start"
            ))
        }
        Some(libc::EADDRNOTAVAIL) => failure(
            Kind::AddrNotAvailable,
            "this machine has no such address".to_owned(),
        ),
        Some(libc::EINVAL | libc::ENODEV) if addr.is_ipv6() => failure(
            Kind::AddrNotAvailable,
            "a link-local address needs its interface: fe80::1%eth0".to_owned(),
        ),
        code => failure(Kind::LocalError, describe(code.unwrap_or_default())),
    }
}

/// The address is taken; by whom, when /proc tells.
pub(super) fn in_use(asked: &str, holder: Option<&str>) -> Failure {
    let message = match holder {
        Some(holder) => format!("{asked}: {holder} listens there already"),
        None => format!("{asked}: another socket listens there already"),
    };
    Failure::new(Stage::Local, Kind::AddrInUse, message)
        .by(Who::OwnKernel)
        .hint(if asked.starts_with("unix") {
            "stop it, or choose another name"
        } else {
            "stop it, choose another port, or let the kernel choose with port 0"
        })
}

/// Explains a refused `socket(2)`.
pub(super) fn no_socket(asked: &str, mptcp: bool, error: &io::Error) -> Failure {
    let what = if mptcp { "--mptcp: " } else { "" };
    let kind = match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => Kind::TooManyFiles,
        Some(libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT | libc::ENOPROTOOPT) => Kind::Unsupported,
        Some(libc::EPERM | libc::EACCES) => Kind::Permission,
        _ => Kind::LocalError,
    };
    let text = describe(error.raw_os_error().unwrap_or_default());
    Failure::new(Stage::Local, kind, format!("{asked}: {what}{text}"))
        .by(Who::OwnKernel)
        .with_errno(error)
}
