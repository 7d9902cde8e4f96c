//! The report is the fold of the events, whatever happened.

use netkit::addr::Family;
use netkit::dial::{self, Config, Event, Exchange, Report};
use netkit::event::Stamped;
use netkit::failure::Kind;
use netkit::run::Cx;

use super::{V4, V6, connects_after, dual_stack, ms, name};
use crate::fakes::{Connect, FakeIo, Peer, Reply};

fn worlds() -> Vec<(FakeIo, Config)> {
    let echo = Connect::After(
        ms(10),
        Peer {
            echo: true,
            ..Peer::default()
        },
    );
    let talk = Exchange {
        send: Some(b"hello".to_vec()),
        read: Some(5),
        ..Exchange::default()
    };
    let (plain, race_all) = (
        Config::default(),
        Config {
            race_all: true,
            ..Config::default()
        },
    );
    let hold = Config {
        hold: Some(ms(500)),
        ..Config::default()
    };
    vec![
        (dual_stack().connect(V6, connects_after(5)), plain.clone()),
        (
            dual_stack()
                .connect(V6, Connect::Silent)
                .connect(V4, connects_after(5)),
            plain.clone(),
        ),
        (
            dual_stack()
                .connect(V6, connects_after(400))
                .connect(V4, connects_after(5)),
            race_all,
        ),
        (
            dual_stack()
                .connect(V6, Connect::Silent)
                .connect(V4, Connect::Refuse(ms(3))),
            plain.clone(),
        ),
        (
            dual_stack().connect(V6, echo.clone()),
            Config {
                exchange: talk,
                ..plain.clone()
            },
        ),
        (dual_stack().connect(V6, echo), hold),
        (
            FakeIo::default()
                .reply(Family::Ipv6, Reply::Fail(ms(1), Kind::Servfail))
                .reply(Family::Ipv4, Reply::Silent),
            plain,
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn folding_the_recorded_events_gives_the_final_report() {
    for (index, (io, config)) in worlds().into_iter().enumerate() {
        let mut folded = Report::new(&name());
        let mut observer = |event: &Stamped<Event>| folded.apply(event);
        let report = dial::run(&name(), &config, &io, &Cx::default(), &mut observer).await;
        assert_eq!(folded, report, "world {index}");
        assert!(report.total_ms.is_some(), "world {index}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_says_stop_ends_the_dial() {
    let io = dual_stack()
        .connect(V6, Connect::Silent)
        .connect(V4, Connect::Silent);
    let mut stop = |_: &Stamped<Event>| std::ops::ControlFlow::Break(());
    let started = tokio::time::Instant::now();
    let report = dial::run(&name(), &Config::default(), &io, &Cx::default(), &mut stop).await;
    assert!(report.is_interrupted());
    assert!(started.elapsed() < ms(50));
}

#[tokio::test(start_paused = true)]
async fn a_report_survives_json() {
    for (io, config) in worlds() {
        let report = super::run(&name(), &config, &io).await;
        let text = serde_json::to_string(&report).expect("serializable");
        let again: Report = serde_json::from_str(&text).expect("readable");
        assert_eq!(serde_json::to_string(&again).expect("serializable"), text);
    }
}
