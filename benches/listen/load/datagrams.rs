//! Datagrams back and forth, one under way on each socket.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::super::sys::Poller;
use super::{CHUNK, Job, Latencies, Outcome, PATIENCE, Pattern, lost, per_second, wrong};

/// A datagram that got lost is sent again after this, and its round trip counts.
const AGAIN: Duration = Duration::from_millis(100);

struct Peer {
    socket: UdpSocket,
    round: u64,
    since: Instant,
}

/// Counts the answers within the job's time.
pub(super) fn run(job: &Job) -> io::Result<Outcome> {
    let (mut poller, pattern) = (Poller::new()?, Pattern::new());
    let mut peers = Vec::new();
    for nth in 0..job.connections {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(job.to())?;
        socket.set_nonblocking(true)?;
        poller.add(socket.as_fd(), nth)?;
        let since = Instant::now();
        peers.push(Peer {
            socket,
            round: 0,
            since,
        });
        ask(&peers[nth], &pattern, nth, job.size)?;
    }
    let (mut done, mut latencies) = (0, Latencies::default());
    let (mut keys, mut buffer) = (Vec::new(), vec![0; CHUNK]);
    let (began, mut last) = (Instant::now(), Instant::now());
    while began.elapsed() < job.time {
        poller.wait(&mut keys, AGAIN)?;
        if keys.is_empty() {
            if last.elapsed() > PATIENCE {
                return Err(lost("datagrams"));
            }
            for (nth, peer) in peers.iter().enumerate() {
                ask(peer, &pattern, nth, job.size)?;
            }
        }
        for &nth in &keys {
            let peer = &mut peers[nth];
            while let Ok(count) = peer.socket.recv(&mut buffer) {
                let expected = pattern.part(nth, peer.round, job.size);
                if buffer[..count] != *expected {
                    // The answer to one that was sent twice.
                    let before = pattern.part(nth, peer.round.wrapping_sub(1), job.size);
                    if buffer[..count] != *before {
                        return Err(wrong(nth, peer.round));
                    }
                    continue;
                }
                last = Instant::now();
                latencies.add(peer.since, last);
                (done, peer.round, peer.since) = (done + 1, peer.round + 1, last);
                ask(peer, &pattern, nth, job.size)?;
            }
        }
    }
    let (p50_us, p99_us) = latencies.quantiles();
    Ok(Outcome {
        rate: per_second(done, began.elapsed()),
        p50_us,
        p99_us,
        ..Outcome::default()
    })
}

fn ask(peer: &Peer, pattern: &Pattern, nth: usize, size: usize) -> io::Result<()> {
    match peer.socket.send(pattern.part(nth, peer.round, size)) {
        // The server is not there yet, or its buffer is full: it is asked again.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused | io::ErrorKind::WouldBlock
            ) =>
        {
            Ok(())
        }
        result => result.map(drop),
    }
}
