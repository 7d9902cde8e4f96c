//! The load generator: a process of its own, one thread, one epoll loop, every byte verified.
//!
//! `--load KIND PORT CONNECTIONS SIZE MILLIS PID FIRST`; it prints one line of numbers.

mod churn;
mod crowd;
mod datagrams;
mod drops;
mod messages;
mod multitude;

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use super::space;

/// What one run is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// `messages`, `stream`, `blind`, `churn`, `drops`, `datagrams`, `crowd`, `multitude`.
    pub(crate) kind: String,
    pub(crate) port: u16,
    pub(crate) connections: usize,
    /// Bytes of a message.
    pub(crate) size: usize,
    pub(crate) time: Duration,
    /// The server, whose memory is looked at.
    pub(crate) server: u32,
    /// The number of its first connection, where several of these share a crowd.
    pub(crate) first: usize,
}

impl Job {
    /// The words after `--load`.
    pub(crate) fn words(&self) -> [String; 7] {
        [
            self.kind.clone(),
            self.port.to_string(),
            self.connections.to_string(),
            self.size.to_string(),
            self.time.as_millis().to_string(),
            self.server.to_string(),
            self.first.to_string(),
        ]
    }

    fn read(words: &[String]) -> Option<Self> {
        let [kind, port, connections, size, millis, server, first] = words else {
            return None;
        };
        Some(Self {
            kind: kind.clone(),
            port: port.parse().ok()?,
            connections: connections.parse().ok()?,
            size: size.parse().ok()?,
            time: Duration::from_millis(millis.parse().ok()?),
            server: server.parse().ok()?,
            first: first.parse().ok()?,
        })
    }

    /// Whether it has no messages, but bytes without end.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.kind.as_str(), "stream" | "blind")
    }

    fn to(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)
    }
}

/// What came of it; zero is "does not apply".
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    /// Messages, connections or bytes a second.
    pub(crate) rate: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Connections that were held and answered.
    pub(crate) held: f64,
    pub(crate) idle_bytes: f64,
    pub(crate) used_bytes: f64,
    /// All memory of the server's processes.
    pub(crate) memory: f64,
}

impl Outcome {
    fn line(&self) -> String {
        let all = [
            self.rate,
            self.p50_us,
            self.p99_us,
            self.held,
            self.idle_bytes,
            self.used_bytes,
            self.memory,
        ];
        all.iter().fold(String::new(), |mut line, number| {
            let _ = write!(line, "{number} ");
            line
        })
    }

    pub(crate) fn read(line: &str) -> Option<Self> {
        let numbers: Vec<f64> = line.split_whitespace().flat_map(str::parse).collect();
        let [rate, p50_us, p99_us, held, idle_bytes, used_bytes, memory] = numbers[..] else {
            return None;
        };
        Some(Self {
            rate,
            p50_us,
            p99_us,
            held,
            idle_bytes,
            used_bytes,
            memory,
        })
    }
}

/// Runs the job of the command line.
pub(crate) fn main(words: &[String]) -> io::Result<()> {
    let job = Job::read(words).ok_or_else(|| io::Error::other("not a job"))?;
    space::raise_descriptor_limit()?;
    let outcome = match job.kind.as_str() {
        "churn" => churn::run(&job),
        "drops" => drops::run(&job),
        "datagrams" => datagrams::run(&job),
        "crowd" => crowd::run(&job),
        "multitude" => multitude::run(&job),
        _ => messages::run(&job),
    }?;
    println!("{}", outcome.line());
    Ok(())
}

/// The address that the nth connection comes from: thousands from each of several.
fn source(nth: usize) -> Ipv4Addr {
    let low = u32::try_from(nth / 2_000).unwrap_or_default();
    Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + 0x100 + low)
}

/// What each connection sends: the same for all, begun elsewhere, without end and without a period
/// that a buffer could hide in.
pub(crate) struct Pattern(Vec<u8>);

/// A prime: no buffer size divides it.
const PERIOD: usize = 65_521;
/// The most that is sent or compared at once.
pub(crate) const CHUNK: usize = 128 << 10;

impl Pattern {
    pub(crate) fn new() -> Self {
        let mut state = 0x9e37_79b9_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        };
        let period: Vec<u8> = (0..PERIOD).map(|_| next()).collect();
        Self(
            period
                .iter()
                .copied()
                .cycle()
                .take(PERIOD + CHUNK)
                .collect(),
        )
    }

    /// What connection `nth` sends from position `at`, at most [`CHUNK`] bytes.
    pub(crate) fn part(&self, nth: usize, at: u64, len: usize) -> &[u8] {
        let at = usize::try_from(at % PERIOD as u64).unwrap_or_default();
        let begin = (at + nth * 257) % PERIOD;
        &self.0[begin..begin + len.min(CHUNK)]
    }
}

/// Latencies, a sample at most so many.
#[derive(Default)]
struct Latencies(Vec<f64>);

impl Latencies {
    const MOST: usize = 1 << 20;

    fn add(&mut self, since: Instant, now: Instant) {
        if self.0.len() < Self::MOST {
            self.0.push(now.duration_since(since).as_secs_f64() * 1e6);
        }
    }

    /// The median and the 99th of a hundred, microseconds.
    fn quantiles(&mut self) -> (f64, f64) {
        self.0.sort_by(f64::total_cmp);
        let of = |hundredth: usize| {
            let at = self.0.len() * hundredth / 100;
            self.0.get(at).copied().unwrap_or_default()
        };
        (of(50), of(99))
    }
}

/// The bytes were not those that were sent.
fn wrong(nth: usize, at: u64) -> io::Error {
    io::Error::other(format!(
        "connection {nth}: other bytes than were sent, at {at}"
    ))
}

/// Nothing more came.
fn lost(what: &str) -> io::Error {
    io::Error::other(format!("{what}: answers are missing"))
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no 53 bits of precision"
)]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
