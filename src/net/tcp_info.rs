//! What `TCP_INFO` says that is worth reading.
//!
//! Linux only; older kernels give a shorter structure, so everything beyond the oldest part is an
//! `Option`.

use std::borrow::Cow;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sys;
use crate::time::Millis;

/// A snapshot of the kernel's view of one TCP connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TcpInfo {
    /// State, in the words of RFC 9293: `established`, `syn_sent`, …
    pub state: Cow<'static, str>,
    /// Smoothed round-trip time; right after the handshake, the handshake's.
    pub rtt_ms: Millis,
    /// Its mean deviation.
    pub rttvar_ms: Millis,
    /// The smallest seen.
    pub min_rtt_ms: Option<Millis>,
    /// Retransmission timeout in force.
    pub rto_ms: Millis,
    /// SYN segments that were sent again before the connection stood.
    pub syn_retransmits: Option<u32>,
    /// Segments sent again, in all.
    pub total_retransmits: u32,
    /// Segments in flight.
    pub unacked: u32,
    /// Unanswered keepalive or window probes.
    pub probes: u8,
    /// Exponential backoff steps of the retransmission timer.
    pub backoff: u8,
    /// Segment size for sending, bytes.
    pub snd_mss: u32,
    /// Segment size for receiving, bytes.
    pub rcv_mss: u32,
    /// The size we announced, bytes.
    pub advmss: u32,
    /// Path MTU, bytes.
    pub pmtu: u32,
    /// Congestion window, segments.
    pub snd_cwnd: u32,
    /// Congestion control algorithm.
    pub congestion: Option<String>,
    /// Options agreed in the handshake: `timestamps`, `sack`, `window_scale`, `ecn`, `syn_data`.
    pub options: Vec<Cow<'static, str>>,
    /// Segments sent.
    pub segs_out: Option<u32>,
    /// Segments received.
    pub segs_in: Option<u32>,
    /// Bytes acknowledged by the peer.
    pub bytes_acked: Option<u64>,
    /// Bytes received.
    pub bytes_received: Option<u64>,
    /// Time since the last acknowledgement came in.
    pub last_ack_recv_ms: Millis,
}

/// `struct tcp_info` (linux/tcp.h) is read at these offsets; older kernels return fewer bytes.
mod offset {
    pub(super) const STATE: usize = 0;
    pub(super) const PROBES: usize = 3;
    pub(super) const BACKOFF: usize = 4;
    pub(super) const OPTIONS: usize = 5;
    pub(super) const RTO: usize = 8;
    pub(super) const SND_MSS: usize = 16;
    pub(super) const RCV_MSS: usize = 20;
    pub(super) const UNACKED: usize = 24;
    pub(super) const LAST_ACK_RECV: usize = 56;
    pub(super) const PMTU: usize = 60;
    pub(super) const RTT: usize = 68;
    pub(super) const RTTVAR: usize = 72;
    pub(super) const SND_CWND: usize = 80;
    pub(super) const ADVMSS: usize = 84;
    pub(super) const TOTAL_RETRANS: usize = 100;
    pub(super) const BYTES_ACKED: usize = 120;
    pub(super) const BYTES_RECEIVED: usize = 128;
    pub(super) const SEGS_OUT: usize = 136;
    pub(super) const SEGS_IN: usize = 140;
    pub(super) const NOT_SENT: usize = 144;
    pub(super) const MIN_RTT: usize = 148;
    pub(super) const BYTES_SENT: usize = 200;
    pub(super) const BYTES_RETRANS: usize = 208;
}

/// Room for the structure of this and of later kernels (280 bytes on Linux 6.18).
const ROOM: usize = 512;
/// A congestion control algorithm's longest name (`TCP_CA_NAME_MAX`).
const CONGESTION_NAME: usize = 16;
/// What `tcpi_min_rtt` holds while nothing was measured.
const NO_MIN_RTT: u32 = u32::MAX;
/// The option bits of `tcpi_options` (linux/tcp.h, `TCPI_OPT_*`).
const OPTIONS: [(u8, &str); 7] = [
    (1, "timestamps"),
    (2, "sack"),
    (4, "window_scale"),
    (8, "ecn"),
    (16, "ecn_seen"),
    (SYN_DATA, "syn_data"),
    (64, "usec_timestamps"),
];
/// `TCPI_OPT_SYN_DATA`: the peer took the data of our SYN (RFC 7413).
const SYN_DATA: u8 = 32;

impl TcpInfo {
    /// Asks the kernel; `None` when the socket is not TCP.
    pub(super) fn read(fd: BorrowedFd<'_>) -> Option<Self> {
        let mut bytes = [0; ROOM];
        let len = sys::get_bytes(fd, (libc::IPPROTO_TCP, libc::TCP_INFO), &mut bytes).ok()?;
        let mut info = Self::parse(&bytes[..len])?;
        info.congestion = congestion(fd);
        Some(info)
    }

    /// Reads the structure; `None` when even its oldest part is cut.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let micros = |at| Some(Millis(Duration::from_micros(u64::from(u32_at(bytes, at)?))));
        let total_retransmits = u32_at(bytes, offset::TOTAL_RETRANS)?;
        let state = state_name(*bytes.get(offset::STATE)?);
        Some(Self {
            state: state.into(),
            rtt_ms: micros(offset::RTT)?,
            rttvar_ms: micros(offset::RTTVAR)?,
            min_rtt_ms: u32_at(bytes, offset::MIN_RTT)
                .filter(|&rtt| rtt != NO_MIN_RTT)
                .map(|rtt| Millis(Duration::from_micros(u64::from(rtt)))),
            rto_ms: micros(offset::RTO)?,
            // While SYNs are all that was sent, every retransmission was one of them.
            syn_retransmits: (state == SYN_SENT).then_some(total_retransmits),
            total_retransmits,
            unacked: u32_at(bytes, offset::UNACKED)?,
            probes: *bytes.get(offset::PROBES)?,
            backoff: *bytes.get(offset::BACKOFF)?,
            snd_mss: u32_at(bytes, offset::SND_MSS)?,
            rcv_mss: u32_at(bytes, offset::RCV_MSS)?,
            advmss: u32_at(bytes, offset::ADVMSS)?,
            pmtu: u32_at(bytes, offset::PMTU)?,
            snd_cwnd: u32_at(bytes, offset::SND_CWND)?,
            congestion: None,
            options: option_names(*bytes.get(offset::OPTIONS)?),
            segs_out: u32_at(bytes, offset::SEGS_OUT),
            segs_in: u32_at(bytes, offset::SEGS_IN),
            bytes_acked: u64_at(bytes, offset::BYTES_ACKED),
            bytes_received: u64_at(bytes, offset::BYTES_RECEIVED),
            last_ack_recv_ms: Millis(Duration::from_millis(u64::from(u32_at(
                bytes,
                offset::LAST_ACK_RECV,
            )?))),
        })
    }

    /// Whether the handshake has not been answered yet.
    #[must_use]
    pub fn is_syn_sent(&self) -> bool {
        self.state == SYN_SENT
    }

    /// Whether the peer took the data of our SYN.
    pub(super) fn took_syn_data(&self) -> bool {
        self.options.iter().any(|name| name == "syn_data")
    }
}

const SYN_SENT: &str = "syn_sent";

/// The data that has passed, without what TCP counts beside it; `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Bytes received, read or not.
    pub received: Option<u64>,
    /// Bytes given to the kernel to send.
    pub sent: Option<u64>,
}

impl Passed {
    /// Asks the kernel.
    pub(super) fn read(fd: BorrowedFd<'_>) -> Self {
        let mut bytes = [0; ROOM];
        let read = sys::get_bytes(fd, (libc::IPPROTO_TCP, libc::TCP_INFO), &mut bytes);
        read.map_or_else(|_| Self::default(), |len| Self::parse(&bytes[..len]))
    }

    /// Reads the structure. The end of a stream has a place in the sequence, which the kernel counts
    /// with the data in two of the numbers; the state tells whether it has come, or waits to be sent.
    fn parse(bytes: &[u8]) -> Self {
        let state = bytes.get(offset::STATE).map(|state| state_name(*state));
        let received = u64_at(bytes, offset::BYTES_RECEIVED);
        let received = received.and_then(|received| match state? {
            "established" | "fin_wait_1" | "fin_wait_2" => Some(received),
            "close_wait" | "last_ack" | "closing" | "time_wait" => received.checked_sub(1),
            // It may have ended either way.
            _ => None,
        });
        let ending = matches!(state, Some("fin_wait_1" | "last_ack" | "closing"));
        let waiting = u32_at(bytes, offset::NOT_SENT).map(u64::from);
        let waiting = waiting.map(|count| count.saturating_sub(u64::from(ending)));
        // Those sent again are in both.
        let first = u64_at(bytes, offset::BYTES_SENT).zip(u64_at(bytes, offset::BYTES_RETRANS));
        let first = first.and_then(|(sent, again)| sent.checked_sub(again));
        let sent = first.zip(waiting).map(|(first, waiting)| first + waiting);
        Self { received, sent }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The kernel's numbers (`include/net/tcp_states.h`) in the words of RFC 9293 §3.3.2.
fn state_name(number: u8) -> &'static str {
    match number {
        1 => "established",
        2 => SYN_SENT,
        3 | 12 => "syn_received",
        4 => "fin_wait_1",
        5 => "fin_wait_2",
        6 => "time_wait",
        7 => "closed",
        8 => "close_wait",
        9 => "last_ack",
        10 => "listen",
        11 => "closing",
        _ => "unknown",
    }
}

fn option_names(bits: u8) -> Vec<Cow<'static, str>> {
    let set = OPTIONS.iter().filter(|(bit, _)| bits & bit != 0);
    set.map(|(_, name)| Cow::Borrowed(*name)).collect()
}

fn congestion(fd: BorrowedFd<'_>) -> Option<String> {
    let mut name = [0; CONGESTION_NAME];
    let len = sys::get_bytes(fd, (libc::IPPROTO_TCP, libc::TCP_CONGESTION), &mut name).ok()?;
    let text = name[..len].split(|&byte| byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A structure of `len` bytes whose every `u32` holds its own offset, in state `state`.
    fn structure(len: usize, state: u8) -> Vec<u8> {
        let words = (0..len / 4).flat_map(|word| u32::try_from(word * 4).unwrap().to_ne_bytes());
        let mut bytes: Vec<u8> = words.collect();
        bytes[offset::STATE] = state;
        bytes[offset::OPTIONS] = 1 | 32;
        bytes
    }

    #[test]
    fn fields_are_read_at_their_offsets() {
        let info = TcpInfo::parse(&structure(280, 1)).unwrap();
        assert_eq!(info.state, "established");
        assert_eq!(info.rtt_ms, Millis(Duration::from_micros(68)));
        assert_eq!(
            (info.total_retransmits, info.unacked, info.pmtu),
            (100, 24, 60)
        );
        assert_eq!((info.segs_out, info.segs_in), (Some(136), Some(140)));
        assert_eq!(info.options, ["timestamps", "syn_data"]);
        assert!(info.took_syn_data());
        assert_eq!(info.syn_retransmits, None);
    }

    #[test]
    fn an_older_kernel_gives_less_and_nothing_is_made_up() {
        let info = TcpInfo::parse(&structure(104, 2)).unwrap();
        assert_eq!(info.syn_retransmits, Some(100));
        assert!(info.is_syn_sent());
        assert_eq!(
            (info.segs_out, info.bytes_acked, info.min_rtt_ms),
            (None, None, None)
        );
        assert_eq!(TcpInfo::parse(&structure(100, 2)), None);
    }

    #[test]
    fn the_end_of_a_stream_is_not_data() {
        let put = |bytes: &mut Vec<u8>, at: usize, number: u64| {
            bytes[at..at + 8].copy_from_slice(&number.to_ne_bytes());
        };
        // States by their numbers; three bytes came, four went (one segment of them twice).
        let rows = [
            (1, 3, 0, Some(3)),
            (4, 3, 1, Some(3)),
            (8, 4, 0, Some(3)),
            (9, 4, 0, Some(3)),
            (7, 4, 0, None),
        ];
        for (state, counted, waiting, received) in rows {
            let mut bytes = structure(280, state);
            put(&mut bytes, offset::BYTES_RECEIVED, counted);
            bytes[offset::NOT_SENT..][..4].copy_from_slice(&u32::to_ne_bytes(waiting));
            put(&mut bytes, offset::BYTES_SENT, 6);
            put(&mut bytes, offset::BYTES_RETRANS, 2);
            let sent = Some(4);
            assert_eq!(Passed::parse(&bytes), Passed { received, sent }, "{state}");
        }
        assert_eq!(Passed::parse(&structure(120, 1)), Passed::default());
    }
}
