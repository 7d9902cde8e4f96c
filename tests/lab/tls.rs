//! `dial --tls` against OpenSSL: more than twenty certificates that are not right, each with its kind
//! and status, and OpenSSL's own verdict beside ours.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
    date_time_ymd,
};
use serde_json::Value;

use crate::bed::namespace::Namespace;
use crate::bed::skip::{Need, ready};
use crate::netkit::{NETKIT, dial, dial_unprivileged};
use crate::tls_server::{Folder, uri};

/// Where the server listens, alone on its machine.
const PORT: u16 = 4433;
/// Far longer than a server needs to come up.
const PATIENCE: Duration = Duration::from_secs(20);

type Signer = CertifiedIssuer<'static, KeyPair>;

/// A case: what the server shows, and what is to be said of it.
struct Case {
    name: &'static str,
    /// The chain as PEM, the server's own first, and its key.
    chain: String,
    key: String,
    /// The name asked for.
    sni: &'static str,
    /// More flags for netkit, and for the server.
    flags: String,
    server: Vec<String>,
    /// The kind of failure; `None` when it is right.
    kind: Option<&'static str>,
    /// Whether OpenSSL's client accepts it; `None` where it cannot be asked the same.
    openssl: Option<bool>,
}

fn params(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("plain names");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    params.use_authority_key_identifier_extension = false;
    params.distinguished_name.push(DnType::CommonName, "leaf");
    change(&mut params);
    params
}

fn authority(name: &'static str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    params(&[], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        change(params);
    })
}

fn root(name: &'static str) -> Signer {
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(authority(name, |_| {}), key).expect("a root")
}

fn below(params: CertificateParams, signer: &Signer) -> Signer {
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::signed_by(params, key, signer).expect("an intermediate")
}

/// A certificate and its key, both PEM.
fn signed(params: &CertificateParams, signer: &Signer) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, signer).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

fn case(name: &'static str, (chain, key): (String, String), kind: Option<&'static str>) -> Case {
    Case {
        name,
        chain,
        key,
        sni: "web.test",
        flags: String::new(),
        server: Vec::new(),
        kind,
        openssl: Some(kind.is_none()),
    }
}

const UNTRUSTED: Option<&str> = Some("tls_untrusted");
const MISMATCH: Option<&str> = Some("tls_name_mismatch");

/// One certificate, straight below the root.
#[expect(clippy::too_many_lines, reason = "a table of certificates")]
fn leaves(root: &Signer) -> Vec<Case> {
    let leaf = |change: fn(&mut CertificateParams)| signed(&params(&["web.test"], change), root);
    let named = |names: &[&str]| signed(&params(names, |_| {}), root);
    let stranger = self::root("Stranger");
    let alone = {
        let key = KeyPair::generate().expect("a key");
        let own = params(&["web.test"], |_| {})
            .self_signed(&key)
            .expect("a certificate");
        (own.pem(), key.serialize_pem())
    };
    vec![
        case("right", leaf(|_| {}), None),
        case(
            "expired",
            leaf(|p| p.not_after = date_time_ymd(2021, 1, 1)),
            Some("tls_expired"),
        ),
        case(
            "not yet valid",
            leaf(|p| p.not_before = date_time_ymd(2090, 1, 1)),
            Some("tls_not_yet_valid"),
        ),
        case("another name", named(&["other.test"]), MISMATCH),
        case("an address only", named(&["192.0.2.1"]), MISMATCH),
        Case {
            sni: "a.web.test",
            ..case("a wildcard", named(&["*.web.test"]), None)
        },
        Case {
            sni: "b.a.web.test",
            ..case("a wildcard one level up", named(&["*.web.test"]), MISMATCH)
        },
        case("a wildcard below", named(&["*.web.test"]), MISMATCH),
        case(
            "a wildcard for a whole top-level domain",
            named(&["*.test"]),
            MISMATCH,
        ),
        // OpenSSL still takes the common name where there is no other.
        Case {
            openssl: Some(true),
            ..case(
                "the name in the subject alone",
                signed(
                    &params(&[], |p| {
                        p.distinguished_name.push(DnType::CommonName, "web.test");
                    }),
                    root,
                ),
                MISMATCH,
            )
        },
        case(
            "an unknown authority",
            signed(&params(&["web.test"], |_| {}), &stranger),
            UNTRUSTED,
        ),
        case("signed by itself", alone, UNTRUSTED),
        case(
            "for clients",
            leaf(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
            UNTRUSTED,
        ),
        case(
            "a critical extension nobody knows",
            leaf(|p| {
                let mut unknown =
                    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
                unknown.set_criticality(true);
                p.custom_extensions = vec![unknown];
            }),
            UNTRUSTED,
        ),
        case(
            "a signature that is not right",
            forged(leaf(|_| {})),
            UNTRUSTED,
        ),
    ]
}

/// Changes the last byte of a certificate, which is one of its signature.
fn forged((pem, key): (String, String)) -> (String, String) {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let mut der = data_encoding::BASE64
        .decode(body.as_bytes())
        .expect("PEM is base64");
    *der.last_mut().expect("not empty") ^= 1;
    let body = data_encoding::BASE64.encode(&der);
    let lines: Vec<_> = body
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    (
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        ),
        key,
    )
}

/// Chains with somebody in between.
fn chains(root: &Signer) -> Vec<Case> {
    let middle = |change: fn(&mut CertificateParams)| below(authority("Middle", change), root);
    let under = |signer: &Signer| signed(&params(&["web.test"], |_| {}), signer);
    let with = |signer: &Signer, (leaf, key): (String, String)| (leaf + &signer.pem(), key);
    let good = middle(|_| {});
    let expired = middle(|p| p.not_after = date_time_ymd(2021, 1, 1));
    let early = middle(|p| p.not_before = date_time_ymd(2090, 1, 1));
    let no_authority = middle(|p| p.is_ca = IsCa::ExplicitNoCa);
    let no_signer = middle(|p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    let short = middle(|p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let second = below(authority("Second", |_| {}), &short);
    let elsewhere = middle(|p| {
        p.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("other.test".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let (leaf, key) = under(&second);
    let too_long = (leaf + &second.pem() + &short.pem(), key);
    let (leaf, key) = under(&good);
    let shuffled = (leaf + &root.pem() + &good.pem(), key);
    let authority_as_server = signed(
        &authority("web.test", |p| {
            p.subject_alt_names = vec![rcgen::SanType::DnsName(
                "web.test".try_into().expect("plain text"),
            )];
        }),
        root,
    );
    vec![
        case("an intermediate", with(&good, under(&good)), None),
        case("an intermediate that is missing", under(&good), UNTRUSTED),
        case("the chain out of order", shuffled, None),
        case(
            "an intermediate that has expired",
            with(&expired, under(&expired)),
            Some("tls_expired"),
        ),
        case(
            "an intermediate that is not valid yet",
            with(&early, under(&early)),
            Some("tls_not_yet_valid"),
        ),
        case(
            "an intermediate that is no authority",
            with(&no_authority, under(&no_authority)),
            UNTRUSTED,
        ),
        case(
            "an intermediate whose key is not for certificates",
            with(&no_signer, under(&no_signer)),
            UNTRUSTED,
        ),
        case("a path that is too long", too_long, UNTRUSTED),
        case(
            "a name outside the constraints",
            with(&elsewhere, under(&elsewhere)),
            UNTRUSTED,
        ),
        case("an authority as a server", authority_as_server, UNTRUSTED),
    ]
}

/// Keys and signatures that only the OpenSSL of old still makes.
fn weak(folder: &Folder) -> Vec<Case> {
    let made = |name: &'static str, words: &str| {
        let (cert, key) = (
            folder.path().join("weak.pem"),
            folder.path().join("weak.key"),
        );
        let words = format!(
            "req -x509 -nodes -batch -days 900 -subj /CN=weak -addext subjectAltName=DNS:web.test {words}"
        );
        let mut command = Command::new("openssl");
        command
            .args(words.split(' '))
            .arg("-out")
            .arg(&cert)
            .arg("-keyout")
            .arg(&key);
        let output = command.output().expect("openssl is installed");
        assert!(output.status.success(), "{output:?}");
        let read = |path| std::fs::read_to_string(path).expect("openssl wrote it");
        let server = ["-cipher", "DEFAULT@SECLEVEL=0"]
            .map(str::to_owned)
            .to_vec();
        Case {
            server,
            ..case(name, (read(cert), read(key)), UNTRUSTED)
        }
    };
    vec![
        without_extensions(folder),
        made("a key of 1024 bits", "-newkey rsa:1024"),
        made("a signature with SHA-1", "-newkey rsa:2048 -sha1"),
    ]
}

/// The flags that name a certificate and its key.
fn flags(folder: &Folder, name: &str, (cert, key): (String, String)) -> String {
    let cert = folder.write(&format!("{name}.pem"), cert);
    let key = folder.write(&format!("{name}.key"), key);
    format!("--cert {cert} --key {key}")
}

/// A certificate of version 1, as `openssl x509 -req` makes it where no extension is asked for.
fn without_extensions(folder: &Folder) -> Case {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (request, key, cert) = (path("old.csr"), path("old.key"), path("old.pem"));
    for words in [
        format!(
            "req -new -nodes -batch -subj /CN=web.test -newkey rsa:2048 -keyout {key} -out {request}"
        ),
        format!("x509 -req -in {request} -signkey {key} -days 900 -out {cert}"),
    ] {
        let mut command = Command::new("openssl");
        let output = command.args(words.split(' ')).output();
        let output = output.expect("openssl is installed");
        assert!(output.status.success(), "{output:?}");
    }
    let read = |path| std::fs::read_to_string(path).expect("openssl wrote it");
    case(
        "a certificate of version 1",
        (read(cert), read(key)),
        UNTRUSTED,
    )
}

/// Servers that want to know who we are, and workloads.
fn identities(root: &Signer, folder: &Folder) -> Vec<Case> {
    let ca = folder.path().join("ca.pem").to_string_lossy().into_owned();
    let mutual = ["-Verify", "1", "-CAfile", &ca, "-verify_return_error"]
        .map(str::to_owned)
        .to_vec();
    let stranger = self::root("Stranger");
    let own = || params(&["client.test"], |_| {});
    let lapsed = params(&["client.test"], |p| {
        p.not_after = date_time_ymd(2021, 1, 1);
    });
    let theirs = flags(folder, "theirs", signed(&own(), &stranger));
    let expired = flags(folder, "expired", signed(&lapsed, root));
    let ours = flags(folder, "ours", signed(&own(), root));
    let server = || signed(&params(&["web.test"], |_| {}), root);
    let wants = Some("tls_client_cert_required");
    let client = |name, flags: &str, kind| Case {
        flags: flags.to_owned(),
        server: mutual.clone(),
        openssl: None,
        ..case(name, server(), kind)
    };
    let workload = |name, uris: &[&str], kind| Case {
        flags: format!("--spiffe-trust-domain td.test --spiffe-bundle {ca}"),
        openssl: None,
        ..case(
            name,
            signed(
                &params(&["web.test"], |p| {
                    p.subject_alt_names
                        .extend(uris.iter().map(|text| uri(text)));
                }),
                root,
            ),
            kind,
        )
    };
    vec![
        client("no client certificate", "", wants),
        client("a client certificate of a stranger", &theirs, wants),
        client("a client certificate that has expired", &expired, wants),
        client("a client certificate", &ours, None),
        workload("a workload", &["spiffe://td.test/a"], None),
        workload(
            "two URIs",
            &["spiffe://td.test/a", "spiffe://td.test/b"],
            Some("spiffe_mismatch"),
        ),
        workload("no URI", &[], Some("spiffe_mismatch")),
        workload(
            "a trust domain itself",
            &["spiffe://td.test"],
            Some("spiffe_mismatch"),
        ),
        workload(
            "another trust domain",
            &["spiffe://other.test/a"],
            Some("spiffe_mismatch"),
        ),
    ]
}

/// A server of OpenSSL with this certificate; it goes away with the value.
struct Server(Child);

impl Server {
    fn start(machine: &Namespace, folder: &Folder, case: &Case) -> Self {
        let (chain, key) = (
            folder.write("chain.pem", &case.chain),
            folder.write("chain.key", &case.key),
        );
        let mut command = Command::new("openssl");
        command.args([
            "s_server",
            "-quiet",
            "-accept",
            &PORT.to_string(),
            "-cert",
            &chain,
        ]);
        command
            .args(["-cert_chain", &chain, "-key", &key])
            .args(&case.server);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = machine.spawn(&mut command).expect("openssl is installed");
        let server = Self(child);
        let began = Instant::now();
        while !listens(machine) {
            assert!(
                began.elapsed() < PATIENCE,
                "{}: the server does not come up",
                case.name
            );
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn listens(machine: &Namespace) -> bool {
    let mut command = Command::new(NETKIT);
    command.args(["dial", "-q", &format!("127.0.0.1:{PORT}")]);
    machine.output(&mut command).status.success()
}

/// Whether OpenSSL's own client accepts what the server shows, and in which words it does not.
fn openssl(machine: &Namespace, folder: &Folder, case: &Case) -> (bool, String) {
    let ca = folder.path().join("ca.pem");
    let mut command = Command::new("openssl");
    command.args([
        "s_client",
        "-brief",
        "-connect",
        &format!("127.0.0.1:{PORT}"),
    ]);
    command.args(["-servername", case.sni, "-verify_hostname", case.sni]);
    command
        .arg("-CAfile")
        .arg(ca)
        .arg("-verify_return_error")
        .stdin(Stdio::null());
    let output = machine.output(&mut command);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let error = text.lines().find(|line| line.contains("error"));
    (
        output.status.success(),
        error.unwrap_or("accepted").to_owned(),
    )
}

#[test]
fn every_certificate_has_its_verdict_and_openssl_agrees_or_is_known_not_to() {
    if !ready(&[Need::Program("openssl")]) {
        return;
    }
    let (machine, folder) = (Namespace::new().expect("a machine"), Folder::new("lab"));
    let root = root("Lab Root");
    let ca = folder.write("ca.pem", root.pem());
    let mut cases = leaves(&root);
    cases.extend(chains(&root));
    cases.extend(weak(&folder));
    cases.extend(identities(&root, &folder));
    let bad = cases.iter().filter(|case| case.kind.is_some()).count();
    assert!(bad >= 20, "{bad} certificates that are not right");
    let mut wrong = Vec::new();
    for case in &cases {
        let _server = Server::start(&machine, &folder, case);
        wrong.extend(judged(&machine, &folder, &ca, case));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What was said of a case and should not have been.
#[expect(
    clippy::print_stdout,
    reason = "both verdicts side by side, for --nocapture"
)]
fn judged(machine: &Namespace, folder: &Folder, ca: &str, case: &Case) -> Vec<String> {
    let trust = if case.flags.contains("--spiffe") {
        String::new()
    } else {
        format!("--ca {ca}")
    };
    let Case {
        name, sni, flags, ..
    } = case;
    let words = format!("tls://127.0.0.1:{PORT} --sni {sni} {trust} {flags}");
    let run = dial(machine, &words);
    let line: &Value = run.lines.last().expect("a line of JSON");
    let (kind, why) = (&line["failure"]["kind"], &line["failure"]["message"]);
    let mut wrong = Vec::new();
    if kind.as_str() != case.kind {
        wrong.push(format!("{name}: {kind} ({why}), and not {:?}", case.kind));
    }
    run.exits(if kind.is_null() { 0 } else { 4 });
    let why_not = why.as_str().unwrap_or_default();
    if why_not.contains("Context") || why_not.contains('{') {
        wrong.push(format!("{name}: not in words: {why_not}"));
    }
    // Told to go on, it does, whatever the certificate is like.
    if !kind.is_null() && case.kind != Some("tls_client_cert_required") && flags.is_empty() {
        let run = dial(machine, &format!("{words} --insecure"));
        let line: &Value = run.lines.last().expect("a line of JSON");
        if line["ok"] != true || line["tls"]["verification"]["ignored"] != true {
            wrong.push(format!("{name}: --insecure ends with {}", line["failure"]));
        }
    }
    if let Some(expected) = case.openssl {
        let (accepted, words) = openssl(machine, folder, case);
        // Both verdicts side by side, for `--nocapture`.
        println!("{name}: netkit {kind} {why}; openssl {words}");
        if accepted != expected {
            wrong.push(format!("{name}: openssl says {words}"));
        }
    }
    wrong
}

/// A response about a certificate (RFC 6960), made by OpenSSL for a server to staple.
fn response_about(folder: &Folder, root: &Signer, leaf: &str) -> String {
    let run = |words: String| {
        let output = Command::new("openssl")
            .args(words.split_whitespace())
            .output();
        let output = output.expect("openssl is installed");
        assert!(output.status.success(), "{words}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let leaf = folder.write("asked.pem", leaf);
    let ca = folder.write("signer.pem", root.pem());
    let key = folder.write("signer.key", root.key().serialize_pem());
    let serial = run(format!("x509 -in {leaf} -noout -serial"));
    let serial = serial.trim().trim_start_matches("serial=");
    let index = format!("V\t991231235959Z\t\t{serial}\tunknown\t/CN=leaf\n");
    let index = folder.write("index.txt", index);
    let response = folder.path().join("response.der").display().to_string();
    run(format!(
        "ocsp -index {index} -rsigner {ca} -rkey {key} -CA {ca} -issuer {ca} -cert {leaf} \
         -respout {response} -noverify"
    ));
    response
}

#[test]
fn a_retry_and_a_stapled_response_of_openssl_are_told() {
    if !ready(&[Need::Program("openssl")]) {
        return;
    }
    let (machine, folder) = (Namespace::new().expect("a machine"), Folder::new("rare"));
    let root = root("Lab Root");
    let ca = folder.write("ca.pem", root.pem());
    let pair = signed(&params(&["web.test"], |_| {}), &root);
    let response = response_about(&folder, &root, &pair.0);
    let rows = [
        (vec!["-groups", "P-256"], "hello_retry", false),
        (vec!["-status_file", &response], "full", true),
    ];
    for (flags, kind, stapled) in rows {
        let case = Case {
            server: flags.iter().map(ToString::to_string).collect(),
            ..case("rare", pair.clone(), None)
        };
        let _server = Server::start(&machine, &folder, &case);
        let words = format!("tls://127.0.0.1:{PORT} --sni web.test --ca {ca}");
        let run = dial(&machine, &words);
        let line: &Value = run.lines.last().expect("a line of JSON");
        assert_eq!(line["tls"]["kind"], kind, "{flags:?}: {line:#}");
        assert_eq!(line["tls"]["ocsp_stapled"], stapled, "{flags:?}: {line:#}");
        run.exits(0);
    }
}

#[test]
fn a_socket_that_is_not_ours_to_write_to_is_told() {
    if !ready(&[Need::Program("setpriv")]) {
        return;
    }
    let (machine, folder) = (Namespace::new().expect("a machine"), Folder::new("agent"));
    let path = folder.path().join("agent.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a free path");
    let closed = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&path, closed).expect("it is ours");
    let socket = path.display();
    let words =
        format!("tls://127.0.0.1:9 --spiffe-trust-domain td.test --spiffe-socket unix:{socket}");
    let run = dial_unprivileged(&machine, &words);
    let line: &Value = run.lines.last().expect("a line of JSON");
    assert_eq!(line["failure"]["kind"], "permission", "{line:#}");
    run.exits(6);
}
