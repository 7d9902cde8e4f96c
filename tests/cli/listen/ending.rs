//! How a server and what it serves come to an end: by signals, by limits, by being too many.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Served;
/// Has a shell send the signals one right after the other, as timeout(1) does.
fn at_once(served: &Served, names: [&str; 2]) {
    let pid = served.child.id();
    let script = names.map(|name| format!("kill -s {name} {pid};")).join(" ");
    let status = Command::new("sh").args(["-c", &script]).status();
    assert!(status.expect("there is a shell").success());
}

/// A socket's path of one test.
fn path(name: &str) -> String {
    let name = format!("netkit-{name}-{}", std::process::id());
    std::env::temp_dir().join(name).display().to_string()
}

#[test]
fn the_same_signal_twice_at_once_is_one_order() {
    let socket = path("twice");
    let mut served = Served::start(&format!("unix:{socket}"), 0);
    served.next_of("listening");
    at_once(&served, ["TERM", "TERM"]);
    let summary = served.next_of("summary");
    assert_eq!(summary["ended_by"], "signal", "{summary:#}");
    assert_eq!(served.code(), Some(0));
    assert!(!Path::new(&socket).exists());
}

#[test]
fn another_signal_ends_it_at_once_removes_its_files_and_says_what_it_cut_off() {
    let (socket, control) = (path("cut"), path("cut-control"));
    let line = format!("listen unix:{socket} --control unix:{control} --grace 1h --json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_netkit"));
    command.args(line.split(' ')).stderr(Stdio::piped());
    let mut served = Served::spawn(&mut command, 0);
    served.next_of("listening");
    let client = UnixStream::connect(&socket).expect("it listens");
    served.next_of("accept");
    client.set_nonblocking(true).expect("it is a socket");
    // What nobody reads would keep it for the hour.
    while (&client).write(&[0; 4_096]).is_ok() {}
    at_once(&served, ["TERM", "INT"]);
    let mut said = String::new();
    let errors = served.child.stderr.take();
    errors
        .expect("piped")
        .read_to_string(&mut said)
        .expect("text");
    assert!(said.contains("1 connection cut off"), "{said:?}");
    // The kernel does not say which of the two came first.
    assert!(matches!(served.code(), Some(130 | 143)));
    assert!(!Path::new(&socket).exists() && !Path::new(&control).exists());
}

/// Whether a process runs, and is not only waited for.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|text| !text.contains(") Z "))
}

#[test]
fn a_program_ends_with_all_that_it_has_started() {
    let line = "127.0.0.1:0 --max-lifetime 100ms --exec";
    let mut served = Served::start_words(line, &["sleep 1000 & echo $!; wait"], 1);
    let mut said = String::new();
    served
        .connect()
        .read_to_string(&mut said)
        .expect("it says its number and ends");
    assert_eq!(served.next_of("close")["cause"], "max_lifetime");
    let begun = Instant::now();
    while runs(said.trim()) {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{said} still runs"
        );
        std::thread::yield_now();
    }
}

#[test]
fn the_bytes_of_a_program_are_data_alone_or_unknown() {
    let mut served = Served::start("127.0.0.1:0 --exec cat", 1);
    let mut client = served.connect();
    client.write_all(b"abc").expect("it reads");
    client.shutdown(Shutdown::Write).expect("it is connected");
    let mut back = String::new();
    client.read_to_string(&mut back).expect("it answers");
    let close = served.next_of("close");
    assert_eq!(back, "abc");
    assert_eq!(
        (&close["bytes_in"], &close["bytes_out"]),
        (&3.into(), &3.into())
    );

    let socket = path("program");
    let mut served = Served::start(&format!("unix:{socket} --exec true"), 0);
    served.next_of("listening");
    let client = UnixStream::connect(&socket).expect("it listens");
    let close = served.next_of("close");
    assert!(
        close["bytes_in"].is_null() && close["bytes_out"].is_null(),
        "{close:#}"
    );
    drop(client);
    served.signal("TERM");
    served.next_of("summary");
}

#[test]
fn who_is_rejected_gets_a_fin_although_it_has_spoken() {
    let mut served = Served::start("127.0.0.1:0 --max-connections 1 --overload reject", 1);
    let _first = served.connect();
    served.next_of("accept");
    // Stopped, so that the bytes are there before it looks.
    served.signal("STOP");
    let mut second = served.connect();
    second
        .write_all(&[b'x'; 10_000])
        .expect("the kernel takes them");
    served.signal("CONT");
    assert_eq!(second.read(&mut [0]).expect("a fin"), 0);
    assert_eq!(served.next_of("reject")["how"], "fin");
}

#[test]
fn more_bytes_than_the_limit_are_no_reason_for_a_reset() {
    for behaviour in ["--echo", "--heartbeat"] {
        let mut served = Served::start(&format!("127.0.0.1:0 --max-bytes 4 {behaviour}"), 1);
        served.signal("STOP");
        let mut client = served.connect();
        client
            .write_all(&[b'\n'; 10_000])
            .expect("the kernel takes them");
        client.shutdown(Shutdown::Write).expect("it is connected");
        served.signal("CONT");
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).expect("a fin");
        assert!(!heard.is_empty(), "{behaviour}");
        assert_eq!(served.next_of("close")["cause"], "max_bytes");
    }
}

#[test]
fn as_many_as_it_says_are_held_under_a_low_limit() {
    let line = "127.0.0.1:0 --overload reject --workers 2";
    let mut served = Served::start_under("ulimit -n 48;", line);
    let mut held: Vec<TcpStream> = Vec::new();
    loop {
        let mut client = served.connect();
        let exchange = client.write_all(b"x").and_then(|()| client.read(&mut [0]));
        if !matches!(exchange, Ok(1)) {
            break;
        }
        held.push(client);
    }
    assert_eq!(served.next_of("reject")["reason"], "max_connections");
    served.signal("TERM");
    let summary = served.next_of("summary");
    assert_eq!(
        summary["config"]["max_connections"],
        held.len(),
        "{summary:#}"
    );
    assert_eq!(
        summary["totals"]["most_open_seen"],
        held.len(),
        "{summary:#}"
    );
    assert_eq!(summary["totals"]["accept_errors"], 0, "{summary:#}");
}

#[test]
fn a_limit_too_low_to_begin_with_is_said_as_such() {
    for limit in [12, 14, 16] {
        let netkit = env!("CARGO_BIN_EXE_netkit");
        let script = format!("ulimit -n {limit}; exec {netkit} listen 127.0.0.1:0 --for 1ms");
        let output = Command::new("sh").args(["-c", &script]).output();
        let output = output.expect("there is a shell");
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            continue;
        }
        assert!(
            !said.contains("--parallel") && !said.contains("os error"),
            "{said}"
        );
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn a_client_of_http_is_told_to_go_on_and_its_chunks_are_counted() {
    let served = Served::start("127.0.0.1:0 --http", 1);
    let mut client = served.connect();
    let head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    client.write_all(head.as_bytes()).expect("it reads");
    let mut go_on = [0; 25];
    client.read_exact(&mut go_on).expect("it answers");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    let body = b"3;of=x\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
    client.write_all(body).expect("it reads");
    let mut text = String::new();
    client.read_to_string(&mut text).expect("it answers");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("\nbody: 5 bytes\n"), "{text}");
}

#[test]
fn of_several_sockets_the_line_of_an_accept_says_at_which() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netkit"));
    let mut child = command
        .args("listen 127.0.0.1:0 127.0.0.1:0 --once".split(' '))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    let mut lines =
        std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("piped")));
    let mut next = || lines.next().expect("a line").expect("text");
    let (_, second) = (next(), next());
    let addr = second["listening on ".len()..]
        .split([' ', ','])
        .next()
        .expect("an address")
        .to_owned();
    drop(TcpStream::connect(&addr).expect("it listens"));
    let accept = next();
    assert!(accept.ends_with(&format!(" at {addr}")), "{accept}");
    child.wait().expect("it is our child");
}
