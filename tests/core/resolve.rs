//! The stub resolver against a name server that misbehaves on request, over real loopback sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_resolver::proto::rr::RecordType;
use netkit::addr::Family;
use netkit::deadline::Deadline;
use netkit::failure::{Evidence, Failure, Kind, Stage, Who};
use netkit::resolve::{Answer, Lookup, NameServer, Question, Source, StubConfig, StubResolver};

use crate::dns::{Behaviour, DnsServer, Script, TTL};
use crate::stopwatch::{Stopwatch, Took};

/// The limit that most lookups get; far more than any of them may need.
const LIMIT: Duration = Duration::from_secs(5);
/// What a busy machine may add to a deadline.
const SLACK: Duration = Duration::from_millis(50);

/// A zone with one name, `www.example`, and what hangs on it.
fn zone() -> Script {
    Script::new()
        .address("www.example", "192.0.2.1")
        .address("www.example", "192.0.2.2")
        .address("www.example", "2001:db8::1")
        .address("v4.example", "192.0.2.4")
        .alias("alias.example", "www.example")
        .alias("dangling.example", "gone.example")
        .alias("loop1.example", "loop2.example")
        .alias("loop2.example", "loop1.example")
}

fn by_hand(servers: &[SocketAddr]) -> StubResolver {
    StubResolver::new(StubConfig {
        servers: servers.iter().copied().map(NameServer::from).collect(),
        ..StubConfig::default()
    })
}

fn ask(name: &str, family: Family) -> Question {
    Question {
        name: name.into(),
        family,
    }
}

/// Looks up, and says how long that took.
async fn timed(
    resolver: &StubResolver,
    name: &str,
    family: Family,
    limit: Duration,
) -> (Result<Answer, Failure>, Took) {
    let watch = Stopwatch::start();
    let answer = resolver
        .lookup(&ask(name, family), &Deadline::after(limit))
        .await;
    (answer, watch.stop())
}

/// Looks up the IPv4 addresses of a name at one server.
async fn v4(server: &DnsServer, name: &str) -> (Result<Answer, Failure>, Took) {
    timed(&by_hand(&[server.addr()]), name, Family::Ipv4, LIMIT).await
}

fn addresses(answer: &Answer) -> Vec<String> {
    answer.addresses.iter().map(ToString::to_string).collect()
}

/// The evidence by servers, as text.
fn outcomes(failure: &Failure) -> Vec<String> {
    let dns = failure
        .evidence
        .iter()
        .filter_map(|evidence| match evidence {
            Evidence::Dns { outcome, .. } => Some(outcome.clone()),
            _ => None,
        });
    dns.collect()
}

#[tokio::test]
async fn a_name_has_the_addresses_that_its_server_says() {
    let server = zone().start();
    let (answer, took) = v4(&server, "www.example").await;
    let answer = answer.unwrap();
    assert_eq!(addresses(&answer), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(
        (answer.source, answer.server),
        (Source::Udp, Some(server.addr()))
    );
    assert_eq!(
        (answer.ttl, answer.name.as_str()),
        (Some(TTL), "www.example")
    );
    assert!(took.is_under(Duration::from_millis(300)), "{took:?}");
    assert!(answer.took.0 <= took.raw);
    assert_eq!(answer.evidence, [], "nothing out of the ordinary");

    let resolver = by_hand(&[server.addr()]);
    let (answer, _) = timed(&resolver, "WWW.Example.", Family::Ipv6, LIMIT).await;
    assert_eq!(addresses(&answer.unwrap()), ["2001:db8::1"]);
    assert_eq!(server.seen().len(), 2, "one datagram each");
    assert_eq!(server.seen()[0].edns, Some(1232));
}

#[tokio::test]
async fn a_negative_answer_is_typed_and_names_its_server() {
    let server = zone().start();
    let addr = server.addr();
    let (failure, _) = v4(&server, "nosuch.example").await;
    let failure = failure.unwrap_err();
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Resolve, Kind::Nxdomain)
    );
    assert_eq!(failure.who, Who::NameServer { addr });
    let message = format!("nosuch.example does not exist (NXDOMAIN from {addr})");
    assert_eq!(failure.message, message);
    assert_eq!(outcomes(&failure), ["NXDOMAIN"]);

    let resolver = by_hand(&[addr]);
    let (failure, _) = timed(&resolver, "v4.example", Family::Ipv6, LIMIT).await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind, Kind::NoData);
    assert_eq!(outcomes(&failure), ["NOERROR, no AAAA record"]);
    assert!(
        failure
            .message
            .starts_with("v4.example has no IPv6 address")
    );
}

#[tokio::test]
async fn an_error_code_is_told_with_what_the_server_adds() {
    let rows = [
        (Behaviour::Code(2), Kind::Servfail, "SERVFAIL"),
        (Behaviour::Code(5), Kind::DnsRefused, "REFUSED"),
        (Behaviour::Code(4), Kind::Servfail, "NOTIMP"),
        (Behaviour::Code(12), Kind::Servfail, "RCODE12"),
        (Behaviour::Lame, Kind::Servfail, "NOERROR, only a referral"),
        (
            Behaviour::ServfailBecause(22, "no \u{1b}authority"),
            Kind::Servfail,
            "SERVFAIL (EDE 22 (No Reachable Authority): no \\x1bauthority)",
        ),
    ];
    for (behaviour, kind, outcome) in rows {
        let server = zone().both(behaviour.clone()).start();
        let (failure, took) = v4(&server, "www.example").await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind, kind, "{behaviour:?}");
        assert_eq!(outcomes(&failure), [outcome], "{behaviour:?}");
        assert_eq!(
            failure.who,
            Who::NameServer {
                addr: server.addr()
            }
        );
        assert!(
            took.is_under(Duration::from_millis(300)),
            "{behaviour:?} {took:?}"
        );
    }
}

#[tokio::test]
async fn tcp_answers_when_udp_is_silent() {
    let server = zone().udp(Behaviour::Silent).start();
    let (answer, took) = v4(&server, "www.example").await;
    let answer = answer.unwrap();
    assert_eq!(answer.source, Source::Tcp);
    let why = Evidence::Dns {
        server: Some(server.addr()),
        outcome: "2 addresses over TCP (UDP silent)".to_owned(),
    };
    assert_eq!(answer.evidence, [why]);
    let bounds = Duration::from_millis(395)..Duration::from_millis(600);
    assert!(took.is_within(&bounds), "{took:?}");
}

#[tokio::test]
async fn tcp_answers_at_once_when_udp_does_not_do() {
    let rows = [
        Behaviour::Closed,
        Behaviour::Truncate,
        Behaviour::TruncateKeeping,
        Behaviour::WrongId,
        Behaviour::WrongQuestion,
        Behaviour::NotAResponse,
        Behaviour::Garbage,
        Behaviour::Stub,
    ];
    for behaviour in rows {
        let server = zone().udp(behaviour.clone()).start();
        let (answer, took) = v4(&server, "www.example").await;
        let answer = answer.unwrap_or_else(|failure| panic!("{behaviour:?}: {failure:?}"));
        assert_eq!(answer.source, Source::Tcp, "{behaviour:?}");
        assert_eq!(addresses(&answer), ["192.0.2.1", "192.0.2.2"]);
        assert!(
            took.is_under(Duration::from_millis(100)),
            "{behaviour:?} {took:?}"
        );
    }
}

#[tokio::test]
async fn a_packet_with_another_id_does_not_hide_the_reply() {
    let server = zone()
        .udp(Behaviour::WrongIdThenAnswer)
        .tcp(Behaviour::Closed)
        .start();
    let (answer, took) = v4(&server, "www.example").await;
    assert_eq!(answer.unwrap().source, Source::Udp);
    assert!(took.is_under(Duration::from_millis(300)), "{took:?}");
}

#[tokio::test]
async fn records_of_a_truncated_reply_are_used_when_tcp_fails() {
    for tcp in [
        Behaviour::Closed,
        Behaviour::Silent,
        Behaviour::CloseAfter(5),
    ] {
        let server = zone()
            .udp(Behaviour::TruncateKeeping)
            .tcp(tcp.clone())
            .start();
        let (answer, took) = v4(&server, "www.example").await;
        let answer = answer.unwrap_or_else(|failure| panic!("{tcp:?}: {failure:?}"));
        assert_eq!(answer.source, Source::Udp, "{tcp:?}");
        assert!(
            took.is_under(Duration::from_millis(1_200)),
            "{tcp:?} {took:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_dislikes_edns_is_asked_once_without() {
    for behaviour in [Behaviour::FormerrToEdns, Behaviour::BadversToEdns] {
        let server = zone().both(behaviour.clone()).start();
        let (answer, took) = v4(&server, "www.example").await;
        assert!(answer.is_ok(), "{behaviour:?}: {answer:?}");
        assert!(took.is_under(Duration::from_millis(300)), "{took:?}");
        let edns: Vec<_> = server.seen().iter().map(|seen| seen.edns).collect();
        assert_eq!(edns, [Some(1232), None], "{behaviour:?}");
    }
}

/// Behaviours over UDP and TCP that lead to nothing, the kind and the evidence.
fn hopeless() -> Vec<(Behaviour, Behaviour, Kind, &'static str)> {
    use Behaviour::{CloseAfter, Closed, Silent, Truncate, WrongId, WrongQuestion};
    use Kind::{DnsMalformed, DnsTimeout, DnsUnreachable};

    vec![
        (
            Closed,
            Closed,
            DnsUnreachable,
            "UDP port closed (ICMP); TCP refused",
        ),
        (
            Silent,
            Silent,
            DnsTimeout,
            "no reply over UDP (2 sent) and TCP",
        ),
        (
            Silent,
            Closed,
            DnsTimeout,
            "no reply over UDP (2 sent); TCP refused",
        ),
        (
            Closed,
            Silent,
            DnsTimeout,
            "UDP port closed (ICMP); no reply over TCP",
        ),
        (
            Closed,
            CloseAfter(0),
            DnsMalformed,
            "UDP port closed (ICMP); TCP closed without a reply",
        ),
        (
            Truncate,
            Closed,
            DnsMalformed,
            "truncated reply over UDP; TCP refused",
        ),
        (
            WrongId,
            Closed,
            DnsMalformed,
            "no reply over UDP (2 sent); TCP refused; 2 replies ignored (wrong id)",
        ),
        (
            WrongQuestion,
            Closed,
            DnsMalformed,
            "unusable reply over UDP; TCP refused; 2 replies ignored (wrong question)",
        ),
    ]
}

#[tokio::test]
async fn nothing_usable_is_told_apart_from_nothing_at_all() {
    for (udp, tcp, kind, outcome) in hopeless() {
        let server = zone().udp(udp).tcp(tcp).start();
        let limit = Duration::from_secs(1);
        let resolver = by_hand(&[server.addr()]);
        let (failure, took) = timed(&resolver, "www.example", Family::Ipv4, limit).await;
        let failure = failure.unwrap_err();
        assert!(failure.hint.is_some(), "{failure:?}");
        assert_eq!(failure.kind, kind, "{outcome}");
        assert_eq!(outcomes(&failure), [outcome]);
        assert!(took.is_under(limit + SLACK), "{outcome}: {took:?}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_at_once() {
    let server = zone().both(Behaviour::Closed).start();
    let (failure, took) = v4(&server, "www.example").await;
    let failure = failure.unwrap_err();
    assert_eq!(
        failure.who,
        Who::NameServer {
            addr: server.addr()
        }
    );
    assert_eq!(failure.errno.unwrap().name, "ECONNREFUSED");
    assert!(took.is_under(Duration::from_millis(100)), "{took:?}");
}

#[tokio::test]
async fn a_bad_first_server_does_not_keep_the_second_from_answering() {
    let rows = [
        (Behaviour::Silent, 2_600),
        (Behaviour::Closed, 100),
        (Behaviour::Code(2), 300),
        (Behaviour::Code(5), 300),
        (Behaviour::Lame, 300),
        (Behaviour::Garbage, 1_000),
    ];
    for (behaviour, bound) in rows {
        let bad = zone().both(behaviour.clone()).start();
        let good = zone().start();
        let resolver = by_hand(&[bad.addr(), good.addr()]);
        let (answer, took) = timed(&resolver, "www.example", Family::Ipv4, LIMIT).await;
        let answer = answer.unwrap_or_else(|failure| panic!("{behaviour:?}: {failure:?}"));
        assert_eq!(answer.server, Some(good.addr()), "{behaviour:?}");
        assert!(
            took.is_under(Duration::from_millis(bound)),
            "{behaviour:?} {took:?}"
        );
    }
}

#[tokio::test]
async fn a_slow_first_server_may_answer_while_the_second_is_asked() {
    let slow = Duration::from_millis(1_200);
    let first = zone()
        .delay(RecordType::A, slow)
        .tcp(Behaviour::Closed)
        .start();
    let second = zone().both(Behaviour::Silent).start();
    let resolver = by_hand(&[first.addr(), second.addr()]);
    let limit = Duration::from_millis(1_800);
    let (answer, took) = timed(&resolver, "www.example", Family::Ipv4, limit).await;
    assert_eq!(answer.unwrap().server, Some(first.addr()));
    assert!(took.is_under(slow + Duration::from_millis(200)), "{took:?}");
    assert!(!second.seen().is_empty(), "the second was asked as well");
}

#[tokio::test]
async fn the_most_telling_error_of_several_servers_is_kept() {
    let servfail = zone().both(Behaviour::Code(2)).start();
    let refused = zone().both(Behaviour::Code(5)).start();
    let closed = zone().both(Behaviour::Closed).start();
    let resolver = by_hand(&[
        closed.addr(),
        refused.addr(),
        servfail.addr(),
        closed.addr(),
    ]);
    let (failure, _) = timed(&resolver, "www.example", Family::Ipv4, LIMIT).await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind, Kind::Servfail);
    assert_eq!(
        failure.who,
        Who::NameServer {
            addr: servfail.addr()
        }
    );
    assert_eq!(outcomes(&failure).len(), 4, "one line for each server");

    let good = zone().start();
    let resolver = by_hand(&[servfail.addr(), good.addr()]);
    let (failure, _) = timed(&resolver, "nosuch.example", Family::Ipv4, LIMIT).await;
    assert_eq!(failure.unwrap_err().kind, Kind::Nxdomain);
}

#[tokio::test]
async fn a_lookup_never_outlives_its_deadline() {
    let silent = zone().both(Behaviour::Silent).start();
    let half = zone()
        .udp(Behaviour::Truncate)
        .tcp(Behaviour::Silent)
        .start();
    let (silent, half) = (silent.addr(), half.addr());
    let lists: [&[SocketAddr]; 5] = [
        &[silent],
        &[silent, silent],
        &[half],
        &[silent, half, silent],
        &[half, half, half, half, silent],
    ];
    for servers in lists {
        for limit in [
            Duration::ZERO,
            Duration::from_millis(130),
            Duration::from_millis(900),
        ] {
            let resolver = by_hand(servers);
            let (failure, took) = timed(&resolver, "www.example", Family::Ipv4, limit).await;
            assert!(
                took.is_under(limit + SLACK),
                "{servers:?} {limit:?}: {took:?}"
            );
            assert!(
                took.is_least(limit.saturating_sub(SLACK)),
                "{servers:?} {limit:?}: {took:?}"
            );
            let kind = failure.unwrap_err().kind;
            assert!(
                [Kind::DnsTimeout, Kind::DnsMalformed].contains(&kind),
                "{kind:?}"
            );
        }
    }
}

#[tokio::test]
async fn cancelling_ends_a_lookup_at_once_and_dropping_it_closes_its_sockets() {
    let server = zone()
        .udp(Behaviour::Truncate)
        .tcp(Behaviour::Silent)
        .start();
    let resolver = by_hand(&[server.addr()]);
    let deadline = Deadline::after(LIMIT);
    let question = ask("www.example", Family::Ipv4);
    let lookup = resolver.lookup(&question, &deadline);
    let watch = Stopwatch::start();
    let cancel = async {
        while server.open_connections() == 0 {
            tokio::task::yield_now().await;
        }
        deadline.cancel().cancel();
    };
    let (failure, ()) = tokio::join!(lookup, cancel);
    assert!(failure.is_err());
    let took = watch.stop();
    assert!(took.is_under(Duration::from_secs(1)), "{took:?}");
    let start = Instant::now();
    while server.open_connections() > 0 {
        assert!(start.elapsed() < LIMIT, "the connection stays open");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn aliases_are_followed_within_a_reply_and_across_replies() {
    for script in [zone(), zone().one_alias_at_a_time()] {
        let server = script.start();
        let (answer, _) = v4(&server, "alias.example").await;
        let answer = answer.unwrap();
        assert_eq!(answer.name, "www.example");
        assert_eq!(addresses(&answer), ["192.0.2.1", "192.0.2.2"]);

        let (failure, _) = v4(&server, "loop1.example").await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind, Kind::CnameLoop, "{failure:?}");

        let (failure, _) = v4(&server, "dangling.example").await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind, Kind::Nxdomain);
        assert!(failure.message.contains("gone.example"), "{failure}");
    }
}

#[tokio::test]
async fn a_chain_without_an_end_is_given_up() {
    let long = (0..40).fold(Script::new().one_alias_at_a_time(), |script, link| {
        script.alias(
            &format!("a{link}.example"),
            &format!("a{}.example", link + 1),
        )
    });
    let server = long.start();
    let (failure, _) = v4(&server, "a0.example").await;
    assert_eq!(failure.unwrap_err().kind, Kind::CnameLoop);
    assert_eq!(server.seen().len(), 9);
}

#[tokio::test]
async fn a_name_that_cannot_be_asked_is_refused_with_the_reason() {
    let server = zone().start();
    let (failure, _) = v4(&server, "www..example").await;
    let failure = failure.unwrap_err();
    assert_eq!((failure.kind, failure.who), (Kind::Invalid, Who::Netkit));
    assert_eq!(
        failure.message,
        "\"www..example\" is not a domain name: a label is empty"
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn international_names_are_asked_as_a_labels() {
    let server = Script::new()
        .address("xn--bcher-kva.example", "192.0.2.7")
        .start();
    let (answer, _) = v4(&server, "Bücher.example").await;
    assert_eq!(addresses(&answer.unwrap()), ["192.0.2.7"]);
}

#[tokio::test]
async fn a_server_given_by_hand_is_asked_even_for_special_names() {
    let server = Script::new()
        .address("localhost", "192.0.2.9")
        .address("x.onion", "192.0.2.8")
        .start();
    for (name, expected) in [("localhost", "192.0.2.9"), ("x.onion", "192.0.2.8")] {
        let (answer, _) = v4(&server, name).await;
        assert_eq!(addresses(&answer.unwrap()), [expected], "{name}");
    }
}

#[tokio::test]
async fn only_the_carrier_that_was_named_is_used() {
    let server = zone().start();
    for (scheme, source) in [("udp", Source::Udp), ("tcp", Source::Tcp)] {
        let only: NameServer = format!("{scheme}://{}", server.addr()).parse().unwrap();
        let servers = vec![only];
        let resolver = StubResolver::new(StubConfig {
            servers,
            ..StubConfig::default()
        });
        let (answer, _) = timed(&resolver, "www.example", Family::Ipv4, LIMIT).await;
        assert_eq!(answer.unwrap().source, source);
    }
    let closed = zone().udp(Behaviour::Closed).start();
    let only: NameServer = format!("udp://{}", closed.addr()).parse().unwrap();
    let servers = vec![only];
    let resolver = StubResolver::new(StubConfig {
        servers,
        ..StubConfig::default()
    });
    let (failure, _) = timed(&resolver, "www.example", Family::Ipv4, LIMIT).await;
    assert_eq!(failure.unwrap_err().kind, Kind::DnsUnreachable);
    assert!(closed.seen().is_empty(), "TCP was asked");
}

#[tokio::test]
async fn a_server_of_ipv6_is_reached_with_its_zone() {
    let server = zone().at("[::1]:0".parse().unwrap()).start();
    let zoned = format!("[::1%lo]:{}", server.addr().port());
    let servers = vec![zoned.parse().unwrap()];
    let resolver = StubResolver::new(StubConfig {
        servers,
        ..StubConfig::default()
    });
    assert!(
        timed(&resolver, "www.example", Family::Ipv4, LIMIT)
            .await
            .0
            .is_ok()
    );

    let servers = vec!["[::1%nonesuch0]:53".parse().unwrap()];
    let resolver = StubResolver::new(StubConfig {
        servers,
        ..StubConfig::default()
    });
    let (failure, _) = timed(&resolver, "www.example", Family::Ipv4, LIMIT).await;
    assert_eq!(failure.unwrap_err().kind, Kind::NoSuchInterface);
}

#[tokio::test]
async fn families_are_asked_independently() {
    let late = Duration::from_millis(300);
    let server = zone().delay(RecordType::AAAA, late).start();
    let resolver = by_hand(&[server.addr()]);
    let (v4, v6) = tokio::join!(
        timed(&resolver, "www.example", Family::Ipv4, LIMIT),
        timed(&resolver, "www.example", Family::Ipv6, LIMIT),
    );
    assert!(v4.0.is_ok() && v4.1.is_under(late), "{v4:?}");
    assert!(v6.0.is_ok() && v6.1.is_least(late), "{v6:?}");
}

#[tokio::test]
async fn a_cache_asks_once_for_many_and_keeps_negative_answers_too() {
    let server = zone()
        .delay(RecordType::A, Duration::from_millis(50))
        .start();
    let servers = vec![server.addr().into()];
    let config = StubConfig {
        servers,
        cache: 16,
        ..StubConfig::default()
    };
    let resolver = StubResolver::new(config);
    for (name, is_ok) in [("www.example", true), ("nosuch.example", false)] {
        let before = server.seen().len();
        let asks = (0..20).map(|_| timed(&resolver, name, Family::Ipv4, LIMIT));
        let results = futures_util::future::join_all(asks).await;
        assert!(results.iter().all(|(result, _)| result.is_ok() == is_ok));
        let (again, _) = timed(&resolver, name, Family::Ipv4, LIMIT).await;
        if let Ok(again) = again {
            assert_eq!(
                (again.source, again.server),
                (Source::Cache, Some(server.addr()))
            );
        }
        assert_eq!(server.seen().len(), before + 1, "{name}");
    }
    let fresh = by_hand(&[server.addr()]);
    for _ in 0..2 {
        assert_eq!(
            timed(&fresh, "v4.example", Family::Ipv4, LIMIT)
                .await
                .0
                .unwrap()
                .source,
            Source::Udp
        );
    }
}
