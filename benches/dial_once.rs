//! What one `netkit dial` costs as a whole process, next to `nc -z` and to a process that does
//! nothing.
//!
//!     cargo bench --bench dial_once [-- --quick]
#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

mod support;

use std::net::{TcpListener, TcpStream};

use support::Options;
use support::compare::{Contender, Proof, compare};
use support::process::find;

const NETKIT: &str = env!("CARGO_BIN_EXE_netkit");

fn main() -> std::io::Result<()> {
    let options = Options::read();
    let rounds = options.pick(300, 30);
    if options.wants("open") {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port().to_string();
        let drain = || while listener.accept().is_ok() {};
        compare(
            "one open port of 127.0.0.1, the whole process",
            contenders(&port, true),
            rounds,
            &drain,
        );
    }
    if options.wants("refused") {
        let port = closed_port()?.to_string();
        compare(
            "one closed port of 127.0.0.1, the whole process",
            contenders(&port, false),
            rounds,
            &|| (),
        );
    }
    Ok(())
}

/// A port that nobody listens on: just bound, and given back.
fn closed_port() -> std::io::Result<u16> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    match TcpStream::connect(("127.0.0.1", port)) {
        Ok(_) => Err(std::io::Error::other("somebody took the port at once")),
        Err(_) => Ok(port),
    }
}

fn connected(said: &str) -> usize {
    said.matches("\"outcome\":\"connected\"").count()
}

fn refused(said: &str) -> usize {
    said.matches("\"outcome\":\"refused\"").count()
}

fn contenders(port: &str, open: bool) -> Vec<Contender> {
    let target = format!("127.0.0.1:{port}");
    let netkit = [NETKIT, "dial", &target];
    let mut all = vec![Contender {
        proof: Some(Proof {
            argv: [NETKIT, "dial", &target, "--json"].map(Into::into).into(),
            count: if open { connected } else { refused },
            wanted: 1,
        }),
        ..Contender::new("netkit dial", netkit)
    }];
    match find("nc") {
        Some(nc) => {
            let nc = [nc, "-z".into(), "127.0.0.1".into(), port.into()];
            all.push(Contender::new("nc -z", nc).claim(1.5));
        }
        None => println!("skipped: nc not found"),
    }
    match find("true") {
        Some(nothing) => all.push(Contender::new("true (does nothing)", [nothing])),
        None => println!("skipped: true not found"),
    }
    all
}
