//! Socket options as they show on the wire: what was asked for is what the packets carry.

use serde_json::Value;

use crate::bed::namespace::Hook;
use crate::bed::net::{CLIENT_V4, FAR_V4, ROUTER_V4, Routed, SERVER_V4, SERVER_V6, Wire};
use crate::bed::serve::Echo;
use crate::bed::skip::Need;
use crate::netkit::{Run, dial, dial_unprivileged};

/// What an option was read back as.
fn accepted<'a>(run: &'a Run, name: &str) -> &'a Value {
    let options = run.at("/options").as_array();
    let found = options.and_then(|all| all.iter().find(|option| option["name"] == name));
    let found = found.unwrap_or_else(|| panic!("{name} is not reported{run}"));
    let accepted = &found["accepted"];
    assert!(!accepted.is_null(), "{name} was not read back{run}");
    accepted
}

#[test]
fn what_is_asked_of_the_socket_shows_in_its_packets() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    let port = server.port;
    let (v4, v6) = (
        format!("{SERVER_V4}:{port}"),
        format!("[{SERVER_V6}]:{port}"),
    );
    let bound = format!("--local-addr {CLIENT_V4}:4444");
    for (to, flags, packet) in [
        (&v4, "--ttl 7", "ip ttl 7"),
        (&v6, "--ttl 7", "ip6 hoplimit 7"),
        (&v4, "--dscp ef", "ip dscp ef"),
        (&v6, "--dscp af41", "ip6 dscp af41"),
        (&v4, "--tos 0x10", "ip dscp 4"),
        (&v4, "--mss 500", "tcp option maxseg size 500"),
        (&v4, "--interface wire", "tcp flags syn"),
        (&v4, &bound, "tcp sport 4444"),
        (&v4, "--close rst", "tcp flags & rst == rst"),
        (&v4, "--close fin", "tcp flags & fin == fin"),
    ] {
        net.server.filter(Hook::Input, &format!("{packet} counter"));
        dial(&net.client, &format!("{to} {flags}")).succeeds();
        let _ = server.visit();
        assert!(net.server.counted() > 0, "{flags}: no packet is `{packet}`");
        net.server.unfilter();
    }
}

#[test]
fn a_firewall_mark_is_on_the_packets_that_leave() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    net.client.filter(Hook::Output, "meta mark 7 counter");
    let run = dial(
        &net.client,
        &format!("{SERVER_V4}:{} --mark 7", server.port),
    );
    run.succeeds();
    assert_eq!(accepted(&run, "mark"), 7, "{run}");
    assert!(net.client.counted() > 0, "{run}");
}

#[test]
fn an_option_that_is_refused_is_named_with_the_reason() {
    let Some(net) = Wire::lay(&[Need::Program("setpriv")]) else {
        return;
    };
    let server = Echo::start(&net.server);
    let to = format!("{SERVER_V4}:{}", server.port);
    let run = dial_unprivileged(&net.client, &format!("{to} --mark 7"));
    run.fails("local", "permission")
        .said_by("own_kernel")
        .exits(6);
    let message = run.at("/failure/message").as_str().unwrap_or_default();
    assert!(message.contains("mark"), "{run}");
    let run = dial(&net.client, &format!("{to} --congestion nosuch"));
    assert_eq!(run.at("/failure/stage"), "local", "{run}");
    let message = run.at("/failure/message").as_str().unwrap_or_default();
    assert!(
        message.contains("congestion") && message.contains("nosuch"),
        "{run}"
    );
    run.exits(6);
}

#[test]
fn a_hop_limit_that_is_too_small_is_answered_by_the_router_where_it_ran_out() {
    let Some(net) = Routed::lay(&[]) else { return };
    let run = dial(&net.client, &format!("{FAR_V4}:81 --ttl 1"));
    run.said_by_router(ROUTER_V4)
        .icmp(11, 0, ROUTER_V4)
        .exits(1);
    dial(&net.client, &format!("{FAR_V4}:81 --ttl 2")).fails("connect", "refused");
}

#[test]
fn fast_open_carries_data_in_the_second_syn() {
    let Some(net) = Wire::lay(&[]) else { return };
    for machine in [&net.client, &net.server] {
        // Bits 1 and 2: both sides; 1024: for every listener.
        machine.sysctl("ipv4/tcp_fastopen", "1027");
    }
    let server = Echo::start(&net.server);
    let to = format!("{SERVER_V4}:{} --send hello --fastopen", server.port);
    for _ in 0..2 {
        let run = dial(&net.client, &to);
        run.succeeds();
        assert_eq!(run.at("/exchange/received/text"), "hello", "{run}");
    }
    let run = dial(&net.client, &to);
    run.succeeds();
    assert_eq!(run.at("/fastopen"), true, "{run}");
}

#[test]
fn multipath_tcp_falls_back_and_says_so() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    let run = dial(&net.client, &format!("{SERVER_V4}:{} --mptcp", server.port));
    run.succeeds();
    assert_eq!(run.at("/mptcp"), false, "{run}");
}
