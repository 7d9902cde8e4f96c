//! `--pool`: many names at one address, against `netkit listen`.

use std::fmt::Write as _;

use super::{lines, of_type};
use crate::dns::Script;
use crate::listen::Served;
use crate::support::{Server, netkit};

const NAMES: usize = 50;

/// A name server that knows so many names as this machine.
fn zone() -> Script {
    (0..NAMES).fold(Script::new(), |script, n| {
        script.address(&format!("n{n}.example"), "127.0.0.1")
    })
}

/// A list of all names with that port.
fn list(name: &str, port: u16) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("netkit-{}-{name}", std::process::id()));
    let text = (0..NAMES).fold(String::new(), |mut text, n| {
        writeln!(text, "n{n}.example:{port}").expect("a string takes all");
        text
    });
    std::fs::write(&path, text).expect("a file can be written");
    path
}

#[test]
fn fifty_names_at_one_address_are_up_over_two_connections() {
    let (server, names) = (Server::echo(), zone().start());
    let file = list("pool-up", server.port());
    let line = format!(
        "heartbeat --targets {} --ns {} -4 --probe echo --pool 2 -c 4 -i 500ms -t 5s",
        file.display(),
        names.addr()
    );
    let outcome = netkit(&format!("{line} --json")).run().status(0);
    let lines = lines(&outcome);
    let summary = lines.last().expect("a summary");
    assert_eq!(summary["config"]["pool"], 2);
    let targets = summary["targets"].as_array().expect("a list");
    assert_eq!(targets.len(), NAMES);
    let mut received = 0;
    for target in targets {
        // A machine that is busy may come too late to one; that is skipped, and nobody's fault.
        let count = |what: &str| target[what].as_u64().expect("a count");
        assert_eq!((count("lost"), &target["state"]), (0, &"up".into()));
        assert_eq!(count("received") + count("skipped"), 4);
        received += count("received");
    }
    let pool = &summary["pool"];
    let made = pool["connections"].as_u64().expect("a count");
    assert!((1..=2).contains(&made), "{pool}");
    assert_eq!(of_type(&lines, "opened").len() as u64, made);
    let uses = |what: &str| pool[what].as_u64().expect("a count");
    assert_eq!(uses("hits") + uses("misses"), received);
    server.was_hit(usize::try_from(made).expect("at most two"));

    netkit(&line).run().status(0).says("\npool: ");
    std::fs::remove_file(file).expect("it is ours");
}

#[test]
fn a_server_that_is_killed_gives_every_name_an_outage_of_its_own() {
    let names = zone().start();
    let mut served = Served::start("127.0.0.1:0 --echo", 1);
    let file = list("pool-down", served.ports[0]);
    let line = format!(
        "heartbeat --targets {} --ns {} -4 --probe echo --pool 2 -i 200ms -t 2s --json \
         --until state==down",
        file.display(),
        names.addr()
    );
    let run = netkit(&line).start();
    assert_eq!(served.next()["type"], "accept");
    run.waits_for("\"to\":\"up\"");
    drop(served);
    let outcome = run.wait().status(0);
    let lines = lines(&outcome);
    let summary = lines.last().expect("a summary");
    for target in summary["targets"].as_array().expect("a list") {
        assert_eq!(target["outages_total"], 1, "{target:#}");
        assert_eq!(target["outages"][0]["failure"], "refused", "{target:#}");
        assert!(target["disconnects"].as_u64() <= Some(1), "{target:#}");
    }
    let ends = of_type(&lines, "disconnect");
    assert!(!ends.is_empty());
    for end in ends {
        let cause = end["cause"].as_str().unwrap_or_default();
        assert!(["fin", "rst"].contains(&cause), "{end:#}");
    }
    std::fs::remove_file(file).expect("it is ours");
}

#[test]
fn connections_over_unix_sockets_are_shared_too() {
    let path = std::env::temp_dir().join(format!("netkit-{}-pool.sock", std::process::id()));
    let path = path.display();
    let mut served = Served::start(&format!("unix:{path} --echo"), 0);
    assert_eq!(served.next()["type"], "listening");
    let line = format!(
        "heartbeat unix:{path} unix:{path} unix:{path} --probe line --pool 1 -c 3 -i 100ms -t 2s --json"
    );
    let outcome = netkit(&line).run().status(0);
    let lines = lines(&outcome);
    let summary = lines.last().expect("a summary");
    assert_eq!(summary["pool"]["connections"], 1, "{outcome}");
    let beats = of_type(&lines, "beat").len() as u64;
    assert_eq!(summary["pool"]["hits"], beats - 1, "all but the first");
}
