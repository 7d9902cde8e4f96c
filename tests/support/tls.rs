//! Authorities and servers of TLS for tests: certificates made on the spot, a server on a thread.
//!
//! A test crate includes it with `#[path = "../support/tls.rs"] mod tls_server;`.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use tokio_util::sync::CancellationToken;

/// Whoever signs certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Leaf {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        Self { issuer }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    /// A certificate for these names, changed as wanted.
    pub(crate) fn leaf(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("plain names");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2099, 1, 1);
        params.distinguished_name.push(DnType::CommonName, "leaf");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Leaf {
            chain: vec![certificate.der().clone()],
            key,
            pem: certificate.pem(),
        }
    }

    /// A certificate for 127.0.0.1, 127.0.0.2 and `web.test`.
    pub(crate) fn good(&self) -> Leaf {
        self.leaf(&["web.test", "127.0.0.1", "127.0.0.2"], |_| {})
    }
}

/// A name that is a URI.
pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().expect("plain text"))
}

/// A folder of files that goes away with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("netkit-tls-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file that nobody else can read.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("the folder can be written");
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("it is ours");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a server of TLS speaks.
pub(crate) fn config(
    leaf: &Leaf,
    clients: Option<&Authority>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .expect("known versions");
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(authority.issuer.der().clone())
                .expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.serialize_der()));
    builder
        .with_single_cert(leaf.chain.clone(), key)
        .expect("key and certificate fit")
}

/// Both versions.
pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
/// The older one alone.
pub(crate) const OLD: &[&SupportedProtocolVersion] = &[&version::TLS12];

/// A server of TLS on a thread of its own that sends back what it gets; dropping it stops it.
pub(crate) struct TlsServer {
    pub(crate) addr: SocketAddr,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl TlsServer {
    pub(crate) fn start(config: ServerConfig) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), config)
    }

    pub(crate) fn start_at(addr: SocketAddr, config: ServerConfig) -> Self {
        let stop = CancellationToken::new();
        let (ready, started) = std::sync::mpsc::channel();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::bind(addr).await.expect("a free port");
                ready
                    .send(listener.local_addr().expect("bound"))
                    .expect("the test waits");
                stopped.run_until_cancelled(serve(listener, config)).await;
            });
        });
        let addr = started.recv().expect("the server starts");
        Self {
            addr,
            stop,
            thread: Some(thread),
        }
    }

    /// `tls://127.0.0.1:port`.
    pub(crate) fn target(&self) -> String {
        format!("tls://{}", self.addr)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

async fn serve(listener: TcpListener, config: ServerConfig) {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move { echo(acceptor.accept(stream).await?).await });
    }
}

/// Sends back what it gets.
pub(crate) async fn echo<S>(mut stream: S) -> std::io::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut space = [0; 4096];
    loop {
        let count = stream.read(&mut space).await?;
        if count == 0 {
            return stream.shutdown().await;
        }
        stream.write_all(&space[..count]).await?;
        stream.flush().await?;
    }
}
