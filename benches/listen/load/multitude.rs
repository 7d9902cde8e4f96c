//! One of the processes that make a crowd together: what each step is, and when it begins, is said on
//! standard input.

use std::io::{self, BufRead, Write};
use std::time::Duration;

use super::super::sys;
use super::crowd::{TALKING, exchange, gather};
use super::{Job, Outcome, Pattern, per_second};

/// Connects all, and says so; then, when told to, has each exchange one message.
pub(super) fn run(job: &Job) -> io::Result<Outcome> {
    let (pattern, wanted) = (Pattern::new(), job.connections);
    wait()?;
    let mut crowd = gather(job, wanted)?;
    // Those that came last are answered once all are accepted.
    let tail = wanted.saturating_sub(TALKING);
    let mut latencies = exchange(&mut crowd[tail..], &pattern, job.size)?;
    println!("gathered");
    io::stdout().flush()?;
    wait()?;
    let mut all = exchange(&mut crowd[..tail], &pattern, job.size)?;
    latencies.0.append(&mut all.0);
    let held = crowd.iter().flatten().count() as u64;
    let (p50_us, p99_us) = latencies.quantiles();
    println!("exchanged");
    io::stdout().flush()?;
    // Until the memory of the servers was looked at.
    wait()?;
    crowd
        .iter()
        .flatten()
        .for_each(|(_, stream)| sys::reset_at_close(stream));
    Ok(Outcome {
        p50_us,
        p99_us,
        held: per_second(held, Duration::from_secs(1)),
        ..Outcome::default()
    })
}

/// Waits for a line.
fn wait() -> io::Result<()> {
    match io::stdin().lock().read_line(&mut String::new())? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
