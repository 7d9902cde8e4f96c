//! What `TCP_INFO` says that is worth reading.
//!
//! Linux only; older kernels give a shorter structure, so everything beyond the oldest part is an
//! `Option`.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// A snapshot of the kernel's view of one TCP connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TcpInfo {
    /// State, in the words of RFC 9293: `established`, `syn_sent`, …
    pub state: String,
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
    pub options: Vec<String>,
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
