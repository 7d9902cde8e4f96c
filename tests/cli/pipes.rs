//! Standard output that closes early or is full.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::{Server, netkit};

#[test]
fn a_full_disk_is_a_local_failure() {
    let server = Server::echo();
    for flags in ["", "--json", "--json -c 2 -i 1ms"] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let outcome = netkit(&format!("dial {} {flags}", server.addr))
            .stdout(full)
            .run_as_is();
        outcome
            .status(6)
            .complains("standard output")
            .complains("No space left");
    }
}

#[test]
fn a_reader_that_leaves_ends_a_stream_quietly() {
    let server = Server::echo();
    let mut child = Command::new(env!("CARGO_BIN_EXE_netkit"))
        .args(["dial", &server.addr.to_string(), "-c", "0", "-i", "5ms"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let outcome = child.wait_with_output().unwrap();
    assert_eq!(outcome.status.code(), Some(0), "{outcome:?}");
    assert_eq!(outcome.stderr, b"", "{outcome:?}");
    assert!(line.starts_with("#0 "), "{line}");
}

#[test]
fn a_line_is_there_when_it_happens() {
    let server = Server::echo();
    let mut child = Command::new(env!("CARGO_BIN_EXE_netkit"))
        .args([
            "dial",
            &server.addr.to_string(),
            "-c",
            "2",
            "-i",
            "3s",
            "--json",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = std::time::Instant::now();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let took = begun.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains(r#""seq":0"#), "{line}");
    assert!(took.as_secs() < 2, "the first line came after {took:?}");
}
