//! A crowd that connects and is silent; then each says one message. What it costs the server.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::super::sys::{self, Poller};
use super::super::tree;
use super::{Job, Latencies, Outcome, Pattern, per_second, source, wrong};

/// Connections that are being made at once.
const AT_ONCE: usize = 512;
/// Messages that are under way at once.
pub(super) const TALKING: usize = 64;
/// How long an answer may take before the connection counts as not held.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same where others were not answered: a server that has no descriptors left (Go's pipes) leaves
/// thousands unanswered, which would take hours.
const LITTLE_PATIENCE: Duration = Duration::from_millis(100);
/// The same behind one of the same group: what is coming is there by then.
const NO_PATIENCE: Duration = Duration::from_millis(1);

/// Connects, looks at the server's memory, has each exchange one message, and looks again.
pub(super) fn run(job: &Job) -> io::Result<Outcome> {
    let (pattern, wanted) = (Pattern::new(), job.connections);
    // The first exchange makes the server touch what it needs but once.
    exchange(&mut [Some(connect(job, 0)?)], &pattern, job.size)?;
    std::thread::sleep(Duration::from_millis(50));
    let before = tree::memory(job.server);
    let began = Instant::now();
    let mut crowd = gather(job, wanted)?;
    // Those that came last are answered once all are accepted.
    let tail = wanted.saturating_sub(TALKING);
    let mut latencies = exchange(&mut crowd[tail..], &pattern, job.size)?;
    let accepted_in = began.elapsed();
    std::thread::sleep(Duration::from_millis(50));
    let idle = tree::memory(job.server);
    let mut all = exchange(&mut crowd[..tail], &pattern, job.size)?;
    latencies.0.append(&mut all.0);
    let used = tree::memory(job.server);
    let held = crowd.iter().flatten().count() as u64;
    let each = |now: u64| per_second(now.saturating_sub(before), Duration::from_secs(held.max(1)));
    let (p50_us, p99_us) = latencies.quantiles();
    crowd
        .iter()
        .flatten()
        .for_each(|(_, stream)| sys::reset_at_close(stream));
    Ok(Outcome {
        rate: per_second(held, accepted_in),
        p50_us,
        p99_us,
        held: per_second(held, Duration::from_secs(1)),
        idle_bytes: each(idle),
        used_bytes: each(used),
        memory: per_second(used, Duration::from_secs(1)),
    })
}

/// One of the crowd, while it is held, under its number.
pub(super) type Member = Option<(usize, TcpStream)>;

fn connect(job: &Job, nth: usize) -> io::Result<(usize, TcpStream)> {
    Ok((nth, sys::connect(source(job.first + nth), job.to())?))
}

/// Connects all, as many at once as a backlog takes.
pub(super) fn gather(job: &Job, wanted: usize) -> io::Result<Vec<Member>> {
    let mut poller = Poller::new()?;
    let (mut crowd, mut keys, mut done): (Vec<Member>, _, _) = (Vec::new(), Vec::new(), 0);
    while done < wanted {
        while crowd.len() < wanted && crowd.len() < done + AT_ONCE {
            let (nth, stream) = connect(job, crowd.len())?;
            poller.add(stream.as_fd(), nth)?;
            crowd.push(Some((nth, stream)));
        }
        poller.wait(&mut keys, PATIENCE)?;
        if keys.is_empty() {
            break; // the server takes no more
        }
        // Each is told once: that it is connected, or that it is not.
        done += keys.len();
    }
    crowd.resize_with(wanted, || None);
    Ok(crowd)
}

/// Has each send one message and get it back; who gets none is no longer held.
pub(super) fn exchange(
    crowd: &mut [Member],
    pattern: &Pattern,
    size: usize,
) -> io::Result<Latencies> {
    let mut latencies = Latencies::default();
    let mut buffer = vec![0; size];
    let mut patience = PATIENCE;
    for group in crowd.chunks_mut(TALKING) {
        let began = Instant::now();
        for member in group.iter_mut() {
            let said = member.as_mut().is_some_and(|(nth, stream)| {
                stream.set_nonblocking(false).is_ok()
                    && stream.write_all(pattern.part(*nth, 0, size)).is_ok()
            });
            if !said {
                *member = None;
            }
        }
        let mut waited = patience;
        for member in group.iter_mut() {
            let Some((nth, stream)) = member else {
                continue;
            };
            let heard = stream.set_read_timeout(Some(waited));
            if heard.and_then(|()| stream.read_exact(&mut buffer)).is_err() {
                (*member, waited, patience) = (None, NO_PATIENCE, LITTLE_PATIENCE);
                continue;
            }
            latencies.add(began, Instant::now());
            if buffer != pattern.part(*nth, 0, size) {
                return Err(wrong(*nth, 0));
            }
        }
    }
    Ok(latencies)
}
