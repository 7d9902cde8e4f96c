//! Waiting, and the command after it.

use std::net::TcpListener;

use crate::support::{Closed, Server, netkit};

/// A port that refuses until somebody listens there again.
fn later() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound")
}

#[test]
fn a_service_that_comes_late_is_waited_for() {
    let addr = later();
    let running = netkit(&format!("dial {addr} --wait 10s")).start();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let _server = Server::on(TcpListener::bind(addr).unwrap(), drop);
    running
        .wait()
        .status(0)
        .says("refused, try 1; next in")
        .says("connected at try");
}

#[test]
fn the_command_replaces_netkit_after_success_only() {
    let (server, closed) = (Server::echo(), Closed::new());
    let outcome = netkit(&format!(
        "dial {} --wait 5s -- echo it is there",
        server.addr
    ))
    .run();
    let outcome = outcome.status(0);
    assert_eq!(outcome.stdout, "it is there\n", "{outcome}");
    let outcome = netkit(&format!("dial {} --wait 200ms -- echo never", closed.addr)).run();
    let outcome = outcome.status(124);
    assert_eq!(outcome.stdout, "", "{outcome}");
    outcome.complains("not open after");
}

#[test]
fn the_status_is_the_commands() {
    let server = Server::echo();
    let wait = format!("dial {} --wait 5s --", server.addr);
    netkit(&wait)
        .arg("sh")
        .arg("-c")
        .arg("exit 37")
        .run()
        .status(37);
    netkit(&wait)
        .arg("/nonexistent/command")
        .run()
        .status(127)
        .complains("/nonexistent/command");
    netkit(&wait).arg("/").run().status(126);
}

#[test]
fn all_must_answer_unless_any_is_enough() {
    let (server, closed) = (Server::echo(), Closed::new());
    let line = format!("dial {} {} --wait 300ms", server.addr, closed.addr);
    netkit(&line).run().status(124);
    netkit(&line).arg("--any").run().status(0);
}

#[test]
fn closed_can_be_waited_for() {
    let (server, closed) = (Server::echo(), Closed::new());
    netkit(&format!("dial {} --wait 5s --wait-for closed", closed.addr))
        .run()
        .status(0);
    netkit(&format!(
        "dial {} --wait 300ms --wait-for closed",
        server.addr
    ))
    .run()
    .status(124);
}

/// netkit under a low soft limit of descriptors; the shell becomes netkit, and keeps its number.
fn limited(server: &Server, flags: &str) -> std::process::Command {
    let line = format!("ulimit -Sn 200; exec \"$0\" dial {} {flags}", server.addr);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_netkit")]);
    command
}

#[test]
fn the_command_gets_the_descriptor_limit_that_netkit_was_given() {
    let server = Server::echo();
    let flags = "-q --wait 5s -- sh -c 'ulimit -Sn'";
    let run = limited(&server, flags).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&run.stdout), "200\n", "{run:?}");
}

#[test]
fn a_run_that_goes_on_has_the_hard_limit_of_descriptors() {
    let server = Server::echo();
    let mut child = limited(&server, "-q -c 0 -i 10ms").spawn().unwrap();
    let begun = std::time::Instant::now();
    while server.hits() == 0 && begun.elapsed().as_secs() < 20 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let words: Vec<_> = line.unwrap().split_whitespace().collect();
    assert_eq!(words[3], words[4], "{limits}");
    assert_ne!(words[3], "200", "{limits}");
}
