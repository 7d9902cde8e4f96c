//! `heartbeat`: schedules, states, sessions and their loss, through fakes and paused time.

mod pool;

use std::time::Duration;

use netkit::addr::{Host, Network, Target};
use netkit::deadline::Deadline;
use netkit::event::{Ignore, Stamped};
use netkit::failure::Kind;
use netkit::heartbeat::event::{Beat, Cause, Change, SkipReason};
use netkit::heartbeat::{
    self, Config, Event, Fact, Fold, Probe, Reconnect, ReliableClient, Report, State,
};
use netkit::policy::breaker;
use netkit::policy::detector::{self, Method};
use netkit::run::Cx;

use crate::dial::{V4, connects_after, ip, literal, ms};
use crate::fakes::{Connect, FakeIo, Peer};

/// A run, and everything that was told of it.
struct Run {
    report: Report,
    events: Vec<Stamped<Event>>,
}

impl Run {
    async fn of(targets: &[Target], io: &FakeIo, config: &Config) -> Self {
        let mut events = Vec::new();
        let mut observer = |event: &Stamped<Event>| events.push(event.clone());
        let cx = Cx::default();
        let report = heartbeat::run(targets, config, io, &cx, &mut observer).await;
        assert_eq!(io.open(), 0, "everything is closed");
        Self { report, events }
    }

    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.events.iter().map(|event| &event.event.fact)
    }

    fn beats(&self) -> impl Iterator<Item = &Beat> {
        self.facts().filter_map(|fact| match fact {
            Fact::Beat(beat) => Some(beat),
            _ => None,
        })
    }

    fn changes(&self) -> Vec<&Change> {
        let facts = self.facts();
        facts
            .filter_map(|fact| match fact {
                Fact::State(change) => Some(change),
                _ => None,
            })
            .collect()
    }

    fn states(&self) -> Vec<State> {
        self.changes().iter().map(|change| change.to).collect()
    }
}

fn echo() -> Connect {
    let peer = Peer {
        echo: true,
        ..Peer::default()
    };
    Connect::After(ms(1), peer)
}

fn silent() -> Connect {
    connects_after(1)
}

fn config(probe: Probe, count: u64) -> Config {
    let config = Config {
        probe,
        count: Some(count),
        ..Config::default()
    };
    let method = Method::Consecutive { fall: 3 };
    Config {
        detector: detector::Config {
            method,
            suspect_after: method.suspect_after(config.timing()),
            ..config.detector
        },
        ..config
    }
}

#[tokio::test(start_paused = true)]
async fn the_report_is_the_fold_of_the_events() {
    let io = FakeIo::default()
        .connect(V4, echo())
        .connect("192.0.2.81", Connect::Refuse(ms(1)))
        .connect("192.0.2.82", silent());
    let targets = [literal(V4), literal("192.0.2.81"), literal("192.0.2.82")];
    let config = Config {
        breaker: Some(breaker::Config::default()),
        ..config(Probe::Echo, 20)
    };
    let run = Run::of(&targets, &io, &config).await;
    let mut fold = Fold::new(targets.iter().map(ToString::to_string));
    for event in &run.events {
        fold.apply(event);
    }
    let end = run.events.last().expect("at least the end");
    assert_eq!(end.event.fact, Fact::Done);
    assert_eq!(fold.report(end.at), run.report);
    for target in &run.report.targets {
        assert_eq!(target.scheduled, 20, "{}", target.target);
    }
    let [good, refused, hung] = &run.report.targets[..] else {
        panic!("three targets");
    };
    assert_eq!((good.received, good.state), (20, State::Up));
    assert_eq!((refused.received, refused.state), (0, State::Down));
    assert!(refused.refused > 0, "the breaker opened");
    assert_eq!((hung.received, hung.outages_total), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn beats_are_due_on_the_grid_whatever_hangs() {
    let io = FakeIo::default().connect(V4, Connect::Silent);
    let config = Config {
        interval: ms(100),
        timeout: Some(ms(2_000)),
        ..config(Probe::Connect, 80)
    };
    let run = Run::of(&[literal(V4)], &io, &config).await;
    let summary = &run.report.targets[0];
    assert_eq!(
        (summary.scheduled, summary.sent, summary.lost),
        (80, 80, 80)
    );
    for beat in run.beats() {
        assert_eq!(beat.due_ms.0, ms(100 * beat.seq));
        let sent = beat.sent_ms.expect("it was sent").0;
        assert!((beat.due_ms.0..beat.due_ms.0 + ms(2)).contains(&sent));
    }
    let outage = &summary.outages[0];
    assert_eq!((outage.start_ms.0, outage.end_ms), (ms(0), None));
    let noticed = outage.noticed_ms.0;
    assert!((ms(2_200)..ms(2_210)).contains(&noticed), "{noticed:?}");
}

#[tokio::test(start_paused = true)]
async fn starts_are_spread_over_the_interval() {
    let ips = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
    let io = ips
        .iter()
        .fold(FakeIo::default(), |io, ip| io.connect(ip, echo()));
    let targets = ips.map(literal);
    let run = Run::of(&targets, &io, &config(Probe::Echo, 1)).await;
    let mut due: Vec<_> = run.beats().map(|beat| beat.due_ms.0.as_millis()).collect();
    due.sort_unstable();
    assert_eq!(due, [0, 250, 500, 750]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_suspect_at_once_and_down_after_three() {
    let io = FakeIo::default().connect(V4, Connect::Refuse(ms(1)));
    let run = Run::of(&[literal(V4)], &io, &config(Probe::Connect, 4)).await;
    assert_eq!(run.states(), [State::Suspect, State::Down]);
    let down = run.changes()[1];
    assert_eq!(
        down.evidence,
        Some(detector::Reason::Failures { consecutive: 3 })
    );
    assert_eq!(down.began_ms.0, ms(0), "the first beat that failed");
    assert_eq!(
        down.failure.as_ref().map(|failure| failure.kind),
        Some(Kind::Refused)
    );
}

#[tokio::test(start_paused = true)]
async fn intervals_follow_the_state() {
    let io = FakeIo::default().connect(V4, Connect::Refuse(ms(1)));
    let config = Config {
        interval_suspect: Some(ms(200)),
        interval_down: Some(ms(5_000)),
        ..config(Probe::Connect, 5)
    };
    let run = Run::of(&[literal(V4)], &io, &config).await;
    let due: Vec<_> = run.beats().map(|beat| beat.due_ms.0.as_millis()).collect();
    assert_eq!(due, [0, 200, 400, 5_400, 10_400]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_is_dialled_again_and_the_account_is_complete() {
    let peer = Peer {
        close: true,
        ..Peer::default()
    };
    let io = FakeIo::default().connect(V4, Connect::After(ms(1), peer));
    let run = Run::of(&[literal(V4)], &io, &config(Probe::Echo, 3)).await;
    let ends: Vec<_> = run
        .facts()
        .filter_map(|fact| match fact {
            Fact::Disconnect(end) => Some(end.cause),
            _ => None,
        })
        .collect();
    assert!(ends.len() > 2 && ends.contains(&Cause::Fin), "{ends:?}");
    let again = run.facts().filter_map(|fact| match fact {
        Fact::Reconnect(again) if again.cause.is_some() => Some(again),
        _ => None,
    });
    for again in again {
        assert_eq!((again.attempts_total, again.attempts.len()), (1, 1));
        assert!(
            again.attempts[0].pause_ms.0 >= ms(100),
            "it never worked: {again:?}"
        );
        assert!(again.recovered_ms.is_some() && again.noticed_ms.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_stays_lost_is_given_up() {
    let io = FakeIo::default().connect(V4, Connect::Refuse(ms(1)));
    let config = Config {
        count: None,
        reconnect: Reconnect {
            give_up_after: Some(ms(10_000)),
            ..Reconnect::default()
        },
        ..config(Probe::Echo, 0)
    };
    let run = Run::of(&[literal(V4)], &io, &config).await;
    let last = run.facts().filter_map(|fact| match fact {
        Fact::Reconnect(account) => Some(account),
        _ => None,
    });
    let account = last.last().expect("it was given up");
    assert_eq!((account.recovered_ms, account.peer.as_ref()), (None, None));
    let pauses: Vec<_> = account
        .attempts
        .iter()
        .map(|attempt| attempt.pause_ms.0)
        .collect();
    assert!(pauses.iter().all(|pause| *pause <= ms(5_000)), "{pauses:?}");
    assert!(
        pauses[1..].iter().all(|pause| *pause >= ms(100)),
        "{pauses:?}"
    );
    let total = run.report.total_ms.0;
    assert!((ms(10_000)..ms(16_000)).contains(&total), "{total:?}");
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_refuses_beats_and_lets_a_trial_through() {
    let io = FakeIo::default().connect(V4, Connect::Refuse(ms(1)));
    let config = Config {
        breaker: Some(breaker::Config {
            failures: 2,
            open: ms(3_500),
            half_open: 1,
        }),
        ..config(Probe::Connect, 7)
    };
    let run = Run::of(&[literal(V4)], &io, &config).await;
    let changes: Vec<_> = run
        .facts()
        .filter_map(|fact| match fact {
            Fact::Breaker(change) => Some(change.to),
            _ => None,
        })
        .collect();
    let (open, half_open) = (breaker::State::Open, breaker::State::HalfOpen);
    assert_eq!(changes, [open, half_open, open]);
    let refused = run.facts().filter(
        |fact| matches!(fact, Fact::Skipped(skipped) if skipped.reason == SkipReason::BreakerOpen),
    );
    assert_eq!(
        refused.count(),
        4,
        "beats 2 to 4, and the one after the trial"
    );
    let summary = &run.report.targets[0];
    assert_eq!(
        (summary.lost, summary.refused, summary.scheduled),
        (3, 4, 7)
    );
}

#[tokio::test(start_paused = true)]
async fn a_greeting_is_no_reply_and_a_wrong_line_is_unexpected() {
    let peer = |echo| Peer {
        greeting: b"220 hello\n".to_vec(),
        echo,
        ..Peer::default()
    };
    let line = |expect: &[u8]| Probe::Line {
        send: b"PING\n".to_vec(),
        expect: Some(expect.to_vec()),
    };
    let io = FakeIo::default().connect(V4, Connect::After(ms(1), peer(true)));
    let good = Run::of(&[literal(V4)], &io, &config(line(b"PING"), 3)).await;
    let wrong = Run::of(&[literal(V4)], &io, &config(line(b"PONG"), 3)).await;
    // The greeting may come before the first beat or after it; then it is what answers that one.
    assert!(good.report.targets[0].received >= 2);
    assert_eq!(wrong.report.targets[0].failures["unexpected_reply"], 3);
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_beats_is_counted_to_the_last() {
    let io = FakeIo::default().connect(V4, echo());
    let run = Run::of(&[literal(V4)], &io, &config(Probe::Echo, 3_600)).await;
    let summary = &run.report.targets[0];
    assert_eq!(
        (summary.received, summary.lost, summary.skipped),
        (3_600, 0, 0)
    );
    assert_eq!((run.report.stalls, run.beats().count()), (0, 3_600));
}

#[tokio::test(start_paused = true)]
async fn names_are_looked_up_again_for_every_session() {
    use crate::fakes::Reply;
    use netkit::addr::Family;
    let peer = Peer {
        close: true,
        ..Peer::default()
    };
    let io = FakeIo::default()
        .connect(V4, Connect::After(ms(1), peer))
        .reply(Family::Ipv4, Reply::After(ms(1), vec![ip(V4)]));
    let target = Target::inet(Network::Tcp4, Host::Name("moving.example".into()), 80);
    let run = Run::of(&[target], &io, &config(Probe::Echo, 3)).await;
    let sessions = run
        .facts()
        .filter(|fact| matches!(fact, Fact::Reconnect(_)));
    let lookups = io.lookups.load(std::sync::atomic::Ordering::SeqCst);
    assert!(sessions.count() <= lookups && lookups > 2, "{lookups}");
}

#[tokio::test(start_paused = true)]
async fn requests_go_between_the_beats() {
    let io = FakeIo::default().connect(V4, echo());
    let config = ReliableClient::config();
    let (client, driver) = ReliableClient::new(literal(V4), config, io);
    let mut seen = client.clone();
    let work = async {
        for number in 0..100 {
            let request = format!("request {number}\n");
            let deadline = Deadline::after(Duration::from_secs(5));
            let reply = client.request(request.as_bytes(), &deadline).await;
            assert_eq!(reply.as_deref(), Ok(request.as_bytes()));
            tokio::time::sleep(ms(30)).await;
        }
        assert_eq!(seen.changed().await, Some(State::Up));
        drop((client, seen));
    };
    let (report, ()) = tokio::join!(driver.run(Ignore), work);
    assert!(report.targets[0].received >= 3, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_fail_while_there_is_no_hope() {
    let io = FakeIo::default().connect(V4, Connect::Refuse(ms(1)));
    let (client, driver) = ReliableClient::new(literal(V4), ReliableClient::config(), io);
    let work = async {
        let deadline = Deadline::after(Duration::from_secs(5));
        let failure = client
            .request(b"hello\n", &deadline)
            .await
            .expect_err("nobody listens");
        assert_eq!(failure.kind, Kind::Refused);
        drop(client);
    };
    tokio::join!(driver.run(Ignore), work);
}

#[tokio::test]
async fn who_is_behind_the_schedule_stops_at_once_when_told_to() {
    // The clock runs: slots are due faster than anybody can take them.
    let config = Config {
        interval: Duration::from_nanos(1),
        count: None,
        ..config(Probe::Connect, 0)
    };
    let io = FakeIo::default().connect(V4, silent());
    let (mut told, cx) = (0, Cx::default());
    let mut observer = |_: &Stamped<Event>| {
        told += 1;
        std::ops::ControlFlow::<()>::Break(())
    };
    let targets = [literal(V4)];
    let run = heartbeat::run(&targets, &config, &io, &cx, &mut observer);
    let _report = tokio::time::timeout(ms(30_000), run)
        .await
        .expect("it ends");
    assert!(told <= 100, "{told} facts after the first that said enough");
}
