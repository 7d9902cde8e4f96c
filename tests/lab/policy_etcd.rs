//! A policy in a real etcd: the first get, changes by watch, and a server that goes away and comes
//! back, while dials go on.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::namespace::Namespace;
use crate::bed::serve::Echo;
use crate::bed::skip::{Need, ready};
use crate::dns::Script;
use crate::netkit::NETKIT;

/// Far longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(30);
const CLIENT: &str = "http://127.0.0.1:2379";
const PEER: &str = "http://127.0.0.1:2380";

/// An etcd of one member, alone on its machine.
struct Etcd<'a> {
    machine: &'a Namespace,
    folder: PathBuf,
    child: Option<Child>,
}

impl<'a> Etcd<'a> {
    fn start(machine: &'a Namespace) -> Self {
        let name = format!("netkit-etcd-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let mut etcd = Self {
            machine,
            folder,
            child: None,
        };
        etcd.up();
        etcd
    }

    /// Starts the server with what it remembers, and waits until it answers.
    fn up(&mut self) {
        let mut command = Command::new("etcd");
        command.arg("--data-dir").arg(&self.folder);
        command.args([
            "--listen-client-urls",
            CLIENT,
            "--advertise-client-urls",
            CLIENT,
        ]);
        command.args([
            "--listen-peer-urls",
            PEER,
            "--initial-advertise-peer-urls",
            PEER,
        ]);
        command.args(["--initial-cluster", &format!("default={PEER}")]);
        command.args(["--unsafe-no-fsync", "--log-level", "error"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = self.machine.spawn(&mut command);
        self.child = Some(child.expect("etcd is installed"));
        let began = Instant::now();
        while !self.answers() {
            assert!(began.elapsed() < PATIENCE, "etcd does not come up");
        }
    }

    fn answers(&self) -> bool {
        let mut command = Self::client();
        command.args(["--command-timeout=1s", "endpoint", "health"]);
        self.machine.output(&mut command).status.success()
    }

    fn client() -> Command {
        let mut command = Command::new("etcdctl");
        command
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", CLIENT]);
        command
    }

    /// Writes a key.
    fn put(&self, key: &str, value: &str) {
        let output = self
            .machine
            .output(Self::client().args(["put", key, value]));
        assert!(output.status.success(), "{output:?}");
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Etcd<'_> {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Dials again and again, and can be asked what each was told.
struct Dials {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: BTreeSet<u64>,
}

impl Dials {
    fn start(machine: &Namespace, arguments: &str) -> Self {
        let mut command = Command::new(NETKIT);
        command.args(arguments.split(' '));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = machine
            .spawn(&mut command)
            .expect("the program can be started");
        let stdout = child.stdout.take().expect("it is piped");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
            seen: BTreeSet::new(),
        }
    }

    /// Reads on until a dial obeys the rule; every dial on the way must have succeeded.
    fn until(&mut self, rule: &str) {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < PATIENCE, "no dial obeys {rule}");
            let line = self.lines.next().expect("dials go on");
            let line: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
            self.seen.insert(line["seq"].as_u64().expect("a number"));
            // A busy machine may have no time for one; what was sent must come back.
            assert!(line["type"] == "skipped" || line["ok"] == true, "{line:#}");
            if line["resolve"]["questions"][0]["evidence"][0]["rule"] == rule {
                return;
            }
        }
    }
}

impl Dials {
    /// How many of those before the last one seen were never heard of.
    fn missing(&self) -> usize {
        let last = self.seen.last().copied().unwrap_or_default();
        (0..last).filter(|seq| !self.seen.contains(seq)).count()
    }
}

impl Drop for Dials {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rule(name: &str) -> String {
    format!("[[rule]]\nname = '{name}'\nkeep = ['127.0.0.0/8']\nlast = true\n")
}

#[test]
fn rules_in_etcd_are_obeyed_followed_and_kept_while_it_is_away() {
    let needs = [Need::Program("etcd"), Need::Program("etcdctl")];
    if !ready(&needs) {
        return;
    }
    let machine = Namespace::new().expect("namespaces can be made here");
    let echo = Echo::start(&machine);
    let zone = Script::new()
        .address("web.example", "203.0.113.7")
        .address("web.example", "127.0.0.1");
    let names = machine.enter(|| zone.start());
    let mut etcd = Etcd::start(&machine);
    etcd.put("/netkit/10", &rule("first"));
    // Beside the prefix, not below it.
    etcd.put("/netkit", &rule("not ours"));
    etcd.put("/netkiu", &rule("not ours either"));
    let arguments = format!(
        "dial -4 web.example:{} --ns {} --policy etcd://127.0.0.1:2379/netkit/ -c 0 -i 20ms --json",
        echo.port,
        names.addr()
    );
    let mut dials = Dials::start(&machine, &arguments);
    dials.until("first");
    etcd.put("/netkit/05", &rule("second"));
    dials.until("second");
    etcd.put("/netkit/05", "not TOML");
    dials.until("second");
    etcd.kill();
    dials.until("second");
    etcd.up();
    etcd.put("/netkit/05", &rule("third"));
    dials.until("third");
    // One that is still on its way is not lost.
    assert!(
        dials.missing() <= 5,
        "{} of {}",
        dials.missing(),
        dials.seen.len()
    );
}

#[test]
fn an_etcd_that_is_not_there_is_a_failure_of_this_machine() {
    if !ready(&[]) {
        return;
    }
    let machine = Namespace::new().expect("namespaces can be made here");
    let mut command = Command::new(NETKIT);
    command.args(["resolve", "web.example", "--ns", "127.0.0.1:1"]);
    command.args(["--policy", "etcd://127.0.0.1:2379/netkit/"]);
    let output = machine.output(&mut command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("etcd://127.0.0.1:2379/netkit/"), "{said}");
}
