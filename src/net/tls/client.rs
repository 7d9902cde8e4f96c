//! TLS on a connection that stands, with every fact of the handshake and typed failures.
//!
//! The only file that imports rustls, so that an upgrade changes one file. It decides nothing about
//! names or ports: the caller says whom the certificate must be for. Nothing is read or set up
//! before the first [`TlsClient::new`].

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::ring as crypto;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, HandshakeKind, InvalidMessage,
    ProtocolVersion, RootCertStore, SupportedProtocolVersion, version,
};

use super::sniff::Sniffed;
use super::{Roots, TlsFacts, TlsOptions, TlsVersion};
use crate::deadline::{Deadline, Expired};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::net::{Close, Connection, SocketFacts, TcpInfo};
use crate::time::Millis;

/// Ready to shake hands: roots read, versions and protocols chosen.
///
/// Sessions are remembered, so that a second connection to the same peer may resume one.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    #[cfg(feature = "quic")]
    verifier: Arc<WebPkiServerVerifier>,
}

impl TlsClient {
    /// Reads the roots and prepares everything else.
    ///
    /// Errs (stage `local`, kind `file`) when the roots cannot be read or there are none, and when
    /// no version lies between the oldest and the newest. Reads files: call it when a handshake is
    /// due, not before.
    pub fn new(options: &TlsOptions) -> Result<Self, Failure> {
        let provider = Arc::new(crypto::default_provider());
        let roots = Arc::new(read_roots(&options.roots)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|error| local(format!("the trusted roots cannot be used: {error}")))?;
        let versions = versions(options)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| local(format!("TLS cannot be set up: {error}")))?;
        let mut config = builder
            .with_webpki_verifier(verifier.clone())
            .with_no_client_auth();
        config.enable_sni = options.sni;
        config.alpn_protocols = options
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let config = Arc::new(config);
        Ok(Self {
            config,
            #[cfg(feature = "quic")]
            verifier,
        })
    }

    /// The same roots and versions for other protocols (ALPN), the preferred first.
    #[must_use]
    pub fn speaking(&self, alpn: &[&str]) -> Self {
        let mut config = (*self.config).clone();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self {
            config: Arc::new(config),
            ..self.clone()
        }
    }

    /// Shakes hands on a connection that stands; the peer must prove to be `name`, a host name or
    /// an address.
    ///
    /// Errs with stage `tls` and the kind that says what was wrong: `tls_untrusted`,
    /// `tls_expired`, `tls_name_mismatch`, `tls_client_cert_required`, `tls_not_tls`,
    /// `tls_protocol`, `timeout`, or what the connection itself says (`reset`). Cancel safe:
    /// dropping the future closes the connection.
    pub async fn handshake(
        &self,
        connection: Box<dyn Connection>,
        name: &str,
        deadline: &Deadline,
    ) -> Result<TlsConnection, Failure> {
        let server_name = server_name(name)?;
        let began = Instant::now();
        let connector = TlsConnector::from(self.config.clone());
        let connect = connector.connect(server_name, Sniffed::new(connection));
        match deadline.bound(connect.into_fallible()).await {
            Ok(Ok(stream)) => Ok(TlsConnection::new(stream, name, began.elapsed())),
            Ok(Err((error, sniffed))) => Err(explain(name, &error, &sniffed)),
            Err(expired) => Err(unfinished(name, expired)),
        }
    }
}

fn local(message: String) -> Failure {
    Failure::new(Stage::Local, Kind::File, message).by(Who::OwnKernel)
}

fn versions(options: &TlsOptions) -> Result<Vec<&'static SupportedProtocolVersion>, Failure> {
    let wanted = options.min_version..=options.max_version;
    let known = [
        (TlsVersion::Tls13, &version::TLS13),
        (TlsVersion::Tls12, &version::TLS12),
    ];
    let known = known
        .into_iter()
        .filter(|(version, _)| wanted.contains(version));
    let versions: Vec<_> = known.map(|(_, version)| version).collect();
    if versions.is_empty() {
        let (min, max) = (options.min_version.as_str(), options.max_version.as_str());
        let message = format!("no version of TLS is at least {min} and at most {max}");
        return Err(Failure::new(Stage::Local, Kind::Invalid, message).by(Who::Netkit));
    }
    Ok(versions)
}

fn read_roots(roots: &Roots) -> Result<RootCertStore, Failure> {
    let certificates = match roots {
        Roots::Platform => rustls_native_certs::load_native_certs().certs,
        Roots::Path(path) => read_path(path)?,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates);
    if added > 0 {
        return Ok(store);
    }
    Err(match roots {
        Roots::Platform => local("this machine has no trusted roots".to_owned())
            .hint("install the ca-certificates, or name a file with --ca"),
        Roots::Path(path) => local(format!("{}: no certificate in it (PEM)", path.display())),
    })
}

/// The certificates of a file, or of all files of a folder.
fn read_path(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| local(format!("{}: {error}", path.display()));
    if !path.is_dir() {
        let file = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
        return file
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(&error));
    }
    let entries = path.read_dir().map_err(|error| unreadable(&error))?;
    let mut certificates = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(&error))?;
        // Keys and lists of a folder are not its certificates.
        let file = CertificateDer::pem_file_iter(entry.path())
            .into_iter()
            .flatten();
        certificates.extend(file.filter_map(Result::ok));
    }
    Ok(certificates)
}

fn server_name(name: &str) -> Result<ServerName<'static>, Failure> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        let message = format!("{name:?} is not a name that a certificate can be for");
        Failure::new(Stage::Tls, Kind::Invalid, message).by(Who::Netkit)
    })
}

/// An encrypted connection; a [`Connection`] like the one below it.
#[derive(Debug)]
pub struct TlsConnection {
    stream: TlsStream<Sniffed>,
    facts: TlsFacts,
}

impl TlsConnection {
    fn new(stream: TlsStream<Sniffed>, name: &str, handshake: Duration) -> Self {
        let (_, session) = stream.get_ref();
        let suite = session.negotiated_cipher_suite().map(|suite| suite.suite());
        let group = session.negotiated_key_exchange_group();
        let resumed = session
            .handshake_kind()
            .map(|kind| kind == HandshakeKind::Resumed);
        let certificates = session.peer_certificates().unwrap_or_default();
        let facts = TlsFacts {
            version: session.protocol_version().and_then(version_of),
            suite: suite.map(|suite| format!("{suite:?}").replacen("TLS13_", "TLS_", 1)),
            group: group.map(|group| format!("{:?}", group.name())),
            alpn: session.alpn_protocol().map(text),
            peer_name: name.to_owned(),
            fingerprint_sha256: certificates.first().map(|leaf| fingerprint(leaf)),
            certificates: certificates.len() as u64,
            resumed,
            handshake_ms: Millis(handshake),
        };
        Self { stream, facts }
    }

    /// What the handshake came to.
    #[must_use]
    pub fn tls_facts(&self) -> &TlsFacts {
        &self.facts
    }

    fn inner(&self) -> &dyn Connection {
        self.stream.get_ref().0.inner()
    }
}

fn version_of(version: ProtocolVersion) -> Option<TlsVersion> {
    match version {
        ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
        ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// SHA-256 in hex; the hash is that of a cipher suite, which spares a crate.
fn fingerprint(certificate: &[u8]) -> String {
    let suite = crypto::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13();
    let hash = suite.expect("a suite of TLS 1.3").common.hash_provider;
    let mut hex = String::with_capacity(64);
    for byte in hash.hash(certificate).as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

impl AsyncRead for TlsConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TlsConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connection for TlsConnection {
    fn is_datagram(&self) -> bool {
        false
    }

    fn facts(&self) -> SocketFacts {
        self.inner().facts()
    }

    fn tcp_info(&self) -> Option<TcpInfo> {
        self.inner().tcp_info()
    }

    fn explain(&self, stage: Stage, error: &io::Error) -> Failure {
        match tls_error(error) {
            Some(tls) => classify(&self.facts.peer_name, tls),
            None => self.inner().explain(stage, error),
        }
    }

    fn set_close(&mut self, close: Close) {
        self.stream.get_mut().0.inner_mut().set_close(close);
    }
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// The deadline came before the end of the handshake.
fn unfinished(name: &str, expired: Expired) -> Failure {
    let message = match expired {
        Expired::TimedOut => format!("the TLS handshake with {name} did not finish in time"),
        Expired::Cancelled => format!("the TLS handshake with {name} was interrupted"),
    };
    Failure::new(Stage::Tls, Kind::Timeout, message)
}

/// Explains a handshake that failed, by its error and by what the peer sent first.
fn explain(name: &str, error: &io::Error, sniffed: &Sniffed) -> Failure {
    let first = sniffed.first();
    if let Some(tls) = tls_error(error) {
        let failure = classify(name, tls);
        if failure.kind != Kind::TlsNotTls {
            return failure;
        }
        let text = text(first);
        return failure.because(Evidence::FirstBytes { text });
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let message = format!("{name} closed the connection during the TLS handshake");
        let after_bytes = sniffed.count();
        return Failure::new(Stage::Tls, Kind::TlsProtocol, message)
            .by(Who::Peer)
            .because(Evidence::Fin { after_bytes });
    }
    sniffed.inner().explain(Stage::Tls, error)
}

/// Gives an error of the protocol its kind.
fn classify(name: &str, error: &Error) -> Failure {
    let (kind, message) = match error {
        Error::InvalidCertificate(why) => certificate(name, why),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::InvalidEmptyPayload,
        ) => (
            Kind::TlsNotTls,
            format!("{name} does not speak TLS on this port"),
        ),
        Error::AlertReceived(alert) => alerted(name, *alert),
        Error::PeerIncompatible(why) => (
            Kind::TlsProtocol,
            format!("{name} and netkit have no TLS in common: {why:?}"),
        ),
        Error::NoApplicationProtocol => (
            Kind::TlsProtocol,
            format!("{name} speaks none of the protocols offered (ALPN)"),
        ),
        other => (
            Kind::TlsProtocol,
            format!("the TLS handshake with {name} failed: {other}"),
        ),
    };
    Failure::new(Stage::Tls, kind, message).by(Who::Peer)
}

fn alerted(name: &str, alert: AlertDescription) -> (Kind, String) {
    match alert {
        AlertDescription::CertificateRequired => (
            Kind::TlsClientCertRequired,
            format!("{name} demands a client certificate"),
        ),
        AlertDescription::NoApplicationProtocol => (
            Kind::TlsProtocol,
            format!("{name} speaks none of the protocols offered (ALPN)"),
        ),
        alert => (
            Kind::TlsProtocol,
            format!("{name} broke the TLS handshake off: alert {alert:?}"),
        ),
    }
}

/// What is wrong with a certificate.
fn certificate(name: &str, why: &CertificateError) -> (Kind, String) {
    match why {
        CertificateError::ExpiredContext { time, not_after } => {
            let ago = span(*not_after, *time);
            (
                Kind::TlsExpired,
                format!("the certificate of {name} expired {ago} ago"),
            )
        }
        CertificateError::Expired => (
            Kind::TlsExpired,
            format!("the certificate of {name} has expired"),
        ),
        CertificateError::NotValidYetContext { time, not_before } => {
            let ahead = span(*time, *not_before);
            let message = format!("the certificate of {name} is valid in {ahead} only");
            (Kind::TlsExpired, message)
        }
        CertificateError::NotValidYet => (
            Kind::TlsExpired,
            format!("the certificate of {name} is not valid yet"),
        ),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = named(presented);
            let message = format!("the certificate is not for {name}: it is for {names}");
            (Kind::TlsNameMismatch, message)
        }
        CertificateError::NotValidForName => (
            Kind::TlsNameMismatch,
            format!("the certificate is not for {name}"),
        ),
        CertificateError::UnknownIssuer => {
            let message = format!("the certificate of {name} is not signed by a trusted authority");
            (Kind::TlsUntrusted, message)
        }
        other => (
            Kind::TlsUntrusted,
            format!("the certificate of {name} cannot be trusted: {other}"),
        ),
    }
}

/// The names that a certificate has, as rustls writes them: `DnsName("a.example")`.
fn named(presented: &[String]) -> String {
    let bare = |name: &String| match name.split_once('(') {
        Some((_, rest)) => rest.trim_end_matches(')').trim_matches('"').to_owned(),
        None => name.clone(),
    };
    let names: Vec<_> = presented.iter().map(bare).collect();
    if names.is_empty() {
        return "nobody".to_owned();
    }
    // The names are the peer's words.
    names.join(", ").escape_debug().to_string()
}

/// The time between two moments in its two largest units.
fn span(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours) {
        (0, 0) if minutes == 0 => format!("{seconds} s"),
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// What QUIC needs of TLS: its library has a handshake of its own.
#[cfg(feature = "quic")]
pub(in crate::net) mod quic {
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use tokio_rustls::rustls::client::WebPkiServerVerifier;
    use tokio_rustls::rustls::client::danger::{
        HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
    };
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

    use super::{TlsClient, TlsFacts, TlsVersion, classify, fingerprint, text};
    use crate::failure::Failure;
    use crate::time::Millis;

    impl TlsClient {
        /// A configuration for QUIC, with a place where the verdict on the certificate is left.
        pub(in crate::net) fn for_quic(&self) -> (ClientConfig, Arc<Verdict>) {
            let verdict = Arc::new(Verdict {
                inner: self.verifier.clone(),
                error: Mutex::new(None),
            });
            let mut config = (*self.config).clone();
            config.dangerous().set_certificate_verifier(verdict.clone());
            (config, verdict)
        }
    }

    /// A verifier that remembers why it refused a certificate: a QUIC library reports the alert alone.
    #[derive(Debug)]
    pub(in crate::net) struct Verdict {
        inner: Arc<WebPkiServerVerifier>,
        error: Mutex<Option<Error>>,
    }

    impl Verdict {
        /// The failure of a certificate that was refused.
        pub(in crate::net) fn failure(&self, name: &str) -> Option<Failure> {
            let error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
            error.as_ref().map(|error| classify(name, error))
        }

        fn note<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
            if let Err(error) = &result {
                let mut noted = self.error.lock().unwrap_or_else(PoisonError::into_inner);
                *noted = Some(error.clone());
            }
            result
        }
    }

    impl ServerCertVerifier for Verdict {
        fn verify_server_cert(
            &self,
            end_entity: &CertificateDer<'_>,
            intermediates: &[CertificateDer<'_>],
            server_name: &ServerName<'_>,
            ocsp_response: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            let inner = &self.inner;
            self.note(inner.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ))
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.note(self.inner.verify_tls12_signature(message, cert, dss))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.note(self.inner.verify_tls13_signature(message, cert, dss))
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.inner.supported_verify_schemes()
        }
    }

    /// The facts of a QUIC handshake, as far as its library tells them.
    pub(in crate::net) fn quic_facts(
        identity: Option<Box<dyn std::any::Any>>,
        alpn: Option<&[u8]>,
        name: &str,
        handshake: Duration,
    ) -> TlsFacts {
        let certificates =
            identity.and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
        let certificates = certificates
            .as_deref()
            .map(Vec::as_slice)
            .unwrap_or_default();
        TlsFacts {
            // QUIC has no other (RFC 9001 §4.2).
            version: Some(TlsVersion::Tls13),
            suite: None,
            group: None,
            alpn: alpn.map(text),
            peer_name: name.to_owned(),
            fingerprint_sha256: certificates.first().map(|leaf| fingerprint(leaf)),
            certificates: certificates.len() as u64,
            resumed: None,
            handshake_ms: Millis(handshake),
        }
    }
}
