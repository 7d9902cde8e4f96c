//! Connections that come and are dropped, some in the middle of a message: so many a second, whatever the
//! server does.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::super::sys;
use super::{Job, Outcome, Pattern, per_second, source};

/// How often some are begun, and the oldest dropped.
const BEAT: Duration = Duration::from_millis(5);
/// How many beats each is held.
const HELD: usize = 4;

/// Makes `connections` a second for the job's time. One in three says nothing, one is reset with its
/// answer on the way, one ends as it should.
pub(super) fn run(job: &Job) -> io::Result<Outcome> {
    let pattern = Pattern::new();
    let each = job.connections as u64 * u64::try_from(BEAT.as_millis()).unwrap_or(1) / 1_000;
    let mut held: std::collections::VecDeque<Vec<TcpStream>> = std::collections::VecDeque::new();
    let (began, mut made, mut beats) = (Instant::now(), 0_usize, 0_u32);
    while began.elapsed() < job.time {
        let mut fresh = Vec::new();
        for _ in 0..each {
            fresh.push(sys::connect(source(made % 64 * 2_000), job.to())?);
            made += 1;
        }
        held.push_back(fresh);
        if held.len() > HELD {
            for (nth, stream) in held.pop_front().into_iter().flatten().enumerate() {
                drop_one(nth, stream, &pattern, job.size)?;
            }
        }
        beats += 1;
        // A beat that comes late is not made up for by more at once than a backlog takes.
        std::thread::sleep((BEAT * beats).saturating_sub(began.elapsed()));
    }
    Ok(Outcome {
        rate: per_second(made as u64, began.elapsed()),
        held: per_second(made as u64, Duration::from_secs(1)),
        ..Outcome::default()
    })
}

fn drop_one(nth: usize, mut stream: TcpStream, pattern: &Pattern, size: usize) -> io::Result<()> {
    if !nth.is_multiple_of(3) {
        match stream.write(pattern.part(nth, 0, size)) {
            // Not even connected yet: it is dropped as it is.
            Err(error) if super::messages::waits(&error) => {}
            result => drop(result?),
        }
    }
    if nth % 3 == 1 {
        sys::reset_at_close(&stream);
    }
    Ok(())
}
