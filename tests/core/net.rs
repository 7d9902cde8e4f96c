//! The wire, on loopback: real sockets, real time, no names and no privileges.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod silent;
mod sweeping;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::time::Duration;

use netkit::addr::UnixPath;
use netkit::deadline::Deadline;
use netkit::failure::{Evidence, Failure, Kind, Stage, Who};
use netkit::net::{
    self, Close, Connection, Keepalive, LocalAddr, OptionValue, PeerAddr, SocketOptions,
};
use netkit::time::Millis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

async fn dial(addr: &PeerAddr) -> Result<Box<dyn Connection>, Failure> {
    net::connect(addr, &SocketOptions::default(), &soon()).await
}

async fn dial_with(addr: &PeerAddr, options: &SocketOptions) -> Box<dyn Connection> {
    net::connect(addr, options, &soon()).await.unwrap()
}

async fn refusal(addr: &PeerAddr, options: &SocketOptions) -> Failure {
    net::connect(addr, options, &soon()).await.unwrap_err()
}

fn listen() -> (TcpListener, PeerAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = PeerAddr::Tcp(listener.local_addr().unwrap());
    (listener, addr)
}

/// A port of loopback that nobody listens on.
fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// A name in the abstract namespace that no other test has.
fn abstract_name(what: &str) -> UnixPath {
    UnixPath::Abstract(format!("netkit-test-{}-{what}", std::process::id()).into_bytes())
}

fn std_name(path: &UnixPath) -> std::os::unix::net::SocketAddr {
    match path {
        UnixPath::Abstract(name) => {
            std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap()
        }
        UnixPath::File(path) => std::os::unix::net::SocketAddr::from_pathname(path).unwrap(),
    }
}

#[tokio::test]
async fn a_closed_port_refuses_by_itself() {
    let failure = dial(&PeerAddr::Tcp(closed_port())).await.unwrap_err();
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Connect, Kind::Refused)
    );
    assert_eq!(failure.who, Who::Peer);
    assert_eq!(failure.evidence, [Evidence::Rst]);
    assert_eq!(failure.errno.unwrap().name, "ECONNREFUSED");
}

#[tokio::test]
async fn an_ipv4_mapped_address_is_dialled_as_ipv4() {
    let (listener, _) = listen();
    let port = listener.local_addr().unwrap().port();
    let addr = PeerAddr::Tcp(format!("[::ffff:127.0.0.1]:{port}").parse().unwrap());
    let facts = dial(&addr).await.unwrap().facts();
    assert!(facts.local.unwrap().starts_with("127.0.0.1:"));
}

#[tokio::test]
async fn both_ends_and_the_handshake_are_known() {
    let (listener, addr) = listen();
    let connection = dial(&addr).await.unwrap();
    let (_peer, from) = listener.accept().unwrap();
    let facts = connection.facts();
    assert_eq!(facts.local, Some(from.to_string()));
    assert_eq!(facts.peer, Some(addr.to_string()));
    let info = connection.tcp_info().unwrap();
    assert_eq!(
        (&*info.state, info.syn_retransmits),
        ("established", Some(0))
    );
    assert!(info.rtt_ms > Millis::default() && info.pmtu > 0 && info.congestion.is_some());
}

#[tokio::test]
async fn keepalive_is_on_as_in_go_and_read_back() {
    let (_listener, addr) = listen();
    let facts = dial(&addr).await.unwrap().facts().keepalive.unwrap();
    let accepted = facts.accepted.unwrap();
    assert_eq!(accepted, facts.requested);
    assert_eq!(accepted.idle_ms, Millis(Duration::from_secs(15)));
    assert_eq!((accepted.enabled, accepted.count), (true, 9));
    assert_eq!(facts.user_timeout_ms, None);
}

#[tokio::test]
async fn every_option_is_read_back_as_it_was_asked() {
    let (_listener, addr) = listen();
    let options = SocketOptions {
        local_addr: Some(LocalAddr {
            ip: "127.0.0.9".parse().unwrap(),
            port: 0,
        }),
        interface: Some("lo".to_owned()),
        tos: Some(0xb8),
        ttl: Some(33),
        congestion: Some("reno".to_owned()),
        nodelay: Some(false),
        user_timeout: Some(Duration::from_millis(2_500)),
        keepalive: Keepalive {
            enabled: false,
            ..Keepalive::default()
        },
        close: Close::Rst,
        ..SocketOptions::default()
    };
    let facts = dial_with(&addr, &options).await.facts();
    let accepted = |name: &str| {
        let fact = facts.options.iter().find(|fact| fact.name == name).unwrap();
        fact.accepted.clone().unwrap().to_string()
    };
    for (name, value) in [
        ("interface", "lo"),
        ("tos", "184"),
        ("ttl", "33"),
        ("congestion", "reno"),
        ("nodelay", "false"),
        ("close", "rst"),
    ] {
        assert_eq!(accepted(name), value, "{name}");
    }
    assert!(accepted("local-addr").starts_with("127.0.0.9:"));
    let keepalive = facts.keepalive.unwrap();
    assert!(!keepalive.accepted.unwrap().enabled);
    assert_eq!(
        keepalive.user_timeout_ms,
        Some(Millis(Duration::from_millis(2_500)))
    );
}

#[tokio::test]
async fn a_segment_size_is_announced_and_read_back() {
    let (_listener, addr) = listen();
    let options = SocketOptions {
        mss: Some(600),
        ..SocketOptions::default()
    };
    let connection = dial_with(&addr, &options).await;
    let fact = connection.facts().options.remove(0);
    let Some(OptionValue::Number(accepted)) = fact.accepted else {
        panic!("{fact:?}");
    };
    assert_eq!(
        (fact.name.as_str(), fact.requested),
        ("mss", OptionValue::Number(600))
    );
    assert!((500..=600).contains(&accepted), "{accepted}");
}

#[tokio::test]
async fn a_refused_option_is_named_with_its_flag() {
    let (_listener, addr) = listen();
    let none = SocketOptions::default();
    let rows = [
        (
            SocketOptions {
                interface: Some("no-such-if".into()),
                ..none.clone()
            },
            Kind::NoSuchInterface,
            "--interface no-such-if",
        ),
        (
            SocketOptions {
                congestion: Some("warp".into()),
                ..none.clone()
            },
            Kind::Unsupported,
            "--congestion warp",
        ),
        (
            SocketOptions {
                mss: Some(1),
                ..none.clone()
            },
            Kind::Invalid,
            "--mss 1",
        ),
        (
            SocketOptions {
                local_addr: Some(LocalAddr {
                    ip: "192.0.2.77".parse().unwrap(),
                    port: 0,
                }),
                ..none.clone()
            },
            Kind::AddrNotAvailable,
            "--local-addr 192.0.2.77",
        ),
        (
            SocketOptions {
                local_addr: Some(LocalAddr {
                    ip: "::1".parse().unwrap(),
                    port: 0,
                }),
                ..none
            },
            Kind::AddrNotAvailable,
            "--local-addr ::1",
        ),
    ];
    for (options, kind, flag) in rows {
        let failure = refusal(&addr, &options).await;
        assert_eq!(
            (failure.stage, failure.kind),
            (Stage::Local, kind),
            "{failure}"
        );
        assert!(failure.message.starts_with(flag), "{failure}");
        assert_eq!(failure.who, Who::OwnKernel);
    }
}

#[tokio::test]
async fn a_taken_local_port_is_said_to_be_taken() {
    let (_listener, addr) = listen();
    let taken = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let _holder = TcpListener::bind(taken).unwrap();
    let local_addr = Some(LocalAddr {
        ip: taken.ip(),
        port: taken.port(),
    });
    let failure = refusal(
        &addr,
        &SocketOptions {
            local_addr,
            ..SocketOptions::default()
        },
    )
    .await;
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Local, Kind::AddrInUse)
    );
}

#[tokio::test]
async fn tcp_options_are_refused_on_udp_and_internet_options_on_unix() {
    let udp = PeerAddr::Udp(closed_port());
    let unix = PeerAddr::Unix(abstract_name("nobody"));
    let mss = SocketOptions {
        mss: Some(600),
        ..SocketOptions::default()
    };
    let ttl = SocketOptions {
        ttl: Some(6),
        ..SocketOptions::default()
    };
    for (addr, options, flag) in [
        (&udp, &mss, "--mss"),
        (&unix, &mss, "--mss"),
        (&unix, &ttl, "--ttl"),
    ] {
        let failure = refusal(addr, options).await;
        assert_eq!(
            (failure.stage, failure.kind),
            (Stage::Local, Kind::Unsupported)
        );
        assert!(failure.message.starts_with(flag), "{failure}");
    }
}

#[tokio::test]
async fn half_close_lets_the_answer_come_back() {
    let (listener, addr) = listen();
    let server = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut said = Vec::new();
        peer.read_to_end(&mut said).unwrap();
        peer.write_all(b"got ").unwrap();
        peer.write_all(&said).unwrap();
    });
    let mut connection = dial(&addr).await.unwrap();
    connection.write_all(b"hello").await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "got hello");
    server.join().unwrap();
}

#[tokio::test]
async fn a_reset_is_told_from_a_close() {
    let (listener, addr) = listen();
    let mut connection = dial(&addr).await.unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    connection.write_all(b"unread").await.unwrap();
    peer.read_exact(&mut [0; 1]).unwrap();
    drop(peer); // unread data turns the close into a RST
    let error = connection.read(&mut [0; 8]).await.unwrap_err();
    let failure = connection.explain(Stage::Receive, &error);
    assert_eq!((failure.stage, failure.kind), (Stage::Receive, Kind::Reset));
    assert_eq!(
        (failure.who, failure.evidence),
        (Who::Peer, vec![Evidence::Rst])
    );
}

#[tokio::test]
async fn closing_by_rst_and_by_fin_look_different_to_the_peer() {
    for (close, reset) in [(Close::Rst, true), (Close::Fin, false)] {
        let (listener, addr) = listen();
        let mut connection = dial(&addr).await.unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        connection.set_close(close);
        drop(connection);
        let result = peer.read(&mut [0; 8]);
        match result {
            Err(error) => {
                assert!(reset);
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            }
            Ok(count) => assert_eq!((reset, count), (false, 0)),
        }
    }
}

#[tokio::test]
async fn udp_to_a_closed_port_is_refused_with_the_icmp_message() {
    let free = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut connection = dial(&PeerAddr::Udp(free)).await.unwrap();
    assert!(connection.is_datagram() && connection.tcp_info().is_none());
    connection.write_all(b"x").await.unwrap();
    let error = connection.read(&mut [0; 8]).await.unwrap_err();
    let failure = connection.explain(Stage::Receive, &error);
    assert_eq!((failure.kind, &failure.who), (Kind::Refused, &Who::Peer));
    let Evidence::Icmp {
        icmp_type,
        icmp_code,
        offender,
        ..
    } = &failure.evidence[0]
    else {
        panic!("{failure:?}");
    };
    assert_eq!((*icmp_type, *icmp_code, *offender), (3, 3, Some(free.ip())));
}

#[tokio::test]
async fn udp_keeps_message_borders_and_empty_datagrams() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut connection = dial(&PeerAddr::Udp(server.local_addr().unwrap()))
        .await
        .unwrap();
    assert_eq!(connection.write(b"").await.unwrap(), 0);
    connection.write_all(b"two").await.unwrap();
    let (empty, from) = server.recv_from(&mut [0; 8]).unwrap();
    let (full, _) = server.recv_from(&mut [0; 8]).unwrap();
    assert_eq!((empty, full), (0, 3));
    server.send_to(b"", from).unwrap();
    server.send_to(b"abc", from).unwrap();
    assert_eq!(connection.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(connection.read(&mut [0; 8]).await.unwrap(), 3);
}

#[tokio::test]
async fn a_datagram_that_cannot_fit_is_too_long() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut connection = dial(&PeerAddr::Udp(server.local_addr().unwrap()))
        .await
        .unwrap();
    let error = connection.write(&vec![0; 70_000]).await.unwrap_err();
    let failure = connection.explain(Stage::Send, &error);
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Send, Kind::MessageTooLong)
    );
    assert!(matches!(failure.evidence[..], [Evidence::PathMtu { mtu }] if mtu > 0));
}

#[tokio::test]
async fn unix_streams_connect_by_path_and_by_abstract_name() {
    let folder = std::env::temp_dir().join(format!("netkit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("stream.sock");
    for name in [UnixPath::File(path.clone()), abstract_name("stream")] {
        let listener = UnixListener::bind_addr(&std_name(&name)).unwrap();
        let mut connection = dial(&PeerAddr::Unix(name.clone())).await.unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        assert_eq!(connection.facts().peer, Some(name.to_string()));
        peer.write_all(b"hi").unwrap();
        peer.shutdown(Shutdown::Both).unwrap();
        let mut said = String::new();
        connection.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "hi");
    }
    let missing = dial(&PeerAddr::Unix(UnixPath::File(folder.join("none"))))
        .await
        .unwrap_err();
    assert_eq!(
        (missing.stage, missing.kind),
        (Stage::Connect, Kind::Refused)
    );
    let stale = dial(&PeerAddr::Unix(UnixPath::File(path)))
        .await
        .unwrap_err();
    assert_eq!((stale.stage, stale.kind), (Stage::Connect, Kind::Refused));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_unix_datagram_service_can_reply() {
    let name = abstract_name("datagram");
    let server = UnixDatagram::bind_addr(&std_name(&name)).unwrap();
    let mut connection = dial(&PeerAddr::Unixgram(name.clone())).await.unwrap();
    connection.write_all(b"ping").await.unwrap();
    let (_, from) = server.recv_from(&mut [0; 8]).unwrap();
    server.send_to_addr(b"pong!", &from).unwrap();
    assert_eq!(connection.read(&mut [0; 8]).await.unwrap(), 5);
}

#[tokio::test]
async fn a_unix_socket_of_the_other_type_is_said_to_be_one() {
    let path = std::env::temp_dir().join(format!("netkit-{}.type", std::process::id()));
    let _server = UnixDatagram::bind(&path).unwrap();
    let failure = dial(&PeerAddr::Unix(UnixPath::File(path.clone())))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Connect, Kind::Unsupported)
    );
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn a_full_unix_queue_times_out_as_such() {
    let name = abstract_name("full");
    let listener = UnixListener::bind_addr(&std_name(&name)).unwrap();
    let addr = PeerAddr::Unix(name);
    let mut held = Vec::new();
    let failure = loop {
        let deadline = Deadline::after(Duration::from_millis(30));
        match net::connect(&addr, &SocketOptions::default(), &deadline).await {
            Ok(connection) => held.push(connection),
            Err(failure) => break failure,
        }
        assert!(held.len() < 10_000);
    };
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Connect, Kind::Timeout)
    );
    drop(listener);
}

#[tokio::test]
async fn a_path_that_is_too_long_is_invalid() {
    let path = UnixPath::File("x".repeat(109).into());
    let failure = dial(&PeerAddr::Unix(path)).await.unwrap_err();
    assert_eq!((failure.stage, failure.kind), (Stage::Local, Kind::Invalid));
}

#[tokio::test]
async fn mptcp_falls_back_and_says_so() {
    let (_listener, addr) = listen();
    let options = SocketOptions {
        mptcp: true,
        ..SocketOptions::default()
    };
    match net::connect(&addr, &options, &soon()).await {
        Ok(connection) => {
            assert_eq!(connection.facts().mptcp, Some(false));
            assert_eq!(connection.tcp_info().unwrap().state, "established");
            let user_timeout = Some(Duration::from_secs(2));
            let failure = refusal(
                &addr,
                &SocketOptions {
                    user_timeout,
                    ..options
                },
            )
            .await;
            assert_eq!(
                (failure.stage, failure.kind),
                (Stage::Local, Kind::Unsupported)
            );
            assert!(failure.message.starts_with("--user-timeout"), "{failure}");
        }
        // A kernel without MPTCP says so under the flag's name.
        Err(failure) => {
            assert_eq!(
                (failure.stage, failure.kind),
                (Stage::Local, Kind::Unsupported)
            );
            assert!(failure.message.starts_with("--mptcp"), "{failure}");
        }
    }
}

#[tokio::test]
async fn fast_open_reports_whether_the_data_was_taken() {
    let (listener, addr) = listen();
    let options = SocketOptions {
        fastopen: true,
        ..SocketOptions::default()
    };
    let mut connection = dial_with(&addr, &options).await;
    connection.write_all(b"early").await.unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.read_exact(&mut [0; 5]).unwrap();
    peer.write_all(b"ok").unwrap();
    connection.read_exact(&mut [0; 2]).await.unwrap();
    // This listener did not ask for fast open, so its kernel took no data from the SYN.
    assert_eq!(connection.facts().fastopen, Some(false));
}

#[test]
fn the_source_is_known_without_a_packet() {
    let addr = "127.0.0.7:9".parse().unwrap();
    assert_eq!(net::source_for(addr), Some("127.0.0.1".parse().unwrap()));
}

#[tokio::test]
async fn silence_is_filtered_with_the_number_of_repeated_syns() {
    let silent = silent::Silent::listen();
    let deadline = Deadline::after(Duration::from_millis(1_300));
    let options = SocketOptions::default();
    let failure = net::connect(&silent.addr(), &options, &deadline)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Connect, Kind::Filtered)
    );
    assert_eq!(failure.who, Who::Nobody);
    assert_eq!(failure.evidence, [Evidence::SynRetransmits { count: 1 }]);
    assert_eq!(silent.handshakes_under_way(), 0);
}

#[tokio::test]
async fn a_cancelled_connect_ends_at_once_and_closes_its_socket() {
    let silent = silent::Silent::listen();
    let (deadline, options) = (soon(), SocketOptions::default());
    let addr = silent.addr();
    let connect = net::connect(&addr, &options, &deadline);
    let cancel = async {
        silent.until_under_way(1).await;
        deadline.cancel().cancel();
    };
    let (result, ()) = tokio::join!(connect, cancel);
    assert_eq!(result.unwrap_err().kind, Kind::Timeout);
    assert_eq!(silent.handshakes_under_way(), 0);
}

#[tokio::test]
async fn a_dropped_connect_closes_its_socket() {
    let silent = silent::Silent::listen();
    let (deadline, options) = (soon(), SocketOptions::default());
    let addr = silent.addr();
    tokio::select! {
        result = net::connect(&addr, &options, &deadline) => panic!("{result:?}"),
        () = silent.until_under_way(1) => {}
    }
    assert_eq!(silent.handshakes_under_way(), 0);
}

#[tokio::test]
async fn udp_to_a_broadcast_address_is_explained_and_nothing_is_sent() {
    let addr = PeerAddr::Udp("127.255.255.255:9".parse().unwrap());
    let deadline = Deadline::after(Duration::from_secs(5));
    let refused = net::connect(&addr, &SocketOptions::default(), &deadline).await;
    let failure = refused.err().unwrap();
    assert_eq!(failure.kind, Kind::LocalPolicy);
    assert!(failure.message.contains("broadcast address"), "{failure:?}");
    let Evidence::Note { text } = &failure.evidence[0] else {
        panic!("{failure:?}");
    };
    assert!(text.contains("SO_BROADCAST"), "{text}");
}
