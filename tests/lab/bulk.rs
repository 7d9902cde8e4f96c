//! Very many names against a real knot: over a network that loses a part of the questions, beside
//! servers that are dead or fail, and with answers that do not fit a datagram.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::namespace::{Hook, Namespace};
use crate::bed::skip::{self, Need};
use crate::netkit::NETKIT;

/// Names of the zone, each with its own address.
const NAMES: u32 = 20_000;
/// Addresses of the one name that does not fit a datagram.
const MANY: usize = 100;
const SERVER: &str = "127.0.0.53";
/// Nobody listens there, and nobody says so.
const DEAD: &str = "127.0.0.66";

/// A namespace with a knot in it; both are gone after the test.
struct Lab {
    machine: Namespace,
    folder: PathBuf,
    knot: Option<Child>,
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(knot) = &mut self.knot {
            let _ = knot.kill();
            let _ = knot.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Lab {
    fn new(test: &str) -> Option<Self> {
        if !skip::ready(&[Need::Program("knotd")]) {
            return None;
        }
        let machine = Namespace::new().expect("the lab is ready");
        let name = format!("netkit-lab-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("the temporary folder can be written");
        let mut lab = Self {
            machine,
            folder,
            knot: None,
        };
        lab.serve();
        Some(lab)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, content).expect("the folder can be written");
        path
    }

    fn serve(&mut self) {
        let mut zone = String::from(
            "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\n\
             ns A 127.0.0.53\n",
        );
        for number in 0..NAMES {
            let _ = writeln!(zone, "n{number} A {}", address(number));
        }
        for number in 0..MANY {
            let _ = writeln!(zone, "many A 192.0.2.{number}");
        }
        self.file("zone", &zone);
        let folder = self.folder.display();
        let conf = format!(
            "server:\n    rundir: {folder}\n    listen: {SERVER}@53\n    udp-workers: 1\n    \
             tcp-workers: 1\n    background-workers: 1\n\
             database:\n    storage: {folder}\n\
             zone:\n  - domain: example.\n    file: {folder}/zone\n    zonefile-sync: -1\n    \
             journal-content: none\n"
        );
        let conf = self.file("knot.conf", &conf);
        let mut command = Command::new("knotd");
        command
            .arg("-c")
            .arg(conf)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.knot = Some(self.machine.spawn(&mut command).expect("knotd starts"));
        self.wait();
    }

    /// Waits until the zone is served.
    fn wait(&self) {
        let question = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x02n0\x07example\0\0\x01\0\x01";
        let socket = self
            .machine
            .enter(|| UdpSocket::bind("127.0.0.1:0").expect("a free port"));
        let tick = Some(Duration::from_millis(50));
        socket.set_read_timeout(tick).expect("a timeout can be set");
        let end = Instant::now() + Duration::from_secs(30);
        let mut reply = [0; 512];
        while Instant::now() < end {
            let _ = socket.send_to(question, (SERVER, 53));
            if matches!(socket.recv(&mut reply), Ok(size) if size > 12 && reply[7] == 1) {
                return;
            }
        }
        panic!("knotd does not serve its zone");
    }

    /// Resolves a list, in JSON.
    fn resolve(&self, list: &str, flags: &[&str]) -> Run {
        let list = self.file("list", list);
        let mut command = Command::new("timeout");
        command
            .args(["100", NETKIT, "resolve", "--json", "--input"])
            .arg(list)
            .args(flags);
        let output = self.machine.output(&mut command);
        let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        let parse = |line: &str| serde_json::from_str(line).expect("each line is JSON");
        let mut lines: Vec<Value> = text.lines().map(parse).collect();
        let summary = lines.pop().expect("there is a summary");
        assert_eq!(
            summary["type"],
            "summary",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Run {
            lines,
            summary,
            code: output.status.code(),
        }
    }
}

struct Run {
    lines: Vec<Value>,
    summary: Value,
    code: Option<i32>,
}

impl Run {
    /// Every name of the zone is there once, and right.
    fn is_whole(&self) {
        let mut missing: HashMap<String, u32> = (0..NAMES).map(|n| (name(n), n)).collect();
        for line in &self.lines {
            let name = line["name"].as_str().expect("a name is text");
            let number = missing
                .remove(name)
                .unwrap_or_else(|| panic!("twice, or not asked: {line}"));
            assert_eq!(line["verdict"], "answer", "{line}");
            assert_eq!(
                line["answers"][0]["data"],
                address(number).to_string(),
                "{line}"
            );
        }
        assert!(missing.is_empty(), "{} are missing", missing.len());
        assert_eq!(
            (self.code, &self.summary["exit_code"]),
            (Some(0), &Value::from(0))
        );
        assert_eq!(self.summary["resolve"]["answered"], NAMES);
    }

    fn sum(&self, key: &str) -> u64 {
        self.summary["resolve"][key]
            .as_u64()
            .expect("a sum is a number")
    }
}

fn name(number: u32) -> String {
    format!("n{number}.example")
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + number)
}

fn all() -> String {
    (0..NAMES).fold(String::new(), |list, number| list + &name(number) + "\n")
}

#[test]
fn loss_costs_time_and_no_name() {
    let Some(lab) = Lab::new("loss") else { return };
    lab.resolve(&all(), &["--ns", SERVER]).is_whole();
    for (direction, percent) in [("udp dport", 5), ("udp dport", 30), ("udp sport", 30)] {
        lab.machine.unfilter();
        let rule = format!("{direction} 53 numgen random mod 100 < {percent} drop");
        lab.machine.filter(Hook::Input, &rule);
        let run = lab.resolve(&all(), &["--ns", SERVER]);
        run.is_whole();
        let least = u64::from(NAMES) * percent / 200;
        assert!(run.sum("lost") > least, "{percent} %: {}", run.summary);
    }
}

#[test]
fn a_dead_server_beside_a_live_one_costs_no_name() {
    let Some(lab) = Lab::new("dead") else { return };
    lab.machine
        .filter(Hook::Input, &format!("ip daddr {DEAD} drop"));
    let run = lab.resolve(&all(), &["--ns", DEAD, "--ns", SERVER]);
    run.is_whole();
    let dead = &run.summary["resolve"]["servers"][0];
    assert!(dead["sent"].as_u64() < Some(1_000), "{}", run.summary);
    assert_eq!(dead["rtt"], Value::Null);
}

#[test]
fn a_closed_port_beside_a_server_costs_no_name() {
    let Some(lab) = Lab::new("closed") else {
        return;
    };
    let run = lab.resolve(&all(), &["--ns", "127.0.0.67", "--ns", SERVER]);
    run.is_whole();
    let refused = &run.summary["resolve"]["servers"][0]["refused"];
    assert!(refused.as_u64() > Some(0), "{}", run.summary);
}

#[test]
fn a_server_that_fails_is_not_the_last_word() {
    let Some(lab) = Lab::new("servfail") else {
        return;
    };
    let failing = lab
        .machine
        .enter(|| UdpSocket::bind("127.0.0.68:53").expect("a free address"));
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((size, from)) = failing.recv_from(&mut packet) {
            (packet[2], packet[3]) = (packet[2] | 0x80, 2);
            let _ = failing.send_to(&packet[..size], from);
        }
    });
    let run = lab.resolve(&all(), &["--ns", "127.0.0.68", "--ns", SERVER]);
    run.is_whole();
    let alone = lab.resolve("n1.example\n", &["--ns", "127.0.0.68"]);
    assert_eq!(alone.lines[0]["verdict"], "servfail");
    assert_eq!(alone.code, Some(3));
}

#[test]
fn what_does_not_fit_a_datagram_comes_over_tcp() {
    let Some(lab) = Lab::new("truncated") else {
        return;
    };
    let list = "many.example\n".repeat(50) + "n1.example\n";
    let run = lab.resolve(&list, &["--ns", SERVER, "--no-cache"]);
    assert_eq!((run.lines.len(), run.sum("tcp")), (51, 50));
    let many: Vec<_> = run
        .lines
        .iter()
        .filter(|line| line["name"] == "many.example")
        .collect();
    for line in many {
        assert_eq!(
            (&line["transport"], &line["verdict"]),
            (&"tcp".into(), &"answer".into())
        );
        assert_eq!(line["answers"].as_array().map(Vec::len), Some(MANY));
    }
    lab.machine
        .filter(Hook::Input, "tcp dport 53 reject with tcp reset");
    let cut = lab.resolve("many.example\n", &["--ns", SERVER]);
    assert_eq!(cut.lines[0]["transport"], "udp", "{}", cut.lines[0]);
    assert_eq!(cut.lines[0]["ok"], false);
}

#[test]
fn everything_over_tcp_is_whole_too() {
    let Some(lab) = Lab::new("tcp") else { return };
    let run = lab.resolve(&all(), &["--ns", &format!("tcp://{SERVER}")]);
    run.is_whole();
    assert_eq!((run.sum("sent"), run.sum("tcp")), (0, u64::from(NAMES)));
}
