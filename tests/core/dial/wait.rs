//! Waiting until targets answer, or until they no longer do.

use netkit::dial::wait::{self, Event, Until};
use netkit::dial::{Config, wait::Summary};
use netkit::event::Stamped;
use netkit::run::Cx;
use tokio::time::Instant;

use super::{V4, connects_after, literal, ms};
use crate::fakes::{Connect, FakeIo};

const OTHER: &str = "192.0.2.81";

async fn wait(io: &FakeIo, until: Until, any: bool) -> (Summary, Vec<Event>) {
    let wait = wait::Config {
        limit: Some(ms(3_000)),
        until,
        any,
    };
    let targets = [literal(V4), literal(OTHER)];
    let mut events = Vec::new();
    let mut observer = |event: &Stamped<Event>| events.push(event.event.clone());
    let (config, cx) = (Config::default(), Cx::default());
    let summary = wait::run(&targets, &config, &wait, io, &cx, &mut observer).await;
    assert_eq!(io.open(), 0);
    (summary, events)
}

#[tokio::test(start_paused = true)]
async fn it_ends_as_soon_as_all_targets_answer() {
    let io = FakeIo::default()
        .connect(V4, connects_after(5))
        .connect(OTHER, connects_after(40));
    let started = Instant::now();
    let (summary, events) = wait(&io, Until::Open, false).await;
    assert!(summary.ok && summary.targets.iter().all(|one| one.ok && one.tries == 1));
    assert!(started.elapsed() < ms(50));
    assert_eq!(events.last(), Some(&Event::Done));
}

#[tokio::test(start_paused = true)]
async fn it_tries_again_with_growing_pauses_until_the_limit() {
    let io = FakeIo::default()
        .connect(V4, connects_after(5))
        .connect(OTHER, Connect::Refuse(ms(1)));
    let started = Instant::now();
    let (summary, events) = wait(&io, Until::Open, false).await;
    assert!(!summary.ok);
    assert!((ms(2_950)..ms(3_050)).contains(&started.elapsed()));
    let refused = &summary.targets[1];
    assert!(!refused.ok && refused.tries >= 4, "{refused:?}");
    assert!(refused.last_failure.is_some());
    let retries = events
        .iter()
        .filter(|event| matches!(event, Event::Retry { .. }))
        .count();
    assert_eq!(retries as u64, refused.tries);
}

#[tokio::test(start_paused = true)]
async fn any_is_content_with_one() {
    let io = FakeIo::default()
        .connect(V4, connects_after(5))
        .connect(OTHER, Connect::Silent);
    let started = Instant::now();
    let (summary, _) = wait(&io, Until::Open, true).await;
    assert!(summary.ok);
    assert!(started.elapsed() < ms(50));
}

#[tokio::test(start_paused = true)]
async fn closed_is_the_inverse() {
    let io = FakeIo::default()
        .connect(V4, Connect::Refuse(ms(1)))
        .connect(OTHER, Connect::Refuse(ms(1)));
    let (summary, _) = wait(&io, Until::Closed, false).await;
    assert!(summary.ok);
    let io = FakeIo::default()
        .connect(V4, Connect::Refuse(ms(1)))
        .connect(OTHER, connects_after(1));
    let (summary, _) = wait(&io, Until::Closed, false).await;
    assert!(!summary.ok);
}

#[tokio::test(start_paused = true)]
async fn a_try_cut_short_by_the_end_of_the_wait_does_not_prove_that_a_service_is_closed() {
    // Always answers, but takes longer than what is left for the last tries.
    let io = FakeIo::default()
        .connect(V4, connects_after(300))
        .connect(OTHER, connects_after(300));
    let (summary, _) = wait(&io, Until::Closed, false).await;
    assert!(summary.targets.iter().all(|one| !one.ok), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn silence_for_a_whole_dial_is_closed() {
    let io = FakeIo::default()
        .connect(V4, Connect::Silent)
        .connect(OTHER, Connect::Silent);
    let wait = wait::Config {
        limit: Some(ms(3_000)),
        until: Until::Closed,
        any: false,
    };
    let config = Config {
        timeout: ms(500),
        ..Config::default()
    };
    let (targets, cx) = ([literal(V4), literal(OTHER)], Cx::default());
    let observer = &mut netkit::event::Ignore;
    let summary = wait::run(&targets, &config, &wait, &io, &cx, observer).await;
    assert!(summary.ok, "{summary:?}");
}
