//! What an exchange that did not go as wanted means.

use super::talk::{Broken, Talk};
use crate::dial::report::Report;
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::net::TcpInfo;

/// How much of an unexpected reply is quoted as evidence.
const QUOTED: usize = 64;

/// The peer closed, or all was said, before what was wanted had come; `None` when it had.
pub(super) fn unmet(talk: &Talk<'_>, report: &Report) -> Option<Failure> {
    if talk.connection.is_datagram() && !talk.heard() {
        return Some(no_reply(talk, &peer(report)));
    }
    if talk.goal_reached() && (talk.said_all() || talk.matched) {
        return None;
    }
    if talk.plan.expect.is_some() && !talk.matched && talk.received > 0 {
        return Some(unexpected(talk, report, "and then closed the connection"));
    }
    let (peer, bytes) = (peer(report), talk.received);
    let message = match talk.plan.read {
        Some(wanted) => format!("{peer} closed the connection after {bytes} of {wanted} bytes"),
        None if bytes > 0 => format!("{peer} closed the connection after {bytes} bytes"),
        None => format!("{peer} closed the connection without a word"),
    };
    let failure = Failure::new(Stage::Receive, Kind::ClosedEarly, message);
    Some(
        failure
            .by(Who::Peer)
            .because(Evidence::Fin { after_bytes: bytes }),
    )
}

/// A system call failed: the socket knows why.
pub(super) fn broken(talk: &Talk<'_>, broken: &Broken) -> Failure {
    talk.connection.explain(broken.stage, &broken.error)
}

/// The deadline passed.
pub(super) fn timed_out(talk: &Talk<'_>, report: &Report) -> Failure {
    let peer = peer(report);
    if talk.connection.is_datagram() && !talk.heard() {
        return no_reply(talk, &peer);
    }
    if let Some(failure) = unacknowledged(talk, &peer) {
        return failure;
    }
    if !talk.said_all() && !talk.plan.banner {
        let of = talk.plan.send.as_ref().map_or(0, Vec::len);
        let message = format!("{peer} took only {} of {of} bytes in time", talk.sent);
        return Failure::new(Stage::Send, Kind::Timeout, message);
    }
    if talk.plan.expect.is_some() && talk.received > 0 {
        return unexpected(talk, report, "in time");
    }
    let message = match (talk.received, talk.plan.read) {
        (0, _) => format!("{peer} accepted the connection and said nothing in time"),
        (got, Some(wanted)) => format!("{peer} sent only {got} of {wanted} bytes in time"),
        (got, None) => format!("{peer} sent {got} bytes and did not finish in time"),
    };
    let failure = Failure::new(Stage::Receive, Kind::Timeout, message);
    match talk.received {
        0 => failure,
        _ => failure
            .by(Who::Peer)
            .hint("it is slow, or has no more to say: see --timeout and --read"),
    }
}

/// Whom the messages speak of.
fn peer(report: &Report) -> String {
    report.peer.clone().unwrap_or_else(|| report.target.clone())
}

fn no_reply(talk: &Talk<'_>, peer: &str) -> Failure {
    let message = match talk.sent {
        0 => format!("nothing came back from {peer} after one empty datagram"),
        bytes => format!("nothing came back from {peer} after one datagram of {bytes} bytes"),
    };
    Failure::new(Stage::Receive, Kind::NoReply, message)
}

/// Data in flight that was sent again and never acknowledged: the peer's kernel is gone.
fn unacknowledged(talk: &Talk<'_>, peer: &str) -> Option<Failure> {
    let TcpInfo {
        unacked: segments,
        total_retransmits: retransmits,
        backoff,
        ..
    } = talk.connection.tcp_info()?;
    // The backoff is what counts: an acknowledgement resets it, so a slow upload that once lost a
    // segment is no dead peer.
    if segments == 0 || backoff == 0 {
        return None;
    }
    let message =
        format!("{peer} acknowledged nothing any more: data was sent {retransmits} more times");
    let failure = Failure::new(Stage::Send, Kind::HalfOpen, message);
    Some(failure.because(Evidence::Unacknowledged {
        segments: Some(segments),
        retransmits,
    }))
}

fn unexpected(talk: &Talk<'_>, report: &Report, how: &str) -> Failure {
    let (peer, bytes) = (peer(report), talk.received);
    let message = format!("{peer} sent {bytes} bytes, not what was expected, {how}");
    let first = &talk.captured[..talk.captured.len().min(QUOTED)];
    let text = first.escape_ascii().to_string();
    Failure::new(Stage::Receive, Kind::UnexpectedReply, message)
        .by(Who::Netkit)
        .because(Evidence::FirstBytes { text })
}
