//! What leaves and comes in on the wire while netkit asks: the options of its sockets, and packets
//! counted by the kernel beside those of the ledger.

use std::net::SocketAddr;

use serde_json::Value;

use super::resolve;
use crate::bed::namespace::Hook;
use crate::bed::net::{SERVER_V4, Wire};
use crate::bed::skip::Need;
use crate::dns::{Behaviour, DnsServer, Script};

const NEEDS: &[Need] = &[Need::Program("nft")];
/// A second address of the client.
const OTHER_V4: &str = "192.0.2.9";

/// A server on the other machine, at the usual port.
fn server(net: &Wire, script: Script) -> DnsServer {
    let at = SocketAddr::new(SERVER_V4.parse().expect("a literal"), 53);
    net.server.enter(|| script.at(at).start())
}

fn zone() -> Script {
    Script::new().address("www.example", "192.0.2.80")
}

#[test]
fn every_option_of_the_sockets_is_on_the_packets_that_leave() {
    let Some(net) = Wire::lay(NEEDS) else { return };
    net.client.ip(&format!("addr add {OTHER_V4}/24 dev wire"));
    let _server = server(&net, zone());
    let rows = [
        (
            format!("--local-addr {OTHER_V4}"),
            format!("ip saddr {OTHER_V4}"),
        ),
        (
            format!("--local-addr {OTHER_V4}:5353"),
            format!("ip saddr {OTHER_V4} th sport 5353"),
        ),
        ("--source-port 5354".to_owned(), "th sport 5354".to_owned()),
        ("--interface wire".to_owned(), "oifname \"wire\"".to_owned()),
        ("--mark 7".to_owned(), "meta mark 7".to_owned()),
    ];
    for (flag, rule) in rows {
        for (carrier, protocol) in [("--udp-only", "udp"), ("--tcp", "tcp")] {
            let rule = format!("{rule} meta l4proto {protocol} th dport 53 counter");
            net.client.filter(Hook::Output, &rule);
            let run = resolve(
                &net.client,
                &format!("www.example A @{SERVER_V4} {carrier} {flag}"),
            );
            run.exits(0);
            assert!(net.client.counted() > 0, "{rule}{run}");
            net.client.unfilter();
        }
    }
    let run = resolve(
        &net.client,
        &format!("www.example A @{SERVER_V4} --local-addr {OTHER_V4}:5353"),
    );
    assert_eq!(run.text("/attempts/0/local"), format!("{OTHER_V4}:5353"));
}

#[test]
fn names_of_a_list_leave_by_the_same_options() {
    let Some(net) = Wire::lay(NEEDS) else { return };
    net.client.ip(&format!("addr add {OTHER_V4}/24 dev wire"));
    let list = std::env::temp_dir().join(format!("netkit-lab-{}-list", std::process::id()));
    std::fs::write(&list, "www.example\nwww.example AAAA\n").expect("a list");
    let _server = server(&net, zone());
    let rows = [
        (
            format!("--local-addr {OTHER_V4}"),
            format!("ip saddr {OTHER_V4}"),
        ),
        ("--interface wire".to_owned(), "oifname \"wire\"".to_owned()),
        ("--mark 7".to_owned(), "meta mark 7".to_owned()),
    ];
    for (flag, rule) in rows {
        for (carrier, protocol) in [("--udp-only", "udp"), ("--tcp", "tcp")] {
            let rule = format!("{rule} meta l4proto {protocol} th dport 53 counter");
            net.client.filter(Hook::Output, &rule);
            let input = list.display();
            let run = resolve(
                &net.client,
                &format!("--input {input} @{SERVER_V4} {carrier} {flag}"),
            );
            assert_eq!(run.lines.len(), 3, "{run}");
            assert!(net.client.counted() > 0, "{rule}{run}");
            net.client.unfilter();
        }
    }
    let input = list.display();
    let none = format!("--input {input} @{SERVER_V4} --interface none0");
    resolve(&net.client, &none).exits(6);
    let _ = std::fs::remove_file(&list);
}

#[test]
fn options_that_cannot_be_had_are_this_machines_fault() {
    let Some(net) = Wire::lay(NEEDS) else { return };
    let _server = server(&net, zone());
    for (flag, kind) in [
        ("--local-addr 192.0.2.77", "addr_not_available"),
        ("--interface none0", "no_such_interface"),
    ] {
        for carrier in ["--udp-only", "--tcp"] {
            let run = resolve(
                &net.client,
                &format!("www.example A @{SERVER_V4} {carrier} {flag}"),
            );
            assert_eq!(run.text("/verdict"), "local_error", "{run}");
            assert_eq!(run.text("/failure/kind"), kind, "{run}");
            run.exits(6);
        }
    }
}

/// The sum of a number over the tries of a transport.
fn sum(attempts: &Value, transport: &str, key: &str) -> u64 {
    let attempts = attempts.as_array().expect("a list");
    let own = attempts
        .iter()
        .filter(|attempt| attempt["transport"] == transport);
    own.map(|attempt| attempt[key].as_u64().expect("a number"))
        .sum()
}

/// Tries of a transport that ended with a message.
fn replies(attempts: &Value, transport: &str) -> u64 {
    let attempts = attempts.as_array().expect("a list");
    let own = attempts.iter().filter(|attempt| {
        let outcome = attempt["outcome"].as_str().expect("a word");
        attempt["transport"] == transport && ["replied", "truncated"].contains(&outcome)
    });
    own.count() as u64
}

#[test]
fn the_kernel_counts_the_packets_that_the_ledger_has() {
    use Behaviour as B;
    let Some(net) = Wire::lay(NEEDS) else { return };
    let rows = [
        (B::Answer, B::Answer, ""),
        (B::Silent, B::Answer, ""),
        (B::Silent, B::Silent, "--timeout 1500ms"),
        (B::WrongIdThenAnswer, B::Answer, ""),
        (B::TwoAnswers, B::Answer, "--anti-spoof"),
        (B::Truncate, B::Answer, ""),
        (B::FormerrToEdns, B::Answer, ""),
        (B::WantsCookie, B::Answer, "--cookie"),
        (B::Garbage, B::Answer, ""),
        (
            B::Silent,
            B::Silent,
            "--udp-only --tries 3 --timeout 1500ms",
        ),
    ];
    for (udp, tcp, flags) in rows {
        let case = format!("{udp:?} {tcp:?} {flags}");
        let server = server(&net, zone().udp(udp).tcp(tcp));
        net.client.filter(Hook::Input, "udp sport 53 counter");
        net.client.filter(
            Hook::Output,
            "udp dport 53 counter\ntcp dport 53 tcp flags & (syn | ack) == syn counter",
        );
        let run = resolve(&net.client, &format!("www.example A @{SERVER_V4} {flags}"));
        let counted = net.client.all_counted();
        net.client.unfilter();
        drop(server);
        let attempts = run.at("/attempts");
        let connections = attempts.as_array().expect("a list").iter();
        let connections = connections
            .filter(|attempt| attempt["transport"] == "tcp")
            .count();
        let told = [
            sum(attempts, "udp", "ignored_count") + replies(attempts, "udp"),
            sum(attempts, "udp", "sent"),
            connections as u64,
        ];
        assert_eq!(counted, told, "{case}: came in, went out, connections{run}");
    }
}
