//! `netkit listen` on a wire: options that only packets show, peers that vanish, other people's
//! clients, and what it refuses to be.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::bed::namespace::{Hook, Namespace};
use crate::bed::net::{SERVER_V4, Wire};
use crate::bed::skip::Need;
use crate::netkit::{NETKIT, dial};

/// Seconds after which a server that hangs is killed, so that the test fails instead.
const HANGS: &str = "180";

/// A server inside a machine; ended when dropped.
pub(crate) struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) port: u64,
}

impl Server {
    /// Starts `netkit listen … --json`; it listens when this returns.
    pub(crate) fn start(machine: &Namespace, line: &str) -> Self {
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", HANGS, NETKIT, "listen", "--json"]);
        command.args(line.split_whitespace()).stdout(Stdio::piped());
        let mut child = machine.spawn(&mut command).expect("timeout(1) starts");
        let out = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut server = Self {
            child,
            out,
            port: 0,
        };
        let listening = server.next_of("listening");
        server.port = listening["port"].as_u64().unwrap_or_default();
        server
    }

    /// The next line of a type; others are skipped.
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let mut line = String::new();
            let read = self.out.read_line(&mut line);
            assert!(
                matches!(read, Ok(1..)),
                "it ended without a line of type {kind}: {read:?}"
            );
            let value: Value = serde_json::from_str(&line).expect("JSON Lines");
            if value["type"] == kind {
                return value;
            }
        }
    }

    /// Where it is, seen from the client.
    fn addr(&self) -> String {
        format!("{SERVER_V4}:{}", self.port)
    }

    /// A connection of a client of the lab.
    fn connect(&self, machine: &Namespace) -> TcpStream {
        let stream = machine.enter(|| TcpStream::connect(self.addr()));
        stream.expect("the server listens")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // timeout(1) passes the signal on.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-s", "TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

/// Cuts the wire, both ways, without a word.
fn cut(net: &Wire) {
    for hook in [Hook::Input, Hook::Output] {
        net.server.filter(hook, "drop");
    }
}

#[test]
fn only_who_comes_by_the_interface_is_let_in() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Server::start(&net.server, "tcp4://:0 --interface wire");
    dial(&net.client, &server.addr()).succeeds();
    net.server.ip("link set lo up");
    let inside = dial(&net.server, &format!("127.0.0.1:{}", server.port));
    inside.fails("connect", "refused");
}

#[test]
fn accepted_connections_have_keepalive_and_find_a_peer_dead_that_vanished() {
    let Some(net) = Wire::lay(&[Need::Program("ss")]) else {
        return;
    };
    let by_default = Server::start(&net.server, "tcp4://:0");
    let _client = by_default.connect(&net.client);
    let shown = net.server.run("ss", &["-Htno", "state", "established"]);
    assert!(shown.contains("timer:(keepalive,"), "{shown}");
    drop(by_default);
    let without = Server::start(&net.server, "tcp4://:0 --no-keepalive");
    let _client = without.connect(&net.client);
    let shown = net.server.run("ss", &["-Htno", "state", "established"]);
    assert!(!shown.contains("timer:(keepalive,"), "{shown}");
    drop(without);
    let probing = "--keepalive 1s --keepalive-interval 1s --keepalive-count 2";
    let mut server = Server::start(&net.server, &format!("tcp4://:0 {probing}"));
    let _client = server.connect(&net.client);
    server.next_of("accept");
    cut(&net);
    let close = server.next_of("close");
    assert_eq!(
        (&close["cause"], &close["by"]),
        (&"lost".into(), &"network".into()),
        "{close:#}"
    );
}

#[test]
fn the_user_timeout_gives_up_on_what_nobody_acknowledges() {
    let Some(net) = Wire::lay(&[]) else { return };
    let line = "tcp4://:0 --greet hello --then echo --user-timeout 1s";
    let mut server = Server::start(&net.server, line);
    let mut client = server.connect(&net.client);
    let greeted = client.read_exact(&mut [0; 5]);
    greeted.expect("it speaks first");
    // The question arrives, the answer does not leave.
    net.server.filter(Hook::Output, "drop");
    client.write_all(b"question").expect("the kernel takes it");
    let close = server.next_of("close");
    assert_eq!(close["cause"], "lost", "{close:#}");
    assert_eq!(close["bytes_in"], 8, "{close:#}");
}

#[test]
fn fast_open_takes_data_from_the_second_syn_on() {
    let Some(net) = Wire::lay(&[]) else { return };
    // Without 1024 in it a server has to ask for it, which is what is tested.
    net.client.sysctl("ipv4/tcp_fastopen", "1");
    net.server.sysctl("ipv4/tcp_fastopen", "2");
    let server = Server::start(&net.server, "tcp4://:0 --fastopen");
    let to = format!("{} --send hello --expect hello --fastopen", server.addr());
    dial(&net.client, &to).succeeds();
    let run = dial(&net.client, &to);
    run.succeeds();
    assert_eq!(run.at("/fastopen"), true, "{run}");
}

#[test]
fn multipath_tcp_is_spoken_with_who_speaks_it() {
    let Some(net) = Wire::lay(&[]) else { return };
    let mut server = Server::start(&net.server, "tcp4://:0 --mptcp");
    let run = dial(&net.client, &format!("{} --mptcp", server.addr()));
    run.succeeds();
    assert_eq!(run.at("/mptcp"), true, "{run}");
    server.next_of("accept");
    dial(&net.client, &server.addr()).succeeds();
    server.next_of("accept");
}

/// Asks once over UDP and returns what came back.
fn ask(machine: &Namespace, to: &str, question: &[u8]) -> Vec<u8> {
    let socket = machine.enter(|| UdpSocket::bind("0.0.0.0:0"));
    let socket = socket.expect("a fresh machine has free ports");
    let mut answer = vec![0; 65_536];
    let patience = socket.set_read_timeout(Some(Duration::from_secs(10)));
    let asked = patience.and_then(|()| socket.send_to(question, to));
    asked.expect("there is a route");
    let count = socket.recv(&mut answer).expect("it answers");
    answer.truncate(count);
    answer
}

#[test]
fn it_is_no_reflector_unless_it_is_asked_to_be_one() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.server.ip("link set lo up");
    let line = "udp4://:0 --respond 0123456789abcdef";
    let server = Server::start(&net.server, line);
    let (far, near) = (server.addr(), format!("127.0.0.1:{}", server.port));
    assert_eq!(ask(&net.client, &far, b"four"), b"0123");
    assert_eq!(ask(&net.server, &near, b"four"), b"0123456789abcdef");
    let open = Server::start(&net.server, &format!("{line} --allow-amplification"));
    assert_eq!(ask(&net.client, &open.addr(), b"four"), b"0123456789abcdef");
}

#[test]
fn who_asks_from_elsewhere_too_often_is_not_always_answered() {
    let Some(net) = Wire::lay(&[]) else { return };
    let mut server = Server::start(&net.server, "udp4://:0 --summary --stats-interval 100ms");
    let socket = net.client.enter(|| UdpSocket::bind("0.0.0.0:0"));
    let socket = socket.expect("a fresh machine has free ports");
    // Faster than any clock: a thousand may be answered at once, and a thousand a second.
    for _ in 0..50_000 {
        // What the buffers do not take is not sent.
        let _ = socket.send_to(b"x", server.addr());
    }
    loop {
        let stats = server.next_of("stats");
        if stats["datagrams_held_back"].as_u64() > Some(0) {
            let (came, went) = (&stats["datagrams_in"], &stats["datagrams_out"]);
            assert!(went.as_u64() < came.as_u64(), "{stats:#}");
            return;
        }
    }
}

#[test]
fn the_clients_of_others_get_their_bytes_back() {
    let needs = ["ncat", "socat", "curl", "nc"].map(Need::Program);
    let Some(net) = Wire::lay(&needs) else { return };
    let echo = Server::start(&net.server, "tcp4://:0");
    let datagrams = Server::start(&net.server, "udp4://:0");
    let (host, port, udp) = (SERVER_V4, echo.port, datagrams.port);
    for client in [
        format!("nc -N {host} {port}"),
        format!("ncat {host} {port}"),
        format!("socat -t 10 - TCP:{host}:{port}"),
        format!("socat -T 1 - UDP:{host}:{udp}"),
    ] {
        let script = format!("printf 'one\\ntwo\\n' | {client}");
        assert_eq!(
            net.client.run("sh", &["-c", &script]),
            "one\ntwo\n",
            "{client}"
        );
    }
    // More than all buffers hold, both ways at once.
    let size = "head -c 33554432 /dev/zero";
    let script = format!("{size} | nc -N {host} {port} | cksum; {size} | cksum");
    let sums = net.client.run("sh", &["-c", &script]);
    let sums: Vec<_> = sums.lines().collect();
    assert_eq!(sums[0], sums[1]);
}

#[test]
fn curl_reads_what_it_asked() {
    let Some(net) = Wire::lay(&[Need::Program("curl")]) else {
        return;
    };
    let http = Server::start(&net.server, "tcp4://:0 --http");
    let url = format!("http://{}/some/path?query=1", http.addr());
    // Twice over one connection.
    let args = ["-sS", "-d", "body", "--max-time", "20", &url, &url];
    let said = net.client.run("curl", &args);
    assert_eq!(said.matches("/some/path?query=1").count(), 2, "{said}");
    assert!(said.contains("POST"), "{said}");
}

#[test]
fn a_privileged_port_is_explained_to_who_may_not_have_it() {
    let Some(net) = Wire::lay(&[Need::Program("setpriv")]) else {
        return;
    };
    // The folder it was built in may be closed to that user.
    let folder = std::env::temp_dir().join(format!("netkit-listen-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("the temporary folder can be written");
    let program = folder.join("netkit");
    std::fs::copy(NETKIT, &program).expect("the program can be copied");
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let mut command = Command::new("setpriv");
    command.args(nobody).arg(&program).args(["listen", ":80"]);
    let output = net.server.output(&mut command);
    std::fs::remove_dir_all(&folder).expect("it was just made");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    for word in ["CAP_NET_BIND_SERVICE", "below 1024", "setcap"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}
