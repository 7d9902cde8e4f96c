//! The open-loop schedule: what is due is counted, whatever hangs.

use netkit::dial::repeat::{self, Event, Reuse, Schedule, Summary};
use netkit::dial::{Config, Exchange};
use netkit::event::Stamped;
use netkit::run::Cx;

use super::{V4, connects_after, literal, ms};
use crate::fakes::{Connect, FakeIo, Peer};

async fn repeat(io: &FakeIo, config: &Config, schedule: Schedule) -> (Vec<Summary>, Vec<Event>) {
    let mut events = Vec::new();
    let mut observer = |event: &Stamped<Event>| events.push(event.event.clone());
    let targets = [literal(V4)];
    let cx = Cx::default();
    let summaries = repeat::run(&targets, config, &schedule, io, &cx, &mut observer).await;
    assert_eq!(io.open(), 0);
    (summaries, events)
}

fn schedule(count: u64, interval: u64) -> Schedule {
    Schedule {
        count: Some(count),
        interval: ms(interval),
        ..Schedule::default()
    }
}

#[tokio::test(start_paused = true)]
async fn probes_are_due_on_the_grid_and_do_not_wait_for_each_other() {
    let io = FakeIo::default().connect(V4, Connect::Silent);
    let config = Config {
        timeout: ms(2_000),
        ..Config::default()
    };
    let (summaries, events) = repeat(&io, &config, schedule(20, 100)).await;
    let summary = &summaries[0];
    assert_eq!(
        (summary.scheduled, summary.sent, summary.failed),
        (20, 20, 20)
    );
    assert_eq!(summary.loss_pct, Some(100.0));
    assert_eq!(summary.outcomes.get("filtered"), Some(&20));
    assert_eq!(summary.rtt, None, "no success, no latency");
    let mut started: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Probe(probe) => Some((probe.seq, probe.started)),
            _ => None,
        })
        .collect();
    started.sort_unstable();
    for (seq, at) in started {
        let due = ms(100 * seq);
        assert!(
            (due..due + ms(2)).contains(&at),
            "probe {seq} began at {at:?}"
        );
    }
    assert_eq!(events.last(), Some(&Event::Done));
}

#[tokio::test(start_paused = true)]
async fn a_probe_without_a_place_is_skipped_and_counted() {
    let io = FakeIo::default().connect(V4, Connect::Silent);
    let config = Config {
        timeout: ms(1_000),
        ..Config::default()
    };
    let narrow = Schedule {
        parallel: 2,
        ..schedule(20, 100)
    };
    let (summaries, events) = repeat(&io, &config, narrow).await;
    let summary = &summaries[0];
    assert_eq!(summary.scheduled, 20);
    assert_eq!(summary.sent + summary.skipped, 20);
    assert_eq!(summary.sent, 4);
    let skipped = events
        .iter()
        .filter(|event| matches!(event, Event::Skipped { .. }))
        .count();
    assert_eq!(skipped as u64, summary.skipped);
}

#[tokio::test(start_paused = true)]
async fn latencies_are_those_of_the_connects() {
    let io = FakeIo::default().connect(V4, connects_after(30));
    let (summaries, _) = repeat(&io, &Config::default(), schedule(10, 100)).await;
    let rtt = summaries[0].rtt.as_ref().expect("latencies");
    assert_eq!(rtt.count, 10);
    assert!((ms(30)..ms(32)).contains(&rtt.p50_ms.0), "{rtt:?}");
    assert_eq!(summaries[0].loss_pct, Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_counts_what_was_under_way_as_neither() {
    let io = FakeIo::default().connect(V4, Connect::Silent);
    let cx = Cx::default();
    let token = cx.cancel().clone();
    tokio::spawn(async move {
        tokio::time::sleep(ms(350)).await;
        token.cancel();
    });
    let schedule = Schedule {
        count: None,
        interval: ms(100),
        ..Schedule::default()
    };
    let (targets, config) = ([literal(V4)], Config::default());
    let observer = &mut netkit::event::Ignore;
    let summaries = repeat::run(&targets, &config, &schedule, &io, &cx, observer).await;
    let summary = &summaries[0];
    assert_eq!(
        (summary.sent, summary.failed, summary.interrupted),
        (4, 0, 4),
        "{summary:?}"
    );
    assert_eq!(summary.loss_pct, None);
    assert_eq!(io.open(), 0);
}

#[tokio::test]
async fn a_schedule_faster_than_the_machine_can_still_be_stopped() {
    let io = FakeIo::default().connect(V4, Connect::Silent);
    let cx = Cx::default();
    let token = cx.cancel().clone();
    tokio::spawn(async move {
        tokio::time::sleep(ms(50)).await;
        token.cancel();
    });
    let schedule = Schedule {
        count: None,
        interval: std::time::Duration::from_nanos(1),
        parallel: 1,
        reuse: false,
    };
    let (targets, config) = ([literal(V4)], Config::default());
    let observer = &mut netkit::event::Ignore;
    let run = repeat::run(&targets, &config, &schedule, &io, &cx, observer);
    let summaries = tokio::time::timeout(ms(10_000), run)
        .await
        .expect("it stops");
    assert!(summaries[0].skipped > 0);
}

fn request(text: &[u8]) -> Config {
    Config {
        timeout: ms(1_000),
        exchange: Exchange {
            send: Some(text.to_vec()),
            read: Some(4),
            ..Exchange::default()
        },
        ..Config::default()
    }
}

/// Five requests, 100 ms apart, to a peer: hits, misses, and how many were answered.
async fn reused(peer: Peer, config: &Config) -> (u64, u64, u64) {
    let io = FakeIo::default().connect(V4, Connect::After(ms(1), peer));
    let schedule = Schedule {
        reuse: true,
        ..schedule(5, 100)
    };
    let (summaries, events) = repeat(&io, config, schedule).await;
    let Reuse { hits, misses } = summaries[0].reuse.expect("it was asked for");
    let connected = io.tried.lock().expect("not poisoned").len();
    assert_eq!(u64::try_from(connected).ok(), Some(misses));
    for event in &events {
        let Event::Probe(probe) = event else { continue };
        let report = &probe.report;
        let (reused, made) = (report.reused == Some(true), report.connect_ms.is_some());
        assert_ne!(reused, made, "{report:?}");
        assert!(report.peer.is_some(), "{report:?}");
    }
    (hits, misses, summaries[0].succeeded)
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_used_again_after_the_whole_of_its_answer() {
    let echo = Peer {
        echo: true,
        ..Peer::default()
    };
    assert_eq!(reused(echo.clone(), &request(b"ping")).await, (4, 1, 5));
    // More comes than the answer: what is left must not be taken for the next one's.
    assert_eq!(reused(echo, &request(b"ping, and more")).await, (0, 5, 5));
    // No answer: what may come later must not be, either.
    assert_eq!(reused(Peer::default(), &request(b"ping")).await, (0, 5, 0));
}
