//! The taxonomy of DESIGN §5, row by row, from the numbers and messages that Linux gives.

use super::*;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 2));
const ROUTER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 254));
const OURS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn tcp() -> PeerAddr {
    PeerAddr::Tcp((PEER, 80).into())
}

fn udp() -> PeerAddr {
    PeerAddr::Udp((PEER, 80).into())
}

fn icmp(icmp_type: u8, icmp_code: u8, offender: IpAddr) -> QueuedError {
    QueuedError {
        origin: Origin::Icmp,
        icmp_type,
        icmp_code,
        offender: Some(offender),
        own: offender == OURS,
    }
}

fn explain(peer: &PeerAddr, stage: Stage, code: i32, queue: &[QueuedError]) -> Failure {
    let info = TcpInfo {
        total_retransmits: 3,
        unacked: 2,
        ..TcpInfo::default()
    };
    let seen = Seen {
        stage,
        queue,
        info: Some(&info),
        ..Seen::connecting(peer)
    };
    seen.explain(&io::Error::from_raw_os_error(code))
}

/// Explains a handshake that failed with this number and this queue, and checks who said what.
fn check_handshake(code: i32, queue: &[QueuedError], kind: Kind, who: &Who) {
    let failure = explain(&tcp(), Stage::Connect, code, queue);
    assert_eq!((failure.kind, &failure.who), (kind, who), "{failure:?}");
    assert!(failure.message.contains("198.51.100.2:80"), "{failure}");
    assert_eq!(failure.errno.map(|errno| errno.code), Some(code));
}

#[test]
fn an_icmp_message_tells_who_ended_a_handshake() {
    let (unreachable, router) = (libc::EHOSTUNREACH, Who::Router { addr: ROUTER });
    let rows = [
        (
            libc::ECONNREFUSED,
            icmp(3, 3, ROUTER),
            Kind::Rejected,
            router.clone(),
        ),
        (
            unreachable,
            icmp(3, 13, ROUTER),
            Kind::Rejected,
            router.clone(),
        ),
        (unreachable, icmp(3, 13, PEER), Kind::Rejected, Who::Peer),
        (
            unreachable,
            icmp(3, 13, OURS),
            Kind::Rejected,
            Who::OwnKernel,
        ),
        (
            unreachable,
            icmp(3, 1, OURS),
            Kind::HostUnreachable,
            Who::OwnKernel,
        ),
        (
            unreachable,
            icmp(3, 1, ROUTER),
            Kind::HostUnreachable,
            router.clone(),
        ),
        (
            libc::ENETUNREACH,
            icmp(3, 0, ROUTER),
            Kind::NetUnreachable,
            router.clone(),
        ),
        (
            unreachable,
            icmp(11, 0, ROUTER),
            Kind::HostUnreachable,
            router,
        ),
    ];
    for (code, message, kind, who) in rows {
        check_handshake(code, &[message], kind, &who);
    }
}

#[test]
fn without_icmp_it_was_the_peer_nobody_or_our_own_kernel() {
    let rows = [
        (libc::ECONNREFUSED, Kind::Refused, Who::Peer),
        (libc::EHOSTUNREACH, Kind::HostUnreachable, Who::OwnKernel),
        (libc::EACCES, Kind::LocalPolicy, Who::OwnKernel),
        (libc::EINVAL, Kind::LocalPolicy, Who::OwnKernel),
        (libc::ENETUNREACH, Kind::NetUnreachable, Who::OwnKernel),
        (libc::ETIMEDOUT, Kind::Filtered, Who::Nobody),
        (libc::EADDRNOTAVAIL, Kind::AddrNotAvailable, Who::OwnKernel),
    ];
    for (code, kind, who) in rows {
        check_handshake(code, &[], kind, &who);
    }
}

#[test]
fn the_last_icmp_message_decides_and_is_the_evidence() {
    let queue = [icmp(3, 1, ROUTER), icmp(3, 13, PEER)];
    let failure = explain(&tcp(), Stage::Connect, libc::EHOSTUNREACH, &queue);
    let expected = Evidence::Icmp {
        version: 4,
        icmp_type: 3,
        icmp_code: 13,
        meaning: "communication administratively prohibited".to_owned(),
        offender: Some(PEER),
    };
    assert_eq!(failure.evidence, [expected]);
}

#[test]
fn silence_counts_the_syns() {
    for (again, words) in [(0, "one SYN"), (2, "3 SYNs")] {
        let info = TcpInfo {
            total_retransmits: again,
            ..TcpInfo::default()
        };
        let failure = Seen {
            info: Some(&info),
            ..Seen::connecting(&tcp())
        }
        .silence();
        assert_eq!((failure.kind, failure.who), (Kind::Filtered, Who::Nobody));
        assert_eq!(
            failure.evidence,
            [Evidence::SynRetransmits { count: again }]
        );
        assert!(failure.message.contains(words), "{}", failure.message);
    }
}

#[test]
fn a_broken_conversation_tells_reset_from_vanished() {
    let rows = [
        (tcp(), libc::ECONNRESET, Kind::Reset, Who::Peer),
        (tcp(), libc::EPIPE, Kind::Reset, Who::Peer),
        (tcp(), libc::ETIMEDOUT, Kind::HalfOpen, Who::Nobody),
        (
            tcp(),
            libc::EHOSTUNREACH,
            Kind::HostUnreachable,
            Who::OwnKernel,
        ),
        (udp(), libc::EMSGSIZE, Kind::MessageTooLong, Who::OwnKernel),
        (udp(), libc::EPERM, Kind::LocalPolicy, Who::OwnKernel),
    ];
    for (peer, code, kind, who) in rows {
        let failure = explain(&peer, Stage::Send, code, &[]);
        assert_eq!(
            (failure.stage, failure.kind),
            (Stage::Send, kind),
            "{failure}"
        );
        assert_eq!(failure.who, who);
    }
    let vanished = explain(&tcp(), Stage::Receive, libc::ETIMEDOUT, &[]);
    let unanswered = Evidence::Unacknowledged {
        segments: Some(2),
        retransmits: 3,
    };
    assert_eq!(vanished.evidence, [unanswered]);
}

#[test]
fn udp_refusals_name_whoever_sent_the_message() {
    for (offender, who, advice) in [
        (PEER, Who::Peer, "nothing listens on that port"),
        (
            ROUTER,
            Who::Router { addr: ROUTER },
            "a firewall on the way",
        ),
    ] {
        let queue = [icmp(3, 3, offender)];
        let failure = explain(&udp(), Stage::Receive, libc::ECONNREFUSED, &queue);
        assert_eq!((failure.kind, failure.who), (Kind::Refused, who));
        let hint = failure.hint.unwrap();
        assert!(hint.contains(advice), "{hint}");
    }
}

#[test]
fn mptcp_does_not_guess_who_said_it() {
    let peer = tcp();
    for code in [libc::EHOSTUNREACH, libc::ENETUNREACH, libc::EACCES] {
        let seen = Seen {
            blind: true,
            ..Seen::connecting(&peer)
        };
        let failure = seen.explain(&io::Error::from_raw_os_error(code));
        assert_eq!(failure.who, Who::Nobody);
        assert!(matches!(failure.evidence[..], [Evidence::Note { .. }]));
    }
}

#[test]
fn a_link_local_address_without_a_zone_is_told_so() {
    let peer = PeerAddr::Tcp("[fe80::1]:80".parse().unwrap());
    let failure = explain(&peer, Stage::Connect, libc::EINVAL, &[]);
    assert_eq!(failure.kind, Kind::NoSuchInterface);
    assert!(failure.hint.unwrap().contains('%'));
}

#[test]
fn an_error_without_a_number_still_names_the_peer() {
    let error = io::Error::other("odd");
    let failure = Seen::connecting(&tcp()).explain(&error);
    assert_eq!(failure.errno, None);
    assert!(failure.message.contains("198.51.100.2:80"), "{failure}");
    assert!(failure.message.contains("odd"), "{failure}");
}
