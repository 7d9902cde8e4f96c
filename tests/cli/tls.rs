//! `dial --tls` as a user meets it: facts, every kind of failure with its status, and no secret in
//! what comes out.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, date_time_ymd};
use serde_json::Value;

use crate::dns::Script;
use crate::support::{netkit, valid};
use crate::tls_server::{Authority, BOTH, Folder, Leaf, OLD, TlsServer, config, uri};

/// One line of JSON, checked against the contract.
pub(crate) fn line(stdout: &str) -> Value {
    let line = serde_json::from_str(stdout).expect("a line of JSON");
    valid(&line);
    line
}

/// A world of one authority, with its certificate in a file.
pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) authority: Authority,
    pub(crate) ca: String,
}

/// A server with this certificate.
pub(crate) fn serve(leaf: &Leaf) -> TlsServer {
    TlsServer::start(config(leaf, None, BOTH))
}

impl World {
    pub(crate) fn new(name: &str) -> Self {
        let (folder, authority) = (Folder::new(name), Authority::new("Test Root"));
        let ca = folder.write("ca.pem", authority.pem());
        Self {
            folder,
            authority,
            ca,
        }
    }

    /// The words that dial a server and trust this world's authority.
    pub(crate) fn dial(&self, server: &TlsServer, more: &str) -> String {
        format!("dial {} --ca {} {more}", server.target(), self.ca)
    }
}

#[test]
fn the_report_has_the_whole_handshake() {
    let world = World::new("facts");
    let mut speaking = config(&world.authority.good(), None, BOTH);
    speaking.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server = TlsServer::start(speaking);
    let words = world.dial(
        &server,
        "--sni web.test --alpn http/1.1,h2 --show-chain --send hi --expect hi --json",
    );
    let line = line(&netkit(&words).run().status(0).stdout);
    let tls = &line["tls"];
    assert_eq!(
        (&tls["version"], &tls["kind"]),
        (&"1.3".into(), &"full".into())
    );
    assert_eq!(
        (&tls["sni"], &tls["alpn"]),
        (&"web.test".into(), &"h2".into())
    );
    assert_eq!(tls["verification"]["ok"], true);
    assert_eq!(tls["client_auth"]["requested"], false);
    assert!(line["tls_ms"].as_f64() > Some(0.0) && line["connect_ms"].as_f64() > Some(0.0));
    let own = &tls["chain"][0];
    assert_eq!(own["issuer"], "CN=Test Root");
    assert_eq!(own["names"][0], "web.test");
    assert_eq!(
        (&own["key"], &own["signature"]),
        (&"ECDSA P-256".into(), &"ecdsa-with-SHA256".into())
    );
    assert_eq!(own["not_after"], "2099-01-01T00:00:00Z");
    assert!(own["days_left"].as_i64() > Some(20_000), "{own}");
    assert_eq!(own["sha256"].as_str().map(str::len), Some(64));
    assert!(
        own["pem"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----\nMII")
    );
    assert_eq!(line["config"]["tls"]["alpn"][1], "h2");
}

#[test]
fn every_bad_certificate_has_its_kind_and_status_four() {
    let world = World::new("bad");
    let stranger = Authority::new("Stranger");
    let good = &world.authority;
    let rows: Vec<(Leaf, &str, &str)> = vec![
        (
            good.leaf(&["127.0.0.1"], |p| p.not_after = date_time_ymd(2021, 1, 1)),
            "tls_expired",
            "expired",
        ),
        (
            good.leaf(&["127.0.0.1"], |p| p.not_before = date_time_ymd(2090, 1, 1)),
            "tls_not_yet_valid",
            "not valid for another",
        ),
        (
            good.leaf(&["a.test", "b.test"], |_| {}),
            "tls_name_mismatch",
            "a.test, b.test",
        ),
        (
            good.leaf(&[], |_| {}),
            "tls_name_mismatch",
            "it has no names",
        ),
        (
            stranger.leaf(&["127.0.0.1"], |_| {}),
            "tls_untrusted",
            "CN=Stranger",
        ),
        (
            good.leaf(&["127.0.0.1"], |p| {
                p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }),
            "tls_untrusted",
            "",
        ),
    ];
    for (leaf, kind, words) in rows {
        let server = serve(&leaf);
        let run = netkit(&world.dial(&server, "--json")).run().status(4);
        let line = line(&run.stdout);
        assert_eq!(line["failure"]["kind"], kind, "{line:#}");
        assert_eq!(line["failure"]["stage"], "tls");
        assert!(
            line["failure"]["message"].as_str().unwrap().contains(words),
            "{line:#}"
        );
        assert!(line["failure"]["hint"].is_string(), "{line:#}");
        let verification = &line["tls"]["verification"];
        assert_eq!(
            (&verification["ok"], &verification["kind"]),
            (&false.into(), &kind.into())
        );
        assert_eq!(verification["certificate"], 0, "{line:#}");
        assert_eq!(verification["also"], serde_json::json!([]), "{line:#}");
        // Told to go on, it goes on, and says what would have been wrong.
        let run = netkit(&world.dial(&server, "--insecure")).run().status(0);
        run.says("not verified, because of --insecure");
    }
}

#[test]
fn insecure_tells_of_all_that_would_be_wrong() {
    let world = World::new("also");
    let stranger = Authority::new("Stranger");
    let leaf = stranger.leaf(&["other.test"], |p| p.not_after = date_time_ymd(2021, 1, 1));
    let server = serve(&leaf);
    let run = netkit(&world.dial(&server, "--insecure --json"))
        .run()
        .status(0);
    let verification = &line(&run.stdout)["tls"]["verification"];
    assert_eq!(verification["kind"], "tls_expired", "{verification:#}");
    let also: Vec<_> = verification["also"].as_array().unwrap().iter().collect();
    assert_eq!(also.len(), 2, "{verification:#}");
    assert!(also[0].as_str().unwrap().contains("CN=Stranger"));
    assert!(also[1].as_str().unwrap().contains("it is for other.test"));
}

#[test]
fn a_server_that_asks_who_we_are_is_answered_or_told_of() {
    let world = World::new("mutual");
    let client = world.authority.leaf(&["client.test"], |p| {
        p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let key = client.key.serialize_pem();
    let files = (
        world.folder.write("client.pem", &client.pem),
        world.folder.write("client.key", &key),
    );
    for versions in [BOTH, OLD] {
        let server = TlsServer::start(config(
            &world.authority.good(),
            Some(&world.authority),
            versions,
        ));
        let run = netkit(&world.dial(&server, "--json")).run().status(4);
        let without = line(&run.stdout);
        assert_eq!(
            without["failure"]["kind"], "tls_client_cert_required",
            "{without:#}"
        );
        assert_eq!(
            without["tls"]["client_auth"]["authorities"][0],
            "CN=Test Root"
        );
        let identity = format!(
            "--cert {} --key {} --json --send hi --expect hi",
            files.0, files.1
        );
        let run = netkit(&world.dial(&server, &identity)).run().status(0);
        assert_eq!(line(&run.stdout)["tls"]["client_auth"]["sent"], true);
        assert_no_secret(&run.stdout, &key);
    }
}

/// No line of a key in what was printed.
fn assert_no_secret(text: &str, pem: &str) {
    let secret = pem
        .lines()
        .filter(|line| line.len() > 20 && !line.starts_with('-'));
    for line in secret {
        assert!(!text.contains(line), "key material came out");
    }
}

#[test]
fn keys_that_do_not_fit_are_refused_and_open_ones_told_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new("keys");
    let (one, other) = (world.authority.good(), world.authority.good());
    let cert = world.folder.write("one.pem", &one.pem);
    let wrong = world.folder.write("other.key", other.key.serialize_pem());
    let words = format!("dial tls://127.0.0.1:1 --cert {cert} --key {wrong}");
    let run = netkit(&words).run().status(2);
    assert!(
        run.stderr
            .contains("does not belong to the first certificate"),
        "{run}"
    );
    assert_no_secret(&run.stderr, &other.key.serialize_pem());
    let words = format!("dial tls://127.0.0.1:1 --cert {cert} --key {cert}");
    netkit(&words).run().status(6).complains("TLS: --key: ");
    let garbage = world.folder.write(
        "garbage.key",
        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
    );
    let run = netkit(&format!(
        "dial tls://127.0.0.1:1 --cert {cert} --key {garbage}"
    ))
    .run();
    assert!(
        !run.stderr.contains("c2VjcmV0") && !run.stderr.contains("secret"),
        "{run}"
    );
    let key = world.folder.write("one.key", one.key.serialize_pem());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let server = serve(&one);
    let words = world.dial(&server, &format!("--cert {cert} --key {key}"));
    netkit(&words)
        .run()
        .status(0)
        .says("open to every user of this machine (mode 644)");
    let words = words.replacen("dial", "heartbeat -c 1", 1);
    netkit(&words)
        .run()
        .status(0)
        .complains("open to every user of this machine (mode 644)");
}

#[test]
fn what_does_not_speak_tls_is_named() {
    for (banner, guess) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "plain HTTP"),
        (b"SSH-2.0-x\r\n", "SSH"),
        (b"220 mx ESMTP\r\n", "SMTP"),
        (b"* OK ready\r\n", "IMAP"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(banner).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let run = netkit(&format!("dial tls://{addr} --insecure --json"))
            .run()
            .status(4);
        let line = line(&run.stdout);
        assert_eq!(line["failure"]["kind"], "tls_not_tls", "{line:#}");
        assert!(
            line["failure"]["message"].as_str().unwrap().contains(guess),
            "{line:#}"
        );
        assert_eq!(line["failure"]["evidence"][0]["type"], "first_bytes");
        server.join().unwrap();
    }
}

#[test]
fn an_echo_of_what_was_sent_is_no_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut back = stream.try_clone().unwrap();
        // The client may leave in the middle of it.
        let _ = std::io::copy(&mut stream, &mut back);
    });
    let run = netkit(&format!("dial tls://{addr} --insecure --json"))
        .run()
        .status(4);
    let failure = &line(&run.stdout)["failure"];
    assert_eq!(failure["kind"], "tls_not_tls", "{run}");
    let message = failure["message"].as_str().unwrap();
    assert!(
        message.contains("the ClientHello that it was sent"),
        "{run}"
    );
    assert!(failure["hint"].as_str().unwrap().contains("--tls"), "{run}");
    server.join().unwrap();
}

#[test]
fn an_address_that_only_accepts_loses_over_real_sockets() {
    let world = World::new("eyeballs");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let speaking = SocketAddr::from(([127, 0, 0, 2], port));
    let leaf = world.authority.leaf(&["two.test"], |_| {});
    let _server = TlsServer::start_at(speaking, config(&leaf, None, BOTH));
    let names = Script::new()
        .address("two.test", "127.0.0.1")
        .address("two.test", "127.0.0.2")
        .start();
    let words = format!(
        "dial tls://two.test:{port} --ns {} -4 --ca {} --json",
        names.addr(),
        world.ca
    );
    let line = line(&netkit(&words).run().status(0).stdout);
    assert_eq!(line["peer"], speaking.to_string(), "{line:#}");
    assert_eq!(line["tls"]["peer_name"], "two.test");
    let silent = line["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["outcome"] == "cancelled");
    // The order of two addresses is the name server's: the silent one may not have been tried.
    assert!(
        silent.is_none_or(|one| one["tls_started_ms"].is_f64()),
        "{line:#}"
    );
    // All the time there is goes by for the one that is silent; the headline is the winner's.
    let words = words.replace("--json", "--race-all -t 2s");
    let run = netkit(&words).run().status(0);
    let headline = run.stdout.lines().next().expect("a headline");
    assert!(headline.ends_with(" ms"), "{run}");
}

#[test]
fn days_that_are_left_can_fail_a_dial() {
    let world = World::new("days");
    let server = serve(&world.authority.good());
    netkit(&world.dial(&server, "--fail-if cert_days<14"))
        .run()
        .status(0);
    let run = netkit(&world.dial(&server, "--fail-if cert_days<99999 --json"))
        .run()
        .status(5);
    assert_eq!(line(&run.stdout)["failure"]["kind"], "fail_if");
    netkit("dial 127.0.0.1:1 --fail-if cert_days<14")
        .run()
        .status(2);
    netkit(&world.dial(&server, "--fail-if cert_weeks<2"))
        .run()
        .status(2);
}

#[test]
fn flags_about_tls_are_refused_where_there_is_none() {
    for words in [
        "dial 127.0.0.1:1 --sni a.test",
        "dial 127.0.0.1:1 --insecure",
        "dial 127.0.0.1:1 --alpn h2",
        "dial 127.0.0.1:1 --show-chain",
        "dial 127.0.0.1:1 --tls --cert /dev/null",
        "dial 127.0.0.1:1 --tls --tls-min 1.3 --tls-max 1.2",
        "dial 127.0.0.1:1 --tls --tls-min 1.1",
        "dial 127.0.0.1:1 --tls --spiffe-id https://a/b",
        "dial 127.0.0.1:1 --tls --spiffe-id spiffe://td/a",
        "dial 127.0.0.1:1 --tls --spiffe-bundle /dev/null",
        "dial 127.0.0.1:1 --starttls gopher",
        "dial udp://127.0.0.1:1 --tls",
        "dial tls://tcp://127.0.0.1:1",
        "dial 127.0.0.1:1 --tls --hold 1s --session-resumption",
    ] {
        let run = netkit(words).run().status(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{run}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of certificates")]
fn a_workload_is_known_by_its_id_and_by_nothing_else() {
    let world = World::new("spiffe");
    let stranger = Authority::new("Other Domain");
    let id = "spiffe://td.test/ns/a/sa/web";
    let named = |authority: &Authority, uris: &[&str]| {
        authority.leaf(&[], |params| {
            params.subject_alt_names = uris.iter().map(|text| uri(text)).collect();
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        })
    };
    let signing = world.authority.leaf(&[], |params| {
        params.subject_alt_names = vec![uri(id)];
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
        ];
    });
    let rows: Vec<(Leaf, &str, Option<&str>)> = vec![
        (
            named(&world.authority, &[id]),
            "--spiffe-id spiffe://td.test/ns/a/sa/web",
            None,
        ),
        (
            named(&world.authority, &[id]),
            "--spiffe-trust-domain td.test",
            None,
        ),
        (
            named(&world.authority, &[id]),
            "--spiffe-id spiffe://td.test/ns/a/sa/db",
            Some("spiffe_mismatch"),
        ),
        (
            named(&world.authority, &[id]),
            "--spiffe-trust-domain td.tes",
            Some("spiffe_mismatch"),
        ),
        (
            named(&world.authority, &[id, "spiffe://td.test/b"]),
            "--spiffe-trust-domain td.test",
            Some("spiffe_mismatch"),
        ),
        (
            named(&world.authority, &[]),
            "--spiffe-trust-domain td.test",
            Some("spiffe_mismatch"),
        ),
        (
            named(&world.authority, &["spiffe://TD.test/a"]),
            "--spiffe-trust-domain td.test",
            Some("spiffe_mismatch"),
        ),
        (
            world.authority.good(),
            "--spiffe-trust-domain td.test",
            Some("spiffe_mismatch"),
        ),
        (
            named(&stranger, &[id]),
            "--spiffe-trust-domain td.test",
            Some("tls_untrusted"),
        ),
        (
            signing,
            "--spiffe-trust-domain td.test",
            Some("tls_untrusted"),
        ),
    ];
    for (leaf, wanted, kind) in rows {
        let server = serve(&leaf);
        let words = format!(
            "dial {} --spiffe-bundle {} {wanted} --json",
            server.target(),
            world.ca
        );
        let run = netkit(&words)
            .run()
            .status(if kind.is_some() { 4 } else { 0 });
        let line = line(&run.stdout);
        assert_eq!(line["failure"]["kind"].as_str(), kind, "{line:#}");
        if kind == Some("spiffe_mismatch") && line["tls"]["spiffe_id"] == id {
            let message = line["failure"]["message"].as_str().unwrap();
            assert!(
                message.contains(id) && message.contains("not"),
                "both IDs: {message}"
            );
        }
    }
}
