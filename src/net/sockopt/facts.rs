//! Reading back what the kernel made of the options.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::setting::settings;
use super::{KEEPALIVE, KEEPCNT, KEEPIDLE, KEEPINTVL, LINGER, MPTCP_INFO, NODELAY, USER_TIMEOUT};
use crate::net::addr::display_socket_addr;
use crate::net::facts::KeepaliveValues;
use crate::net::sys;
use crate::net::{Close, KeepaliveFacts, OptionFact, OptionValue, SocketOptions};
use crate::time::Millis;

/// Every option that was asked for, as the kernel has it now.
pub(in crate::net) fn option_facts(
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
            .map(|value| OptionValue::Switch(value != 0));
        facts.push(fact("nodelay", OptionValue::Switch(on), accepted));
    }
    if let Some(local) = asked.local_addr {
        let accepted = sys::local_addr(fd).ok().and_then(|raw| raw.inet());
        let text = |addr| OptionValue::Text(display_socket_addr(addr));
        let requested = text(SocketAddr::new(local.ip, local.port));
        facts.push(fact("local-addr", requested, accepted.map(text)));
    }
    if asked.close == Close::Rst {
        let requested = OptionValue::Text("rst".to_owned());
        facts.push(fact("close", requested, close_in_force(fd)));
    }
    facts
}

fn fact(name: &str, requested: OptionValue, accepted: Option<OptionValue>) -> OptionFact {
    OptionFact {
        name: name.to_owned(),
        requested,
        accepted,
    }
}

fn close_in_force(fd: BorrowedFd<'_>) -> Option<OptionValue> {
    let mut linger = [0; 8];
    sys::get_bytes(fd, LINGER, &mut linger).ok()?;
    let on = linger.first_chunk::<4>().is_some_and(|on| *on != [0; 4]);
    let how = if on { "rst" } else { "fin" };
    Some(OptionValue::Text(how.to_owned()))
}

/// Keepalive as asked for and in force.
pub(in crate::net) fn keepalive_facts(fd: BorrowedFd<'_>, asked: &SocketOptions) -> KeepaliveFacts {
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
pub(in crate::net) fn speaks_mptcp(fd: BorrowedFd<'_>) -> bool {
    sys::get_bytes(fd, MPTCP_INFO, &mut [0; 128]).is_ok()
}

/// What the kernel knows of the path's MTU (ip(7), `IP_MTU`).
pub(in crate::net) fn path_mtu(fd: BorrowedFd<'_>, ip: IpAddr) -> Option<u32> {
    let name = match ip {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_MTU),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_MTU),
    };
    sys::get_int(fd, name)
        .ok()
        .and_then(|mtu| u32::try_from(mtu).ok())
}
