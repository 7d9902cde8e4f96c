//! `heartbeat --replay`: reads the lines of a recorded run and scores detectors by them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::time::{Duration, SystemTime};

use netkit::heartbeat::event::{Beat, Stall};
use netkit::heartbeat::replay::{self, Recording};
use netkit::policy::detector::Timing;
use netkit::time::Millis;
use serde_json::Value;

use super::input::unreadable;
use super::{Trouble, finish};
use crate::exit::Exit;
use crate::output::Out;
use crate::output::json::Line;
use crate::output::json::heartbeat::Replay;
use crate::output::tables::replay as table;
use crate::plan::{Format, OutputSettings, ReplayPlan};
use crate::usage::UsageError;

/// What is read of a record.
#[derive(Debug, Default)]
struct Read {
    targets: BTreeMap<String, Recording>,
    stalls: Vec<(Duration, Stall)>,
    /// As the summary tells it; a record that was cut off has none.
    timing: Option<Timing>,
}

/// Scores as planned and says how netkit ends.
pub(crate) fn run(plan: &ReplayPlan, output: OutputSettings) -> Exit {
    let json = matches!(output.format, Format::Json | Format::Pretty);
    let mut out = Out::default();
    let ended = carry_out(plan, output, &mut out).map(|()| Exit::Success);
    finish(&mut out, ended.unwrap_or_else(|trouble| trouble.tell(json)))
}

fn carry_out(plan: &ReplayPlan, output: OutputSettings, out: &mut Out) -> Result<(), Trouble> {
    let read = crate::signal::ending_at_once(|| read(plan))?;
    let records: Vec<_> = read.records();
    let intervals = records.iter().filter_map(Recording::interval);
    let known = read.timing.or_else(|| {
        let interval = intervals.min()?;
        let timeout = interval.min(netkit::heartbeat::config::TIMEOUT);
        Some(Timing { interval, timeout })
    });
    let Some(timing) = known else {
        let message = format!("{} holds fewer than two beats", plan.file.display());
        return Err(UsageError::new(message, "what `heartbeat --json` has printed").into());
    };
    let least = plan
        .outage_min
        .unwrap_or_else(|| timing.interval.saturating_mul(OUTAGE_INTERVALS));
    let detectors: Vec<_> = replay::candidates(timing)
        .into_iter()
        .map(|config| replay::score(&records, config, timing, least))
        .collect();
    let report = Replay {
        beats: records.iter().map(|record| record.beats() as u64).sum(),
        targets: records.len() as u64,
        outages: records
            .iter()
            .map(|record| record.outages(least).len() as u64)
            .sum(),
        outage_min_ms: least.into(),
        interval_ms: timing.interval.into(),
        timeout_ms: timing.timeout.into(),
        best: replay::best(&detectors).map(|best| best.flags.clone()),
        detectors,
    };
    let line = || Line::new("replay", SystemTime::now(), Duration::ZERO, &report);
    let text = match output.format {
        Format::Json => line().compact(output.view.rich),
        Format::Pretty => line().pretty(output.view.rich),
        Format::Human => table::replay(&report, &output.view),
        Format::Quiet => String::new(),
    };
    // What is wrong with standard output is told at the end.
    let _ = out.write(&text);
    Ok(())
}

/// Without `--outage-min`: a silence of so many intervals was an outage.
const OUTAGE_INTERVALS: u32 = 5;

fn read(plan: &ReplayPlan) -> Result<Read, Trouble> {
    let path = plan.file.display();
    let trouble = |error: &_| unreadable("reading --replay", error, &path.to_string());
    let file = File::open(&plan.file).map_err(|error| trouble(&error))?;
    let mut read = Read::default();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.map_err(|error| trouble(&error))?;
        if line.trim().is_empty() {
            continue;
        }
        read.line(&line).map_err(|error| {
            let message = format!("{path}, line {number}: {error}");
            UsageError::new(message, "a line of `heartbeat --json`")
        })?;
    }
    Ok(read)
}

impl Read {
    fn line(&mut self, line: &str) -> Result<(), serde_json::Error> {
        let value: Value = serde_json::from_str(line)?;
        let at = || serde_json::from_value::<Millis>(value["at_ms"].clone()).map(|at| at.0);
        match value["type"].as_str() {
            Some("beat") => {
                let (at, beat) = (at()?, serde_json::from_value::<Beat>(value.clone())?);
                let target: String = serde_json::from_value(value["target"].clone())?;
                self.targets.entry(target).or_default().beat(at, &beat);
            }
            Some("stall") => {
                let stall = serde_json::from_value(value.clone())?;
                self.stalls.push((at()?, stall));
            }
            Some("summary") => {
                let config = &value["config"];
                let time = |key: &str| serde_json::from_value::<Millis>(config[key].clone());
                let (interval, timeout) = (time("interval_ms")?.0, time("timeout_ms")?.0);
                self.timing = Some(Timing { interval, timeout });
            }
            _ => {}
        }
        Ok(())
    }

    /// The targets, each with the stalls, which concern all of them.
    fn records(&self) -> Vec<Recording> {
        let with_stalls = |record: &Recording| {
            let mut record = record.clone();
            for (at, stall) in &self.stalls {
                record.stall(*at, *stall);
            }
            record
        };
        self.targets.values().map(with_stalls).collect()
    }
}
