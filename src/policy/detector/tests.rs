//! The state machine by timelines, and its laws whatever happens.

use proptest::prelude::*;

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(method: Method, rise: u32) -> Config {
    Config {
        method,
        rise,
        ..Config::default()
    }
}

const FALL_3: Method = Method::Consecutive { fall: 3 };
const TIMING: Timing = Timing {
    interval: Duration::from_secs(1),
    timeout: Duration::from_secs(1),
};

/// Plays a beat a second, `.` answered after 100 ms, `x` timed out after a second, `r` refused at
/// once; gives the changes as `second:state(reason)`.
fn timeline(config: Config, beats: &str) -> Vec<String> {
    let mut detector = Detector::new(config, ms(1_000), Duration::ZERO);
    let mut happenings = Vec::new();
    for (second, beat) in (0..).zip(beats.chars()) {
        let due = ms(second * 1_000);
        happenings.push((due, 's'));
        let after = match beat {
            '.' => 100,
            'x' => 1_000,
            _ => 0,
        };
        happenings.push((due + ms(after), beat));
    }
    happenings.sort_by_key(|(time, what)| (*time, *what == 's'));
    let mut changes = Vec::new();
    for (now, what) in happenings {
        while let Some(tick) = detector.next_tick().filter(|tick| *tick < now) {
            let change = detector.tick(tick).expect("it said that it would change");
            changes.push((tick, change));
        }
        let change = match what {
            's' => {
                detector.sent(now);
                None
            }
            '.' => detector.answered(now, ms(100)),
            other => detector.failed(now, other == 'r'),
        };
        changes.extend(change.map(|change| (now, change)));
    }
    let word = |(now, change): (Duration, Transition)| {
        let (to, reason) = (change.to.code(), change.reason.code());
        format!("{:.1}:{to}({reason})", now.as_secs_f64())
    };
    changes.into_iter().map(word).collect()
}

#[test]
fn failures_in_a_row_take_it_down_and_replies_bring_it_up() {
    let changes = timeline(at(FALL_3, 2), "..xx.xxxx..");
    let expected = [
        "0.1:up(replies)",
        "8.0:suspect(late_reply)",
        "8.0:down(failures)",
        "10.1:up(replies)",
    ];
    // Suspicion by silence falls on the same moment here, and comes first or not at all.
    assert_eq!(changes, [expected[0], expected[2], expected[3]]);
}

#[test]
fn silence_makes_it_suspect_before_it_is_down() {
    let config = Config {
        suspect_after: FALL_3.suspect_after(TIMING),
        ..Config::default()
    };
    assert_eq!(config.suspect_after, Some(ms(2_000)));
    let changes = timeline(config, ".xxx.");
    let expected = [
        "0.1:up(replies)",
        "3.0:suspect(late_reply)",
        "4.0:down(failures)",
        "4.1:up(replies)",
    ];
    assert_eq!(changes, expected);
}

#[test]
fn a_refusal_is_an_early_sign_and_one_reply_clears_it() {
    let changes = timeline(at(FALL_3, 2), ".r.rrr");
    let expected = [
        "0.1:up(replies)",
        "1.0:suspect(early_sign)",
        "2.1:up(replies)",
        "3.0:suspect(early_sign)",
        "5.0:down(failures)",
    ];
    assert_eq!(changes, expected);
}

#[test]
fn what_was_never_up_is_down_by_the_same_evidence() {
    let changes = timeline(at(FALL_3, 1), "rrr");
    assert_eq!(changes, ["0.0:suspect(early_sign)", "2.0:down(failures)"]);
}

#[test]
fn a_window_counts_what_is_not_in_a_row_and_forgets_it_on_recovery() {
    let window = Method::Window(WindowConfig::default());
    let changes = timeline(at(window, 1), "......r.r.r.r.rr....");
    assert_eq!(changes.last().map(String::as_str), Some("16.1:up(replies)"));
    assert!(
        changes.contains(&"14.0:down(failure_rate)".to_owned()),
        "{changes:?}"
    );
    assert_eq!(
        timeline(at(FALL_3, 1), "r.r.r.r.r.")
            .iter()
            .filter(|c| c.contains("down"))
            .count(),
        0
    );
}

#[test]
fn slow_replies_make_it_suspect_and_never_down() {
    let window = Method::Window(WindowConfig {
        slow: Some(ms(50)),
        ..WindowConfig::default()
    });
    let changes = timeline(at(window, 1), &".".repeat(40));
    assert_eq!(changes, ["0.1:up(replies)", "4.1:suspect(slow_rate)"]);
}

#[test]
fn phi_says_down_at_the_time_that_its_threshold_means() {
    let phi = PhiConfig::default();
    let config = at(Method::Phi(phi), 1);
    let changes = timeline(config, &format!("{}xxxxxx..", ".".repeat(2_000)));
    // The last reply came 100 ms after its beat; 4.52 s later, with the pause of 3 s.
    let expected = [
        "0.1:up(replies)",
        "2003.0:suspect(late_reply)",
        "2003.6:down(phi)",
        "2006.1:up(replies)",
    ];
    assert_eq!(changes, expected);
    let mut detector = Detector::new(config, ms(1_000), Duration::ZERO);
    for second in 0..3_000 {
        detector.sent(ms(second * 1_000));
        let _ = detector.answered(ms(second * 1_000 + 1), ms(1));
    }
    let expected = detection_time(&phi, ms(1_000), Duration::ZERO);
    assert_eq!(detector.learned_detection_time(), Some(expected));
}

#[test]
fn a_pause_in_which_nobody_was_asked_is_no_evidence() {
    let config = at(Method::Phi(PhiConfig::default()), 1);
    let mut detector = Detector::new(config, ms(1_000), Duration::ZERO);
    detector.sent(Duration::ZERO);
    assert!(detector.answered(ms(1), ms(1)).is_some());
    assert_eq!(detector.next_tick(), None);
    assert_eq!(detector.tick(ms(3_600_000)), None);
    detector.sent(ms(3_600_000));
    assert_eq!(detector.tick(ms(3_600_001)), None);
}

#[test]
fn a_stall_of_this_machine_blames_nobody() {
    for method in [FALL_3, Method::Phi(PhiConfig::default())] {
        let mut detector = Detector::new(at(method, 1), ms(1_000), Duration::ZERO);
        detector.sent(Duration::ZERO);
        assert!(detector.answered(ms(1), ms(1)).is_some());
        detector.sent(ms(1_000));
        detector.stalled(ms(60_000));
        assert_eq!(detector.tick(ms(61_000)), None);
        assert_eq!(detector.answered(ms(61_001), ms(1)), None);
        assert_eq!(detector.state(), State::Up);
    }
}

#[test]
fn a_late_reply_ends_the_silence_and_not_the_failures() {
    let mut detector = Detector::new(at(FALL_3, 1), ms(1_000), Duration::ZERO);
    for second in 0..3 {
        detector.sent(ms(second * 1_000));
        let change = detector.failed(ms(second * 1_000 + 500), false);
        assert_eq!(change.is_some(), second == 2, "{change:?}");
        detector.answered_late(ms(second * 1_000 + 600));
        assert_eq!(detector.next_tick(), None);
    }
}

/// Each of these is refused with these words; `None` is not refused.
fn settings() -> Vec<(Config, Option<&'static str>)> {
    let mut rows = settings_of_windows();
    rows.extend(settings_of_phi());
    rows.extend([
        (at(Method::Consecutive { fall: 4 }, 1), None),
        (at(Method::Consecutive { fall: 0 }, 1), Some("fall 0")),
        (at(FALL_3, 0), Some("rise 0")),
        (
            Config {
                suspect_after: Some(ms(2_999)),
                ..Config::default()
            },
            None,
        ),
        (Config::default(), Some("down after 3s")),
        (
            Config {
                suspect_after: Some(Duration::ZERO),
                ..Config::default()
            },
            Some("every beat"),
        ),
    ]);
    rows
}

fn settings_of_windows() -> Vec<(Config, Option<&'static str>)> {
    let window = |window: WindowConfig| at(Method::Window(window), 1);
    let base = WindowConfig::default();
    vec![
        (window(base), None),
        (window(WindowConfig { size: 0, ..base }), Some("1 to 10000")),
        (
            window(WindowConfig {
                min_beats: 11,
                ..base
            }),
            Some("the size"),
        ),
        (
            window(WindowConfig {
                failure_pct: 101.0,
                ..base
            }),
            Some("100 %"),
        ),
        (
            window(WindowConfig {
                slow_pct: f64::NAN,
                ..base
            }),
            Some("100 %"),
        ),
        (
            window(WindowConfig {
                slow: Some(ms(1_000)),
                ..base
            }),
            Some("fails after 1s"),
        ),
    ]
}

fn settings_of_phi() -> Vec<(Config, Option<&'static str>)> {
    let phi = |phi: PhiConfig| at(Method::Phi(phi), 1);
    vec![
        (phi(PhiConfig::default()), None),
        (
            phi(PhiConfig {
                threshold: 0.0,
                ..PhiConfig::default()
            }),
            Some("above 0"),
        ),
        (
            phi(PhiConfig {
                threshold: f64::INFINITY,
                ..PhiConfig::default()
            }),
            Some("above 0"),
        ),
        (
            phi(PhiConfig {
                min_std_dev: Duration::ZERO,
                ..PhiConfig::default()
            }),
            Some("deviation"),
        ),
        (
            phi(PhiConfig {
                samples: 1,
                ..PhiConfig::default()
            }),
            Some("intervals"),
        ),
    ]
}

#[test]
fn settings_that_can_never_fire_are_refused() {
    for (config, expected) in settings() {
        let refusal = config
            .check(TIMING)
            .err()
            .map(|useless| useless.to_string());
        match expected {
            None => assert_eq!(refusal, None, "{config:?}"),
            Some(words) => assert!(
                refusal.as_ref().is_some_and(|text| text.contains(words)),
                "{config:?}: {refusal:?}"
            ),
        }
    }
}

#[test]
fn a_configuration_tells_how_long_a_death_goes_unnoticed() {
    let time = |method| at(method, 1).detection_time(TIMING);
    assert_eq!(time(FALL_3), ms(4_000));
    assert_eq!(time(Method::Window(WindowConfig::default())), ms(6_000));
    // Before it has learned, Akka expects a deviation of a quarter of the interval.
    let phi = time(Method::Phi(PhiConfig::default()));
    assert!((ms(5_305)..ms(5_307)).contains(&phi), "{phi:?}");
}

#[test]
fn the_default_suspicion_comes_before_down_on_any_schedule() {
    for (fall, interval, timeout, expected) in [
        (3, 1_000, 1_000, Some(2_000)),
        (3, 100, 2_000, Some(2_100)),
        (3, 10_000, 2_000, Some(3_000)),
        (2, 1_000, 1_000, Some(1_000)),
        (1, 1_000, 1_000, None),
        (5, 100, 100, Some(400)),
    ] {
        let (interval, timeout) = (ms(interval), ms(timeout));
        let timing = Timing { interval, timeout };
        let method = Method::Consecutive { fall };
        assert_eq!(
            method.suspect_after(timing),
            expected.map(ms),
            "{fall} {timing:?}"
        );
    }
}

fn any_method() -> impl Strategy<Value = Method> {
    prop_oneof![
        (1..5_u32).prop_map(|fall| Method::Consecutive { fall }),
        (
            1..12_u32,
            1..12_u32,
            1..=100_u8,
            prop::option::of(0..500_u64)
        )
            .prop_map(
                |(size, min_beats, percent, slow)| Method::Window(WindowConfig {
                    size,
                    min_beats: min_beats.min(size),
                    failure_pct: percent.into(),
                    slow: slow.map(ms),
                    slow_pct: percent.into(),
                })
            ),
        (0.1..20.0_f64, 1..500_u64, 0..3_000_u64, 2..40_u32).prop_map(
            |(threshold, deviation, pause, samples)| Method::Phi(PhiConfig {
                threshold,
                min_std_dev: ms(deviation),
                acceptable_pause: ms(pause),
                samples,
            })
        ),
    ]
}

proptest! {
    /// Whatever happens in whatever order: `down` needs a beat that was not answered since the
    /// last change to up, its reason proves itself, and no change leads to the same state.
    #[test]
    fn it_is_never_down_without_evidence(
        method in any_method(), rise in 1..4_u32, suspect in prop::option::of(1..5_000_u64),
        steps in prop::collection::vec((0..7_u8, 0..3_000_u64), 1..200),
    ) {
        let config = Config { method, rise, suspect_after: suspect.map(ms) };
        let mut detector = Detector::new(config, ms(1_000), Duration::ZERO);
        let (mut now, mut unanswered, mut failed) = (Duration::ZERO, 0_u32, 0_u32);
        for (what, passed) in steps {
            now += ms(passed);
            let before = detector.state();
            let change = match what {
                0 => { detector.sent(now); unanswered += 1; None }
                1 if unanswered > 0 => { unanswered -= 1; failed = 0; detector.answered(now, ms(passed)) }
                2 if unanswered > 0 => { failed += 1; detector.failed(now, passed % 2 == 0) }
                3 => detector.sign(now),
                4 => { detector.stalled(ms(passed)); None }
                5 => { detector.answered_late(now); None }
                _ => detector.tick(now),
            };
            prop_assert_eq!(change.map_or(before, |change| change.to), detector.state());
            let Some(change) = change else { continue };
            prop_assert!(change.from == before && change.from != change.to);
            match change.reason {
                Reason::Failures { consecutive } => prop_assert!(consecutive > 0 && consecutive == failed),
                Reason::FailureRate { failed, of } => prop_assert!(failed > 0 && failed <= of),
                Reason::Phi { phi, silent_ms } => {
                    prop_assert!(unanswered > 0 && phi > 0.0 && silent_ms.0 > Duration::ZERO);
                }
                _ => prop_assert!(change.to != State::Down),
            }
        }
    }

    /// A target that answers everything on time is never suspect, whatever the method: ticks only
    /// when the detector asks for them.
    #[test]
    fn who_answers_is_up(method in any_method(), beats in 1..100_u64, rtt in 0..50_u64) {
        prop_assume!(!matches!(method, Method::Window(WindowConfig { slow: Some(_), .. })));
        // A pause and a deviation that accept this round trip.
        prop_assume!(!matches!(method, Method::Phi(phi) if phi.threshold < 1.0));
        let config = Config { method, rise: 1, suspect_after: Some(ms(60)) };
        let mut detector = Detector::new(config, ms(1_000), Duration::ZERO);
        for beat in 0..beats {
            let due = ms(beat * 1_000);
            detector.sent(due);
            if let Some(tick) = detector.next_tick() {
                prop_assert!(tick > due + ms(rtt) || matches!(method, Method::Phi(_)));
            }
            let change = detector.answered(due + ms(rtt), ms(rtt));
            prop_assert_eq!(change.is_some(), beat == 0);
            prop_assert_eq!(detector.state(), State::Up);
        }
    }

    /// `next_tick` keeps its word: then the state changes, and not a moment before.
    #[test]
    fn the_next_tick_is_when_it_changes(
        method in any_method(), suspect in prop::option::of(1..5_000_u64),
        replies in 0..30_u64, failures in 0..3_u64,
    ) {
        let config = Config { method, rise: 1, suspect_after: suspect.map(ms) };
        let mut detector = Detector::new(config, ms(1_000), Duration::ZERO);
        for second in 0..replies + failures {
            detector.sent(ms(second * 1_000));
            if second < replies {
                let _ = detector.answered(ms(second * 1_000 + 1), ms(1));
            } else {
                let _ = detector.failed(ms(second * 1_000 + 1), false);
            }
        }
        let now = ms((replies + failures) * 1_000);
        if let Some(tick) = detector.next_tick().filter(|tick| *tick > now) {
            let early = tick.saturating_sub(Duration::from_nanos(1));
            prop_assert_eq!(detector.clone().tick(early), None);
            prop_assert!(detector.tick(tick).is_some());
        }
    }
}
