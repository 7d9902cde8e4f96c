//! Many targets: grouped for people, one by one for scripts.

use crate::support::{Closed, Server, netkit};

#[test]
fn a_range_is_grouped_by_outcome() {
    let server = Server::echo();
    let port = server.port();
    let (low, high) = (port.saturating_sub(20), port.saturating_add(20));
    let line = format!("dial 127.0.0.1:{low}-{high} --color=always");
    let outcome = netkit(&line).env("COLUMNS", "80").run();
    assert!([Some(0), Some(1)].contains(&outcome.code), "{outcome}");
    outcome.says("targets").says("open").says("127.0.0.1");
}

#[test]
fn only_shows_what_was_asked_for() {
    let (server, closed) = (Server::echo(), Closed::new());
    let both = format!("{} {}", server.addr, closed.addr);
    let open = netkit(&format!("dial {both} --only open")).run().status(1);
    let open = open.says(&format!("{}: connected in", server.addr));
    assert!(!open.stdout.contains(&closed.addr.to_string()), "{open}");
    let refused = netkit(&format!("dial {both} --only refused"))
        .run()
        .status(1);
    let refused = refused.says(&format!("{}: refused after", closed.addr));
    assert!(
        !refused.stdout.contains(&server.addr.to_string()),
        "{refused}"
    );
}

#[test]
fn a_list_is_read_from_standard_input_and_from_a_file() {
    let (one, two) = (Server::echo(), Server::echo());
    let list = format!(
        "# servers\n{}\n\n127.0.0.1 {} # the other\n",
        one.addr,
        two.port()
    );
    netkit("dial -")
        .stdin(list.clone())
        .run()
        .status(0)
        .says("2 targets: 2 open");
    let path = std::env::temp_dir().join(format!("netkit-list-{}", std::process::id()));
    std::fs::write(&path, list).unwrap();
    let outcome = netkit("dial --targets").arg(&path).run();
    std::fs::remove_file(&path).unwrap();
    outcome.status(0).says("2 targets: 2 open");
    one.was_hit(2);
    two.was_hit(2);
}

#[test]
fn the_common_status_of_all_failures_is_the_status() {
    let (server, closed) = (Server::echo(), Closed::new());
    let silent = Server::udp_silent();
    netkit(&format!(
        "dial {} udp://{} -t 200ms",
        server.addr, silent.addr
    ))
    .run()
    .status(124);
    let line = format!("dial {} udp://{} -t 200ms", closed.addr, silent.addr);
    netkit(&line).run().status(1);
    netkit(&format!("dial {} {}", server.addr, server.addr))
        .run()
        .status(0);
}

#[test]
fn verbose_shows_each_with_its_evidence() {
    let (server, closed) = (Server::echo(), Closed::new());
    let line = format!("dial {} {} -v", server.addr, closed.addr);
    let outcome = netkit(&line).run().status(1);
    outcome
        .says(&format!("{}: refused after", closed.addr))
        .says("seen: ")
        .says("handshake RTT")
        .says("2 targets: ");
}
