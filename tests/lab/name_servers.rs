//! Other people's name servers: DNS over TLS and HTTPS with certificates made here, and the test of
//! a server. kdig gives a second opinion.
//!
//! Everything is on loopback, on ports that were free a moment ago, in a folder that goes with the
//! test; no server is started as a service.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::Value;

use crate::bed::skip::{Need, ready};

const PATIENCE: Duration = Duration::from_secs(20);

const ZONE: &str = "$ORIGIN example.test.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
";

/// A folder with a zone, a certificate for dns.example and 127.0.0.1, and its authority.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("netkit-servers-{}-{number}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).expect("a folder");
        folder.write("zone", ZONE);
        folder.certify();
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("room for a file");
    }

    fn certify(&self) {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"));
        let authority = authority.expect("an authority");
        let names = vec!["dns.example".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names).expect("plain names");
        let certificate = params.signed_by(&key, &authority).expect("a certificate");
        self.write("ca.pem", &authority.pem());
        self.write("cert.pem", &certificate.pem());
        self.write("key.pem", &key.serialize_pem());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port of loopback that is free over UDP and TCP.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = tcp.local_addr().expect("bound");
        if UdpSocket::bind(addr).is_ok() {
            return addr.port();
        }
    }
}

/// A server of somebody else's making; killed with the test.
struct Daemon {
    name: &'static str,
    child: Child,
    dns: u16,
    tls: u16,
    https: u16,
    folder: Folder,
}

impl Daemon {
    fn start(name: &'static str) -> Self {
        let folder = Folder::new();
        let (dns, tls, https) = (free_port(), free_port(), free_port());
        let at = |file: &str| folder.path(file);
        let (program, config, args): (_, _, &[&str]) = match name {
            "knot" => ("knotd", knot(&folder, dns), &["-c"]),
            "nsd" => ("nsd", nsd(&folder, dns), &["-d", "-c"]),
            "unbound" => ("unbound", unbound(&folder, dns, tls, https), &["-d", "-c"]),
            _ => ("named", bind(&folder, dns, tls, https), &["-g", "-c"]),
        };
        folder.write("conf", &config);
        let log = fs::File::create(folder.0.join("log")).expect("a file");
        let child = Command::new(program)
            .args(args)
            .arg(at("conf"))
            .stdout(log.try_clone().expect("a descriptor can be copied"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let mut daemon = Self {
            name,
            child,
            dns,
            tls,
            https,
            folder,
        };
        daemon.wait_for(dns);
        daemon.wait_for_the_zone();
        daemon
    }

    /// Waits until the server has read its zone: some listen before.
    fn wait_for_the_zone(&self) {
        let begun = Instant::now();
        let line = format!("resolve www.example.test A @{} --json", self.addr());
        while netkit(&line).0 != Some(0) {
            let late = begun.elapsed() > PATIENCE;
            assert!(!late, "{} does not answer", self.name);
        }
    }

    /// Waits until the server listens.
    fn wait_for(&mut self, port: u16) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || fs::read_to_string(self.folder.0.join("log")).unwrap_or_default();
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{} ended with {status}:\n{}", self.name, log());
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{} does not start:\n{}",
                self.name,
                log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.dns))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn knot(folder: &Folder, port: u16) -> String {
    let here = folder.0.display();
    format!(
        "server:\n  listen: 127.0.0.1@{port}\n  rundir: {here:?}\n  nsid: \"lab\"\n\
         database:\n  storage: {here:?}\n\
         template:\n  - id: default\n    storage: {here:?}\n    zonefile-sync: -1\n\
         zone:\n  - domain: example.test\n    file: zone\n"
    )
}

fn nsd(folder: &Folder, port: u16) -> String {
    let here = folder.0.display();
    format!(
        "server:\n  ip-address: 127.0.0.1@{port}\n  username: \"\"\n  chroot: \"\"\n\
         zonesdir: {here:?}\n  pidfile: \"{here}/pid\"\n  database: \"\"\n\
         zonelistfile: \"{here}/list\"\n  xfrdfile: \"{here}/xfrd\"\n  xfrdir: {here:?}\n\
         server-count: 1\n\
         remote-control:\n  control-enable: no\n\
         zone:\n  name: example.test\n  zonefile: zone\n"
    )
}

fn unbound(folder: &Folder, dns: u16, tls: u16, https: u16) -> String {
    let here = folder.0.display();
    format!(
        "server:\n  chroot: \"\"\n  username: \"\"\n  directory: {here:?}\n  pidfile: \"{here}/pid\"\n\
         use-syslog: no\n  logfile: \"\"\n  num-threads: 1\n\
         interface: 127.0.0.1@{dns}\n  interface: 127.0.0.1@{tls}\n  interface: 127.0.0.1@{https}\n\
         tls-port: {tls}\n  https-port: {https}\n\
         tls-service-key: \"{here}/key.pem\"\n  tls-service-pem: \"{here}/cert.pem\"\n\
         access-control: 127.0.0.0/8 allow\n  nsid: ascii_lab\n\
         local-zone: example.test. static\n  local-data: \"www.example.test. 300 A 192.0.2.1\"\n\
         remote-control:\n  control-enable: no\n"
    )
}

fn bind(folder: &Folder, dns: u16, tls: u16, https: u16) -> String {
    let here = folder.0.display();
    format!(
        "options {{ directory {here:?}; pid-file \"{here}/pid\"; session-keyfile none;\n\
         managed-keys-directory {here:?}; recursion no; server-id \"lab\"; allow-query {{ any; }};\n\
         listen-on port {dns} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         listen-on port {tls} tls lab {{ 127.0.0.1; }};\n\
         listen-on port {https} tls lab http lab {{ 127.0.0.1; }}; }};\n\
         http lab {{ endpoints {{ \"/dns-query\"; }}; }};\n\
         tls lab {{ cert-file \"{here}/cert.pem\"; key-file \"{here}/key.pem\"; }};\n\
         controls {{ }};\n\
         zone \"example.test\" {{ type primary; file \"{here}/zone\"; }};\n"
    )
}

/// The status, and every line of `--json`.
fn netkit(line: &str) -> (Option<i32>, Vec<Value>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netkit"));
    let output = command.args(line.split(' ')).output().expect("netkit runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!lines.is_empty(), "{line}: {error}");
    (output.status.code(), lines)
}

fn kdig(line: &str) -> String {
    let mut command = Command::new("kdig");
    let output = command.args(line.split(' ')).output().expect("kdig runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn needs(programs: &[&'static str]) -> bool {
    let needs: Vec<_> = programs.iter().map(|name| Need::Program(name)).collect();
    ready(&needs)
}

#[test]
fn real_servers_answer_over_tls_and_https() {
    if !needs(&["unbound", "named", "kdig"]) {
        return;
    }
    for name in ["unbound", "bind"] {
        let mut daemon = Daemon::start(name);
        for (scheme, port) in [("tls", daemon.tls), ("https", daemon.https)] {
            daemon.wait_for(port);
            let ca = daemon.folder.path("ca.pem");
            let server = format!("{scheme}://dns.example@127.0.0.1:{port}");
            let asked = format!("resolve www.example.test A @{server} --json");
            let (code, lines) = netkit(&format!("{asked} --ca {ca}"));
            assert_eq!(code, Some(0), "{name} {scheme}: {lines:#?}");
            let report = &lines[0];
            assert_eq!(report["transport"], scheme);
            assert_eq!(report["answers"][0]["data"], "192.0.2.1");
            let tls = &report["attempts"][0]["connection"]["tls"];
            assert_eq!(
                (&tls["version"], &tls["peer_name"]),
                (&"1.3".into(), &"dns.example".into())
            );
            let opinion = kdig(&format!(
                "+{scheme} @127.0.0.1 -p {port} www.example.test A +short"
            ));
            assert_eq!(opinion, "192.0.2.1", "kdig, {name} {scheme}");

            // Nobody trusts that authority unless told to.
            let (code, lines) = netkit(&asked);
            assert_eq!(code, Some(4), "{name} {scheme}: {lines:#?}");
            assert_eq!(lines[0]["failure"]["kind"], "tls_untrusted");
        }
    }
}

#[test]
fn real_servers_pass_the_test_of_a_server() {
    if !needs(&["knotd", "nsd", "unbound", "named"]) {
        return;
    }
    for name in ["knot", "nsd", "unbound", "bind"] {
        let daemon = Daemon::start(name);
        let line = format!(
            "resolve www.example.test A @{} --check-server --json",
            daemon.addr()
        );
        let (code, lines) = netkit(&line);
        let rows = lines[0]["rows"].as_array().expect("rows").clone();
        let failed: Vec<_> = rows.iter().filter(|row| row["grade"] == "fail").collect();
        assert!(failed.is_empty(), "{name}: {failed:#?}");
        assert_eq!((code, rows.len()), (Some(0), 14), "{name}");
        let grade = |test: &str| {
            let row = rows.iter().find(|row| row["test"] == test);
            row.map(|row| row["grade"].clone()).unwrap_or_default()
        };
        for test in [
            "udp",
            "tcp",
            "edns",
            "edns_version",
            "tc_honesty",
            "tcp_pipelining",
        ] {
            assert_eq!(grade(test), "pass", "{name} {test}");
        }
    }
}
