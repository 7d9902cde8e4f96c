//! What `netkit listen --forward` costs, next to socat and haproxy: one long stream each way, many small
//! exchanges, and a mirror that must not be noticed.
//!
//!     cargo bench --bench forward [-- --quick] [up|down|exchanges|mirror]
//!
//! Runs in a network namespace of its own. Clients and service are threads of this process; every byte
//! that arrives is verified. Rounds are interleaved, and what is compared is the median of the ratios
//! within each round.
#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

mod forwarders;
mod load;
mod shadows;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "../support/space.rs"]
mod space;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "../support/mod.rs"]
mod support;

use std::io;
use std::time::Duration;

use forwarders::{Forwarder, Running};
use load::{Job, Service};
use shadows::Shadow;
use support::{Options, process};

fn main() -> io::Result<()> {
    if let Err(error) = space::enter() {
        println!("skipped: no network namespace of our own: {error}");
        return Ok(());
    }
    space::raise_descriptor_limit()?;
    let options = Options::read();
    let service = Service::start()?;
    // Many short rounds: what disturbs a machine lasts longer than one, and so meets all alike.
    let size = options.pick(256 << 20, 64 << 20);
    let rounds = options.pick(25, 1);
    let exchanges = options.pick(5_000, 500);
    let cases = [
        ("up: a stream to the service", Job::Up(size)),
        ("down: a stream from the service", Job::Down(size)),
        (
            "exchanges: 64 B, 1 connection",
            Job::Exchanges(1, exchanges),
        ),
        (
            "exchanges: 64 B, 64 connections",
            Job::Exchanges(64, exchanges / 16),
        ),
    ];
    let peers = forwarders::all(&service)?;
    for (title, job) in cases {
        if options.wants(title) {
            compare(title, job, &peers, rounds);
        }
    }
    if options.wants("mirror") {
        let shadows = Shadow::start_all()?;
        let mirrored = forwarders::mirrored(&service, &shadows);
        compare(
            "mirror: a stream to the service",
            Job::Up(size),
            &mirrored,
            rounds,
        );
        compare(
            "mirror: exchanges of 64 B, 1 connection",
            Job::Exchanges(1, exchanges),
            &mirrored,
            rounds,
        );
    }
    Ok(())
}

/// Measures a job through every forwarder, in turn and again; prints a table.
fn compare(title: &str, job: Job, forwarders: &[Forwarder], rounds: usize) {
    println!("\n{title}");
    let running: Vec<_> = forwarders
        .iter()
        .zip(7_000..)
        .filter_map(|(forwarder, port)| match Running::start(forwarder, port) {
            Ok(running) => Some((forwarder, running)),
            Err(error) => {
                println!("  {}: not measured: {error}", forwarder.name);
                None
            }
        })
        .collect();
    let mut times: Vec<Vec<Option<Duration>>> = vec![Vec::new(); running.len()];
    // The first round only warms up.
    for round in 0..=rounds {
        for turn in 0..running.len() {
            // Another one begins each round: nobody always runs after the same neighbour.
            let index = (turn + round) % running.len();
            let (forwarder, running) = &running[index];
            let taken = job.run(running.port);
            if let Err(error) = &taken {
                println!("  {}: {error}", forwarder.name);
            }
            if round > 0 {
                times[index].push(taken.ok());
            }
        }
    }
    print_table(job, &running, &times);
}

fn print_table(job: Job, running: &[(&Forwarder, Running)], times: &[Vec<Option<Duration>>]) {
    let (unit, amount) = job.unit();
    println!("  {:32}{unit:>10}  {:>7}  {:>16}", "", "ratio", "claimed");
    for ((forwarder, _), rounds) in running.iter().zip(times) {
        let each = rounds.iter().flatten().map(Duration::as_secs_f64);
        let Some(time) = median(each.collect()) else {
            println!("  {:32}{:>10}", forwarder.name, "-");
            continue;
        };
        let ratio = ratio(&times[0], rounds);
        println!(
            "  {:32}{:>10.2}  {:>6.2}x  {:>16}",
            forwarder.name,
            amount / time,
            ratio.unwrap_or_default(),
            verdict(forwarder.claim, ratio),
        );
    }
}

/// How many times as fast as that one the first is: the median of the rounds.
fn ratio(ours: &[Option<Duration>], theirs: &[Option<Duration>]) -> Option<f64> {
    let each = ours.iter().zip(theirs).filter_map(|(ours, theirs)| {
        Some(theirs.as_ref()?.as_secs_f64() / ours.as_ref()?.as_secs_f64())
    });
    median(each.collect())
}

fn verdict(claim: Option<(f64, f64)>, ratio: Option<f64>) -> String {
    match claim.zip(ratio) {
        Some(((least, most), ratio)) => {
            let holds = if (least..=most).contains(&ratio) {
                "holds"
            } else {
                "MISSED"
            };
            if most.is_finite() {
                format!("<= {most:.2} {holds}")
            } else {
                format!(">= {least:.2} {holds}")
            }
        }
        None => String::new(),
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len().is_multiple_of(2) {
        return Some(f64::midpoint(upper, values[middle - 1]));
    }
    Some(upper)
}
