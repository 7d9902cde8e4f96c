//! One dial: what a person reads, in a pipe and in the terminal's form.

use crate::support::{Closed, Server, netkit};

#[test]
fn an_open_port_is_a_fact_a_line_in_a_pipe() {
    let server = Server::echo();
    let outcome = netkit(&format!("dial {}", server.addr)).run().status(0);
    let text = outcome.normal();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "ADDR: connected in TIME", "{outcome}");
    assert_eq!(
        lines[1], "attempt: ADDR IPv4 from ADDR at TIME took TIME: connected",
        "{outcome}"
    );
    for label in ["path: ", "connect: ", "tcp: ", "keepalive: ", "dead peer: "] {
        assert!(
            lines.iter().any(|line| line.starts_with(label)),
            "no {label}{outcome}"
        );
    }
    assert!(
        !outcome.stdout.contains(['█', '▏', '\u{1b}']),
        "line art in a pipe{outcome}"
    );
    assert_eq!(outcome.stderr, "", "{outcome}");
}

#[test]
fn a_closed_port_says_who_refused_and_what_to_do() {
    let closed = Closed::new();
    netkit(&format!("dial {}", closed.addr))
        .run()
        .status(1)
        .says("refused after")
        .says("who: the peer said so, at stage connect\n")
        .says("ECONNREFUSED")
        .says("hint: the host is up and nothing listens on that port");
}

#[test]
fn the_terminal_form_fits_eighty_columns() {
    let (server, closed) = (Server::echo(), Closed::new());
    for addr in [server.addr, closed.addr] {
        let line = format!("dial {addr} --color=always --send hello --verbose -t 1");
        let outcome = netkit(&line).env("COLUMNS", "80").run();
        assert!(outcome.stdout.contains('█'), "no waterfall{outcome}");
        for line in outcome.stdout.lines() {
            assert!(
                visible(line) <= 80,
                "{} columns: {line:?}{outcome}",
                visible(line)
            );
        }
    }
}

/// Columns without the colours.
fn visible(line: &str) -> usize {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("\u{1b}[") {
        text.push_str(&rest[..at]);
        rest = rest[at..].split_once('m').map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    text.chars().count()
}

#[test]
fn hostile_bytes_reach_a_pipe_raw_and_a_terminal_escaped() {
    let server = Server::greeting("\u{1b}[2J\u{202e}hello\r\n".as_bytes());
    let line = format!("dial {} --banner", server.addr);
    let piped = netkit(&line).run().status(0);
    assert!(
        piped.stdout.contains("\u{1b}[2J\u{202e}hello\r\n"),
        "{piped}"
    );
    let shown = netkit(&line).arg("--color=always").run().status(0);
    assert!(
        shown.stdout.contains(r"\x1b[2J\u{202e}hello\r\n"),
        "{shown}"
    );
    assert!(
        !shown.stdout.contains("\u{1b}[2J") && !shown.stdout.contains('\u{202e}'),
        "{shown}"
    );
}

#[test]
fn bytes_that_are_not_text_are_shown_in_hex() {
    let server = Server::greeting(b"\xff\x00\x01");
    netkit(&format!("dial {} --banner", server.addr))
        .run()
        .status(0)
        .says(r"\xff\x00\x01");
}

#[test]
fn quiet_says_nothing_whatever_the_answer() {
    let (server, closed) = (Server::echo(), Closed::new());
    netkit(&format!("dial -q {}", server.addr))
        .run()
        .status(0)
        .says_nothing();
    netkit(&format!("dial -q {}", closed.addr))
        .run()
        .status(1)
        .says_nothing();
}

#[test]
fn an_expectation_decides_over_success() {
    let server = Server::echo();
    let line = |flags: &str| format!("dial {} {flags} -t 500ms", server.addr);
    netkit(&line(r"--send ping\n --expect ping"))
        .run()
        .status(0)
        .says("as expected");
    netkit(&line("--send ping --expect-regex ^p.ng$"))
        .run()
        .status(0);
    netkit(&line("--send ping --expect pong --shutdown-write"))
        .run()
        .status(5);
    netkit(&line("--send-hex 70696e67 --expect ping"))
        .run()
        .status(0);
}

#[test]
fn a_file_is_sent_byte_for_byte() {
    let server = Server::echo();
    let path = std::env::temp_dir().join(format!("netkit-send-{}", std::process::id()));
    std::fs::write(&path, b"\x00\xff file").unwrap();
    let line = format!("dial {} --expect", server.addr);
    let outcome = netkit(&line)
        .arg(r"\x00\xff file")
        .arg("--send-file")
        .arg(&path)
        .run();
    std::fs::remove_file(&path).unwrap();
    outcome.status(0).says("sent 7 B, received 7 B");
}

#[test]
fn udp_silence_is_not_success() {
    let (echo, silent) = (Server::udp_echo(), Server::udp_silent());
    let line = format!("dial --udp {} --send ping", echo.addr);
    netkit(&line).run().status(0).says("replied in");
    let line = format!("dial udp://{} --send ping -t 200ms", silent.addr);
    netkit(&line)
        .run()
        .status(124)
        .says("no reply after")
        .says("who: nobody");
}

#[test]
fn a_unix_socket_is_a_target() {
    let path = std::env::temp_dir().join(format!("netkit-{}.sock", std::process::id()));
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let outcome = netkit("dial").arg(format!("unix:{}", path.display())).run();
    std::fs::remove_file(&path).unwrap();
    drop(listener);
    outcome.status(0).says("connected in");
    netkit("dial unix:/nonexistent/netkit.sock")
        .run()
        .status(1)
        .says("no socket at /nonexistent/netkit.sock")
        .says("is the service running?");
}

#[test]
fn host_and_port_may_be_apart() {
    let server = Server::echo();
    netkit(&format!("dial 127.0.0.1 {}", server.port()))
        .run()
        .status(0)
        .says("connected in");
}

#[test]
fn socket_options_are_read_back() {
    let server = Server::echo();
    netkit(&format!(
        "dial {} --ttl 9 --dscp ef --mss 1000 --nodelay=off",
        server.addr
    ))
    .run()
    .status(0)
    .says("option: ttl 9\n")
    .says("option: tos ")
    .says("option: mss ");
}

#[test]
fn an_option_the_kernel_refuses_is_named() {
    let server = Server::echo().unvisited();
    let line = format!("dial {} --congestion netkit-has-none", server.addr);
    netkit(&line).run().status(6).says("congestion");
    netkit(&format!("dial {} --interface netkit-none0", server.addr))
        .run()
        .status(6);
    netkit(&format!("dial {} --local-addr 192.0.2.1", server.addr))
        .run()
        .status(6);
}

#[test]
fn holding_counts_no_more_than_happened() {
    let server = Server::echo();
    let outcome = netkit(&format!("dial {} --hold 300ms", server.addr))
        .run()
        .status(0);
    assert!(outcome.took.as_millis() >= 300, "{outcome}");
    outcome.says("held: ").says("alive at the end");
}

#[test]
fn a_dial_does_not_outlive_its_timeout() {
    // A name server that never answers.
    let silent = Server::udp_silent();
    let line = format!("dial netkit.test:80 --ns {} -t 300ms", silent.addr);
    let outcome = netkit(&line).run();
    assert!([Some(3), Some(124)].contains(&outcome.code), "{outcome}");
    assert!(outcome.took.as_millis() < 500, "{outcome}");
}

#[test]
fn the_headline_of_a_failed_hold_has_the_time_of_the_hold() {
    let server = crate::support::Server::closing();
    crate::support::netkit(&format!("dial {} --hold 20s", server.addr))
        .run()
        .status(1)
        .says("closed early after")
        .says("of the hold");
}
