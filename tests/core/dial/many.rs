//! Many targets: counts, one lookup a name, and stopping.

use std::sync::atomic::Ordering;

use netkit::addr::{Host, Network, Target};
use netkit::dial::many::{self, Event};
use netkit::event::Stamped;
use netkit::run::Cx;

use super::{V4, V6, connects_after, dual_stack, literal, ms};
use crate::fakes::{Connect, FakeIo};

#[tokio::test(start_paused = true)]
async fn every_target_is_reported_once_and_counted() {
    let io = FakeIo::default()
        .connect("192.0.2.1", connects_after(5))
        .connect("192.0.2.2", Connect::Refuse(ms(3)))
        .connect("192.0.2.3", Connect::Silent);
    let targets = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(literal);
    let mut seen = Vec::new();
    let mut observer = |event: &Stamped<Event>| {
        if let Event::Result(report) = &event.event {
            seen.push(report.target.clone());
        }
    };
    let (config, cx) = (many::Config::default(), Cx::default());
    let summary = many::run(
        targets.into_iter(),
        Some(3),
        &config,
        &io,
        &cx,
        &mut observer,
    )
    .await;
    assert_eq!(seen, ["192.0.2.2:80", "192.0.2.1:80", "192.0.2.3:80"]);
    let counts = summary.counts;
    assert_eq!(
        (counts.dialled, counts.open, counts.refused, counts.filtered),
        (3, 1, 1, 1)
    );
    assert!(!summary.interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_name_with_many_ports_is_looked_up_once_in_each_family() {
    let io = dual_stack()
        .connect(V6, connects_after(5))
        .connect(V4, connects_after(5));
    let targets =
        (1..=200).map(|port| Target::inet(Network::Tcp, Host::Name("dual.example".into()), port));
    let (config, cx) = (many::Config::default(), Cx::default());
    let observer = &mut netkit::event::Ignore;
    let summary = many::run(targets, Some(200), &config, &io, &cx, observer).await;
    assert_eq!(summary.counts.open, 200);
    assert_eq!(io.lookups.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn parallel_bounds_what_is_under_way() {
    let io = FakeIo::default().connect(V4, connects_after(100));
    let targets = std::iter::repeat_n(literal(V4), 10);
    let config = many::Config {
        parallel: Some(2),
        ..many::Config::default()
    };
    let (cx, observer) = (Cx::default(), &mut netkit::event::Ignore);
    let summary = many::run(targets, Some(10), &config, &io, &cx, observer).await;
    assert_eq!(summary.counts.open, 10);
    assert!(
        (ms(500)..ms(550)).contains(&summary.total_ms.0),
        "{summary:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_returns_what_it_has() {
    let io = FakeIo::default().connect(V4, Connect::Silent);
    let cx = Cx::default();
    let token = cx.cancel().clone();
    tokio::spawn(async move {
        tokio::time::sleep(ms(50)).await;
        token.cancel();
    });
    let targets = std::iter::repeat_n(literal(V4), 100_000);
    let (config, observer) = (many::Config::default(), &mut netkit::event::Ignore);
    let summary = many::run(targets, Some(100_000), &config, &io, &cx, observer).await;
    assert!(summary.interrupted);
    assert_eq!(summary.counts.dialled, 0);
    assert_eq!(io.open(), 0);
}
