//! TLS with other people's programs, both ways: `dial --tls` against the servers of OpenSSL, nginx and
//! stunnel, `listen --tls` against the clients of OpenSSL, curl, nginx and stunnel. TLS 1.2 and 1.3,
//! certificates on both sides, ALPN, and sessions that are resumed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::namespace::Namespace;
use crate::bed::skip::{Need, ready};
use crate::listen::Server;
use crate::netkit::{NETKIT, Run, dial, start};
use crate::tls_server::{Authority, Folder};

/// Far longer than a server needs to come up.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a client of HTTP/1.1 asks.
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n";
/// Both versions: ours, OpenSSL's and nginx's words for them.
const VERSIONS: [(&str, &str, &str); 2] =
    [("1.2", "-tls1_2", "TLSv1.2"), ("1.3", "-tls1_3", "TLSv1.3")];

/// A machine with an authority, a server's certificate and a client's.
struct World {
    machine: Namespace,
    folder: Folder,
}

/// A program that runs as long as this.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl World {
    fn new(name: &str) -> Self {
        let (folder, authority) = (Folder::new(name), Authority::new("Test Root"));
        folder.write("ca.pem", authority.pem());
        for (name, address) in [("web", "127.0.0.1"), ("ours", "127.0.0.2")] {
            let host = format!("{name}.test");
            let leaf = authority.leaf(&[host.as_str(), address], |_| {});
            folder.write(&format!("{name}.pem"), &leaf.pem);
            folder.write(&format!("{name}.key"), leaf.key.serialize_pem());
        }
        let machine = Namespace::new().expect("root may do that");
        Self { machine, folder }
    }

    /// Words with `DIR` for the folder of the certificates.
    fn words(&self, words: &str) -> String {
        words.replace("DIR", &self.folder.path().to_string_lossy())
    }

    /// Starts a program that serves at a port; it does when this returns.
    fn serve(&self, words: &str, port: u16) -> Program {
        let words = self.words(words);
        let mut words = words.split_whitespace();
        let mut command = Command::new(words.next().expect("a program"));
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let program = self.machine.spawn(&mut command).expect("it is installed");
        let program = Program(program);
        Self::until("somebody listens", || self.listens(port));
        program
    }

    /// Waits until this is so.
    fn until(what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        }
    }

    fn listens(&self, port: u16) -> bool {
        let mut command = Command::new(NETKIT);
        command.args(["dial", "-q", &format!("127.0.0.1:{port}")]);
        self.machine.output(&mut command).status.success()
    }

    /// Runs a client to its end, with this as its input; returns what it said.
    fn client(&self, words: &str, input: &str) -> String {
        let input = self.folder.write("input", input);
        let script = self.words(&format!("timeout 30 {words} <{input} 2>&1"));
        let output = self
            .machine
            .output(Command::new("sh").args(["-c", &script]));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// netkit as a server that knows its clients.
    fn listen(&self) -> Server {
        let line = "127.0.0.1:0 --http --tls --cert DIR/web.pem --key DIR/web.key \
                    --client-ca DIR/ca.pem --require-client-cert --alpn http/1.1";
        Server::start(&self.machine, &self.words(line))
    }

    /// Dials a server with our certificate, one version and a second handshake.
    fn dial(&self, port: u16, version: &str) -> Run {
        let line = format!(
            "tls://127.0.0.1:{port} --sni web.test --ca DIR/ca.pem --cert DIR/ours.pem --key DIR/ours.key \
             --alpn http/1.1 --session-resumption --tls-min {version} --tls-max {version} -t 20s"
        );
        dial(&self.machine, &self.words(&line))
    }
}

/// What a handshake with each version must have come to, seen from the client.
fn dialled(world: &World, port: u16, alpn: Option<&str>) {
    for (version, ..) in VERSIONS {
        let run = world.dial(port, version);
        run.succeeds();
        let expected = [
            ("/tls/version", Value::from(version)),
            ("/tls/alpn", alpn.into()),
            ("/tls/client_auth/requested", true.into()),
            ("/tls/verification/ok", true.into()),
            ("/tls/resumption/resumed", true.into()),
        ];
        for (pointer, value) in expected {
            assert_eq!(run.at(pointer), &value, "{pointer}: {run:?}");
        }
    }
}

/// What the next handshakes of a server came to: a full one and one resumed, for each version.
fn served(server: &mut Server, alpn: Option<&str>) {
    for (version, ..) in VERSIONS {
        for resumed in [false, true] {
            let line = server.next_of("tls");
            let tls = &line["tls"];
            assert_eq!(tls["version"], version, "{line:#}");
            assert_eq!(tls["resumed"], resumed, "{line:#}");
            assert_eq!(tls["sni"], "web.test", "{line:#}");
            assert_eq!(tls["alpn"], Value::from(alpn), "{line:#}");
            assert!(tls["client_fingerprint_sha256"].is_string(), "{line:#}");
        }
    }
}

#[test]
fn dial_speaks_tls_with_the_server_of_openssl() {
    if !ready(&[Need::Program("openssl")]) {
        return;
    }
    let world = World::new("s-server");
    let _server = world.serve(
        "openssl s_server -quiet -accept 4433 -cert DIR/web.pem -key DIR/web.key -alpn http/1.1 \
         -Verify 1 -CAfile DIR/ca.pem -verify_return_error",
        4433,
    );
    dialled(&world, 4433, Some("http/1.1"));
}

#[test]
fn a_server_that_wants_to_negotiate_anew_is_refused_and_holds_nobody_up() {
    if !ready(&[Need::Program("openssl")]) {
        return;
    }
    let world = World::new("renegotiation");
    let log = world.folder.write("log", "");
    let script = world.words(&format!(
        "exec openssl s_server -tls1_2 -accept 4433 -cert DIR/web.pem -key DIR/web.key >{log} 2>&1"
    ));
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::piped());
    let server = world.machine.spawn(&mut command).expect("a shell");
    let mut server = Program(server);
    World::until("it serves", || world.listens(4433));
    let says = |words: &str| std::fs::read_to_string(&log).is_ok_and(|log| log.contains(words));
    let line = "tls://127.0.0.1:4433 --sni web.test --ca DIR/ca.pem --banner -t 5s";
    let running = start(&world.machine, &world.words(line));
    World::until("they have shaken hands", || says("CIPHER is"));
    let mut orders = server.0.stdin.take().expect("it was asked for");
    orders.write_all(b"R\n").expect("it reads");
    World::until("it is refused", || says("no renegotiation"));
    let run = running.end();
    run.takes(0, 6_000);
    assert_eq!(run.at("/tls/version"), "1.2");
    assert_eq!(run.at("/tls/verification/ok"), true);
}

/// The frame of a configuration of nginx around its servers.
fn nginx(world: &World, servers: &str) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .fold(String::new(), |mut all, name| {
            let _ = write!(all, "{name}_temp_path DIR/{name}; ");
            all
        });
    let config = format!(
        "daemon off; master_process off; pid DIR/nginx.pid; error_log DIR/nginx.log; events {{}}\n\
         http {{ access_log off; {temporary}\n{servers} }}\n"
    );
    world.folder.write("nginx.conf", world.words(&config))
}

#[test]
fn dial_speaks_tls_with_nginx() {
    if !ready(&[Need::Program("nginx")]) {
        return;
    }
    let world = World::new("nginx-server");
    let config = nginx(
        &world,
        "server { listen 127.0.0.1:4433 ssl; ssl_certificate DIR/web.pem; ssl_certificate_key DIR/web.key; \
         ssl_client_certificate DIR/ca.pem; ssl_verify_client on; ssl_protocols TLSv1.2 TLSv1.3; \
         ssl_session_cache shared:sessions:1m; return 200 \"$ssl_client_verify\"; }",
    );
    let _server = world.serve(&format!("nginx -c {config}"), 4433);
    dialled(&world, 4433, Some("http/1.1"));
}

#[test]
fn a_header_of_the_proxy_protocol_comes_before_tls() {
    if !ready(&[Need::Program("nginx"), Need::Program("curl")]) {
        return;
    }
    let world = World::new("proxy-header");
    let config = nginx(
        &world,
        "server { listen 127.0.0.1:8080; return 200 up; }\n\
         server { listen 127.0.0.1:4433 ssl proxy_protocol; ssl_certificate DIR/web.pem; \
         ssl_certificate_key DIR/web.key; return 200 \"$proxy_protocol_addr:$proxy_protocol_port\"; }",
    );
    let _server = world.serve(&format!("nginx -c {config}"), 8080);
    for version in ["v1", "v2"] {
        let line = format!(
            "127.0.0.1:0 --forward tls://127.0.0.1:4433 --proxy-protocol {version} \
             --forward-ca DIR/ca.pem"
        );
        let served = Server::start(&world.machine, &world.words(&line));
        let said = world.client(
            &format!(
                "curl -s --local-port 45000-45100 -w :%{{local_port}} http://127.0.0.1:{}/",
                served.port
            ),
            "",
        );
        // What nginx was told, and what curl says itself.
        let told: Vec<_> = said.split(':').collect();
        assert_eq!(told.len(), 3, "{version}: {said}");
        assert_eq!((told[0], told[1]), ("127.0.0.1", told[2]), "{version}");
    }
}

#[test]
fn dial_speaks_tls_with_stunnel() {
    if !ready(&[Need::Program("stunnel")]) {
        return;
    }
    let world = World::new("stunnel-server");
    let config = world.words(
        "foreground = yes\npid =\n[server]\naccept = 127.0.0.1:4433\nexec = /bin/cat\nexecArgs = cat\n\
         cert = DIR/web.pem\nkey = DIR/web.key\nCAfile = DIR/ca.pem\nverifyChain = yes\n",
    );
    let config = world.folder.write("stunnel.conf", config);
    let _server = world.serve(&format!("stunnel {config}"), 4433);
    // stunnel knows no ALPN.
    dialled(&world, 4433, None);
}

#[test]
fn the_client_of_openssl_speaks_tls_with_listen() {
    if !ready(&[Need::Program("openssl")]) {
        return;
    }
    let world = World::new("s-client");
    let mut server = world.listen();
    for (_, version, _) in VERSIONS {
        for session in ["-sess_out", "-sess_in"] {
            let words = format!(
                "openssl s_client -connect 127.0.0.1:{} -servername web.test -verify_hostname web.test \
                 -verify_return_error -CAfile DIR/ca.pem -cert DIR/ours.pem -key DIR/ours.key \
                 -alpn http/1.1 -ign_eof {version} {session} DIR/session{version}",
                server.port
            );
            let said = world.client(&words, REQUEST);
            assert!(said.contains("HTTP/1.1 200 OK"), "{said}");
            assert!(said.contains("Verification: OK"), "{said}");
            assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
            let way = if session == "-sess_in" {
                "Reused, TLS"
            } else {
                "New, TLS"
            };
            assert!(said.contains(way), "{said}");
        }
    }
    served(&mut server, Some("http/1.1"));
}

#[test]
fn curl_speaks_tls_with_listen() {
    if !ready(&[Need::Program("curl")]) {
        return;
    }
    let world = World::new("curl");
    let mut server = world.listen();
    let url = format!("https://web.test:{}/", server.port);
    for (version, ..) in VERSIONS {
        let words = format!(
            "curl -sS --tlsv{version} --tls-max {version} --cacert DIR/ca.pem --cert DIR/ours.pem \
             --key DIR/ours.key --resolve web.test:{}:127.0.0.1 -H Connection:close -o /dev/null \
             -w %{{http_code}},%{{ssl_verify_result}}, {url} -o /dev/null {url}",
            server.port
        );
        assert_eq!(world.client(&words, ""), "200,0,200,0,");
    }
    served(&mut server, Some("http/1.1"));
}

#[test]
fn nginx_speaks_tls_with_listen() {
    if !ready(&[Need::Program("nginx"), Need::Program("curl")]) {
        return;
    }
    let world = World::new("nginx-client");
    let mut server = world.listen();
    let locations = VERSIONS.iter().fold(String::new(), |mut all, (name, _, version)| {
        let _ = writeln!(
            all,
            "location /{name} {{ proxy_pass https://127.0.0.1:{}/; proxy_ssl_protocols {version}; \
             proxy_ssl_certificate DIR/ours.pem; proxy_ssl_certificate_key DIR/ours.key; \
             proxy_ssl_trusted_certificate DIR/ca.pem; proxy_ssl_verify on; proxy_ssl_name web.test; \
             proxy_ssl_server_name on; }}",
            server.port
        );
        all
    });
    let config = nginx(
        &world,
        &format!("server {{ listen 127.0.0.1:8080;\n{locations} }}"),
    );
    let _proxy = world.serve(&format!("nginx -c {config}"), 8080);
    for (version, ..) in VERSIONS {
        for _ in 0..2 {
            let words =
                format!("curl -sS -o /dev/null -w %{{http_code}} http://127.0.0.1:8080/{version}");
            assert_eq!(world.client(&words, ""), "200");
        }
    }
    // Its upstreams are not offered ALPN.
    served(&mut server, None);
}

#[test]
fn stunnel_speaks_tls_with_listen() {
    if !ready(&[Need::Program("stunnel"), Need::Program("curl")]) {
        return;
    }
    let world = World::new("stunnel-client");
    let mut server = world.listen();
    let services = VERSIONS.iter().zip(8_001..).fold(
        "foreground = yes\npid =\n".to_owned(),
        |mut all, ((name, _, version), port)| {
            let _ = writeln!(
                all,
                "[{name}]\nclient = yes\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{}\n\
                 cert = DIR/ours.pem\nkey = DIR/ours.key\nCAfile = DIR/ca.pem\nverifyChain = yes\n\
                 checkHost = web.test\nsni = web.test\nsslVersionMin = {version}\nsslVersionMax = {version}",
                server.port
            );
            all
        },
    );
    // Whether it listens is asked where no session of TLS is begun.
    let ready = "[ready]\nclient = yes\naccept = 127.0.0.1:8003\nconnect = 127.0.0.1:9\n";
    let config = world.words(&services) + ready;
    let config = world.folder.write("stunnel.conf", config);
    let _client = world.serve(&format!("stunnel {config}"), 8_003);
    for port in [8_001, 8_002] {
        for _ in 0..2 {
            let words = format!(
                "curl -sS -o /dev/null -w %{{http_code}} -H Connection:close http://127.0.0.1:{port}/"
            );
            assert_eq!(world.client(&words, ""), "200");
        }
    }
    served(&mut server, None);
}
