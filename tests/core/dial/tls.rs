//! TLS under a dial: the race is decided after the handshake, and no peer can hold it up or fill
//! the memory.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netkit::addr::Target;
use netkit::dial::report::AttemptOutcome::{Cancelled, Failed, Won};
use netkit::dial::{self, Config, Report, Tls};
use netkit::event::Ignore;
use netkit::failure::{Kind, Stage};
use netkit::io::SystemIo;
use netkit::net::tls::handshake::HandshakeKind;
use netkit::net::tls::starttls::Starttls;
use netkit::net::tls::{Roots, TlsClient, TlsOptions, TlsVersion};
use netkit::run::Cx;

use super::{V4, V6, connects_after, dual_stack, ms, name, run};
use crate::fakes::Connect;
use crate::tls_server::{Authority, BOTH, Folder, OLD, TlsServer, config};

/// A client that trusts this authority and asks for this name.
fn tls(folder: &Folder, authority: &Authority, name: Option<&str>) -> Tls {
    let roots = Roots::Path(folder.write("ca.pem", authority.pem()).into());
    let options = TlsOptions {
        roots,
        ..TlsOptions::default()
    };
    Tls {
        client: TlsClient::new(&options).expect("files that are right"),
        name: name.map(str::to_owned),
        always: true,
        starttls: None,
        preamble: Vec::new(),
        resume: false,
    }
}

fn encrypted(tls: Tls) -> Config {
    Config {
        tls: Some(tls),
        ..Config::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_accepts_and_stays_silent_loses_to_one_that_speaks_tls() {
    let (folder, authority) = (Folder::new("race"), Authority::new("Root"));
    let leaf = authority.leaf(&["dual.example"], |_| {});
    let server = Arc::new(config(&leaf, None, BOTH));
    let io = dual_stack()
        .connect(V6, connects_after(1))
        .connect(V4, Connect::Tls(ms(10), server));
    let report = run(&name(), &encrypted(tls(&folder, &authority, None)), &io).await;
    assert!(report.ok, "{report:#?}");
    assert_eq!(report.peer.as_deref(), Some("192.0.2.80:80"));
    let [silent, winner] = &report.attempts[..] else {
        panic!("two attempts: {report:#?}");
    };
    assert_eq!((silent.outcome, winner.outcome), (Cancelled, Won));
    assert!(silent.tls_started_ms.is_some(), "its TCP stood: {silent:?}");
    // Paused time: only what the script waits for passes.
    assert_eq!(report.connect_ms.unwrap().0, ms(10));
    let handshake = report.tls.expect("a handshake");
    assert_eq!(handshake.peer_name, "dual.example");
    assert_eq!(handshake.sni.as_deref(), Some("dual.example"));
    assert_eq!(handshake.version, Some(TlsVersion::Tls13));
    assert_eq!(handshake.kind, Some(HandshakeKind::Full));
    assert_eq!(io.open(), 0, "every socket is closed");
}

#[tokio::test(start_paused = true)]
async fn a_bad_certificate_starts_the_next_address_at_once() {
    let (folder, authority) = (Folder::new("next"), Authority::new("Root"));
    let wrong = Arc::new(config(
        &authority.leaf(&["other.example"], |_| {}),
        None,
        BOTH,
    ));
    let right = Arc::new(config(
        &authority.leaf(&["dual.example"], |_| {}),
        None,
        BOTH,
    ));
    let io = dual_stack()
        .connect(V6, Connect::Tls(ms(1), wrong))
        .connect(V4, Connect::Tls(ms(1), right));
    let report = run(&name(), &encrypted(tls(&folder, &authority, None)), &io).await;
    assert!(report.ok, "{report:#?}");
    assert_eq!(report.attempts[0].outcome, Failed);
    let failure = report.attempts[0].failure.as_ref().unwrap();
    assert_eq!(failure.kind, Kind::TlsNameMismatch);
    assert!(failure.message.contains("other.example"), "{failure}");
    let second = report.attempts[1].started_ms.0;
    assert!(second < ms(250), "not after the delay: {second:?}");
    let verified = report.tls.unwrap().verification.unwrap();
    assert!(verified.ok, "the report is about the winner");
}

/// Dials a real address.
async fn dial(addr: SocketAddr, config: &Config) -> Report {
    let target = Target::from(addr);
    dial::run(
        &target,
        config,
        &SystemIo::default(),
        &Cx::default(),
        &mut Ignore,
    )
    .await
}

#[tokio::test]
async fn a_session_is_resumed_in_both_versions_and_the_report_says_so() {
    for versions in [BOTH, OLD] {
        let (folder, authority) = (Folder::new("resume"), Authority::new("Root"));
        let server = TlsServer::start(config(&authority.good(), None, versions));
        let mut tls = tls(&folder, &authority, None);
        tls.resume = true;
        let report = dial(server.addr, &encrypted(tls)).await;
        assert!(report.ok, "{report:#?}");
        let resumption = report.tls.unwrap().resumption.expect("a second handshake");
        assert_eq!(resumption.resumed, Some(true), "{resumption:?}");
        assert_eq!(resumption.tickets.is_some(), versions.len() == 2);
    }
}

/// A peer on a thread: what it does with the one connection that it gets.
fn peer(
    play: impl FnOnce(TcpStream) + Send + 'static,
) -> (SocketAddr, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let thread = std::thread::spawn(move || play(listener.accept().expect("a client").0));
    (addr, thread)
}

/// Reads until the client is gone.
fn wait_for_end(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

/// A record of TLS.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 3];
    record.extend(
        u16::try_from(body.len())
            .expect("a short record")
            .to_be_bytes(),
    );
    record.extend(body);
    record
}

/// The first half of a `ServerHello` that says it is 80 bytes long.
fn half_a_server_hello() -> Vec<u8> {
    let mut hello = vec![2, 0, 0, 80, 3, 3];
    hello.extend([7; 34]);
    record(22, &hello)
}

/// Far more than a client that reads no more takes.
const ENDLESS: usize = 256 * 1024 * 1024;

/// Writes the same again and again until the client has had enough; tells how much it took.
fn pour(mut stream: TcpStream, words: &[u8]) -> usize {
    let mut sent = 0;
    while sent < ENDLESS {
        match stream.write(words) {
            Ok(count) => sent += count,
            Err(_) => break,
        }
    }
    sent
}

/// What a peer does with its connection.
type Play = fn(TcpStream);

/// Peers that mean harm or speak something else, and what each is told for.
const HOSTILE: &[(&str, Play, Kind)] = &[
    ("silence", wait_for_end, Kind::Timeout),
    (
        "half a hello",
        |mut stream| {
            stream
                .write_all(&half_a_server_hello())
                .expect("the client listens");
            wait_for_end(stream);
        },
        Kind::Timeout,
    ),
    (
        "a byte now and then",
        |mut stream| {
            for byte in half_a_server_hello() {
                if stream.write_all(&[byte]).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        },
        Kind::Timeout,
    ),
    (
        "HTTP",
        |mut stream| {
            let _ = stream.read(&mut [0; 64]);
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .expect("the client listens");
            wait_for_end(stream);
        },
        Kind::TlsNotTls,
    ),
    (
        "SSH",
        |mut stream| {
            stream
                .write_all(b"SSH-2.0-OpenSSH_9.2\r\n")
                .expect("the client listens");
            wait_for_end(stream);
        },
        Kind::TlsNotTls,
    ),
    (
        "SMTP",
        |mut stream| {
            stream
                .write_all(b"220 mx ESMTP\r\n")
                .expect("the client listens");
            wait_for_end(stream);
        },
        Kind::TlsNotTls,
    ),
    (
        "an alert",
        |mut stream| {
            let _ = stream.read(&mut [0; 64]);
            stream
                .write_all(&record(21, &[2, 40]))
                .expect("the client listens");
            wait_for_end(stream);
        },
        Kind::TlsProtocol,
    ),
    (
        "an end",
        |stream| {
            let _ = (&stream).read(&mut [0; 4096]);
        },
        Kind::TlsProtocol,
    ),
    (
        "random bytes",
        |mut stream| {
            let bytes: Vec<u8> = (0..4096_u32)
                .map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_be_bytes()[3])
                .collect();
            stream.write_all(&bytes).expect("the client listens");
            wait_for_end(stream);
        },
        Kind::TlsNotTls,
    ),
    (
        "a hello with a version nobody speaks",
        |mut stream| {
            let mut hello = vec![2, 0, 0, 38, 3, 1];
            hello.extend([7; 32]);
            hello.extend([0, 0xc0, 0x2b, 0]);
            let _ = stream.read(&mut [0; 64]);
            stream
                .write_all(&record(22, &hello))
                .expect("the client listens");
            wait_for_end(stream);
        },
        Kind::TlsProtocol,
    ),
];

#[tokio::test]
async fn no_peer_outlasts_the_timeout_and_each_is_told_for_what_it_is() {
    let (folder, authority) = (Folder::new("hostile"), Authority::new("Root"));
    for (what, play, kind) in HOSTILE {
        let (addr, thread) = peer(*play);
        let mut config = encrypted(tls(&folder, &authority, Some("web.test")));
        config.timeout = ms(300);
        let began = Instant::now();
        let report = dial(addr, &config).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{what}: it hung");
        let failure = report.failure.expect(what);
        assert_eq!(
            (failure.stage, failure.kind),
            (Stage::Tls, *kind),
            "{what}: {failure:?}"
        );
        assert!(
            failure.hint.is_some() || *kind == Kind::TlsProtocol,
            "{what}: {failure:?}"
        );
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn endless_records_are_not_taken_in() {
    let rows: [(&str, Vec<u8>); 6] = [
        ("empty handshake records", record(22, &[])),
        ("warnings", record(21, &[1, 90])),
        ("changes of cipher", record(20, &[1])),
        ("hello requests", record(22, &[0, 0, 0, 0])),
        ("application data", record(23, &[0; 8192])),
        (
            "a handshake message without end",
            record(22, &[[2, 0xff, 0xff, 0xff].as_slice(), &[0; 8192]].concat()),
        ),
    ];
    let (folder, authority) = (Folder::new("endless"), Authority::new("Root"));
    for (what, words) in rows {
        let (took, taken) = std::sync::mpsc::channel();
        let (addr, thread) =
            peer(move |stream| took.send(pour(stream, &words.repeat(64))).unwrap());
        let mut config = encrypted(tls(&folder, &authority, Some("web.test")));
        config.timeout = ms(500);
        let report = dial(addr, &config).await;
        let failure = report.failure.expect(what);
        assert_eq!(failure.stage, Stage::Tls, "{what}: {failure:?}");
        let taken = taken.recv().unwrap();
        // What the kernels of both sides hold, and not more.
        assert!(taken < ENDLESS / 4, "{what}: {taken} bytes were taken in");
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn words_put_in_after_the_go_ahead_are_noticed() {
    let (addr, thread) = peer(|mut stream| {
        stream.write_all(b"220 mx\r\n").unwrap();
        let _ = stream.read(&mut [0; 64]);
        stream.write_all(b"250-mx\r\n250 STARTTLS\r\n").unwrap();
        let _ = stream.read(&mut [0; 64]);
        stream.write_all(b"220 go\r\n250 injected\r\n").unwrap();
        wait_for_end(stream);
    });
    let (folder, authority) = (Folder::new("inject"), Authority::new("Root"));
    let mut tls = tls(&folder, &authority, Some("web.test"));
    tls.starttls = Some(Starttls::Smtp);
    let report = dial(addr, &encrypted(tls)).await;
    let failure = report.failure.expect("no TLS");
    assert_eq!(failure.kind, Kind::TlsProtocol, "{failure:?}");
    assert!(failure.message.contains("14 bytes in clear"), "{failure}");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_starttls_server_that_never_says_go_ends_with_the_timeout() {
    let (folder, authority) = (Folder::new("stall"), Authority::new("Root"));
    for protocol in Starttls::ALL {
        let (addr, thread) = peer(wait_for_end);
        let mut tls = tls(&folder, &authority, Some("web.test"));
        tls.starttls = Some(protocol);
        let mut config = encrypted(tls);
        config.timeout = ms(100);
        let report = dial(addr, &config).await;
        let failure = report.failure.expect("no TLS");
        assert_eq!(
            (failure.stage, failure.kind),
            (Stage::Tls, Kind::Timeout),
            "{protocol:?}"
        );
        thread.join().unwrap();
    }
}
