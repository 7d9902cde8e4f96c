//! DNS over TLS, HTTPS, QUIC and HTTP/3: what is asked, what is told, and how soon it ends.

use std::time::Duration;

use netkit::deadline::Deadline;
use netkit::failure::Kind;
use netkit::net::tls::{Roots, TlsVersion};
use netkit::resolve::exchange::Clock;
use netkit::resolve::ledger::{Attempt, Carrier, End, Outcome, Step, Trigger, Unusable};
use netkit::resolve::wire::{Ask, Rcode, RecordType};
use netkit::resolve::{Client, ClientConfig, DomainName, NameServer, Policy, Upstream};

use crate::secure::{Manner, SecureServer, Shows, Speaks};
use crate::stopwatch::{Stopwatch, Took};

const LIMIT: Duration = Duration::from_secs(5);
/// The deadline of what hangs, and what a busy machine may add to it.
const SHORT: Duration = Duration::from_millis(400);
const SLACK: Duration = Duration::from_millis(20);

fn client(server: &SecureServer) -> Client {
    Client::new(ClientConfig {
        roots: Roots::Path(server.ca().clone()),
        ..ClientConfig::default()
    })
}

/// `name` is what the certificate must be for.
fn upstream(server: &SecureServer, speaks: Speaks, name: &str, path: &str) -> Upstream {
    let text = format!("{}://{name}@{}{path}", speaks.scheme(), server.addr());
    let named: NameServer = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    Upstream::new(&named, server.addr())
}

async fn ask(client: &Client, upstream: &Upstream, limit: Duration) -> (Outcome, Took) {
    ask_for("www.example", client, upstream, &Policy::default(), limit).await
}

async fn ask_for(
    name: &str,
    client: &Client,
    upstream: &Upstream,
    policy: &Policy,
    limit: Duration,
) -> (Outcome, Took) {
    let ask = Ask::new(DomainName::parse(name).expect("a name"), RecordType::A);
    let clock = Clock {
        origin: tokio::time::Instant::now(),
        deadline: Deadline::after(limit),
    };
    let watch = Stopwatch::start();
    let outcome = client.exchange(upstream, &ask, policy, &clock).await;
    (outcome, watch.stop())
}

fn only(outcome: &Outcome) -> &Attempt {
    let [attempt] = &outcome.attempts[..] else {
        panic!("{outcome:?}");
    };
    attempt
}

/// One question to a fresh server.
async fn once(speaks: Speaks, manner: Manner, shows: Shows, limit: Duration) -> (Attempt, Took) {
    let server = SecureServer::start(speaks, manner, shows);
    let upstream = upstream(&server, speaks, "dns.example", "");
    let (outcome, took) = ask(&client(&server), &upstream, limit).await;
    (only(&outcome).clone(), took)
}

fn carrier(speaks: Speaks) -> Carrier {
    match speaks {
        Speaks::Tls => Carrier::Tls,
        Speaks::Https => Carrier::Https,
        Speaks::Quic => Carrier::Quic,
        Speaks::H3 => Carrier::H3,
    }
}

#[tokio::test]
async fn an_answer_comes_with_the_facts_of_its_connection() {
    for speaks in Speaks::ALL {
        let server = SecureServer::answering(speaks);
        let upstream = upstream(&server, speaks, "dns.example", "");
        let (outcome, _) = ask(&client(&server), &upstream, LIMIT).await;
        let attempt = only(&outcome);
        assert_eq!(
            attempt.end,
            End::Replied(Rcode::NOERROR),
            "{speaks:?}: {attempt:?}"
        );
        assert_eq!(
            (attempt.carrier, attempt.trigger),
            (carrier(speaks), Trigger::First)
        );
        assert!(
            attempt
                .local
                .is_some_and(|local| local.ip().is_loopback() && local.port() != 0)
        );
        assert_eq!(attempt.sent_bytes(), attempt.question_bytes as u64);
        let received = outcome.received.as_ref().expect("a reply");
        assert_eq!(attempt.received_bytes, received.packet.len() as u64);
        let link = attempt.link.as_ref().expect("a connection");
        assert!(!link.reused && link.question == 1);
        let tls = link.tls.as_ref().expect("a handshake");
        assert_eq!(
            (tls.version, tls.peer_name.as_str()),
            (Some(TlsVersion::Tls13), "dns.example")
        );
        assert_eq!(tls.fingerprint_sha256.as_ref().map(String::len), Some(64));
        assert!(tls.alpn.is_some() && tls.handshake_ms.0 > Duration::ZERO);
        assert_eq!(server.names(), [Some("dns.example".to_owned())], "SNI");
        let has_streams = carrier(speaks).has_streams();
        assert_eq!(
            server.ids() == [0],
            has_streams,
            "{speaks:?}: {:?}",
            server.ids()
        );
        if let Speaks::Https | Speaks::H3 = speaks {
            let http = attempt.http.as_ref().expect("a response");
            assert_eq!((http.status, http.age), (200, Some(7)));
            assert_eq!(server.methods(), ["POST"]);
        }
    }
}

#[tokio::test]
async fn questions_at_once_and_later_share_one_connection() {
    for speaks in Speaks::ALL {
        let server = SecureServer::answering(speaks);
        let upstream = upstream(&server, speaks, "dns.example", "");
        let client = client(&server);
        let (a, b) = tokio::join!(
            ask(&client, &upstream, LIMIT),
            ask(&client, &upstream, LIMIT)
        );
        let (c, _) = ask(&client, &upstream, LIMIT).await;
        let mut uses: Vec<_> = [&a.0, &b.0, &c]
            .into_iter()
            .map(|outcome| only(outcome).link.clone().expect("a connection"))
            .map(|link| (link.question, link.reused))
            .collect();
        uses.sort_unstable();
        assert_eq!(uses, [(1, false), (2, true), (3, true)], "{speaks:?}");
        assert_eq!(
            (server.connections(), server.questions()),
            (1, 3),
            "{speaks:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_has_grown_old_is_made_anew_once() {
    let server = SecureServer::start(Speaks::Tls, Manner::OneEach, Shows::Good);
    let upstream = upstream(&server, Speaks::Tls, "dns.example", "");
    let client = client(&server);
    for _ in 0..3 {
        let (outcome, _) = ask(&client, &upstream, LIMIT).await;
        assert!(outcome.received.is_some(), "{outcome:?}");
        let last = outcome.attempts.last().expect("an entry");
        assert!(!last.link.as_ref().expect("a connection").reused);
        if let [old, new] = &outcome.attempts[..] {
            assert!(
                matches!(old.end, End::Closed { .. } | End::Failed { .. }),
                "{old:?}"
            );
            assert_eq!(new.trigger, Trigger::Reconnected);
        }
    }
    assert_eq!(server.connections(), 3);
}

/// The names of the longest and the shortest question differ by 180 octets, their lengths by none or
/// by whole blocks (RFC 8467 §4.1).
#[tokio::test]
async fn what_is_encrypted_is_padded_to_blocks_of_128_octets() {
    let long = vec!["a".repeat(60); 3].join(".");
    for speaks in Speaks::ALL {
        let server = SecureServer::answering(speaks);
        let upstream = upstream(&server, speaks, "dns.example", "");
        let client = client(&server);
        for name in ["a", "www.example", &long] {
            let (outcome, _) = ask_for(name, &client, &upstream, &Policy::default(), LIMIT).await;
            assert!(outcome.received.is_some(), "{speaks:?}: {outcome:?}");
        }
        assert_eq!(server.lengths(), [128, 128, 256], "{speaks:?}");
        // What the user chose stands, and without EDNS there is nothing to pad.
        let mut policy = Policy::default();
        let edns = policy.options.edns.as_mut();
        edns.expect("EDNS by default").padding = Some(64);
        ask_for("a", &client, &upstream, &policy, LIMIT).await;
        policy.options.edns = None;
        ask_for("a", &client, &upstream, &policy, LIMIT).await;
        assert_eq!(server.lengths()[3..], [64, 19], "{speaks:?}");
    }
}

#[tokio::test]
async fn a_template_asks_by_get() {
    for speaks in [Speaks::Https, Speaks::H3] {
        let server = SecureServer::answering(speaks);
        let upstream = upstream(&server, speaks, "dns.example", "/dns-query{?dns}");
        let (outcome, _) = ask(&client(&server), &upstream, LIMIT).await;
        assert!(outcome.received.is_some(), "{outcome:?}");
        assert_eq!(server.methods(), ["GET"]);
    }
}

#[tokio::test]
async fn an_address_is_verified_without_sni() {
    for speaks in [Speaks::Tls, Speaks::Quic] {
        let server = SecureServer::answering(speaks);
        let upstream = upstream(&server, speaks, "127.0.0.1", "");
        let (outcome, _) = ask(&client(&server), &upstream, LIMIT).await;
        assert!(outcome.received.is_some(), "{outcome:?}");
        assert_eq!(server.names(), [None]);
    }
}

fn kind_of(attempt: &Attempt) -> (Step, Kind) {
    match &attempt.end {
        End::Explained { step, failure } => (*step, failure.kind),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_that_will_not_do_is_named_by_its_fault() {
    let rows = [
        (Shows::Expired, Kind::TlsExpired),
        (Shows::OtherName, Kind::TlsNameMismatch),
        (Shows::Untrusted, Kind::TlsUntrusted),
    ];
    for speaks in Speaks::ALL {
        for (shows, kind) in rows {
            let (attempt, _) = once(speaks, Manner::Answers, shows, LIMIT).await;
            assert_eq!(
                kind_of(&attempt),
                (Step::Handshake, kind),
                "{speaks:?} {shows:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_told_at_once() {
    let rows = [
        (Manner::NotTls, Kind::TlsNotTls),
        (Manner::HangsUp, Kind::TlsProtocol),
    ];
    for speaks in [Speaks::Tls, Speaks::Https] {
        for (manner, kind) in &rows {
            let (attempt, took) = once(speaks, manner.clone(), Shows::Good, LIMIT).await;
            assert_eq!(kind_of(&attempt), (Step::Handshake, *kind), "{manner:?}");
            assert!(
                took.is_under(Duration::from_secs(1)),
                "{manner:?}: {took:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_older_version_is_told() {
    let (attempt, _) = once(Speaks::Tls, Manner::OldTls, Shows::Good, LIMIT).await;
    let tls = attempt.link.and_then(|link| link.tls).expect("a handshake");
    assert_eq!(tls.version, Some(TlsVersion::Tls12));
}

#[tokio::test]
async fn a_closed_port_is_told_at_once() {
    for speaks in Speaks::ALL {
        let (attempt, took) = once(speaks, Manner::Closed, Shows::Good, LIMIT).await;
        let End::Failed { errno, .. } = &attempt.end else {
            panic!("{speaks:?}: {:?}", attempt.end);
        };
        assert_eq!(
            errno.as_ref().map(|errno| errno.code),
            Some(libc::ECONNREFUSED)
        );
        assert!(
            took.is_under(Duration::from_millis(200)),
            "{speaks:?}: {took:?}"
        );
    }
}

#[tokio::test]
async fn whatever_hangs_ends_with_the_deadline() {
    for speaks in Speaks::ALL {
        for (manner, step) in [
            (Manner::Stalls, Step::Handshake),
            (Manner::Silent, Step::Receive),
        ] {
            let (attempt, took) = once(speaks, manner.clone(), Shows::Good, SHORT).await;
            assert_eq!(attempt.end, End::Silent { step }, "{speaks:?} {manner:?}");
            assert!(
                took.is_within(&(SHORT..SHORT + SLACK)),
                "{speaks:?} {manner:?}: {took:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_connection_that_closes_is_told_at_once() {
    for speaks in Speaks::ALL {
        let (attempt, took) = once(speaks, Manner::Closes, Shows::Good, LIMIT).await;
        assert!(
            !matches!(attempt.end, End::Silent { .. } | End::Replied(_)),
            "{speaks:?}: {:?}",
            attempt.end
        );
        assert!(
            took.is_under(Duration::from_secs(1)),
            "{speaks:?}: {took:?}"
        );
    }
}

#[tokio::test]
async fn a_response_without_a_message_is_no_reply() {
    for speaks in [Speaks::Https, Speaks::H3] {
        let (attempt, _) = once(speaks, Manner::Status(500), Shows::Good, LIMIT).await;
        assert_eq!(attempt.end, End::Http { status: 500 });
        let (attempt, _) = once(speaks, Manner::Html, Shows::Good, LIMIT).await;
        assert_eq!(attempt.end, End::Unusable);
        let content_type = "text/html".to_owned();
        assert_eq!(attempt.ignored[0].why, Unusable::NotDns { content_type });
    }
}

#[tokio::test]
async fn octets_that_are_no_message_end_the_try() {
    for speaks in Speaks::ALL {
        let (attempt, took) = once(speaks, Manner::Garbage, Shows::Good, LIMIT).await;
        assert_eq!(attempt.end, End::Unusable, "{speaks:?}");
        assert!(attempt.has_bad_reply());
        assert!(
            took.is_under(Duration::from_secs(1)),
            "{speaks:?}: {took:?}"
        );
    }
}

#[tokio::test]
async fn a_client_certificate_that_is_wanted_is_told() {
    // TLS 1.3 tells it after the handshake, with the first data.
    let (attempt, _) = once(Speaks::Tls, Manner::WantsClientCert, Shows::Good, LIMIT).await;
    let text = format!("{:?}", attempt.end);
    assert!(text.contains("ertificate"), "{text}");
}

#[tokio::test]
async fn roots_that_cannot_be_read_are_this_machines_fault() {
    let server = SecureServer::answering(Speaks::Tls);
    let client = Client::new(ClientConfig {
        roots: Roots::Path("/nonexistent/ca.pem".into()),
        ..ClientConfig::default()
    });
    let upstream = upstream(&server, Speaks::Tls, "dns.example", "");
    let (outcome, _) = ask(&client, &upstream, LIMIT).await;
    assert_eq!(kind_of(only(&outcome)), (Step::Connect, Kind::File));
    assert_eq!(server.connections(), 0);
}
