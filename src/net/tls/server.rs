//! The server's side of TLS: certificates that can be changed while it serves, and who may come in.
//!
//! It shakes hands over any stream, so that faults can lie below TLS; what is known of the client is
//! said by [`TlsAccepted`].

mod clients;
mod self_signed;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::explain::{ALERT, classify, guess, is_tls, tls_error};
use super::facts;
use super::library::rustls::sign::SingleCertAndKey;
use super::library::rustls::{ServerConfig, version};
use super::library::{ServerStream, TlsAcceptor, provider};
use super::serving::{TlsAccepted, TlsServerOptions};
use super::{Identity, Part, TlsVersion, Unprepared, WorkloadIdentity};
use crate::deadline::{Deadline, Expired};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::net::layers::Prefixed;

/// A stream that was decrypted.
pub type TlsServerStream<S> = ServerStream<Prefixed<S>>;

/// The first byte of every TLS connection: a handshake record (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 22;
/// Bytes that are shown of a client that does not speak TLS …
const SHOWN: usize = 64;
/// … and characters of them in a sentence.
const SAID: usize = 24;

/// Ready to shake hands with clients. Cheap to clone; all clones change together.
#[derive(Clone)]
pub struct TlsServer {
    options: Arc<TlsServerOptions>,
    config: Arc<Mutex<Arc<ServerConfig>>>,
    warnings: Arc<Vec<String>>,
    authority: Option<Arc<str>>,
}

impl std::fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TlsServer").field(&self.options).finish()
    }
}

impl TlsServer {
    /// Reads certificates, key and authorities, or makes them up where they are to be thrown away.
    ///
    /// Errs (stage `local`) when a file cannot be read, has not what it should, or when key and
    /// certificate do not belong together. Blocks on files.
    pub fn new(options: TlsServerOptions) -> Result<Self, Unprepared> {
        let made = match &options.identity {
            Some(_) => None,
            None => Some(self_signed::make(&options.names)?),
        };
        let (identity, authority) = match (&options.identity, made) {
            (Some(files), _) => (Identity::read(files)?, None),
            (None, Some((identity, authority))) => (identity, Some(authority)),
            (None, None) => return Err(local("there is no certificate".to_owned()).into()),
        };
        let config = config(&options, &identity, None)?;
        Ok(Self {
            config: Arc::new(Mutex::new(Arc::new(config))),
            warnings: Arc::new(identity.warnings().to_vec()),
            options: Arc::new(options),
            authority: authority.map(Into::into),
        })
    }

    /// Proves who it is by the identity that the Workload API gave. Clients are asked for theirs, and
    /// believed by the authorities of their trust domain, unless `client_ca` names others.
    ///
    /// Errs (stage `local`) when an authority cannot be used.
    pub fn of_workload(
        options: TlsServerOptions,
        identity: &WorkloadIdentity,
    ) -> Result<Self, Unprepared> {
        let config = config(&options, identity.identity(), Some(identity))?;
        Ok(Self {
            config: Arc::new(Mutex::new(Arc::new(config))),
            warnings: Arc::default(),
            options: Arc::new(options),
            authority: None,
        })
    }

    /// Takes another identity: connections that come from now on get it, those that are there keep
    /// what they have. On an error everything stays as it is.
    pub fn adopt(&self, identity: &WorkloadIdentity) -> Result<(), Unprepared> {
        self.replace(config(&self.options, identity.identity(), Some(identity))?);
        Ok(())
    }

    fn replace(&self, fresh: ServerConfig) {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        *config = Arc::new(fresh);
    }

    /// Reads the files again; connections that come from now on get what is there, those that are
    /// there keep what they have. On an error everything stays as it is. Blocks on files.
    pub fn reload(&self) -> Result<(), Unprepared> {
        let Some(files) = &self.options.identity else {
            return Ok(());
        };
        self.replace(config(&self.options, &Identity::read(files)?, None)?);
        Ok(())
    }

    /// The files it reads.
    #[must_use]
    pub fn options(&self) -> &TlsServerOptions {
        &self.options
    }

    /// What is worth telling about the files.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The certificate (PEM) of the authority that was made up, for clients to trust.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    fn current(&self) -> Arc<ServerConfig> {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
    }

    /// Shakes hands with a client; `name` is what it is called in failures.
    ///
    /// Errs with stage `tls` and the kind that says what was wrong. Cancel safe: dropping the future
    /// drops the stream.
    pub async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        name: &str,
        deadline: &Deadline,
    ) -> Result<(TlsServerStream<S>, TlsAccepted), Failure> {
        let began = Instant::now();
        let shake = async {
            let first = first_bytes(&mut stream, name).await?;
            let acceptor = TlsAcceptor::from(self.current());
            let accepted = acceptor.accept(Prefixed::new(stream, first)).await;
            accepted.map_err(|error| explain(name, &error))
        };
        let stream = match deadline.bound(shake).await {
            Ok(result) => result?,
            Err(Expired::TimedOut) => return Err(too_late(name)),
            Err(Expired::Cancelled) => return Err(interrupted(name)),
        };
        let (_, session) = stream.get_ref();
        let certificates = session.peer_certificates().unwrap_or_default();
        let facts = facts::of(session, name, began.elapsed());
        let accepted = TlsAccepted {
            version: facts.version,
            suite: facts.suite,
            group: facts.group,
            alpn: facts.alpn,
            sni: session.server_name().map(str::to_owned),
            resumed: facts.resumed,
            client_fingerprint_sha256: facts.fingerprint_sha256,
            client_spiffe_id: super::spiffe::id_of(certificates),
            handshake_ms: facts.handshake_ms,
        };
        // Whoever showed a certificate was asked during the handshake.
        let may_enter = clients::may_enter(&self.options.allow_spiffe_ids, certificates);
        may_enter.map_err(|why| stranger(name, &why))?;
        Ok((stream, accepted))
    }
}

fn config(
    options: &TlsServerOptions,
    identity: &Identity,
    workload: Option<&WorkloadIdentity>,
) -> Result<ServerConfig, Unprepared> {
    let versions = match options.max_version {
        TlsVersion::Tls12 => vec![&version::TLS12],
        TlsVersion::Tls13 if options.min_version == TlsVersion::Tls13 => vec![&version::TLS13],
        TlsVersion::Tls13 => vec![&version::TLS13, &version::TLS12],
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions)
        .map_err(|error| local(format!("TLS cannot be set up: {error}")))?;
    let verifier = clients::verifier(options, workload);
    let verifier = verifier.map_err(|failure| Part::Authorities.is_wrong(failure))?;
    let builder = match verifier {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier),
    };
    let certified = Arc::new(SingleCertAndKey::from(identity.certified()));
    let mut config = builder.with_cert_resolver(certified);
    let alpn = options.alpn.iter();
    config.alpn_protocols = alpn.map(|name| name.as_bytes().to_vec()).collect();
    Ok(config)
}

/// Waits for the client's first bytes, and says no if they cannot be TLS.
async fn first_bytes(
    stream: &mut (impl AsyncRead + Unpin),
    name: &str,
) -> Result<Vec<u8>, Failure> {
    let mut first = vec![0; SHOWN];
    let count = stream.read(&mut first).await;
    let count = count.map_err(|error| explain(name, &error))?;
    first.truncate(count);
    match first.first() {
        // An alert is TLS too: somebody who gives up before it has begun.
        Some(&(HANDSHAKE_RECORD | ALERT)) if is_tls(&first) => Ok(first),
        None => Err(explain(name, &io::ErrorKind::UnexpectedEof.into())),
        Some(_) => Err(not_tls(name, &first)),
    }
}

/// A client that speaks something else, and what that looks like.
fn not_tls(name: &str, first: &[u8]) -> Failure {
    const METHODS: [&[u8]; 7] = [
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"PUT ",
        b"DELETE ",
        b"OPTIONS ",
        b"PRI ",
    ];
    let text = facts::text(first);
    let guess = match guess(first) {
        _ if METHODS.iter().any(|method| first.starts_with(method)) => Some("plain HTTP"),
        _ if first.starts_with(b"EHLO") || first.starts_with(b"HELO") => Some("SMTP"),
        guess => guess.map(|(protocol, _)| protocol),
    };
    let why = guess.map_or_else(
        || {
            format!(
                "it begins with \"{}\"",
                text.chars().take(SAID).collect::<String>()
            )
        },
        |protocol| format!("this is {protocol}"),
    );
    let message = format!("{name} does not speak TLS: {why}");
    Failure::new(Stage::Tls, Kind::TlsNotTls, message)
        .by(Who::Peer)
        .hint("the client has to speak TLS, or the address to be served without --tls")
        .because(Evidence::FirstBytes { text })
}

fn explain(name: &str, error: &io::Error) -> Failure {
    if let Some(tls) = tls_error(error) {
        if let Some(why) = clients::denied(tls) {
            return stranger(name, why);
        }
        let failure = classify(name, tls);
        return match failure.kind {
            Kind::TlsUntrusted => failure.by(Who::Netkit).hint(
                "--client-ca names the authorities of clients; the certificate is for them to mend",
            ),
            // It began as TLS does.
            Kind::TlsNotTls => Failure {
                kind: Kind::TlsProtocol,
                message: format!("{name} broke the rules of TLS"),
                hint: None,
                ..failure
            },
            _ => failure,
        };
    }
    let (kind, message) = match error.kind() {
        io::ErrorKind::UnexpectedEof => (
            Kind::TlsProtocol,
            format!("{name} closed the connection during the TLS handshake"),
        ),
        io::ErrorKind::ConnectionReset => (
            Kind::Reset,
            format!("{name} reset the connection during the TLS handshake"),
        ),
        _ => (
            Kind::TlsProtocol,
            format!("the TLS handshake with {name} failed: {error}"),
        ),
    };
    Failure::new(Stage::Tls, kind, message).by(Who::Peer)
}

/// A client whose certificate is in order and that is none of those who may come in.
fn stranger(name: &str, why: &str) -> Failure {
    let message = format!("{name} {why}");
    Failure::new(Stage::Tls, Kind::SpiffeMismatch, message).by(Who::Netkit)
}

fn too_late(name: &str) -> Failure {
    let message = format!("the TLS handshake with {name} did not finish in time");
    Failure::new(Stage::Tls, Kind::Timeout, message)
}

fn interrupted(name: &str) -> Failure {
    let message = format!("the TLS handshake with {name} was interrupted");
    Failure::new(Stage::Tls, Kind::Timeout, message)
}

fn local(message: String) -> Failure {
    Failure::new(Stage::Local, Kind::Invalid, message).by(Who::Netkit)
}
