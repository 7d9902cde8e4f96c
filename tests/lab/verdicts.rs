//! Why a TCP dial did not succeed, and who said so: one case for each way in which a network says
//! no. Most clients have one word for all of them.

use std::net::IpAddr;
use std::time::Duration;

use crate::bed::namespace::{Hook, Namespace};
use crate::bed::net::{FAR_V4, FAR_V6, ROUTER_V4, ROUTER_V6, Routed, SERVER_V4, SERVER_V6, Wire};
use crate::bed::serve::{self, Echo};
use crate::bed::skip::Need;
use crate::netkit::{dial, dial_unprivileged, start};

/// Nobody listens there in any case.
const CLOSED: u16 = 81;

/// `192.0.2.2:81` or `[2001:db8:1::2]:81`.
fn target(address: &str, port: u16) -> String {
    let address: IpAddr = address.parse().expect("the lab's addresses are literals");
    std::net::SocketAddr::new(address, port).to_string()
}

#[test]
fn a_closed_port_is_refused_by_the_peer() {
    let Some(net) = Wire::lay(&[]) else { return };
    for address in [SERVER_V4, SERVER_V6] {
        let run = dial(&net.client, &target(address, CLOSED));
        run.fails("connect", "refused").said_by("peer").exits(1);
        run.evidence("rst");
        assert_eq!(run.at("/failure/errno/name"), "ECONNREFUSED", "{run}");
        run.takes(0, 500);
    }
}

#[test]
fn a_firewall_that_rejects_is_named_with_its_address_and_its_words() {
    let Some(net) = Routed::lay(&[]) else { return };
    for (word, code, kind) in [
        ("admin-prohibited", 13, "rejected"),
        ("host-prohibited", 10, "rejected"),
        ("net-prohibited", 9, "rejected"),
        ("host-unreachable", 1, "host_unreachable"),
        ("net-unreachable", 0, "net_unreachable"),
    ] {
        net.router.filter(
            Hook::Forward,
            &format!("meta l4proto tcp reject with icmp {word}"),
        );
        let run = dial(&net.client, &target(FAR_V4, CLOSED));
        run.fails("connect", kind).said_by_router(ROUTER_V4);
        run.icmp(3, code, ROUTER_V4).exits(1).takes(0, 500);
        net.router.unfilter();
    }
}

#[test]
fn a_firewall_that_rejects_ipv6_is_named_too() {
    let Some(net) = Routed::lay(&[]) else { return };
    for (word, code, kind) in [
        ("admin-prohibited", 1, "rejected"),
        ("addr-unreachable", 3, "host_unreachable"),
        ("no-route", 0, "net_unreachable"),
    ] {
        net.router.filter(
            Hook::Forward,
            &format!("meta l4proto tcp reject with icmpv6 {word}"),
        );
        let run = dial(&net.client, &target(FAR_V6, CLOSED));
        run.fails("connect", kind).said_by_router(ROUTER_V6);
        run.icmp(1, code, ROUTER_V6).exits(1).takes(0, 500);
        net.router.unfilter();
    }
}

#[test]
fn a_firewall_that_answers_for_the_port_is_told_from_the_peer() {
    let Some(net) = Routed::lay(&[]) else { return };
    net.router.filter(
        Hook::Forward,
        "meta l4proto tcp reject with icmp port-unreachable",
    );
    let run = dial(&net.client, &target(FAR_V4, CLOSED));
    run.said_by_router(ROUTER_V4).icmp(3, 3, ROUTER_V4).exits(1);
}

#[test]
fn a_forged_reset_is_a_refusal() {
    let Some(net) = Routed::lay(&[]) else { return };
    net.router
        .filter(Hook::Forward, "meta l4proto tcp reject with tcp reset");
    for address in [FAR_V4, FAR_V6] {
        let run = dial(&net.client, &target(address, CLOSED));
        run.fails("connect", "refused").said_by("peer").exits(1);
    }
}

#[test]
fn our_own_firewall_is_told_from_one_on_the_way() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.client.filter(
        Hook::Output,
        "meta l4proto tcp reject with icmpx type admin-prohibited",
    );
    for address in [SERVER_V4, SERVER_V6] {
        let run = dial(&net.client, &target(address, CLOSED));
        run.fails("connect", "rejected")
            .said_by("own_kernel")
            .exits(1);
    }
}

#[test]
fn a_dropped_syn_is_filtered_and_its_retransmissions_are_counted() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.server.filter(Hook::Input, "meta l4proto tcp drop");
    for address in [SERVER_V4, SERVER_V6] {
        let run = dial(
            &net.client,
            &format!("{} -t 1500ms", target(address, CLOSED)),
        );
        run.fails("connect", "filtered")
            .said_by("nobody")
            .exits(124);
        assert_eq!(run.evidence("syn_retransmits")["count"], 1, "{run}");
        run.takes(1500, 1550 + SPAWN);
    }
}

#[test]
fn replies_cut_on_the_way_back_look_the_same() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = serve::listen(&net.server);
    net.server.filter(Hook::Output, "meta l4proto tcp drop");
    let arguments = format!("{} -t 1500ms", target(SERVER_V4, serve::port(&server)));
    let run = dial(&net.client, &arguments);
    run.fails("connect", "filtered")
        .said_by("nobody")
        .exits(124);
}

#[test]
fn a_dead_host_on_the_wire_is_reported_by_our_own_kernel() {
    let Some(net) = Wire::lay(&[]) else { return };
    // The kernel asks three times, once a second by default.
    for family in ["ipv4", "ipv6"] {
        net.client
            .sysctl(&format!("{family}/neigh/wire/retrans_time_ms"), "100");
    }
    for dead in ["192.0.2.77", "2001:db8:1::77"] {
        let run = dial(&net.client, &target(dead, CLOSED));
        run.fails("connect", "host_unreachable")
            .said_by("own_kernel");
        run.exits(1).takes(200, 2000);
    }
}

#[test]
fn a_route_that_says_no_is_local_and_each_kind_has_its_word() {
    let Some(net) = Wire::lay(&[]) else { return };
    for (route, kind, errno) in [
        ("unreachable", "host_unreachable", "EHOSTUNREACH"),
        ("prohibit", "local_policy", "EACCES"),
        ("blackhole", "local_policy", "EINVAL"),
        ("throw", "net_unreachable", "ENETUNREACH"),
    ] {
        for (block, address) in [
            ("203.0.113.0/24", "203.0.113.9"),
            ("2001:db8:9::/48", "2001:db8:9::9"),
        ] {
            net.client.ip(&format!("route replace {route} {block}"));
            let run = dial(&net.client, &target(address, CLOSED));
            run.fails("connect", kind).said_by("own_kernel").exits(1);
            assert_eq!(run.at("/failure/errno/name"), errno, "{run}");
            run.takes(0, 500);
            net.client.ip(&format!("route del {route} {block}"));
        }
    }
}

#[test]
fn without_a_route_the_network_is_unreachable() {
    let Some(net) = Wire::lay(&[]) else { return };
    for address in [FAR_V4, FAR_V6] {
        let run = dial(&net.client, &target(address, CLOSED));
        run.fails("connect", "net_unreachable")
            .said_by("own_kernel");
        run.exits(1);
    }
}

#[test]
fn a_full_accept_queue_looks_filtered() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (listener, _waiting) = serve::listen_with_full_queue(&net.server);
    let arguments = format!("{} -t 1500ms", target(SERVER_V4, serve::port(&listener)));
    let run = dial(&net.client, &arguments);
    run.fails("connect", "filtered")
        .said_by("nobody")
        .exits(124);
    assert_eq!(run.evidence("syn_retransmits")["count"], 1, "{run}");
}

#[test]
fn the_first_syn_lost_is_told_from_a_slow_server() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = serve::listen(&net.server);
    drop_first_syn(&net.server);
    let run = dial(&net.client, &target(SERVER_V4, serve::port(&server)));
    run.succeeds().between("/connect_ms", 1000.0, 1100.0);
    assert_eq!(run.at("/tcp_info/syn_retransmits"), 1, "{run}");
    assert_eq!(run.at("/attempts/0/syn_retransmits"), 1, "{run}");
}

/// Drops the first SYN from every source port.
fn drop_first_syn(machine: &Namespace) {
    machine.nft(
        "table inet lab {
            set seen { type inet_service; flags dynamic; timeout 10s; }
            chain input {
                type filter hook input priority 0;
                tcp flags & (syn | ack) == syn tcp sport != @seen add @seen { tcp sport } drop
            }
        }",
    );
}

#[test]
fn a_reset_and_a_close_before_the_reply_are_told_apart() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = serve::listen(&net.server);
    let to = target(SERVER_V4, serve::port(&server));
    let running = start(&net.client, &format!("{to} --expect hello"));
    drop(serve::accept(&server));
    let run = running.end();
    run.fails("receive", "closed_early")
        .said_by("peer")
        .exits(1);
    run.evidence("fin");
    let running = start(&net.client, &format!("{to} --send hi --expect hello"));
    let unread = serve::accept(&server);
    // Closing a socket with unread data in it resets the connection.
    unread.peek(&mut [0; 2]).expect("the greeting arrives");
    drop(unread);
    let run = running.end();
    run.fails("receive", "reset").said_by("peer").exits(1);
    run.evidence("rst");
}

#[test]
fn a_wrong_reply_is_an_expectation_that_was_not_met() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    let to = target(SERVER_V4, server.port);
    let run = dial(
        &net.client,
        &format!("{to} --send ping --shutdown-write --expect pong"),
    );
    run.fails("receive", "unexpected_reply")
        .said_by("netkit")
        .exits(5);
    assert_eq!(server.visit().unwrap(), b"ping");
    dial(&net.client, &format!("{to} --send ping --expect ping")).succeeds();
}

#[test]
fn an_icmp_error_after_connecting_does_not_end_the_connection() {
    let Some(net) = Routed::lay(&[]) else { return };
    let server = serve::listen(&net.server);
    // Segments with data are above 100 bytes, the handshake is below.
    net.router.filter(
        Hook::Forward,
        "meta length > 100 reject with icmp admin-prohibited",
    );
    let text = "x".repeat(100);
    let to = target(FAR_V4, serve::port(&server));
    let run = dial(&net.client, &format!("{to} --send {text} --expect y -t 1s"));
    // Retransmitted in vain until our own deadline, instead of given up on one forged message.
    run.fails("send", "half_open").said_by("nobody");
    run.takes(1000, 1050 + SPAWN);
}

#[test]
fn the_verdict_needs_no_privilege() {
    let Some(net) = Routed::lay(&[Need::Program("setpriv")]) else {
        return;
    };
    net.router.filter(
        Hook::Forward,
        "meta l4proto tcp reject with icmp admin-prohibited",
    );
    let to = target(FAR_V4, CLOSED);
    let run = dial_unprivileged(&net.client, &to);
    run.fails("connect", "rejected")
        .said_by_router(ROUTER_V4)
        .exits(1);
}

#[test]
fn a_local_address_or_interface_that_is_not_there_is_a_local_failure() {
    let Some(net) = Wire::lay(&[]) else { return };
    let to = target(SERVER_V4, CLOSED);
    let run = dial(&net.client, &format!("{to} --local-addr {SERVER_V4}"));
    run.fails("local", "addr_not_available")
        .said_by("own_kernel")
        .exits(6);
    let run = dial(&net.client, &format!("{to} --interface nosuch"));
    run.fails("local", "no_such_interface")
        .said_by("own_kernel")
        .exits(6);
    let run = dial(&net.client, &format!("{to} --interface lo -t 300ms"));
    assert_eq!(run.at("/ok"), false, "{run}");
}

/// How much longer the whole process may take than the dial, milliseconds: two processes start and
/// end (timeout(1) and netkit), on a machine that runs other tests.
const SPAWN: u64 = 40;

#[test]
fn a_timeout_longer_than_needed_costs_nothing() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    let run = dial(
        &net.client,
        &format!("{} -t 1h", target(SERVER_V4, server.port)),
    );
    run.succeeds();
    assert!(run.took < Duration::from_secs(1), "{run}");
    assert_eq!(server.visit().unwrap(), b"");
}
