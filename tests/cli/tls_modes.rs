//! TLS in every mode of `dial`, and what its report tells of rarer handshakes.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use serde_json::Value;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring::{default_provider, kx_group};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, Stream};

use crate::support::{Server, netkit, valid};
use crate::tls::{World, line, serve};
use crate::tls_server::{BOTH, Leaf, TlsServer, config, uri};

/// A server with a provider of its own, and what it staples.
fn special(leaf: &Leaf, provider: CryptoProvider, ocsp: Vec<u8>) -> TlsServer {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert_with_ocsp(leaf.chain.clone(), key, ocsp)
        .expect("key and certificate fit");
    TlsServer::start(config)
}

/// The lines of a run, each checked against the contract.
fn lines(stdout: &str) -> Vec<Value> {
    stdout.lines().map(line).collect()
}

#[test]
fn a_server_that_wants_another_group_costs_a_round_trip_and_is_told() {
    let world = World::new("hrr");
    let provider = CryptoProvider {
        kx_groups: vec![kx_group::SECP384R1],
        ..default_provider()
    };
    let server = special(&world.authority.good(), provider, Vec::new());
    let run = netkit(&world.dial(&server, "--json")).run().status(0);
    let tls = &line(&run.stdout)["tls"];
    assert_eq!(tls["kind"], "hello_retry", "{tls:#}");
    assert_eq!(tls["group"], "secp384r1", "{tls:#}");
}

#[test]
fn a_stapled_response_is_told_of() {
    let world = World::new("ocsp");
    for (ocsp, stapled) in [(Vec::new(), false), (b"a response".to_vec(), true)] {
        let server = special(&world.authority.good(), default_provider(), ocsp);
        let run = netkit(&world.dial(&server, "--json")).run().status(0);
        assert_eq!(line(&run.stdout)["tls"]["ocsp_stapled"], stapled);
    }
}

#[test]
fn many_dials_and_repeated_ones_shake_hands_each() {
    let world = World::new("modes");
    let (one, other) = (
        serve(&world.authority.good()),
        serve(&world.authority.good()),
    );
    let run = netkit(&world.dial(&one, "-c 3 -i 100ms --json"))
        .run()
        .status(0);
    // A machine that is late skips some.
    let repeated = lines(&run.stdout);
    let mut dials = repeated.iter().filter(|one| one["type"] == "dial");
    assert!(dials.clone().count() > 0, "{run}");
    assert!(dials.all(|one| one["tls"]["kind"] == "full"), "{run}");
    let more = format!("{} -P 2 --json", other.target());
    let run = netkit(&world.dial(&one, &more)).run().status(0);
    let many = lines(&run.stdout);
    let shaken = many.iter().filter(|one| one["tls"]["version"] == "1.3");
    assert_eq!(shaken.count(), 2, "{run}");
    // One of them is somebody else: each has its own verdict.
    let stranger = serve(&world.authority.leaf(&["other.test"], |_| {}));
    let more = format!("{} -P 2 --json", stranger.target());
    let run = netkit(&world.dial(&one, &more)).run().status(4);
    let kinds: Vec<_> = lines(&run.stdout)
        .iter()
        .filter(|one| one["type"] == "dial")
        .map(|one| one["failure"]["kind"].clone())
        .collect();
    assert_eq!(kinds.len(), 2, "{run}");
    assert!(kinds.contains(&Value::Null) && kinds.contains(&"tls_name_mismatch".into()));
}

/// A server that accepts at once and takes its time before it speaks TLS.
fn slow(leaf: &Leaf, delay: Duration) -> Server {
    let config = Arc::new(config(leaf, None, BOTH));
    Server::tcp(move |mut stream| {
        std::thread::sleep(delay);
        let mut session = ServerConnection::new(config.clone()).expect("a session");
        let _ = Stream::new(&mut session, &mut stream).read(&mut [0; 1]);
    })
}

#[test]
fn a_target_with_tls_is_connected_when_the_handshake_is_done() {
    let world = World::new("slow");
    let server = slow(&world.authority.good(), Duration::from_millis(400));
    let target = format!(
        "tls://{} --ca {} -c 2 -i 50ms -t 20s",
        server.addr, world.ca
    );
    let run = netkit(&format!("dial {target} --json")).run().status(0);
    let all = lines(&run.stdout);
    let probe = all.iter().find(|line| line["type"] == "dial");
    let probe = probe.expect("a probe");
    assert!(probe["tls_ms"].as_f64() > Some(399.0), "{run}");
    assert!(probe["connect_ms"].as_f64() < Some(399.0), "{run}");
    let rtt = &all.last().expect("a summary")["probes"][0]["rtt"];
    assert!(rtt["min_ms"].as_f64() > Some(399.0), "{run}");

    let gate = "--fail-if p99>350ms --json";
    let run = netkit(&format!("heartbeat {target} {gate}"))
        .run()
        .status(5);
    let all = lines(&run.stdout);
    let mut beats = all.iter().filter(|line| line["type"] == "beat");
    assert!(
        beats.all(|beat| beat["rtt_ms"].as_f64() > Some(399.0)),
        "{run}"
    );
}

#[test]
fn our_own_patience_after_a_handshake_is_no_time_of_the_server() {
    let world = World::new("patience");
    let client = world.authority.leaf(&["client.test"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let (cert, key) = (
        world.folder.write("client.pem", &client.pem),
        world.folder.write("client.key", client.key.serialize_pem()),
    );
    // It asks who we are, and says nothing after that: whether it refuses is waited for.
    let mut silent = config(&world.authority.good(), Some(&world.authority), BOTH);
    silent.send_tls13_tickets = 0;
    let server = TlsServer::start(silent);
    let more = format!("--cert {cert} --key {key} -c 1 -t 20s --json");
    let run = netkit(&world.dial(&server, &more)).run().status(0);
    let all = lines(&run.stdout);
    let (probe, summary) = (&all[0], all.last().expect("a summary"));
    let [connect, tls, handshake] = [
        &probe["connect_ms"],
        &probe["tls_ms"],
        &probe["tls"]["handshake_ms"],
    ]
    .map(|time| time.as_f64().expect("a time"));
    assert!(tls > handshake + 99.0, "{run}");
    let rtt = summary["probes"][0]["rtt"]["max_ms"]
        .as_f64()
        .expect("a time");
    assert!((rtt - connect - handshake).abs() < 1.0, "{run}");
}

#[test]
fn an_encrypted_connection_is_held_and_what_comes_is_counted() {
    let world = World::new("hold");
    let server = serve(&world.authority.good());
    let words = world.dial(&server, "--hold 100ms --send hello --read 5 --json");
    let report = line(&netkit(&words).run().status(0).stdout);
    assert_eq!(report["hold"]["alive"], true, "{report:#}");
    assert_eq!(report["exchange"]["received"]["text"], "hello");
}

#[test]
fn waiting_goes_on_until_the_handshake_works() {
    let world = World::new("wait");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let config = Arc::new(config(&world.authority.good(), None, BOTH));
    let server = std::thread::spawn(move || {
        // The first is accepted, and nobody speaks TLS yet. What it says is read to its end: a
        // close with bytes unread would be a reset, or not, as the bytes came after or before.
        let (mut stream, _) = listener.accept().expect("a client");
        let mut header = [0; 5];
        stream.read_exact(&mut header).expect("a record");
        let length = u16::from_be_bytes([header[3], header[4]]);
        let mut hello = vec![0; length.into()];
        stream.read_exact(&mut hello).expect("a ClientHello");
        drop(stream);
        let (mut stream, _) = listener.accept().expect("it comes again");
        let mut session = ServerConnection::new(config).expect("a session");
        let _ = Stream::new(&mut session, &mut stream).read(&mut [0; 1]);
    });
    let words = format!("dial tls://{addr} --ca {} --wait 20s --json", world.ca);
    let run = netkit(&words).run().status(0);
    let all = lines(&run.stdout);
    let types: Vec<_> = all.iter().map(|one| one["type"].clone()).collect();
    assert_eq!(types, ["retry", "ready", "summary"], "{run}");
    assert_eq!(all[0]["outcome"], "tls_protocol", "{run}");
    server.join().expect("it was asked twice");
}

#[test]
fn a_certificate_of_a_bundle_is_no_workload_by_itself() {
    let world = World::new("pinned");
    let leaf = world.authority.leaf(&["127.0.0.1"], |params| {
        params.subject_alt_names.push(uri("spiffe://td.test/web"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    let server = serve(&leaf);
    let pem = world.folder.write("leaf.pem", &leaf.pem);
    // Named one by one it is trusted as the host that it is for, and not as a workload.
    netkit(&format!("dial {} --ca {pem}", server.target()))
        .run()
        .status(0);
    let words = "--spiffe-id spiffe://td.test/web --json";
    let run = netkit(&format!(
        "dial {} --spiffe-bundle {pem} {words}",
        server.target()
    ))
    .run();
    let report = line(&run.status(4).stdout);
    assert_eq!(report["failure"]["kind"], "tls_untrusted", "{report:#}");
    assert_eq!(report["tls"]["spiffe_id"], "spiffe://td.test/web");
    netkit(&format!(
        "dial {} --spiffe-bundle {} {words}",
        server.target(),
        world.ca
    ))
    .run()
    .status(0);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_flag() {
    let world = World::new("named");
    let leaf = world.authority.good();
    let cert = world.folder.write("cert.pem", &leaf.pem);
    let key = world.folder.write("key.pem", leaf.key.serialize_pem());
    let empty = world.folder.write("empty.pem", "");
    let spiffe = "--spiffe-trust-domain td.test";
    let rows = [
        (
            "dial tls://127.0.0.1:9 --ca /nowhere".to_owned(),
            "--ca: /nowhere",
        ),
        (format!("dial tls://127.0.0.1:9 --ca {empty}"), "--ca: "),
        (
            format!("dial tls://127.0.0.1:9 --cert /nowhere --key {key}"),
            "--cert: /nowhere",
        ),
        (
            format!("dial tls://127.0.0.1:9 --cert {cert} --key /nowhere"),
            "--key: /nowhere",
        ),
        (
            format!("dial tls://127.0.0.1:9 {spiffe} --spiffe-bundle /nowhere"),
            "--spiffe-bundle: /nowhere",
        ),
        (
            "heartbeat tls://127.0.0.1:9 --ca /nowhere".to_owned(),
            "--ca: /nowhere",
        ),
        (
            format!("listen 127.0.0.1:0 --tls --cert /nowhere --key {key}"),
            "--cert: /nowhere",
        ),
        (
            format!("listen 127.0.0.1:0 --tls --cert {cert} --key {key} --client-ca /nowhere"),
            "--client-ca: /nowhere",
        ),
        (
            "listen 127.0.0.1:0 --forward tls://127.0.0.1:9 --forward-ca /nowhere".to_owned(),
            "--forward-ca: /nowhere",
        ),
    ];
    for (words, named) in rows {
        let outcome = netkit(&format!("{words} --json")).run().status(6);
        let outcome = outcome
            .complains("netkit: preparing TLS: ")
            .complains(named);
        valid(&outcome.one());
    }
}
