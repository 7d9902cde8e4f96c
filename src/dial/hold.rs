//! Keeping a connection open after the dial, and reading from the segment counters whether its
//! keepalive probes were sent and acknowledged.
//!
//! No packet capture and no privilege: on an idle connection every segment out is a probe and
//! every segment in is its acknowledgement (`TCP_INFO`, `tcpi_segs_out` and `tcpi_segs_in`).

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::event::Event;
use super::recorder::Recorder;
use super::report::Hold;
use crate::deadline::{Deadline, Expired};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::net::{Connection, TcpInfo};

/// Bytes read at once from a peer that speaks while it is held; they are only counted.
const CHUNK: usize = 16 * 1024;

/// Holds the connection for `duration` and returns what ended it early, if anything did.
pub(super) async fn hold(
    connection: &mut dyn Connection,
    duration: Duration,
    stop: &Deadline,
    recorder: &mut Recorder<'_>,
) -> Option<Failure> {
    let (start, before) = (Instant::now(), connection.tcp_info());
    let mut received = 0;
    let until = Deadline::new(start.checked_add(duration), stop.cancel().clone());
    let failure = match until.bound(read_to_end(connection, &mut received)).await {
        Err(Expired::TimedOut | Expired::Cancelled) => None,
        Ok(Ok(())) => Some(closed(recorder, received)),
        Ok(Err(error)) => Some(connection.explain(Stage::Receive, &error)),
    };
    let after = connection.tcp_info();
    let (probes_sent, probes_acked) = match (before, after) {
        (Some(before), Some(after)) if received == 0 => probes(&before, &after),
        _ => (None, None),
    };
    recorder.now(Event::HoldDone(Hold {
        held_ms: start.elapsed().into(),
        probes_sent,
        probes_acked,
        received_bytes: received,
        alive: failure.is_none(),
        failure: failure.clone(),
    }));
    failure
}

/// Reads and counts until the peer closes. Cancel safe: the count stays true.
async fn read_to_end(connection: &mut dyn Connection, received: &mut u64) -> std::io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match connection.read(&mut chunk).await? {
            0 => return Ok(()),
            count => *received += count as u64,
        }
    }
}

fn closed(recorder: &Recorder<'_>, after_bytes: u64) -> Failure {
    let peer = recorder
        .report
        .peer
        .as_deref()
        .unwrap_or(&recorder.report.target);
    let message = format!("{peer} closed the connection while it was held");
    Failure::new(Stage::Receive, Kind::ClosedEarly, message)
        .by(Who::Peer)
        .because(Evidence::Fin { after_bytes })
}

/// Probes sent and acknowledged between two snapshots of an idle connection. What ends it (a FIN)
/// comes in as a segment too, so more are never counted as acknowledged than were sent.
fn probes(before: &TcpInfo, after: &TcpInfo) -> (Option<u32>, Option<u32>) {
    let sent = delta(before, after, |info| info.segs_out);
    let acked = delta(before, after, |info| info.segs_in);
    (sent, acked.zip(sent).map(|(acked, sent)| acked.min(sent)))
}

fn delta(
    before: &TcpInfo,
    after: &TcpInfo,
    counter: impl Fn(&TcpInfo) -> Option<u32>,
) -> Option<u32> {
    Some(counter(after)?.wrapping_sub(counter(before)?))
}
