//! Sockets that the service manager has opened and passed on (systemd's socket activation).

use std::os::fd::AsFd;

use super::super::socket_options as names;
use super::super::sys;
use super::{ListenFacts, Listener, backlog};
use crate::addr::{Network, Transport};
use crate::failure::{Failure, Kind, Stage, Who};

/// The first descriptor that is passed (`SD_LISTEN_FDS_START`).
const FIRST: i32 = 3;

/// Takes over the `count` sockets that were passed by `LISTEN_FDS`.
///
/// To be called once, by the process that they were passed to. Errs when one of them is not open, or
/// is no socket that can be served.
pub fn inherited(count: usize) -> Result<Vec<Listener>, Failure> {
    let numbers = (FIRST..).take(count);
    numbers.map(take).collect()
}

fn take(number: i32) -> Result<Listener, Failure> {
    let unfit = |why: &str| {
        let message = format!("LISTEN_FDS: descriptor {number} {why}");
        Failure::new(Stage::Local, Kind::LocalError, message).by(Who::Netkit)
    };
    let fd = sys::inherited(number).map_err(|error| unfit("is not open").with_errno(&error))?;
    let option = |name| sys::get_int(fd.as_fd(), name);
    let domain = option(names::DOMAIN).map_err(|_| unfit("is not a socket"))?;
    let kind = option(names::TYPE).map_err(|_| unfit("is not a socket"))?;
    let listens = option(names::LISTENS).is_ok_and(|value| value != 0);
    let network = match (domain, kind) {
        (libc::AF_INET, libc::SOCK_STREAM) => Network::Tcp4,
        (libc::AF_INET6, libc::SOCK_STREAM) => Network::Tcp,
        (libc::AF_INET, libc::SOCK_DGRAM) => Network::Udp4,
        (libc::AF_INET6, libc::SOCK_DGRAM) => Network::Udp,
        (libc::AF_UNIX, libc::SOCK_STREAM) => Network::Unix,
        (libc::AF_UNIX, libc::SOCK_DGRAM) => Network::Unixgram,
        _ => return Err(unfit("is neither a stream nor a datagram socket")),
    };
    if !listens && !network.transport().is_datagram() {
        return Err(unfit(
            "does not listen (Accept=yes is for inetd-like services)",
        ));
    }
    let raw = sys::local_addr(fd.as_fd()).map_err(|_| unfit("has no address"))?;
    let path = raw.unix_name();
    let inet = raw.inet();
    let only_v6 = option(names::V6ONLY).is_ok_and(|value| value != 0);
    let wildcard = inet.is_some_and(|addr| addr.ip().is_unspecified());
    let facts = ListenFacts {
        local: match (&inet, &path) {
            (Some(addr), _) => super::super::addr::display_socket_addr(*addr),
            (None, Some(path)) => format!("{network}:{path}"),
            (None, None) => format!("{network}:"),
        },
        network: match network {
            Network::Tcp if only_v6 => Network::Tcp6,
            Network::Udp if only_v6 => Network::Udp6,
            network => network,
        },
        ip: inet.map(|addr| addr.ip()),
        port: inet.map(|addr| addr.port()),
        path: path.map(|path| path.to_string()),
        both_families: domain == libc::AF_INET6 && !only_v6 && wildcard,
        // What was asked of another socket than TCP's the kernel does not tell.
        backlog: if network.transport() == Transport::Tcp {
            backlog(fd.as_fd(), &super::ListenOptions::default())
        } else {
            None
        },
        inherited: true,
        warnings: Vec::new(),
    };
    Ok(Listener {
        fd,
        facts,
        removal: None,
    })
}
