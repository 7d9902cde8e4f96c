//! Ten thousand connections a second that come and are dropped, for a minute, beside some that stay and
//! verify every byte: what is left of them in the server afterwards.

use std::io;
use std::time::{Duration, Instant};

use super::load::Job;
use super::peers::{Kind, Peer, Running};
use super::rounds::measure;
use super::tree;

/// Connections a second.
const DROPS: usize = 10_000;
/// Connections that stay and exchange messages meanwhile.
const STAY: usize = 16;
/// What may be left of all that are gone, bytes.
const LEFT: u64 = 256 << 10;

fn job(kind: &str, connections: usize, time: Duration) -> Job {
    Job {
        kind: kind.to_owned(),
        port: 0,
        connections,
        size: 64,
        time,
        server: 0,
        first: 0,
    }
}

/// Runs netkit and C through it.
pub(crate) fn run(peers: &[Peer], time: Duration) {
    println!(
        "\nendure: {DROPS} connects and drops a second for {} s, {STAY} others verify 64 B messages",
        time.as_secs()
    );
    println!(
        "  {:26}{:>9}  {:>9}  {:>9}  {:>11}  {:>10}  {:>16}",
        "", "drops/s", "msgs k/s", "p99 us", "descriptors", "memory B", "claimed"
    );
    for peer in peers
        .iter()
        .filter(|peer| matches!(peer.kind, Kind::Netkit | Kind::C))
    {
        if let Err(error) = one(peer, time) {
            println!("  {}: {error}", peer.name);
        }
    }
}

fn one(peer: &Peer, time: Duration) -> io::Result<()> {
    let server = Running::start(peer, 7_400, &[], true)?;
    // What it needs but once, it has afterwards.
    measure(&job("drops", DROPS, time / 10), &server, &[])?;
    settle(&server);
    let before = (tree::descriptors(server.pid()), tree::memory(server.pid()));
    let (dropped, stayed) = std::thread::scope(|scope| {
        let drops = scope.spawn(|| measure(&job("drops", DROPS, time), &server, &[]));
        let stayed = measure(&job("messages", STAY, time), &server, &[]);
        (drops.join(), stayed)
    });
    let dropped = dropped.map_err(|_| io::Error::other("the load has panicked"))??;
    let stayed = stayed?;
    settle(&server);
    let after = (tree::descriptors(server.pid()), tree::memory(server.pid()));
    let left = after.1.saturating_sub(before.1);
    let claim = match peer.kind {
        Kind::Netkit if after.0 == before.0 && left <= LEFT => "no leak: holds",
        Kind::Netkit => "no leak: MISSED",
        _ => "",
    };
    println!(
        "  {:26}{:>9.0}  {:>9.1}  {:>9.0}  {:>5} {:>5}  {left:>10}  {claim:>16}",
        peer.name,
        dropped.outcome.rate,
        stayed.outcome.rate / 1e3,
        stayed.outcome.p99_us,
        before.0,
        after.0,
    );
    Ok(())
}

/// Waits until it closes nothing any more.
fn settle(server: &Running) {
    let mut last = (tree::descriptors(server.pid()), Instant::now());
    while last.1.elapsed() < Duration::from_millis(300) {
        std::thread::sleep(Duration::from_millis(10));
        let now = tree::descriptors(server.pid());
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
}
