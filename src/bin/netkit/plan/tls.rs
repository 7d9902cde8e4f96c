//! From the flags about TLS to what a client needs; the files are read by `run`.

use netkit::dial;
use netkit::failure::Failure;
use netkit::net::tls::starttls::Starttls;
use netkit::net::tls::{IdentityFiles, Part, Roots, SpiffePeer, TlsClient, TlsOptions, Unprepared};

use super::rules::{Checked, Pair, exclusive};
use super::{Environment, WorkloadSocket};
use crate::args::{Sni, TlsArgs};
use crate::usage::UsageError;

/// How connections will be encrypted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TlsPlan {
    pub(crate) options: TlsOptions,
    /// Whom the peer must prove to be, where that is not the target.
    pub(crate) name: Option<String>,
    /// On every target, not only on those that ask for it themselves.
    pub(crate) always: bool,
    pub(crate) starttls: Option<Starttls>,
    pub(crate) resume: bool,
    /// Where it is asked who we are, if that is not in files.
    pub(crate) workload: Option<WorkloadSocket>,
    /// The flag that named those who are trusted.
    trust_flag: &'static str,
}

impl TlsPlan {
    /// Reads the flags; `possible` tells that a target asks, or may ask, for TLS by itself.
    /// `None`: no TLS anywhere.
    pub(crate) fn new(
        args: &TlsArgs,
        possible: bool,
        environment: &Environment,
    ) -> Result<Option<Self>, UsageError> {
        let always = args.tls || args.starttls.is_some();
        if !always && !possible {
            no_flag_alone(args)?;
            return Ok(None);
        }
        key_and_certificate(args)?;
        versions(args)?;
        let workload = workload_socket(args, environment)?;
        let workload = super::choosing(workload, args.spiffe_svid.as_ref())?;
        workload_flags(args, workload.is_some())?;
        Ok(Some(Self {
            options: options(args, workload.is_some()),
            name: match &args.sni {
                Some(Sni::Name(name)) => Some(name.clone()),
                Some(Sni::Nobody) | None => None,
            },
            always,
            starttls: args.starttls,
            resume: args.session_resumption,
            workload,
            trust_flag: match args.spiffe_bundle {
                Some(_) => "--spiffe-bundle",
                None => "--ca",
            },
        }))
    }

    /// How a dial is to be encrypted by a client that is ready.
    pub(crate) fn with(&self, client: TlsClient) -> dial::Tls {
        dial::Tls {
            client,
            name: self.name.clone(),
            always: self.always,
            starttls: self.starttls,
            preamble: Vec::new(),
            resume: self.resume,
        }
    }

    /// The failure with the flag that named what is wrong.
    pub(crate) fn named(&self, unprepared: Unprepared) -> Failure {
        named(unprepared, self.trust_flag)
    }
}

/// The failure with the flag that named what is wrong; `trust` is the one of the authorities.
pub(crate) fn named(unprepared: Unprepared, trust: &str) -> Failure {
    let flag = match unprepared.part {
        Some(Part::Authorities) => trust,
        Some(Part::Certificate) => "--cert",
        Some(Part::Key) => "--key",
        _ => return unprepared.failure,
    };
    let message = format!("{flag}: {}", unprepared.failure.message);
    Failure {
        message,
        ..unprepared.failure
    }
}

/// Where the Workload API is, if it is to be asked: as the flag says, or, where an ID is asked for and
/// no file says anything, as the environment does.
fn workload_socket(
    args: &TlsArgs,
    environment: &Environment,
) -> Result<Option<WorkloadSocket>, UsageError> {
    if let Some(endpoint) = &args.spiffe_socket {
        return Ok(Some(WorkloadSocket::of_flag(endpoint)));
    }
    let files = [&args.spiffe_bundle, &args.ca, &args.cert];
    if !asks_for_a_workload(args) || files.iter().any(|file| file.is_some()) {
        return Ok(None);
    }
    WorkloadSocket::of_environment(environment)
}

fn asks_for_a_workload(args: &TlsArgs) -> bool {
    args.spiffe_id.is_some() || args.spiffe_trust_domain.is_some()
}

fn options(args: &TlsArgs, workload: bool) -> TlsOptions {
    let default = TlsOptions::default();
    let identity = args.cert.clone().zip(args.key.clone());
    let file = args.ca.clone().or_else(|| args.spiffe_bundle.clone());
    TlsOptions {
        roots: match file {
            Some(path) => Roots::Path(path),
            None if workload && asks_for_a_workload(args) => Roots::Workload,
            None => default.roots,
        },
        spiffe: args
            .spiffe_id
            .clone()
            .map(SpiffePeer::Id)
            .or_else(|| {
                args.spiffe_trust_domain
                    .clone()
                    .map(SpiffePeer::TrustDomain)
            })
            .into_iter()
            .collect(),
        identity: identity.map(|(certificate, key)| IdentityFiles { certificate, key }),
        alpn: args.alpn.clone(),
        sni: args.sni != Some(Sni::Nobody),
        insecure: args.insecure,
        keep_pem: args.show_chain,
        min_version: args.tls_min.unwrap_or(default.min_version),
        max_version: args.tls_max.unwrap_or(default.max_version),
    }
}

/// The flags that say how TLS is to be.
fn no_flag_alone(args: &TlsArgs) -> Checked {
    let rows = [
        (args.sni.is_some(), "--sni"),
        (!args.alpn.is_empty(), "--alpn"),
        (args.ca.is_some(), "--ca"),
        (args.insecure, "--insecure"),
        (args.tls_min.is_some(), "--tls-min"),
        (args.tls_max.is_some(), "--tls-max"),
        (args.cert.is_some(), "--cert"),
        (args.key.is_some(), "--key"),
        (args.session_resumption, "--session-resumption"),
        (args.show_chain, "--show-chain"),
        (args.spiffe_id.is_some(), "--spiffe-id"),
        (args.spiffe_trust_domain.is_some(), "--spiffe-trust-domain"),
        (args.spiffe_bundle.is_some(), "--spiffe-bundle"),
        (args.spiffe_socket.is_some(), "--spiffe-socket"),
        (args.spiffe_svid.is_some(), "--spiffe-svid"),
    ];
    match rows.into_iter().find(|(given, _)| *given) {
        Some((_, flag)) => {
            let message = format!("{flag} has no effect without TLS");
            Err(UsageError::new(message, "--tls, or a target `tls://…`"))
        }
        None => Ok(()),
    }
}

fn key_and_certificate(args: &TlsArgs) -> Checked {
    let (alone, other) = match (&args.cert, &args.key) {
        (Some(_), None) => ("--cert", "--key FILE"),
        (None, Some(_)) => ("--key", "--cert FILE"),
        _ => return Ok(()),
    };
    let message = format!("{alone} has no effect alone");
    Err(UsageError::new(message, other))
}

/// A workload is known by its ID and by the authorities of its trust domain: both or nothing. `api`
/// tells that the Workload API is asked for what no file names.
fn workload_flags(args: &TlsArgs, api: bool) -> Checked {
    let (id, domain) = (args.spiffe_id.is_some(), args.spiffe_trust_domain.is_some());
    let bundle = args.spiffe_bundle.is_some();
    exclusive(&[
        Pair(
            id,
            "--spiffe-id",
            domain,
            "--spiffe-trust-domain",
            "the ID names its trust domain",
        ),
        Pair(
            bundle,
            "--spiffe-bundle",
            args.ca.is_some(),
            "--ca",
            "both name whom to trust",
        ),
        Pair(
            args.spiffe_socket.is_some(),
            "--spiffe-socket",
            args.cert.is_some(),
            "--cert",
            "both say who we are",
        ),
    ])?;
    let flag = if id {
        "--spiffe-id"
    } else {
        "--spiffe-trust-domain"
    };
    match (id || domain, bundle) {
        (true, false) if api && args.ca.is_none() => Ok(()),
        (true, false) => Err(UsageError::new(
            format!("{flag} needs the authorities of the trust domain"),
            "--spiffe-bundle FILE, or --spiffe-socket ADDRESS",
        )),
        (false, true) => Err(UsageError::new(
            "--spiffe-bundle has no effect alone",
            "--spiffe-id ID or --spiffe-trust-domain DOMAIN",
        )),
        _ => Ok(()),
    }
}

fn versions(args: &TlsArgs) -> Checked {
    let default = TlsOptions::default();
    let (min, max) = (
        args.tls_min.unwrap_or(default.min_version),
        args.tls_max.unwrap_or(default.max_version),
    );
    if min <= max {
        return Ok(());
    }
    let (min, max) = (min.as_str(), max.as_str());
    let message = format!("--tls-min {min} is newer than --tls-max {max}");
    Err(UsageError::new(
        message,
        "an oldest version that is not newer than the newest",
    ))
}
