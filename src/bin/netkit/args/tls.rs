//! The flags of a client that speaks TLS: one group for every subcommand that connects.

use std::path::PathBuf;

use clap::Args;
use netkit::net::tls::starttls::Starttls;
use netkit::net::tls::{SpiffeId, SvidChoice, TlsVersion, WorkloadEndpoint};

use super::values::{Parsed, ValueError};

/// Encryption, and who the peer must be.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// Speaks TLS on every target, as `tls://host:port` does on one.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Asks for this name and verifies it; `none` asks for no name [default: the target's].
    #[arg(long, value_name = "NAME|none", value_parser = sni)]
    pub(crate) sni: Option<Sni>,
    /// Offers these protocols, the preferred first (`h2,http/1.1`).
    #[arg(long, value_name = "PROTOCOLS", value_delimiter = ',', value_parser = alpn)]
    pub(crate) alpn: Vec<String>,
    /// Trusts the certificates (PEM) in this file or folder, and no others; a server's own may be
    /// among them [default: the system's].
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) ca: Option<PathBuf>,
    /// Goes on whatever the certificate is like; what is wrong with it is reported all the same.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// The oldest version to accept [default: 1.2].
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub(crate) tls_min: Option<TlsVersion>,
    /// The newest version to offer [default: 1.3].
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub(crate) tls_max: Option<TlsVersion>,
    /// Our own certificate and those above it (PEM), for a server that asks.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The key of --cert (PEM: PKCS#8, PKCS#1 or SEC1).
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Asks for TLS in the words of this protocol first.
    #[arg(long, value_name = "PROTOCOL", value_parser = starttls_parser())]
    pub(crate) starttls: Option<Starttls>,
    /// Shakes hands a second time, to see whether the session is resumed.
    #[arg(long)]
    pub(crate) session_resumption: bool,
    /// The peer must be this workload, `spiffe://trust-domain/path`; names of hosts do not count then.
    #[arg(long, value_name = "ID", value_parser = spiffe_id)]
    pub(crate) spiffe_id: Option<SpiffeId>,
    /// The peer must be a workload of this trust domain.
    #[arg(long, value_name = "DOMAIN", value_parser = trust_domain)]
    pub(crate) spiffe_trust_domain: Option<String>,
    /// The authorities of the trust domain (PEM), instead of --ca.
    #[arg(long, value_name = "FILE")]
    pub(crate) spiffe_bundle: Option<PathBuf>,
    /// Takes our own certificate, and with --spiffe-id or --spiffe-trust-domain whom to trust, from the
    /// Workload API at this socket (`unix:/path`, `tcp://IP:PORT`) [default: with those two and without
    /// --spiffe-bundle, `SPIFFE_ENDPOINT_SOCKET`].
    #[arg(long, value_name = "ADDRESS", value_parser = workload_endpoint)]
    pub(crate) spiffe_socket: Option<WorkloadEndpoint>,
    /// Of the identities that the Workload API offers, the one with this hint or this SPIFFE ID
    /// [default: the first].
    #[arg(long, value_name = "HINT|ID", value_parser = svid_choice)]
    pub(crate) spiffe_svid: Option<SvidChoice>,
    /// Prints the certificates that the peer sent (PEM).
    #[arg(long)]
    pub(crate) show_chain: bool,
}

/// The name that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sni {
    /// None at all.
    Nobody,
    Name(String),
}

fn sni(text: &str) -> Parsed<Sni> {
    if text == "none" {
        return Ok(Sni::Nobody);
    }
    let fits = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if !fits || text.len() > 253 {
        let message = format!("`{text}` is not a host name");
        return Err(ValueError::new(
            message,
            "a host name, an address or `none`",
        ));
    }
    Ok(Sni::Name(text.to_owned()))
}

fn spiffe_id(text: &str) -> Parsed<SpiffeId> {
    let wrong =
        |why: String| ValueError::new(format!("`{text}` is not a SPIFFE ID: {why}"), SPIFFE_ID);
    text.parse().map_err(wrong)
}

/// Reads the address of a Workload API.
pub(super) fn workload_endpoint(text: &str) -> Parsed<WorkloadEndpoint> {
    text.parse().map_err(|why: String| {
        let message = format!("`{text}` is no address of a Workload API: {why}");
        ValueError::new(message, crate::plan::WORKLOAD_FORMS)
    })
}

/// Reads which identity is ours.
pub(super) fn svid_choice(text: &str) -> Parsed<SvidChoice> {
    text.parse().map_err(|why: String| {
        let message = format!("`{text}` is neither a hint nor a SPIFFE ID: {why}");
        ValueError::new(
            message,
            "the hint of an identity, or `spiffe://trust-domain/path`",
        )
    })
}

const SPIFFE_ID: &str = "`spiffe://trust-domain/path`";

/// Reads a trust domain, also as an ID without a path.
fn trust_domain(text: &str) -> Parsed<String> {
    let bare = text.strip_prefix("spiffe://").unwrap_or(text);
    let wrong = |why| {
        ValueError::new(
            format!("`{text}` is not a trust domain: {why}"),
            "`td.example`",
        )
    };
    netkit::net::tls::spiffe_id::trust_domain(bare).map_err(wrong)
}

fn alpn(text: &str) -> Parsed<String> {
    // RFC 7301 section 3.1: the length is one byte, and not 0.
    if text.is_empty() || text.len() > 255 {
        let message = format!("`{text}` is not the name of a protocol");
        return Err(ValueError::new(
            message,
            "names of 1 to 255 bytes: `h2,http/1.1`",
        ));
    }
    Ok(text.to_owned())
}

fn version(text: &str) -> Parsed<TlsVersion> {
    match text {
        "1.2" => Ok(TlsVersion::Tls12),
        "1.3" => Ok(TlsVersion::Tls13),
        "1.0" | "1.1" => Err(ValueError::new(
            format!("TLS {text} is not safe any more (RFC 8996), and netkit does not speak it"),
            "1.2 or 1.3",
        )),
        _ => Err(ValueError::new(
            format!("`{text}` is not a version of TLS"),
            "1.2 or 1.3",
        )),
    }
}

fn starttls_parser() -> impl clap::builder::TypedValueParser<Value = Starttls> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Starttls::ALL.map(Starttls::name))
        .try_map(|name| Starttls::from_name(&name).ok_or("an unknown protocol"))
}

/// Reads a condition of `--fail-if`.
pub(crate) fn gate(text: &str) -> Parsed<netkit::dial::gate::Gate> {
    use netkit::dial::gate::Metric;
    text.parse().map_err(|message: String| {
        let names = Metric::ALL.map(Metric::name).join(", ");
        let expected = format!("`cert_days<14` or the like, with one of {names}");
        ValueError::new(message, expected)
    })
}
