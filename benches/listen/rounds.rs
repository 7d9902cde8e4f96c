//! Interleaved rounds of the load on all servers, and the table of their medians.

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::load::{Job, Outcome};
use super::peers::{Kind, Peer, Running};
use super::{sys, tree};

/// Which processors server and client have; none is "as the scheduler likes".
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) name: &'a str,
    pub(crate) server: &'a [usize],
    pub(crate) client: &'a [usize],
}

/// What is measured, and what is claimed of it.
pub(crate) struct Case<'a> {
    pub(crate) title: &'a str,
    pub(crate) job: Job,
    /// How often each server does it.
    pub(crate) rounds: usize,
    /// The unit of a rate, and what it is divided by.
    pub(crate) unit: (&'a str, f64),
    /// netkit's rate is at least so many times this server's.
    pub(crate) claim: fn(Kind) -> Option<f64>,
}

/// One round of one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) outcome: Outcome,
    /// Processor time of the server.
    pub(crate) cpu: Duration,
}

/// Measures a case on all servers that take so many connections; prints a table.
pub(crate) fn compare(case: &Case<'_>, place: Place<'_>, peers: &[Peer]) {
    println!("\n{}, {}", case.title, place.name);
    let streams = case.job.kind != "datagrams";
    let fits = |peer: &&Peer| peer.most >= case.job.connections;
    let servers: Vec<_> = peers
        .iter()
        .filter(fits)
        .zip(7_000..)
        .filter_map(
            |(peer, port)| match Running::start(peer, port, place.server, streams) {
                Ok(running) => Some((peer, running)),
                Err(error) => {
                    println!("  {}: not measured: {error}", peer.name);
                    None
                }
            },
        )
        .collect();
    let mut all: Vec<Vec<Option<Round>>> = vec![Vec::new(); servers.len()];
    for round in 0..case.rounds {
        for turn in 0..servers.len() {
            // Another one begins each round: nobody always runs after the same neighbour.
            let index = (turn + round) % servers.len();
            let (peer, running) = &servers[index];
            if all[index].iter().any(Option::is_none) {
                all[index].push(None); // it failed once, and would again
                continue;
            }
            let result = measure(&case.job, running, place.client);
            if let Err(error) = &result {
                println!("  {}: {error}", peer.name);
            }
            all[index].push(result.ok());
        }
    }
    let peers: Vec<_> = servers.iter().map(|(peer, _)| *peer).collect();
    print_table(case, &peers, &all);
}

/// Has the load generator, on its processors, do the job with a server.
pub(crate) fn measure(job: &Job, server: &Running, cpus: &[usize]) -> io::Result<Round> {
    let job = Job {
        port: server.port,
        server: server.pid(),
        ..job.clone()
    };
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--load").args(job.words()).stdin(Stdio::null());
    if !cpus.is_empty() {
        sys::pin(&mut command, cpus);
    }
    let before = tree::time(server.pid());
    let output = command.output()?;
    let cpu = tree::time(server.pid()).saturating_sub(before);
    let line = String::from_utf8_lossy(&output.stdout);
    let outcome = Outcome::read(&line).ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        io::Error::other(format!("no result: {}", said.trim()))
    })?;
    Ok(Round { outcome, cpu })
}

fn print_table(case: &Case<'_>, peers: &[&Peer], all: &[Vec<Option<Round>>]) {
    let (unit, divisor) = case.unit;
    println!(
        "  {:26}{unit:>12}  {:>9}  {:>9}  {:>9}  {:>7}  {:>14}",
        "", "p50 us", "p99 us", "cpu s", "ratio", "claimed"
    );
    for (peer, rounds) in peers.iter().zip(all) {
        let of = |what: fn(&Round) -> f64| median(rounds.iter().flatten().map(what).collect());
        let Some(rate) = of(|round| round.outcome.rate) else {
            println!("  {:26}{:>12}", peer.name, "-");
            continue;
        };
        let cell = |value: Option<f64>, digits: usize| format!("{:.digits$}", value.unwrap_or(0.0));
        let ratio = ratio(&all[0], rounds);
        println!(
            "  {:26}{:>12.2}  {:>9}  {:>9}  {:>9}  {:>6}x  {:>14}",
            peer.name,
            rate / divisor,
            cell(of(|round| round.outcome.p50_us), 1),
            cell(of(|round| round.outcome.p99_us), 1),
            cell(of(|round| round.cpu.as_secs_f64()), 2),
            cell(ratio, 2),
            verdict((case.claim)(peer.kind), ratio),
        );
    }
}

/// The median of the ratios within each round: what disturbs a round disturbs both.
fn ratio(ours: &[Option<Round>], theirs: &[Option<Round>]) -> Option<f64> {
    let each = ours.iter().zip(theirs).filter_map(|(ours, theirs)| {
        Some(ours.as_ref()?.outcome.rate / theirs.as_ref()?.outcome.rate)
    });
    median(each.collect())
}

pub(crate) fn verdict(claim: Option<f64>, ratio: Option<f64>) -> String {
    match claim.zip(ratio) {
        Some((claim, ratio)) if ratio >= claim => format!(">= {claim:.2} holds"),
        Some((claim, _)) => format!(">= {claim:.2} MISSED"),
        None => String::new(),
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len().is_multiple_of(2) {
        return Some(f64::midpoint(upper, values[middle - 1]));
    }
    Some(upper)
}
