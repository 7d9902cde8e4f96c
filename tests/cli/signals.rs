//! Signals: stop and report, stop at once, go on.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Server, netkit};

/// No child needs longer to begin.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn an_interrupted_repetition_reports_and_exits_by_health() {
    for signal in ["INT", "TERM"] {
        let server = Server::echo();
        let running = netkit(&format!("dial {} -c 0 -i 10ms", server.addr)).start();
        wait_for(&server);
        running.signal(signal);
        running.wait().status(0).says("0.0% lost");
    }
}

#[test]
fn interrupted_before_any_result_is_told_by_the_status() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let silent = Server::udp_silent();
        let running = netkit(&format!("dial udp://{} -t 20s", silent.addr)).start();
        wait_for(&silent);
        running.signal(signal);
        running.wait().status(status).says("interrupted");
    }
}

#[test]
fn a_second_interrupt_ends_it_whatever_hangs() {
    let silent = Server::udp_silent();
    let running = netkit(&format!("dial udp://{} -c 0 -i 10ms -t 20s", silent.addr)).start();
    wait_for(&silent);
    running.signal("INT");
    running.signal("INT");
    let outcome = running.wait();
    assert!(outcome.took < Duration::from_secs(10), "{outcome}");
}

#[test]
fn quit_prints_interim_statistics_and_goes_on() {
    let server = Server::echo();
    let running = netkit(&format!("dial {} -c 0 -i 10ms", server.addr)).start();
    wait_for(&server);
    running.signal_until_it_says("QUIT", " sent, ");
    running.signal("INT");
    let outcome = running.wait().status(0);
    let outcome = outcome.complains("sent").complains("p99");
    assert_eq!(outcome.stdout.matches(" sent, ").count(), 1, "{outcome}");
}

#[test]
fn quit_is_a_line_of_json_with_no_exit_code() {
    let server = Server::echo();
    let running = netkit(&format!("dial {} -c 0 -i 10ms --json", server.addr)).start();
    wait_for(&server);
    running.signal_until_it_says("QUIT", "\"type\":\"summary\"");
    running.signal("INT");
    let lines = running.wait().status(0).json();
    let summaries: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "summary")
        .collect();
    let (last, interim) = summaries.split_last().expect("it says how it ended");
    assert_eq!(last["exit_code"], 0);
    assert!(!interim.is_empty() && interim.iter().all(|summary| summary["exit_code"].is_null()));
}

#[test]
fn quit_says_how_far_it_is_and_goes_on() {
    for (flags, said) in [
        ("--hold 20s", "held open since"),
        ("--hold 20s --json", "held open since"),
        ("--stdio", "0 bytes sent"),
        ("--wait 20s --wait-for closed", "not yet at try"),
    ] {
        // Says nothing and stays: neither end closes before the signal.
        let server = Server::tcp(|_stream| std::thread::sleep(PATIENCE));
        let running = netkit(&format!("dial {} {flags}", server.addr)).start();
        wait_for(&server);
        running.signal_until_it_says("QUIT", said);
        running.signal("INT");
        let outcome = running.wait().complains(said).complains("so far");
        assert!(!outcome.stdout.contains("so far"), "{outcome}");
    }
}

/// Starts an endless stream into a pipe that nobody reads, and waits until the pipe is full and the
/// probes still go on.
fn stuck(server: &Server, flags: &str) -> std::process::Child {
    let child = Command::new(env!("CARGO_BIN_EXE_netkit"))
        .args(["dial", &server.addr.to_string()])
        .args(flags.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary was built for this test");
    // More bytes than a pipe holds (64 KiB) at over 1 KiB a line.
    let begun = Instant::now();
    while server.hits() < 200 {
        assert!(begun.elapsed() < PATIENCE, "the probes stopped");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

fn ends(child: &mut std::process::Child, within: Duration) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        if begun.elapsed() > within {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            panic!("it did not end within {within:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn signal(child: &std::process::Child, name: &str) {
    let pid = child.id().to_string();
    let kill = Command::new("kill").args(["-s", name, &pid]).status();
    assert!(kill.expect("kill(1) exists").success());
}

#[test]
fn a_reader_that_stops_reading_stops_neither_the_probes_nor_the_first_signal() {
    let server = Server::echo();
    let mut child = stuck(&server, "-c 0 -i 1ms --json");
    signal(&child, "TERM");
    assert_eq!(ends(&mut child, Duration::from_secs(2)).code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_whatever_the_reader_does() {
    for (first, second) in [("INT", "TERM"), ("TERM", "INT")] {
        let server = Server::echo();
        let mut child = stuck(&server, "-c 0 -i 1ms --json");
        signal(&child, first);
        signal(&child, second);
        let code = ends(&mut child, Duration::from_secs(2)).code();
        // The first may have had its time; of two that arrive as one nobody knows the order.
        assert!(matches!(code, Some(0 | 130 | 143)), "{code:?}");
    }
}

#[test]
fn the_same_signal_twice_at_once_does_not_cost_the_report() {
    for name in ["INT", "TERM"] {
        let server = Server::echo();
        let running = netkit(&format!("dial {} -c 0 -i 10ms", server.addr)).start();
        wait_for(&server);
        running.signal(name);
        running.signal(name);
        running.wait().status(0).says("0.0% lost");
    }
}

/// The most memory it ever had, in KiB.
fn peak_memory(child: &std::process::Child) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let text = text.expect("it runs");
    let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.split_whitespace().next());
    let kib = kib.and_then(|kib| kib.parse().ok());
    kib.expect("Linux says so")
}

/// Whether one of its threads sleeps in the kernel because a pipe is full.
fn waits_for_its_reader(child: &std::process::Child) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{}/task", child.id()));
    threads.expect("it runs").flatten().any(|thread| {
        std::fs::read_to_string(thread.path().join("wchan"))
            .is_ok_and(|place| place.contains("pipe_write"))
    })
}

/// Starts a sweep over every port of an address, most of them refused, into a pipe that nobody
/// reads, and waits until the pipe is full.
fn stuck_sweep() -> std::process::Child {
    let child = Command::new(env!("CARGO_BIN_EXE_netkit"))
        .args(["dial", "127.0.0.1:1-65535", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary was built for this test");
    let begun = Instant::now();
    while !waits_for_its_reader(&child) {
        assert!(begun.elapsed() < PATIENCE, "the pipe never filled");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

#[test]
fn a_sweep_whose_reader_stops_ends_at_the_first_signal() {
    let mut child = stuck_sweep();
    signal(&child, "TERM");
    let code = ends(&mut child, Duration::from_secs(2)).code();
    assert!(code.is_some(), "a signal that was handled leaves a status");
}

#[test]
fn a_sweep_waits_for_a_slow_reader_and_loses_nothing() {
    let mut child = stuck_sweep();
    let mut lines = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
    let mut dials = 0;
    for line in &mut lines {
        dials += u32::from(line.expect("it is text").contains("\"type\":\"dial\""));
        if dials.is_multiple_of(100) {
            // What makes it slow; nothing waits for it.
            std::thread::sleep(Duration::from_millis(1));
        }
        // What is left fits into no pipe, so it runs. Whoever went on while nobody read kept what
        // it could not say.
        if dials == 60_000 {
            let peak = peak_memory(&child);
            assert!(peak < 48 * 1024, "it needed {peak} KiB");
        }
    }
    assert_eq!(dials, 65_535);
    assert_eq!(ends(&mut child, PATIENCE).code(), Some(1));
}

/// A hit proves that the child runs and has its signal handlers.
fn wait_for(server: &Server) {
    let begun = std::time::Instant::now();
    while server.hits() == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the child never came"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}
