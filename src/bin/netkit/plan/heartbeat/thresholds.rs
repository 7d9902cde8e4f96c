//! Settings of `netkit heartbeat` that could never come to anything, refused with both flags.
//!
//! What is refused, and why it can never fire; everything else is let through.
//!
//! * A beat fails at `--timeout`, but the silence goes on: it is counted from the oldest beat since the
//!   last reply (a late reply ends it too). So `--suspect-after` beyond `--timeout` does fire, and is
//!   useless only where the target is down by then: with `--fall` F after (F - 1) intervals and a
//!   timeout. At the same moment the failure comes first.
//! * A reply slower than the timeout is none: `--slow-after`, and round trips in conditions, lie below.
//! * A run of N beats has at most N failures or replies in a row, and before `--rise` replies count there
//!   must have been enough failures. A run of `--for` D has D over the shortest interval beats, rounded
//!   up, and its last verdict a timeout after the last beat: what needs a longer silence (`--suspect-after`,
//!   phi, `--give-up-after`) is not reached.
//! * A connect probe has no session: nothing is late, hung or connected again; and where one failure makes
//!   it down it is never suspect, so `--interval-suspect` is never in force.
//! * A condition is refused only if it can hold in no way: one part of an `or` that can is enough.
//!
//! Only what was typed is refused. Defaults adapt (`--suspect-after`, `--window-min`) or are let be: three
//! failures are not reached by `-c 1`, and that is no mistake.

use std::time::Duration;

use netkit::heartbeat::Config;
use netkit::heartbeat::gate::{Bound, Bounds, Gate};
use netkit::policy::detector::{Method, Useless};

use super::super::rules::Checked;
use crate::args::HeartbeatArgs;
use crate::usage::UsageError;

/// Refuses the first setting that could never fire.
pub(super) fn check(args: &HeartbeatArgs, config: &Config, tls: bool) -> Checked {
    let run = Run::new(args, config, tls);
    useless(args, config)?;
    interval_suspect(args, config)?;
    if let Some((beats, _)) = run.beats {
        counts(args, config, &run, beats)?;
    }
    silences(args, config, &run)?;
    let gates = [
        ("--fail-if", &args.gates.fail_if),
        ("--until", &args.gates.until),
    ];
    for (flag, gate) in gates {
        if let Some(gate) = gate {
            condition(flag, gate, config, &run)?;
        }
    }
    Ok(())
}

/// How long a run is, in the words that say so.
struct Run {
    /// Beats per target at most, and the flag that says so.
    beats: Option<(u64, String)>,
    /// From the first beat to the last verdict, and the flag.
    length: Option<(Duration, String)>,
    timeout: String,
    /// Whether there may be a target with TLS.
    tls: bool,
}

impl Run {
    fn new(args: &HeartbeatArgs, config: &Config, tls: bool) -> Self {
        let intervals = [config.interval_suspect, config.interval_down];
        let intervals = || intervals.into_iter().flatten().chain([config.interval]);
        let shortest = intervals().min().unwrap_or(config.interval);
        let longest = intervals().max().unwrap_or(config.interval);
        let counted = config.count.map(|count| (count, format!("-c {count}")));
        let timed = config.duration.map(|limit| {
            let beats = limit.as_nanos().div_ceil(shortest.as_nanos().max(1));
            let flag = format!("--for {}", words(limit));
            (u64::try_from(beats).unwrap_or(u64::MAX), flag)
        });
        let by_count = counted.clone().map(|(count, flag)| {
            let gaps = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
            (longest.saturating_mul(gaps), flag)
        });
        let by_time = timed
            .clone()
            .and_then(|(_, flag)| Some((config.duration?, flag)));
        let last = |(beats, flag): (Duration, String)| {
            // A beat may wait for a connection of the pool as long as for its answer.
            let waits = if config.pool.is_some() { 2 } else { 1 };
            let length = beats.saturating_add(config.timeout() * waits);
            (length, flag)
        };
        let given = if args.schedule.timeout.is_some() {
            "--timeout"
        } else {
            "the timeout of"
        };
        Self {
            beats: counted.into_iter().chain(timed).min_by_key(|row| row.0),
            length: by_count
                .into_iter()
                .chain(by_time)
                .min_by_key(|row| row.0)
                .map(last),
            timeout: format!("{given} {}", words(config.timeout())),
            tls,
        }
    }
}

/// What the detector itself refuses.
fn useless(args: &HeartbeatArgs, config: &Config) -> Checked {
    let Err(useless) = config.check() else {
        return Ok(());
    };
    let timing = format!(
        "--interval {} and --timeout {}",
        words(config.interval),
        words(config.timeout())
    );
    let (message, expected) = match useless {
        Useless::SuspectTooLate {
            suspect_after,
            down_after,
        } => (
            format!(
                "--suspect-after {} can never fire: with {}, {timing} the target is down after {}",
                words(suspect_after),
                method(config),
                words(down_after)
            ),
            format!("--suspect-after below {}", words(down_after)),
        ),
        Useless::SlowTooLate { slow, timeout } => (
            format!(
                "--slow-after {} can never fire: a beat fails at --timeout {}",
                words(slow),
                words(timeout)
            ),
            format!(
                "--slow-after below {}, or a longer --timeout",
                words(timeout)
            ),
        ),
        Useless::WindowMinimum => (
            format!(
                "--window-min {} can never be reached in --window {}",
                args.health.window_min.unwrap_or_default(),
                args.health
                    .window
                    .map_or_else(|| "10".to_owned(), |size| size.to_string())
            ),
            "--window-min of at most --window".to_owned(),
        ),
        other => (other.to_string(), "a threshold that can fire".to_owned()),
    };
    Err(UsageError::new(message, expected))
}

/// What makes it down, as flags.
fn method(config: &Config) -> String {
    match config.detector.method {
        Method::Consecutive { fall } => format!("--fall {fall}"),
        Method::Window(window) => format!(
            "--window {} and --failure-rate {}%",
            window.size, window.failure_pct
        ),
        Method::Phi(phi) => format!(
            "--phi {} and --phi-pause {}",
            phi.threshold,
            words(phi.acceptable_pause)
        ),
    }
}

/// A connection that fails is a failure at once; a session that ends would be a sign before it.
fn interval_suspect(args: &HeartbeatArgs, config: &Config) -> Checked {
    let Some(interval) = config.interval_suspect else {
        return Ok(());
    };
    let Method::Consecutive { fall: 1 } = config.detector.method else {
        return Ok(());
    };
    if config.probe.is_persistent() || args.health.suspect_after.is_some() {
        return Ok(());
    }
    let message = format!(
        "--interval-suspect {} is never in force: with --fall 1 a connect probe is down with its first \
         failure, and never suspect",
        words(interval)
    );
    let expected = "--fall 2 or more, a --suspect-after, or --interval-down";
    Err(UsageError::new(message, expected))
}

/// Failures and replies that a run has too few beats for.
fn counts(args: &HeartbeatArgs, config: &Config, run: &Run, beats: u64) -> Checked {
    let failures = match config.detector.method {
        Method::Consecutive { fall } => Some(("--fall", args.health.fall.is_some(), fall)),
        Method::Window(window) => {
            let given = args.health.window_min.is_some();
            Some(("--window-min", given, window.min_beats))
        }
        Method::Phi(_) => None,
    };
    let flag = run.beats.as_ref().map_or("", |(_, flag)| flag);
    let few = |what: String, needed: u64, right: &str| {
        let message = format!("{what} can never be reached: {flag} sends {beats} beats at most");
        let expected = format!("{right} of at most {beats}, or at least {needed} beats");
        Err(UsageError::new(message, expected))
    };
    if let Some((name, true, wanted)) = failures
        && u64::from(wanted) > beats
    {
        return few(format!("{name} {wanted}"), wanted.into(), name);
    }
    let fall = failures.map_or(1, |(_, _, wanted)| u64::from(wanted));
    if let Some(rise) = args.health.rise
        && u64::from(rise) + fall > beats
    {
        let needed = u64::from(rise) + fall;
        let message = format!(
            "--rise {rise} can never be reached: it takes {fall} to be down first, and {flag} sends \
             {beats} beats at most"
        );
        return Err(UsageError::new(message, format!("at least {needed} beats")));
    }
    if let Some(breaker) = config.breaker
        && u64::from(breaker.failures) > beats
    {
        let what = format!("--breaker failures={}", breaker.failures);
        return few(what, breaker.failures.into(), "failures=");
    }
    Ok(())
}

/// Silences that are longer than the run.
fn silences(args: &HeartbeatArgs, config: &Config, run: &Run) -> Checked {
    let Some((length, flag)) = &run.length else {
        return Ok(());
    };
    let given_up = args
        .reconnect
        .give_up_after
        .and(config.reconnect.give_up_after);
    let phi = args.health.phi.is_some() || args.health.phi_pause.is_some();
    let detection = config.detector.detection_time(config.timing());
    let detection = detection.saturating_sub(config.interval);
    let silent = format!("it takes {} of silence, and ", words(detection));
    let rows = [
        (args.health.suspect_after, "--suspect-after", ""),
        (given_up, "--give-up-after", ""),
        (phi.then_some(detection), "", &*silent),
    ];
    for (silence, name, takes) in rows {
        let Some(silence) = silence.filter(|silence| silence > length) else {
            continue;
        };
        let what = match name {
            "" => method(config),
            name => format!("{name} {}", words(silence)),
        };
        let length = words(*length);
        let message = format!("{what} can never fire: {takes}{flag} is over after {length}");
        return Err(UsageError::new(
            message,
            format!("less than {length}, or a longer run"),
        ));
    }
    Ok(())
}

/// A condition that no run like this could fulfil.
fn condition(flag: &str, gate: &Gate, config: &Config, run: &Run) -> Checked {
    let bounds = Bounds {
        beats: run.beats.as_ref().map(|(beats, _)| *beats),
        timeout: config.timeout(),
        length: run.length.as_ref().map(|(length, _)| *length),
        sessions: config.probe.is_persistent(),
        late: config.pool.is_none(),
        breaker: config.breaker.is_some(),
        tls: run.tls,
    };
    let Some(bound) = gate.impossible(&bounds) else {
        return Ok(());
    };
    let Some((why, right)) = broken(bound, config, run) else {
        return Ok(());
    };
    let message = format!("{flag} {:?} can never hold: {why}", gate.to_string());
    Err(UsageError::new(message, right))
}

/// Why nothing is beyond that bound, and what would be right.
fn broken(bound: Bound, config: &Config, run: &Run) -> Option<(String, String)> {
    let ends = |row: &Option<(u64, String)>| {
        let (beats, flag) = row.clone().unwrap_or_default();
        (
            format!("{flag} sends {beats} beats at most"),
            format!("at most {beats}, or more beats"),
        )
    };
    Some(match bound {
        Bound::Percent => (
            "no share is above 100%".to_owned(),
            "a share below 100%".to_owned(),
        ),
        Bound::Zero => (
            "nothing is below 0".to_owned(),
            "a condition that can hold".to_owned(),
        ),
        Bound::Beats => ends(&run.beats),
        Bound::Timeout => (
            format!(
                "a beat fails at {}, so that no round trip is longer",
                run.timeout
            ),
            format!(
                "less than {}, or a longer --timeout",
                words(config.timeout())
            ),
        ),
        Bound::Length => {
            let (length, flag) = run.length.clone().unwrap_or_default();
            let length = words(length);
            (
                format!("{flag} is over after {length}"),
                format!("less than {length}"),
            )
        }
        Bound::Sessions => (
            "--probe connect has no session that could be late, hang or come back".to_owned(),
            "--probe echo or line".to_owned(),
        ),
        Bound::Late => (
            "a connection of the --pool ends with the beat that it did not answer in time"
                .to_owned(),
            "lost, or no --pool".to_owned(),
        ),
        Bound::Breaker => (
            "there is no breaker".to_owned(),
            "--breaker beside it".to_owned(),
        ),
        Bound::Tls => (
            "no target is connected with TLS".to_owned(),
            "--tls, or a target `tls://…`".to_owned(),
        ),
        _ => return None,
    })
}

fn words(duration: Duration) -> String {
    let rounded = Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    let duration = if rounded.is_zero() { duration } else { rounded };
    humantime::format_duration(duration).to_string()
}
