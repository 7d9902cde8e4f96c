//! More connections than one process may have descriptors for: several processes share the port
//! (`SO_REUSEPORT`), and as many have the clients. On a machine that allows enough there is one of each.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::crowds::table;
use super::load::{Job, Outcome};
use super::peers::{Peer, Running};
use super::tree;

/// The port that all share.
const PORT: u16 = 7_400;
/// The kernel spreads connections by chance: so many in a hundred of what a process may hold are counted
/// on, which is ten standard deviations from the limit.
const FILLED: usize = 95;

/// Holds `wanted` connections, at most `each` a process; then each says one message.
pub(crate) fn run(peers: &[Peer], wanted: usize, each: usize, rounds: usize) {
    let processes = wanted.div_ceil(each * FILLED / 100);
    println!(
        "\nmultitude: {wanted} silent connections on one port, then one message each; {processes} \
         processes, each of at most {each}"
    );
    let peers: Vec<_> = peers.iter().collect();
    table(&peers, rounds, |peer| once(peer, wanted, processes));
}

fn once(peer: &Peer, wanted: usize, processes: usize) -> io::Result<Outcome> {
    let mut servers = Vec::new();
    for at in 1..=processes {
        servers.push(Running::start(peer, PORT, &[], true)?);
        joined(at)?;
    }
    let memory = || {
        servers
            .iter()
            .map(|server| tree::memory(server.pid()))
            .sum::<u64>()
    };
    let share = wanted.div_ceil(processes);
    let mut crowds = Vec::new();
    for first in (0..wanted).step_by(share) {
        crowds.push(Crowd::new(first, share.min(wanted - first))?);
    }
    let before = memory();
    let began = Instant::now();
    all(&mut crowds, "gathered")?;
    let accepted_in = began.elapsed();
    let idle = memory();
    all(&mut crowds, "exchanged")?;
    let used = memory();
    let mut outcome = Outcome::default();
    for crowd in &mut crowds {
        let part = crowd.end()?;
        outcome.held += part.held;
        outcome.p50_us = outcome.p50_us.max(part.p50_us);
        outcome.p99_us = outcome.p99_us.max(part.p99_us);
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a size needs no 53 bits of precision"
    )]
    let each = |now: u64| now.saturating_sub(before) as f64 / outcome.held.max(1.0);
    Ok(Outcome {
        rate: outcome.held / accepted_in.as_secs_f64(),
        idle_bytes: each(idle),
        used_bytes: each(used),
        ..outcome
    })
}

/// Waits until so many listen at the port: that somebody answers says nothing of the last.
fn joined(wanted: usize) -> io::Result<()> {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let (listening, port) = ("0A", format!(":{PORT:04X}"));
        let sockets = std::fs::read_to_string("/proc/net/tcp")?;
        let there = sockets.lines().filter(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let local = fields.next().is_some_and(|local| local.ends_with(&port));
            local && fields.nth(1) == Some(listening)
        });
        if there.count() >= wanted {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(io::Error::other("a server did not join the others"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Has all take the next step at once, and waits until all have.
fn all(crowds: &mut [Crowd], step: &str) -> io::Result<()> {
    crowds.iter_mut().try_for_each(Crowd::go)?;
    crowds.iter_mut().try_for_each(|crowd| crowd.has(step))
}

/// A process that has some of the clients.
struct Crowd {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Crowd {
    fn new(first: usize, connections: usize) -> io::Result<Self> {
        let job = Job {
            kind: "multitude".to_owned(),
            port: PORT,
            connections,
            size: 64,
            time: Duration::ZERO,
            server: 0,
            first,
        };
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--load")
            .args(job.words())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let says = BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        Ok(Self { child, says })
    }

    fn go(&mut self) -> io::Result<()> {
        let stdin = self.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(b"go\n")
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn has(&mut self, step: &str) -> io::Result<()> {
        let line = self.line()?;
        if line == step {
            return Ok(());
        }
        Err(io::Error::other(format!("a client has not {step}")))
    }

    fn end(&mut self) -> io::Result<Outcome> {
        self.go()?;
        let line = self.line()?;
        Outcome::read(&line).ok_or_else(|| io::Error::other("a client gave no numbers"))
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // It ends by itself unless something has gone wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
