//! `netkit listen --tls`: every behaviour over TLS, clients known by their certificates, failures told.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Served;
use crate::support::netkit;

/// An authority and what it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("randomness");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a key that signs").pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    /// A certificate and its key (PEM).
    fn sign(&self, names: &[SanType]) -> (String, String) {
        let key = KeyPair::generate().expect("randomness");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.subject_alt_names = names.to_vec();
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("a key that signs");
        (certificate.pem(), key.serialize_pem())
    }
}

fn local() -> SanType {
    SanType::IpAddress([127, 0, 0, 1].into())
}

fn workload(id: &str) -> SanType {
    SanType::URI(id.try_into().expect("ASCII"))
}

/// Files that are removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netkit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        let mut file = std::fs::File::create(&path).expect("a writable folder");
        file.write_all(text.as_bytes()).expect("room on the disk");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Says something over TLS and hears the same length back; returns also the server's certificate.
fn say(
    port: u16,
    authority: &str,
    identity: Option<&(String, String)>,
    said: &[u8],
) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM"))
        .expect("a certificate");
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM")];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
            builder.with_client_auth_cert(chain, key).expect("a pair")
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let talk = async {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await?;
        stream.write_all(said).await?;
        let mut back = vec![0; said.len()];
        stream.read_exact(&mut back).await?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = certificates.first().map(|der| der.to_vec());
        stream.shutdown().await?;
        Ok((back, certificate.unwrap_or_default()))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(talk)
}

/// Starts a server whose first line is the authority it has made up.
fn self_signed(line: &str) -> (Served, String) {
    let mut served = Served::start(&format!("127.0.0.1:0 --tls-self-signed {line}"), 0);
    let authority = served.next_of("authority")["pem"]
        .as_str()
        .map(str::to_owned);
    let port = served.next_of("listening")["port"]
        .as_u64()
        .expect("a port");
    served.ports.push(u16::try_from(port).expect("a port"));
    (served, authority.expect("its certificate"))
}

#[test]
fn an_echo_over_tls_by_a_certificate_made_up_for_it() {
    let (mut served, authority) = self_signed("--once --alpn http/1.1");
    let said = vec![7; 300_000];
    assert_eq!(
        say(served.ports[0], &authority, None, &said).unwrap().0,
        said
    );
    let tls = &served.next_of("tls")["tls"];
    assert_eq!(
        (&tls["version"], &tls["alpn"]),
        (&"1.3".into(), &"http/1.1".into()),
        "{tls:#}"
    );
    assert_eq!(served.next_of("close")["cause"], "fin");
    assert_eq!(served.code(), Some(0));
}

#[test]
fn tls_ends_here_and_plain_text_goes_on_with_faults_on_the_wire() {
    let service = Served::start("127.0.0.1:0", 1);
    let line = format!(
        "--forward 127.0.0.1:{} --fault slice=100 --fault delay=5ms",
        service.ports[0]
    );
    let (mut served, authority) = self_signed(&line);
    let said: Vec<u8> = (0..20_000_u32)
        .map(|at| u8::try_from(at % 251).expect("small"))
        .collect();
    assert_eq!(
        say(served.ports[0], &authority, None, &said).unwrap().0,
        said
    );
    let close = served.next_of("close");
    assert_eq!(close["bytes_up"], 20_000, "{close:#}");
    assert!(
        close["bytes_in"].as_u64() > Some(20_000),
        "the wire carries more: {close:#}"
    );
}

#[test]
fn what_is_not_tls_is_a_typed_failure() {
    let (mut served, _) = self_signed("");
    let mut client = served.connect();
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let tls = served.next_of("tls");
    assert_eq!(tls["failure"]["kind"], "tls_not_tls", "{tls:#}");
    assert_eq!(served.next_of("close")["cause"], "handshake");
    // A certificate that the client does not trust is its own business, and told.
    let other = Authority::new();
    assert!(say(served.ports[0], &other.pem, None, b"x").is_err());
    assert_eq!(served.next_of("tls")["failure"]["kind"], "tls_protocol");
}

#[test]
fn clients_are_known_by_their_certificates() {
    let (folder, authority) = (Folder::new("mtls"), Authority::new());
    let (certificate, key) = authority.sign(&[local()]);
    let line = format!(
        "127.0.0.1:0 --tls --cert {} --key {} --client-ca {} --require-client-cert",
        folder.write("cert.pem", &certificate),
        folder.write("key.pem", &key),
        folder.write("ca.pem", &authority.pem),
    );
    let ours = authority.sign(&[workload("spiffe://example.org/web")]);
    let mut served = Served::start(&line, 1);
    say(served.ports[0], &authority.pem, Some(&ours), b"hello").unwrap();
    let tls = &served.next_of("tls")["tls"];
    assert_eq!(
        tls["client_spiffe_id"], "spiffe://example.org/web",
        "{tls:#}"
    );
    assert!(say(served.ports[0], &authority.pem, None, b"hello").is_err());
    assert_eq!(served.next_of("tls")["failure"]["stage"], "tls");
    let strangers = Authority::new().sign(&[workload("spiffe://example.org/web")]);
    assert!(say(served.ports[0], &authority.pem, Some(&strangers), b"hello").is_err());
    assert_eq!(served.next_of("tls")["failure"]["kind"], "tls_untrusted");
    let mut picky = Served::start(
        &format!("{line} --allow-spiffe-id spiffe://example.org/db"),
        1,
    );
    assert!(say(picky.ports[0], &authority.pem, Some(&ours), b"hello").is_err());
    assert_eq!(picky.next_of("tls")["failure"]["kind"], "spiffe_mismatch");
}

#[test]
fn certificates_are_read_again_on_sighup_and_connections_stay() {
    let (folder, authority) = (Folder::new("reload"), Authority::new());
    let (certificate, key) = authority.sign(&[local()]);
    let (cert_path, key_path) = (
        folder.write("cert.pem", &certificate),
        folder.write("key.pem", &key),
    );
    let line = format!("127.0.0.1:0 --tls --cert {cert_path} --key {key_path}");
    let served = Served::start(&line, 1);
    let before = say(served.ports[0], &authority.pem, None, b"x").unwrap().1;
    let (certificate, key) = authority.sign(&[local()]);
    folder.write("cert.pem", &certificate);
    folder.write("key.pem", &key);
    served.signal("HUP");
    // It is told that they were read; until then the old one is shown.
    let changed = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        say(served.ports[0], &authority.pem, None, b"x").unwrap().1 != before
    });
    assert!(changed);
}

#[test]
fn what_tls_cannot_do_is_refused() {
    let rows = [
        ("--tls", "--cert"),
        ("--tls --cert a", "--key"),
        ("--alpn h2", "--tls"),
        ("--tls-self-signed --cert a --key b", "--tls-self-signed"),
        ("--tls-self-signed --require-client-cert", "--client-ca"),
        (
            "--tls-self-signed --client-ca a --allow-spiffe-id web",
            "SPIFFE",
        ),
        ("--tls-self-signed --exec cat", "--exec"),
        ("--tls-self-signed --fault hang-up-on=x", "hang-up-on"),
        ("--tls-self-signed --tls-min 1.3 --tls-max 1.2", "--tls-min"),
    ];
    for (flags, named) in rows {
        netkit(&format!("listen 127.0.0.1:0 {flags}"))
            .run()
            .status(2)
            .complains(named);
    }
    netkit("listen 127.0.0.1:0 --tls --cert /nowhere --key /nowhere")
        .run()
        .status(6)
        .complains("/nowhere");
}
