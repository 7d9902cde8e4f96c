//! Messages back and forth on connections that stay, and streams: the same with an endless message.
//! A `blind` stream is not looked at when it comes back, only counted.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::super::sys::{self, Poller};
use super::{CHUNK, Job, Latencies, Outcome, PATIENCE, Pattern, lost, per_second, source, wrong};

/// One connection to the server.
struct Conn {
    stream: TcpStream,
    sent: u64,
    received: u64,
    /// May be sent until an answer comes.
    allowed: u64,
    since: Instant,
}

struct Load<'a> {
    job: &'a Job,
    pattern: Pattern,
    conns: Vec<Conn>,
    buffer: Vec<u8>,
    latencies: Latencies,
    messages: u64,
    bytes: u64,
    /// No new message is begun.
    ending: bool,
}

/// Part of the time that is not measured, at the start: one part in so many.
const WARM_UP: u32 = 5;

/// Runs for the job's time and counts what came back in it; then waits for what is still under way.
pub(super) fn run(job: &Job) -> io::Result<Outcome> {
    let mut poller = Poller::new()?;
    let mut load = Load::new(job)?;
    for (key, conn) in load.conns.iter().enumerate() {
        poller.add(conn.stream.as_fd(), key)?;
    }
    load.for_time(&mut poller, job.time / WARM_UP)?;
    (load.messages, load.bytes, load.latencies) = (0, 0, Latencies::default());
    let began = Instant::now();
    load.for_time(&mut poller, job.time)?;
    let time = began.elapsed();
    let count = if job.is_stream() {
        load.bytes
    } else {
        load.messages
    };
    let (p50_us, p99_us) = load.latencies.quantiles();
    load.finish(&mut poller)?;
    load.conns
        .iter()
        .for_each(|conn| sys::reset_at_close(&conn.stream));
    Ok(Outcome {
        rate: per_second(count, time),
        p50_us,
        p99_us,
        held: per_second(load.conns.len() as u64, Duration::from_secs(1)),
        ..Outcome::default()
    })
}

impl<'a> Load<'a> {
    fn new(job: &'a Job) -> io::Result<Self> {
        let conns = (0..job.connections).map(|nth| {
            let stream = sys::connect(source(nth), job.to())?;
            stream.set_nodelay(true)?;
            Ok(Conn {
                stream,
                sent: 0,
                received: 0,
                allowed: if job.is_stream() {
                    u64::MAX
                } else {
                    job.size as u64
                },
                since: Instant::now(),
            })
        });
        Ok(Self {
            job,
            pattern: Pattern::new(),
            conns: conns.collect::<io::Result<_>>()?,
            buffer: vec![0; CHUNK],
            latencies: Latencies::default(),
            messages: 0,
            bytes: 0,
            ending: false,
        })
    }

    fn for_time(&mut self, poller: &mut Poller, time: Duration) -> io::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.round(poller)?;
        }
        Ok(())
    }

    /// Nothing new is sent; what was must come back.
    fn finish(&mut self, poller: &mut Poller) -> io::Result<()> {
        self.ending = true;
        let end = Instant::now() + PATIENCE;
        while self.conns.iter().any(|conn| conn.received < conn.sent) {
            if Instant::now() > end {
                return Err(lost("messages"));
            }
            self.round(poller)?;
        }
        Ok(())
    }

    fn round(&mut self, poller: &mut Poller) -> io::Result<()> {
        let mut keys = Vec::new();
        poller.wait(&mut keys, Duration::from_millis(100))?;
        for key in keys {
            self.turn(key)?;
        }
        Ok(())
    }

    /// Receives what is there, and sends what may be sent: a message with one call each, so that the
    /// generator has work left for the server when the server has none for it.
    fn turn(&mut self, key: usize) -> io::Result<()> {
        loop {
            let more = self.read(key)?;
            let goes_on = self.write(key)?;
            if !more && !goes_on {
                return Ok(());
            }
        }
    }

    /// Sends what may be sent; true if it may go on at once.
    fn write(&mut self, key: usize) -> io::Result<bool> {
        let conn = &mut self.conns[key];
        // A message that was begun is ended; a stream is not.
        if self.ending && (self.job.is_stream() || conn.sent.is_multiple_of(self.job.size as u64)) {
            return Ok(false);
        }
        let left = usize::try_from(conn.allowed - conn.sent).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(false);
        }
        if conn.sent.is_multiple_of(self.job.size.max(1) as u64) {
            conn.since = Instant::now();
        }
        let bytes = self.pattern.part(key, conn.sent, left);
        match conn.stream.write(bytes) {
            Ok(count) => {
                conn.sent += count as u64;
                Ok(count == bytes.len() && conn.sent < conn.allowed)
            }
            Err(error) if waits(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Receives and verifies; true if there may be more to do at once.
    fn read(&mut self, key: usize) -> io::Result<bool> {
        let conn = &mut self.conns[key];
        let blind = self.job.kind == "blind";
        let result = if blind {
            sys::throw_away(&conn.stream, CHUNK)
        } else {
            conn.stream.read(&mut self.buffer)
        };
        let count = match result {
            Ok(0) => return Err(lost("the server has closed")),
            Ok(count) => count,
            Err(error) if waits(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        if !blind && self.buffer[..count] != *self.pattern.part(key, conn.received, count) {
            return Err(wrong(key, conn.received));
        }
        conn.received += count as u64;
        self.bytes += count as u64;
        if conn.received == conn.allowed {
            self.messages += 1;
            self.latencies.add(conn.since, Instant::now());
            conn.allowed += self.job.size as u64;
        }
        // A read that did not fill the buffer has taken all there was; what comes is a new event.
        Ok(count == self.buffer.len())
    }
}

/// Nothing to do until the poller says so; a connection that is still being made is the same.
pub(super) fn waits(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected
    )
}
