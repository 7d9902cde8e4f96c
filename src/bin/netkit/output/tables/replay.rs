//! How detectors would have done on a recorded run, as a table.

use netkit::heartbeat::replay::Score;
use netkit::time::Millis;

use crate::output::View;
use crate::output::facts::counted;
use crate::output::json::heartbeat::Replay;
use crate::output::style::Tone;
use crate::output::table::{Align, Table};

/// One row a detector, and which to take.
pub(crate) fn replay(replay: &Replay, view: &View) -> String {
    let Replay {
        beats,
        targets,
        outages,
        outage_min_ms,
        ..
    } = replay;
    let mut text = format!(
        "{} of {}; {}, silences of {outage_min_ms} and more\n",
        counted(*beats, "beat"),
        counted(*targets, "target"),
        counted(*outages, "outage"),
    );
    let columns = [
        ("detector", Align::Left),
        ("detected", Align::Right),
        ("missed", Align::Right),
        ("false", Align::Right),
        ("mean", Align::Right),
        ("max", Align::Right),
    ];
    let mut table = Table::new(*view, &columns);
    for score in &replay.detectors {
        table.row(&row(score, replay.best.as_ref() == Some(&score.flags)));
    }
    put!(text, "{table}");
    let advice = match &replay.best {
        Some(flags) => format!("the fastest that was always right: {flags}"),
        None if *outages == 0 => "no outage to detect: see which raise no false alarm".to_owned(),
        None => "none was always right".to_owned(),
    };
    put!(text, "{}\n", view.paint(Tone::Strong, &advice));
    text
}

fn row(score: &Score, best: bool) -> Vec<(String, Tone)> {
    let tone = if best { Tone::Good } else { Tone::Plain };
    let bad = |count: u64| {
        let tone = if count > 0 { Tone::Warn } else { tone };
        (count.to_string(), tone)
    };
    let time = |time: Option<Millis>| {
        let text = time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        (text, tone)
    };
    vec![
        (score.flags.clone(), tone),
        (score.detected.to_string(), tone),
        bad(score.missed),
        bad(score.false_alarms),
        time(score.detection_mean_ms),
        time(score.detection_max_ms),
    ]
}
