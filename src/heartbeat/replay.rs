//! A recorded run played through other detectors, and how each of them would have done.
//!
//! Hindsight decides what was an outage: a silence at least as long as the caller says. What a
//! detector called down outside of those was a false alarm. Pure: the lines are read by the caller.

use std::time::Duration;

use serde::Serialize;

use super::event::{Beat, Stall};
use crate::failure::Class;
use crate::policy::detector::{self, Config, Detector, Method, PhiConfig, Timing, WindowConfig};
use crate::time::Millis;

/// What is known of one target from a record.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    happened: Vec<(Duration, Happened)>,
    beats: Vec<Verdict>,
}

/// What a detector is told of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Happened {
    Sent,
    Answered(Duration),
    Failed { sign: bool },
    Stalled(Duration),
}

/// One beat in hindsight.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    due: Duration,
    ok: bool,
    /// When the reply came, if one did in time.
    end: Duration,
}

/// From when to when a target did not answer; without an end it lasted to the end of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When the first beat that failed was due.
    pub start: Duration,
    /// When the next reply came.
    pub end: Option<Duration>,
}

impl Recording {
    /// Adds a beat whose verdict was told at that time.
    pub fn beat(&mut self, at: Duration, beat: &Beat) {
        let sent = beat.sent_ms.unwrap_or(beat.due_ms).0;
        self.happened.push((sent, Happened::Sent));
        let sign = |failure: &crate::failure::Failure| failure.kind.class() != Class::Silence;
        let (end, what) = match beat.rtt_ms.filter(|_| beat.ok) {
            Some(Millis(rtt)) => (sent + rtt, Happened::Answered(rtt)),
            None if beat.ok => (at, Happened::Answered(at.saturating_sub(sent))),
            None => {
                let sign = beat.failure.as_deref().is_some_and(sign);
                (at, Happened::Failed { sign })
            }
        };
        self.happened.push((end, what));
        let (due, ok) = (beat.due_ms.0, beat.ok);
        self.beats.push(Verdict { due, ok, end });
    }

    /// Adds a time in which the prober itself stood still.
    pub fn stall(&mut self, at: Duration, stall: Stall) {
        self.happened.push((at, Happened::Stalled(stall.ms.0)));
    }

    /// How many beats there are.
    #[must_use]
    pub fn beats(&self) -> usize {
        self.beats.len()
    }

    /// The shortest time between two beats that were due; `None` below two.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        let mut due: Vec<_> = self.beats.iter().map(|beat| beat.due).collect();
        due.sort_unstable();
        let steps = due.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        steps.filter(|step| !step.is_zero()).min()
    }

    /// Silences of at least that length.
    #[must_use]
    pub fn outages(&self, least: Duration) -> Vec<Outage> {
        let mut beats = self.beats.clone();
        beats.sort_by_key(|beat| beat.due);
        let mut outages: Vec<Outage> = Vec::new();
        let (mut start, mut newest) = (None, Duration::ZERO);
        for beat in beats {
            newest = newest.max(beat.end);
            if !beat.ok {
                start.get_or_insert(beat.due);
            } else if let Some(start) = start.take()
                && beat.end.saturating_sub(start) >= least
            {
                let end = Some(beat.end);
                outages.push(Outage { start, end });
            }
        }
        let open = start.filter(|start| newest.saturating_sub(*start) >= least);
        outages.extend(open.map(|start| Outage { start, end: None }));
        outages
    }

    /// When a detector would have said `down`.
    fn alarms(&self, config: Config, interval: Duration) -> Vec<Duration> {
        let mut happened = self.happened.clone();
        // Of the same moment, what was sent comes last: the verdict of the one before is older.
        happened.sort_by_key(|(at, what)| (*at, *what == Happened::Sent));
        let mut detector = Detector::new(config, interval, Duration::ZERO);
        let mut alarms = Vec::new();
        let down = |change: Option<detector::Transition>| {
            change.is_some_and(|change| change.to == detector::State::Down)
        };
        for (at, what) in happened {
            while let Some(tick) = detector.next_tick().filter(|tick| *tick < at) {
                let change = detector.tick(tick);
                alarms.extend(down(change).then_some(tick));
                if change.is_none() {
                    break;
                }
            }
            let change = match what {
                Happened::Sent => {
                    detector.sent(at);
                    None
                }
                Happened::Answered(rtt) => detector.answered(at, rtt),
                Happened::Failed { sign } => detector.failed(at, sign),
                Happened::Stalled(stall) => {
                    detector.stalled(stall);
                    None
                }
            };
            alarms.extend(down(change).then_some(at));
        }
        alarms
    }
}

/// How a detector did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Score {
    /// The detector, as flags of `netkit heartbeat`.
    pub flags: String,
    /// Outages during which it said `down`.
    pub detected: u64,
    /// Outages during which it did not.
    pub missed: u64,
    /// Times that it said `down` outside of an outage.
    pub false_alarms: u64,
    /// From the start of an outage to `down`, on average; `null` when it detected none.
    pub detection_mean_ms: Option<Millis>,
    /// And at most.
    pub detection_max_ms: Option<Millis>,
}

/// Plays the records of all targets through a detector; silences of at least `least` were outages.
#[must_use]
pub fn score(records: &[Recording], config: Config, timing: Timing, least: Duration) -> Score {
    let mut times = Vec::new();
    let (mut missed, mut false_alarms) = (0, 0);
    for record in records {
        let outages = record.outages(least);
        let alarms = record.alarms(config, timing.interval);
        let within = |outage: &Outage, alarm: Duration| {
            alarm >= outage.start && outage.end.is_none_or(|end| alarm <= end)
        };
        for outage in &outages {
            match alarms.iter().find(|alarm| within(outage, **alarm)) {
                Some(alarm) => times.push(alarm.saturating_sub(outage.start)),
                None => missed += 1,
            }
        }
        let stray = alarms
            .iter()
            .filter(|alarm| !outages.iter().any(|outage| within(outage, **alarm)));
        false_alarms += stray.count() as u64;
    }
    let detected = u32::try_from(times.len()).unwrap_or(u32::MAX);
    let mean = times.iter().sum::<Duration>().checked_div(detected);
    Score {
        flags: flags(config.method),
        detected: detected.into(),
        missed,
        false_alarms,
        detection_mean_ms: mean.map(Millis),
        detection_max_ms: times.iter().max().copied().map(Millis),
    }
}

/// The detectors that a record is played through, for a schedule.
#[must_use]
pub fn candidates(timing: Timing) -> Vec<Config> {
    let consecutive = [1, 2, 3, 5, 10].map(|fall| Method::Consecutive { fall });
    let window = [30.0, 50.0, 80.0].map(|failure_pct| {
        Method::Window(WindowConfig {
            failure_pct,
            ..WindowConfig::default()
        })
    });
    let pauses = [Duration::ZERO, timing.interval, 3 * timing.interval];
    let phi = pauses.map(|acceptable_pause| {
        Method::Phi(PhiConfig {
            acceptable_pause,
            ..PhiConfig::default()
        })
    });
    let methods = consecutive.into_iter().chain(window).chain(phi);
    let config = |method: Method| Config {
        method,
        rise: 1,
        suspect_after: method.suspect_after(timing),
    };
    methods.map(config).collect()
}

/// The fastest that missed nothing and never raised a false alarm.
#[must_use]
pub fn best(scores: &[Score]) -> Option<&Score> {
    let sound = scores
        .iter()
        .filter(|score| score.missed == 0 && score.false_alarms == 0 && score.detected > 0);
    sound.min_by_key(|score| score.detection_max_ms)
}

fn flags(method: Method) -> String {
    match method {
        Method::Consecutive { fall } => format!("--fall {fall}"),
        Method::Window(window) => {
            format!("--detector window --failure-rate {}", window.failure_pct)
        }
        Method::Phi(phi) => format!(
            "--detector phi --phi-pause {}ms",
            Millis(phi.acceptable_pause).as_f64()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const TIMING: Timing = Timing {
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
    };

    /// A beat a second: `.` answered after 100 ms, `x` timed out.
    fn record(beats: &str) -> Recording {
        let mut recording = Recording::default();
        for (seq, beat) in (0..).zip(beats.chars()) {
            let (due, ok) = (ms(seq * 1_000), beat == '.');
            let rtt = ok.then(|| ms(100));
            let beat = Beat {
                seq,
                ok,
                due_ms: due.into(),
                sent_ms: Some(due.into()),
                lateness_ms: None,
                rtt_ms: rtt.map(Millis),
                kernel_ack_ms: None,
                reused: None,
                failure: None,
            };
            recording.beat(due + rtt.unwrap_or_else(|| ms(1_000)), &beat);
        }
        recording
    }

    #[test]
    fn outages_are_what_was_silent_for_long_enough() {
        let recording = record("..xx...xxxxxx..xxxxxxx");
        assert_eq!(recording.interval(), Some(ms(1_000)));
        let outages = recording.outages(ms(5_000));
        let expected = [(7_000, Some(13_100)), (15_000, None)];
        let expected = expected.map(|(start, end)| Outage {
            start: ms(start),
            end: end.map(ms),
        });
        assert_eq!(outages, expected);
    }

    #[test]
    fn a_touchy_detector_is_soon_and_wrong_and_a_patient_one_late_and_right() {
        let records = [record("....xx....xxxxxxxx....xxx.....")];
        let config = |fall| Config {
            method: Method::Consecutive { fall },
            rise: 1,
            suspect_after: None,
        };
        let score = |fall| score(&records, config(fall), TIMING, ms(5_000));
        let touchy = score(2);
        assert_eq!(
            (touchy.detected, touchy.missed, touchy.false_alarms),
            (1, 0, 2)
        );
        assert_eq!(touchy.detection_max_ms, Some(Millis(ms(2_000))));
        let patient = score(4);
        assert_eq!(
            (patient.detected, patient.missed, patient.false_alarms),
            (1, 0, 0)
        );
        assert_eq!(patient.detection_mean_ms, Some(Millis(ms(4_000))));
        let blind = score(20);
        assert_eq!(
            (blind.detected, blind.missed, blind.detection_mean_ms),
            (0, 1, None)
        );
        let all = [touchy, patient.clone(), blind];
        assert_eq!(best(&all), Some(&patient));
        assert_eq!(patient.flags, "--fall 4");
    }

    #[test]
    fn every_candidate_can_fire() {
        for config in candidates(TIMING) {
            assert_eq!(config.check(TIMING), Ok(()), "{config:?}");
        }
        let records = [record(&format!("{}{}..", ".".repeat(30), "x".repeat(20)))];
        for config in candidates(TIMING) {
            let score = score(&records, config, TIMING, ms(5_000));
            assert_eq!((score.detected, score.false_alarms), (1, 0), "{score:?}");
        }
    }
}
