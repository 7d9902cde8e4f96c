//! Scriptable servers of DNS over TLS, HTTPS, QUIC and HTTP/3 on loopback, with certificates of
//! their own making: they answer every question with 192.0.2.1, and misbehave on request.
//!
//! QUIC and HTTP/3 are here because no server of Debian 12 speaks them (knot 3.2 does not serve
//! QUIC yet). A test crate includes it with `#[path = "../support/secure.rs"] mod secure;`.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::{Buf, Bytes};
use hickory_resolver::proto::op::{Edns, Message};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{RData, Record};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, version};
use tokio_util::sync::CancellationToken;

/// What the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Tls,
    Https,
    Quic,
    H3,
}

impl Speaks {
    pub(crate) const ALL: [Self; 4] = [Self::Tls, Self::Https, Self::Quic, Self::H3];

    /// The scheme of a server that speaks this.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Https => "https",
            Self::Quic => "quic",
            Self::H3 => "h3",
        }
    }

    fn alpn(self) -> &'static [u8] {
        match self {
            Self::Tls => b"dot",
            Self::Https => b"h2",
            Self::Quic => b"doq",
            Self::H3 => b"h3",
        }
    }

    fn is_quic(self) -> bool {
        matches!(self, Self::Quic | Self::H3)
    }
}

/// How it behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answers.
    Answers,
    /// Takes the connection, or the packets, and says nothing: no handshake.
    Stalls,
    /// Shakes hands, takes the question and says nothing.
    Silent,
    /// Nothing listens there.
    Closed,
    /// Says something that is not TLS.
    NotTls,
    /// Closes when the handshake begins.
    HangsUp,
    /// Shakes hands, takes the question and closes.
    Closes,
    /// Closes after every answer.
    OneEach,
    /// Answers with this status of HTTP, and a page.
    Status(u16),
    /// Answers with a page of HTML.
    Html,
    /// Answers with octets that are no message.
    Garbage,
    /// Speaks TLS 1.2 and nothing newer.
    OldTls,
    /// Demands a certificate of the client.
    WantsClientCert,
}

/// Which certificate it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// For dns.example and 127.0.0.1, signed by the authority.
    Good,
    /// The same, expired in 2020.
    Expired,
    /// For other.example.
    OtherName,
    /// Signed by an authority that nobody knows.
    Untrusted,
}

/// A running server; dropping it stops it.
pub(crate) struct SecureServer {
    addr: SocketAddr,
    ca: PathBuf,
    folder: PathBuf,
    counts: Arc<Counts>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    questions: AtomicUsize,
    /// Server names that clients asked for (SNI).
    names: Mutex<Vec<Option<String>>>,
    /// Message ids of the questions.
    ids: Mutex<Vec<u16>>,
    /// Octets of the questions.
    lengths: Mutex<Vec<usize>>,
    /// The methods of HTTP.
    methods: Mutex<Vec<String>>,
}

impl SecureServer {
    pub(crate) fn start(speaks: Speaks, manner: Manner, shows: Shows) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (config, ca) = certified(speaks, &manner, shows);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("netkit-secure-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("ca.pem");
        let mut file = std::fs::File::create(&path).expect("a file");
        file.write_all(ca.as_bytes())
            .expect("room for a certificate");
        let counts = Arc::new(Counts::default());
        let stop = CancellationToken::new();
        let (ready, started) = std::sync::mpsc::channel();
        let server = Arc::new(Server {
            speaks,
            manner,
            config: Arc::new(config),
            counts: counts.clone(),
        });
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                tokio::select! {
                    () = server.serve(ready) => {}
                    () = stopped.cancelled() => {}
                }
            });
        });
        Self {
            addr: started.recv().expect("the server binds"),
            ca: path,
            folder,
            counts,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn answering(speaks: Speaks) -> Self {
        Self::start(speaks, Manner::Answers, Shows::Good)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The authority to trust, as a file.
    pub(crate) fn ca(&self) -> &PathBuf {
        &self.ca
    }

    /// Connections that were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// Questions that came.
    pub(crate) fn questions(&self) -> usize {
        self.counts.questions.load(Ordering::Relaxed)
    }

    /// The server names that were asked for.
    pub(crate) fn names(&self) -> Vec<Option<String>> {
        self.counts.names.lock().expect("no panic holds it").clone()
    }

    /// The message ids of the questions.
    pub(crate) fn ids(&self) -> Vec<u16> {
        self.counts.ids.lock().expect("no panic holds it").clone()
    }

    /// Octets of the questions, as they came out of the encryption.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        let lengths = self.counts.lengths.lock();
        lengths.expect("no panic holds it").clone()
    }

    /// The methods of HTTP that were used.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.counts
            .methods
            .lock()
            .expect("no panic holds it")
            .clone()
    }
}

impl Drop for SecureServer {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A configuration with a fresh certificate, and the authority as PEM.
fn certified(speaks: Speaks, manner: &Manner, shows: Shows) -> (ServerConfig, String) {
    let authority = authority();
    let stranger = self::authority();
    let names = match shows {
        Shows::OtherName => vec!["other.example".to_owned()],
        _ => vec!["dns.example".to_owned(), "127.0.0.1".to_owned()],
    };
    let mut params = CertificateParams::new(names).expect("plain names");
    (params.not_before, params.not_after) = match shows {
        Shows::Expired => (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1)),
        _ => (date_time_ymd(2020, 1, 1), date_time_ymd(2099, 1, 1)),
    };
    let key = KeyPair::generate().expect("a key");
    let signer = match shows {
        Shows::Untrusted => &stranger,
        _ => &authority,
    };
    let certificate = params.signed_by(&key, signer).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(default_provider());
    let versions: &[_] = match manner {
        Manner::OldTls => &[&version::TLS12],
        _ => &[&version::TLS13, &version::TLS12],
    };
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .expect("known versions");
    let chain = vec![certificate.der().clone()];
    let mut config = if *manner == Manner::WantsClientCert {
        let mut roots = tokio_rustls::rustls::RootCertStore::empty();
        roots.add(authority.der().clone()).expect("an authority");
        let verifier = tokio_rustls::rustls::server::WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            provider,
        );
        builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    }
    .with_single_cert(chain, key)
    .expect("key and certificate fit");
    config.alpn_protocols = vec![speaks.alpn().to_vec()];
    (config, authority.pem())
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("an authority")
}

struct Server {
    speaks: Speaks,
    manner: Manner,
    config: Arc<ServerConfig>,
    counts: Arc<Counts>,
}

/// Why a conversation ends; the reason does not matter to a test server.
type Ended = Box<dyn std::error::Error + Send + Sync>;

impl Server {
    async fn serve(self: Arc<Self>, ready: std::sync::mpsc::Sender<SocketAddr>) {
        if self.speaks.is_quic() {
            self.serve_quic(ready).await;
        } else {
            self.serve_tcp(ready).await;
        }
    }

    async fn serve_tcp(self: Arc<Self>, ready: std::sync::mpsc::Sender<SocketAddr>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("bound");
        if self.manner == Manner::Closed {
            drop(listener);
            ready.send(addr).expect("the test waits");
            return std::future::pending().await;
        }
        ready.send(addr).expect("the test waits");
        while let Ok((stream, _)) = listener.accept().await {
            self.counts.connections.fetch_add(1, Ordering::Relaxed);
            let server = self.clone();
            tokio::spawn(async move {
                let _ = Box::pin(server.converse(stream)).await;
            });
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> Result<(), Ended> {
        match self.manner {
            Manner::Stalls => return std::future::pending().await,
            Manner::HangsUp => {
                // Octets that are left unread would make it a reset.
                let _ = stream.read(&mut [0; 16_384]).await?;
                return Ok(());
            }
            Manner::NotTls => {
                stream.write_all(b"220 mail.example ESMTP\r\n").await?;
                return std::future::pending().await;
            }
            _ => {}
        }
        let stream = TlsAcceptor::from(self.config.clone())
            .accept(stream)
            .await?;
        let name = stream.get_ref().1.server_name().map(str::to_owned);
        self.counts
            .names
            .lock()
            .expect("no panic holds it")
            .push(name);
        match self.speaks {
            Speaks::Https => self.converse_http(stream).await,
            _ => self.converse_dot(stream).await,
        }
    }

    async fn converse_dot(
        &self,
        mut stream: tokio_rustls::server::TlsStream<TcpStream>,
    ) -> Result<(), Ended> {
        loop {
            let length = stream.read_u16().await?;
            let mut message = vec![0; usize::from(length)];
            stream.read_exact(&mut message).await?;
            let Some(reply) = self.reply(&message).await else {
                return Ok(());
            };
            let length = u16::try_from(reply.len()).expect("a small reply");
            let framed = [&length.to_be_bytes(), &reply[..]].concat();
            stream.write_all(&framed).await?;
            stream.flush().await?;
            if self.manner == Manner::OneEach {
                stream.shutdown().await?;
                return Ok(());
            }
        }
    }

    async fn converse_http(
        &self,
        stream: tokio_rustls::server::TlsStream<TcpStream>,
    ) -> Result<(), Ended> {
        let mut connection = h2::server::handshake(stream).await?;
        while let Some(request) = connection.accept().await {
            let (request, mut respond) = request?;
            let method = request.method().to_string();
            self.counts
                .methods
                .lock()
                .expect("no panic holds it")
                .push(method);
            let query = request.uri().query().map(str::to_owned);
            let mut body = request.into_body();
            let mut message = Vec::new();
            // The connection must go on while the body comes.
            tokio::select! {
                result = async {
                    while let Some(part) = body.data().await {
                        message.extend_from_slice(&part?);
                    }
                    Ok::<(), Ended>(())
                } => result?,
                _ = std::future::poll_fn(|cx| connection.poll_closed(cx)) => return Ok(()),
            }
            let message = posted(message, query.as_deref());
            let reply = tokio::select! {
                reply = self.reply(&message) => reply,
                _ = std::future::poll_fn(|cx| connection.poll_closed(cx)) => return Ok(()),
            };
            let Some(reply) = reply else {
                return Ok(());
            };
            let (head, body) = self.response(reply);
            let mut stream = respond.send_response(head, false)?;
            stream.send_data(body.into(), true)?;
            if self.manner == Manner::OneEach {
                connection.graceful_shutdown();
            }
        }
        Ok(())
    }

    /// The response of HTTP around a reply.
    fn response(&self, reply: Vec<u8>) -> (http::Response<()>, Vec<u8>) {
        let page = b"<html>no</html>".to_vec();
        let (status, media, body) = match self.manner {
            Manner::Status(status) => (status, "text/html", page),
            Manner::Html => (200, "text/html", page),
            _ => (200, "application/dns-message", reply),
        };
        let head = http::Response::builder()
            .status(status)
            .header("content-type", media)
            .header("age", "7");
        (head.body(()).expect("a plain response"), body)
    }

    /// The octets of the reply; `None` when the connection is to be closed instead.
    async fn reply(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.counts.questions.fetch_add(1, Ordering::Relaxed);
        self.counts
            .lengths
            .lock()
            .expect("no panic holds it")
            .push(message.len());
        let query = Message::from_vec(message).expect("a client sends messages");
        self.counts
            .ids
            .lock()
            .expect("no panic holds it")
            .push(query.metadata.id);
        match self.manner {
            Manner::Silent => std::future::pending().await,
            Manner::Closes => None,
            Manner::Garbage => {
                let mut bytes = message[..12].to_vec();
                bytes[2] |= 0x80;
                bytes.extend([0xff; 20]);
                Some(bytes)
            }
            _ => Some(answer(&query)),
        }
    }

    async fn serve_quic(self: Arc<Self>, ready: std::sync::mpsc::Sender<SocketAddr>) {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        if matches!(self.manner, Manner::Stalls | Manner::Closed) {
            let socket = std::net::UdpSocket::bind(any).expect("a port");
            let addr = socket.local_addr().expect("bound");
            let socket = (self.manner == Manner::Stalls).then_some(socket);
            ready.send(addr).expect("the test waits");
            let _hole = socket;
            return std::future::pending().await;
        }
        let crypto = quinn::crypto::rustls::QuicServerConfig::try_from((*self.config).clone());
        let crypto = Arc::new(crypto.expect("TLS 1.3"));
        let config = quinn::ServerConfig::with_crypto(crypto);
        let endpoint = quinn::Endpoint::server(config, any).expect("a port");
        ready
            .send(endpoint.local_addr().expect("bound"))
            .expect("the test waits");
        while let Some(incoming) = endpoint.accept().await {
            self.counts.connections.fetch_add(1, Ordering::Relaxed);
            let server = self.clone();
            tokio::spawn(async move {
                let _ = server.converse_quic(incoming).await;
            });
        }
    }

    async fn converse_quic(self: Arc<Self>, incoming: quinn::Incoming) -> Result<(), Ended> {
        let connection = incoming.await?;
        let data = connection.handshake_data();
        let data = data.and_then(|any| any.downcast::<quinn::crypto::rustls::HandshakeData>().ok());
        let name = data.and_then(|data| data.server_name);
        self.counts
            .names
            .lock()
            .expect("no panic holds it")
            .push(name);
        if self.speaks == Speaks::H3 {
            return self.converse_h3(connection).await;
        }
        loop {
            let (mut send, mut receive) = connection.accept_bi().await?;
            let bytes = receive.read_to_end(65_537).await?;
            let Some(reply) = self.reply(&bytes[2..]).await else {
                connection.close(0_u32.into(), b"bye");
                return Ok(());
            };
            let length = u16::try_from(reply.len()).expect("a small reply");
            send.write_all(&length.to_be_bytes()).await?;
            send.write_all(&reply).await?;
            send.finish()?;
        }
    }

    async fn converse_h3(&self, connection: quinn::Connection) -> Result<(), Ended> {
        let raw = h3_quinn::Connection::new(connection);
        let mut connection = h3::server::Connection::<_, Bytes>::new(raw).await?;
        while let Some(resolver) = connection.accept().await? {
            let (request, mut stream) = resolver.resolve_request().await?;
            let method = request.method().to_string();
            self.counts
                .methods
                .lock()
                .expect("no panic holds it")
                .push(method);
            let mut message = Vec::new();
            while let Some(mut part) = stream.recv_data().await? {
                let part = part.copy_to_bytes(part.remaining());
                message.extend_from_slice(&part);
            }
            let message = posted(message, request.uri().query());
            let Some(reply) = self.reply(&message).await else {
                return Ok(());
            };
            let (head, body) = self.response(reply);
            stream.send_response(head).await?;
            stream.send_data(body.into()).await?;
            stream.finish().await?;
        }
        Ok(())
    }
}

/// The message of a request, from its body or from `?dns=` (RFC 8484 §4.1).
fn posted(body: Vec<u8>, query: Option<&str>) -> Vec<u8> {
    let dns = query.and_then(|query| query.split('&').find_map(|part| part.strip_prefix("dns=")));
    match dns {
        Some(dns) => data_encoding::BASE64URL_NOPAD
            .decode(dns.as_bytes())
            .expect("base64url"),
        None => body,
    }
}

fn answer(query: &Message) -> Vec<u8> {
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.metadata.recursion_desired = query.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    let question = query.queries[0].clone();
    let data = RData::A(A([192, 0, 2, 1].into()));
    reply.add_answer(Record::from_rdata(question.name.clone(), 300, data));
    reply.add_query(question);
    if query.edns.is_some() {
        reply.set_edns(Edns::new());
    }
    reply.to_vec().expect("a reply of our own making")
}
