//! UDP has no handshake: a reply, a refusal and silence are three results, and silence is never
//! success.

use crate::bed::namespace::Hook;
use crate::bed::net::{FAR_V4, FAR_V6, ROUTER_V4, ROUTER_V6, Routed, SERVER_V4, SERVER_V6, Wire};
use crate::bed::serve;
use crate::netkit::{dial, start};

#[test]
fn a_closed_port_is_refused_and_the_icmp_message_says_by_whom() {
    let Some(net) = Wire::lay(&[]) else { return };
    let run = dial(&net.client, &format!("udp://{SERVER_V4}:81 --send hello"));
    run.fails("receive", "refused").said_by("peer");
    run.icmp(3, 3, SERVER_V4).exits(1).takes(0, 500);
    let run = dial(&net.client, &format!("udp://[{SERVER_V6}]:81 --send hello"));
    run.fails("receive", "refused").said_by("peer");
    run.icmp(1, 4, SERVER_V6).exits(1).takes(0, 500);
}

#[test]
fn a_silent_port_is_no_reply_and_never_ok() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (inbox, port) = serve::silent_udp(&net.server);
    for address in [SERVER_V4.to_owned(), format!("[{SERVER_V6}]")] {
        let run = dial(
            &net.client,
            &format!("udp://{address}:{port} --send hello -t 500ms"),
        );
        run.fails("receive", "no_reply")
            .said_by("nobody")
            .exits(124);
        run.takes(500, 600);
        let mut heard = [0; 16];
        let length = inbox.recv(&mut heard).expect("the datagram did arrive");
        assert_eq!(&heard[..length], b"hello");
    }
}

#[test]
fn a_dropped_datagram_is_no_reply_too() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.server.filter(Hook::Input, "meta l4proto udp drop");
    let run = dial(
        &net.client,
        &format!("udp://{SERVER_V4}:81 --send hello -t 500ms"),
    );
    run.fails("receive", "no_reply")
        .said_by("nobody")
        .exits(124);
}

#[test]
fn our_own_firewall_says_so_at_once() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.client.filter(Hook::Output, "meta l4proto udp drop");
    let run = dial(&net.client, &format!("udp://{SERVER_V4}:81 --send hello"));
    run.fails("send", "local_policy").said_by("own_kernel");
    assert_eq!(run.at("/failure/errno/name"), "EPERM", "{run}");
    run.exits(1).takes(0, 500);
}

#[test]
fn a_reply_is_success() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (inbox, port) = serve::silent_udp(&net.server);
    let running = start(
        &net.client,
        &format!("udp://{SERVER_V4}:{port} --send hello"),
    );
    let mut heard = [0; 16];
    let (length, from) = inbox.recv_from(&mut heard).expect("the datagram arrives");
    inbox
        .send_to(&heard[..length], from)
        .expect("the way back is open");
    let run = running.end();
    run.succeeds();
    assert_eq!(run.at("/outcome"), "replied", "{run}");
    assert_eq!(run.at("/exchange/received/text"), "hello", "{run}");
}

#[test]
fn a_firewall_that_rejects_is_told_from_the_peer() {
    let Some(net) = Routed::lay(&[]) else { return };
    net.router.filter(
        Hook::Forward,
        "meta nfproto ipv4 meta l4proto udp reject with icmp admin-prohibited",
    );
    net.router.filter(
        Hook::Forward,
        "meta nfproto ipv6 meta l4proto udp reject with icmpv6 admin-prohibited",
    );
    let run = dial(&net.client, &format!("udp://{FAR_V4}:81 --send hello"));
    run.fails("receive", "rejected").said_by_router(ROUTER_V4);
    run.icmp(3, 13, ROUTER_V4).exits(1);
    let run = dial(&net.client, &format!("udp://[{FAR_V6}]:81 --send hello"));
    run.fails("receive", "rejected").said_by_router(ROUTER_V6);
    run.icmp(1, 1, ROUTER_V6).exits(1);
}

#[test]
fn a_datagram_above_the_path_mtu_is_too_long_and_the_mtu_is_named() {
    let Some(net) = Routed::lay(&[]) else { return };
    net.router.ip("link set far mtu 1300");
    net.server.ip("link set wire mtu 1300");
    let (_inbox, port) = serve::silent_udp(&net.server);
    let text = "x".repeat(1400);
    for address in [FAR_V4.to_owned(), format!("[{FAR_V6}]")] {
        let run = dial(
            &net.client,
            &format!("udp://{address}:{port} --send {text} -t 2s"),
        );
        assert_eq!(run.at("/failure/kind"), "message_too_long", "{run}");
        assert_eq!(run.evidence("path_mtu")["mtu"], 1300, "{run}");
        run.exits(1).takes(0, 500);
    }
}

#[test]
fn a_datagram_above_what_udp_carries_is_too_long_for_our_own_kernel() {
    let Some(net) = Wire::lay(&[]) else { return };
    let file = std::env::temp_dir().join(format!("netkit-lab-{}-long", std::process::id()));
    std::fs::write(&file, vec![b'x'; 65_508]).expect("the temporary folder can be written");
    let arguments = format!("udp://{SERVER_V4}:81 --send-file {}", file.display());
    let run = dial(&net.client, &arguments);
    std::fs::remove_file(&file).expect("it was just made");
    run.fails("send", "message_too_long")
        .said_by("own_kernel")
        .exits(1);
}
