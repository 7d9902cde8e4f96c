//! The plan of TLS towards clients, and which of its flags go together.

use netkit::addr::Host;
use netkit::addr::listen::ListenAddr;
use netkit::net::tls::{IdentityFiles, TlsServerOptions, TlsVersion};

use super::super::rules::{Checked, Pair, exclusive};
use super::super::{Environment, WorkloadSocket};
use crate::args::{ListenArgs, ServeTlsArgs, ServeVersionArg};
use crate::usage::UsageError;

/// TLS towards clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServeTls {
    pub(crate) options: TlsServerOptions,
    /// Where it is asked who this server is, if that is not in files.
    pub(crate) workload: Option<WorkloadSocket>,
}

/// What is asked of TLS; none unless it is asked for.
pub(super) fn options(
    args: &ListenArgs,
    addrs: &[ListenAddr],
    environment: &Environment,
) -> Result<Option<ServeTls>, UsageError> {
    let tls = &args.tls;
    let workload = workload(tls, environment)?;
    check(args, workload.is_some())?;
    let workload = super::super::choosing(workload, tls.spiffe_svid.as_ref())?;
    if !is_on(tls) {
        return Ok(None);
    }
    let identity = match (&tls.cert, &tls.key) {
        (Some(certificate), Some(key)) => Some(IdentityFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        }),
        _ => None,
    };
    let options = TlsServerOptions {
        identity,
        names: names(addrs),
        client_ca: tls.client_ca.clone(),
        require_client_cert: tls.require_client_cert || !tls.allow_spiffe_id.is_empty(),
        allow_spiffe_ids: tls.allow_spiffe_id.clone(),
        alpn: tls.alpn.clone(),
        min_version: tls.tls_min.map_or(TlsVersion::Tls12, version),
        max_version: tls.tls_max.map_or(TlsVersion::Tls13, version),
    };
    Ok(Some(ServeTls { options, workload }))
}

/// Where the Workload API is, if it is to be asked: as the flag says, or, where nothing else says who
/// this server is, as the environment does.
fn workload(
    tls: &ServeTlsArgs,
    environment: &Environment,
) -> Result<Option<WorkloadSocket>, UsageError> {
    if let Some(endpoint) = &tls.spiffe_socket {
        return Ok(Some(WorkloadSocket::of_flag(endpoint)));
    }
    let said = tls.tls_self_signed || tls.cert.is_some() || tls.key.is_some();
    if !tls.tls || said {
        return Ok(None);
    }
    WorkloadSocket::of_environment(environment)
}

fn is_on(tls: &ServeTlsArgs) -> bool {
    tls.tls || tls.tls_self_signed
}

/// The names that clients may call this server by: its own addresses, and this machine's.
fn names(addrs: &[ListenAddr]) -> Vec<String> {
    let mut names: Vec<_> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    for addr in addrs {
        let ListenAddr::Inet {
            host: Some(host), ..
        } = addr
        else {
            continue;
        };
        let name = match host {
            Host::Ip { ip, .. } => ip.to_string(),
            Host::Name(name) => name.to_string(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn version(arg: ServeVersionArg) -> TlsVersion {
    match arg {
        ServeVersionArg::V12 => TlsVersion::Tls12,
        ServeVersionArg::V13 => TlsVersion::Tls13,
    }
}

fn check(args: &ListenArgs, api: bool) -> Checked {
    let tls = &args.tls;
    needs_tls(tls)?;
    if !is_on(tls) {
        return Ok(());
    }
    identity(tls, api)?;
    let versions = (tls.tls_min, tls.tls_max);
    if let (Some(min), Some(max)) = versions
        && min > max
    {
        let message = "--tls-min is newer than --tls-max";
        return Err(UsageError::new(message, "versions in their order"));
    }
    if args.behaviour.http {
        http_is_http_1(tls)?;
    }
    let asks = tls.require_client_cert || !tls.allow_spiffe_id.is_empty();
    if asks && tls.client_ca.is_none() && !api {
        let message = "certificates of clients are worth nothing without an authority";
        let expected = "--client-ca FILE or --spiffe-socket ADDRESS with it";
        return Err(UsageError::new(message, expected));
    }
    let not_spiffe = |id: &&String| !id.starts_with("spiffe://");
    if let Some(id) = tls.allow_spiffe_id.iter().find(not_spiffe) {
        let (message, expected) = ("is not a SPIFFE ID", "spiffe://trust.domain/path");
        return Err(UsageError::value(
            "--allow-spiffe-id",
            id,
            message,
            expected,
        ));
    }
    for (given, flag) in [
        (args.behaviour.exec.is_some(), "--exec"),
        (args.behaviour.stdio, "--stdio"),
    ] {
        if given {
            let message =
                format!("{flag} does not go with --tls: the bare connection is handed over");
            return Err(UsageError::new(message, "one of the two"));
        }
    }
    Ok(())
}

/// What is agreed on must be spoken: this server's HTTP is 1.1, and takes 1.0.
fn http_is_http_1(tls: &ServeTlsArgs) -> Checked {
    let spoken = ["http/1.1", "http/1.0"];
    match tls
        .alpn
        .iter()
        .find(|name| !spoken.contains(&name.as_str()))
    {
        Some(name) => {
            let message = format!("--alpn {name} does not go with --http, which does not speak it");
            Err(UsageError::new(message, "--alpn http/1.1 (or http/1.0)"))
        }
        None => Ok(()),
    }
}

/// Where the certificate comes from: files, the Workload API, or nowhere.
fn identity(tls: &ServeTlsArgs, api: bool) -> Checked {
    let socket = tls.spiffe_socket.is_some();
    let pair = |given, flag| {
        let why = "both say who this server is";
        Pair(socket, "--spiffe-socket", given, flag, why)
    };
    exclusive(&[
        pair(tls.tls_self_signed, "--tls-self-signed"),
        pair(tls.cert.is_some(), "--cert"),
        pair(tls.key.is_some(), "--key"),
    ])?;
    let files = (tls.cert.is_some(), tls.key.is_some());
    if tls.tls_self_signed && files != (false, false) {
        let message = "--tls-self-signed makes a certificate up, and --cert or --key names one";
        return Err(UsageError::new(message, "one of the two"));
    }
    match files {
        (true, true) => Ok(()),
        (false, false) if tls.tls_self_signed || api => Ok(()),
        (true, false) => Err(UsageError::new("--cert has no key", "--key FILE with it")),
        (false, true) => Err(UsageError::new(
            "--key has no certificate",
            "--cert FILE with it",
        )),
        (false, false) => {
            let message = "--tls: a server has to prove who it is";
            let expected = "--cert FILE --key FILE, --spiffe-socket ADDRESS, or --tls-self-signed";
            Err(UsageError::new(message, expected))
        }
    }
}

/// What is about TLS needs it.
fn needs_tls(tls: &ServeTlsArgs) -> Checked {
    let rows = [
        (tls.cert.is_some(), "--cert"),
        (tls.key.is_some(), "--key"),
        (tls.spiffe_socket.is_some(), "--spiffe-socket"),
        (tls.spiffe_svid.is_some(), "--spiffe-svid"),
        (tls.client_ca.is_some(), "--client-ca"),
        (tls.require_client_cert, "--require-client-cert"),
        (!tls.allow_spiffe_id.is_empty(), "--allow-spiffe-id"),
        (!tls.alpn.is_empty(), "--alpn"),
        (tls.tls_min.is_some(), "--tls-min"),
        (tls.tls_max.is_some(), "--tls-max"),
    ];
    match rows.iter().find(|(given, _)| *given && !is_on(tls)) {
        Some((_, flag)) => {
            let message = format!("{flag} is about TLS, which is not asked for");
            Err(UsageError::new(message, "it together with --tls"))
        }
        None => Ok(()),
    }
}
