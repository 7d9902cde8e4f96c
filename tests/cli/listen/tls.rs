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
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netkit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> String {
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
pub(super) fn say(
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
pub(super) fn self_signed(line: &str) -> (Served, String) {
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
    let message = tls["failure"]["message"].as_str().unwrap();
    assert!(message.ends_with("this is plain HTTP"), "{message}");
    assert_eq!(served.next_of("close")["cause"], "handshake");
    // An alert is TLS, if not much of it.
    let mut client = served.connect();
    client.write_all(b"\x15\x03\x01\x00\x02\x02\x28").unwrap();
    let failure = &served.next_of("tls")["failure"];
    assert_eq!(failure["kind"], "tls_protocol", "{failure:#}");
    assert!(
        failure["message"]
            .as_str()
            .unwrap()
            .contains("handshake_failure")
    );
    // A certificate that the client does not trust is its own business, and told.
    let other = Authority::new();
    assert!(say(served.ports[0], &other.pem, None, b"x").is_err());
    assert_eq!(served.next_of("tls")["failure"]["kind"], "tls_protocol");
}

#[test]
fn a_key_that_others_can_read_is_told_of_in_a_line() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, authority) = (Folder::new("open-key"), Authority::new());
    let (certificate, key) = authority.sign(&[local()]);
    let (cert, key) = (
        folder.write("cert.pem", &certificate),
        folder.write("key.pem", &key),
    );
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let line = format!("127.0.0.1:0 127.0.0.1:0 --tls --cert {cert} --key {key}");
    let mut served = Served::start(&line, 2);
    let warning = served.next();
    assert_eq!(warning["type"], "warning", "{warning:#}");
    let message = warning["message"].as_str().unwrap_or_default();
    assert!(message.contains("(mode 644)"), "{message}");
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
    assert_eq!(
        served.next_of("tls")["failure"]["kind"],
        "tls_client_cert_required"
    );
    let strangers = Authority::new().sign(&[workload("spiffe://example.org/web")]);
    assert!(say(served.ports[0], &authority.pem, Some(&strangers), b"hello").is_err());
    assert_eq!(served.next_of("tls")["failure"]["kind"], "tls_untrusted");
    let mut picky = Served::start(
        &format!("{line} --allow-spiffe-id spiffe://example.org/db"),
        1,
    );
    assert!(say(picky.ports[0], &authority.pem, Some(&ours), b"hello").is_err());
    assert_eq!(picky.next_of("tls")["failure"]["kind"], "spiffe_mismatch");
    // Refused during the handshake: an alert says so, whether or not the client goes on to read.
    let dial = format!(
        "dial tls://127.0.0.1:{} --insecure --cert {} --key {}",
        picky.ports[0],
        folder.write("ours.pem", &ours.0),
        folder.write("ours.key", &ours.1),
    );
    netkit(&dial)
        .run()
        .status(4)
        .says("refused our certificate");
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

/// A server by files in a folder, which changes them, and what it says about that.
struct Reloading {
    folder: Folder,
    authority: Authority,
    served: Served,
    said: PathBuf,
}

impl Reloading {
    /// `place` puts the first certificate and key where `cert.pem` and `key.pem` are found.
    fn start(name: &str, place: impl FnOnce(&Folder, &(String, String))) -> Self {
        let (folder, authority) = (Folder::new(name), Authority::new());
        place(&folder, &authority.sign(&[local()]));
        let said = folder.0.join("said");
        let path = |name| folder.0.join(name).display().to_string();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_netkit"));
        command
            .args(["listen", "127.0.0.1:0", "--json", "--tls"])
            .args(["--cert", &path("cert.pem"), "--key", &path("key.pem")])
            .stderr(std::fs::File::create(&said).expect("a writable folder"));
        let served = Served::spawn(&mut command, 1);
        Self {
            folder,
            authority,
            served,
            said,
        }
    }

    /// The certificate that is shown now.
    fn shown(&self) -> Vec<u8> {
        let pem = &self.authority.pem;
        say(self.served.ports[0], pem, None, b"x")
            .expect("a handshake")
            .1
    }

    /// Waits until it has said so, as often as that.
    fn has_said(&self, words: &str, times: usize) {
        let begun = std::time::Instant::now();
        loop {
            let said = std::fs::read_to_string(&self.said).expect("it is there");
            if said.matches(words).count() >= times {
                return;
            }
            assert!(begun.elapsed().as_secs() < 30, "{words}: {said}");
            std::thread::yield_now();
        }
    }

    /// Puts a file in the place of another in one step.
    fn rename_to(&self, name: &str, text: &str) {
        let fresh = self.folder.write("fresh", text);
        std::fs::rename(fresh, self.folder.0.join(name)).expect("the same folder");
    }
}

fn der(pem: &str) -> Vec<u8> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes());
    der.expect("PEM").to_vec()
}

#[test]
fn files_that_change_are_read_again_and_a_broken_one_changes_nothing() {
    let served = Reloading::start("change", |folder, (certificate, key)| {
        folder.write("cert.pem", certificate);
        folder.write("key.pem", key);
    });
    let before = served.shown();
    let (certificate, key) = served.authority.sign(&[local()]);
    // The certificate comes before its key: for a moment they do not belong together.
    served.rename_to("cert.pem", &certificate);
    served.has_said("the old ones stay: ", 1);
    assert_eq!(served.shown(), before);
    served.rename_to("key.pem", &key);
    served.has_said("certificates read again", 1);
    assert_eq!(served.shown(), der(&certificate));
    served.rename_to("cert.pem", "-----BEGIN CERTIFICATE-----\nbroken\n");
    served.has_said("the old ones stay: --cert: ", 1);
    assert_eq!(served.shown(), der(&certificate));
    // Reading is asked for, and as broken as before.
    served.served.signal("HUP");
    served.has_said("the old ones stay: --cert: ", 2);
    std::fs::remove_file(served.folder.0.join("cert.pem")).expect("it is there");
    served.has_said("No such file", 1);
    assert_eq!(served.shown(), der(&certificate));
    let (certificate, key) = served.authority.sign(&[local()]);
    served.rename_to("key.pem", &key);
    served.rename_to("cert.pem", &certificate);
    served.has_said("certificates read again", 2);
    assert_eq!(served.shown(), der(&certificate));
}

#[test]
fn a_folder_that_is_swapped_as_kubernetes_does_is_read_again() {
    use std::os::unix::fs::symlink;
    let write = |folder: &Folder, name: &str, (certificate, key): &(String, String)| {
        std::fs::create_dir(folder.0.join(name)).expect("a new folder");
        folder.write(&format!("{name}/cert.pem"), certificate);
        folder.write(&format!("{name}/key.pem"), key);
    };
    // A secret that is mounted: files are links into `..data`, which is a link to a folder.
    let served = Reloading::start("swapped", |folder, pair| {
        write(folder, "..1", pair);
        symlink("..1", folder.0.join("..data")).expect("a new link");
        for name in ["cert.pem", "key.pem"] {
            symlink(format!("..data/{name}"), folder.0.join(name)).expect("a new link");
        }
    });
    let pair = served.authority.sign(&[local()]);
    write(&served.folder, "..2", &pair);
    let (fresh, data) = (
        served.folder.0.join("..data_tmp"),
        served.folder.0.join("..data"),
    );
    symlink("..2", &fresh).expect("a new link");
    std::fs::rename(fresh, data).expect("the same folder");
    served.has_said("certificates read again", 1);
    assert_eq!(served.shown(), der(&pair.0));
}

#[test]
fn a_client_that_speaks_no_protocol_of_ours_is_told_so() {
    // The alert lies behind the ServerHello: both have to leave.
    let (served, _) = self_signed("--alpn h2");
    let dial = format!("dial tls://127.0.0.1:{} --insecure", served.ports[0]);
    netkit(&format!("{dial} --alpn http/1.1"))
        .run()
        .status(4)
        .says("no_application_protocol");
    netkit(&format!("{dial} --alpn h2")).run().status(0);
}

#[test]
fn what_is_made_up_is_named_after_its_place() {
    let (served, authority) = self_signed("");
    let leaf = say(served.ports[0], &authority, None, b"x").unwrap().1;
    let subjects = [&leaf[..], &der(&authority)].map(|der| {
        let text = String::from_utf8_lossy(der).into_owned();
        assert!(!text.contains("rcgen"), "{text:?}");
        text
    });
    assert!(subjects[0].contains("localhost"), "{subjects:?}");
    assert!(subjects[1].contains("netkit throw-away CA"), "{subjects:?}");
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
        ("--tls-self-signed --tls-min 1.3 --tls-max 1.2", "--tls-min"),
        (
            "--tls-self-signed --http --alpn http/1.1,h2",
            "--alpn h2 does not go with --http",
        ),
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

#[test]
fn a_dial_says_that_it_ends_unless_it_is_to_reset() {
    for (flags, code) in [("", 0), ("--close rst", 1)] {
        let (mut served, authority) = self_signed("--once");
        let folder = Folder::new("ends");
        let line = format!(
            "dial 127.0.0.1:{} --tls --ca {} --send x --read 1 {flags}",
            served.ports[0],
            folder.write("ca.pem", &authority)
        );
        netkit(&line).run().status(0);
        assert_eq!(served.code(), Some(code), "{line}");
    }
}

#[test]
fn a_connection_that_ends_without_tls_being_ended_is_told_by_both_sides() {
    let (mut served, authority) = self_signed("--once");
    let folder = Folder::new("cut");
    let between = Served::start(
        &format!(
            "127.0.0.1:0 --forward 127.0.0.1:{} --fault fin-after=300ms",
            served.ports[0]
        ),
        1,
    );
    let line = format!(
        "dial 127.0.0.1:{} --tls --ca {} --send x --expect more --json",
        between.ports[0],
        folder.write("ca.pem", &authority)
    );
    let report = netkit(&line).run().status(1).one();
    let failure = &report["failure"];
    assert_eq!(
        (&failure["kind"], &failure["who"]["party"]),
        (&"closed_early".into(), &"peer".into()),
        "{failure:#}"
    );
    for told in [&failure["message"], &served.next_of("close")["error"]] {
        let told = told.as_str().unwrap_or_default();
        assert!(told.contains("without TLS close_notify"), "{told}");
    }
    assert_eq!(served.code(), Some(0));
}
