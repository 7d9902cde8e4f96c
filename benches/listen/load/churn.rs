//! Connections that come, say one message and go: how many a second.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::super::sys::{self, Poller};
use super::{CHUNK, Job, Latencies, Outcome, PATIENCE, Pattern, lost, per_second, source, wrong};

/// A connection and how far it is.
struct Visit {
    stream: TcpStream,
    /// Its number, which chooses what it says.
    nth: usize,
    sent: bool,
    received: usize,
    since: Instant,
}

struct Load<'a> {
    job: &'a Job,
    pattern: Pattern,
    buffer: Vec<u8>,
    visits: Vec<Visit>,
    begun: usize,
    done: u64,
    latencies: Latencies,
}

/// Keeps `connections` visits under way for the job's time.
pub(super) fn run(job: &Job) -> io::Result<Outcome> {
    let mut poller = Poller::new()?;
    let mut load = Load {
        job,
        pattern: Pattern::new(),
        buffer: vec![0; CHUNK],
        visits: Vec::new(),
        begun: 0,
        done: 0,
        latencies: Latencies::default(),
    };
    for slot in 0..job.connections {
        let visit = load.begin(&poller, slot)?;
        load.visits.push(visit);
    }
    let (began, mut last) = (Instant::now(), (Instant::now(), 0));
    let mut keys = Vec::new();
    while began.elapsed() < job.time {
        poller.wait(&mut keys, Duration::from_millis(100))?;
        for &slot in &keys {
            if load.step(slot)? {
                load.visits[slot] = load.begin(&poller, slot)?;
            }
        }
        if load.done != last.1 {
            last = (Instant::now(), load.done);
        } else if last.0.elapsed() > PATIENCE {
            return Err(lost("churn"));
        }
    }
    let (p50_us, p99_us) = load.latencies.quantiles();
    Ok(Outcome {
        rate: per_second(load.done, began.elapsed()),
        p50_us,
        p99_us,
        ..Outcome::default()
    })
}

impl Load<'_> {
    fn begin(&mut self, poller: &Poller, slot: usize) -> io::Result<Visit> {
        let nth = self.begun;
        self.begun += 1;
        // All sources in turn: none runs out of ports.
        let stream = sys::connect(source(nth % 64 * 2_000), self.job.to())?;
        poller.add(stream.as_fd(), slot)?;
        Ok(Visit {
            stream,
            nth,
            sent: false,
            received: 0,
            since: Instant::now(),
        })
    }

    /// Goes on with a visit; true at its end.
    fn step(&mut self, slot: usize) -> io::Result<bool> {
        let (visit, size) = (&mut self.visits[slot], self.job.size);
        if !visit.sent {
            match visit.stream.write(self.pattern.part(visit.nth, 0, size)) {
                Ok(_) => visit.sent = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        let count = match visit.stream.read(&mut self.buffer) {
            Ok(0) => return Err(lost("the server has closed")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        let expected = self.pattern.part(visit.nth, visit.received as u64, count);
        if self.buffer[..count] != *expected {
            return Err(wrong(visit.nth, visit.received as u64));
        }
        visit.received += count;
        if visit.received < size {
            return Ok(false);
        }
        self.done += 1;
        self.latencies.add(visit.since, Instant::now());
        Ok(true)
    }
}
