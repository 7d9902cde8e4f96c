//! The flags of `netkit listen` about the service behind it, and about TLS before it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use netkit::net::tls::{SvidChoice, WorkloadEndpoint};

use super::values;

/// Where connections are passed on to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Forwarding")]
pub(crate) struct ForwardArgs {
    /// Passes each connection on to this service: `host:port`, `tls://host:port`, `unix:/path`,
    /// `udp://host:port`, `unixgram:/path`; without a network, that of the addresses. A client that
    /// sends datagrams from a Unix socket without a name is passed on, and gets no answer.
    #[arg(long, value_name = "TARGET")]
    pub(crate) forward: Option<String>,
    /// Bounds the dial to the service: resolve and connect.
    #[arg(short, long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    #[arg(help = format!(
        "Bounds the dial to the service: resolve and connect [default: {}]",
        humantime::format_duration(netkit::dial::config::TIMEOUT)
    ))]
    pub(crate) timeout: Option<Duration>,
    /// Asks this name server for the service's address instead of the system's (may be given more
    /// than once).
    #[arg(long, value_name = "SERVER")]
    pub(crate) ns: Vec<netkit::resolve::NameServer>,
    /// Whom to trust about a service at `tls://`: certificates (PEM) of a file, or of a folder [default:
    /// the system's].
    #[arg(long, value_name = "PATH")]
    pub(crate) forward_ca: Option<PathBuf>,
    /// Sends a copy of what clients say on connections to this service too, and throws its replies away. It is never
    /// waited for: what it is too slow to take (1 MiB a connection) is dropped and counted.
    #[arg(long, value_name = "TARGET")]
    pub(crate) mirror: Option<String>,
    /// Compares the mirror's replies with those of the service, and tells where they differ.
    #[arg(long)]
    pub(crate) mirror_compare: bool,
    /// Tells the service who the client is, by a PROXY header of this version; one at `tls://` is told
    /// before TLS begins.
    #[arg(long, value_name = "VERSION")]
    pub(crate) proxy_protocol: Option<ProxyArg>,
    /// Expects a PROXY header (of either version) at the beginning of each connection, and refuses
    /// those without.
    #[arg(long)]
    pub(crate) accept_proxy_protocol: bool,
    /// Writes every piece that passes on connections to this file, as JSON Lines: connection, direction,
    /// time, bytes. What was in it is lost; it is made for its owner alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Takes orders on this socket, a JSON object a line: `{"faults":["up:delay=1s"]}` changes the
    /// faults, `{"list":true}` lists the connections.
    #[arg(long, value_name = "unix:PATH")]
    pub(crate) control: Option<String>,
}

/// How a PROXY header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProxyArg {
    /// As a line of text.
    V1,
    /// In binary.
    V2,
}

/// TLS towards the clients.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct ServeTlsArgs {
    /// Speaks TLS with its clients, by the certificate of --cert and --key.
    #[arg(long)]
    pub(crate) tls: bool,
    /// The certificate, then those above it (PEM); read again on SIGHUP and when it changes.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// Its key (PEM: PKCS#8, PKCS#1, SEC1).
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Speaks TLS by a certificate made up for this run, and prints that of the authority that signed
    /// it, for clients to trust.
    #[arg(long)]
    pub(crate) tls_self_signed: bool,
    /// Asks clients for a certificate, and believes those of these authorities (PEM).
    #[arg(long, value_name = "FILE")]
    pub(crate) client_ca: Option<PathBuf>,
    /// Refuses clients without one.
    #[arg(long)]
    pub(crate) require_client_cert: bool,
    /// Takes the certificate, and the authorities of clients, from the Workload API of SPIFFE at this
    /// socket (`unix:/path`, `tcp://IP:PORT`) [default: with --tls and without --cert,
    /// `SPIFFE_ENDPOINT_SOCKET`].
    #[arg(long, value_name = "ADDRESS", value_parser = super::tls::workload_endpoint)]
    pub(crate) spiffe_socket: Option<WorkloadEndpoint>,
    /// Of the identities that the Workload API offers, the one with this hint or this SPIFFE ID
    /// [default: the first].
    #[arg(long, value_name = "HINT|ID", value_parser = super::tls::svid_choice)]
    pub(crate) spiffe_svid: Option<SvidChoice>,
    /// Lets in only clients with this SPIFFE ID (may be given more than once).
    #[arg(long, value_name = "ID")]
    pub(crate) allow_spiffe_id: Vec<String>,
    /// Protocols to agree on, the preferred first: `h2,http/1.1`.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) alpn: Vec<String>,
    /// The oldest version [default: 1.2].
    #[arg(long, value_name = "VERSION")]
    pub(crate) tls_min: Option<ServeVersionArg>,
    /// The newest version [default: 1.3].
    #[arg(long, value_name = "VERSION")]
    pub(crate) tls_max: Option<ServeVersionArg>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ServeVersionArg {
    /// TLS 1.2.
    #[value(name = "1.2")]
    V12,
    /// TLS 1.3.
    #[value(name = "1.3")]
    V13,
}
