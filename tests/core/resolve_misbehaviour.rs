//! Every kind of bad server, over UDP and over TCP: what the lookup comes to, and how soon.

use std::time::Duration;

use netkit::addr::Family;
use netkit::deadline::Deadline;
use netkit::failure::{Failure, Kind};
use netkit::resolve::{Answer, Lookup, NameServer, Question, Source, StubConfig, StubResolver};
use proptest::prelude::*;

use crate::dns::{Behaviour, DnsServer, Script};
use crate::stopwatch::{Stopwatch, Took};

fn zone() -> Script {
    Script::new().address("www.example", "192.0.2.1")
}

fn resolver(servers: Vec<NameServer>) -> StubResolver {
    StubResolver::new(StubConfig {
        servers,
        ..StubConfig::default()
    })
}

async fn lookup(server: &DnsServer, limit: Duration) -> (Result<Answer, Failure>, Took) {
    let resolver = resolver(vec![server.addr().into()]);
    let question = Question {
        name: "www.example".into(),
        family: Family::Ipv4,
    };
    let watch = Stopwatch::start();
    let result = resolver.lookup(&question, &Deadline::after(limit)).await;
    (result, watch.stop())
}

const LIMIT: Duration = Duration::from_secs(5);
const AT_ONCE: Duration = Duration::from_millis(200);
const SLACK: Duration = Duration::from_millis(50);

#[tokio::test]
async fn replies_over_udp_that_can_be_used_are_used() {
    for behaviour in [
        Behaviour::TrailingGarbage,
        Behaviour::TwoAnswers,
        Behaviour::Huge,
    ] {
        let server = zone().udp(behaviour.clone()).tcp(Behaviour::Closed).start();
        let (answer, took) = lookup(&server, LIMIT).await;
        let answer = answer.unwrap_or_else(|failure| panic!("{behaviour:?}: {failure:?}"));
        assert_eq!(
            answer.addresses[0].to_string(),
            "192.0.2.1",
            "{behaviour:?}"
        );
        assert!(took.is_under(AT_ONCE), "{behaviour:?}: {took:?}");
    }
}

#[tokio::test]
async fn replies_over_udp_that_cannot_be_used_lead_to_tcp_at_once() {
    let rows = [
        Behaviour::Empty,
        Behaviour::CutRecord,
        Behaviour::CompressionLoop,
        Behaviour::CountsTooHigh,
    ];
    for behaviour in rows {
        let server = zone().udp(behaviour.clone()).start();
        let (answer, took) = lookup(&server, LIMIT).await;
        let answer = answer.unwrap_or_else(|failure| panic!("{behaviour:?}: {failure:?}"));
        assert_eq!(answer.source, Source::Tcp, "{behaviour:?}");
        assert!(took.is_under(AT_ONCE), "{behaviour:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_reply_from_another_port_is_told_and_leads_to_tcp_at_once() {
    let server = zone().udp(Behaviour::WrongSource).start();
    let (answer, took) = lookup(&server, LIMIT).await;
    let answer = answer.unwrap();
    assert_eq!(answer.source, Source::Tcp);
    assert!(took.is_under(AT_ONCE), "{took:?}");
    let evidence = format!("{:?}", answer.evidence);
    assert!(evidence.contains("UDP reply unusable"), "{evidence}");
}

#[tokio::test]
async fn records_of_another_class_are_not_ours() {
    let server = zone().both(Behaviour::WrongClass).start();
    let (failure, took) = lookup(&server, LIMIT).await;
    assert_eq!(failure.unwrap_err().kind, Kind::NoData);
    assert!(took.is_under(AT_ONCE), "{took:?}");
}

#[tokio::test]
async fn truncation_over_tcp_as_well_is_no_loop() {
    let server = zone().both(Behaviour::Truncate).start();
    let (failure, took) = lookup(&server, LIMIT).await;
    assert_eq!(failure.unwrap_err().kind, Kind::DnsMalformed);
    assert!(took.is_under(AT_ONCE), "{took:?}");
    assert_eq!(server.seen().len(), 2, "once over each");

    let server = zone().both(Behaviour::TruncateKeeping).start();
    let (answer, _) = lookup(&server, LIMIT).await;
    assert_eq!(
        answer.unwrap().source,
        Source::Tcp,
        "what there is, is used"
    );
}

#[tokio::test]
async fn tcp_that_comes_octet_by_octet_is_read() {
    let server = zone().udp(Behaviour::Closed).tcp(Behaviour::Drip).start();
    let (answer, _) = lookup(&server, LIMIT).await;
    assert!(answer.is_ok(), "{answer:?}");
}

#[tokio::test]
async fn unusable_tcp_is_told_at_once_and_hanging_tcp_by_the_deadline() {
    let limit = Duration::from_millis(300);
    let at_once = [
        Behaviour::Garbage,
        Behaviour::WrongQuestion,
        Behaviour::CutRecord,
        Behaviour::CompressionLoop,
        Behaviour::Empty,
        Behaviour::CloseAfter(20),
    ];
    for behaviour in at_once {
        let server = zone().udp(Behaviour::Closed).tcp(behaviour.clone()).start();
        let (failure, took) = lookup(&server, LIMIT).await;
        assert_eq!(
            failure.unwrap_err().kind,
            Kind::DnsMalformed,
            "{behaviour:?}"
        );
        assert!(took.is_under(AT_ONCE), "{behaviour:?}: {took:?}");
    }
    let hanging = [0, 1, 2, 3, 14, 40].map(Behaviour::HangAfter);
    for behaviour in hanging
        .into_iter()
        .chain([Behaviour::LengthTooHigh, Behaviour::WrongId])
    {
        let server = zone().udp(Behaviour::Closed).tcp(behaviour.clone()).start();
        let (failure, took) = lookup(&server, limit).await;
        let kind = failure.unwrap_err().kind;
        assert!(
            [Kind::DnsTimeout, Kind::DnsMalformed].contains(&kind),
            "{behaviour:?} {kind:?}"
        );
        assert!(
            took.is_within(&(limit..limit + SLACK)),
            "{behaviour:?}: {took:?}"
        );
    }
}

/// Behaviours that never lead to an answer, and those that hang.
fn bad() -> impl Strategy<Value = Behaviour> {
    prop_oneof![
        Just(Behaviour::Silent),
        Just(Behaviour::Closed),
        Just(Behaviour::WrongId),
        Just(Behaviour::Garbage),
        Just(Behaviour::Truncate),
        Just(Behaviour::TruncateKeeping),
        Just(Behaviour::Code(2)),
        Just(Behaviour::FormerrToEdns),
        Just(Behaviour::Lame),
        (0_usize..50).prop_map(Behaviour::HangAfter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn no_combination_of_bad_servers_outlives_the_deadline(
        servers in prop::collection::vec((bad(), bad()), 1..4),
        limit in 20_u64..250,
    ) {
        let running: Vec<_> = servers
            .iter()
            .map(|(udp, tcp)| zone().udp(udp.clone()).tcp(tcp.clone()).start())
            .collect();
        let resolver = resolver(running.iter().map(|server| server.addr().into()).collect());
        let name = "www.example".into();
        let question = Question { name, family: Family::Ipv4 };
        let limit = Duration::from_millis(limit);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let took = runtime.expect("a runtime").block_on(async {
            let watch = Stopwatch::start();
            let _ = resolver.lookup(&question, &Deadline::after(limit)).await;
            watch.stop()
        });
        prop_assert!(took.is_under(limit + SLACK), "{limit:?}: {took:?}");
    }
}
