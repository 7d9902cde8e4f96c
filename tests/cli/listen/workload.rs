//! `--spiffe-socket`: who `dial`, `heartbeat` and `listen` are by the Workload API, and what happens
//! when that changes while they run.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::Served;
use crate::support::{netkit, read_heartbeat, valid};
use crate::tls_server::{Authority, Folder, Leaf};
use crate::workload::{Agent, Say, offering, response, svid};

const WEB: &str = "spiffe://td.example/web";
const DB: &str = "spiffe://td.example/db";

/// A trust domain with an agent, which gives `WEB`.
struct World {
    folder: Folder,
    authority: Authority,
    agent: Agent,
    leaf: Leaf,
}

impl World {
    fn new(name: &str) -> Self {
        let (folder, authority) = (Folder::new(name), Authority::new("Root"));
        let leaf = svid(&authority, WEB);
        let message = response(WEB, &leaf, &authority, &[]);
        let agent = Agent::start(folder.path(), Say::Message(message));
        Self {
            folder,
            authority,
            agent,
            leaf,
        }
    }

    /// Gives another certificate, and returns its serial number as reports have it.
    fn rotate(&mut self) {
        self.leaf = svid(&self.authority, WEB);
        let message = response(WEB, &self.leaf, &self.authority, &[]);
        self.agent.say(Say::Message(message));
    }

    /// SHA-256 of the certificate in force.
    fn sha256(&self) -> String {
        sha256(&self.leaf)
    }

    /// A server by files, with this certificate, that demands one of its clients.
    fn demanding(&self, leaf: &Leaf) -> Served {
        let line = format!(
            "127.0.0.1:0 --tls {} --client-ca {} --require-client-cert",
            files(&self.folder, "server", leaf),
            self.folder.write("ca.pem", self.authority.pem()),
        );
        Served::start(&line, 1)
    }

    /// A dial as `DB`, by files, of a server that is `WEB`.
    fn dial_as_db(&self, served: &Served) -> Value {
        let line = format!(
            "dial tls://127.0.0.1:{} {} --spiffe-bundle {} --spiffe-id {WEB} --send x --expect x --json",
            served.ports[0],
            files(&self.folder, "client", &svid(&self.authority, DB)),
            self.folder.write("ca.pem", self.authority.pem()),
        );
        netkit(&line).run().status(0).one()
    }
}

/// The flags that name a certificate and its key.
fn files(folder: &Folder, name: &str, leaf: &Leaf) -> String {
    let cert = folder.write(&format!("{name}.pem"), &leaf.pem);
    let key = folder.write(&format!("{name}.key"), leaf.key.serialize_pem());
    format!("--cert {cert} --key {key}")
}

fn sha256(leaf: &Leaf) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, &leaf.chain[0]);
    data_encoding::HEXLOWER.encode(digest.as_ref())
}

/// The next change of the identity of a server.
fn change(served: &mut Served, what: &str) -> Value {
    loop {
        let line = served.next_of("identity");
        if line["change"] == what {
            return line;
        }
    }
}

/// A heartbeat that is running; killed when dropped.
struct Beating {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Beating {
    fn start(line: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_netkit"))
            .args(["heartbeat", "--json", "-i", "20ms", "-t", "30s"])
            .args(line.split_whitespace())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let out = BufReader::new(child.stdout.take().expect("it was piped"));
        Self { child, out }
    }

    /// The next line.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a pipe can be read");
        let value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        valid(&value);
        read_heartbeat(&value);
        value
    }

    /// The next line that is wanted; a session that ends or a beat that fails before is a failure.
    fn next_of(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.next();
            assert_ne!(line["type"], "disconnect", "{line:#}");
            assert_ne!(line["ok"], false, "{line:#}");
            if wanted(&line) {
                return line;
            }
        }
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_dial_is_who_the_workload_api_says_and_believes_its_authorities() {
    let world = World::new("workload-dial");
    let mut served = world.demanding(&svid(&world.authority, DB));
    let socket = world.agent.address();
    let target = format!("tls://127.0.0.1:{}", served.ports[0]);
    let line = format!("dial {target} --spiffe-id {DB} --send x --expect x --json");
    let report = netkit(&format!("{line} --spiffe-socket {socket}"))
        .run()
        .status(0)
        .one();
    valid(&report);
    assert_eq!(report["tls"]["spiffe_id"], DB);
    assert_eq!(report["tls"]["client_auth"]["sent"], true);
    assert_eq!(report["config"]["tls"]["spiffe_socket"], socket);
    let tls = &served.next_of("tls")["tls"];
    assert_eq!(tls["client_spiffe_id"], WEB, "{tls:#}");
    // The environment names it too, where a flag needs what no file gives.
    let slashes = socket.replace("unix:", "unix://");
    let report = netkit(&line)
        .env("SPIFFE_ENDPOINT_SOCKET", &slashes)
        .run()
        .status(0)
        .one();
    assert_eq!(report["config"]["tls"]["spiffe_socket"], socket);
    assert_eq!(world.agent.asked(), 2);
    // Who the server is stays a question of its own.
    let refused = netkit(&format!(
        "dial {target} --spiffe-id {WEB} --spiffe-socket {socket} --json"
    ));
    let report = refused.run().status(4).one();
    assert_eq!(report["failure"]["kind"], "spiffe_mismatch");
}

#[test]
fn of_several_identities_the_first_is_ours_unless_one_is_chosen() {
    let world = World::new("workload-several");
    let all = [
        (WEB, "public"),
        (DB, "internal"),
        ("spiffe://td.example/x", ""),
    ];
    world
        .agent
        .say(Say::Message(offering(&world.authority, &all)));
    let mut served = world.demanding(&svid(&world.authority, DB));
    let socket = world.agent.address();
    let line = format!(
        "dial tls://127.0.0.1:{} --spiffe-id {DB} --spiffe-socket {socket} --json",
        served.ports[0]
    );
    for (flag, ours) in [
        ("", WEB),
        ("--spiffe-svid internal", DB),
        (
            "--spiffe-svid spiffe://td.example/x",
            "spiffe://td.example/x",
        ),
    ] {
        let report = netkit(&format!("{line} {flag}")).run().status(0).one();
        valid(&report);
        let chosen = &report["config"]["tls"]["spiffe_svid"];
        assert_eq!(chosen.as_str(), flag.split(' ').nth(1), "{report:#}");
        assert_eq!(served.next_of("tls")["tls"]["client_spiffe_id"], ours);
    }
    let listening = format!("listen 127.0.0.1:0 --tls --spiffe-socket {socket}");
    let beats = format!("heartbeat tls://127.0.0.1:1 --spiffe-id {DB} --spiffe-socket {socket}");
    for line in [line.as_str(), listening.as_str(), beats.as_str()] {
        netkit(&format!("{line} --spiffe-svid other"))
            .run()
            .status(6)
            .complains("--spiffe-svid")
            .complains("does not offer other")
            .complains("spiffe://td.example/db (hint \"internal\"), spiffe://td.example/x");
    }
    let line = format!("127.0.0.1:0 --tls --spiffe-socket {socket} --spiffe-svid internal");
    let mut served = Served::start(&line, 1);
    assert_eq!(change(&mut served, "issued")["spiffe_id"], DB);
}

#[test]
fn an_authority_speaks_for_its_own_trust_domain_alone() {
    const ABROAD: &str = "spiffe://other.example/db";
    let world = World::new("workload-federated");
    let abroad = Authority::new("Other Root");
    let dial = |leaf: &Leaf, id: &str, status: i32| {
        let served = world.demanding(leaf);
        let socket = world.agent.address();
        let line = format!(
            "dial tls://127.0.0.1:{} --spiffe-id {id} --spiffe-socket {socket} --json",
            served.ports[0]
        );
        netkit(&line).run().status(status).one()
    };
    let report = dial(&svid(&abroad, ABROAD), ABROAD, 4);
    assert_eq!(report["failure"]["kind"], "tls_untrusted", "{report:#}");
    let words = report["failure"]["message"].as_str().unwrap_or_default();
    assert!(words.contains("no authority of other.example"), "{words}");
    let federated = [("spiffe://other.example", &abroad)];
    let message = response(WEB, &world.leaf, &world.authority, &federated);
    world.agent.say(Say::Message(message));
    let report = dial(&svid(&abroad, ABROAD), ABROAD, 0);
    assert_eq!(report["tls"]["spiffe_id"], ABROAD);
    // It may not sign for a trust domain that is not its own.
    let report = dial(&svid(&abroad, DB), DB, 4);
    assert_eq!(report["failure"]["kind"], "tls_untrusted", "{report:#}");
    let report = dial(&svid(&world.authority, ABROAD), ABROAD, 4);
    assert_eq!(report["failure"]["kind"], "tls_untrusted", "{report:#}");
}

#[test]
fn a_server_takes_a_new_identity_while_a_session_goes_on() {
    let mut world = World::new("workload-listen");
    let line = format!(
        "127.0.0.1:0 --tls --require-client-cert --spiffe-socket {}",
        world.agent.address()
    );
    let mut served = Served::start(&line, 1);
    let issued = change(&mut served, "issued");
    assert_eq!(issued["spiffe_id"], WEB);
    assert_eq!(issued["sha256"], world.sha256());
    let mut session = Beating::start(&format!(
        "tls://127.0.0.1:{} --probe echo {} --spiffe-bundle {} --spiffe-id {WEB}",
        served.ports[0],
        files(&world.folder, "db", &svid(&world.authority, DB)),
        world.folder.write("ca.pem", world.authority.pem()),
    ));
    session.next_of(|line| line["type"] == "beat");
    world.rotate();
    let rotated = change(&mut served, "rotated");
    assert_eq!(rotated["sha256"], world.sha256());
    let report = world.dial_as_db(&served);
    assert_eq!(report["tls"]["chain"][0]["sha256"], world.sha256());
    let since = rotated["ts"].as_str().expect("a time").to_owned();
    session.next_of(|line| line["type"] == "beat" && line["ts"].as_str() > Some(&since));
    // What cannot be used, and an agent that goes away, leave the old one.
    world.agent.say(Say::Message(b"\x0a".to_vec()));
    let lost = change(&mut served, "lost");
    assert_eq!(lost["failure"]["kind"], "workload_api", "{lost:#}");
    assert_eq!(lost["sha256"], world.sha256());
    assert!(lost["retry_ms"].is_number());
    let report = world.dial_as_db(&served);
    assert_eq!(report["tls"]["chain"][0]["sha256"], world.sha256());
    let same = response(WEB, &world.leaf, &world.authority, &[]);
    world.agent.say(Say::Message(same));
    change(&mut served, "restored");
    // Whom to trust changes too.
    let abroad = Authority::new("Other Root");
    let federated = [("other.example", &abroad)];
    let more = response(WEB, &world.leaf, &world.authority, &federated);
    world.agent.say(Say::Message(more));
    let bundles = change(&mut served, "bundles");
    assert_eq!(bundles["trust_domains"][0], "other.example");
    session.next_of(|line| line["type"] == "beat");
}

#[test]
fn a_heartbeat_shows_its_new_identity_with_the_next_handshake() {
    let mut world = World::new("workload-heartbeat");
    let mut served = world.demanding(&svid(&world.authority, DB));
    let flags = format!(
        "tls://127.0.0.1:{} --spiffe-trust-domain td.example --spiffe-socket {}",
        served.ports[0],
        world.agent.address()
    );
    let mut session = Beating::start(&format!("{flags} --probe echo"));
    session.next_of(|line| line["change"] == "issued");
    let shown = |served: &mut Served, sha256: &str| loop {
        let tls = served.next_of("tls");
        if tls["tls"]["client_fingerprint_sha256"] == sha256 {
            return;
        }
    };
    shown(&mut served, &world.sha256());
    let mut probes = Beating::start(&flags);
    probes.next_of(|line| line["type"] == "beat");
    world.rotate();
    let rotated = probes.next_of(|line| line["change"] == "rotated");
    assert_eq!(rotated["sha256"], world.sha256());
    shown(&mut served, &world.sha256());
    let rotated = session.next_of(|line| line["change"] == "rotated");
    let since = rotated["ts"].as_str().expect("a time").to_owned();
    session.next_of(|line| line["type"] == "beat" && line["ts"].as_str() > Some(&since));
}

#[test]
fn clients_of_other_trust_domains_stay_out() {
    let world = World::new("workload-clients");
    let socket = world.agent.address();
    let line = format!("127.0.0.1:0 --tls --spiffe-socket {socket} --allow-spiffe-id {DB}");
    let mut served = Served::start(&line, 1);
    world.dial_as_db(&served);
    assert_eq!(served.next_of("tls")["tls"]["client_spiffe_id"], DB);
    let abroad = Authority::new("Other Root");
    let no_id = world.authority.good();
    let rows = [
        (svid(&abroad, "spiffe://other.example/db"), "tls_untrusted"),
        (svid(&abroad, DB), "tls_untrusted"),
        (svid(&world.authority, WEB), "spiffe_mismatch"),
        (no_id, "tls_untrusted"),
    ];
    for (leaf, kind) in rows {
        let line = format!(
            "dial tls://127.0.0.1:{} {} --spiffe-bundle {} --spiffe-id {WEB} --banner -t 10s",
            served.ports[0],
            files(&world.folder, "client", &leaf),
            world.folder.write("ca.pem", world.authority.pem()),
        );
        assert_ne!(netkit(&line).run().code, Some(0));
        let tls = served.next_of("tls");
        assert_eq!(tls["failure"]["kind"], kind, "{tls:#}");
    }
}

#[test]
fn who_gets_no_identity_is_told_why() {
    let folder = Folder::new("workload-none");
    let nowhere = format!("unix:{}/nowhere", folder.path().display());
    let commands = [
        "dial tls://127.0.0.1:9 --spiffe-trust-domain td.example",
        "heartbeat tls://127.0.0.1:9 --spiffe-trust-domain td.example",
        "listen 127.0.0.1:0 --tls",
    ];
    for command in commands {
        let outcome = netkit(&format!("{command} --spiffe-socket {nowhere} --json"))
            .run()
            .status(6)
            .complains("netkit: --spiffe-socket: the Workload API at unix:")
            .complains("hint: ");
        assert_eq!(outcome.one()["failure"]["kind"], "file");
        netkit(command)
            .env("SPIFFE_ENDPOINT_SOCKET", &nowhere)
            .run()
            .status(6)
            .complains("netkit: SPIFFE_ENDPOINT_SOCKET: the Workload API at unix:");
        netkit(command)
            .env("SPIFFE_ENDPOINT_SOCKET", "/run/agent.sock")
            .run()
            .status(2)
            .complains("SPIFFE_ENDPOINT_SOCKET")
            .complains("unix:/path");
    }
    let rows = [
        (Say::Status(7, "no identity issued"), 6, "no_identity"),
        (Say::Http(404), 6, "workload_api"),
        (Say::Nothing, 124, "timeout"),
    ];
    for (say, status, kind) in rows {
        let agent = Agent::start(folder.path(), say);
        let socket = agent.address();
        let line = format!("{} --spiffe-socket {socket} --json -t 300ms", commands[0]);
        let outcome = netkit(&line).run().status(status);
        assert_eq!(outcome.one()["failure"]["kind"], kind);
    }
}

#[test]
fn flags_that_say_who_we_are_twice_are_refused() {
    let rows = [
        ("dial x:1 --spiffe-socket unix:/a", "without TLS"),
        (
            "dial x:1 --tls --spiffe-socket unix:/a --cert a --key b",
            "--cert",
        ),
        (
            "heartbeat x:1 --tls --spiffe-socket unix:/a --cert a --key b",
            "--cert",
        ),
        (
            "dial x:1 --tls --spiffe-socket unix:/a --ca a --spiffe-id spiffe://a/b",
            "--spiffe-bundle",
        ),
        ("listen :0 --spiffe-socket unix:/a", "--tls"),
        ("listen :0 --tls --spiffe-socket unix:/a --cert a", "--cert"),
        ("listen :0 --tls --spiffe-socket unix:/a --key a", "--key"),
        (
            "listen :0 --tls-self-signed --spiffe-socket unix:/a",
            "--tls-self-signed",
        ),
        ("listen :0 --tls --spiffe-socket a", "unix:/path"),
    ];
    for (line, words) in rows {
        netkit(line).run().status(2).complains(words);
    }
}
