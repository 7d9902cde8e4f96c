//! Reading one connection out of a record that `listen --record` has written.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use netkit::dial::Replay;
use netkit::dial::report::Bytes;
use netkit::time::Millis;
use serde::Deserialize;

use super::Trouble;
use super::input::unreadable;
use crate::plan::RecordPlan;
use crate::usage::UsageError;

/// What is read of a line; the rest is not needed.
#[derive(Deserialize)]
struct Line {
    r#type: String,
}

/// One piece of a record.
#[derive(Deserialize)]
struct Piece {
    id: u64,
    at_ms: Millis,
    direction: Direction,
    data: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Direction {
    Up,
    Down,
}

/// Reads the connection that the plan names, or the first. Other connections are only counted, other
/// types of lines passed over.
pub(super) fn read(plan: &RecordPlan) -> Result<Arc<Replay>, Trouble> {
    let name = plan.file.display().to_string();
    let trouble = |error: &_| unreadable("reading --replay", error, &name);
    let file = File::open(&plan.file).map_err(|error| trouble(&error))?;
    let mut replay = Replay {
        fast: plan.fast,
        ..Replay::default()
    };
    let (mut wanted, mut seen) = (plan.connection, BTreeSet::new());
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.map_err(|error| trouble(&error))?;
        let piece = parse(&line).map_err(|error| {
            let message = format!("{name}, line {number}: {error}");
            UsageError::new(message, "a line that `listen --record` has written")
        })?;
        let Some(piece) = piece else { continue };
        seen.insert(piece.id);
        if *wanted.get_or_insert(piece.id) == piece.id {
            let bytes = piece.data.to_vec();
            match piece.direction {
                Direction::Up => replay.recording.say(piece.at_ms.0, &bytes),
                Direction::Down => replay.recording.answer(piece.at_ms.0, &bytes),
            }
        }
    }
    if replay.recording.is_empty() {
        return Err(missing(plan, &name, &seen).into());
    }
    replay.connection = wanted.unwrap_or_default();
    replay.connections = seen.len() as u64;
    Ok(Arc::new(replay))
}

fn parse(line: &str) -> Result<Option<Piece>, serde_json::Error> {
    if line.trim().is_empty() || serde_json::from_str::<Line>(line)?.r#type != "piece" {
        return Ok(None);
    }
    serde_json::from_str(line).map(Some)
}

/// Numbers that are named to who asked for another.
const NAMED: usize = 8;

fn missing(plan: &RecordPlan, name: &str, seen: &BTreeSet<u64>) -> UsageError {
    let ids: Vec<_> = seen.iter().take(NAMED).map(ToString::to_string).collect();
    match (plan.connection, ids.len()) {
        (Some(id), 1..) => {
            let more = if seen.len() > NAMED { ", …" } else { "" };
            let message = format!("{name} holds no connection {id}");
            UsageError::new(message, format!("one of {}{more}", ids.join(", ")))
        }
        _ => UsageError::new(
            format!("{name} holds no connection"),
            "what `listen --record` has written",
        ),
    }
}
