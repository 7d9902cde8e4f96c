//! Happy Eyeballs and its peers, and the deadline that nothing outlives.

use netkit::addr::Family;
use netkit::dial::report::AttemptOutcome::{Cancelled, Failed, Lost, Won};
use netkit::dial::{self, Config, Strategy};
use netkit::event::Ignore;
use netkit::failure::{Kind, Stage};
use netkit::run::Cx;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{V4, V6, connects_after, dual_stack, ip, literal, ms, name, run, started};
use crate::fakes::{Connect, FakeIo, Reply};

#[tokio::test(start_paused = true)]
async fn a_silent_v6_address_loses_to_v4_after_the_attempt_delay_and_is_closed() {
    let io = dual_stack()
        .connect(V6, Connect::Silent)
        .connect(V4, connects_after(10));
    let report = run(&name(), &Config::default(), &io).await;
    assert!(report.ok, "{report:?}");
    assert_eq!(report.peer.as_deref(), Some("192.0.2.80:80"));
    assert_eq!(started(&report, 1) - started(&report, 0), 250);
    assert_eq!(report.attempts[0].outcome, Cancelled);
    assert_eq!(report.attempts[1].outcome, Won);
    assert_eq!(io.open(), 0, "every socket is closed");
}

#[tokio::test(start_paused = true)]
async fn a_refused_first_address_starts_the_second_at_once() {
    let io = dual_stack()
        .connect(V6, Connect::Refuse(ms(5)))
        .connect(V4, connects_after(10));
    let report = run(&name(), &Config::default(), &io).await;
    assert!(report.ok);
    assert!(started(&report, 1) - started(&report, 0) <= 6, "{report:?}");
    assert_eq!(report.attempts[0].outcome, Failed);
}

#[tokio::test(start_paused = true)]
async fn an_aaaa_answer_within_the_resolution_delay_goes_first() {
    let io = FakeIo::default()
        .reply(Family::Ipv6, Reply::After(ms(40), vec![ip(V6)]))
        .reply(Family::Ipv4, Reply::After(ms(1), vec![ip(V4)]))
        .connect(V6, connects_after(10))
        .connect(V4, connects_after(10));
    let report = run(&name(), &Config::default(), &io).await;
    assert_eq!(report.peer.as_deref(), Some("[2001:db8::80]:80"));
}

#[tokio::test(start_paused = true)]
async fn an_aaaa_answer_after_the_resolution_delay_does_not_hold_up_v4() {
    let io = FakeIo::default()
        .reply(Family::Ipv6, Reply::After(ms(2_000), vec![ip(V6)]))
        .reply(Family::Ipv4, Reply::After(ms(1), vec![ip(V4)]))
        .connect(V6, connects_after(10))
        .connect(V4, connects_after(10));
    let report = run(&name(), &Config::default(), &io).await;
    assert_eq!(report.peer.as_deref(), Some("192.0.2.80:80"));
    assert!((50..60).contains(&started(&report, 0)), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn every_address_failing_gives_the_first_failure_that_a_peer_sent() {
    let io = dual_stack()
        .connect(V6, Connect::Refuse(ms(5)))
        .connect(V4, Connect::Silent);
    let report = run(&name(), &Config::default(), &io).await;
    let failure = report.failure.expect("a failure");
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Connect, Kind::Refused)
    );
    assert_eq!(report.outcome, "refused");
    assert_eq!(report.attempts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn race_all_lets_the_losers_finish_and_closes_them() {
    let io = dual_stack()
        .connect(V6, connects_after(300))
        .connect(V4, connects_after(10));
    let config = Config {
        race_all: true,
        ..Config::default()
    };
    let report = run(&name(), &config, &io).await;
    let outcomes: Vec<_> = report
        .attempts
        .iter()
        .map(|attempt| attempt.outcome)
        .collect();
    assert_eq!(outcomes, [Lost, Won]);
    assert_eq!(io.open(), 0);
    // The loser was waited for, which is no time of the winner's.
    let (whole, dialled) = (report.total_ms.expect("over").0, report.dialled_after());
    assert!((ms(300)..ms(303)).contains(&whole), "{report:?}");
    assert!(
        (ms(260)..ms(263)).contains(&dialled.expect("over")),
        "{report:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_strategies_start_the_second_family_when_those_clients_would() {
    for (strategy, delay) in [
        (Strategy::Rfc8305, 250),
        (Strategy::Go, 300),
        (Strategy::Curl, 200),
    ] {
        let io = dual_stack()
            .connect(V6, Connect::Silent)
            .connect(V4, connects_after(10));
        let config = Config {
            strategy,
            ..Config::default()
        };
        let report = run(&name(), &config, &io).await;
        assert!(report.ok);
        assert_eq!(
            started(&report, 1) - started(&report, 0),
            delay,
            "{strategy:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn serial_waits_for_the_whole_attempt_timeout() {
    let io = dual_stack()
        .connect(V6, Connect::Silent)
        .connect(V4, connects_after(10));
    let attempt_timeout = Some(ms(1_500));
    let config = Config {
        strategy: Strategy::Serial,
        attempt_timeout,
        ..Config::default()
    };
    let report = run(&name(), &config, &io).await;
    assert!(report.ok);
    assert_eq!(started(&report, 1) - started(&report, 0), 1_500);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_hangs_outlives_the_timeout_by_more_than_50_ms() {
    let worlds = [
        (
            "silent SYN",
            literal(V4),
            FakeIo::default().connect(V4, Connect::Silent),
        ),
        (
            "a connect that ignores its deadline",
            literal(V4),
            FakeIo::default().connect(V4, Connect::Stuck),
        ),
        (
            "silent DNS",
            name(),
            FakeIo::default()
                .reply(Family::Ipv6, Reply::Silent)
                .reply(Family::Ipv4, Reply::Silent),
        ),
    ];
    for (what, target, io) in worlds {
        let started = Instant::now();
        let report = run(
            &target,
            &Config {
                timeout: ms(700),
                ..Config::default()
            },
            &io,
        )
        .await;
        assert!(!report.ok);
        let took = started.elapsed();
        assert!((ms(700)..ms(750)).contains(&took), "{what}: {took:?}");
        assert!(report.failure.is_some(), "{what}");
        assert_eq!(io.open(), 0, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_does_not_exist_in_either_family_is_nxdomain() {
    let io = FakeIo::default()
        .reply(Family::Ipv6, Reply::Fail(ms(1), Kind::Nxdomain))
        .reply(Family::Ipv4, Reply::Fail(ms(9), Kind::Nxdomain));
    let report = run(&name(), &Config::default(), &io).await;
    assert_eq!(report.outcome, "nxdomain");
    assert_eq!(report.resolve.expect("a lookup").questions.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_family_without_addresses_does_not_hide_that_the_other_was_not_answered() {
    let io = FakeIo::default()
        .reply(Family::Ipv6, Reply::Fail(ms(1), Kind::NoData))
        .reply(Family::Ipv4, Reply::Fail(ms(9), Kind::Servfail));
    let report = run(&name(), &Config::default(), &io).await;
    assert_eq!(report.outcome, "servfail");
}

#[tokio::test(start_paused = true)]
async fn minus_4_asks_one_question_only() {
    let io = dual_stack().connect(V4, connects_after(1));
    let config = Config {
        family: Some(Family::Ipv4),
        ..Config::default()
    };
    let report = run(&name(), &config, &io).await;
    assert!(report.ok);
    assert_eq!(io.lookups.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_stopped_at_any_moment_returns_a_partial_report_and_leaves_nothing_open() {
    for moment in 0..60 {
        let io = FakeIo::default()
            .reply(Family::Ipv6, Reply::After(ms(100), vec![ip(V6)]))
            .reply(Family::Ipv4, Reply::After(ms(50), vec![ip(V4)]))
            .connect(V6, Connect::Silent)
            .connect(V4, connects_after(200));
        let token = CancellationToken::new();
        let cx = Cx::new(token.clone());
        tokio::spawn(async move {
            tokio::time::sleep(ms(moment * 10)).await;
            token.cancel();
        });
        let report = dial::run(&name(), &Config::default(), &io, &cx, &mut Ignore).await;
        assert!(report.ok || report.is_interrupted(), "{report:?}");
        assert_eq!(io.open(), 0, "stopped after {moment}0 ms");
    }
}
