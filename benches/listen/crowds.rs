//! Very many connections that are silent, the models of the textbook, and the first accept.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

use super::load::{Job, Outcome};
use super::peers::{Kind, Peer, Running};
use super::rounds::{Place, measure, median, verdict};
use super::sys;

/// What a silent connection may cost netkit, bytes of user memory.
const MEMORY: f64 = 1_024.0;
/// netkit accepts at least so many times as fast as C.
const ACCEPTS: f64 = 0.9;
/// From the start of the process to the first answer, milliseconds.
const FIRST: f64 = 3.0;

fn job(connections: usize) -> Job {
    Job {
        kind: "crowd".to_owned(),
        port: 0,
        connections,
        size: 64,
        time: Duration::ZERO,
        server: 0,
        first: 0,
    }
}

/// Connections that are silent, then each says one message.
pub(crate) fn silent(peers: &[Peer], connections: usize, place: Place<'_>, rounds: usize) {
    println!(
        "\nsilent: {connections} connections, then one message each, {}",
        place.name
    );
    let peers: Vec<_> = peers
        .iter()
        .filter(|peer| peer.most >= connections)
        .collect();
    table(&peers, rounds, |peer| once(peer, connections, place));
}

/// Measures each peer in every round, and shows what silent connections cost it.
pub(crate) fn table(peers: &[&Peer], rounds: usize, once: impl Fn(&Peer) -> io::Result<Outcome>) {
    println!(
        "  {:26}{:>8}  {:>10}  {:>10}  {:>12}  {:>7}  {:>14}",
        "", "held", "idle B", "used B", "accepts/s", "ratio", "claimed"
    );
    let mut all: Vec<Vec<Outcome>> = vec![Vec::new(); peers.len()];
    for _ in 0..rounds {
        for (peer, outcomes) in peers.iter().zip(&mut all) {
            match once(peer) {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => println!("  {}: {error}", peer.name),
            }
        }
    }
    let rates = |outcomes: &[Outcome]| median(outcomes.iter().map(|o| o.rate).collect());
    let ours = all.first().and_then(|ours| rates(ours));
    for (peer, outcomes) in peers.iter().zip(&all) {
        row(peer, outcomes, ours);
    }
}

fn row(peer: &Peer, outcomes: &[Outcome], ours: Option<f64>) {
    let of = |what: fn(&Outcome) -> f64| median(outcomes.iter().map(what).collect());
    let (idle, used, rate) = (of(|o| o.idle_bytes), of(|o| o.used_bytes), of(|o| o.rate));
    let ratio = ours.zip(rate).map(|(ours, theirs)| ours / theirs);
    let claim = match peer.kind {
        Kind::Netkit if used.is_some_and(|used| used <= MEMORY) => "<= 1 KiB holds".to_owned(),
        Kind::Netkit => "<= 1 KiB MISSED".to_owned(),
        Kind::C => verdict(Some(ACCEPTS), ratio),
        _ => String::new(),
    };
    println!(
        "  {:26}{:>8.0}  {:>10.0}  {:>10.0}  {:>12.0}  {:>6.2}x  {claim:>14}",
        peer.name,
        of(|o| o.held).unwrap_or_default(),
        idle.unwrap_or_default(),
        used.unwrap_or_default(),
        rate.unwrap_or_default(),
        ratio.unwrap_or_default(),
    );
}

/// A fresh server: memory that was given back once is not counted again.
fn once(peer: &Peer, connections: usize, place: Place<'_>) -> io::Result<Outcome> {
    let server = Running::start(peer, 7_100, place.server, true)?;
    Ok(measure(&job(connections), &server, place.client)?.outcome)
}

/// How far each model goes: connections held and answered, memory, processor time, latency.
pub(crate) fn models(peers: &[Peer], sizes: &[usize]) {
    println!("\nmodels: so many connections at once, one 64 B message each");
    println!(
        "  {:26}{:>8}  {:>8}  {:>10}  {:>9}  {:>9}  {:>9}",
        "", "wanted", "held", "memory", "cpu s", "p50 us", "p99 us"
    );
    for peer in peers {
        for &wanted in sizes.iter().filter(|&&size| size <= peer.most) {
            let result = Running::start(peer, 7_200, &[], true)
                .and_then(|server| measure(&job(wanted), &server, &[]));
            match result {
                Ok(round) => println!(
                    "  {:26}{wanted:>8}  {:>8.0}  {:>6.1} MiB  {:>9.2}  {:>9.0}  {:>9.0}",
                    peer.name,
                    round.outcome.held,
                    round.outcome.memory / f64::from(1 << 20),
                    round.cpu.as_secs_f64(),
                    round.outcome.p50_us,
                    round.outcome.p99_us,
                ),
                Err(error) => println!("  {:26}{wanted:>8}  {error}", peer.name),
            }
        }
    }
}

/// From the start of the process to the first answer.
pub(crate) fn first_accept(peers: &[Peer], rounds: usize) {
    println!("\nstart: from the start of the process to the first echoed byte");
    println!(
        "  {:26}{:>10}  {:>10}  {:>14}",
        "", "median ms", "fastest", "claimed"
    );
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    for _ in 0..rounds {
        for (peer, times) in peers.iter().zip(&mut all) {
            times.extend(start(peer, 7_300));
        }
    }
    for (peer, mut times) in peers.iter().zip(all) {
        times.sort_by(f64::total_cmp);
        let fastest = times.first().copied().unwrap_or_default();
        let middle = median(times).unwrap_or_default();
        let claim = match peer.kind {
            Kind::Netkit if middle < FIRST => "< 3 ms holds",
            Kind::Netkit => "< 3 ms MISSED",
            _ => "",
        };
        println!(
            "  {:26}{middle:>10.2}  {fastest:>10.2}  {claim:>14}",
            peer.name
        );
    }
}

/// Milliseconds; `None` when it did not answer.
fn start(peer: &Peer, port: u16) -> Option<f64> {
    let mut command = peer.command(port);
    let began = Instant::now();
    let mut child = command.spawn().ok()?;
    let answered = first_byte(port, began);
    let took = began.elapsed();
    end(&mut child);
    answered.then_some(took.as_secs_f64() * 1e3)
}

fn first_byte(port: u16, began: Instant) -> bool {
    while began.elapsed() < Duration::from_secs(5) {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
            std::thread::yield_now();
            continue;
        };
        let mut answer = [0];
        let said = stream
            .write_all(b"!")
            .and_then(|()| stream.read_exact(&mut answer));
        sys::reset_at_close(&stream);
        return said.is_ok() && answer == *b"!";
    }
    false
}

fn end(child: &mut Child) {
    // A server that ends by itself is as well.
    let _ = child.kill();
    let _ = child.wait();
}
