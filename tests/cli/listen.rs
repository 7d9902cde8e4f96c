//! `netkit listen` as a process: what it prints, when, and how it ends.

mod abrupt;
mod ending;
mod faults;
mod forward;
mod load;
mod replay;
mod sockets;
mod telling;
mod tls;
mod tls_forward;
mod workload;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{netkit, read_listen, valid};

/// A server that is running; killed when dropped.
pub(crate) struct Served {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    /// The ports of its sockets, in order.
    pub(crate) ports: Vec<u16>,
}

impl Served {
    /// Starts `netkit listen … --json` and waits until its sockets listen.
    pub(crate) fn start(line: &str, sockets: usize) -> Self {
        Self::start_words(line, &[], sockets)
    }

    /// The same with words that may hold spaces.
    fn start_words(line: &str, words: &[&str], sockets: usize) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netkit"));
        command
            .arg("listen")
            .args(line.split_whitespace())
            .args(words);
        Self::spawn(command.arg("--json"), sockets)
    }

    /// The same after a command of the shell, such as one that sets a limit.
    fn start_under(limit: &str, line: &str) -> Self {
        let netkit = env!("CARGO_BIN_EXE_netkit");
        let script = format!("{limit} exec {netkit} listen {line} --json");
        Self::spawn(Command::new("sh").args(["-c", &script]), 1)
    }

    fn spawn(command: &mut Command, sockets: usize) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let out = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut served = Self {
            child,
            out,
            ports: Vec::new(),
        };
        for _ in 0..sockets {
            let line = served.next();
            assert_eq!(line["type"], "listening", "{line:#}");
            let port = line["port"].as_u64().unwrap_or_default();
            served.ports.push(u16::try_from(port).expect("a port"));
        }
        served
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.ports[0])).expect("it listens")
    }

    /// The next line, valid.
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a pipe can be read");
        let value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        valid(&value);
        read_listen(&value);
        value
    }

    /// The next line of a type; others are skipped.
    fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let line = self.next();
            if line["type"] == kind {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.expect("kill(1) exists").success());
    }

    /// Bytes of memory that it has.
    fn resident(&self) -> u64 {
        let text = self.proc("statm");
        let pages: u64 = text
            .split(' ')
            .nth(1)
            .and_then(|pages| pages.parse().ok())
            .expect("pages");
        pages * 4_096
    }

    /// Descriptors that it has open.
    fn descriptors(&self) -> usize {
        let path = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(path).expect("it runs").count()
    }

    /// Those with numbers below a limit: one that was inherited may have a greater.
    fn descriptors_below(&self, limit: u64) -> usize {
        let path = format!("/proc/{}/fd", self.child.id());
        let names = std::fs::read_dir(path).expect("it runs").flatten();
        let numbers = names.filter_map(|name| name.file_name().to_str()?.parse::<u64>().ok());
        numbers.filter(|number| *number < limit).count()
    }

    /// Waits until it no longer closes anything.
    fn settle(&self) {
        let mut last = (self.descriptors(), Instant::now());
        while last.1.elapsed() < Duration::from_millis(100) {
            let now = self.descriptors();
            if now != last.0 {
                last = (now, Instant::now());
            }
            std::thread::yield_now();
        }
    }

    /// Processor time that it has used.
    fn processor_time(&self) -> Duration {
        let text = self.proc("stat");
        let words: Vec<_> = text
            .rsplit(')')
            .next()
            .expect("it has a name")
            .split(' ')
            .collect();
        let ticks = |at: usize| words[at].parse::<u64>().expect("ticks");
        Duration::from_millis((ticks(12) + ticks(13)) * 10)
    }

    fn proc(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("it runs")
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().expect("it is our child").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn one_connection_is_served_and_told() {
    let mut served = Served::start("127.0.0.1:0 --once --dump -v --syn", 1);
    let mut client = served.connect();
    client.write_all(b"ping").unwrap();
    let mut back = [0; 4];
    client.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"ping");
    drop(client);
    let accept = served.next_of("accept");
    assert!(accept["syn"]["mss"].is_u64(), "{accept:#}");
    let data = served.next_of("data");
    assert_eq!(data["data"]["text"], "ping");
    let close = served.next_of("close");
    assert_eq!(
        (&close["cause"], &close["by"]),
        (&"fin".into(), &"peer".into())
    );
    assert_eq!(
        (&close["bytes_in"], &close["bytes_out"]),
        (&4.into(), &4.into())
    );
    assert!(close["tcp_info"]["rtt_ms"].is_f64(), "{close:#}");
    let summary = served.next_of("summary");
    assert_eq!(summary["totals"]["closed"]["fin"], 1);
    assert_eq!(served.code(), Some(0));
}

#[test]
fn half_a_connection_gets_all_its_bytes_back_and_then_the_end() {
    const SIZE: usize = 64 << 20;
    let mut served = Served::start("127.0.0.1:0 --once", 1);
    let mut client = served.connect();
    let mut writer = client.try_clone().unwrap();
    let sent = std::thread::spawn(move || {
        let mut at = 0_usize;
        while at < SIZE {
            let piece: Vec<u8> = (at..(at + 65_536).min(SIZE)).map(pattern).collect();
            writer.write_all(&piece).unwrap();
            at += piece.len();
        }
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let (mut at, mut piece) = (0, vec![0; 1 << 20]);
    loop {
        let count = client.read(&mut piece).unwrap();
        if count == 0 {
            break;
        }
        for (offset, byte) in piece[..count].iter().enumerate() {
            assert_eq!(*byte, pattern(at + offset), "at {}", at + offset);
        }
        at += count;
    }
    sent.join().unwrap();
    assert_eq!(at, SIZE);
    assert_eq!(served.next_of("close")["cause"], "fin");
}

/// A byte that tells where it stands.
fn pattern(at: usize) -> u8 {
    u8::try_from((at ^ (at >> 8) ^ (at >> 16)) & 0xff).expect("a byte is left")
}

#[test]
fn datagrams_come_back() {
    let served = Served::start("udp://127.0.0.1:0", 1);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(("127.0.0.1", served.ports[0])).unwrap();
    for text in ["", "one", "two"] {
        client.send(text.as_bytes()).unwrap();
        let mut back = [0; 16];
        let count = client.recv(&mut back).unwrap();
        assert_eq!(&back[..count], text.as_bytes());
    }
}

#[test]
fn a_signal_drains_and_then_resets_what_is_left() {
    let mut served = Served::start("127.0.0.1:0 --grace 200ms", 1);
    let mut client = served.connect();
    // What nobody reads is still on its way when the grace is over.
    fill(&client);
    served.signal("TERM");
    let draining = served.next_of("draining");
    assert_eq!(
        (&draining["open"], &draining["ended_by"]),
        (&1.into(), &"signal".into())
    );
    let summary = served.next_of("summary");
    assert_eq!(summary["totals"]["closed"]["shutdown"], 1);
    assert_eq!(served.code(), Some(0));
    assert!(TcpStream::connect(("127.0.0.1", served.ports[0])).is_err());
    let error = client.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

/// Sends until neither end's kernel, nor the server, takes more.
fn fill(mut client: &TcpStream) {
    client
        .set_write_timeout(Some(Duration::from_millis(200)))
        .expect("it is above zero");
    let piece = vec![7; 1 << 16];
    while client.write(&piece).is_ok() {}
}

#[test]
fn the_idle_do_not_hold_up_the_end() {
    for behaviour in ["", "--heartbeat", "--http", "--greet hello --then echo"] {
        let mut served = Served::start(&format!("127.0.0.1:0 --grace 1h {behaviour}"), 1);
        let mut client = served.connect();
        served.next_of("accept");
        served.signal("TERM");
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).unwrap();
        let close = served.next_of("close");
        assert_eq!(
            (&close["cause"], &close["by"]),
            (&"drained".into(), &"netkit".into()),
            "{behaviour}: {close:#}"
        );
        assert_eq!(served.code(), Some(0));
    }
}

#[test]
fn a_full_server_resets_who_comes_too_much() {
    let mut served = Served::start("127.0.0.1:0 --max-connections 1 --overload reset", 1);
    let first = served.connect();
    served.next_of("accept");
    let mut second = served.connect();
    assert!(second.read(&mut [0]).is_err());
    let reject = served.next_of("reject");
    assert_eq!(
        (&reject["reason"], &reject["how"]),
        (&"max_connections".into(), &"rst".into())
    );
    drop(first);
    served.next_of("close");
    let mut third = served.connect();
    third.write_all(b"x").unwrap();
    third.read_exact(&mut [0]).unwrap();
}

#[test]
fn what_cannot_be_listened_at_is_explained() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let pid = format!("(pid {})", std::process::id());
    netkit(&format!("listen 127.0.0.1:{port}"))
        .run()
        .status(6)
        .complains(&pid);
    netkit("listen 192.0.2.1:0")
        .run()
        .status(6)
        .complains("no such address");
    netkit("listen")
        .run()
        .status(2)
        .complains("no address was given");
    netkit("listen :0 --echo --discard")
        .run()
        .status(2)
        .complains("--discard");
    netkit(&format!("listen :0 --metrics 127.0.0.1:{port}"))
        .run()
        .status(6)
        .complains(&format!("127.0.0.1:{port}"))
        .complains(&pid);
    for flag in ["--respond @", "--script "] {
        netkit(&format!("listen :0 {flag}/nonexistent"))
            .run()
            .status(6)
            .complains(&format!("{flag}/nonexistent"));
    }
    netkit("listen :99999")
        .run()
        .status(2)
        .complains("or 0 for one that the kernel chooses");
    netkit("listen udp://:0 --once")
        .run()
        .status(2)
        .complains("--once");
    netkit(&format!("listen unix:/tmp/{}", "x".repeat(120)))
        .run()
        .status(2);
}
