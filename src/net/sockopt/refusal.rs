//! Why an option was refused: its flag, its name in the manual, and what it needs.

use std::io;

use crate::failure::{Failure, Kind, Stage, Who};
use crate::net::classify::describe;

/// Says which option was refused and why.
pub(super) fn refused(asked: std::fmt::Arguments<'_>, symbol: &str, error: &io::Error) -> Failure {
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
