//! Beats on connections that targets share: who pays for what.

use std::sync::atomic::Ordering;

use netkit::addr::Family;
use netkit::heartbeat::event::Opened;

use super::*;
use crate::fakes::Reply;

/// So many names of one address.
fn names(count: usize) -> Vec<Target> {
    let name = |n| Host::Name(format!("name-{n}.example").into());
    (0..count)
        .map(|n| Target::inet(Network::Tcp4, name(n), 80))
        .collect()
}

fn world(connect: Connect) -> FakeIo {
    FakeIo::default()
        .connect(V4, connect)
        .reply(Family::Ipv4, Reply::After(ms(1), vec![ip(V4)]))
}

fn shared(pool: usize, probe: Probe, count: u64) -> Config {
    Config {
        pool: Some(pool),
        ..config(probe, count)
    }
}

fn opened(run: &Run) -> Vec<&Opened> {
    let facts = run.facts();
    facts
        .filter_map(|fact| match fact {
            Fact::Opened(opened) => Some(opened),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn many_names_of_one_address_share_two_connections() {
    for (probe, made) in [(Probe::Echo, 2), (Probe::line(), 1)] {
        let peer = Peer {
            echo: true,
            // An echo is still under way when the next one is due; the shorter line is not.
            delay: ms(4),
            ..Peer::default()
        };
        let io = world(Connect::After(ms(1), peer));
        let targets = names(50);
        let run = Run::of(&targets, &io, &shared(2, probe, 10)).await;
        assert_eq!(io.tried.lock().unwrap().len(), made);
        assert_eq!(opened(&run).len(), made);
        for target in &run.report.targets {
            assert_eq!((target.received, target.state), (10, State::Up));
            assert_eq!((target.disconnects, target.reconnects), (0, 0));
            let pool = target.pool.expect("it shares");
            assert_eq!(pool.hits + pool.misses, 10);
        }
        let pool = run.report.pool.expect("they share");
        let made = made as u64;
        let figures = (pool.hits, pool.misses, pool.connections);
        assert_eq!(figures, (500 - made, made, made));
        let mut fold = Fold::new(targets.iter().map(ToString::to_string));
        for event in &run.events {
            fold.apply(event);
        }
        let end = run.events.last().expect("at least the end");
        assert_eq!(fold.report(end.at), run.report);
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_share_has_no_figures_of_sharing() {
    let io = world(echo());
    let run = Run::of(&names(3), &io, &config(Probe::Echo, 3)).await;
    assert_eq!(io.tried.lock().unwrap().len(), 3, "each has its own");
    assert_eq!((run.report.pool, run.report.targets[0].pool), (None, None));
    assert!(run.beats().all(|beat| beat.reused.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_beat_that_breaks_its_connection_fails_for_its_own_target_alone() {
    // Two beats of 41 bytes; with the third it is closed.
    let peer = Peer {
        echo: true,
        closes_after: Some(100),
        ..Peer::default()
    };
    let io = world(Connect::After(ms(1), peer));
    let run = Run::of(&names(4), &io, &shared(1, Probe::Echo, 12)).await;
    let mut lost = 0;
    for target in &run.report.targets {
        assert_eq!((target.received + target.lost, target.skipped), (12, 0));
        assert_eq!(target.disconnects, target.lost, "{target:#?}");
        assert!(target.reconnects <= target.disconnects);
        assert_eq!(target.outages_total, 0, "never three in a row");
        lost += target.lost;
    }
    assert_eq!(lost, 16, "every third of 48");
    for fact in run.facts() {
        if let Fact::Disconnect(end) = fact {
            assert!([Cause::Fin, Cause::Rst].contains(&end.cause));
        }
    }
    let lookups = io.lookups.load(Ordering::SeqCst);
    assert!(lookups >= io.tried.lock().unwrap().len(), "{lookups}");
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_answered_all_are_down_and_no_late_reply_is_anybodys() {
    let io = world(silent());
    let config = Config {
        timeout: Some(ms(500)),
        ..shared(2, Probe::Echo, 8)
    };
    let run = Run::of(&names(10), &io, &config).await;
    for target in &run.report.targets {
        assert_eq!((target.received, target.state), (0, State::Down));
        assert_eq!((target.late, target.outages_total), (0, 1));
        assert_eq!(
            (target.lost, target.skipped),
            (8, 0),
            "each beat has its verdict"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_too_small_skips_beats_and_blames_nobody() {
    let peer = Peer {
        echo: true,
        delay: ms(4),
        ..Peer::default()
    };
    // 41 bytes in pieces of five take nine times 4 ms, and so a second has room for 27 beats.
    let io = world(Connect::After(ms(1), peer));
    let config = Config {
        interval: ms(1_000),
        timeout: Some(ms(300)),
        ..shared(1, Probe::Echo, 10)
    };
    let run = Run::of(&names(60), &io, &config).await;
    let skipped = run.facts().filter(
        |fact| matches!(fact, Fact::Skipped(skipped) if skipped.reason == SkipReason::PoolBusy),
    );
    let skipped = skipped.count();
    assert!(
        skipped > 100,
        "{skipped} skipped: {:#?}",
        run.report.targets[30]
    );
    for target in &run.report.targets {
        assert_eq!(target.received + target.lost + target.skipped, 10);
        assert_ne!(target.state, State::Down, "{target:#?}");
    }
    let received: u64 = run.report.targets.iter().map(|t| t.received).sum();
    assert!(received > 200, "{received}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_longer_than_a_beat_serves_those_that_come_later() {
    let peer = Peer {
        echo: true,
        ..Peer::default()
    };
    let io = world(Connect::After(ms(150), peer));
    let config = Config {
        interval: ms(100),
        timeout: Some(ms(50)),
        ..shared(1, Probe::Echo, 10)
    };
    let run = Run::of(&names(1), &io, &config).await;
    let target = &run.report.targets[0];
    assert_eq!(
        (target.received, target.state),
        (8, State::Up),
        "{target:#?}"
    );
    assert_eq!(opened(&run).len(), 1);
    let pool = target.pool.expect("it shares");
    assert_eq!((pool.hits, pool.connections), (8, 1));
}

#[tokio::test(start_paused = true)]
async fn refusals_are_paused_and_given_up_as_with_a_session_of_ones_own() {
    let io = world(Connect::Refuse(ms(1)));
    let config = Config {
        interval: ms(100),
        reconnect: Reconnect {
            min: ms(1_000),
            max: ms(1_000),
            give_up_after: Some(ms(5_000)),
            ..Reconnect::default()
        },
        ..shared(2, Probe::Echo, 1_000)
    };
    let run = Run::of(&names(1), &io, &config).await;
    let target = &run.report.targets[0];
    assert_eq!((target.state, target.skipped), (State::Down, 0));
    let tried = io.tried.lock().unwrap().len();
    assert!(
        (5..30).contains(&tried),
        "{tried} attempts for {} beats",
        target.lost
    );
    let last = run.facts().filter_map(|fact| match fact {
        Fact::Reconnect(back) => Some(back),
        _ => None,
    });
    let last = last.last().expect("it was given up");
    assert_eq!(
        (last.recovered_ms, last.attempts_total),
        (None, tried as u64)
    );
    assert!(target.lost < 100, "no beat after that");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_at_any_moment_leaves_nothing_open() {
    for stop in [0, 1, 2, 3, 5, 20, 151, 155, 400, 1_003, 2_500] {
        let peer = Peer {
            echo: true,
            delay: ms(1),
            ..Peer::default()
        };
        let io = world(Connect::After(ms(2), peer));
        let cx = Cx::default();
        let (config, targets) = (shared(2, Probe::Echo, 100), names(20));
        let mut ignore = Ignore;
        let run = heartbeat::run(&targets, &config, &io, &cx, &mut ignore);
        let stopper = async {
            tokio::time::sleep(ms(stop)).await;
            assert!(io.open() <= 2, "{} open", io.open());
            cx.cancel().cancel();
        };
        let (report, ()) = tokio::join!(run, stopper);
        assert_eq!(io.open(), 0, "stopped after {stop} ms");
        assert!(report.targets.iter().all(|target| target.lost == 0));
    }
}
