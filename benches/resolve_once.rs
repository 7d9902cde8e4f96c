//! What one `netkit resolve` costs as a whole process, next to kdig and dig: one A question over
//! loopback to a knot of the benchmark's own.
//!
//!     cargo bench --bench resolve_once [-- --quick]
#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

#[path = "support/knot.rs"]
mod knot;
mod support;

use knot::Knot;
use support::Options;
use support::compare::{Contender, Proof, compare};
use support::process::find;

const NETKIT: &str = env!("CARGO_BIN_EXE_netkit");
const NAME: &str = "www.bench.example";

fn main() -> std::io::Result<()> {
    let options = Options::read();
    let rounds = options.pick(300, 30);
    let Some(knotd) = find("knotd") else {
        println!("skipped: knotd not found");
        return Ok(());
    };
    let knot = Knot::start(
        &knotd,
        "bench.example",
        "@ SOA . . 1 1 1 1 1\n@ NS ns\nwww A 192.0.2.1\n",
    )?;
    if options.wants("udp") {
        let title = "one A question over UDP to 127.0.0.1, the whole process";
        compare(title, contenders(&knot), rounds, &|| ());
    }
    Ok(())
}

fn answered(said: &str) -> usize {
    usize::from(said.contains("\"ok\":true"))
}

fn contenders(knot: &Knot) -> Vec<Contender> {
    let (ip, port) = (knot.addr().ip().to_string(), knot.addr().port().to_string());
    let at = format!("@{}", knot.addr());
    let mut all = vec![Contender {
        proof: Some(Proof {
            argv: [NETKIT, "resolve", NAME, "A", &at, "--json"]
                .map(Into::into)
                .into(),
            count: answered,
            wanted: 1,
        }),
        ..Contender::new("netkit resolve", [NETKIT, "resolve", NAME, "A", &at])
    }];
    let json = [NETKIT, "resolve", NAME, "A", &at, "--json"];
    all.push(Contender::new("netkit resolve --json", json));
    for (program, claim) in [("kdig", 0.6), ("dig", 0.15)] {
        match find(program) {
            Some(path) => {
                let words = [
                    path,
                    format!("@{ip}").into(),
                    "-p".into(),
                    port.clone().into(),
                    NAME.into(),
                    "A".into(),
                ];
                all.push(Contender::new(program, words).claim(claim));
            }
            None => println!("skipped: {program} not found"),
        }
    }
    match find("true") {
        Some(nothing) => all.push(Contender::new("true (does nothing)", [nothing])),
        None => println!("skipped: true not found"),
    }
    all
}
