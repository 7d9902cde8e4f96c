//! The engine alone: one server, and the ledger of what was tried.

use std::time::Duration;

use hickory_resolver::proto::rr::RecordType as Type;
use netkit::deadline::Deadline;
use netkit::failure::Errno;
use netkit::resolve::edns::Cookie;
use netkit::resolve::exchange::Clock;
use netkit::resolve::ledger::{Attempt, Carrier, End, Outcome, Step, Trigger, Unusable};
use netkit::resolve::wire::{Ask, Rcode, RecordType};
use netkit::resolve::{DomainName, Policy, exchange};

use crate::dns::{Behaviour, DnsServer, Script};
use crate::stopwatch::Stopwatch;

fn zone() -> Script {
    Script::new().address("www.example", "192.0.2.1")
}

async fn run(server: &DnsServer, policy: &Policy, limit: Duration) -> Outcome {
    let name = DomainName::parse("www.example").expect("a name");
    let ask = Ask::new(name, RecordType::A);
    let clock = Clock {
        origin: tokio::time::Instant::now(),
        deadline: Deadline::after(limit),
    };
    exchange(server.addr(), &ask, policy, &clock).await
}

/// Carriers, triggers and ends of a ledger.
fn story(outcome: &Outcome) -> Vec<(Carrier, Trigger, End)> {
    let line = |attempt: &Attempt| (attempt.carrier, attempt.trigger, attempt.end.clone());
    outcome.attempts.iter().map(line).collect()
}

const LIMIT: Duration = Duration::from_secs(3);
/// What a busy machine may add to a pause.
const SLACK: Duration = Duration::from_millis(50);
const REPLIED: End = End::Replied(Rcode::NOERROR);
const MUTE: End = End::Silent {
    step: Step::Receive,
};

#[tokio::test]
async fn one_datagram_and_its_reply_are_one_entry() {
    let server = zone().start();
    let outcome = run(&server, &Policy::default(), LIMIT).await;
    assert_eq!(story(&outcome), [(Carrier::Udp, Trigger::First, REPLIED)]);
    let [attempt] = &outcome.attempts[..] else {
        panic!("{outcome:?}");
    };
    // Header 12, name 13, type and class 4, OPT 11.
    assert_eq!((attempt.sent, attempt.question_bytes), (1, 40));
    let reply = &outcome.received.as_ref().unwrap().reply;
    assert_eq!(attempt.received_bytes, reply.size as u64);
    assert!(attempt.local.is_some_and(|local| local.port() != 0));
    assert!(attempt.started <= attempt.ended);
}

#[tokio::test]
async fn every_reason_for_tcp_is_recorded() {
    let refused = std::io::Error::from_raw_os_error(libc::ECONNREFUSED);
    let rows = [
        (Behaviour::Truncate, Trigger::Truncated, End::Truncated),
        (
            Behaviour::Closed,
            Trigger::UdpUnreachable,
            End::Failed {
                step: Step::Send,
                errno: Some(Errno::from_code(libc::ECONNREFUSED)),
                text: refused.to_string(),
            },
        ),
        (Behaviour::Silent, Trigger::UdpSilent, End::Abandoned),
        (Behaviour::Garbage, Trigger::UdpUnusable, End::Abandoned),
    ];
    for (behaviour, trigger, end) in rows {
        let server = zone().udp(behaviour.clone()).start();
        let outcome = run(&server, &Policy::default(), LIMIT).await;
        let story = story(&outcome);
        assert_eq!(story.len(), 2, "{behaviour:?}: {story:?}");
        assert_eq!(story[0], (Carrier::Udp, Trigger::First, end));
        assert_eq!(story[1], (Carrier::Tcp, trigger, REPLIED));
        let received = outcome.received.unwrap();
        assert_eq!(
            (received.carrier, received.trigger),
            (Carrier::Tcp, trigger)
        );
    }
}

#[tokio::test]
async fn the_ledger_counts_what_the_server_saw() {
    let server = zone().both(Behaviour::Silent).start();
    let watch = Stopwatch::start();
    let outcome = run(&server, &Policy::default(), Duration::from_millis(1_500)).await;
    let slack = SLACK + watch.stop().late;
    let expected = [
        (Carrier::Udp, Trigger::First, MUTE),
        (Carrier::Tcp, Trigger::UdpSilent, MUTE),
    ];
    assert_eq!(story(&outcome), expected);
    let seen = server.seen();
    let udp: Vec<_> = seen.iter().filter(|seen| !seen.tcp).collect();
    assert_eq!(usize::try_from(outcome.attempts[0].sent), Ok(udp.len()));
    assert_eq!(udp.len(), 3, "at 0, 0.4 and 1.2 s");
    assert!(udp.iter().all(|seen| seen.id == udp[0].id));
    let pause = |at: usize| udp[at + 1].at.abs_diff(udp[at].at);
    let near = |at: usize, ms: u64| pause(at).abs_diff(Duration::from_millis(ms)) < slack;
    assert!(near(0, 400) && near(1, 800), "{seen:?}");
}

#[tokio::test]
async fn ignored_packets_are_kept_with_the_reason() {
    let server = zone()
        .udp(Behaviour::WrongIdThenAnswer)
        .tcp(Behaviour::Closed)
        .start();
    let outcome = run(&server, &Policy::default(), LIMIT).await;
    assert!(outcome.received.is_some());
    let udp = &outcome.attempts[0];
    assert_eq!(udp.ignored_count, 1);
    let id = server.seen()[0].id ^ 1;
    assert_eq!(udp.ignored[0].why, Unusable::WrongId { id });
}

#[tokio::test]
async fn a_question_without_edns_is_an_entry_of_its_own() {
    let server = zone().both(Behaviour::FormerrToEdns).start();
    let outcome = run(&server, &Policy::default(), LIMIT).await;
    let expected = [
        (Carrier::Udp, Trigger::First, End::Replied(Rcode::FORMERR)),
        (Carrier::Udp, Trigger::WithoutEdns, REPLIED),
    ];
    assert_eq!(story(&outcome), expected);
}

#[tokio::test]
async fn a_late_reply_over_udp_beats_a_mute_tcp() {
    let late = Duration::from_millis(700);
    let server = zone().delay(Type::A, late).tcp(Behaviour::Silent).start();
    let watch = Stopwatch::start();
    let outcome = run(&server, &Policy::default(), LIMIT).await;
    let expected = [
        (Carrier::Udp, Trigger::First, REPLIED),
        (Carrier::Tcp, Trigger::UdpSilent, End::Abandoned),
    ];
    assert_eq!(story(&outcome), expected);
    assert!(watch.stop().is_under(late + Duration::from_millis(200)));
}

#[tokio::test]
async fn a_connection_that_ends_early_says_after_how_many_bytes() {
    for (octets, after_bytes) in [(0, 0), (1, 1), (2, 0), (12, 10)] {
        let tcp = Behaviour::CloseAfter(octets);
        let server = zone().udp(Behaviour::Closed).tcp(tcp).start();
        let outcome = run(&server, &Policy::default(), LIMIT).await;
        assert_eq!(
            outcome.attempts[1].end,
            End::Closed { after_bytes },
            "{octets}"
        );
        assert_eq!(outcome.attempts[1].received_bytes, after_bytes as u64);
        assert_eq!(outcome.received, None);
    }
}

#[tokio::test]
async fn a_reply_that_does_not_come_whole_is_counted_as_far_as_it_came() {
    for (octets, came) in [(0, 0), (1, 1), (2, 0), (12, 10)] {
        let tcp = Behaviour::HangAfter(octets);
        let server = zone().udp(Behaviour::Closed).tcp(tcp).start();
        let limit = Duration::from_millis(200);
        let outcome = run(&server, &Policy::default(), limit).await;
        let tcp = &outcome.attempts[1];
        assert!(matches!(tcp.end, End::Silent { .. }), "{octets}: {tcp:?}");
        assert_eq!(tcp.received_bytes, came, "{octets}");
    }
}

/// Asks with a cookie of our own.
fn with_cookie() -> Policy {
    let mut policy = Policy::default();
    if let Some(edns) = &mut policy.options.edns {
        edns.cookie = Some(Cookie::random());
    }
    policy
}

#[tokio::test]
async fn a_server_that_wants_its_cookie_gets_it_and_then_tcp() {
    let server = zone().udp(Behaviour::WantsCookie).start();
    let outcome = run(&server, &with_cookie(), LIMIT).await;
    let refused = (Carrier::Udp, Trigger::First, End::Replied(Rcode::BADCOOKIE));
    assert_eq!(
        story(&outcome),
        [
            refused.clone(),
            (Carrier::Udp, Trigger::FreshCookie, REPLIED)
        ]
    );
    let server = zone().udp(Behaviour::BadCookie).start();
    let outcome = run(&server, &with_cookie(), LIMIT).await;
    let again = (
        Carrier::Udp,
        Trigger::FreshCookie,
        End::Replied(Rcode::BADCOOKIE),
    );
    let over_tcp = (Carrier::Tcp, Trigger::FreshCookie, REPLIED);
    assert_eq!(story(&outcome), [refused, again, over_tcp]);
}

#[tokio::test]
async fn a_server_that_refuses_every_cookie_is_not_asked_for_ever() {
    let server = zone().both(Behaviour::BadCookie).start();
    let outcome = run(&server, &with_cookie(), LIMIT).await;
    assert_eq!(outcome.attempts.len(), 3);
    let reply = outcome.received.expect("a reply").reply;
    assert_eq!(reply.rcode, Rcode::BADCOOKIE);
}
