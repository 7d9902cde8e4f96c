//! The plan of a forwarder: where connections go, who gets a copy, and what is said first.

use std::path::PathBuf;

use netkit::addr::listen::ListenAddr;
use netkit::addr::{Endpoint, Network, Target, TargetSpec, UnixPath};
use netkit::dial;
use netkit::listen::Forward;
use netkit::listen::forward::Mirror;
use netkit::net::proxy_protocol::Version;

use crate::args::{ForwardArgs, ProxyArg};
use crate::usage::UsageError;

/// What is asked of a forwarder; none unless there is a service.
pub(super) fn forward(
    args: &ForwardArgs,
    addrs: &[ListenAddr],
) -> Result<Option<Forward>, UsageError> {
    let Some(text) = &args.forward else {
        return Ok(None);
    };
    let datagrams = |addr: &ListenAddr| addr.network().transport().is_datagram();
    let (mut all, any) = (addrs.iter().map(datagrams), addrs.iter().any(datagrams));
    let default = if any && all.all(|datagram| datagram) {
        Network::Udp
    } else {
        Network::Tcp
    };
    let target = one("--forward", text, default)?;
    if args.forward_ca.is_some() && !target.tls {
        let message = "--forward-ca is about TLS, which the service is not asked for";
        return Err(UsageError::new(
            message,
            "--forward tls://host:port with it",
        ));
    }
    let wants = target.network.transport().is_datagram();
    if addrs.iter().any(|addr| datagrams(addr) != wants) {
        let (wanted, found) = if wants {
            ("datagrams", "connections")
        } else {
            ("connections", "datagrams")
        };
        let message = format!("takes {wanted}, and an address has {found}");
        let expected = format!("addresses with {wanted}, or a service for {found}");
        return Err(UsageError::value("--forward", text, &message, &expected));
    }
    let default = dial::Config::default();
    Ok(Some(Forward {
        target,
        dial: dial::Config {
            timeout: args.timeout.unwrap_or(default.timeout),
            ..default
        },
        proxy: args.proxy_protocol.map(|version| match version {
            ProxyArg::V1 => Version::V1,
            ProxyArg::V2 => Version::V2,
        }),
        mirror: mirror(args)?,
    }))
}

fn mirror(args: &ForwardArgs) -> Result<Option<Mirror>, UsageError> {
    let Some(text) = &args.mirror else {
        return Ok(None);
    };
    let target = one("--mirror", text, Network::Tcp)?;
    if target.tls {
        let (message, expected) = ("asks for TLS", "a service that takes plain text");
        return Err(UsageError::value("--mirror", text, message, expected));
    }
    if target.network.transport().is_datagram() {
        let (message, expected) = ("takes datagrams", "a service for connections");
        return Err(UsageError::value("--mirror", text, message, expected));
    }
    let compare = args.mirror_compare;
    Ok(Some(Mirror { target, compare }))
}

/// The one target that a text names.
fn one(flag: &str, text: &str, default: Network) -> Result<Target, UsageError> {
    let spec = parse(flag, text, default)?;
    spec.check_dialable()
        .map_err(|error| UsageError::from(error).of(flag))?;
    let mut targets = spec.targets();
    if let (Some(target), None) = (targets.next(), targets.next()) {
        return Ok(target);
    }
    let expected = "one address and one port, or a name: every connection goes there";
    let message = "names several services";
    Err(UsageError::value(flag, text, message, expected))
}

/// Where orders are taken.
pub(super) fn control(args: &ForwardArgs) -> Result<Option<PathBuf>, UsageError> {
    let Some(text) = &args.control else {
        return Ok(None);
    };
    let refused = |message| UsageError::value("--control", text, message, "unix:/path");
    if !text.starts_with("unix:") {
        return Err(refused("is not the path of a Unix socket"));
    }
    let spec = parse("--control", text, Network::Unix)?;
    match spec.targets().next().map(|target| target.endpoint) {
        Some(Endpoint::Unix(UnixPath::File(path))) => Ok(Some(path)),
        _ => Err(refused("has no file of its own")),
    }
}

/// Reads a target, and names the flag that it is the value of.
fn parse(flag: &str, text: &str, default: Network) -> Result<TargetSpec, UsageError> {
    TargetSpec::parse(text, default).map_err(|error| UsageError::from(error).of(flag))
}
